import Classification
import KernelTables
import Kernels

extension ResNet {
  /// The network in evaluation, with its present weights; later training does not change it.
  public var graph: NetworkGraph { NetworkGraph(architecture, tensors: state.tensors) }
}

extension NetworkGraph {
  /// What a residual network computes in evaluation.
  ///
  /// - Parameter tensors: its state under this package's names.
  /// - Precondition: there are all of `architecture.stateShapes`, and the architecture is valid.
  init(_ architecture: ResNet.Architecture, tensors: [String: Tensor]) {
    var builder = ResidualGraphBuilder(
      architecture: architecture, tensors: tensors,
      graph: NetworkGraph(imageShape: architecture.imageShape))
    builder.build()
    self = builder.graph
  }
}

/// Makes the graph of any residual network from its description and its tensors, which are all there.
private struct ResidualGraphBuilder {
  let architecture: ResNet.Architecture
  let tensors: [String: Tensor]
  var graph: NetworkGraph

  private var details: ResNet.Architecture.Details { architecture.details }

  mutating func build() {
    let isPre = architecture.block.isPreActivation
    var value = convolution("stem", .stem, of: 0)
    if !isPre {
      value = activated("stem", of: normalized("stem", .stemNormalization, of: value))
      if details.stemPooling == .max {
        value = graph.maximumPooling(
          "stem.pooling", PoolingWindow(kernel: 3, stride: 2, padding: 1), of: value)
      }
    }
    for (stage, count) in architecture.blocks.enumerated() {
      for block in 0..<count {
        value =
          isPre
          ? preActivationBlock(stage, block, of: value)
          : postActivationBlock(stage, block, of: value)
      }
    }
    if isPre, details.hasLastNormalization {
      value = activated("last", of: normalized("last", .lastNormalization, of: value))
    }
    let dense = Dense(
      weight: Parameter(tensor(.dense, "weight")), bias: Parameter(tensor(.dense, "bias")))
    _ = graph.product("dense", dense.convolution, of: graph.mean("mean", of: value))
  }

  // MARK: Blocks

  /// act(layers(x) + shortcut(x)), where a layer is a convolution, a normalisation and, but for the last, act.
  private mutating func postActivationBlock(_ stage: Int, _ block: Int, of input: Int) -> Int {
    let name = "\(stage + 1).\(block)"
    var shortcut = input
    if changes(stage, block, input) {
      let stride = ResNet.Architecture.stride(stage: stage, block: block)
      switch architecture.shortcut {
      case .projection:
        shortcut = normalized(
          "\(name).shortcut", .projectionNormalization(stage: stage, block: block),
          of: projection(stage, block, of: input))
      case .parameterFree:
        shortcut = product(
          "\(name).shortcut",
          .copyingChannels(
            from: graph.values[input].channels,
            to: architecture.outputChannels(stage: stage), padding: details.shortcutPadding),
          stride: stride, of: input)
      }
    }
    var value = input
    let last = architecture.block.kernels.count - 1
    for number in 0...last {
      let layer = "\(name).conv\(number + 1)"
      value = normalized(
        layer, .normalization(stage: stage, block: block, number),
        of: convolution(stage, block, number, of: value))
      if number == last { value = graph.sum(layer, of: value, and: shortcut) }
      value = activated(layer, of: value)
    }
    return value
  }

  /// layers(x) + shortcut(x), where a layer is a normalisation, act and a convolution.
  private mutating func preActivationBlock(_ stage: Int, _ block: Int, of input: Int) -> Int {
    let name = "\(stage + 1).\(block)"
    let isProjected = changes(stage, block, input)
    let isRaw = isProjected && details.projectionSource.isRaw(stage: stage)
    // Where both are given the block's input its first normalisation has no part.
    let isBothRaw = isRaw && details.projectionSource == .bothRawLater
    let first = isBothRaw ? input : behindNormalization(stage, block, 0, of: input)
    let shortcut =
      isProjected ? projection(stage, block, of: isRaw ? input : first) : input
    var value = first
    let last = architecture.block.kernels.count - 1
    for number in 0...last {
      if number > 0 { value = behindNormalization(stage, block, number, of: value) }
      value = convolution(stage, block, number, of: value)
    }
    return graph.sum("\(name).conv\(last + 1)", of: value, and: shortcut)
  }

  private mutating func behindNormalization(
    _ stage: Int, _ block: Int, _ number: Int, of input: Int
  ) -> Int {
    // For profiles, it is part of the convolution before it where there is one.
    let name = "\(stage + 1).\(block).\(number == 0 ? "norm" : "conv\(number)")"
    return activated(
      name,
      of: normalized(name, .normalization(stage: stage, block: block, number), of: input))
  }

  private func changes(_ stage: Int, _ block: Int, _ input: Int) -> Bool {
    architecture.changes(stage: stage, block: block, channels: graph.values[input].channels)
  }

  // MARK: Layers

  /// A convolution of a block, which has the block's stride if it is its place.
  private mutating func convolution(
    _ stage: Int, _ block: Int, _ number: Int, of input: Int
  ) -> Int {
    let isBottleneck = architecture.block.kernels.count == 3
    let strided =
      isBottleneck ? details.bottleneckStride == .middle ? 1 : 0 : details.stridesSecond ? 1 : 0
    return convolution(
      "\(stage + 1).\(block).conv\(number + 1)",
      .convolution(stage: stage, block: block, number),
      stride: number == strided ? ResNet.Architecture.stride(stage: stage, block: block) : 1,
      of: input)
  }

  private mutating func projection(_ stage: Int, _ block: Int, of input: Int) -> Int {
    convolution(
      "\(stage + 1).\(block).shortcut", .projection(stage: stage, block: block),
      stride: ResNet.Architecture.stride(stage: stage, block: block), of: input)
  }

  private mutating func convolution(
    _ name: String, _ place: LayerPlace, stride: Int = 1, of input: Int
  ) -> Int {
    product(
      name, tensor(place, "weight"), bias: details.hasBiases ? tensor(place, "bias") : nil,
      stride: stride, of: input)
  }

  private mutating func product(
    _ name: String, _ weight: Tensor, bias: Tensor? = nil, stride: Int, of input: Int
  ) -> Int {
    let (kernel, extents) = (weight.shape[2], graph.values[input])
    var geometry = ConvolutionGeometry(
      height: extents.height, width: extents.width, kernel: kernel, stride: stride,
      padding: kernel / 2)
    if details.isLopsided, stride == 2, kernel > 1 {
      // As much in all as makes half of even extents.
      (geometry.padding, geometry.paddingBehind) = ((kernel - 2) / 2, (kernel - 1) / 2)
    }
    return graph.product(
      name,
      Convolution(
        weight: Parameter(weight), bias: bias.map(Parameter.init), geometry: geometry), of: input)
  }

  private mutating func normalized(_ name: String, _ place: LayerPlace, of input: Int) -> Int {
    let (scale, shift) = BatchNormalization.folded(
      weight: tensor(place, "weight"), bias: tensor(place, "bias"),
      mean: tensor(place, "running_mean"), variance: tensor(place, "running_var"),
      epsilon: details.normEpsilon.value)
    return graph.affine(name, scale: scale, shift: shift, of: input)
  }

  private mutating func activated(_ name: String, of input: Int) -> Int {
    let function: Activation =
      switch details.activation {
      case .relu: .relu
      case .silu: .silu
      case .leaky: .leakyReLU(slope: 0.1)
      }
    return graph.activation(name, function, of: input)
  }

  private func tensor(_ place: LayerPlace, _ part: String) -> Tensor {
    tensors["\(StateNaming.own(architecture.block).name(place)).\(part)"] ?? Tensor(shape: [0])
  }
}
