/// How the image of a 3×3 convolution with stride 1 falls into tiles of m×m outputs for Winograd's
/// F(m×m, 3×3).
public struct WinogradTiles: Sendable {
  /// m: a tile has m×m outputs and is computed from (m+2)² inputs.
  public let outputExtent: Int
  /// Tiles of one image.
  public let tilesPerImage: Int
  /// Pixels of one image, of the input and of the output.
  public let pixelCount: Int
  /// [tiles, (m+2)²], −1 for the zeros around the image.
  package let sources: [Int32]
  /// [tiles, m²], −1 where a tile sticks out of the image.
  package let destinations: [Int32]

  /// (m+2)², the products that replace 9·m².
  public var pointCount: Int { (outputExtent + 2) * (outputExtent + 2) }

  /// The tiles of a convolution, or nil if it is not 3×3 with stride 1 and padding 1.
  public init?(_ geometry: ConvolutionGeometry, outputExtent: Int) {
    guard geometry.kernel == 3, geometry.stride == 1, geometry.padding == 1,
      outputExtent == 2 || outputExtent == 4
    else { return nil }
    let (height, width, m) = (geometry.height, geometry.width, outputExtent)
    func pixel(_ row: Int, _ column: Int) -> Int32 {
      0..<height ~= row && 0..<width ~= column ? Int32(row * width + column) : -1
    }
    var sources: [Int32] = []
    var destinations: [Int32] = []
    for top in stride(from: 0, to: height, by: m) {
      for left in stride(from: 0, to: width, by: m) {
        for row in -1...m {
          for column in -1...m { sources.append(pixel(top + row, left + column)) }
        }
        for row in 0..<m {
          for column in 0..<m { destinations.append(pixel(top + row, left + column)) }
        }
      }
    }
    self.outputExtent = m
    self.sources = sources
    self.destinations = destinations
    pixelCount = height * width
    tilesPerImage = destinations.count / (m * m)
  }

  /// U = GgGᵀ for every pair of channels, [(m+2)², inputs, outputs], where g[i, j] =
  /// weights[(3i + j) · strides.tap + c · strides.input + o · strides.output].
  public func transformed(
    _ weights: UnsafePointer<Float>, inputChannels: Int, outputChannels: Int,
    strides: PackedWeights.Strides
  ) -> [Float] {
    let g = Self.kernelTransform(outputExtent)
    let (extent, outputs) = (outputExtent + 2, outputChannels)
    var result = [Float](repeating: 0, count: pointCount * inputChannels * outputs)
    // All outputs of one input channel at a time, side by side: g, then Gg, then GgGᵀ.
    var kernel = [Double](repeating: 0, count: 9 * outputs)
    var half = [Double](repeating: 0, count: extent * 3 * outputs)
    for c in 0..<inputChannels {
      for tap in 0..<9 {
        let source = weights + tap * strides.tap + c * strides.input
        for o in 0..<outputs { kernel[tap * outputs + o] = Double(source[o * strides.output]) }
      }
      for i in 0..<extent {
        let (g0, g1, g2) = (g[i * 3], g[i * 3 + 1], g[i * 3 + 2])
        for j in 0..<3 {
          for o in 0..<outputs {
            half[(i * 3 + j) * outputs + o] =
              g0 * kernel[j * outputs + o] + g1 * kernel[(3 + j) * outputs + o]
              + g2 * kernel[(6 + j) * outputs + o]
          }
        }
      }
      for i in 0..<extent {
        for j in 0..<extent {
          let (g0, g1, g2) = (g[j * 3], g[j * 3 + 1], g[j * 3 + 2])
          let target = ((i * extent + j) * inputChannels + c) * outputs
          for o in 0..<outputs {
            result[target + o] = Float(
              g0 * half[i * 3 * outputs + o] + g1 * half[(i * 3 + 1) * outputs + o]
                + g2 * half[(i * 3 + 2) * outputs + o])
          }
        }
      }
    }
    return result
  }

  /// G, [m+2, 3], for the points that the kernels' transforms use.
  private static func kernelTransform(_ outputExtent: Int) -> [Double] {
    if outputExtent == 2 { return [1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1] }
    let (a, b) = (0.5.squareRoot(), 2.0.squareRoot())
    return [
      1, 0, 0,
      -1 / 1.5, -a / 1.5, -0.5 / 1.5,
      -1 / 1.5, a / 1.5, -0.5 / 1.5,
      1.0 / 6, b / 6, 2.0 / 6,
      1.0 / 6, -b / 6, 2.0 / 6,
      0, 0, 1,
    ]
  }
}
