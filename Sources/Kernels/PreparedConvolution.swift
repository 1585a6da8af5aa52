/// A convolution, or the gradient of one with respect to its input, ready to run: algorithm and
/// blocking chosen, weights packed.
public struct PreparedConvolution: Sendable {
  /// How it is computed.
  public enum Algorithm: Sendable {
    /// The product as `Gather` defines it, by rows of channels.
    case gathered(Gather)
    /// Winograd's F(m×m, 3×3).
    case winograd(WinogradTiles, KernelSet.WinogradBlocking)
    /// The gathered product with pixels side by side in a vector, for few output channels.
    case planar(PixelPlanes)

    /// "matrix", "direct", "planes" or "F(4×4)".
    public var name: String {
      switch self {
      case .gathered(let gather): gather.isIdentity ? "matrix" : "direct"
      case .winograd(let tiles, _): "F(\(tiles.outputExtent)×\(tiles.outputExtent))"
      case .planar: "planes"
      }
    }
  }

  /// A share of the work, so that several threads may compute one layer.
  public struct Part: Sendable {
    /// Which share, from 0.
    public var index: Int
    /// How many shares there are.
    public var count: Int

    /// One of `count` shares.
    public init(_ index: Int, of count: Int) {
      self.index = index
      self.count = count
    }

    /// The whole work, as one share.
    public static let whole = Part(0, of: 1)

    /// This part's share of 0..<total, cut at multiples of `step`; may be empty.
    func range(of total: Int, step: Int) -> Range<Int> {
      let steps = (total + step - 1) / step
      let (first, last) = (steps * index / count, steps * (index + 1) / count)
      return min(first * step, total)..<min(last * step, total)
    }
  }

  /// The kernel set for which weights are packed.
  public let kernels: KernelSet
  /// How it is computed: a function of shape, kernel set and profile alone.
  public let algorithm: Algorithm
  /// Channels of the input of this product.
  public let inputChannels: Int
  /// Channels of the output of this product.
  public let outputChannels: Int
  /// Pixels of an image of the output.
  public let destinationCount: Int
  /// Multiply-adds for one image by the definition of a convolution, without those on padding.
  public let multiplyAdds: Int
  /// Products of single numbers that the algorithm makes for one image: fewer by Winograd's.
  public var products: Int {
    switch algorithm {
    case .gathered, .planar: multiplyAdds
    case .winograd(let tiles, _):
      tiles.tilesPerImage * tiles.pointCount * inputChannels * outputChannels
    }
  }
  private let weights: PackedWeights

  /// Floats of scratch memory that every thread of a run of so many images needs.
  public func scratchCount(images: Int) -> Int {
    switch algorithm {
    case .gathered(let gather):
      kernels.scratchCount(
        gather, inputChannels: inputChannels, outputChannels: outputChannels)
    case .winograd(let tiles, let blocking):
      kernels.scratchCount(tiles, blocking, images: images, inputChannels: inputChannels)
    case .planar(let planes): kernels.scratchCount(planes, inputChannels: inputChannels)
    }
  }

  /// Floats of packed weights, without the zeros that fill up the last panel.
  public var weightCount: Int { weights.depth * outputChannels }

  /// Chooses the algorithm and packs the weights for it.
  ///
  /// - Parameters:
  ///   - inputChannels, outputChannels: of this product; for the gradient those of the layer exchanged.
  ///   - weights: W[t][c][o] at t · strides.tap + c · strides.input + o · strides.output, where t
  ///     counts the taps of the forward pass.
  public init(
    _ tables: ConvolutionTables, inputChannels: Int, outputChannels: Int,
    weights: UnsafePointer<Float>, strides: PackedWeights.Strides, kernels: KernelSet,
    profile: PlanProfile
  ) {
    let winograd = profile.winograd(
      tables, inputChannels: inputChannels, outputChannels: outputChannels, kernels: kernels)
    let planar =
      kernels.hasVectorProducts && outputChannels <= KernelSet.mostPlanarChannels
      ? tables.planes : nil
    self.init(
      tables,
      winograd.map { .winograd($0, $1) } ?? planar.map { .planar($0) } ?? .gathered(tables.gather),
      inputChannels: inputChannels, outputChannels: outputChannels, weights: weights,
      strides: strides, kernels: kernels)
  }

  /// Packs the weights for a given algorithm.
  package init(
    _ tables: ConvolutionTables, _ algorithm: Algorithm, inputChannels: Int, outputChannels: Int,
    weights: UnsafePointer<Float>, strides: PackedWeights.Strides, kernels: KernelSet
  ) {
    let gather = tables.gather
    self.kernels = kernels
    self.algorithm = algorithm
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    destinationCount = gather.destinationCount
    multiplyAdds = gather.multiplyAdds * inputChannels * outputChannels
    switch algorithm {
    case .winograd(let tiles, _):
      // The input gradient of such a convolution is again one, with the kernel turned by 180°.
      let isTurned = tables.direction == .inputGradient
      self.weights = PackedWeights(
        transforming: PackedWeights(
          for: kernels, taps: 9, inputChannels: inputChannels, outputChannels: outputChannels,
          weights: isTurned ? weights + 8 * strides.tap : weights,
          strides: PackedWeights.Strides(
            tap: isTurned ? -strides.tap : strides.tap, input: strides.input,
            output: strides.output)),
        for: tiles, kernels: kernels)
    case .gathered, .planar:
      self.weights = PackedWeights(
        for: kernels, taps: gather.tapCount, inputChannels: inputChannels,
        outputChannels: outputChannels, weights: weights, strides: strides)
    }
  }

  /// out = epilogue(W ∗ in + bias), or this part's share of it.
  ///
  /// A result is the same bytes whatever the batch and the parts.
  ///
  /// - Parameters:
  ///   - input: [images, sources, inputChannels].
  ///   - bias: `outputChannels` values rounded up to whole panels of 16, or nil for zeros.
  ///   - output: [images, destinations, outputChannels].
  ///   - scratch: as many floats as `scratchCount(images:)` says, of which no other thread makes use.
  public func run(
    images: Int, input: UnsafePointer<Float>, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>?,
    part: Part = .whole
  ) {
    switch algorithm {
    case .gathered(let gather):
      kernels.multiply(
        gather, images: images, input: input, inputChannels: inputChannels, weights: weights,
        bias: bias, epilogue: epilogue, output: output, scratch: scratch, part: part)
    case .winograd(let tiles, let blocking):
      guard let scratch else { preconditionFailure("Winograd's transforms need scratch memory") }
      kernels.multiply(
        tiles, blocking, images: images, input: input, inputChannels: inputChannels,
        weights: weights, bias: bias, epilogue: epilogue, output: output, scratch: scratch,
        part: part)
    case .planar(let planes):
      guard let scratch else { preconditionFailure("planes need scratch memory") }
      kernels.multiply(
        planes, images: images, input: input, inputChannels: inputChannels, weights: weights,
        bias: bias, epilogue: epilogue, output: output, scratch: scratch, part: part)
    }
  }

  /// Whether parts are shares of the output channels rather than of the pixels: where there are few
  /// pixels, so that no weight is read by two threads.
  static func splitsColumns(images: Int, pixels: Int, outputChannels: Int) -> Bool {
    outputChannels >= 64 && images * pixels <= 2 * outputChannels
  }
}
