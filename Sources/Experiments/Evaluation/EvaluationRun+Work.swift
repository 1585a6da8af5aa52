import Classification
import Datasets
import Kernels
import NeuralNetwork
import Reporting
import Robustness

extension EvaluationRun {
  /// What a run has to measure, whoever measures which part of it.
  struct Work: Sendable {
    let plan: EvaluationPlan
    let setting: Setting
    /// The images' identities, as `LabelledImages.identities`.
    let identities: [String]
    /// Every defence under every attack, in the order of the plan.
    let jobs: [EvaluationJob]
    /// The attacks in their order, each with the places of its jobs.
    let columns: [(attack: AttackDescription, places: [Int])]

    var images: LabelledImages { setting.images }

    /// Describes the work.
    ///
    /// - Throws: `PlanError` for what cannot be measured, and what model and data throw.
    init(
      _ run: EvaluationRun, _ model: any EvaluatedModel, _ other: (any EvaluatedModel)?,
      on data: DatasetSplit, called dataset: String
    ) throws {
      let plan = run.plan
      self.plan = plan
      let setting = try Setting(
        plan, model, other, on: data, images: run.images?.images, execution: run.execution)
      let (base, images) = (setting.base, setting.images)
      try images.checkIndices()
      guard run.shard.number <= images.count else {
        throw PlanError.setting(
          "shard \(run.shard) of \(images.count) images is empty; use \(images.count) shards at most"
        )
      }
      let content = ImagesContent(of: images, from: data, forEach: run.execution.workers.forEach)
      let defences = plan.defences.map { $0.resolved(for: base.imageShape) }
      jobs = defences.flatMap { defence in
        plan.attacks.map { attack in
          EvaluationJob(
            model: model.name, dataset: dataset,
            split: run.images == nil ? .test : .file, images: run.images?.description,
            examples: content.examples, indices: IndexRanges(images.indices),
            pool: defence.defence?.usesTrainingImages == true ? content.pool : nil,
            defence: defence, attack: attack,
            circumstances: EvaluationJob.Circumstances(
              checkpoint: model.digest, normalization: model.normalization,
              other: attack.name.knowledge == .otherNetwork ? other?.digest : nil, seed: plan.seed,
              kernelSet: run.execution.kernels,
              planProfile: (base as? NetworkClassifier)?.plan.profile,
              scoringDraws: plan.scoringDraws,
              selectionDraws: plan.selectionDraws), origin: model.origin,
            process: model.process,
            matching: run.matched.first { $0.defence == defence }?.matching)
        }
      }
      columns = plan.attacks.enumerated().map { column, attack in
        (
          attack,
          Array(
            stride(from: column, to: defences.count * plan.attacks.count, by: plan.attacks.count))
        )
      }
      self.setting = setting
      identities = content.identities
    }

    /// The work, written down in the run's store if it has one.
    ///
    /// - Throws: as `init`, and what the store throws.
    static func kept(
      _ run: EvaluationRun, _ model: any EvaluatedModel, _ other: (any EvaluatedModel)?,
      on data: DatasetSplit, called dataset: String
    ) throws -> Work {
      let work = try Work(run, model, other, on: data, called: dataset)
      if let store = run.store { try EvaluationStore(store).keep(work.evaluation) }
      return work
    }

    /// What is asked for, as a store keeps it.
    var evaluation: StoredEvaluation {
      StoredEvaluation(jobs: jobs, indices: images.indices, images: identities)
    }

    /// What progress reckons for an image of each of the jobs; 0 where nobody sees it, or where it cannot be counted.
    func expectedWork(on data: DatasetSplit, _ progress: ProgressReporter) -> [Double] {
      let dryRun = DryRun(of: plan, on: data, base: setting.base, seenBy: progress)
      // What goes wrong here says nothing of the model, and does no harm but that less is told.
      let passes = try? dryRun?.passes(plan)
      return passes.map { $0.map(\.work) } ?? Array(repeating: 0, count: jobs.count)
    }

    /// The image at a position, as stores name it.
    func example(_ position: Int) -> OutcomeFile.Example {
      OutcomeFile.Example(index: images.indices[position], image: identities[position])
    }

    /// How a job is measured.
    ///
    /// - Parameter oblivious: the search of the job's attack by an attacker who does not know of the defence.
    func measurement(of job: EvaluationJob, _ oblivious: RememberedAttack) throws -> Measurement {
      let target = try setting.target(of: job.defence)
      let threat = try job.attack.budget.map {
        try target.threat(
          job.attack, oblivious: oblivious, within: $0,
          selections: max(1, job.circumstances.selectionDraws))
      }
      return Measurement(
        job: job, classifier: target.predictor(of: job.attack), threat: threat,
        defended: target.defended,
        blockSize: setting.blockSize(through: threat?.surrogate))
    }
  }

  /// A job, and what it takes to measure it.
  struct Measurement: Sendable {
    let job: EvaluationJob
    /// Who predicts the images, attacked or not.
    let classifier: any DifferentiableClassifier
    let threat: Threat?
    let defended: (any DefendedClassifier)?
    /// Images at once; nil for the evaluation's own choice.
    let blockSize: Int?

    /// Images at once, at most.
    var largestBlock: Int {
      Evaluation(seed: job.circumstances.seed, blockSize: blockSize).blockSize(under: threat)
    }

    /// The job for a person.
    var title: String { "\(job.defence.name.rawValue) under \(job.attack.name.rawValue)" }

    /// What the job's outcomes are kept below.
    var header: OutcomeFile.Header {
      OutcomeFile.Header(
        key: job.key, classCount: classifier.classCount, isRandomized: classifier.isRandomized,
        forwardPassesPerDecision: classifier.forwardPassesPerDecision)
    }

    /// Measures the images at some positions.
    ///
    /// - Parameters:
    ///   - workers: run the blocks, which are cut so that each has as many to do; one after the other on this thread if
    ///     nil.
    ///   - finished: called after every block; never at once from two threads.
    func run(
      on positions: [Int], of work: Work, with workers: WorkerPool? = nil,
      finished: @Sendable (OutcomeFile.Block) throws -> Void
    ) throws {
      var evaluation = Evaluation(
        seed: job.circumstances.seed, blockSize: blockSize,
        scoringDraws: job.circumstances.scoringDraws,
        selectionDraws: job.circumstances.selectionDraws, on: workers)
      evaluation.detecting = defended as? any DetectingClassifier
      evaluation.statistics = defended?.detector
      let names = Dictionary(
        uniqueKeysWithValues: positions.map { (work.images.indices[$0], work.identities[$0]) })
      try evaluation.measure(classifier, on: work.images.kept(positions), under: threat) {
        measured in
        try finished(
          OutcomeFile.Block(
            images: measured.outcomes.compactMap { names[$0.index] }, measured: measured))
      }
    }

    /// What blocks hold of the images that were wanted.
    func result(_ blocks: [OutcomeFile.Block], of wanted: [OutcomeFile.Example]) -> JobResult {
      let found = blocks.outcomes(of: wanted)
      return JobResult(
        job: job, isRandomized: classifier.isRandomized,
        forwardPassesPerDecision: classifier.forwardPassesPerDecision, outcomes: found.outcomes,
        cost: found.cost, images: wanted)
    }
  }
}
