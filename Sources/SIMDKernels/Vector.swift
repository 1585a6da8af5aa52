// This folder is compiled once for every instruction set, with the flags of that set. It holds
// pointers and vectors only: a generic type specialised here could be linked into code that runs on
// a processor without these instructions.

internal import CVector

#if AVX512
  typealias Vector = SIMD16<Float>
#elseif AVX2
  typealias Vector = SIMD8<Float>
#else
  typealias Vector = SIMD4<Float>
#endif

/// a·b + c, rounded once.
@inline(__always)
func fused(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
  #if AVX512
    multiply_add_16(a, b, c)
  #elseif AVX2
    multiply_add_8(a, b, c)
  #else
    multiply_add_4(a, b, c)
  #endif
}

/// a·b + c with the same a in every lane, rounded once.
@inline(__always)
func fused(_ a: Float, _ b: Vector, _ c: Vector) -> Vector { fused(Vector(repeating: a), b, c) }

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

/// Floats of a line of the cache, 64 bytes.
let cacheLine = 16

/// Columns rounded up to whole panels.
@inline(__always)
func wholePanels(_ columns: Int) -> Int { (columns + panelWidth - 1) / panelWidth * panelWidth }

/// Where the weights of a vector of columns begin; `column` is a multiple of the vector's width.
@inline(__always)
func panel(_ weights: UnsafePointer<Float>, depth: Int, column: Int) -> UnsafePointer<Float> {
  weights + column / panelWidth * depth * panelWidth + column % panelWidth
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
    left = fused(x, b.left, left)
    right = fused(x, b.right, right)
  }
}
