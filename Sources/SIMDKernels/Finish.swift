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
    /// Whether the loop asks at every vector after all, as it must for a mask and for columns that do not
    /// fill the last panel. The other two have no meaning then.
    static var isGeneral: Bool { get }
  }
  enum Plain: Rule {
    static var addsUp: Bool { false }
    static var rectifies: Bool { false }
    static var isGeneral: Bool { false }
  }
  enum Rectified: Rule {
    static var addsUp: Bool { false }
    static var rectifies: Bool { true }
    static var isGeneral: Bool { false }
  }
  enum Sum: Rule {
    static var addsUp: Bool { true }
    static var rectifies: Bool { false }
    static var isGeneral: Bool { false }
  }
  enum RectifiedSum: Rule {
    static var addsUp: Bool { true }
    static var rectifies: Bool { true }
    static var isGeneral: Bool { false }
  }
  enum General: Rule {
    static var addsUp: Bool { false }
    static var rectifies: Bool { false }
    static var isGeneral: Bool { true }
  }

  /// A loop that is compiled once for every rule.
  protocol Loop {
    func run<R: Rule>(_ rule: R.Type, _ finish: Finish)
  }

  /// Runs a loop under the rule that fits this finish.
  @inline(__always)
  func callAsFunction(_ loop: some Loop) {
    if mask != nil || columns % panelWidth != 0 {
      loop.run(General.self, self)
    } else if addend == nil {
      if relu { loop.run(Rectified.self, self) } else { loop.run(Plain.self, self) }
    } else {
      if relu { loop.run(RectifiedSum.self, self) } else { loop.run(Sum.self, self) }
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
      writeGeneral(sum, start, column)
      return
    }
    var value = sum
    if R.addsUp, let addend { value += load(addend + start) }
    if R.rectifies { value.replace(with: 0, where: value .< 0) }
    store(value, output + start)
  }

  @inline(__always)
  private func writeGeneral(_ sum: Vector, _ start: Int, _ column: Int) {
    if column + Vector.scalarCount <= columns {
      var value = sum
      if let addend { value += load(addend + start) }
      if relu { value.replace(with: 0, where: value .< 0) }
      if let mask { value.replace(with: 0, where: .!(load(mask + start) .> 0)) }
      store(value, output + start)
    } else {
      writePart(sum, start, columns - column)
    }
  }

  /// Stores the last `count` columns where they do not fill a vector. Never inlined: a loop over lanes
  /// beside the sums of a tile would drive these out of their registers.
  @inline(never)
  private func writePart(_ sum: Vector, _ start: Int, _ count: Int) {
    for lane in 0..<max(0, count) {
      var value = sum[lane]
      if let addend { value += addend[start + lane] }
      if relu, value < 0 { value = 0 }
      if let mask, !(mask[start + lane] > 0) { value = 0 }
      output[start + lane] = value
    }
  }
}
