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

internal import CVector
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

/// Where the inputs of a tile of F(4×4) begin: those of its four middle columns, which lie one behind the other in
/// every row, and of the columns to their left and right. Outside of the image they are zeros.
private struct TileRows {
  let left: Six<UnsafePointer<Float>>
  let middle: Six<UnsafePointer<Float>>
  let right: Six<UnsafePointer<Float>>
  let channels: Int

  /// - Parameter listed: the tile's 36 pixels, of whose rows in the image the four in the middle are all in it.
  @inline(__always)
  init(
    _ listed: UnsafePointer<Int32>, _ image: UnsafePointer<Float>, channels: Int,
    zeros: UnsafePointer<Float>
  ) {
    let middle = Six { row in
      let pixel = Int(listed[row * 6 + 1])
      return pixel < 0 ? zeros : image + pixel * channels
    }
    left = Six { listed[$0 * 6] < 0 ? zeros : middle[$0] - channels }
    right = Six { listed[$0 * 6 + 5] < 0 ? zeros : middle[$0] + 4 * channels }
    self.middle = middle
    self.channels = channels
  }

  /// The channels from `c` on at one place of the tile.
  @inline(__always)
  func values(_ row: Int, _ column: Int, _ c: Int) -> Vector {
    switch column {
    case 0: load(left[row] + c)
    case 5: load(right[row] + c)
    default: load(middle[row] + ((column - 1) * channels + c))
    }
  }
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
    let first = arguments.range.first
    let (places, zeros) = (arguments.memory.places, arguments.memory.zeros)
    let extent = outputExtent + 2
    var coming = Coming(
      arguments.range, from: arguments.input, floatsPerImage: arguments.imageStride)
    for tile in 0..<arguments.range.count {
      coming.prefetchShare()
      let (image, place) = (first + tile).quotientAndRemainder(dividingBy: tilesPerImage)
      let pixels = arguments.input + image * arguments.imageStride
      let listed = sources + place * extent * extent
      let target = arguments.result + tile * channels
      // The right one of the middle columns, in a row that is in the image.
      if outputExtent == 4, listed[10] >= 0 {
        let rows = TileRows(listed, pixels, channels: channels, zeros: zeros)
        inputTile4(arguments, target) { rows.values($0, $1, $2) }
        continue
      }
      for index in 0..<extent * extent {
        let pixel = Int(listed[index])
        places[index] = pixel < 0 ? zeros : pixels + pixel * channels
      }
      if outputExtent == 4 {
        inputTile4(arguments, target) { load(places[$0 * 6 + $1] + $2) }
      } else {
        inputTile2(arguments, target) { load(places[$0 * 4 + $1] + $2) }
      }
    }
  }

  /// BᵀdB of one tile of F(4×4), its columns first; `d` finds the values of a row and a column from a channel on.
  @inline(__always)
  private static func inputTile4(
    _ arguments: WinogradInputArguments, _ target: UnsafeMutablePointer<Float>,
    _ d: (Int, Int, Int) -> Vector
  ) {
    let (half, stride) = (arguments.memory.half, arguments.pointStride)
    var c = 0
    while c < arguments.channels {
      for j in 0..<6 {
        inputLine4({ d($0, j, c) }, { store($1, half + ($0 * 6 + j) * width) })
      }
      for i in 0..<6 {
        inputLine4(
          { load(half + (i * 6 + $0) * width) }, { store($1, target + (c + (i * 6 + $0) * stride)) }
        )
      }
      c += width
    }
  }

  /// The same for F(2×2).
  @inline(__always)
  private static func inputTile2(
    _ arguments: WinogradInputArguments, _ target: UnsafeMutablePointer<Float>,
    _ d: (Int, Int, Int) -> Vector
  ) {
    let (half, stride) = (arguments.memory.half, arguments.pointStride)
    var c = 0
    while c < arguments.channels {
      for j in 0..<4 {
        inputLine2({ d($0, j, c) }, { store($1, half + ($0 * 4 + j) * width) })
      }
      for i in 0..<4 {
        inputLine2(
          { load(half + (i * 4 + $0) * width) }, { store($1, target + (c + (i * 4 + $0) * stride)) }
        )
      }
      c += width
    }
  }
}

/// The part of an array of images that is needed next. Tiles follow each other through an image, and images through
/// memory, but the rows of a tile are six short streams, too many for the processor to foresee: so every tile asks for
/// its share of what lies a few rows of tiles ahead.
private struct Coming {
  private var place: UnsafePointer<Float>
  private let lines: Int

  @inline(__always)
  init(_ range: WinogradTileRange, from start: UnsafePointer<Float>, floatsPerImage: Int) {
    place = start + (range.first * floatsPerImage / range.tilesPerImage + distance)
    lines = floatsPerImage / (range.tilesPerImage * cacheLine)
  }

  /// Asks for a tile's share, to be read.
  @inline(__always)
  mutating func prefetchShare() {
    for _ in 0..<lines {
      prefetch(place)
      place += cacheLine
    }
  }

  /// Asks for a tile's share, to be written.
  @inline(__always)
  mutating func prefetchShareForWriting() {
    for _ in 0..<lines {
      prefetchForWriting(place)
      place += cacheLine
    }
  }
}

/// How far ahead memory is asked for, in floats.
private let distance = 3072

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
    let floatsPerImage = columns == finish.stride ? problem.pixelsPerImage * columns : 0
    var comingOutput = Coming(problem.range, from: finish.output, floatsPerImage: floatsPerImage)
    var comingAddend = Coming(
      problem.range, from: finish.addend ?? UnsafePointer(finish.output),
      floatsPerImage: R.addsUp ? floatsPerImage : 0)
    for tile in 0..<problem.range.count {
      comingOutput.prefetchShareForWriting()
      comingAddend.prefetchShare()
      let (image, place) = (first + tile).quotientAndRemainder(dividingBy: tilesPerImage)
      let firstPixel = image * problem.pixelsPerImage
      let targets = destinations + place * outputExtent * outputExtent
      let source = problem.sums + tile * columns
      // A tile is in the image if its last place is.
      let isWhole = targets[outputExtent * outputExtent - 1] >= 0
      var k = 0
      while k < columns {
        let from = source + k
        let bias = problem.bias.map { load($0 + k) } ?? .zero
        if outputExtent == 4 {
          let lines = Six { j in outputLine4(Six { load(from + ($0 * 6 + j) * stride) }) }
          for i in 0..<4 {
            let values = outputLine4(lines.map { $0[i] })
            if isWhole {
              let pixel = firstPixel + Int(targets[i * 4])
              for j in 0..<4 { finish.write(values[j] + bias, pixel + j, k, rule) }
            } else {
              for j in 0..<4 {
                let pixel = Int(targets[i * 4 + j])
                if pixel >= 0 { finish.write(values[j] + bias, firstPixel + pixel, k, rule) }
              }
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
    var coming = Coming(
      arguments.range, from: arguments.gradient, floatsPerImage: arguments.imageStride)
    for tile in 0..<arguments.range.count {
      coming.prefetchShare()
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
