import Kernels

/// The gradient with respect to the input that belongs to an `InferencePlan`: the products of its
/// layers transposed, in reverse, with the masks of ReLU and the sums of residuals fused into them.
package struct GradientPlan: Sendable {
  /// ∂slot[output] = mask(Wᵀ ∗ ∂slot[input] + ∂slot[addend]).
  struct Step: Sendable {
    var convolution: PreparedConvolution
    var input: Int
    var output: Int
    var addend: Int?
    /// Whether to set the result to zero where slot[output], a ReLU's output, is not positive.
    var masks: Bool
  }

  /// The plan whose activations it takes.
  let plan: InferencePlan
  /// One for every step of the plan, in the order of the forward pass; they run in reverse.
  let steps: [Step]
  let dense: PreparedConvolution

  package init(of plan: InferencePlan) {
    self.plan = plan
    func transposed(_ step: InferencePlan.Step) -> PreparedConvolution {
      step.frozen.prepared(.inputGradient, kernels: plan.kernels, profile: plan.profile)
    }
    dense = transposed(plan.dense)
    // The slot in whose memory a slot's gradient lies: the gradient of a sum is also that of its addend,
    // so the addend needs no memory of its own until a product adds to it.
    var place = Array(plan.slots.indices)
    var hasGradient = [Bool](repeating: false, count: plan.slots.count)
    var consumers = [Int](repeating: 0, count: plan.slots.count)
    for step in plan.steps {
      consumers[step.input] += 1
      if let addend = step.addend { consumers[addend] += 1 }
    }
    let isRectified = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.output, $0.relu) })
    var reversed: [Step] = []
    for step in plan.steps.reversed() {
      let gradient = place[step.output]
      if let addend = step.addend {
        place[addend] = gradient
        hasGradient[addend] = true
        consumers[addend] -= 1
      }
      consumers[step.input] -= 1
      // What later layers have contributed to the gradient of this input already is added.
      reversed.append(
        Step(
          convolution: transposed(step), input: gradient, output: step.input,
          addend: hasGradient[step.input] ? place[step.input] : nil,
          masks: consumers[step.input] == 0 && isRectified[step.input] == true))
      place[step.input] = step.input
      hasGradient[step.input] = true
    }
    steps = reversed.reversed()
  }

  /// Floats of scratch memory that any step needs, forwards or backwards.
  var scratchCount: Int {
    (steps.map(\.convolution) + [dense]).reduce(plan.scratchCount) { max($0, $1.scratchCount) }
  }
}
