import Datasets
import Foundation
import Kernels
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
    /// What names its content: `CheckpointFile.identity`.
    package var digest: String
    /// What records tell of its file beside that; nil without a file.
    package var origin: CheckpointFile.Origin?
    /// How its training went, where that is known.
    package var curve: LearningCurve?

    package init(
      name: String, checkpoint: Checkpoint, digest: String, origin: CheckpointFile.Origin? = nil,
      curve: LearningCurve? = nil
    ) {
      self.name = name
      self.checkpoint = checkpoint
      self.digest = digest
      self.origin = origin
      self.curve = curve
    }

    /// The network of a file.
    ///
    /// - Throws: `CheckpointError.noNormalization`.
    package init(
      name: String, _ file: CheckpointFile, curve: LearningCurve? = nil
    ) throws(CheckpointError) {
      guard let identity = file.identity else { throw .noNormalization }
      self.init(
        name: name, checkpoint: try file.checkpoint(), digest: identity,
        origin: file.origin, curve: curve)
    }

    /// - Throws: `AttackError` or `ClassifierError` unless the network takes such images and tells
    ///   their classes apart.
    func check(_ images: LabelledImages) throws {
      let architecture = checkpoint.architecture
      guard architecture.classCount == images.classCount else {
        throw AttackError.classCount(model: architecture.classCount, data: images.classCount)
      }
      guard architecture.imageShape == images.pixels.imageShape else {
        throw ClassifierError.imageShape(
          expected: architecture.imageShape, found: images.pixels.imageShape)
      }
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
    let defences = plan.defences.map { $0.resolved(for: base.imageShape) }
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    var results: [JobResult?] = Array(
      repeating: nil, count: defences.count * plan.attacks.count)
    // Attack by attack, so that images found without knowledge of the defence serve all defences and
    // are forgotten then.
    for (column, attack) in plan.attacks.enumerated() {
      let oblivious = setting.oblivious(attack)
      for (row, defence) in defences.enumerated() {
        let job = EvaluationJob(
          model: model.name, checkpoint: model.digest,
          normalization: model.checkpoint.normalization, dataset: dataset.rawValue, split: split,
          indices: IndexRanges(images.indices), pool: defence.rule == nil ? nil : poolDescription,
          seed: plan.seed, kernelSet: kernels, planProfile: base.plan.profile,
          scoringDraws: plan.scoringDraws,
          selectionDraws: plan.selectionDraws, defence: defence, attack: attack,
          other: attack.name.knowledge == .otherNetwork ? other?.digest : nil)
        let place = row * plan.attacks.count + column
        results[place] = try measure(job, at: place, setting, oblivious)
      }
    }
    return results.compactMap(\.self)
  }

  private func measure(
    _ job: EvaluationJob, at place: Int, _ setting: Setting, _ oblivious: RememberedAttack
  ) throws -> JobResult {
    let target = try setting.target(of: job.defence)
    let threat = try job.attack.budget.map {
      try target.threat(
        job.attack, oblivious: oblivious, within: $0, selections: max(1, job.selectionDraws))
    }
    return try measure(
      job, at: place, target.classifier, under: threat, statistics: target.statistics,
      on: setting.images, origin: setting.origin)
  }

  private func measure(
    _ job: EvaluationJob, at place: Int, _ classifier: some Classifier, under threat: Threat?,
    statistics: (@Sendable (Pixels, Draws) throws -> [[String: Double]])?,
    on images: LabelledImages,
    origin: CheckpointFile.Origin?
  ) throws -> JobResult {
    let title = "\(job.defence.name.rawValue) under \(job.attack.name.rawValue)"
    let part = images[shard.positions(of: images.count)]
    let file = try store.map { folder in
      try OutcomeFile(
        folder.appending(path: "outcomes").appending(path: job.fileName()),
        header: OutcomeFile.Header(
          job: job, place: place, shard: shard.description, isRandomized: classifier.isRandomized,
          forwardPassesPerDecision: classifier.forwardPassesPerDecision,
          origin: origin))
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
      forwardPassesPerDecision: classifier.forwardPassesPerDecision,
      origin: origin, blocks: blocks.withLock(\.self))
  }
}

extension JobResult {
  /// The result that blocks make up, in whatever order they were finished.
  package init(
    job: EvaluationJob, isRandomized: Bool, forwardPassesPerDecision: Int,
    origin: CheckpointFile.Origin? = nil, blocks: [Evaluation.Block]
  ) {
    self.job = job
    self.isRandomized = isRandomized
    self.forwardPassesPerDecision = forwardPassesPerDecision
    self.origin = origin
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
