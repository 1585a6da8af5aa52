import Classification
import Robustness
import Statistics

/// The adaptive attack on mixup inference that was published with it: PGD on N mixtures at once.
///
/// The N partners x_{s,k} are drawn once, for the mixtures o_k = λx + (1 − λ)x_{s,k}. From a random start
/// of its own every mixture moves in a ball of its own, to o'_k; all move along the same sign, that of
/// the gradient's mean over k. The candidate is x + mean_k(o'_k − o_k).
///
/// As published it is weaker than it looks, and is here for comparison: the loss is about the labels that
/// the network gives to the *mixtures*, which are often the partner's, and the balls have radius ε around
/// o_k, where only λδ of a perturbation δ of x arrives. Repaired, the loss is about the true labels, the
/// balls have radius λε and the steps length λα, and the mean is divided by λ. Drawing the partners only
/// once remains its weakness.
public struct PublishedAdaptiveAttack<Base: DifferentiableClassifier>: Attack {
  /// What the attacker simulates; its N is the attacker's.
  public var defence: MixupInference<Base>
  /// The number of steps.
  public var steps: Int
  /// α, the step length; if nil, that of `ProjectedGradientDescent`.
  public var stepSize: Epsilon?
  /// Whether labels and scale are repaired.
  public var isRepaired: Bool

  /// The attack on a defence.
  public init(
    on defence: MixupInference<Base>, steps: Int = 50, stepSize: Epsilon? = nil,
    isRepaired: Bool = false
  ) {
    self.defence = defence
    self.steps = steps
    self.stepSize = stepSize
    self.isRepaired = isRepaired
  }

  /// x + δ for every example; not projected, as published. Repaired and at λ = 0, where nothing of δ
  /// arrives, the clean images.
  ///
  /// - Throws: `AttackError` if a setting is too small, the norm is not ℓ∞ or the classes are not the
  ///   data's, and what the defence throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    guard steps >= 0 else {
      throw AttackError.setting(name: "number of steps", value: steps, least: 0)
    }
    guard budget.norm == .linf else {
      throw AttackError.norm(attack: "the published adaptive attack", budget.norm)
    }
    guard stepSize.map({ $0 > .zero }) ?? true else {
      throw AttackError.positive(name: "step size", 0)
    }
    try check(surrogate, on: examples)
    let pgd = ProjectedGradientDescent(steps: steps, stepSize: stepSize)
    let draws = Draws(seed: seed, purpose: .attack, examples: examples.indices)
    let width = defence.imageShape.count
    var result = examples.pixels.tensor
    let routes = try defence.routing(of: examples.pixels, draws: draws).routes
    for (n, route) in routes.enumerated() {
      let scale = isRepaired ? route.mixing.lambda.value : 1
      guard scale > 0 else { continue }
      let executions = defence.executions(of: examples.pixels, routes: [route], draws: draws).all
      let mixtures = executions.images
      let moved = try descend(
        mixtures, executions.draws, label: examples.labels[n], radius: scale * budget.radius.value,
        length: scale * pgd.stepLength(within: budget.radius), seed: seed)
      let count = Float(mixtures.count)
      result.withUnsafeMutablePointer { result in
        for place in 0..<width {
          var sum: Float = 0
          for k in 0..<mixtures.count {
            sum += moved[k * width + place] - mixtures.tensor[k * width + place]
          }
          result[n * width + place] += sum / count / scale
        }
      }
    }
    return result
  }

  /// The mixtures of one example after the search.
  private func descend(
    _ mixtures: Pixels, _ draws: Draws, label: Int, radius: Float, length: Float, seed: UInt64
  ) throws -> Tensor {
    let (count, width) = (mixtures.count, mixtures.imageShape.count)
    let labels =
      isRepaired
      ? Array(repeating: label, count: count)
      : try defence.base.predictions(of: mixtures, draws: draws)
    var iterate = mixtures.tensor
    func moveAll(_ change: (_ k: Int, _ place: Int) -> Float) {
      iterate.withUnsafeMutablePointer { values in
        mixtures.tensor.withUnsafePointer { center in
          for k in 0..<count {
            for place in 0..<width {
              let (x, c) = (values[k * width + place], center[k * width + place])
              values[k * width + place] = min(
                max(x + change(k, place), max(0, c - radius)), min(1, c + radius))
            }
          }
        }
      }
    }
    var streams = (0..<count).map { k in
      RandomStream(
        RandomKey(seed: seed, purpose: .attackStart, example: draws.examples[k], restart: k))
    }
    moveAll { k, _ in radius * (2 * streams[k].uniform() - 1) }
    for _ in 0..<steps {
      var followed = FollowedGradient(.crossEntropy, labels: labels, isJoint: true)
      let gradient = try defence.base.checkedLogitsAndGradient(
        of: Pixels(unchecked: iterate), draws: draws
      ) { followed($0) }.gradient
      let means = (0..<width).map { place in
        (0..<count).reduce(Float(0)) { $0 + gradient[$1 * width + place] }
      }
      moveAll { _, place in means[place] > 0 ? length : means[place] < 0 ? -length : 0 }
    }
    return iterate
  }
}
