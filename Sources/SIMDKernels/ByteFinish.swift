internal import CVector
import KernelTables

/// Whether there is an addend, known when a loop is compiled.
protocol ByteRule {
  static var addsUp: Bool { get }
}
enum WithAddend: ByteRule {
  static var addsUp: Bool { true }
}
enum WithoutAddend: ByteRule {
  static var addsUp: Bool { false }
}

/// Makes bytes of sums of one or two vectors of columns.
struct ByteFinish<Rule: ByteRule> {
  private let target: Requantization
  private let column: Int
  private let left: Vector
  private let right: Vector
  private let addendScale: Vector

  /// - Parameters:
  ///   - column: the first one.
  ///   - next: the first one of the second vector, or the same for one vector.
  @inline(__always)
  init(_ target: Requantization, column: Int, next: Int) {
    self.target = target
    self.column = column
    left = load(target.scale + column)
    right = load(target.scale + next)
    addendScale = Vector(repeating: target.addendScale)
  }

  @inline(__always)
  private func value(
    _ sums: WholeVector, _ scale: Vector, _ shift: UnsafePointer<Float>, _ place: Int
  ) -> Vector {
    let value = fused(float(sums), scale, load(shift + column))
    guard Rule.addsUp, let addend = target.addend else { return value }
    return fused(float(load(addend + place)), addendScale, value)
  }

  /// The results of two rows of two vectors that stand side by side.
  @inline(__always)
  func bytes(
    _ left: WholeVector, _ right: WholeVector, _ nextLeft: WholeVector, _ nextRight: WholeVector,
    _ rows: some ByteRowPlaces, _ row: Int
  ) -> FourByteVectors {
    let (place, next) = (rows.position(row) + column, rows.position(row + 1) + column)
    let (shift, nextShift) = (rows.shift(row), rows.shift(row + 1))
    let width = WholeVector.scalarCount
    return nearestBytes(
      value(left, self.left, shift, place),
      value(right, self.right, shift + width, place + width),
      value(nextLeft, self.left, nextShift, next),
      value(nextRight, self.right, nextShift + width, next + width))
  }

  @inline(__always)
  func store(_ bytes: FourByteVectors, _ rows: some ByteRowPlaces, _ row: Int) {
    let output = UnsafeMutableRawPointer(target.output + column)
    storeHalves(bytes, output + rows.position(row), output + rows.position(row + 1))
  }

  #if AVX512
    /// The results of four rows of one vector.
    @inline(__always)
    func loneBytes(
      _ a: WholeVector, _ b: WholeVector, _ c: WholeVector, _ d: WholeVector,
      _ rows: some ByteRowPlaces, _ row: Int
    ) -> FourByteVectors {
      nearestBytes(
        value(a, left, rows.shift(row), rows.position(row) + column),
        value(b, left, rows.shift(row + 1), rows.position(row + 1) + column),
        value(c, left, rows.shift(row + 2), rows.position(row + 2) + column),
        value(d, left, rows.shift(row + 3), rows.position(row + 3) + column))
    }

    @inline(__always)
    func storeLone(_ bytes: FourByteVectors, _ rows: some ByteRowPlaces, _ row: Int) {
      let output = UnsafeMutableRawPointer(target.output + column)
      store_quarters_16(
        bytes, output + rows.position(row), output + rows.position(row + 1),
        output + rows.position(row + 2), output + rows.position(row + 3))
    }
  #endif

  /// The result of one vector of bytes, taken as sums, at the same place of the output.
  @inline(__always)
  func map(_ input: UnsafePointer<UInt8>, _ place: Int) {
    var value = fused(float(load(input + place)), left, load(target.shift + column))
    if Rule.addsUp, let addend = target.addend {
      value = fused(float(load(addend + place)), addendScale, value)
    }
    UnsafeMutableRawPointer(target.output + place).storeBytes(
      of: nearestBytes(value), as: ByteVector.self)
  }
}

extension Requantization {
  /// Stores rows of bytes as if they were sums.
  @inline(__always)
  func rows(of input: UnsafePointer<UInt8>, count: Int) {
    if addend == nil {
      rows(of: input, count: count, WithoutAddend.self)
    } else {
      rows(of: input, count: count, WithAddend.self)
    }
  }

  private func rows<R: ByteRule>(of input: UnsafePointer<UInt8>, count: Int, _ rule: R.Type) {
    var column = 0
    while column < columns {
      let finish = ByteFinish<R>(self, column: column, next: column)
      for row in 0..<count { finish.map(input, row * stride + column) }
      column += Vector.scalarCount
    }
  }
}
