import Kernels

/// A network in evaluation mode, compiled for many runs: batch normalisation folded into the
/// convolutions, weights packed, bias, residual and ReLU fused into the products, and the gradient
/// with respect to the input laid out beside the forward pass.
///
/// A value that never changes; what a run writes is in a `Workspace`, so any number of threads may
/// run one plan. Every image's result is the same bytes whatever the batch.
public struct InferencePlan: Sendable {
  /// One product of the forward pass: slot[output] = activation(W ∗ slot[input] + bias + slot[addend]).
  struct Step: Sendable {
    var table: Gather
    var weights: PackedWeights
    var bias: Tensor
    var input: Int
    var output: Int
    var addend: Int?
    var relu: Bool
  }

  /// One product of the backward pass: ∂slot[output] = mask(Wᵀ ∗ ∂slot[input] + ∂slot[addend]).
  struct BackwardStep: Sendable {
    var table: Gather
    var weights: PackedWeights
    var input: Int
    var output: Int
    var addend: Int?
    /// Whether to set the result to zero where slot[output], a ReLU's output, is not positive.
    var masks: Bool
  }

  /// The activation that one layer leaves, for one image.
  struct Slot: Sendable {
    var pixels: Int
    var channels: Int
    var count: Int { pixels * channels }
  }

  /// The network that was compiled.
  public let architecture: ResNet.Architecture
  /// The map from pixels to the scale of its input.
  public let normalization: Normalization
  /// The kernel set for which it was compiled.
  public let kernels: KernelSet
  let slots: [Slot]
  let steps: [Step]
  let backwardSteps: [BackwardStep]
  let dense: Step
  let denseBackward: PackedWeights
  /// The slots before and after global average pooling, and that of the logits.
  let last: Int
  let pooled: Int
  let logits: Int
  let scratchCount: Int

  /// Multiply-adds of a forward pass of one image; those with padding are not made, nor counted.
  public var multiplyAdds: Int {
    (steps + [dense]).reduce(0) {
      $0 + $1.table.multiplyAdds * slots[$1.input].channels * $1.weights.outputChannels
    }
  }

  /// The compiled form of a network as it is now; later training does not change the plan.
  public init(_ network: ResNet, normalization: Normalization, kernels: KernelSet = .best) {
    architecture = network.architecture
    self.normalization = normalization
    self.kernels = kernels
    var builder = Builder(kernels: kernels)
    let shape = network.architecture.imageShape
    let input = builder.slot(pixels: shape.height * shape.width, channels: shape.channels)
    var activation = builder.add(network.stem, input: input, relu: true)
    for block in network.stages.joined() { activation = builder.add(block, input: activation) }
    last = activation
    let channels = builder.slots[activation].channels
    pooled = builder.slot(pixels: 1, channels: channels)
    logits = builder.slot(pixels: 1, channels: network.architecture.classCount)
    let layer = network.dense.convolution
    dense = Step(
      table: .dense, weights: layer.packedWeights(for: kernels),
      bias: paddedToPanel(network.dense.bias.value), input: pooled, output: logits, addend: nil,
      relu: false)
    denseBackward = layer.packedTransposedWeights(for: kernels)
    slots = builder.slots
    steps = builder.steps
    backwardSteps = builder.backwardSteps()
    let products =
      steps.map { ($0.table, $0.weights, $0.input) }
      + backwardSteps.map { ($0.table, $0.weights, $0.input) }
      + [(dense.table, dense.weights, pooled), (dense.table, denseBackward, logits)]
    scratchCount =
      products.map { [slots] table, weights, input in
        kernels.scratchCount(
          table, inputChannels: slots[input].channels, outputChannels: weights.outputChannels)
      }.max() ?? 0
  }
}

// MARK: Compiling

extension InferencePlan {
  /// Collects the steps in the order of the forward pass.
  private struct Builder {
    let kernels: KernelSet
    var slots: [Slot] = []
    var steps: [Step] = []
    /// For every step, its transposed weights and table.
    var transposes: [(table: Gather, weights: PackedWeights)] = []

    mutating func slot(pixels: Int, channels: Int) -> Int {
      slots.append(Slot(pixels: pixels, channels: channels))
      return slots.count - 1
    }

    mutating func add(
      _ layer: ConvolutionNormalization, input: Int, addend: Int? = nil, relu: Bool
    ) -> Int {
      let (scale, shift) = layer.normalization.foldedForEvaluation()
      return add(
        layer.convolution, scale: scale, bias: shift, input: input, addend: addend, relu: relu)
    }

    mutating func add(
      _ convolution: Convolution, scale: Tensor?, bias: Tensor, input: Int, addend: Int?, relu: Bool
    ) -> Int {
      let output = slot(
        pixels: convolution.forwardTable.destinationCount, channels: convolution.outputChannels)
      steps.append(
        Step(
          table: convolution.forwardTable,
          weights: convolution.packedWeights(for: kernels, scale: scale),
          bias: paddedToPanel(bias), input: input, output: output, addend: addend, relu: relu))
      transposes.append(
        (
          convolution.gradientTable,
          convolution.packedTransposedWeights(for: kernels, scale: scale)
        ))
      return output
    }

    mutating func add(_ block: ResidualBlock, input: Int) -> Int {
      let residual =
        switch block.shortcut {
        case .identity: input
        case .projection(let projection): add(projection, input: input, relu: false)
        case .copy(let copy):
          add(
            copy, scale: nil, bias: Tensor(shape: [copy.outputChannels]), input: input,
            addend: nil, relu: false)
        }
      var activation = input
      for (index, layer) in block.layers.enumerated() {
        activation = add(
          layer, input: activation, addend: index == block.layers.count - 1 ? residual : nil,
          relu: true)
      }
      return activation
    }

    /// The steps in reverse, each with the gradient that others have already left for its input.
    func backwardSteps() -> [BackwardStep] {
      // Where the gradient of a slot is found: a residual that no product touches has the very
      // gradient of the sum that it entered.
      var place = Array(slots.indices)
      var hasGradient = [Bool](repeating: false, count: slots.count)
      var consumers = [Int](repeating: 0, count: slots.count)
      for step in steps {
        consumers[step.input] += 1
        if let addend = step.addend { consumers[addend] += 1 }
      }
      let isRectified = Dictionary(uniqueKeysWithValues: steps.map { ($0.output, $0.relu) })
      var result: [BackwardStep] = []
      for (step, transpose) in Swift.zip(steps, transposes).reversed() {
        let gradient = place[step.output]
        if let addend = step.addend {
          place[addend] = gradient
          hasGradient[addend] = true
          consumers[addend] -= 1
        }
        consumers[step.input] -= 1
        result.append(
          BackwardStep(
            table: transpose.table, weights: transpose.weights, input: gradient,
            output: step.input, addend: hasGradient[step.input] ? place[step.input] : nil,
            masks: consumers[step.input] == 0 && isRectified[step.input] == true))
        place[step.input] = step.input
        hasGradient[step.input] = true
      }
      return result
    }
  }
}
