import Classification
import Kernels
import Statistics

/// A residual network for small images, in the post-activation form: a convolution, stages of
/// residual blocks of which all but the first halve the image, the mean over all pixels and a dense
/// layer. Activations are [N, H, W, C].
///
/// Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016, §4.2; the
/// bottlenecks have expansion 1, as in the official code of Mixup Inference.
public struct ResNet {
  /// What kind of network, and how large.
  public struct Architecture: Hashable, Sendable {
    /// The layers of one residual block.
    public enum Block: String, Codable, Sendable {
      /// Two 3×3 convolutions.
      case basic
      /// 1×1, 3×3, 1×1; the stride is on the 3×3.
      case bottleneck
      /// Two 3×3 convolutions, each behind a normalisation and an activation, and nothing behind the sum. Where the
      /// extents or the width change, a convolution of what the first of them is given stands for the input. A last
      /// normalisation and activation stand before the mean. Evaluated here, not trained.
      ///
      /// Zagoruyko and Komodakis, "Wide residual networks", BMVC 2016.
      case preActivation
      /// 1×1, 3×3, 1×1 in the same order. He, Zhang, Ren and Sun, "Identity mappings in deep residual networks", 2016.
      case preActivationBottleneck

      /// Whether normalisations stand before their convolutions.
      package var isPreActivation: Bool {
        self == .preActivation || self == .preActivationBottleneck
      }

      /// K of every convolution.
      var kernels: [Int] {
        self == .basic || self == .preActivation ? [3, 3] : [1, 3, 1]
      }
    }

    /// How a block's input reaches its output where extents or widths change.
    public enum Shortcut: String, Codable, Sendable {
      /// A strided 1×1 convolution, in post-activation blocks with batch normalisation.
      case projection
      /// Every second pixel, new channels zero on both sides: He et al.'s option A.
      case parameterFree
    }

    /// The shape of one input image.
    public var imageShape: ImageShape
    /// L, the number of classes.
    public var classCount: Int
    /// K of the first convolution.
    public var stemKernel: Int
    /// Channels of the first convolution, if they are not those of the first stage.
    public var stemWidth: Int?
    /// Channels of every stage.
    public var widths: [Int]
    /// Residual blocks of every stage.
    public var blocks: [Int]
    /// The layers of every residual block.
    public var block: Block
    /// How a block's input reaches its output where extents or widths change.
    public var shortcut: Shortcut
    /// In what it differs from others of the same layers.
    public var details: Details

    /// A residual network; `widths` and `blocks` have one entry per stage.
    public init(
      imageShape: ImageShape, classCount: Int, stemKernel: Int = 3, stemWidth: Int? = nil,
      widths: [Int] = [16, 32, 64], blocks: [Int], block: Block = .basic,
      shortcut: Shortcut = .projection, details: Details = Details()
    ) {
      self.imageShape = imageShape
      self.classCount = classCount
      self.stemKernel = stemKernel
      self.stemWidth = stemWidth
      self.widths = widths
      self.blocks = blocks
      self.block = block
      self.shortcut = shortcut
      self.details = details
    }

    /// 8 layers of widths 16, 32, 64; 78,042 parameters for 3×32×32 and 10 classes.
    public static func resNet8(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture {
      Architecture(imageShape: imageShape, classCount: classCount, blocks: [1, 1, 1])
    }

    /// 20 layers of widths 16, 32, 64; 272,474 parameters for 3×32×32 and 10 classes.
    public static func resNet20(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture {
      Architecture(imageShape: imageShape, classCount: classCount, blocks: [3, 3, 3])
    }

    /// 20 layers of widths 64, 128, 256; 4,330,826 parameters for 3×32×32 and 10 classes.
    public static func resNet18CIFAR(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture
    {
      Architecture(
        imageShape: imageShape, classCount: classCount, stemKernel: 5, widths: [64, 128, 256],
        blocks: [3, 3, 3])
    }

    /// 47 layers of widths 64, 128, 256, in bottlenecks: the network of Mixup Inference's published
    /// checkpoints; 4,752,586 parameters for 3×32×32 and 10 classes.
    public static func resNet50CIFAR(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture
    {
      Architecture(
        imageShape: imageShape, classCount: classCount, stemKernel: 5, widths: [64, 128, 256],
        blocks: [5, 5, 5], block: .bottleneck)
    }

    /// The four networks by the names under which commands and records know them.
    public static let named: [(name: String, make: @Sendable (ImageShape, Int) -> Architecture)] = [
      ("resNet8", { resNet8($0, classCount: $1) }),
      ("resNet20", { resNet20($0, classCount: $1) }),
      ("resNet18CIFAR", { resNet18CIFAR($0, classCount: $1) }),
      ("resNet50CIFAR", { resNet50CIFAR($0, classCount: $1) }),
    ]
  }

  /// What kind of network this is.
  public let architecture: Architecture
  let stem: ConvolutionNormalization
  let stages: [[ResidualBlock]]
  let dense: Dense

  /// A network with all weights zero; see `initialize(seed:)`.
  ///
  /// - Precondition: its blocks are post-activation, the only ones that can be trained here.
  public init(_ architecture: Architecture) {
    precondition(architecture.canBeTrained, "\(architecture.block) cannot be trained")
    self.architecture = architecture
    let shape = architecture.imageShape
    var extents = (height: shape.height, width: shape.width)
    var channels = architecture.widths.first ?? 0
    stem = ConvolutionNormalization(
      inputChannels: shape.channels, outputChannels: channels,
      geometry: ConvolutionGeometry(
        height: extents.height, width: extents.width, kernel: architecture.stemKernel,
        padding: architecture.stemKernel / 2))
    var stages: [[ResidualBlock]] = []
    for (stage, width) in architecture.widths.enumerated() {
      stages.append(
        (0..<architecture.blocks[stage]).map { index in
          let block = ResidualBlock(
            architecture.block, architecture.shortcut, inputChannels: channels,
            outputChannels: width, stride: stage > 0 && index == 0 ? 2 : 1,
            height: extents.height, width: extents.width)
          extents = block.outputExtents
          channels = width
          return block
        })
    }
    self.stages = stages
    dense = Dense(inputChannels: channels, outputChannels: architecture.classCount)
  }

  // MARK: Passes

  /// What the backward pass needs of a forward pass.
  public struct Cache: Sendable {
    var stem: ConvolutionNormalization.Cache
    var blocks: [[ResidualBlock.Cache]]
    var pooledShape: [Int]
    var pooled: Tensor
  }

  /// Images [N, H, W, C] on the network's own scale → logits [N, L].
  public func forward(
    _ images: Tensor, mode: Mode, on execution: Execution
  ) -> (logits: Tensor, cache: Cache) {
    let first = stem.forward(images, relu: true, mode: mode, on: execution)
    var activation = first.output
    var caches: [[ResidualBlock.Cache]] = []
    for stage in stages {
      caches.append(
        stage.map { block in
          let (output, cache) = block.forward(activation, mode: mode, on: execution)
          activation = output
          return cache
        })
    }
    let pooled = GlobalAveragePool.forward(activation)
    let logits = dense.forward(pooled, on: execution)
    return (
      logits,
      Cache(stem: first.cache, blocks: caches, pooledShape: activation.shape, pooled: pooled)
    )
  }

  /// Sets the gradients of all parameters; returns that of the images [N, H, W, C] if wanted.
  ///
  /// - Parameter gradient: ∂loss/∂logits, [N, L].
  @discardableResult
  public func backward(
    _ gradient: Tensor, cache: Cache, wantsInputGradient: Bool = false, on execution: Execution
  ) -> Tensor? {
    var gradient = GlobalAveragePool.backward(
      dense.backward(gradient, input: cache.pooled, on: execution), inputShape: cache.pooledShape)
    for (stage, caches) in zip(stages, cache.blocks).reversed() {
      for (block, cache) in zip(stage, caches).reversed() {
        gradient = block.backward(gradient, cache: cache, on: execution)
      }
    }
    return stem.backward(
      gradient, cache: cache.stem, wantsInputGradient: wantsInputGradient, on: execution
    ).input
  }

  // MARK: State

  /// Parameters and buffers by path, in the order of the layers.
  public var state: NetworkState {
    var state = NetworkState()
    stem.describe(convolution: "conv1", normalization: "bn1", in: &state)
    for (stage, blocks) in stages.enumerated() {
      for (index, block) in blocks.enumerated() {
        block.describe("layer\(stage + 1).\(index)", in: &state)
      }
    }
    state.parameters.append(("fc_dense.weight", dense.weight))
    state.parameters.append(("fc_dense.bias", dense.bias))
    return state
  }

  /// Random weights: convolutions N(0, 2 / (K²·O)) for O output channels (Kaiming, fan-out), the dense
  /// layer uniform in ±1/√C for C inputs. Batch normalisations stay as they are, in a new network the
  /// identity.
  public func initialize(seed: UInt64) {
    for (index, (path, parameter)) in state.parameters.enumerated() {
      var random = RandomStream(RandomKey(seed: seed, purpose: .initialization, draw: index))
      let shape = parameter.value.shape
      if shape.count == 4 {
        let deviation = (2 / Float(shape[0] * shape[2] * shape[3])).squareRoot()
        parameter.value = parameter.value.map { _ in Float(random.standardNormal()) * deviation }
      } else if path.hasPrefix("fc_dense") {
        let bound = 1 / Float(dense.weight.value.shape[1]).squareRoot()
        parameter.value = parameter.value.map { _ in (2 * random.uniform() - 1) * bound }
      }
    }
  }
}

/// A convolution without bias and the batch normalisation behind it.
struct ConvolutionNormalization {
  let convolution: Convolution
  let normalization: BatchNormalization

  init(inputChannels: Int, outputChannels: Int, geometry: ConvolutionGeometry) {
    convolution = Convolution(
      inputChannels: inputChannels, outputChannels: outputChannels, geometry: geometry)
    normalization = BatchNormalization(channels: outputChannels)
  }

  struct Cache: Sendable {
    var input: Tensor
    var normalization: BatchNormalization.Cache
  }

  func forward(
    _ input: Tensor, adding addend: Tensor? = nil, relu: Bool, mode: Mode, on execution: Execution
  ) -> (output: Tensor, cache: Cache) {
    let (output, cache) = normalization.forward(
      convolution.forward(input, on: execution), adding: addend, relu: relu, mode: mode,
      on: execution)
    return (output, Cache(input: input, normalization: cache))
  }

  func backward(
    _ gradient: Tensor, cache: Cache, wantsInputGradient: Bool = true, on execution: Execution
  ) -> (input: Tensor?, addend: Tensor) {
    let (inner, addend) = normalization.backward(
      gradient, cache: cache.normalization, on: execution)
    let input = convolution.backward(
      inner, input: cache.input, wantsInputGradient: wantsInputGradient, on: execution)
    return (input, addend)
  }

  func describe(
    convolution convolutionPath: String, normalization path: String, in state: inout NetworkState
  ) {
    state.parameters.append(("\(convolutionPath).weight", convolution.weight))
    state.parameters.append(("\(path).weight", normalization.weight))
    state.parameters.append(("\(path).bias", normalization.bias))
    state.buffers.append(("\(path).running_mean", normalization.runningMean))
    state.buffers.append(("\(path).running_var", normalization.runningVariance))
  }
}

/// relu(layers(x) + shortcut(x)).
package struct ResidualBlock {
  enum Shortcut {
    case identity
    case projection(ConvolutionNormalization)
    /// A 1×1 convolution whose fixed weights copy channels.
    case copy(Convolution)
  }

  let layers: [ConvolutionNormalization]
  let shortcut: Shortcut

  package init(
    _ kind: ResNet.Architecture.Block, _ shortcut: ResNet.Architecture.Shortcut,
    inputChannels: Int, outputChannels: Int, stride: Int, height: Int, width: Int
  ) {
    let whole = ConvolutionGeometry(
      height: height, width: width, kernel: 3, stride: stride, padding: 1)
    func inside(_ kernel: Int) -> ConvolutionGeometry {
      ConvolutionGeometry(
        height: whole.outputHeight, width: whole.outputWidth, kernel: kernel, padding: kernel / 2)
    }
    let geometries =
      switch kind {
      case .basic: [whole, inside(3)]
      case .bottleneck:
        [ConvolutionGeometry(height: height, width: width, kernel: 1), whole, inside(1)]
      case .preActivation, .preActivationBottleneck: preconditionFailure("cannot be trained")
      }
    layers = geometries.enumerated().map { index, geometry in
      ConvolutionNormalization(
        inputChannels: index == 0 ? inputChannels : outputChannels,
        outputChannels: outputChannels, geometry: geometry)
    }
    let step = ConvolutionGeometry(height: height, width: width, kernel: 1, stride: stride)
    if stride == 1 && inputChannels == outputChannels {
      self.shortcut = .identity
    } else if shortcut == .projection {
      self.shortcut = .projection(
        ConvolutionNormalization(
          inputChannels: inputChannels, outputChannels: outputChannels, geometry: step))
    } else {
      self.shortcut = .copy(
        Convolution(
          weight: Parameter(
            .copyingChannels(from: inputChannels, to: outputChannels, padding: .bothSides)),
          bias: nil, geometry: step))
    }
  }

  var outputExtents: (height: Int, width: Int) {
    let geometry = layers[layers.count - 1].convolution.geometry
    return (geometry.outputHeight, geometry.outputWidth)
  }

  package struct Cache: Sendable {
    var input: Tensor
    var layers: [ConvolutionNormalization.Cache]
    var projection: ConvolutionNormalization.Cache?
  }

  package func forward(
    _ input: Tensor, mode: Mode, on execution: Execution
  ) -> (output: Tensor, cache: Cache) {
    var cache = Cache(input: input, layers: [])
    var residual = input
    switch shortcut {
    case .identity: break
    case .projection(let projection):
      let result = projection.forward(input, relu: false, mode: mode, on: execution)
      residual = result.output
      cache.projection = result.cache
    case .copy(let copy): residual = copy.forward(input, on: execution)
    }
    var activation = input
    for (index, layer) in layers.enumerated() {
      let result = layer.forward(
        activation, adding: index == layers.count - 1 ? residual : nil, relu: true, mode: mode,
        on: execution)
      activation = result.output
      cache.layers.append(result.cache)
    }
    return (activation, cache)
  }

  package func backward(_ gradient: Tensor, cache: Cache, on execution: Execution) -> Tensor {
    var inner = gradient
    var residual = gradient
    for (index, (layer, cache)) in zip(layers, cache.layers).enumerated().reversed() {
      let result = layer.backward(inner, cache: cache, on: execution)
      inner = result.input ?? inner
      if index == layers.count - 1 { residual = result.addend }
    }
    switch shortcut {
    case .identity: break
    case .projection(let projection):
      if let cache = cache.projection,
        let input = projection.backward(residual, cache: cache, on: execution).input
      {
        residual = input
      }
    case .copy(let copy):
      residual = copy.backward(residual, input: cache.input, on: execution) ?? residual
    }
    return zip(inner, residual, +)
  }

  package func describe(_ path: String, in state: inout NetworkState) {
    for (index, layer) in layers.enumerated() {
      layer.describe(
        convolution: "\(path).conv\(index + 1)", normalization: "\(path).bn\(index + 1)",
        in: &state)
    }
    if case .projection(let projection) = shortcut {
      projection.describe(
        convolution: "\(path).downsample.0", normalization: "\(path).downsample.1", in: &state)
    }
  }
}

extension Tensor {
  /// The weights [O, C, 1, 1] of a convolution that copies channels, with zeros where the output has more.
  static func copyingChannels(
    from inputs: Int, to outputs: Int, padding: ResNet.Architecture.Details.ShortcutPadding
  ) -> Tensor {
    var weight = Tensor(shape: [outputs, inputs, 1, 1])
    let before = padding == .bothSides ? (outputs - inputs) / 2 : 0
    for channel in 0..<inputs where 0..<outputs ~= before + channel {
      weight[(before + channel) * inputs + channel] = 1
    }
    return weight
  }
}
