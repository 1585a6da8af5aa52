import KernelsAVX2
import KernelsAVX512

extension KernelSet {
  /// Tiles that are worked on together, and output channels whose sums are kept at a time.
  public struct WinogradBlocking: Hashable, Sendable {
    /// Tiles.
    public var tiles: Int
    /// Output channels, a multiple of 16.
    public var columns: Int

    /// A blocking.
    public init(tiles: Int, columns: Int) {
      self.tiles = tiles
      self.columns = columns
    }
  }

  /// Floats of scratch memory that `multiply` with tiles needs.
  public func scratchCount(
    _ tiles: WinogradTiles, _ blocking: WinogradBlocking, inputChannels: Int
  ) -> Int {
    Self.temporaries + inputChannels
      + tiles.pointCount * (blocking.tiles * (inputChannels + blocking.columns) + 2 * Self.skew)
  }

  /// Floats between the matrices of two points, so that they do not fall on the same cache lines.
  private static var skew: Int { 16 }

  /// Floats for 36 vectors and as many pointers.
  private static var temporaries: Int { 36 * 16 + 36 * 2 }

  /// A 3×3 convolution by Winograd's F(m×m, 3×3); only with SIMD kernels.
  ///
  /// - Parameters:
  ///   - input: [images, pixels, inputChannels], a multiple of 16 channels.
  ///   - weights: transformed, one tap for every point of a tile; a multiple of 16 output channels.
  ///   - output: [images, pixels, outputChannels].
  ///   - scratch: `scratchCount` floats of which no other thread makes use.
  ///   - part: the share to compute.
  func multiply(
    _ tiles: WinogradTiles, _ blocking: WinogradBlocking, images: Int,
    input: UnsafePointer<Float>, inputChannels: Int, weights: PackedWeights,
    bias: UnsafePointer<Float>?, epilogue: Epilogue, output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, part: PreparedConvolution.Part
  ) {
    precondition(self == .avx2 || self == .avx512)
    precondition(weights.depth == tiles.pointCount * inputChannels && inputChannels % 16 == 0)
    let isWide = self == .avx512
    let transformInput = isWide ? KernelsAVX512.winogradInput : KernelsAVX2.winogradInput
    let product = isWide ? KernelsAVX512.matrixProduct : KernelsAVX2.matrixProduct
    let transformOutput = isWide ? KernelsAVX512.winogradOutput : KernelsAVX2.winogradOutput
    let (mask, relu) = epilogue.activation.parts
    let outputChannels = weights.outputChannels
    let half = scratch
    let places = UnsafeMutableRawPointer(scratch + 36 * 16)
      .assumingMemoryBound(to: UnsafePointer<Float>.self)
    let zeros = scratch + Self.temporaries
    zeros.update(repeating: 0, count: inputChannels)
    let transformed = zeros + inputChannels
    let inputStride = blocking.tiles * inputChannels + Self.skew
    let sums = transformed + tiles.pointCount * inputStride
    let total = images * tiles.tilesPerImage
    let splitsColumns = PreparedConvolution.splitsColumns(
      images: images, pixels: tiles.pixelCount, outputChannels: outputChannels)
    let columns = splitsColumns ? part.range(of: outputChannels, step: 16) : 0..<outputChannels
    let range = splitsColumns ? 0..<total : part.range(of: total, step: 1)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: blocking.tiles) {
      let count = min(blocking.tiles, range.upperBound - first)
      transformInput(
        tiles.outputExtent, first, count, tiles.tilesPerImage, tiles.sources, input,
        tiles.pixelCount * inputChannels, inputChannels, zeros, transformed, inputStride,
        places, half)
      for column in stride(from: columns.lowerBound, to: columns.upperBound, by: blocking.columns) {
        let width = min(blocking.columns, columns.upperBound - column)
        let sumStride = blocking.tiles * width + Self.skew
        for point in 0..<tiles.pointCount {
          product(
            count, inputChannels, transformed + point * inputStride, inputChannels,
            weights.pointer + column * weights.depth + point * inputChannels * 16,
            weights.depth * 16, width, nil, nil, nil, false, sums + point * sumStride, width)
        }
        transformOutput(
          tiles.outputExtent, first, count, tiles.tilesPerImage, sums, sumStride, width,
          tiles.destinations, bias.map { $0 + column }, epilogue.addend.map { $0 + column },
          mask.map { $0 + column }, relu, output + column, outputChannels, tiles.pixelCount,
          half)
      }
    }
  }

  // MARK: The gradient of the weights

  /// Floats of scratch memory that `outerProduct` with tiles needs; `columns` are the output
  /// channels rounded up to 16.
  public func scratchCount(
    gradientOf tiles: WinogradTiles, inputChannels: Int, columns: Int
  ) -> Int {
    Self.temporaries + max(inputChannels, columns)
      + tiles.pointCount
      * (Self.gradientTiles * (inputChannels + columns) + 2 * Self.skew + inputChannels * columns)
  }

  /// Tiles whose products are summed up at a time.
  private static var gradientTiles: Int { 64 }

  /// The gradient of a 3×3 convolution with respect to its weights, [9, inputChannels, columns],
  /// summed over a batch: the transpose of F(4×4, 3×3), which also makes 36 products for 144.
  ///
  /// - Parameters:
  ///   - tiles: of F(4×4).
  ///   - input: [images, pixels, inputChannels], a multiple of 16 channels.
  ///   - outputGradient: [images, pixels, columns]; columns past the last channel are zero.
  ///   - result: overwritten.
  func outerProduct(
    _ tiles: WinogradTiles, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    outputGradient: UnsafePointer<Float>, columns: Int, result: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    precondition(self == .avx2 || self == .avx512)
    precondition(tiles.outputExtent == 4 && inputChannels % 16 == 0 && columns % 16 == 0)
    let isWide = self == .avx512
    let transformInput = isWide ? KernelsAVX512.winogradInput : KernelsAVX2.winogradInput
    let transformGradient =
      isWide ? KernelsAVX512.winogradOutputGradient : KernelsAVX2.winogradOutputGradient
    let product = isWide ? KernelsAVX512.outerProduct : KernelsAVX2.outerProduct
    let transformBack =
      isWide ? KernelsAVX512.winogradWeightGradient : KernelsAVX2.winogradWeightGradient
    let half = scratch
    let places = UnsafeMutableRawPointer(scratch + 36 * 16)
      .assumingMemoryBound(to: UnsafePointer<Float>.self)
    let zeros = scratch + Self.temporaries
    zeros.update(repeating: 0, count: max(inputChannels, columns))
    let inputs = zeros + max(inputChannels, columns)
    let inputStride = Self.gradientTiles * inputChannels + Self.skew
    let gradients = inputs + tiles.pointCount * inputStride
    let gradientStride = Self.gradientTiles * columns + Self.skew
    let sums = gradients + tiles.pointCount * gradientStride
    let matrix = inputChannels * columns
    let total = images * tiles.tilesPerImage
    for first in stride(from: 0, to: total, by: Self.gradientTiles) {
      let count = min(Self.gradientTiles, total - first)
      transformInput(
        4, first, count, tiles.tilesPerImage, tiles.sources, input,
        tiles.pixelCount * inputChannels, inputChannels, zeros, inputs, inputStride, places, half)
      transformGradient(
        first, count, tiles.tilesPerImage, tiles.destinations, outputGradient,
        tiles.pixelCount * columns, columns, zeros, gradients, gradientStride, places, half)
      for point in 0..<tiles.pointCount {
        product(
          count, inputs + point * inputStride, inputChannels, gradients + point * gradientStride,
          columns, first == 0, sums + point * matrix)
      }
    }
    transformBack(inputChannels, columns, sums, result, half)
  }
}
