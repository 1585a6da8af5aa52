import Classification
import Datasets
import Kernels
import MixupInference
import NeuralNetwork
import Robustness

extension EvaluationRun {
  /// What all jobs of a plan share: the network, the pool and the images.
  struct Setting {
    let base: NetworkClassifier
    let other: NetworkClassifier?
    /// Only mixing needs one, and not every data set has it: a class may be without images.
    let pool: SamplePool?
    let images: LabelledImages

    init(
      _ plan: EvaluationPlan, _ model: Model, _ other: Model? = nil, on data: DatasetSplit,
      images: LabelledImages? = nil, kernels: KernelSet
    ) throws {
      try plan.check()
      let all = images ?? data.test
      let images = all[0..<min(plan.count ?? all.count, all.count)]
      func classifier(_ model: Model) throws -> NetworkClassifier {
        try model.check(images)
        return try NetworkClassifier(InferencePlan(model.checkpoint, kernels: kernels))
      }
      self.images = images
      base = try classifier(model)
      self.other = try other.map(classifier)
      if other == nil,
        let attack = plan.attacks.first(where: { $0.name.knowledge == .otherNetwork })
      {
        throw PlanError.setting(
          "\(attack.name.rawValue) searches on another network; give its checkpoint with --other")
      }
      pool = plan.defences.contains { $0.rule != nil } ? try SamplePool(data.training) : nil
    }

    /// The search of an attacker who does not know of a defence; the same whatever the defence is.
    func oblivious(_ attack: AttackDescription) -> RememberedAttack {
      let attack = attack.onNetwork
      return RememberedAttack(
        attack.search(classCount: base.classCount, selections: 1),
        through: attack.name.knowledge == .otherNetwork ? other ?? base : base)
    }

    /// The network behind a defence.
    func target(of defence: DefenceDescription) throws -> Target {
      let defence = defence.resolved(for: base.imageShape)
      if let pool, let rule = defence.rule {
        return Target(
          base: base,
          defence: .mixup(try MixupInference(base, pool: pool, rule: rule)))
      }
      guard let transformations = defence.transformations else {
        return Target(base: base, defence: nil)
      }
      return Target(
        base: base,
        defence: .transformed(
          try RandomizedInput(
            base, transformations: transformations, sampleCount: defence.draws ?? 1)))
    }
  }

  /// A network, behind a defence or not, and who attacks it.
  struct Target: Sendable {
    /// What stands before the network.
    enum Defence: Sendable {
      case mixup(MixupInference<NetworkClassifier>)
      case transformed(RandomizedInput<NetworkClassifier>)
    }

    let base: NetworkClassifier
    let defence: Defence?

    var classifier: any DifferentiableClassifier {
      switch defence {
      case .mixup(let defence): defence
      case .transformed(let defence): defence
      case nil: base
      }
    }

    /// What the detector of mixup inference sees of images.
    var statistics: (@Sendable (Pixels, Draws) throws -> [[String: Double]])? {
      guard case .mixup(let defence) = defence else { return nil }
      return { images, draws in
        try defence.decisions(of: images, draws: draws).map { decision in
          Dictionary(
            uniqueKeysWithValues: DetectionStatistic.allCases.map {
              ($0.rawValue, Double(decision.value(of: $0)))
            })
        }
      }
    }

    /// The attacker of a description.
    ///
    /// - Parameter oblivious: the search of one who does not know of the defence.
    func threat(
      _ attack: AttackDescription, oblivious: RememberedAttack, within budget: PerturbationBudget,
      selections: Int
    ) throws -> Threat {
      guard attack.name.isAdaptive, let defence else {
        return Threat(oblivious, within: budget, through: base)
      }
      let search = attack.search(classCount: base.classCount, selections: selections)
      switch defence {
      case .mixup(let defence):
        return try threat(attack, search, within: budget, on: defence)
      case .transformed(let defence):
        let surrogate = try (attack.average ?? .probabilities).surrogate(
          drawCount: attack.draws ?? defence.sampleCount
        ) {
          try RandomizedInput(
            base, transformations: defence.transformations,
            sampleCount: defence.isRandomized ? $0 : 1)
        }
        return Threat.adaptive(
          search, within: budget, on: defence, base: base, through: [surrogate])
      }
    }

    private func threat(
      _ attack: AttackDescription, _ search: any Attack, within budget: PerturbationBudget,
      on defence: MixupInference<NetworkClassifier>
    ) throws -> Threat {
      let draws = attack.draws ?? defence.rule.sampleCount
      switch attack.name.search {
      case .published, .publishedRepaired:
        let published = PublishedAdaptiveAttack(
          on: try defence.withSampleCount(draws), steps: attack.steps ?? 0,
          stepSize: attack.stepSize, isRepaired: attack.name.search == .publishedRepaired)
        return Threat(published, within: budget, through: defence)
      case .evasion:
        let mixing =
          defence.rule.predictedLabel ?? defence.rule.otherLabel
          ?? Mixing(ratio: 0.5, sampleCount: draws)
        let detector = try MixupInference(
          base, pool: defence.pool,
          rule: MixupInferenceRule.predictedLabel(mixing).withSampleCount(draws))
        return Threat(search, within: budget, through: DetectorEvasion(detector))
      default:
        return try Threat.adaptive(
          search, within: budget, on: defence, sampleCount: draws,
          average: attack.average ?? .probabilities)
      }
    }
  }
}
