import KernelTables

extension KernelSet {
  /// The pieces in which Winograd's algorithm works, so that what it writes and reads again stays in the
  /// cache.
  public struct WinogradBlocking: Hashable, Sendable {
    /// Tiles whose inputs are transformed before their products are formed.
    public var tiles: Int
    /// Output channels whose sums are formed before these are transformed, a multiple of 16.
    public var columns: Int

    /// Pieces of so many tiles and output channels.
    public init(tiles: Int, columns: Int) {
      self.tiles = tiles
      self.columns = columns
    }
  }

  /// Floats of scratch memory that every thread needs for a convolution of so many images by Winograd's algorithm.
  public func scratchCount(
    _ tiles: WinogradTiles, _ blocking: WinogradBlocking, images: Int, inputChannels: Int
  ) -> Int {
    let most = min(blocking.tiles, images * tiles.tilesPerImage)
    return WinogradMemory.count(channels: inputChannels)
      + tiles.pointCount * (most * (inputChannels + blocking.columns) + 2 * Self.skew)
  }

  /// Floats that are left free between the matrices of two points: at a distance of a power of two, all
  /// points of a tile would compete for the same few lines of the cache.
  private static var skew: Int { 16 }

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
    precondition(hasVectorProducts)
    precondition(weights.depth == tiles.pointCount * inputChannels && inputChannels % 16 == 0)
    let table = float32
    let outputChannels = weights.outputChannels
    let memory = WinogradMemory(in: scratch, channels: inputChannels)
    let transformed = scratch + WinogradMemory.count(channels: inputChannels)
    let total = images * tiles.tilesPerImage
    let splitsColumns = PreparedConvolution.splitsColumns(
      images: images, pixels: tiles.pixelCount, outputChannels: outputChannels)
    let columns = splitsColumns ? part.range(of: outputChannels, step: 16) : 0..<outputChannels
    let range = splitsColumns ? 0..<total : part.range(of: total, step: 1)
    // The matrices of few tiles lie close together: they need less memory, and fewer pages of it.
    let most = min(blocking.tiles, range.count)
    let inputStride = most * inputChannels + Self.skew
    let sums = transformed + tiles.pointCount * inputStride
    for first in stride(from: range.lowerBound, to: range.upperBound, by: blocking.tiles) {
      let count = min(blocking.tiles, range.upperBound - first)
      table.winogradInput(
        WinogradInputArguments(
          outputExtent: tiles.outputExtent,
          range: WinogradTileRange(
            first: first, count: count, tilesPerImage: tiles.tilesPerImage, pixels: tiles.sources),
          input: input, imageStride: tiles.pixelCount * inputChannels, channels: inputChannels,
          result: transformed, pointStride: inputStride, memory: memory))
      for column in stride(from: columns.lowerBound, to: columns.upperBound, by: blocking.columns) {
        let width = min(blocking.columns, columns.upperBound - column)
        let sumStride = most * width + Self.skew
        table.winogradProducts(
          WinogradProductsArguments(
            points: tiles.pointCount, tiles: count, depth: inputChannels, input: transformed,
            inputStride: inputStride, weights: weights.pointer + column * weights.depth,
            columns: width, sums: sums, sumStride: sumStride))
        table.winogradOutput(
          WinogradOutputArguments(
            outputExtent: tiles.outputExtent,
            range: WinogradTileRange(
              first: first, count: count, tilesPerImage: tiles.tilesPerImage,
              pixels: tiles.destinations),
            sums: sums, pointStride: sumStride, bias: bias.map { $0 + column },
            pixelsPerImage: tiles.pixelCount,
            finish: Finish(
              epilogue, column: column, columns: width, stride: outputChannels, output: output)))
      }
    }
  }

  // MARK: The gradient of the weights

  /// Floats of scratch memory that the gradient of the weights by Winograd's algorithm needs; `columns`
  /// is the number of output channels rounded up to 16.
  public func scratchCount(
    gradientOf tiles: WinogradTiles, inputChannels: Int, columns: Int
  ) -> Int {
    WinogradMemory.count(channels: max(inputChannels, columns))
      + tiles.pointCount
      * (Self.gradientTiles * (inputChannels + columns) + 2 * Self.skew + inputChannels * columns)
  }

  /// Tiles whose products are summed up at a time.
  private static var gradientTiles: Int { 64 }

  /// The gradient of a 3×3 convolution with respect to its weights, [9, inputChannels, columns],
  /// summed over a batch: the transpose of F(4×4, 3×3), which likewise makes 36 products in place of 144.
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
    precondition(hasVectorProducts)
    precondition(tiles.outputExtent == 4 && inputChannels % 16 == 0 && columns % 16 == 0)
    let table = float32
    let channels = max(inputChannels, columns)
    let memory = WinogradMemory(in: scratch, channels: channels)
    let inputs = scratch + WinogradMemory.count(channels: channels)
    let inputStride = Self.gradientTiles * inputChannels + Self.skew
    let gradients = inputs + tiles.pointCount * inputStride
    let gradientStride = Self.gradientTiles * columns + Self.skew
    let sums = gradients + tiles.pointCount * gradientStride
    let matrix = inputChannels * columns
    let total = images * tiles.tilesPerImage
    for first in stride(from: 0, to: total, by: Self.gradientTiles) {
      let count = min(Self.gradientTiles, total - first)
      table.winogradInput(
        WinogradInputArguments(
          outputExtent: 4,
          range: WinogradTileRange(
            first: first, count: count, tilesPerImage: tiles.tilesPerImage, pixels: tiles.sources),
          input: input, imageStride: tiles.pixelCount * inputChannels, channels: inputChannels,
          result: inputs, pointStride: inputStride, memory: memory))
      table.winogradOutputGradient(
        WinogradOutputGradientArguments(
          range: WinogradTileRange(
            first: first, count: count, tilesPerImage: tiles.tilesPerImage,
            pixels: tiles.destinations),
          gradient: outputGradient, imageStride: tiles.pixelCount * columns, columns: columns,
          result: gradients, pointStride: gradientStride, memory: memory))
      for point in 0..<tiles.pointCount {
        table.outerProduct(
          rows: count, input: inputs + point * inputStride, channels: inputChannels,
          gradient: gradients + point * gradientStride, columns: columns, isFirst: first == 0,
          result: sums + point * matrix)
      }
    }
    table.winogradWeightGradient(
      channels: inputChannels, columns: columns, transformed: sums, result: result,
      half: memory.half)
  }
}

extension WinogradMemory {
  /// 36 vectors of at most 16 floats, and as many addresses, each as large as two floats.
  private static let (vectors, addresses) = (36 * 16, 36 * 2)

  /// Floats at the beginning of scratch memory that are this memory: vectors, addresses, and zeros for four pixels.
  fileprivate static func count(channels: Int) -> Int { vectors + addresses + 4 * channels }

  fileprivate init(in scratch: UnsafeMutablePointer<Float>, channels: Int) {
    let zeros = scratch + Self.vectors + Self.addresses
    zeros.update(repeating: 0, count: 4 * channels)
    self.init(
      zeros: zeros,
      places: UnsafeMutableRawPointer(scratch + Self.vectors)
        .assumingMemoryBound(to: UnsafePointer<Float>.self),
      half: scratch)
  }
}
