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
  private let left: (scale: Vector, shift: Vector)
  private let right: (scale: Vector, shift: Vector)
  private let addendScale: Vector

  /// - Parameters:
  ///   - column: the first one.
  ///   - next: the first one of the second vector, or the same for one vector.
  @inline(__always)
  init(_ target: Requantization, column: Int, next: Int) {
    self.target = target
    self.column = column
    left = (load(target.scale + column), load(target.shift + column))
    right = (load(target.scale + next), load(target.shift + next))
    addendScale = Vector(repeating: target.addendScale)
  }

  @inline(__always)
  private func value(
    _ sums: WholeVector, _ map: (scale: Vector, shift: Vector), _ place: Int
  ) -> Vector {
    let value = fused(float(sums), map.scale, map.shift)
    guard Rule.addsUp, let addend = target.addend else { return value }
    return fused(float(load(addend + place)), addendScale, value)
  }

  /// The results of two rows of two vectors that stand side by side.
  @inline(__always)
  func bytes(
    _ left: WholeVector, _ right: WholeVector, _ nextLeft: WholeVector, _ nextRight: WholeVector,
    _ places: UnsafePointer<BytePlace>
  ) -> FourByteVectors {
    let (place, next) = (places[0].position + column, places[1].position + column)
    let width = WholeVector.scalarCount
    return nearestBytes(
      value(left, self.left, place), value(right, self.right, place + width),
      value(nextLeft, self.left, next), value(nextRight, self.right, next + width))
  }

  @inline(__always)
  func store(_ bytes: FourByteVectors, _ places: UnsafePointer<BytePlace>) {
    let output = UnsafeMutableRawPointer(target.output + column)
    storeHalves(bytes, output + places[0].position, output + places[1].position)
  }

  #if AVX512
    /// The results of four rows of one vector.
    @inline(__always)
    func loneBytes(
      _ a: WholeVector, _ b: WholeVector, _ c: WholeVector, _ d: WholeVector,
      _ places: UnsafePointer<BytePlace>
    ) -> FourByteVectors {
      nearestBytes(
        value(a, left, places[0].position + column), value(b, left, places[1].position + column),
        value(c, left, places[2].position + column), value(d, left, places[3].position + column))
    }

    @inline(__always)
    func storeLone(_ bytes: FourByteVectors, _ places: UnsafePointer<BytePlace>) {
      let output = UnsafeMutableRawPointer(target.output + column)
      store_quarters_16(
        bytes, output + places[0].position, output + places[1].position,
        output + places[2].position, output + places[3].position)
    }
  #endif

  /// The result of one vector of bytes, taken as sums, at the same place of the output.
  @inline(__always)
  func map(_ input: UnsafePointer<UInt8>, _ place: Int) {
    var value = fused(float(load(input + place)), left.scale, left.shift)
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
