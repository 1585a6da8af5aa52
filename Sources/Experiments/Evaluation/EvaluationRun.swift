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

  var plan: EvaluationPlan
  /// Where outcomes are kept as they come; nil to keep them in memory only.
  var store: URL?
  var shard: Shard
  var kernels: KernelSet
  var workers: WorkerPool
  var progress: ProgressReporter

  package init(
    plan: EvaluationPlan, store: URL? = nil, shard: Shard = .whole, kernels: KernelSet,
    workers: WorkerPool, progress: ProgressReporter
  ) {
    self.plan = plan
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
  ///   - data: mixing partners come from the training images, examples from the test images.
  package func run(
    _ model: Model, on data: DatasetSplit, dataset: DatasetName
  ) throws -> [JobResult] {
    try plan.check()
    let images = data.test[0..<min(plan.count ?? data.test.count, data.test.count)]
    guard shard.number <= images.count else {
      throw PlanError.setting(
        "shard \(shard) of \(images.count) images is empty; use \(images.count) shards at most")
    }
    guard model.checkpoint.architecture.classCount == images.classCount else {
      throw AttackError.classCount(
        model: model.checkpoint.architecture.classCount, data: images.classCount)
    }
    let base = NetworkClassifier(
      InferencePlan(
        try model.checkpoint.network(), normalization: model.checkpoint.normalization,
        kernels: kernels))
    guard base.imageShape == images.pixels.imageShape else {
      throw ClassifierError.imageShape(
        expected: base.imageShape, found: images.pixels.imageShape)
    }
    // Only mixing needs a pool, and not every data set has one: a class may be without images.
    let pool = plan.defences.contains { $0.rule != nil } ? try SamplePool(data.training) : nil
    let poolDescription = pool.map { pool in
      EvaluationJob.Pool(
        split: "training", images: pool.indices.count,
        indices: sha256(Data(pool.indices.map { "\($0)" }.joined(separator: ",").utf8)))
    }
    var results: [JobResult] = []
    for defence in plan.defences {
      for attack in plan.attacks {
        let job = EvaluationJob(
          model: model.name, checkpoint: model.digest,
          normalization: model.checkpoint.normalization, dataset: dataset.rawValue, split: "test",
          indices: IndexRanges(images.indices), pool: defence.rule == nil ? nil : poolDescription,
          seed: plan.seed,
          kernelSet: kernels, planProfile: base.plan.profile, scoringDraws: plan.scoringDraws,
          selectionDraws: plan.selectionDraws, defence: defence, attack: attack)
        results.append(try measure(job, at: results.count, base, pool, on: images))
      }
    }
    return results
  }

  private func measure(
    _ job: EvaluationJob, at place: Int, _ base: NetworkClassifier, _ pool: SamplePool?,
    on images: LabelledImages
  ) throws -> JobResult {
    let attack = job.attack.search(
      classCount: base.classCount, selections: max(1, job.selectionDraws))
    guard let pool, let rule = job.defence.rule else {
      let search = job.attack.onNetwork.search(classCount: base.classCount, selections: 1)
      let threat = job.attack.budget.map { Threat(search, within: $0, through: base) }
      return try measure(job, at: place, base, under: threat, on: images)
    }
    let defended = try MixupInference(base, pool: pool, rule: rule)
    let threat = try job.attack.budget.map { budget in
      guard job.attack.name.isAdaptive else { return Threat(attack, within: budget, through: base) }
      let draws = job.attack.draws ?? rule.sampleCount
      switch job.attack.name.search {
      case .published, .publishedRepaired:
        let published = PublishedAdaptiveAttack(
          on: try defended.withSampleCount(draws), steps: job.attack.steps ?? 0,
          stepSize: job.attack.stepSize, isRepaired: job.attack.name.search == .publishedRepaired)
        return Threat(published, within: budget, through: defended)
      case .evasion:
        let detector = try MixupInference(
          base, pool: pool,
          rule: .predictedLabel(
            rule.predictedLabel ?? rule.otherLabel ?? Mixing(ratio: 0.5, sampleCount: draws)
          )
          .withSampleCount(draws))
        return Threat(attack, within: budget, through: DetectorEvasion(detector))
      default:
        return try Threat.adaptive(
          attack, within: budget, on: defended, sampleCount: draws,
          average: job.attack.average ?? .probabilities)
      }
    }
    return try measure(job, at: place, defended, under: threat, on: images)
  }

  private func measure(
    _ job: EvaluationJob, at place: Int, _ classifier: some Classifier, under threat: Threat?,
    on images: LabelledImages
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
      let evaluation = Evaluation(
        seed: job.seed, scoringDraws: job.scoringDraws, selectionDraws: job.selectionDraws
      ) { [workers] in workers.forEach(count: $0, $1) }
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
