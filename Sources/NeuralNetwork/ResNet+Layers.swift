import Classification

extension ResNet.Architecture {
  /// One tensor of a network's state.
  package struct StateTensor: Sendable {
    /// The layer that it belongs to.
    package var place: LayerPlace
    /// What it is there: "weight", "bias", "running_mean" or "running_var".
    package var part: String
    package var shape: [Int]

    /// Its path under a naming.
    package func path(_ naming: StateNaming) -> String { "\(naming.name(place)).\(part)" }
  }

  /// Channels of what a block of a stage makes.
  func outputChannels(stage: Int) -> Int {
    widths[stage] * (block.kernels.count == 3 ? details.expansion : 1)
  }

  /// Channels of what the dense layer is given.
  var lastChannels: Int { outputChannels(stage: widths.count - 1) }

  /// The stride of a block.
  static func stride(stage: Int, block: Int) -> Int { stage > 0 && block == 0 ? 2 : 1 }

  /// Whether the input of a block cannot be added to what it makes as it is.
  func changes(stage: Int, block: Int, channels: Int) -> Bool {
    Self.stride(stage: stage, block: block) > 1 || channels != outputChannels(stage: stage)
  }

  /// The tensors of the network's state, in the order of the layers, without building the network.
  package var stateTensors: [StateTensor] {
    var tensors: [StateTensor] = []
    func normalization(_ place: LayerPlace, _ channels: Int) {
      for part in ["weight", "bias", "running_mean", "running_var"] {
        tensors.append(StateTensor(place: place, part: part, shape: [channels]))
      }
    }
    func convolution(_ place: LayerPlace, from inputs: Int, to outputs: Int, kernel: Int) {
      tensors.append(
        StateTensor(place: place, part: "weight", shape: [outputs, inputs, kernel, kernel]))
      if details.hasBiases {
        tensors.append(StateTensor(place: place, part: "bias", shape: [outputs]))
      }
    }
    let isPre = block.isPreActivation
    var channels = stemWidth ?? widths.first ?? 0
    convolution(.stem, from: imageShape.channels, to: channels, kernel: stemKernel)
    if !isPre { normalization(.stemNormalization, channels) }
    for (stage, width) in widths.enumerated() {
      let outputs = outputChannels(stage: stage)
      for index in 0..<blocks[stage] {
        let block = index
        var inner = channels
        for (number, kernel) in self.block.kernels.enumerated() {
          let next = number == self.block.kernels.count - 1 ? outputs : width
          if isPre { normalization(.normalization(stage: stage, block: block, number), inner) }
          convolution(
            .convolution(stage: stage, block: block, number), from: inner, to: next, kernel: kernel)
          if !isPre { normalization(.normalization(stage: stage, block: block, number), next) }
          inner = next
        }
        if shortcut == .projection, changes(stage: stage, block: block, channels: channels) {
          convolution(
            .projection(stage: stage, block: block), from: channels, to: outputs,
            kernel: details.projectionKernel)
          if !isPre { normalization(.projectionNormalization(stage: stage, block: block), outputs) }
        }
        channels = outputs
      }
    }
    if isPre, details.hasLastNormalization { normalization(.lastNormalization, channels) }
    tensors.append(StateTensor(place: .dense, part: "weight", shape: [classCount, channels]))
    tensors.append(StateTensor(place: .dense, part: "bias", shape: [classCount]))
    return tensors
  }

  /// The shape of every tensor of the network's state by its path, under this package's names.
  package var stateShapes: [String: [Int]] { stateShapes(.own(block)) }

  /// The shape of every tensor of the network's state by its path under a naming.
  package func stateShapes(_ naming: StateNaming) -> [String: [Int]] {
    Dictionary(
      stateTensors.map { ($0.path(naming), $0.shape) }, uniquingKeysWith: { first, _ in first })
  }

  /// The number of trainable values.
  package var parameterCount: Int {
    stateTensors.reduce(0) {
      $0 + ($1.part.hasPrefix("running_") ? 0 : $1.shape.reduce(1, *))
    }
  }
}
