// This folder is compiled once for every instruction set, with the flags of that set. It holds
// pointers and vectors only: a generic type specialised here could be linked into code that runs on
// a processor without these instructions.

#if AVX512
  typealias Vector = SIMD16<Float>
#elseif AVX2
  typealias Vector = SIMD8<Float>
#else
  typealias Vector = SIMD4<Float>
#endif

/// Output channels that packed weights store side by side.
let panelWidth = 16

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inline(__always)
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}

/// The sums for one row and two vectors of columns.
struct Row {
  var left: Vector
  var right: Vector

  @inline(__always)
  init(_ left: Vector, _ right: Vector) {
    self.left = left
    self.right = right
  }

  @inline(__always)
  mutating func add(_ x: Float, _ b: Row) {
    let x = Vector(repeating: x)
    left = left.addingProduct(x, b.left)
    right = right.addingProduct(x, b.right)
  }
}
