import CPUFeatures
import KernelsAVX2
import KernelsAVX512

/// An implementation of the two products that a network consists of. All sets compute the same
/// functions; which one ran is part of every record.
///
/// In `.reference` and the SIMD sets every output is one chain of fused multiply-adds in the order
/// of (tap, input channel), so they agree bit for bit and a result does not depend on its batch.
public enum KernelSet: String, CaseIterable, Sendable, Codable {
  /// Plain loops, for checking the others.
  case reference
  /// Rows gathered into a matrix, products by OpenBLAS: runs everywhere.
  case openBLAS = "openblas"
  /// Our kernels on 256-bit vectors.
  case avx2
  /// Our kernels on 512-bit vectors.
  case avx512

  /// Whether this processor can run the set.
  public var isAvailable: Bool {
    switch self {
    case .reference, .openBLAS: true
    case .avx2: cpu_supports_avx2()
    case .avx512: cpu_supports_avx512()
    }
  }

  /// The sets that this processor can run.
  public static var available: [KernelSet] { allCases.filter(\.isAvailable) }

  /// The widest set of SIMD kernels that this processor can run, if any.
  public static let simd: KernelSet? = [.avx512, .avx2].first(where: \.isAvailable)

  /// The set to use unless told otherwise: `.simd`, or OpenBLAS without one.
  public static let best: KernelSet = simd ?? .openBLAS

  /// Output channels that are stored side by side in packed weights.
  func panelWidth(outputChannels: Int) -> Int { self == .openBLAS ? max(outputChannels, 1) : 16 }

  /// Floats of scratch memory that the products of this set need.
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
      let (mask, relu) = epilogue.activation.parts
      let outputChannels = weights.outputChannels
      let splitsColumns = PreparedConvolution.splitsColumns(
        images: images, pixels: gather.destinationCount, outputChannels: outputChannels)
      let columns = splitsColumns ? part.range(of: outputChannels, step: 16) : 0..<outputChannels
      if columns.isEmpty { return }
      func rows(_ total: Int) -> Range<Int> {
        splitsColumns ? 0..<total : part.range(of: total, step: 24)
      }
      let first = columns.lowerBound
      let panels = weights.pointer + first * weights.depth
      let bias = bias.map { $0 + first }
      let addend = epilogue.addend.map { $0 + first }
      let masked = mask.map { $0 + first }
      if gather.isIdentity {
        let product = self == .avx2 ? KernelsAVX2.matrixProduct : KernelsAVX512.matrixProduct
        let rows = rows(images * gather.destinationCount)
        let start = rows.lowerBound * outputChannels
        product(
          rows.count, inputChannels, input + rows.lowerBound * inputChannels, inputChannels, panels,
          weights.depth * weights.panelWidth, columns.count, bias, addend.map { $0 + start },
          masked.map { $0 + start }, relu, output + first + start, outputChannels)
        return
      }
      let product =
        self == .avx2 ? KernelsAVX2.gatheredProduct : KernelsAVX512.gatheredProduct
      for group in gather.groups {
        let rows = rows(images * group.destinations.count)
        if rows.isEmpty { continue }
        product(
          group.taps, group.lengths, group.taps.count, group.destinations, group.sources,
          group.destinations.count, rows.lowerBound, rows.upperBound, gather.sourceCount,
          gather.destinationCount, input, inputChannels, panels, weights.depth, columns.count, bias,
          addend, masked, relu, output + first, outputChannels)
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

  /// The tiles with which Winograd's algorithm pays, if it does.
  private func weightGradientTiles(
    _ tables: ConvolutionTables, inputChannels: Int
  ) -> WinogradTiles? {
    guard self == .avx2 || self == .avx512, inputChannels % 16 == 0,
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

  /// The gradient of a gathered product with respect to its weights, summed over a batch, as
  /// [taps, inputChannels, columns] where `columns` is `outputChannels` rounded up to 16.
  ///
  /// - Parameters:
  ///   - input: [images, sources, inputChannels].
  ///   - outputGradient: [images, destinations, columns]; columns past the last channel are zero.
  ///   - result: overwritten.
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
      let product =
        self == .avx2 ? KernelsAVX2.gatheredOuterProduct : KernelsAVX512.gatheredOuterProduct
      for (tap, pairs) in gather.pairs.enumerated() {
        product(
          pairs.sources, pairs.destinations, pairs.sources.count, images, gather.sourceCount,
          gather.destinationCount, input, inputChannels, outputGradient, columns,
          result + tap * inputChannels * columns)
      }
    }
  }
}
