import Classification
import KernelTables
import Kernels

/// Makes the layers of any residual network from its description and its state.
package struct ResidualLayers {
  /// What was made so far.
  package private(set) var layers: LayerGraph
  private let architecture: ResNet.Architecture
  private let parameters: [String: Parameter]
  private let buffers: [String: StateBuffer]
  private var tables: [ConvolutionGeometry: SharedConvolutionTables] = [:]

  /// No layers yet.
  ///
  /// - Parameters:
  ///   - state: all of `architecture.stateTensors`, under this package's names; the layers share it.
  ///   - imageShape: of what the first layer is given.
  package init(
    _ architecture: ResNet.Architecture, _ state: NetworkState, imageShape: ImageShape
  ) {
    self.architecture = architecture
    layers = LayerGraph(imageShape: imageShape)
    parameters = Dictionary(
      state.parameters.map { ($0.path, $0.parameter) }, uniquingKeysWith: { first, _ in first })
    buffers = Dictionary(
      state.buffers.map { ($0.path, $0.buffer) }, uniquingKeysWith: { first, _ in first })
  }

  private var details: ResNet.Architecture.Details { architecture.details }

  /// The whole network.
  mutating func build() {
    let isPre = architecture.block.isPreActivation
    var value = convolution("stem", .stem, of: 0)
    if !isPre {
      value = activated("stem", of: normalized("stem", .stemNormalization, of: value))
      if details.stemPooling == .max {
        value = layers.add(
          "stem.pooling",
          Pooling(
            .maximum, PoolingWindow(kernel: 3, stride: 2, padding: 1), of: layers.values[value]),
          of: value)
      }
    }
    for (stage, count) in architecture.blocks.enumerated() {
      for block in 0..<count {
        value = self.block(stage, block, of: value)
      }
    }
    if isPre, details.hasLastNormalization {
      value = activated("last", of: normalized("last", .lastNormalization, of: value))
    }
    let mean = layers.add("mean", Pooling.mean(of: layers.values[value]), of: value)
    let dense = Dense(
      weight: parameter(.dense, "weight"), bias: parameter(.dense, "bias"))
    _ = layers.add("dense", .dense(dense), of: mean)
  }

  // MARK: Blocks

  /// A block of a stage, both counted from 0.
  ///
  /// - Parameter input: the number of the value that it is given.
  /// - Returns: the number of the value that it makes.
  package mutating func block(_ stage: Int, _ block: Int, of input: Int) -> Int {
    architecture.block.isPreActivation
      ? preActivationBlock(stage, block, of: input) : postActivationBlock(stage, block, of: input)
  }

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
        let copy = Tensor.copyingChannels(
          from: layers.values[input].channels, to: architecture.outputChannels(stage: stage),
          padding: details.shortcutPadding)
        shortcut = layers.add(
          "\(name).shortcut",
          .fixed(convolution(Parameter(copy), bias: nil, stride: stride, of: input)), of: input)
      }
    }
    var value = input
    let last = architecture.block.kernels.count - 1
    for number in 0...last {
      let layer = "\(name).conv\(number + 1)"
      value = normalized(
        layer, .normalization(stage: stage, block: block, number),
        of: convolution(stage, block, number, of: value))
      if number == last { value = layers.add(layer, .sum, of: value, shortcut) }
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
    return layers.add("\(name).conv\(last + 1)", .sum, of: value, shortcut)
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
    architecture.changes(stage: stage, block: block, channels: layers.values[input].channels)
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
    let layer = convolution(
      parameter(place, "weight"), bias: details.hasBiases ? parameter(place, "bias") : nil,
      stride: stride, of: input)
    return layers.add(name, .convolution(layer), of: input)
  }

  private mutating func convolution(
    _ weight: Parameter, bias: Parameter?, stride: Int, of input: Int
  ) -> Convolution {
    let (kernel, extents) = (weight.value.shape[2], layers.values[input])
    var geometry = ConvolutionGeometry(
      height: extents.height, width: extents.width, kernel: kernel, stride: stride,
      padding: kernel / 2)
    if details.isLopsided, stride == 2, kernel > 1 {
      // As much in all as makes half of even extents.
      (geometry.padding, geometry.paddingBehind) = ((kernel - 2) / 2, (kernel - 1) / 2)
    }
    let tables = tables[geometry] ?? SharedConvolutionTables(geometry)
    self.tables[geometry] = tables
    return Convolution(weight: weight, bias: bias, tables: tables)
  }

  private mutating func normalized(_ name: String, _ place: LayerPlace, of input: Int) -> Int {
    let layer = BatchNormalization(
      weight: parameter(place, "weight"), bias: parameter(place, "bias"),
      runningMean: buffer(place, "running_mean"), runningVariance: buffer(place, "running_var"),
      epsilon: details.normEpsilon.value)
    return layers.add(name, .normalization(layer), of: input)
  }

  private mutating func activated(_ name: String, of input: Int) -> Int {
    let function: Activation =
      switch details.activation {
      case .relu: .relu
      case .silu: .silu
      case .leaky: .leakyReLU(slope: 0.1)
      }
    return layers.add(name, .activation(function), of: input)
  }

  private func parameter(_ place: LayerPlace, _ part: String) -> Parameter {
    guard let found = parameters[path(place, part)] else {
      preconditionFailure("\(path(place, part)) is missing")
    }
    return found
  }

  private func buffer(_ place: LayerPlace, _ part: String) -> StateBuffer {
    guard let found = buffers[path(place, part)] else {
      preconditionFailure("\(path(place, part)) is missing")
    }
    return found
  }

  private func path(_ place: LayerPlace, _ part: String) -> String {
    "\(StateNaming.own(architecture.block).name(place)).\(part)"
  }
}

extension Tensor {
  /// The weights [O, C, 1, 1] of a convolution that copies channels, with zeros where the output has more.
  fileprivate static func copyingChannels(
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
