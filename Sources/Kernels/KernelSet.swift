import CPUFeatures
import KernelTables

/// An implementation of the products that a network consists of: `multiply` for layers and their input
/// gradients, `outerProduct` for the gradients of weights. All sets compute the same functions, up to
/// rounding; which one ran is part of every record.
///
/// Every output of these two in `.reference` and the SIMD sets is one chain of fused multiply-adds, in
/// `multiply` in the order of (tap, input channel): so they agree bit for bit. Winograd's algorithm, which
/// only the SIMD sets use, rounds differently. With every set an image's result is the same bytes
/// whatever its batch.
public enum KernelSet: String, CaseIterable, Sendable, Codable {
  /// Plain loops, for checking the others.
  case reference
  /// The inputs are gathered into a matrix that OpenBLAS multiplies: runs on every processor, where the library
  /// is installed.
  case openBLAS = "openblas"
  /// Our kernels on 256-bit vectors.
  case avx2
  /// Our kernels on 512-bit vectors.
  case avx512

  /// Whether the set can run here: whether the processor has its instructions, and for `.openBLAS` whether the
  /// library is installed.
  public var isAvailable: Bool {
    switch self {
    case .reference: true
    case .openBLAS: OpenBLAS.coreName != nil
    case .avx2: cpu_supports_avx2()
    case .avx512: cpu_supports_avx512()
    }
  }

  /// The sets that can run here.
  public static var available: [KernelSet] { allCases.filter(\.isAvailable) }

  /// The widest set of SIMD kernels that this processor can run, if any.
  public static let simd: KernelSet? = [.avx512, .avx2].first(where: \.isAvailable)

  /// The set to use unless told otherwise: `.simd`, or OpenBLAS without one, or the reference without either.
  public static let best: KernelSet =
    simd ?? (KernelSet.openBLAS.isAvailable ? .openBLAS : .reference)

  /// Output channels that are stored side by side in packed weights; all of them for OpenBLAS.
  func panelWidth(outputChannels: Int) -> Int { self == .openBLAS ? max(outputChannels, 1) : 16 }

  /// Floats of scratch memory that every thread needs for `multiply` and `outerProduct` with this set.
  public func scratchCount(_ gather: Gather, inputChannels: Int, outputChannels: Int) -> Int {
    self == .openBLAS
      ? gather.destinationCount * (gather.tapCount * inputChannels + outputChannels) : 0
  }

  // MARK: out[d] = epilogue(bias + Σ_t in[source(d, t)] · W[t])

  /// The gathered product for a batch of images.
  ///
  /// - Parameters:
  ///   - input: [images, sources, inputChannels].
  ///   - weights: packed for this set, [taps × inputChannels, outputChannels].
  ///   - bias: `outputChannels` values rounded up to whole panels, or nil for zeros.
  ///   - output: [images, destinations, outputChannels].
  ///   - scratch: at least `scratchCount` floats of which no other thread makes use.
  ///   - part: the share to compute; the sets without SIMD kernels do all in the first.
  public func multiply(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    weights: PackedWeights, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>?,
    part: PreparedConvolution.Part = .whole
  ) {
    precondition(weights.depth == gather.tapCount * inputChannels)
    switch self {
    case .reference where part.index > 0, .openBLAS where part.index > 0: break
    case .reference:
      Reference.multiply(
        gather, images: images, input: input, inputChannels: inputChannels, weights: weights,
        bias: bias, epilogue: epilogue, output: output)
    case .openBLAS:
      OpenBLAS.multiply(
        gather, images: images, input: input, inputChannels: inputChannels, weights: weights,
        bias: bias, epilogue: epilogue, output: output, scratch: scratch)
    case .avx2, .avx512:
      multiplyInVectors(
        gather, images: images, input: input, inputChannels: inputChannels, weights: weights,
        bias: bias, epilogue: epilogue, output: output, part: part)
    }
  }

  private func multiplyInVectors(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    weights: PackedWeights, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, part: PreparedConvolution.Part
  ) {
    let outputChannels = weights.outputChannels
    let splitsColumns = PreparedConvolution.splitsColumns(
      images: images, pixels: gather.destinationCount, outputChannels: outputChannels)
    let columns = splitsColumns ? part.range(of: outputChannels, step: 16) : 0..<outputChannels
    if columns.isEmpty { return }
    func rows(_ total: Int) -> Range<Int> {
      splitsColumns ? 0..<total : part.range(of: total, step: 24)
    }
    let panels = weights.pointer + columns.lowerBound * weights.depth
    let bias = bias.map { $0 + columns.lowerBound }
    func finish(from row: Int) -> Finish {
      Finish(
        epilogue, row: row, column: columns.lowerBound, columns: columns.count,
        stride: outputChannels, output: output)
    }
    let table = float32
    if gather.isIdentity {
      let rows = rows(images * gather.destinationCount)
      table.matrixProduct(
        MatrixProductArguments(
          rows: rows.count, depth: inputChannels, input: input + rows.lowerBound * inputChannels,
          weights: panels, bias: bias, finish: finish(from: rows.lowerBound)))
      return
    }
    for group in gather.groups {
      let rows = rows(images * group.destinations.count)
      if rows.isEmpty { continue }
      group.withTables { taps, lengths, destinations, sources in
        table.gatheredProduct(
          GatheredProductArguments(
            taps: taps, lengths: lengths, runCount: group.taps.count, destinations: destinations,
            sources: sources, pixelCount: group.destinations.count, firstRow: rows.lowerBound,
            endRow: rows.upperBound, destinationCount: gather.destinationCount, input: input,
            imageStride: gather.sourceCount * inputChannels, inputChannels: inputChannels,
            weights: panels, depth: weights.depth, bias: bias, finish: finish(from: 0)))
      }
    }
  }

  // MARK: W[t] gradient = Σ_d in[source(d, t)]ᵀ · g[d]

  /// Floats of scratch memory that the gradient of a convolution's weights needs; `columns` are the
  /// output channels rounded up to 16.
  public func scratchCount(
    weightGradientOf tables: ConvolutionTables, inputChannels: Int, columns: Int
  ) -> Int {
    guard let tiles = weightGradientTiles(tables, inputChannels: inputChannels) else {
      return scratchCount(tables.gather, inputChannels: inputChannels, outputChannels: columns)
    }
    return scratchCount(gradientOf: tiles, inputChannels: inputChannels, columns: columns)
  }

  /// The tiles of F(4×4) if Winograd's algorithm is worth its transforms: if it makes less than three
  /// fifths of the products. Nil otherwise.
  private func weightGradientTiles(
    _ tables: ConvolutionTables, inputChannels: Int
  ) -> WinogradTiles? {
    guard hasVectorProducts, inputChannels % 16 == 0,
      let tiles = tables.tiles.first(where: { $0.outputExtent == 4 }),
      5 * tiles.tilesPerImage * tiles.pointCount < 3 * tables.gather.multiplyAdds
    else { return nil }
    return tiles
  }

  /// The gradient of a convolution with respect to its weights, summed over a batch, as
  /// [taps, inputChannels, columns] where `columns` is the number of output channels rounded up
  /// to 16; by Winograd's algorithm where it pays.
  ///
  /// - Parameters:
  ///   - tables: of the forward pass.
  ///   - input: [images, sources, inputChannels].
  ///   - outputGradient: [images, destinations, columns]; columns past the last channel are zero.
  ///   - result: overwritten.
  ///   - scratch: at least as many floats as `scratchCount(weightGradientOf:…)` says.
  public func weightGradient(
    _ tables: ConvolutionTables, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    outputGradient: UnsafePointer<Float>, columns: Int, result: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    if let tiles = weightGradientTiles(tables, inputChannels: inputChannels) {
      outerProduct(
        tiles, images: images, input: input, inputChannels: inputChannels,
        outputGradient: outputGradient, columns: columns, result: result, scratch: scratch)
    } else {
      outerProduct(
        tables.gather, images: images, input: input, inputChannels: inputChannels,
        outputGradient: outputGradient, columns: columns, result: result, scratch: scratch)
    }
  }

  /// 256 KiB, in floats.
  private static let cachedFloats = 1 << 16

  /// The gradient of a gathered product with respect to its weights, summed over a batch, as
  /// [taps, inputChannels, columns] where `columns` is the number of output channels rounded up to 16.
  ///
  /// - Parameters:
  ///   - input: [images, sources, inputChannels].
  ///   - outputGradient: [images, destinations, columns]; columns past the last channel are zero.
  ///   - result: overwritten.
  ///   - scratch: at least as many floats as `scratchCount` says for `columns` output channels.
  public func outerProduct(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    outputGradient: UnsafePointer<Float>, columns: Int, result: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>?
  ) {
    precondition(columns % 16 == 0)
    switch self {
    case .reference:
      Reference.outerProduct(
        gather, images: images, input: input, inputChannels: inputChannels,
        outputGradient: outputGradient, columns: columns, result: result)
    case .openBLAS:
      OpenBLAS.outerProduct(
        gather, images: images, input: input, inputChannels: inputChannels,
        outputGradient: outputGradient, columns: columns, result: result, scratch: scratch)
    case .avx2, .avx512:
      let table = float32
      let (inputSize, gradientSize) = (
        gather.sourceCount * inputChannels, gather.destinationCount * columns
      )
      // As many images at a time as stay in the cache while all taps pass over them.
      let step = max(1, Self.cachedFloats / (inputSize + gradientSize))
      for first in stride(from: 0, to: max(images, 1), by: step) {
        for (tap, pairs) in gather.pairs.enumerated() {
          pairs.withTables { sources, destinations in
            table.gatheredOuterProduct(
              GatheredOuterProductArguments(
                sources: sources, destinations: destinations, pairCount: pairs.sources.count,
                images: min(step, images - first), input: input + first * inputSize,
                imageStride: inputSize, inputChannels: inputChannels,
                gradient: outputGradient + first * gradientSize,
                gradientImageStride: gradientSize, columns: columns, isFirst: first == 0,
                result: result + tap * inputChannels * columns))
          }
        }
      }
    }
  }
}
