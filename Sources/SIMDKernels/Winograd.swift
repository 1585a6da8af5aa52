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

/// v = Bᵀd for one line of an input tile of F(4, 3).
@inline(__always)
private func inputLine4(_ d: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (d0, d1, d2, d3, d4, d5) = (d(0), d(1), d(2), d(3), d(4), d(5))
  put(0, fused(-2.5, d2, d0 + d4))
  let (even1, odd1) = (fused(-2, d2, d4), fused(-2, d1, d3))
  put(1, fused(rootOfHalf, odd1, even1))
  put(2, fused(-rootOfHalf, odd1, even1))
  let (even2, odd2) = (fused(-0.5, d2, d4), fused(-0.5, d1, d3))
  put(3, fused(rootOfTwo, odd2, even2))
  put(4, fused(-rootOfTwo, odd2, even2))
  put(5, fused(-2.5, d3, d1 + d5))
}

/// y = Aᵀm for one line of sums of F(4, 3).
@inline(__always)
private func outputLine4(_ m: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (m0, m1, m2, m3, m4, m5) = (m(0), m(1), m(2), m(3), m(4), m(5))
  let (sum1, difference1) = (m1 + m2, m1 - m2)
  let (sum2, difference2) = (m3 + m4, m3 - m4)
  put(0, m0 + sum1 + sum2)
  put(1, fused(rootOfTwo, difference2, difference1 * rootOfHalf))
  put(2, fused(2, sum2, sum1 * 0.5))
  put(
    3,
    fused(2 * rootOfTwo, difference2, fused(0.5 * rootOfHalf, difference1, m5)))
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
private func outputLine2(_ m: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (m0, m1, m2, m3) = (m(0), m(1), m(2), m(3))
  put(0, m0 + m1 + m2)
  put(1, m1 - m2 + m3)
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
private func gradientLine4(_ y: (Int) -> Vector, _ put: (Int, Vector) -> Void) {
  let (y0, y1, y2, y3) = (y(0), y(1), y(2), y(3))
  put(0, y0)
  let (even1, odd1) = (fused(0.5, y2, y0), fused(0.5, y3, y1))
  put(1, fused(rootOfHalf, odd1, even1))
  put(2, fused(-rootOfHalf, odd1, even1))
  let (even2, odd2) = (fused(2, y2, y0), fused(2, y3, y1))
  put(3, fused(rootOfTwo, odd2, even2))
  put(4, fused(-rootOfTwo, odd2, even2))
  put(5, y3)
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
          for j in 0..<6 {
            inputLine4({ load(places[$0 * 6 + j] + c) }, { store($1, half + ($0 * 6 + j) * width) })
          }
          for i in 0..<6 {
            inputLine4(
              { load(half + (i * 6 + $0) * width) }, { store($1, target + (i * 6 + $0) * stride) })
          }
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
    let half = problem.memory.half
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
          for j in 0..<6 {
            outputLine4(
              { load(from + ($0 * 6 + j) * stride) }, { store($1, half + ($0 * 6 + j) * width) })
          }
          for i in 0..<4 {
            outputLine4({ load(half + (i * 6 + $0) * width) }) { j, value in
              let pixel = Int(targets[i * 4 + j])
              if pixel >= 0 { finish.write(value + bias, firstPixel + pixel, k, rule) }
            }
          }
        } else {
          for j in 0..<4 {
            outputLine2(
              { load(from + ($0 * 4 + j) * stride) }, { store($1, half + ($0 * 4 + j) * width) })
          }
          for i in 0..<2 {
            outputLine2({ load(half + (i * 4 + $0) * width) }) { j, value in
              let pixel = Int(targets[i * 2 + j])
              if pixel >= 0 { finish.write(value + bias, firstPixel + pixel, k, rule) }
            }
          }
        }
        k += width
      }
    }
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
    let (places, half) = (arguments.memory.places, arguments.memory.half)
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
        for j in 0..<4 {
          gradientLine4(
            { load(places[$0 * 4 + j] + k) }, { store($1, half + ($0 * 4 + j) * width) })
        }
        for i in 0..<6 {
          gradientLine4(
            { load(half + (i * 4 + $0) * width) }, { store($1, target + (i * 6 + $0) * stride) })
        }
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
