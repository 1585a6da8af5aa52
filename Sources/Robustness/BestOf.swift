import Datasets
import MixupInference
import NeuralNetwork

/// Several attacks, each through a model of its own; for every example the image counts that the
/// surrogate misclassifies most often on draws kept for the choice.
///
/// A defence may hide its gradient without being any stronger. An attacker who knows it therefore
/// also tries what works on the network inside, so an adaptive attack of this kind is never weaker
/// than the oblivious one it contains, but for the luck of the draws.
public struct BestOf: Attack {
  /// One of the attacks and the model whose gradient it follows.
  public struct Contestant: Sendable {
    /// The search.
    public var attack: any Attack
    /// The model that it is led through.
    public var surrogate: any DifferentiableClassifier

    /// An attack through a model.
    public init(_ attack: any Attack, through surrogate: any DifferentiableClassifier) {
      self.attack = attack
      self.surrogate = surrogate
    }
  }

  /// The attacks, tried in this order.
  public var contestants: [Contestant]
  /// The number of predictions of the surrogate that choose.
  public var selections: Int

  /// The best of the given attacks.
  public init(_ contestants: [Contestant], selections: Int = 5) {
    self.contestants = contestants
    self.selections = selections
  }

  /// The best contestant's image for every example.
  ///
  /// - Throws: `AttackError.setting` without a contestant or a selection, and what they throw.
  public func search(
    _ examples: LabelledImages, within epsilon: Epsilon,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [
      ("number of attacks", contestants.count), ("number of selections", selections),
    ] where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    let ball = PerturbationBall(center: examples.pixels, radius: epsilon)
    var selection = Selection(
      of: examples, aims: examples.labels, isTargeted: false, by: surrogate, seed: seed,
      repetitions: selections)
    for contestant in contestants {
      let found = try contestant.attack.search(
        examples, within: epsilon, through: contestant.surrogate, seed: seed)
      try selection.offer(ball.projection(of: found))
    }
    return selection.best.tensor
  }
}

extension Threat {
  /// The attacker who knows that mixup inference is used, and how: for every example the best of the
  /// attack through the network alone, through the whole defence with fresh draws at every step, and,
  /// on MI-Combined, through each of its branches.
  ///
  /// - Parameters:
  ///   - attack: what is tried through each of them.
  ///   - sampleCount: the attacker's N for a gradient; the choice is made with the defence's own.
  /// - Throws: `MixupInferenceError` if `sampleCount` is below 1, or more than the pool can give to a
  ///   defence that draws without replacement.
  public static func adaptive<Base: DifferentiableClassifier>(
    _ attack: ProjectedGradientDescent, within epsilon: Epsilon,
    on defence: MixupInference<Base>, sampleCount: Int
  ) throws -> Threat {
    var contestants = [
      BestOf.Contestant(attack, through: defence.base),
      BestOf.Contestant(attack, through: try defence.withSampleCount(sampleCount)),
    ]
    if case .combined(let predicted, let other, _, _) = defence.rule {
      for rule in [MixupInferenceRule.predictedLabel(predicted), .otherLabel(other)] {
        contestants.append(
          BestOf.Contestant(
            attack,
            through: try MixupInference(
              defence.base, pool: defence.pool, rule: rule.withSampleCount(sampleCount),
              sampling: defence.sampling)))
      }
    }
    return Threat(BestOf(contestants), within: epsilon, through: defence)
  }
}
