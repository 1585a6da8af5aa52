import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Synchronization

/// Measures a plan on one network.
package struct EvaluationRun: Sendable {
  /// The network and how records call it.
  package struct Model: Sendable {
    package var name: String
    package var checkpoint: Checkpoint
    /// SHA-256 of its file.
    package var digest: String

    package init(name: String, checkpoint: Checkpoint, digest: String) {
      self.name = name
      self.checkpoint = checkpoint
      self.digest = digest
    }
  }

  package var plan: EvaluationPlan
  /// What records call the images: "test", or a file.
  var split: String
  /// Where outcomes are kept as they come; nil to keep them in memory only.
  var store: URL?
  var shard: Shard
  var kernels: KernelSet
  var workers: WorkerPool
  var progress: ProgressReporter

  package init(
    plan: EvaluationPlan, split: String = "test", store: URL? = nil, shard: Shard = .whole,
    kernels: KernelSet, workers: WorkerPool, progress: ProgressReporter
  ) {
    self.plan = plan
    self.split = split
    self.store = store
    self.shard = shard
    self.kernels = kernels
    self.workers = workers
    self.progress = progress
  }

  /// Measures every defence under every attack; of a shard, its part of the examples.
  ///
  /// - Parameters:
  ///   - model: its normalisation is used.
  ///   - other: the network on which transfer attacks search.
  ///   - data: mixing partners come from the training images, examples from the test images.
  package func run(
    _ model: Model, other: Model? = nil, on data: DatasetSplit, dataset: DatasetName
  ) throws -> [JobResult] {
    let setting = try Setting(plan, model, other, on: data, kernels: kernels)
    let (base, pool, images) = (setting.base, setting.pool, setting.images)
    guard shard.number <= images.count else {
      throw PlanError.setting(
        "shard \(shard) of \(images.count) images is empty; use \(images.count) shards at most")
    }
    let poolDescription = pool.map { pool in
      EvaluationJob.Pool(
        split: "training", images: pool.indices.count,
        indices: sha256(Data(pool.indices.map { "\($0)" }.joined(separator: ",").utf8)))
    }
    var results: [JobResult] = []
    for defence in plan.defences.map({ $0.resolved(for: base.imageShape) }) {
      for attack in plan.attacks {
        let job = EvaluationJob(
          model: model.name, checkpoint: model.digest,
          normalization: model.checkpoint.normalization, dataset: dataset.rawValue, split: split,
          indices: IndexRanges(images.indices), pool: defence.rule == nil ? nil : poolDescription,
          seed: plan.seed, kernelSet: kernels, planProfile: base.plan.profile,
          scoringDraws: plan.scoringDraws,
          selectionDraws: plan.selectionDraws, defence: defence, attack: attack,
          other: attack.name.knowledge == .otherNetwork ? other?.digest : nil)
        results.append(try measure(job, at: results.count, setting))
      }
    }
    return results
  }

  private func measure(
    _ job: EvaluationJob, at place: Int, _ setting: Setting
  ) throws -> JobResult {
    let target = try setting.target(of: job.defence)
    let threat = try job.attack.budget.map {
      try target.threat(
        job.attack, within: $0, selections: max(1, job.selectionDraws))
    }
    return try measure(
      job, at: place, target.classifier, under: threat, statistics: target.statistics,
      on: setting.images)
  }

  private func measure(
    _ job: EvaluationJob, at place: Int, _ classifier: some Classifier, under threat: Threat?,
    statistics: (@Sendable (Pixels, Draws) throws -> [[String: Double]])?, on images: LabelledImages
  ) throws -> JobResult {
    let title = "\(job.defence.name.rawValue) under \(job.attack.name.rawValue)"
    let part = images[shard.positions(of: images.count)]
    let file = try store.map { folder in
      try OutcomeFile(
        folder.appending(path: "outcomes").appending(path: job.fileName()),
        header: OutcomeFile.Header(
          job: job, place: place, shard: shard.description, isRandomized: classifier.isRandomized,
          forwardPassesPerDecision: classifier.forwardPassesPerDecision))
    }
    let earlier = file?.blocks ?? []
    let done = Set(earlier.flatMap { $0.outcomes.map(\.index) })
    let remaining = part.indices.indices.filter { !done.contains(part.indices[$0]) }
    if !done.isEmpty {
      progress.skip("\(title): \(done.count) images", because: "done before")
    }
    let blocks = Mutex(earlier)
    if !remaining.isEmpty {
      let stage = progress.stage(title, total: remaining.count, unit: "images")
      var evaluation = Evaluation(
        seed: job.seed, scoringDraws: job.scoringDraws, selectionDraws: job.selectionDraws
      ) { [workers] in workers.forEach(count: $0, $1) }
      evaluation.statistics = statistics
      _ = try evaluation.run(classifier, on: part[remaining], under: threat) { block in
        try file?.append(block)
        blocks.withLock { $0.append(block) }
        stage.advance(by: block.outcomes.count)
      }
      stage.finish()
    }
    return JobResult(
      job: job, isRandomized: classifier.isRandomized,
      forwardPassesPerDecision: classifier.forwardPassesPerDecision, blocks: blocks.withLock(\.self)
    )
  }
}

extension EvaluationRun {
  /// Images that the plan's first attack finds against its first defence, as they are judged: tensors
  /// "images" [N, C, H, W] in [0, 1], "labels", "indices" and "predictions" [N].
  package func images(
    of model: Model, other: Model? = nil, on data: DatasetSplit, dataset: DatasetName
  ) throws -> (file: Safetensors, images: LabelledImages, correct: Int) {
    let setting = try Setting(plan, model, other, on: data, kernels: kernels)
    guard let defence = plan.defences.first, let attack = plan.attacks.first else {
      throw PlanError.setting("a plan needs a defence and an attack")
    }
    let target = try setting.target(of: defence)
    let threat = try attack.budget.map {
      try target.threat(attack, within: $0, selections: max(1, plan.selectionDraws))
    }
    let stage = progress.stage(
      "\(defence.name.rawValue) under \(attack.name.rawValue)", total: setting.images.count,
      unit: "images")
    let evaluation = Evaluation(seed: plan.seed) { [workers] in workers.forEach(count: $0, $1) }
    let classifier = target.classifier
    let result = try evaluation.run(classifier, on: setting.images, under: threat) {
      stage.advance(by: $0.outcomes.count)
    }
    stage.finish()
    func column(_ values: [Int]) throws -> Tensor {
      try Tensor(values.map(Float.init), shape: [values.count])
    }
    let images = result.images
    let file = Safetensors(
      tensors: [
        "images": images.pixels.tensor, "labels": try column(images.labels),
        "indices": try column(images.indices),
        "predictions": try column(result.outcomes.map(\.prediction)),
      ],
      metadata: [
        "format": "adversarial images", "model": model.name, "checkpoint": model.digest,
        "dataset": dataset.rawValue, "split": split, "defence": defence.name.rawValue,
        "attack": attack.name.rawValue, "norm": attack.norm.rawValue,
        "epsilon": attack.epsilon?.description ?? "", "seed": "\(plan.seed)",
        "kernels": kernels.rawValue,
      ].merging(attack.parameters.map { ("attack.\($0)", $1) }) { first, _ in first }
        .merging(defence.parameters.map { ("defence.\($0)", $1) }) { first, _ in first })
    return (file, images, result.correctCount)
  }

  /// What all jobs of a plan share: the network, the pool and the images.
  struct Setting {
    let base: NetworkClassifier
    let other: NetworkClassifier?
    /// Only mixing needs one, and not every data set has it: a class may be without images.
    let pool: SamplePool?
    let images: LabelledImages

    init(
      _ plan: EvaluationPlan, _ model: Model, _ other: Model? = nil, on data: DatasetSplit,
      kernels: KernelSet
    ) throws {
      try plan.check()
      let images = data.test[0..<min(plan.count ?? data.test.count, data.test.count)]
      func classifier(_ model: Model) throws -> NetworkClassifier {
        guard model.checkpoint.architecture.classCount == images.classCount else {
          throw AttackError.classCount(
            model: model.checkpoint.architecture.classCount, data: images.classCount)
        }
        let classifier = NetworkClassifier(
          InferencePlan(
            try model.checkpoint.network(), normalization: model.checkpoint.normalization,
            kernels: kernels))
        guard classifier.imageShape == images.pixels.imageShape else {
          throw ClassifierError.imageShape(
            expected: classifier.imageShape, found: images.pixels.imageShape)
        }
        return classifier
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

    /// The network behind a defence.
    func target(of defence: DefenceDescription) throws -> Target {
      let defence = defence.resolved(for: base.imageShape)
      if let pool, let rule = defence.rule {
        return Target(
          base: base, other: other,
          defence: .mixup(try MixupInference(base, pool: pool, rule: rule)))
      }
      guard let transformations = defence.transformations else {
        return Target(base: base, other: other, defence: nil)
      }
      return Target(
        base: base, other: other,
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
    let other: NetworkClassifier?
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
    func threat(
      _ attack: AttackDescription, within budget: PerturbationBudget, selections: Int
    ) throws -> Threat {
      if attack.name.knowledge == .otherNetwork, let other {
        let search = attack.search(classCount: base.classCount, selections: 1)
        return Threat(search, within: budget, through: other)
      }
      guard let defence else {
        let search = attack.onNetwork.search(classCount: base.classCount, selections: 1)
        return Threat(search, within: budget, through: base)
      }
      let search = attack.search(classCount: base.classCount, selections: selections)
      guard attack.name.isAdaptive else { return Threat(search, within: budget, through: base) }
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

extension JobResult {
  /// The result that blocks make up, in whatever order they were finished.
  package init(
    job: EvaluationJob, isRandomized: Bool, forwardPassesPerDecision: Int,
    blocks: [Evaluation.Block]
  ) {
    self.job = job
    self.isRandomized = isRandomized
    self.forwardPassesPerDecision = forwardPassesPerDecision
    outcomes = blocks.flatMap(\.outcomes).sorted { $0.index < $1.index }
    passes = blocks.reduce(PassMeter.Count()) { $0 + $1.passes }
    seconds = blocks.reduce(0) { $0 + $1.seconds }
  }

  /// The outcomes as statistics sees them.
  package var repeated: RepeatedOutcomes {
    RepeatedOutcomes(
      draws: isRandomized ? job.scoringDraws : 1,
      examples: outcomes.map {
        RepeatedOutcomes.Example(predictions: $0.predictions, label: $0.label)
      })
  }
}
