// Winograd's minimal filtering for 3×3 kernels of stride 1, F(m×m, 3×3): tiles of m×m outputs are
// found from (m+2)² products per channel pair in place of 9·m². A tile d of (m+2)² inputs becomes
// V = BᵀdB, a kernel g becomes U = GgGᵀ, and the outputs are Aᵀ(Σ_c U ⊙ V)A, where c runs over the input
// channels and ⊙ multiplies entry by entry. Functions named "line" apply one of these matrices to one
// row or column, F(m, 3); a transform applies it first to all columns and then to all rows.
//
// F(4×4) evaluates polynomials at 0, ±√½, ±√2 and ∞. At the usual 0, ±1, ±2 and ∞ the error by rounding
// is about half as large again.
//
// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016.

import KernelTables

private let rootOfHalf: Float = 0.70710678118654752
private let rootOfTwo: Float = 1.4142135623730950

/// Six values that stay in registers: a line of a tile of F(4×4), or the lines.
private struct Six<Value> {
  let v0, v1, v2, v3, v4, v5: Value

  @inline(__always)
  init(_ value: (Int) -> Value) {
    (v0, v1, v2, v3, v4, v5) = (value(0), value(1), value(2), value(3), value(4), value(5))
  }

  @inline(__always)
  func map<Other>(_ change: (Value) -> Other) -> Six<Other> {
    Six<Other> { change(self[$0]) }
  }

  /// The index is known wherever this is inlined.
  @inline(__always)
  subscript(place: Int) -> Value {
    switch place {
    case 0: v0
    case 1: v1
    case 2: v2
    case 3: v3
    case 4: v4
    default: v5
    }
  }
}

/// Four values that stay in registers.
private struct Four {
  let v0, v1, v2, v3: Vector

  @inline(__always)
  init(_ v0: Vector, _ v1: Vector, _ v2: Vector, _ v3: Vector) {
    (self.v0, self.v1, self.v2, self.v3) = (v0, v1, v2, v3)
  }

  @inline(__always)
  init(_ value: (Int) -> Vector) { self.init(value(0), value(1), value(2), value(3)) }

  @inline(__always)
  subscript(place: Int) -> Vector {
    switch place {
    case 0: v0
    case 1: v1
    case 2: v2
    default: v3
    }
  }
}

/// v = Bᵀd for one line of an input tile of F(4, 3).
@inline(__always)
private func inputLine4(_ d: Six<Vector>, _ put: (Int, Vector) -> Void) {
  put(0, fused(-2.5, d.v2, d.v0 + d.v4))
  let (even1, odd1) = (fused(-2, d.v2, d.v4), fused(-2, d.v1, d.v3))
  put(1, fused(rootOfHalf, odd1, even1))
  put(2, fused(-rootOfHalf, odd1, even1))
  let (even2, odd2) = (fused(-0.5, d.v2, d.v4), fused(-0.5, d.v1, d.v3))
  put(3, fused(rootOfTwo, odd2, even2))
  put(4, fused(-rootOfTwo, odd2, even2))
  put(5, fused(-2.5, d.v3, d.v1 + d.v5))
}

/// BᵀdB of one tile, its columns first. Two lines of the result at a time, so that what is between the two
/// transforms stays in registers.
@inline(__always)
private func inputTile4(
  _ d: (Int, Int) -> Vector, _ target: UnsafeMutablePointer<Float>, _ stride: Int
) {
  @inline(__always)
  func put(_ line: Int, _ values: Six<Vector>) {
    inputLine4(values) { store($1, target + (line * 6 + $0) * stride) }
  }
  @inline(__always)
  func putPair(_ line: Int, _ factor: Float, _ root: Float) {
    let even = Six { fused(factor, d(2, $0), d(4, $0)) }
    let odd = Six { fused(factor, d(1, $0), d(3, $0)) }
    put(line, Six { fused(root, odd[$0], even[$0]) })
    put(line + 1, Six { fused(-root, odd[$0], even[$0]) })
  }
  put(0, Six { fused(-2.5, d(2, $0), d(0, $0) + d(4, $0)) })
  putPair(1, -2, rootOfHalf)
  putPair(3, -0.5, rootOfTwo)
  put(5, Six { fused(-2.5, d(3, $0), d(1, $0) + d(5, $0)) })
}

/// y = Aᵀm for one line of sums of F(4, 3).
@inline(__always)
private func outputLine4(_ m: Six<Vector>) -> Four {
  let (sum1, difference1) = (m.v1 + m.v2, m.v1 - m.v2)
  let (sum2, difference2) = (m.v3 + m.v4, m.v3 - m.v4)
  return Four(
    m.v0 + sum1 + sum2, fused(rootOfTwo, difference2, difference1 * rootOfHalf),
    fused(2, sum2, sum1 * 0.5),
    fused(2 * rootOfTwo, difference2, fused(0.5 * rootOfHalf, difference1, m.v5)))
}

/// v = Bᵀd for one line of an input tile of F(2, 3).
@inline(__always)
private func inputLine2(_ d: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (d0, d1, d2, d3) = (d(0), d(1), d(2), d(3))
  put(0, d0 - d2)
  put(1, d1 + d2)
  put(2, d2 - d1)
  put(3, d3 - d1)
}

/// y = Aᵀm for one line of sums of F(2, 3).
@inline(__always)
private func outputLine2(_ m: Four) -> (Vector, Vector) {
  (m.v0 + m.v1 + m.v2, m.v1 - m.v2 + m.v3)
}

/// u = Gg for one line of a kernel of F(4, 3).
@inline(__always)
private func kernelLine4(_ g: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (g0, g1, g2) = (g(0), g(1), g(2))
  put(0, g0)
  let (even1, odd1) = (fused(0.5, g2, g0) * (-2 / 3), g1 * (-2 / 3 * rootOfHalf))
  put(1, even1 + odd1)
  put(2, even1 - odd1)
  let (even2, odd2) = (fused(2, g2, g0) * (1 / 6), g1 * (rootOfTwo / 6))
  put(3, even2 + odd2)
  put(4, even2 - odd2)
  put(5, g2)
}

/// u = Gg for one line of a kernel of F(2, 3).
@inline(__always)
private func kernelLine2(_ g: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (g0, g1, g2) = (g(0), g(1), g(2))
  put(0, g0)
  let (even, odd) = ((g0 + g2) * 0.5, g1 * 0.5)
  put(1, even + odd)
  put(2, even - odd)
  put(3, g2)
}

/// m = Ay for one line of a tile of output gradients of F(4, 3): the transpose of `outputLine4`.
@inline(__always)
private func gradientLine4(_ y: Four, _ put: (Int, Vector) -> Void) {
  put(0, y.v0)
  let (even1, odd1) = (fused(0.5, y.v2, y.v0), fused(0.5, y.v3, y.v1))
  put(1, fused(rootOfHalf, odd1, even1))
  put(2, fused(-rootOfHalf, odd1, even1))
  let (even2, odd2) = (fused(2, y.v2, y.v0), fused(2, y.v3, y.v1))
  put(3, fused(rootOfTwo, odd2, even2))
  put(4, fused(-rootOfTwo, odd2, even2))
  put(5, y.v3)
}

/// AyAᵀ of one tile of output gradients, its columns first, as `inputTile4` does it.
@inline(__always)
private func gradientTile4(
  _ y: (Int, Int) -> Vector, _ target: UnsafeMutablePointer<Float>, _ stride: Int
) {
  @inline(__always)
  func put(_ line: Int, _ values: Four) {
    gradientLine4(values) { store($1, target + (line * 6 + $0) * stride) }
  }
  @inline(__always)
  func putPair(_ line: Int, _ factor: Float, _ root: Float) {
    let even = Four { fused(factor, y(2, $0), y(0, $0)) }
    let odd = Four { fused(factor, y(3, $0), y(1, $0)) }
    put(line, Four { fused(root, odd[$0], even[$0]) })
    put(line + 1, Four { fused(-root, odd[$0], even[$0]) })
  }
  put(0, Four { y(0, $0) })
  putPair(1, 0.5, rootOfHalf)
  putPair(3, 2, rootOfTwo)
  put(5, Four { y(3, $0) })
}

/// g = Gᵀu for one line of the gradient of a kernel of F(4, 3): the transpose of `kernelLine4`.
@inline(__always)
private func kernelGradientLine4(_ u: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (u0, u1, u2, u3, u4, u5) = (u(0), u(1), u(2), u(3), u(4), u(5))
  let (sum1, difference1) = ((u1 + u2) * (-2 / 3), u1 - u2)
  let (sum2, difference2) = ((u3 + u4) * (1 / 6), u3 - u4)
  put(0, u0 + sum1 + sum2)
  put(1, fused(rootOfTwo / 6, difference2, difference1 * (-2 / 3 * rootOfHalf)))
  put(2, fused(2, sum2, fused(0.5, sum1, u5)))
}

extension Float32 {
  package static func winogradInput(_ arguments: WinogradInputArguments) {
    let (outputExtent, channels) = (arguments.outputExtent, arguments.channels)
    let (tilesPerImage, sources) = (arguments.range.tilesPerImage, arguments.range.pixels)
    let (first, stride) = (arguments.range.first, arguments.pointStride)
    let (places, half) = (arguments.memory.places, arguments.memory.half)
    let extent = outputExtent + 2
    for tile in 0..<arguments.range.count {
      let (image, place) = (first + tile).quotientAndRemainder(dividingBy: tilesPerImage)
      let pixels = arguments.input + image * arguments.imageStride
      for index in 0..<extent * extent {
        let pixel = Int(sources[place * extent * extent + index])
        places[index] = pixel < 0 ? arguments.memory.zeros : pixels + pixel * channels
      }
      var target = arguments.result + tile * channels
      var c = 0
      while c < channels {
        if outputExtent == 4 {
          inputTile4({ load(places[$0 * 6 + $1] + c) }, target, stride)
        } else {
          for j in 0..<4 {
            inputLine2({ load(places[$0 * 4 + j] + c) }, { store($1, half + ($0 * 4 + j) * width) })
          }
          for i in 0..<4 {
            inputLine2(
              { load(half + (i * 4 + $0) * width) }, { store($1, target + (i * 4 + $0) * stride) })
          }
        }
        target += width
        c += width
      }
    }
  }
}

private let width = Vector.scalarCount

extension Float32 {
  package static func winogradOutput(_ arguments: WinogradOutputArguments) {
    arguments.finish(WinogradOutput(problem: arguments))
  }
}

private struct WinogradOutput: Finish.Loop {
  let problem: WinogradOutputArguments

  @inline(never)
  func run<R: Finish.Rule>(_ rule: R.Type, _ finish: Finish) {
    let (outputExtent, columns) = (problem.outputExtent, finish.columns)
    let (tilesPerImage, destinations) = (problem.range.tilesPerImage, problem.range.pixels)
    let (first, stride) = (problem.range.first, problem.pointStride)
    for tile in 0..<problem.range.count {
      let (image, place) = (first + tile).quotientAndRemainder(dividingBy: tilesPerImage)
      let firstPixel = image * problem.pixelsPerImage
      let targets = destinations + place * outputExtent * outputExtent
      let source = problem.sums + tile * columns
      var k = 0
      while k < columns {
        let from = source + k
        let bias = problem.bias.map { load($0 + k) } ?? .zero
        if outputExtent == 4 {
          let lines = Six { j in outputLine4(Six { load(from + ($0 * 6 + j) * stride) }) }
          for i in 0..<4 {
            let values = outputLine4(lines.map { $0[i] })
            for j in 0..<4 {
              let pixel = Int(targets[i * 4 + j])
              if pixel >= 0 { finish.write(values[j] + bias, firstPixel + pixel, k, rule) }
            }
          }
        } else {
          let (l0, l1) = (
            outputLine2(column(from, 0, stride)), outputLine2(column(from, 1, stride))
          )
          let (l2, l3) = (
            outputLine2(column(from, 2, stride)), outputLine2(column(from, 3, stride))
          )
          write(
            outputLine2(Four(l0.0, l1.0, l2.0, l3.0)), targets, firstPixel, k, bias, finish, rule)
          write(
            outputLine2(Four(l0.1, l1.1, l2.1, l3.1)), targets + 2, firstPixel, k, bias, finish,
            rule
          )
        }
        k += width
      }
    }
  }

  /// A column of the sums of a tile of F(2×2).
  @inline(__always)
  private func column(_ sums: UnsafePointer<Float>, _ j: Int, _ stride: Int) -> Four {
    Four { load(sums + ($0 * 4 + j) * stride) }
  }

  /// Stores a row of a tile of F(2×2).
  @inline(__always)
  private func write<R: Finish.Rule>(
    _ values: (Vector, Vector), _ targets: UnsafePointer<Int32>, _ firstPixel: Int, _ k: Int,
    _ bias: Vector, _ finish: Finish, _ rule: R.Type
  ) {
    let (left, right) = (Int(targets[0]), Int(targets[1]))
    if left >= 0 { finish.write(values.0 + bias, firstPixel + left, k, rule) }
    if right >= 0 { finish.write(values.1 + bias, firstPixel + right, k, rule) }
  }
}

extension Float32 {
  package static func winogradWeights(
    outputExtent: Int, panels: Int, channels: Int, weights: UnsafePointer<Float>,
    result: UnsafeMutablePointer<Float>, half: UnsafeMutablePointer<Float>
  ) {
    let extent = outputExtent + 2
    let row = channels * panelWidth
    for panel in 0..<panels {
      let source = weights + panel * 9 * row
      let target = result + panel * extent * extent * row
      var place = 0
      while place < row {
        let (from, to) = (source + place, target + place)
        if outputExtent == 4 {
          for j in 0..<3 {
            kernelLine4(
              { load(from + ($0 * 3 + j) * row) }, { store($1, half + ($0 * 3 + j) * width) })
          }
          for i in 0..<6 {
            kernelLine4(
              { load(half + (i * 3 + $0) * width) }, { store($1, to + (i * 6 + $0) * row) })
          }
        } else {
          for j in 0..<3 {
            kernelLine2(
              { load(from + ($0 * 3 + j) * row) }, { store($1, half + ($0 * 3 + j) * width) })
          }
          for i in 0..<4 {
            kernelLine2(
              { load(half + (i * 3 + $0) * width) }, { store($1, to + (i * 4 + $0) * row) })
          }
        }
        place += width
      }
    }
  }

  package static func winogradOutputGradient(_ arguments: WinogradOutputGradientArguments) {
    let columns = arguments.columns
    let (tilesPerImage, destinations) = (arguments.range.tilesPerImage, arguments.range.pixels)
    let (first, stride) = (arguments.range.first, arguments.pointStride)
    let places = arguments.memory.places
    for tile in 0..<arguments.range.count {
      let (image, place) = (first + tile).quotientAndRemainder(dividingBy: tilesPerImage)
      let pixels = arguments.gradient + image * arguments.imageStride
      for index in 0..<16 {
        let pixel = Int(destinations[place * 16 + index])
        places[index] = pixel < 0 ? arguments.memory.zeros : pixels + pixel * columns
      }
      var target = arguments.result + tile * columns
      var k = 0
      while k < columns {
        gradientTile4({ load(places[$0 * 4 + $1] + k) }, target, stride)
        target += width
        k += width
      }
    }
  }

  package static func winogradWeightGradient(
    channels: Int, columns: Int, transformed: UnsafePointer<Float>,
    result: UnsafeMutablePointer<Float>, half: UnsafeMutablePointer<Float>
  ) {
    let matrix = channels * columns
    var place = 0
    while place < matrix {
      let (from, to) = (transformed + place, result + place)
      for j in 0..<6 {
        kernelGradientLine4(
          { load(from + ($0 * 6 + j) * matrix) }, { store($1, half + ($0 * 6 + j) * width) })
      }
      for i in 0..<3 {
        kernelGradientLine4(
          { load(half + (i * 6 + $0) * width) }, { store($1, to + (i * 3 + $0) * matrix) })
      }
      place += width
    }
  }
}
