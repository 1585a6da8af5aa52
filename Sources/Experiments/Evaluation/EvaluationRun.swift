import Classification
import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Synchronization
import Training

/// Measures a plan on one model.
package struct EvaluationRun: Sendable {
  package var plan: EvaluationPlan
  /// How defences of the plan were chosen by `matched(to:)`, for the records; empty where they were given.
  package var matched: [MatchedDefence] = []
  /// The file of images that stand in for the test images; nil for the data set's own.
  var images: ImageFile?
  /// Where outcomes are kept as they come; nil to keep them in memory only.
  var store: URL?
  var shard: Shard
  var kernels: KernelSet
  var workers: WorkerPool
  var progress: ProgressReporter

  package init(
    plan: EvaluationPlan, images: ImageFile? = nil, store: URL? = nil, shard: Shard = .whole,
    kernels: KernelSet, workers: WorkerPool, progress: ProgressReporter
  ) {
    self.plan = plan
    self.images = images
    self.store = store
    self.shard = shard
    self.kernels = kernels
    self.workers = workers
    self.progress = progress
  }

  /// Measures every defence under every attack, on the shard's part of the examples.
  ///
  /// - Parameters:
  ///   - model: the model under test.
  ///   - other: the model on which transfer attacks search.
  ///   - data: mixing partners are training images; examples are test images, unless they are from a file.
  package func run(
    _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    dataset: Dataset
  ) throws -> [JobResult] {
    try run(model, other: other, on: data, called: dataset.name)
  }

  /// `run`, for data that records call `dataset`.
  func run(
    _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    called dataset: String
  ) throws -> [JobResult] {
    let setting = try Setting(
      plan, model, other, on: data, images: self.images?.images, kernels: kernels)
    let (base, images) = (setting.base, setting.images)
    try images.checkIndices()
    guard shard.number <= images.count else {
      throw PlanError.setting(
        "shard \(shard) of \(images.count) images is empty; use \(images.count) shards at most")
    }
    let identities = images.identities
    // Computed once, as fifty thousand images take most of a second.
    let training = data.training.identities
    let known = Set(training + data.validation.identities)
    let examples = EvaluationRecord.Examples(
      identity: images.identity(of: identities), repeated: images.count - Set(identities).count,
      training: identities.count(where: known.contains))
    let defences = plan.defences.map { $0.resolved(for: base.imageShape) }
    let pool =
      defences.contains { $0.defence?.usesTrainingImages == true }
      ? EvaluationJob.Pool(
        split: .training, images: training.count, identity: data.training.identity(of: training))
      : nil
    let jobs = defences.flatMap { defence in
      plan.attacks.map { attack in
        EvaluationJob(
          model: model.name, dataset: dataset,
          split: self.images == nil ? .test : .file, images: self.images?.description,
          examples: examples, indices: IndexRanges(images.indices),
          pool: defence.defence?.usesTrainingImages == true ? pool : nil,
          defence: defence, attack: attack,
          circumstances: EvaluationJob.Circumstances(
            checkpoint: model.digest, normalization: model.normalization,
            other: attack.name.knowledge == .otherNetwork ? other?.digest : nil, seed: plan.seed,
            kernelSet: kernels, planProfile: (base as? NetworkClassifier)?.plan.profile,
            scoringDraws: plan.scoringDraws,
            selectionDraws: plan.selectionDraws), origin: model.origin,
          process: model.process,
          matching: matched.first { $0.defence == defence }?.matching)
      }
    }
    if let store {
      try EvaluationStore(store).keep(
        StoredEvaluation(jobs: jobs, indices: images.indices, images: identities))
    }
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    var results: [JobResult?] = Array(repeating: nil, count: jobs.count)
    // Attack by attack, so that images found without knowledge of the defence serve all defences and
    // are forgotten then.
    for (column, attack) in plan.attacks.enumerated() {
      let oblivious = setting.oblivious(attack)
      for place in stride(from: column, to: jobs.count, by: plan.attacks.count) {
        results[place] = try measure(jobs[place], setting, oblivious, identities)
      }
    }
    return results.compactMap(\.self)
  }

  private func measure(
    _ job: EvaluationJob, _ setting: Setting, _ oblivious: RememberedAttack, _ identities: [String]
  ) throws -> JobResult {
    let target = try setting.target(of: job.defence)
    let threat = try job.attack.budget.map {
      try target.threat(
        job.attack, oblivious: oblivious, within: $0,
        selections: max(1, job.circumstances.selectionDraws))
    }
    return try measure(
      job, target.judge(of: job.attack), under: threat, defended: target.defended,
      blockSize: setting.blockSize(through: threat?.surrogate), on: setting.images, identities)
  }

  private func measure(
    _ job: EvaluationJob, _ classifier: some Classifier, under threat: Threat?,
    defended: (any DefendedClassifier)?, blockSize: Int?,
    on images: LabelledImages, _ identities: [String]
  ) throws -> JobResult {
    let title = "\(job.defence.name.rawValue) under \(job.attack.name.rawValue)"
    let positions = shard.positions(of: images.count)
    let file = try store.map { folder in
      try OutcomeFile(
        EvaluationStore(folder).file(of: job.key),
        header: OutcomeFile.Header(
          key: job.key, classCount: classifier.classCount, isRandomized: classifier.isRandomized,
          forwardPassesPerDecision: classifier.forwardPassesPerDecision))
    }
    func example(_ position: Int) -> OutcomeFile.Example {
      OutcomeFile.Example(index: images.indices[position], image: identities[position])
    }
    if let damage = file?.damage {
      progress.say(
        "\(title): line \(damage.lines.map { "\($0)" }.joined(separator: ", ")) of what is stored was damaged; "
          + "all of it is kept in \(damage.copy), and what is missing is measured again")
    }
    let wanted = positions.map(example)
    let earlier = file?.blocks ?? []
    let done = earlier.outcomes(of: wanted).found
    let remaining = positions.filter { !done.contains(example($0)) }
    if !done.isEmpty {
      progress.skip("\(title): \(done.count) images", because: "done before")
    }
    let blocks = Mutex(earlier)
    if !remaining.isEmpty {
      let stage = progress.stage(title, total: remaining.count, unit: "images")
      let circumstances = job.circumstances
      var evaluation = Evaluation(
        seed: circumstances.seed, blockSize: blockSize, scoringDraws: circumstances.scoringDraws,
        selectionDraws: circumstances.selectionDraws
      ) { [workers] in workers.forEach(count: $0, $1) }
      evaluation.detecting = defended as? any DetectingClassifier
      evaluation.statistics = defended?.detector
      let names = Dictionary(uniqueKeysWithValues: zip(images.indices, identities))
      _ = try evaluation.run(classifier, on: images[remaining], under: threat) { measured in
        let block = OutcomeFile.Block(
          images: measured.outcomes.compactMap { names[$0.index] }, measured: measured)
        try file?.append(block)
        blocks.withLock { $0.append(block) }
        try stage.advance(by: measured.outcomes.count)
      }
      stage.finish()
    }
    let found = blocks.withLock(\.self).outcomes(of: wanted)
    return JobResult(
      job: job, isRandomized: classifier.isRandomized,
      forwardPassesPerDecision: classifier.forwardPassesPerDecision, outcomes: found.outcomes,
      cost: found.cost, images: wanted)
  }
}

extension JobResult {
  /// Predictions that scored every image.
  package var scoringDraws: Int { isRandomized ? job.circumstances.scoringDraws : 1 }

  /// The share of right predictions over all images and draws, with a 95% interval for the choice of images:
  /// what tables and records call accuracy.
  package var accuracy: (value: Double, interval: Interval) {
    guard scoringDraws > 1 else {
      let right = Proportion(outcomes.lazy.map(\.isCorrect))
      return (right.value, right.wilsonInterval())
    }
    return (repeated.mean, repeated.meanInterval())
  }

  /// The outcomes in the form in which Statistics takes them.
  package var repeated: RepeatedOutcomes {
    RepeatedOutcomes(
      draws: scoringDraws,
      examples: outcomes.map {
        RepeatedOutcomes.Example(predictions: $0.predictions, label: $0.label)
      })
  }
}
