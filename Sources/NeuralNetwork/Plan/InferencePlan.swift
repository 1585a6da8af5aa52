import Classification
import Kernels

/// A network in evaluation mode, compiled for many runs: batch normalisation folded into the
/// convolutions, algorithms chosen, weights packed, bias, residual and ReLU fused into the products.
/// A `GradientPlan` adds the gradient with respect to the input.
///
/// A value that never changes; what a run writes is in a `Workspace`, so any number of threads may
/// run one plan. Every image's result is the same bytes whatever the batch and the threads.
public struct InferencePlan: Sendable {
  /// One product of the forward pass: slot[output] = activation(W ∗ slot[input] + bias + slot[addend]).
  struct Step: Sendable {
    var name: String
    var frozen: FrozenConvolution
    var convolution: PreparedConvolution
    var bias: Tensor
    var input: Int
    var output: Int
    var addend: Int?
    var relu: Bool
  }

  /// The activation that one layer leaves, for one image.
  struct Slot: Sendable {
    var pixels: Int
    var channels: Int
    var count: Int { pixels * channels }
  }

  /// Steps that are run for a few images at a time, so that what they leave stays in the cache.
  struct Segment: Sendable {
    var steps: Range<Int>
    var images: Int
  }

  /// The network that was compiled.
  public let architecture: ResNet.Architecture
  /// The map from pixels to the scale of its input.
  public let normalization: Normalization
  /// The kernel set for which it was compiled.
  public let kernels: KernelSet
  /// For how many images at a time it was compiled.
  public let profile: PlanProfile
  let slots: [Slot]
  let steps: [Step]
  /// All steps in segments, in order. From one segment to the next only one slot is handed on.
  let segments: [Segment]
  let dense: Step
  /// The slots before and after global average pooling, and that of the logits.
  let last: Int
  let pooled: Int
  let logits: Int

  /// Multiply-adds of a forward pass of one image by definition; those with padding are not counted.
  public var multiplyAdds: Int {
    (steps + [dense]).reduce(0) { $0 + $1.convolution.multiplyAdds }
  }

  /// The compiled form of a checkpoint's network.
  ///
  /// - Throws: `StateError` if the checkpoint's tensors do not fit.
  public init(
    _ checkpoint: Checkpoint, kernels: KernelSet = .best, profile: PlanProfile = .throughput
  ) throws {
    self.init(
      try checkpoint.network(), normalization: checkpoint.normalization, kernels: kernels,
      profile: profile)
  }

  /// The compiled form of a network as it is now; later training does not change the plan.
  public init(
    _ network: ResNet, normalization: Normalization, kernels: KernelSet = .best,
    profile: PlanProfile = .throughput
  ) {
    architecture = network.architecture
    self.normalization = normalization
    self.kernels = kernels
    self.profile = profile
    var builder = Builder(kernels: kernels, profile: profile)
    let shape = network.architecture.imageShape
    let input = builder.slot(pixels: shape.height * shape.width, channels: shape.channels)
    var activation = builder.add("stem", network.stem, input: input, relu: true)
    builder.endSegment()
    for (stage, blocks) in network.stages.enumerated() {
      for (index, block) in blocks.enumerated() {
        activation = builder.add("\(stage + 1).\(index)", block, input: activation)
        builder.endSegment()
      }
    }
    last = activation
    let channels = builder.slots[activation].channels
    pooled = builder.slot(pixels: 1, channels: channels)
    logits = builder.slot(pixels: 1, channels: network.architecture.classCount)
    let layer = network.dense.convolution.frozen()
    dense = Step(
      name: "dense", frozen: layer,
      convolution: layer.prepared(.forward, kernels: kernels, profile: profile),
      bias: paddedToPanel(network.dense.bias.value), input: pooled, output: logits, addend: nil,
      relu: false)
    slots = builder.slots
    steps = builder.steps
    segments = builder.segments
  }
}

// MARK: Compiling

extension InferencePlan {
  /// Collects the steps in the order of the forward pass.
  private struct Builder {
    let kernels: KernelSet
    let profile: PlanProfile
    var slots: [Slot] = []
    var steps: [Step] = []
    var segments: [Segment] = []

    /// Ends a segment here and says for how many images it is run at a time; if for as many as the one
    /// before, it becomes part of that.
    ///
    /// So many that the largest activation fills 1 MiB, which the cache holds, or, where a layer has more
    /// weights than that, as much memory as these: a weight that was read is then used often.
    mutating func endSegment() {
      let first = segments.last?.steps.upperBound ?? 0
      let new = steps[first...]
      let activation = new.flatMap { [slots[$0.input].count, slots[$0.output].count] }.max() ?? 1
      let weights = new.map(\.convolution.weightCount).max() ?? 0
      let images = (max(Self.cachedFloats, weights) + activation - 1) / activation
      if let last = segments.last, last.images == images {
        segments[segments.count - 1].steps = last.steps.lowerBound..<steps.count
      } else {
        segments.append(Segment(steps: first..<steps.count, images: images))
      }
    }

    /// 1 MiB, in floats: found by measuring.
    private static let cachedFloats = 1 << 18

    mutating func slot(pixels: Int, channels: Int) -> Int {
      slots.append(Slot(pixels: pixels, channels: channels))
      return slots.count - 1
    }

    mutating func add(
      _ name: String, _ layer: ConvolutionNormalization, input: Int, addend: Int? = nil, relu: Bool
    ) -> Int {
      let (scale, shift) = layer.normalization.foldedForEvaluation()
      return add(
        name, layer.convolution, scale: scale, bias: shift, input: input, addend: addend,
        relu: relu)
    }

    mutating func add(
      _ name: String, _ convolution: Convolution, scale: Tensor?, bias: Tensor, input: Int,
      addend: Int?, relu: Bool
    ) -> Int {
      let frozen = convolution.frozen(scale: scale)
      let prepared = frozen.prepared(.forward, kernels: kernels, profile: profile)
      let output = slot(pixels: prepared.destinationCount, channels: prepared.outputChannels)
      steps.append(
        Step(
          name: name, frozen: frozen, convolution: prepared, bias: paddedToPanel(bias),
          input: input,
          output: output, addend: addend, relu: relu))
      return output
    }

    mutating func add(_ name: String, _ block: ResidualBlock, input: Int) -> Int {
      let residual =
        switch block.shortcut {
        case .identity: input
        case .projection(let projection):
          add("\(name).shortcut", projection, input: input, relu: false)
        case .copy(let copy):
          add(
            "\(name).shortcut", copy, scale: nil, bias: Tensor(shape: [copy.outputChannels]),
            input: input, addend: nil, relu: false)
        }
      var activation = input
      for (index, layer) in block.layers.enumerated() {
        activation = add(
          "\(name).conv\(index + 1)", layer, input: activation,
          addend: index == block.layers.count - 1 ? residual : nil, relu: true)
      }
      return activation
    }
  }
}

// MARK: Memory

extension InferencePlan {
  /// Where slots lie in memory.
  struct Layout: Sendable {
    /// In floats, by slot.
    fileprivate(set) var offsets: [Int]
    /// For how many images there is room, by slot.
    fileprivate(set) var images: [Int]
    /// Floats in all.
    fileprivate(set) var count = 0
  }

  /// The layout in which every slot has memory of its own, so that a backward pass finds all activations.
  func separateLayout(images: Int) -> Layout {
    var layout = Layout(offsets: [], images: slots.map { _ in images })
    for slot in slots {
      layout.offsets.append(layout.count)
      layout.count += Self.floats(slot, images)
    }
    return layout
  }

  /// The layout in which a slot takes memory that a forward pass no longer needs: two or three activations
  /// in place of all, few enough to stay in the cache. Slots that are used inside of one segment only have
  /// room for as many images as the segment is run for at a time.
  func sharedLayout(images: Int) -> Layout {
    var lastUse = [Int](repeating: steps.count, count: slots.count)
    for (index, step) in steps.enumerated() {
      lastUse[step.input] = index
      if let addend = step.addend { lastUse[addend] = index }
    }
    lastUse[last] = steps.count
    var layout = Layout(
      offsets: [Int](repeating: -1, count: slots.count), images: slots.map { _ in images })
    layout.images[0] = min(images, segments[0].images)
    for segment in segments {
      for step in steps[segment.steps].dropLast() {
        layout.images[step.output] = min(images, segment.images)
      }
    }
    // Free stretches of memory by position.
    var free: [(start: Int, count: Int)] = []
    func take(_ slot: Int) {
      let need = Self.floats(slots[slot], layout.images[slot])
      if let found = free.firstIndex(where: { $0.count >= need }) {
        layout.offsets[slot] = free[found].start
        free[found].start += need
        free[found].count -= need
        if free[found].count == 0 { free.remove(at: found) }
      } else {
        // The last stretch grows if it is free.
        if let tail = free.last, tail.start + tail.count == layout.count {
          layout.count = tail.start
          free.removeLast()
        }
        layout.offsets[slot] = layout.count
        layout.count += need
      }
    }
    func release(_ slot: Int) {
      let need = Self.floats(slots[slot], layout.images[slot])
      let place = free.firstIndex { $0.start > layout.offsets[slot] } ?? free.count
      free.insert((layout.offsets[slot], need), at: place)
      for index in [place, place - 1] where index >= 0 && index + 1 < free.count {
        if free[index].start + free[index].count == free[index + 1].start {
          free[index].count += free[index + 1].count
          free.remove(at: index + 1)
        }
      }
    }
    take(0)
    for segment in segments {
      // A segment begins again for the next images: what it was given stays until its end.
      var ended: [Int] = []
      // And its result is read by the next segment, so it must not lie where this one works.
      let result = steps[segment.steps.upperBound - 1].output
      take(result)
      for index in segment.steps {
        let step = steps[index]
        if let addend = step.addend, lastUse[addend] == index, addend != step.input,
          segment.steps.contains(where: { steps[$0].output == addend }), step.output != result
        {
          // The sum takes the place of its addend.
          layout.offsets[step.output] = layout.offsets[addend]
        } else {
          if step.output != result { take(step.output) }
          if let addend = step.addend, lastUse[addend] == index, addend != step.input {
            ended.append(addend)
          }
        }
        if lastUse[step.input] == index { ended.append(step.input) }
        // Slots of this segment are free at once, those from before at its end.
        for slot in ended where segment.steps.contains(where: { steps[$0].output == slot }) {
          release(slot)
          ended.removeAll { $0 == slot }
        }
      }
      for slot in ended { release(slot) }
    }
    take(pooled)
    take(logits)
    return layout
  }

  /// Whole cache lines, so that no two slots share one.
  private static func floats(_ slot: Slot, _ images: Int) -> Int {
    (slot.count * images + 15) / 16 * 16
  }

  /// Floats of scratch memory that any step needs.
  var scratchCount: Int {
    (steps + [dense]).map(\.convolution.scratchCount).max() ?? 0
  }
}
