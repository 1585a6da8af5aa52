import Classification
import Datasets
import Kernels
import NeuralNetwork
import Robustness

extension EvaluationRun {
  /// What all jobs of a plan share: the model, the training images and the images that are measured.
  struct Setting {
    let base: any DifferentiableClassifier
    /// As many images as suit the model at once; nil for the evaluation's own choice.
    let batchSize: Int?
    let other: (any DifferentiableClassifier)?
    let training: LabelledImages
    let images: LabelledImages
    /// The seed of the plan, which names the draws that score.
    let seed: UInt64

    init(
      _ plan: EvaluationPlan, _ model: any EvaluatedModel, _ other: (any EvaluatedModel)? = nil,
      on data: DatasetSplit,
      images: LabelledImages? = nil, execution: Execution
    ) throws {
      try plan.check()
      try Self.checkGradients(plan, model, other)
      let all = images ?? data.test
      let images = all.kept(Array(0..<min(plan.count ?? all.count, all.count)))
      func classifier(_ model: any EvaluatedModel) throws -> any DifferentiableClassifier {
        try model.check(images)
        return try model.classifier(on: execution)
      }
      self.images = images
      seed = plan.seed
      training = data.training
      base = try classifier(model)
      batchSize = model.batchSize
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

    /// - Throws: `PlanError.setting` for an attack that would follow the gradient of a model without one.
    private static func checkGradients(
      _ plan: EvaluationPlan, _ model: any EvaluatedModel, _ other: (any EvaluatedModel)?
    ) throws(PlanError) {
      for attack in plan.attacks where attack.attack?.followsGradient == true {
        let followed = attack.name.knowledge == .otherNetwork ? other : model
        guard let followed, !followed.hasGradient else { continue }
        let blind = AttackName.known.filter { $0.usual?.followsGradient == false }.map(\.name)
        throw .setting(
          "\(attack.name.rawValue) follows the gradient, and \(followed.name) gives none; it takes "
            + "\(blind.joined(separator: ", ")), also with adaptive- in front, and every attack with "
            + "transfer- in front, on the network of --other")
      }
    }

    /// The search of an attacker who does not know of a defence; the same whatever the defence is.
    func oblivious(_ attack: AttackDescription) -> RememberedAttack {
      let attack = attack.onNetwork
      return RememberedAttack(
        attack.search(selections: 1),
        through: attack.name.knowledge == .otherNetwork ? other ?? base : base)
    }

    /// Images of a block whose gradients through a model ask for as many images at once as suit it; nil for the
    /// evaluation's own choice.
    func blockSize(through surrogate: (any Classifier)?) -> Int? {
      let passes = surrogate?.forwardPassesPerDecision ?? 1
      return batchSize.map { max(1, $0 / max(1, passes / base.forwardPassesPerDecision)) }
    }

    /// The network behind a defence. A model that is randomised by itself is its own defence: who knows it
    /// follows the mean over its draws.
    func target(of defence: DefenceDescription) throws -> Target {
      let defended = try defence.resolved(for: base.imageShape).defence.map {
        try $0.defend(base, training: training)
      }
      return Target(
        base: base, defended: defended ?? (base.isRandomized ? RandomizedModel(base: base) : nil),
        seed: seed)
    }
  }

  /// A network, behind a defence or alone, and the attackers that it can have.
  struct Target: Sendable {
    let base: any DifferentiableClassifier
    let defended: (any DefendedClassifier)?
    /// Names the draws that score.
    let seed: UInt64

    var classifier: any DifferentiableClassifier { defended ?? base }

    /// Who predicts the images of an attack: the defence; where the attacker knows its draws, the defence on those
    /// that score an image first.
    func predictor(of attack: AttackDescription) -> any DifferentiableClassifier {
      frozen(against: attack) ?? classifier
    }

    private func frozen(against attack: AttackDescription) -> FrozenRandomness? {
      guard attack.name.knowledge == .draws, let defended, defended.isRandomized else { return nil }
      return FrozenRandomness(defended, seed: seed, purpose: .score)
    }

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
      let search = planned.search(selections: selections)
      let surrogates = try defended.surrogates(
        drawCount: draws, average: attack.average ?? .probabilities)
      if let frozen = frozen(against: attack) {
        return Threat.frozen(search, within: budget, on: frozen, base: base, through: surrogates)
      }
      return Threat.adaptive(
        search, within: budget, on: defended, base: base, through: surrogates,
        prefersNearest: planned.findsNearest)
    }
  }
}

/// A model that is randomised by itself, as an attacker sees it who knows that.
private struct RandomizedModel: WrappingClassifier, DefendedClassifier {
  let base: any DifferentiableClassifier

  var wrapped: any Classifier { base }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try base.logits(of: images, draws: draws)
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try base.logitsAndGradient(of: images, draws: draws, lossGradient: lossGradient)
  }

  /// The mean probabilities over N draws, all of which the model is asked for at once.
  func simulated(sampleCount: Int) throws -> any DifferentiableClassifier {
    func mean(of base: some DifferentiableClassifier) throws -> any DifferentiableClassifier {
      try RandomizedInput(base, transformations: [], sampleCount: sampleCount)
    }
    return try mean(of: base)
  }
}
