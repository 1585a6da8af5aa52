import Classification
import Datasets
import Kernels
import NeuralNetwork
import Robustness

extension EvaluationRun {
  /// What all jobs of a plan share: the network, the training images and the images that are measured.
  struct Setting {
    let base: NetworkClassifier
    let other: NetworkClassifier?
    let training: LabelledImages
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
      training = data.training
      base = try classifier(model)
      self.other = try other.map(classifier)
      if other == nil,
        let attack = plan.attacks.first(where: { $0.name.knowledge == .otherNetwork })
      {
        throw PlanError.setting(
          "\(attack.name.rawValue) searches on another network; give its checkpoint with --other")
      }
      // A defence that does not fit network or data is refused before anything is measured.
      for defence in plan.defences { _ = try target(of: defence) }
    }

    /// The search of an attacker who does not know of a defence; the same whatever the defence is.
    func oblivious(_ attack: AttackDescription) -> RememberedAttack {
      let attack = attack.onNetwork
      return RememberedAttack(
        attack.search(selections: 1),
        through: attack.name.knowledge == .otherNetwork ? other ?? base : base)
    }

    /// The network behind a defence.
    func target(of defence: DefenceDescription) throws -> Target {
      Target(
        base: base,
        defended: try defence.resolved(for: base.imageShape).defence.map {
          try $0.defend(base, training: training)
        })
    }
  }

  /// A network, behind a defence or alone, and the attackers that it can have.
  struct Target: Sendable {
    let base: NetworkClassifier
    let defended: (any DefendedClassifier)?

    var classifier: any DifferentiableClassifier { defended ?? base }

    /// The attacker whom a description describes.
    ///
    /// - Parameter oblivious: the search of an attacker who does not know of the defence.
    func threat(
      _ attack: AttackDescription, oblivious: RememberedAttack, within budget: PerturbationBudget,
      selections: Int
    ) throws -> Threat {
      guard let planned = attack.attack, let draws = attack.draws, let defended else {
        return Threat(oblivious, within: budget, through: base)
      }
      if let own = try (defended as? any OwnAttacks)?.threat(
        of: planned, within: budget, drawCount: draws, selections: selections)
      {
        return own
      }
      return Threat.adaptive(
        planned.search(selections: selections), within: budget, on: defended, base: base,
        through: try defended.surrogates(
          drawCount: draws, average: attack.average ?? .probabilities))
    }
  }
}
