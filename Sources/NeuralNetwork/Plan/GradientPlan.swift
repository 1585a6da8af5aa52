import Classification
import Kernels

/// The gradient with respect to the input that belongs to an `InferencePlan`: the products of its
/// layers transposed, in reverse, with the masks of ReLU and the sums of residuals fused into them.
package struct GradientPlan: Sendable {
  /// ∂slot[output] = mask(coreᵀ(∂slot[input]) + ∂slot[addend]).
  struct Step: Sendable {
    enum Core: Sendable {
      case product(Product)
      /// g · scale + zeros; as the forward pass, so that one kernel does both.
      case scaling(Tensor, zeros: Tensor)
      /// The gradient of an operator with respect to one of its inputs, which are those slots' activations.
      case other(any NetworkOperator, ofInput: Int, inputs: [Int])
    }

    /// Wᵀ ∗ g; a class as `InferencePlan.Step.Product` is.
    final class Product: Sendable {
      let convolution: PreparedConvolution

      init(_ convolution: PreparedConvolution) { self.convolution = convolution }
    }

    var core: Core
    var input: Int
    var output: Int
    var addend: Int?
    /// Whether to set the result to zero where slot[output], a ReLU's output, is not positive.
    var masks: Bool

    /// All slots whose gradients it reads.
    var reads: [Int] { [input] + (addend.map { [$0] } ?? []) }

    /// The product of the step; nil if it has none.
    var convolution: PreparedConvolution? {
      if case .product(let product) = core { product.convolution } else { nil }
    }
  }

  /// The plan whose activations it takes.
  let plan: InferencePlan
  /// Those of every step of the plan, in the order in which they run: that of the steps reversed.
  let steps: [[Step]]
  /// What it needs of the forward pass.
  package let tape: Tape.Layout

  /// The gradient of a plan, whose weights are taken one by one, so that those as they were before packing and those
  /// packed are never all there at once, unless somebody else holds that plan.
  ///
  /// - Returns: nil if the plan is one for forward passes alone.
  package init?(of plan: consuming InferencePlan) {
    self.plan = plan.forwardOnly
    // The slot in whose memory a slot's gradient lies: the gradient of a sum is also that of its addend,
    // so the addend needs no memory of its own until something else adds to it.
    var place = Array(plan.slots.indices)
    var hasGradient = [Bool](repeating: false, count: plan.slots.count)
    var users = [Int](repeating: 0, count: plan.slots.count)
    var isRectified = [Bool](repeating: false, count: plan.slots.count)
    for step in plan.steps {
      for slot in step.reads { users[slot] += 1 }
      isRectified[step.output] = step.relu
    }
    /// A part of a slot's gradient, added to the parts before; the last one masks.
    func contribution(_ core: Step.Core, from gradient: Int, to slot: Int) -> Step {
      defer {
        place[slot] = slot
        hasGradient[slot] = true
      }
      return Step(
        core: core, input: gradient, output: slot, addend: hasGradient[slot] ? place[slot] : nil,
        masks: users[slot] == 0 && isRectified[slot])
    }
    let (kernels, profile) = (plan.kernels, plan.profile)
    var made = [[Step]](repeating: [], count: plan.steps.count)
    for (index, step) in plan.steps.enumerated().reversed() {
      let gradient = place[step.output]
      if let addend = step.addend {
        users[addend] -= 1
        if hasGradient[addend] || users[addend] == 0 && isRectified[addend] {
          let ones = Tensor(repeating: 1, shape: [plan.slots[addend].channels])
          made[index].append(contribution(.scaling(by: ones), from: gradient, to: addend))
        } else {
          place[addend] = gradient
          hasGradient[addend] = true
        }
      }
      for (place, slot) in step.inputs.enumerated() {
        users[slot] -= 1
        let core: Step.Core
        switch step.core {
        case .product:
          guard let weights = plan.takeWeights(ofStep: index) else { return nil }
          core = .product(
            Step.Product(weights.prepared(.inputGradient, kernels: kernels, profile: profile)))
        case .affine(let scale, _): core = .scaling(by: scale)
        case .other(let operation): core = .other(operation, ofInput: place, inputs: step.inputs)
        }
        made[index].append(contribution(core, from: gradient, to: slot))
      }
    }
    steps = made
    var (kept, masking): (Set<Int>, Set<Int>) = ([], [])
    for step in made.joined() {
      if step.masks { masking.insert(step.output) }
      if case .other(let operation, _, let inputs) = step.core, operation.gradientReadsInputs {
        kept.formUnion(inputs)
      }
    }
    tape = Tape.Layout(plan.slots, kept: kept, masking: masking)
  }

  /// What its steps do with the memory of gradients. The logits' gradient is copied in, the pixels' copied out.
  package var accesses: [ActivationLayout.Segment] {
    var segments = plan.segments.reversed().map { segment in
      ActivationLayout.Segment(
        accesses: segment.steps.reversed().flatMap { index in
          steps[index].map {
            ActivationLayout.Access(
              reads: $0.reads, written: $0.output,
              replaceable: $0.addend == $0.input ? nil : $0.addend)
          }
        }, images: segment.images)
    }
    segments[0].accesses.insert(.init(reads: [], written: plan.slots.count - 1), at: 0)
    segments[segments.count - 1].accesses.append(.init(reads: [0]))
    return segments
  }

  /// Where gradients lie.
  package func layout(images: Int) -> ActivationLayout {
    ActivationLayout(accesses, sizes: plan.slots.map(\.count), images: images)
  }

  /// Floats of scratch memory that any step of a pass of so many images needs, forwards or backwards.
  func scratchCount(images: Int) -> Int {
    max(
      plan.scratchCount(images: images),
      plan.scratchCount(images: images) { steps[$0].compactMap(\.convolution) })
  }
}

extension GradientPlan.Step.Core {
  fileprivate static func scaling(by scale: Tensor) -> Self {
    .scaling(scale, zeros: Tensor(shape: scale.shape))
  }
}
