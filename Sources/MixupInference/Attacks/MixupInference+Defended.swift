import Classification
import Robustness

extension MixupInference: DefendedClassifier where Base: DifferentiableClassifier {
  /// The same rule with that many executions in every branch.
  public func simulated(sampleCount: Int) throws -> any DifferentiableClassifier {
    try withSampleCount(sampleCount)
  }

  /// The whole defence, and for MI-Combined each of its branches alone as well.
  public func surrogates(
    drawCount: Int, average: GradientAverage
  ) throws -> [any DifferentiableClassifier] {
    var rules = [rule]
    if case .combined(let predicted, let other, _, _) = rule {
      rules += [.predictedLabel(predicted), .otherLabel(other)]
    }
    return try rules.map { rule in
      try average.surrogate(drawCount: drawCount) {
        try MixupInference(base, pool: pool, rule: rule.withSampleCount($0), sampling: sampling)
      }
    }
  }

  /// Every `DetectionStatistic` of every image, by its raw value.
  public var detector: Detector? {
    { images, draws in try logitsAndStatistics(of: images, draws: draws).statistics }
  }
}

extension MixupInference: DetectingClassifier where Base: DifferentiableClassifier {
  /// log F_MI, and every `DetectionStatistic` by its raw value: a decision tells both.
  package func logitsAndStatistics(
    of images: Pixels, draws: Draws
  ) throws -> (logits: Tensor, statistics: [[String: Double]]) {
    let (decisions, logits) = try decisionsAndLogits(of: images, draws: draws)
    for decision in decisions { spare(1 + passes(of: decision.branch)) }
    let statistics = decisions.map { decision in
      Dictionary(
        uniqueKeysWithValues: DetectionStatistic.allCases.map {
          ($0.rawValue, Double(decision.value(of: $0)))
        })
    }
    return (logits, statistics)
  }

  /// The mixtures of a decision that takes a branch.
  private func passes(of branch: PartnerLabel) -> Int {
    (rule.predictedLabel?.sampleCount ?? 0)
      + (branch == .other ? rule.otherLabel?.sampleCount ?? 0 : 0)
  }
}

extension MixupInference: OwnAttacks where Base: DifferentiableClassifier {
  package func threat(
    of attack: any PlannedAttack, within budget: PerturbationBudget, drawCount: Int, selections: Int
  ) throws -> Threat? {
    try (attack as? any PlannedAttackOnMixing)?.threat(
      on: self, within: budget, drawCount: drawCount, selections: selections)
  }
}

/// An attack that was made for mixup inference.
protocol PlannedAttackOnMixing: PlannedAttack {
  func threat<Base: DifferentiableClassifier>(
    on defence: MixupInference<Base>, within budget: PerturbationBudget, drawCount: Int,
    selections: Int
  ) throws -> Threat
}

/// The published adaptive attack as plans name it.
package struct PlannedPublishedAttack: PlannedAttackOnMixing {
  package var steps = 50
  package var stepSize: Epsilon?
  /// Whether the attack's labels and scale are repaired, see `PublishedAdaptiveAttack`.
  package var isRepaired: Bool

  package init(isRepaired: Bool = false) { self.isRepaired = isRepaired }

  package static var norms: [PerturbationBudget.Norm] { [.linf] }

  package var settings: [Setting<PlannedPublishedAttack>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      Setting("stepSize", \.stepSize),
    ]
  }

  package var walk: (steps: Int, stepSize: Epsilon)? { stepSize.map { (steps, $0) } }

  package func stepLengthUsed(within radius: Epsilon) -> Double? {
    descent.stepLengthUsed(within: radius)
  }

  private var descent: ProjectedGradientDescent {
    ProjectedGradientDescent(steps: steps, stepSize: stepSize)
  }

  package var standIn: (name: String, attack: any PlannedAttack)? { ("pgd", descent) }

  package func search(selections: Int) -> any Attack { descent.search(selections: selections) }

  func threat<Base: DifferentiableClassifier>(
    on defence: MixupInference<Base>, within budget: PerturbationBudget, drawCount: Int,
    selections: Int
  ) throws -> Threat {
    Threat(
      PublishedAdaptiveAttack(
        on: try defence.withSampleCount(drawCount), steps: steps, stepSize: stepSize,
        isRepaired: isRepaired), within: budget, through: defence)
  }
}

/// PGD through the network that keeps away from MI-PL's detector, as plans name it.
package struct PlannedDetectorEvasion: PlannedAttackOnMixing {
  package var descent: ProjectedGradientDescent

  package init(_ descent: ProjectedGradientDescent) { self.descent = descent }

  package var settings: [Setting<PlannedDetectorEvasion>] {
    descent.settings.map { $0.inside(\.descent) }
  }

  package var walk: (steps: Int, stepSize: Epsilon)? { descent.walk }

  package func stepLengthUsed(within radius: Epsilon) -> Double? {
    descent.stepLengthUsed(within: radius)
  }

  package var standIn: (name: String, attack: any PlannedAttack)? { ("pgd", descent) }

  package func search(selections: Int) -> any Attack { descent.search(selections: selections) }

  func threat<Base: DifferentiableClassifier>(
    on defence: MixupInference<Base>, within budget: PerturbationBudget, drawCount: Int,
    selections: Int
  ) throws -> Threat {
    let mixing =
      defence.rule.predictedLabel ?? defence.rule.otherLabel
      ?? Mixing(lambda: 0.5, sampleCount: drawCount)
    let detector = try MixupInference(
      defence.base, pool: defence.pool,
      rule: MixupInferenceRule.predictedLabel(mixing).withSampleCount(drawCount))
    return Threat(
      search(selections: selections), within: budget, through: DetectorEvasion(detector))
  }
}
