import Classification
import Kernels

/// A network in evaluation mode, compiled for many runs: operations fused into few steps (batch
/// normalisation into the convolutions; bias, residual and ReLU into the products), algorithms chosen,
/// weights packed. A `GradientPlan` adds the gradient with respect to the input.
///
/// A value that never changes; what a run writes is in a `Workspace`, so any number of threads may
/// run one plan. Every image's result is the same bytes whatever the batch and the threads.
public struct InferencePlan: Sendable {
  /// One step of the forward pass: slot[output] = activation(core(slot[input]) + slot[addend]).
  package struct Step: Sendable {
    enum Core: Sendable {
      case product(Product)
      /// in · scale + shift, per channel.
      case affine(scale: Tensor, shift: Tensor)
      /// Anything else.
      case other(any NetworkOperator)
    }

    /// W ∗ in + bias. A class because a run takes it out of its step millions of times, and a reference is
    /// taken faster than a dozen tables.
    final class Product: Sendable {
      let convolution: PreparedConvolution
      /// Padded with zeros to whole panels.
      let bias: Tensor
      /// Products in a sum.
      let termCount: Int

      init(_ frozen: FrozenConvolution, bias: Tensor, kernels: KernelSet, profile: PlanProfile) {
        convolution = frozen.prepared(.forward, kernels: kernels, profile: profile)
        self.bias = paddedToPanel(bias)
        termCount = frozen.termCount
      }
    }

    package let name: String
    let core: Core
    /// One slot for a product or an affine map.
    package let inputs: [Int]
    package let output: Int
    package let addend: Int?
    package let relu: Bool

    /// The first of the inputs.
    package var input: Int { inputs[0] }
    /// All slots that it reads.
    package var reads: [Int] { inputs + (addend.map { [$0] } ?? []) }

    /// Multiply-adds for one image by definition.
    var multiplyAdds: Int {
      switch core {
      case .product(let product): product.convolution.multiplyAdds
      case .affine: 0
      case .other(let operation): operation.multiplyAdds
      }
    }

    /// The product of the step; nil if it has none.
    var convolution: PreparedConvolution? {
      if case .product(let product) = core { product.convolution } else { nil }
    }
  }

  /// The activation that one step leaves, for one image.
  package struct Slot: Sendable {
    let pixels: Int
    let channels: Int
    package var count: Int { pixels * channels }
  }

  /// Steps that are run for a few images at a time, so that what they leave stays in the cache.
  package struct Segment: Sendable {
    package fileprivate(set) var steps: Range<Int>
    package let images: Int
  }

  /// The shape of one input image.
  public let imageShape: ImageShape
  /// L, the number of logits.
  public let classCount: Int
  /// The map from pixels to the scale of its input.
  public let normalization: Normalization
  /// The kernel set for which it was compiled.
  public let kernels: KernelSet
  /// For how many images at a time it was compiled.
  public let profile: PlanProfile
  /// Slot 0 is the input, the last one the logits.
  package let slots: [Slot]
  package let steps: [Step]
  /// All steps in segments, in order. From one segment to the next only one slot is handed on.
  package let segments: [Segment]
  /// What the products were prepared from, by step, for gradients and for whole numbers; nil where the plan is for
  /// forward passes alone.
  private(set) var weights: [FrozenConvolution?]?
  /// The last step that reads a slot, by slot; behind all steps for the logits, which are read at the end.
  let lastUse: [Int]

  /// The same plan without the memory of the weights as they were before packing: for forward passes alone, neither
  /// for gradients nor for whole numbers.
  public var forwardOnly: InferencePlan {
    var result = self
    result.weights = nil
    return result
  }

  /// Takes the weights of a step out of the plan: their memory is free once nobody else holds them.
  mutating func takeWeights(ofStep index: Int) -> FrozenConvolution? {
    defer { weights?[index] = nil }
    return weights?[index]
  }

  /// Multiply-adds of a forward pass of one image by definition; those with padding are not counted.
  public var multiplyAdds: Int { steps.reduce(0) { $0 + $1.multiplyAdds } }

  /// Floats of scratch memory that any step of a pass of so many images needs.
  func scratchCount(images: Int) -> Int {
    scratchCount(images: images) { steps[$0].convolution.map { [$0] } ?? [] }
  }

  /// Floats of scratch memory that any product needs in a pass of so many images, where `products` says which are made
  /// for a step.
  func scratchCount(images: Int, _ products: (_ step: Int) -> [PreparedConvolution]) -> Int {
    segments.flatMap { segment in
      segment.steps.flatMap(products).map { $0.scratchCount(images: min(images, segment.images)) }
    }.max() ?? 0
  }

  /// The compiled form of a checkpoint's network.
  ///
  /// - Throws: `StateError` if the checkpoint's tensors do not fit.
  public init(
    _ checkpoint: Checkpoint, kernels: KernelSet = .best, profile: PlanProfile = .throughput
  ) throws {
    self.init(
      try checkpoint.graph(), normalization: checkpoint.normalization, kernels: kernels,
      profile: profile)
  }

  /// The compiled form of a network.
  public init(
    _ graph: NetworkGraph, normalization: Normalization, kernels: KernelSet = .best,
    profile: PlanProfile = .throughput
  ) {
    imageShape = graph.imageShape
    classCount = graph.classCount
    self.normalization = normalization
    self.kernels = kernels
    self.profile = profile
    let fused = graph.fused()
    // Values that fusing leaves have a slot each, in the order in which they are made.
    var slots = [0: 0]
    for step in fused { slots[step.output] = slots.count }
    self.slots = ([0] + fused.map(\.output)).map {
      Slot(pixels: graph.values[$0].pixels, channels: graph.values[$0].channels)
    }
    weights = fused.map {
      if case .product(let frozen, _) = $0.core { frozen } else { nil }
    }
    steps = fused.map { step in
      let core: Step.Core =
        switch step.core {
        case .product(let frozen, let bias):
          .product(Step.Product(frozen, bias: bias, kernels: kernels, profile: profile))
        case .affine(let scale, let shift): .affine(scale: scale, shift: shift)
        case .other(let operation): .other(operation)
        }
      return Step(
        name: step.name, core: core, inputs: step.inputs.map { slots[$0] ?? 0 },
        output: slots[step.output] ?? 0, addend: step.addend.flatMap { slots[$0] },
        relu: step.relu)
    }
    var lastUse = [Int](repeating: steps.count, count: self.slots.count)
    for (index, step) in steps.enumerated() {
      for slot in step.reads { lastUse[slot] = index }
    }
    self.lastUse = lastUse
    segments = Self.segments(steps, self.slots, lastUse)
  }

  /// What its steps do with the memory of activations. Pixels are written, logits copied out.
  package var accesses: [ActivationLayout.Segment] {
    var segments = segments.map { segment in
      ActivationLayout.Segment(
        accesses: steps[segment.steps].map { step in
          ActivationLayout.Access(
            reads: step.reads, written: step.output,
            replaceable: step.addend.flatMap { step.inputs.contains($0) ? nil : $0 })
        }, images: segment.images)
    }
    segments[0].accesses.insert(.init(reads: [], written: 0), at: 0)
    segments[segments.count - 1].accesses.append(.init(reads: [slots.count - 1]))
    return segments
  }

  /// Where activations lie.
  package func layout(images: Int) -> ActivationLayout {
    ActivationLayout(accesses, sizes: slots.map(\.count), images: images)
  }

  // MARK: Segments

  /// The steps in segments that end wherever one slot alone is handed on; neighbours that are run for as many
  /// images at a time are one.
  private static func segments(
    _ steps: [Step], _ slots: [Slot], _ lastUse: [Int]
  ) -> [Segment] {
    guard !steps.isEmpty else { return [Segment(steps: 0..<0, images: 1)] }
    var segments: [Segment] = []
    var first = 0
    for index in steps.indices {
      let handedOn = (0...steps[index].output).count { lastUse[$0] > index }
      guard handedOn <= 1 else { continue }
      let images = images(of: steps[first...index], slots)
      if let last = segments.last, last.images == images {
        segments[segments.count - 1].steps = last.steps.lowerBound..<index + 1
      } else {
        segments.append(Segment(steps: first..<index + 1, images: images))
      }
      first = index + 1
    }
    return segments
  }

  /// For how many images steps are run at a time: so many that the largest activation fills 1 MiB, which the
  /// cache holds, or, where a layer has more than four times as many weights, a quarter of their memory: a weight that
  /// was read is then used often.
  private static func images(of steps: ArraySlice<Step>, _ slots: [Slot]) -> Int {
    let activation = steps.flatMap { ($0.inputs + [$0.output]).map { slots[$0].count } }.max() ?? 1
    let weights = steps.compactMap { $0.convolution?.weightCount }.max() ?? 0
    return (max(cachedFloats, weights / 4) + activation - 1) / activation
  }

  /// 1 MiB, in floats: found by measuring.
  private static let cachedFloats = 1 << 18
}
