import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Training

/// The paper's tables and figures on CIFAR: four networks, every defence, attackers who do not know of
/// it and one who does. What is finished is used again, image by image.
package struct PaperReproduction: Sendable {
  package var settings: Settings
  package var scale: PaperScale
  let dataset: Dataset
  let data: DatasetSplit
  private let pool: SamplePool
  private let identities: [String]
  /// Where checkpoints, outcomes and the report are written.
  let folder: URL
  /// Networks that are not trained but given.
  let models: [TrainingMethod: EvaluationRun.Model]
  private let reusesStages: Bool
  let workers: WorkerPool
  private let progress: ProgressReporter
  private let recipe: @Sendable (TrainingMethod) throws -> TrainingRecipe

  /// An experiment; `recipe` says how networks that are not given are trained, by default as the scale
  /// has it.
  ///
  /// - Throws: `SamplePoolError` if a class has no training image to mix with; `AttackError` and
  ///   `ClassifierError` for a network that does not suit the data.
  package init(
    _ settings: Settings, scale: PaperScale, on data: DatasetSplit, named dataset: Dataset,
    models: [TrainingMethod: EvaluationRun.Model] = [:], folder: URL, reusesStages: Bool = true,
    workers: WorkerPool, progress: ProgressReporter,
    recipe: (@Sendable (TrainingMethod) throws -> TrainingRecipe)? = nil
  ) throws {
    for model in models.values { try model.check(data.test) }
    self.settings = settings
    self.scale = scale
    self.dataset = dataset
    self.data = data
    pool = try SamplePool(data.training)
    identities = [data.training, data.validation, data.test].map(\.identity)
    self.models = models
    self.folder = folder
    self.reusesStages = reusesStages
    self.workers = workers
    self.progress = progress
    self.recipe =
      recipe ?? { [seed = settings.seed] in
        try $0.recipe(for: dataset, seed: seed, scale: scale)
      }
  }

  /// All that was measured on one network.
  package struct NetworkResult: Sendable {
    package var method: TrainingMethod
    /// What names its checkpoint: `CheckpointFile.identity`.
    package var checkpoint: String
    package var architecture: String
    /// How it was trained, as the checkpoint says.
    package var recipe: String?
    package var curve: LearningCurve?
    /// The defences of the table, with the settings that validation images chose.
    package var matched: [MatchedDefence]
    /// The table: every defence under every attack.
    package var table: [JobResult]
    /// Clean accuracy on all test images, of the network alone and behind MI-OL.
    package var whole: [JobResult]
    /// Figure 3: every setting of every defence, clean and under PGD of the fewest steps.
    package var sweep: [JobResult]
    /// Figure 4, of a network that the paper makes a claim of: MI-OL under the published attack, the repaired one, and PGD through the defence.
    package var published: [JobResult]
    /// Figure 2.
    package var conditions: NetworkVerification.Results
    package var sanity: [SanityReport]
  }

  /// Everything, ready to be reported.
  package struct Results: Sendable {
    package var scale: PaperScale
    package var dataset: Dataset
    package var settings: Settings
    package var trainingCount: Int
    package var classCount: Int
    package var networks: [NetworkResult]
  }

  /// Runs all that is not yet done.
  package func run() throws -> Results {
    try AtomicFile.check(folder.appending(path: "index.html"))
    let outcomes = folder.appending(path: "evaluation")
    if !reusesStages, FileManager.default.fileExists(atPath: outcomes.path) {
      try FileManager.default.removeItem(at: outcomes)
    }
    let trained = try TrainingMethod.allCases.map { ($0, try model($0)) }
    return Results(
      scale: scale, dataset: dataset, settings: settings, trainingCount: data.training.count,
      classCount: data.test.classCount, networks: try trained.map { try measure($0, $1) })
  }

  // MARK: Networks

  func trainingRun(_ method: TrainingMethod) throws -> TrainingRun {
    TrainingRun(
      recipe: try recipe(method), architecture: scale.architecture,
      output: folder.appending(path: "checkpoints/\(method.rawValue).safetensors"),
      isFresh: !reusesStages, kernels: settings.kernels, workers: workers, progress: progress)
  }

  private func model(_ method: TrainingMethod) throws -> EvaluationRun.Model {
    if let model = models[method] { return model }
    return try trainingRun(method).model(method, on: data, named: dataset)
  }

  // MARK: Measurements

  private func evaluation(
    _ defences: [DefenceDescription], _ attacks: [AttackDescription], count: Int?
  ) -> EvaluationRun {
    EvaluationRun(
      plan: EvaluationPlan(
        count: count, seed: settings.seed, scoringDraws: settings.scoringDraws,
        selectionDraws: settings.selectionDraws, defences: defences, attacks: attacks),
      store: folder.appending(path: "evaluation"), kernels: settings.kernels, workers: workers,
      progress: progress)
  }

  private func measure(
    _ method: TrainingMethod, _ model: EvaluationRun.Model
  ) throws -> NetworkResult {
    func outcomes(
      _ defences: [DefenceDescription], _ attacks: [AttackDescription], count: Int?
    ) throws -> [JobResult] {
      try evaluation(defences, attacks, count: count).run(model, on: data, dataset: dataset)
    }
    let epsilon = settings.figureEpsilon(method)
    let oblivious = AttackDescription(.pgd, epsilon: epsilon, steps: settings.steps.min() ?? 10)
    let clean = AttackDescription(.none)
    let matched = try stage("matched", method, model) { try self.matched(method, model) }
    let chosen = matched.map(\.defence)
    let claims = method.isClaimed ? chosen.filter { $0.name == .otherLabel } : []
    let table = try outcomes(chosen, settings.attacks, count: settings.imageCount)
    let whole = try outcomes(
      chosen.filter { $0.name == .none || $0.name == .otherLabel }, [clean], count: nil)
    let sweep = try outcomes(
      candidates(method), [clean, oblivious],
      count: settings.imageCount)
    let names = [AttackName(.published, .defence), AttackName(.publishedRepaired, .defence)]
    let published =
      try claims.isEmpty
      ? []
      : outcomes(
        claims,
        [clean, oblivious]
          + (names + [.adaptivePGD]).flatMap { name in
            settings.publishedDraws.map {
              AttackDescription(
                name, epsilon: epsilon, steps: settings.publishedSteps, draws: $0)
            }
          }, count: settings.figureImageCount)
    let conditions = try stage("conditions", method, model) {
      try self.conditions(method, model)
    }
    let sanity = try stage("sanity", method, model) {
      try claims.isEmpty
        ? []
        : evaluation(claims, [settings.adaptive(epsilon)], count: settings.imageCount).sanity(
          of: model, on: data,
          results: table.filter { $0.job.attack == settings.adaptive(epsilon) },
          count: settings.sanityCount)
    }
    return NetworkResult(
      method: method, checkpoint: model.digest,
      architecture: model.checkpoint.architecture.description,
      recipe: model.checkpoint.recipe?.description ?? model.checkpoint.notes["recipe"],
      curve: model.curve, matched: matched, table: table, whole: whole,
      sweep: sweep, published: published,
      conditions: conditions, sanity: sanity)
  }

  /// Every setting of every defence of a network.
  func candidates(_ method: TrainingMethod) -> [DefenceDescription] {
    let side = dataset.imageShape.height
    return method.defences.flatMap { settings.candidates($0, side: side) }
  }

  /// For every defence the setting that pays no more clean accuracy than allowed, and as near as can be.
  private func matched(
    _ method: TrainingMethod, _ model: EvaluationRun.Model
  ) throws -> [MatchedDefence] {
    let run = evaluation(
      candidates(method), [AttackDescription(.none)],
      count: 5 * settings.figureImageCount)
    let bare = try evaluation(
      [DefenceDescription(.none)], [AttackDescription(.none)], count: 5 * settings.figureImageCount
    ).matched(to: 0, model, on: data)
    let target = (bare.first?.accuracy ?? 0) - settings.cleanCost
    return try run.matched(to: target, model, on: data)
  }

  /// RIC and DG over λ, as Figure 2 has them.
  private func conditions(
    _ method: TrainingMethod, _ model: EvaluationRun.Model
  ) throws -> NetworkVerification.Results {
    var verification = NetworkVerification.Settings()
    verification.ratios = (0...10).map { Float($0) / 10 }
    verification.sampleCount = settings.decisionDraws
    verification.epsilon = settings.figureEpsilon(method)
    verification.steps = settings.steps.min() ?? 10
    verification.seed = settings.seed
    let base = try NetworkClassifier(
      InferencePlan(model.checkpoint, kernels: settings.kernels))
    return try NetworkVerification(settings: verification, workers: workers, progress: progress)
      .run(
        base, named: method.title,
        on: data.test[0..<min(settings.figureImageCount, data.test.count)], pool: pool)
  }

  // MARK: Stages

  /// Raised with every change of the code that changes results, so that old stages are not reused.
  private static let version = 2

  /// Whatever a stage's result depends on.
  private struct Origin: Codable, Equatable {
    var version = PaperReproduction.version
    var settings: Settings
    /// What the images are, not what they are called: training, validation, test.
    var data: [String]
    var checkpoint: String
  }

  private func stage<Value: Codable>(
    _ name: String, _ method: TrainingMethod, _ model: EvaluationRun.Model,
    _ make: () throws -> Value
  ) throws -> Value {
    try StageStore(folder: folder.appending(path: "stages"), reuses: reusesStages).result(
      "\(name)-\(method.rawValue)",
      for: Origin(settings: settings, data: identities, checkpoint: model.digest),
      title: "\(name) \(method.title)", progress, make)
  }
}
