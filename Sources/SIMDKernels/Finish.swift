internal import CVector
import KernelTables

// How sums are finished and stored. The usual combinations have a loop of their own each.
extension Finish {
  /// What a loop has to do with a finished sum, known when the loop is compiled, so that it need not ask
  /// at every vector. Types rather than values: every rule gets a loop of its own, in which the sums stay
  /// in registers.
  protocol Rule {
    /// Whether there is an addend.
    static var addsUp: Bool { get }
    /// Whether negative results become 0.
    static var rectifies: Bool { get }
    /// Whether the signs of the results are written.
    static var writesSigns: Bool { get }
    /// Whether results are 0 where a mask says so.
    static var masks: Bool { get }
    /// Whether the loop asks at every vector after all, as it must for columns that do not fill the last panel. The
    /// others have no meaning then.
    static var isGeneral: Bool { get }
  }
  enum Plain: Rule {}
  enum Sum: Rule { static var addsUp: Bool { true } }
  enum Rectified: Rule { static var rectifies: Bool { true } }
  enum RectifiedSum: Rule {
    static var addsUp: Bool { true }
    static var rectifies: Bool { true }
  }
  enum Signed: Rule {
    static var rectifies: Bool { true }
    static var writesSigns: Bool { true }
  }
  enum SignedSum: Rule {
    static var addsUp: Bool { true }
    static var rectifies: Bool { true }
    static var writesSigns: Bool { true }
  }
  enum Masked: Rule { static var masks: Bool { true } }
  enum MaskedSum: Rule {
    static var addsUp: Bool { true }
    static var masks: Bool { true }
  }
  enum General: Rule { static var isGeneral: Bool { true } }

  /// A loop that is compiled once for every rule.
  protocol Loop {
    func run<R: Rule>(_ rule: R.Type, _ finish: Finish)
  }

  /// Runs a loop under the rule that fits this finish.
  @inline(__always)
  func callAsFunction(_ loop: some Loop) {
    switch (columns % panelWidth == 0, addend != nil, relu) {
    case (true, false, false) where mask == nil: loop.run(Plain.self, self)
    case (true, true, false) where mask == nil: loop.run(Sum.self, self)
    case (true, false, false): loop.run(Masked.self, self)
    case (true, true, false): loop.run(MaskedSum.self, self)
    case (true, false, true) where mask == nil && signs == nil: loop.run(Rectified.self, self)
    case (true, true, true) where mask == nil && signs == nil: loop.run(RectifiedSum.self, self)
    case (true, false, true) where mask == nil: loop.run(Signed.self, self)
    case (true, true, true) where mask == nil: loop.run(SignedSum.self, self)
    default: loop.run(General.self, self)
    }
  }

  /// Asks for the memory that the end of a tile will read and write, two vectors of every row, so that it
  /// arrives while the sums are formed.
  @inline(__always)
  func prefetch<R: Rule>(_ row: Int, _ column: Int, _ rule: R.Type) {
    var start = row * stride + column
    for _ in 0..<tileRows {
      if R.addsUp, let addend {
        CVector.prefetch(addend + start)
        CVector.prefetch(addend + start + Vector.scalarCount)
      }
      prefetchForWriting(output + start)
      prefetchForWriting(output + start + Vector.scalarCount)
      start += stride
    }
  }

  /// Stores one vector of a row, from `column` on.
  @inline(__always)
  func write<R: Rule>(_ sum: Vector, _ row: Int, _ column: Int, _ rule: R.Type) {
    let start = row * stride + column
    if R.isGeneral {
      writeGeneral(sum, row, column)
      return
    }
    var value = sum
    if R.addsUp, let addend { value += load(addend + start) }
    if R.rectifies { value.replace(with: 0, where: value .< 0) }
    if R.writesSigns, let signs { storeSigns(value, signs + row * signStride, column) }
    if R.masks, let mask { value = masked(value, mask + row * signStride, column) }
    store(value, output + start)
  }

  @inline(__always)
  private func writeGeneral(_ sum: Vector, _ row: Int, _ column: Int) {
    let start = row * stride + column
    if column + Vector.scalarCount <= columns {
      var value = sum
      if let addend { value += load(addend + start) }
      if relu { value.replace(with: 0, where: value .< 0) }
      if let signs { storeSigns(value, signs + row * signStride, column) }
      if let mask { value = masked(value, mask + row * signStride, column) }
      store(value, output + start)
    } else {
      writePart(sum, row, column)
    }
  }

  /// Stores the last columns where they do not fill a vector. Never inlined: a loop over lanes
  /// beside the sums of a tile would drive these out of their registers.
  @inline(never)
  private func writePart(_ sum: Vector, _ row: Int, _ column: Int) {
    for lane in 0..<max(0, columns - column) {
      let position = row * stride + column + lane
      var value = sum[lane]
      if let addend { value += addend[position] }
      if relu, value < 0 { value = 0 }
      if let signs { Signs.set(value > 0, column + lane, of: signs + row * signStride) }
      if let mask, !Signs.isSet(column + lane, of: mask + row * signStride) { value = 0 }
      output[position] = value
    }
  }
}

extension Finish.Rule {
  static var addsUp: Bool { false }
  static var rectifies: Bool { false }
  static var writesSigns: Bool { false }
  static var masks: Bool { false }
  static var isGeneral: Bool { false }
}
