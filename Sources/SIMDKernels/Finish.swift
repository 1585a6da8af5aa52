internal import CVector
import KernelTables

// The end of a product, which knows when its loop is compiled what it has to do.
extension Finish {
  /// What is known of the end of a product when its loop is compiled, so that nothing is asked there
  /// for every vector. Types rather than values: each has a loop of its own, in which the sums stay in
  /// registers.
  protocol Rule {
    static var addsUp: Bool { get }
    static var rectifies: Bool { get }
    /// Anything, with whatever columns: then the other two say nothing.
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

  /// Runs the loop of the rule that this is.
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

  /// Asks for what the end of a tile will read and write, two vectors of every row, before its sums are
  /// made.
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

  /// The last columns where they do not fill a vector. A call of its own: loops over lanes among
  /// the vectors of a tile would keep those out of registers.
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
