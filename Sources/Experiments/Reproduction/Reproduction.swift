import Classification
import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Training

/// One experiment on one data set: several networks that differ in their training, each behind several
/// defences whose settings are chosen on validation images, attacked by one who does not know of the defence
/// and by one who does. What an earlier run has finished is used again, image by image.
package struct Reproduction: Sendable {
  package private(set) var settings: Settings
  let dataset: Dataset
  let data: DatasetSplit
  let pool: SamplePool
  private let identities: [String]
  /// Where checkpoints, outcomes and the report are written.
  let folder: URL
  /// Networks that are not trained but given.
  let models: [TrainingMethod: CheckpointModel]
  private let reusesStages: Bool
  let workers: WorkerPool
  private let progress: ProgressReporter
  private let recipe: @Sendable (TrainingMethod) throws -> TrainingRecipe
  let dryRun: DryRun

  /// An experiment. Networks that are not among `models` are trained by `recipe`, unless given that of the
  /// settings.
  ///
  /// - Throws: `SamplePoolError` if a class has no training image to mix with; `AttackError` and
  ///   `ClassifierError` for a network that does not suit the data.
  package init(
    _ settings: Settings, on data: DatasetSplit, named dataset: Dataset,
    models: [TrainingMethod: CheckpointModel] = [:], folder: URL, reusesStages: Bool = true,
    workers: WorkerPool, progress: ProgressReporter,
    recipe: (@Sendable (TrainingMethod) throws -> TrainingRecipe)? = nil
  ) throws {
    for model in models.values { try model.check(data.test) }
    self.settings = settings
    self.dataset = dataset
    self.data = data
    pool = try SamplePool(data.training)
    identities = [data.training, data.validation, data.test].map(\.identity)
    self.models = models
    self.folder = folder
    self.reusesStages = reusesStages
    self.workers = workers
    self.progress = progress
    dryRun = DryRun(data)
    self.recipe = recipe ?? { try settings.recipe($0, for: dataset) }
  }

  /// All that was measured on one network. Measurements that the settings do not ask for are empty.
  package struct NetworkResult: Sendable {
    package var method: TrainingMethod
    /// The digest of its checkpoint's content: `CheckpointFile.identity`.
    package var checkpoint: String
    package var architecture: String
    /// How it was trained, as the checkpoint says.
    package var recipe: String?
    package var curve: LearningCurve?
    package var chosen: ChosenSettings
    /// Every defence under every attack.
    package var table: [JobResult] = []
    /// The detector on clean images and under oblivious PGD.
    package var detection: [JobResult] = []
    /// Clean accuracy on all test images, of the network alone and behind MI-OL.
    package var whole: [JobResult] = []
    /// Every setting of every defence, clean and under oblivious PGD.
    package var tradeOff: [JobResult] = []
    /// MI-OL under the published attack, the repaired one, and PGD through the defence; for networks with
    /// which the paper recommends MI-OL.
    package var published: [JobResult] = []
    package var conditions: NetworkVerification.Results?
    package var sanity: [SanityReport] = []
    /// A few images before and after the attack.
    package var pictures: [Picture] = []

    package init(
      method: TrainingMethod, checkpoint: String, architecture: String, recipe: String? = nil,
      curve: LearningCurve? = nil, chosen: ChosenSettings
    ) {
      self.method = method
      self.checkpoint = checkpoint
      self.architecture = architecture
      self.recipe = recipe
      self.curve = curve
      self.chosen = chosen
    }
  }

  /// One image, clean and attacked, with what every defence says of the attacked one.
  package struct Picture: Keepable, Sendable {
    /// The class that a defence gives the attacked image, and the probability that it gives this class.
    package struct Answer: Codable, Sendable {
      package var defence: String
      package var prediction: Int
      package var confidence: Double

      package init(defence: String, prediction: Int, confidence: Double) {
        self.defence = defence
        self.prediction = prediction
        self.confidence = confidence
      }
    }

    package var label: Int
    /// Pixels [height × width] of the first channel.
    package var clean: [Float]
    package var adversarial: [Float]
    /// The first of the mixtures of the attacked image that MI-OL answers from; nil without MI-OL.
    package var mixed: [Float]?
    package var width: Int
    /// In the order of the defences.
    package var answers: [Answer]

    package var isSound: Bool {
      label >= 0 && width >= 1 && !clean.isEmpty && clean.count.isMultiple(of: width)
        && clean.count == adversarial.count && mixed.map { $0.count == clean.count } ?? true
        && (clean + adversarial + (mixed ?? [])).allSatisfy { 0...1 ~= $0 }
        && answers.allSatisfy { $0.prediction >= 0 && 0...1 ~= $0.confidence }
    }

    package init(
      label: Int, clean: [Float], adversarial: [Float], mixed: [Float]?, width: Int,
      answers: [Answer]
    ) {
      self.label = label
      self.clean = clean
      self.adversarial = adversarial
      self.mixed = mixed
      self.width = width
      self.answers = answers
    }
  }

  /// Accuracy on validation images over ε, of the undefended networks and under MI-OL with λ = ½.
  package struct Sweep: Sendable {
    package var method: TrainingMethod
    package var results: [JobResult]

    package init(method: TrainingMethod, results: [JobResult]) {
      self.method = method
      self.results = results
    }
  }

  /// Everything that was measured, from which a report is made.
  package struct Results: Sendable {
    package var dataset: Dataset
    /// The settings, in which the radii are those that were chosen.
    package var settings: Settings
    package var trainingCount: Int
    package var validationCount: Int
    /// Test images under attack.
    package var testCount: Int
    package var sweep: [Sweep]
    package var networks: [NetworkResult]
    package var seconds: Double

    package init(
      dataset: Dataset, settings: Settings, trainingCount: Int, validationCount: Int,
      testCount: Int,
      sweep: [Sweep], networks: [NetworkResult], seconds: Double
    ) {
      self.dataset = dataset
      self.settings = settings
      self.trainingCount = trainingCount
      self.validationCount = validationCount
      self.testCount = testCount
      self.sweep = sweep
      self.networks = networks
      self.seconds = seconds
    }
  }

  /// The page, the tables and the records that a report is written to.
  package static func files(in folder: URL) -> [URL] {
    ["index.html", "results.md", "results.json", "results.csv"].map { folder.appending(path: $0) }
  }

  /// Trains and measures everything that an earlier run has not finished.
  package func run() throws -> Results {
    for file in Self.files(in: folder) { try AtomicFile.check(file) }
    let start = ContinuousClock.now
    let outcomes = folder.appending(path: "evaluation")
    if !reusesStages, FileManager.default.fileExists(atPath: outcomes.path) {
      try FileManager.default.removeItem(at: outcomes)
    }
    // What goes wrong in counting does no harm but that less is told.
    if progress.isShown, let work = try? work() { progress.expect(atLeast: work) }
    let models = try settings.methods.map { method in
      (
        method,
        try self.models[method] ?? trainingRun(method).model(method, on: data, named: dataset)
      )
    }
    let sweep = try settings.radius.map { rule in
      try models.map { Sweep(method: $0, results: try self.sweep(rule, $1)) }
    }
    var experiment = self
    if let sweep { experiment.settings.chooseRadius(sweep) }
    return Results(
      dataset: dataset, settings: experiment.settings, trainingCount: data.training.count,
      validationCount: data.validation.count,
      testCount: min(settings.imageCount ?? data.test.count, data.test.count), sweep: sweep ?? [],
      networks: try models.map { try experiment.measure($0, $1) },
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  /// Passes for progress to reckon with. What goes wrong in counting does no harm but that less is told, and nothing is
  /// counted where nobody sees it.
  private func counted(_ passes: () throws -> PassMeter.Count) -> PassMeter.Count {
    guard progress.isShown, let passes = try? passes() else { return PassMeter.Count() }
    return passes
  }

  /// What progress reckons for all of it.
  private func work() throws -> Double {
    try passes().work
      + settings.methods.filter { models[$0] == nil }.reduce(0) { sum, method in
        let run = try trainingRun(method)
        return sum + run.work(on: data, epochs: run.recipe.epochs)
      }
  }

  func trainingRun(_ method: TrainingMethod) throws -> TrainingRun {
    TrainingRun(
      recipe: try recipe(method), architecture: settings.architecture(for: dataset),
      output: folder.appending(path: "checkpoints/\(method.rawValue).safetensors"),
      isFresh: !reusesStages, execution: execution, progress: progress)
  }

  // MARK: Measurements

  func plan(
    _ defences: [DefenceDescription], _ attacks: [AttackDescription], count: Int?
  ) -> EvaluationPlan {
    EvaluationPlan(
      count: count, seed: settings.seed, scoringDraws: settings.scoringDraws,
      selectionDraws: settings.selectionDraws, defences: defences, attacks: attacks)
  }

  private func evaluation(_ plan: EvaluationPlan) -> EvaluationRun {
    EvaluationRun(
      plan: plan, store: folder.appending(path: "evaluation"), execution: execution,
      progress: progress)
  }

  private var execution: Execution { Execution(kernels: settings.kernels, workers: workers) }

  /// The plans that are run on test images for a network, each with the property that takes its results.
  func plans(
    _ method: TrainingMethod, _ chosen: ChosenSettings
  ) -> [(measurement: WritableKeyPath<NetworkResult, [JobResult]>, plan: EvaluationPlan)] {
    let (defences, epsilon) = (chosen.matched.map(\.defence), settings.figureEpsilon(method))
    let oblivious = settings.oblivious(epsilon)
    var plans: [(measurement: WritableKeyPath<NetworkResult, [JobResult]>, plan: EvaluationPlan)] =
      [(\.table, plan(defences, settings.attacks, count: settings.imageCount))]
    if let detector = chosen.detector {
      let attacks = [.none] + settings.epsilons.map { settings.oblivious($0) }
      plans.append((\.detection, plan([detector], attacks, count: settings.imageCount)))
    }
    if settings.parts.contains(.whole) {
      let shown = defences.filter { $0.name == .none || $0.name == .otherLabel }
      plans.append((\.whole, plan(shown, [.none], count: nil)))
    }
    if settings.parts.contains(.tradeOff) {
      plans.append(
        (\.tradeOff, plan(candidates(method), [.none, oblivious], count: settings.imageCount)))
    }
    let claims = chosen.claimed(settings.hasCombinedRule(method))
    if settings.parts.contains(.published), !claims.isEmpty {
      let attacks = [.none, oblivious] + settings.publishedAttacks(epsilon)
      plans.append((\.published, plan(claims, attacks, count: settings.figureImageCount)))
    }
    return plans
  }

  /// The plan of the measurements at several radii by which ε is chosen.
  func sweepPlan(_ rule: RadiusRule) -> EvaluationPlan {
    plan(
      [.none, settings.sweptDefence],
      rule.radii.map { settings.oblivious($0, steps: rule.steps) }, count: nil)
  }

  /// The plan that measures candidate settings on clean validation images.
  func matchingPlan(_ defences: [DefenceDescription]) -> EvaluationPlan {
    plan(defences, [.none], count: 5 * settings.figureImageCount)
  }

  private func sweep(_ rule: RadiusRule, _ model: CheckpointModel) throws -> [JobResult] {
    try evaluation(sweepPlan(rule)).run(
      model,
      on: DatasetSplit(training: data.training, validation: data.test[[]], test: data.validation),
      dataset: dataset)
  }

  private func measure(
    _ method: TrainingMethod, _ model: CheckpointModel
  ) throws -> NetworkResult {
    let epsilon = settings.figureEpsilon(method)
    let chosen = try stage(
      "settings", method, model, work: counted { try passesOfChoosing(method) }
    ) {
      try self.chosen(method, model)
    }
    let claims = chosen.claimed(settings.hasCombinedRule(method))
    var result = NetworkResult(
      method: method, checkpoint: model.digest,
      architecture: model.checkpoint.architecture.description,
      recipe: model.checkpoint.recipe?.description ?? model.checkpoint.notes["recipe"],
      curve: model.curve, chosen: chosen)
    for (measurement, plan) in plans(method, chosen) {
      result[keyPath: measurement] = try evaluation(plan).run(model, on: data, dataset: dataset)
    }
    for part in settings.parts {
      switch part {
      case .claims, .whole, .tradeOff, .published: break
      case .conditions:
        let passes = verification(method).passes(of: figureImages.count)
        result.conditions = try stage("conditions", method, model, work: passes) {
          try verification(method).run(
            base(model), named: method.title, on: figureImages, pool: pool)
        }
      case .sanity:
        guard !claims.isEmpty else { break }
        let adaptive = settings.adaptive(epsilon)
        result.sanity = try stage(
          "sanity", method, model, work: counted { try passesOfSanity(claims, method) }
        ) {
          try evaluation(plan(claims, [adaptive], count: settings.imageCount)).sanity(
            of: model, on: data, results: result.table.filter { $0.job.attack == adaptive },
            count: settings.sanityCount)
        }
      case .pictures:
        result.pictures = try stage("pictures", method, model) {
          try pictures(of: result.table, settings.oblivious(epsilon), chosen, model)
        }
      }
    }
    return result
  }

  private func base(_ model: CheckpointModel) throws -> NetworkClassifier {
    try NetworkClassifier(InferencePlan(model.checkpoint, kernels: settings.kernels))
  }

  /// The first images of the figures.
  var figureImages: LabelledImages {
    data.test[0..<min(settings.figureImageCount, data.test.count)]
  }

  /// The first images on which an attacker of the network alone succeeded.
  private func pictures(
    of table: [JobResult], _ attack: AttackDescription, _ chosen: ChosenSettings,
    _ model: CheckpointModel
  ) throws -> [Picture] {
    let base = try base(model)
    guard let budget = attack.budget, let attacked = table[.none, attack],
      let clean = table[.none, .none]
    else { return [] }
    let fooled = data.test.positions(of: attacked.outcomes.successes(over: clean.outcomes))
    let images = data.test[fooled.prefix(6)]
    let found = try evaluate(
      base, on: images,
      under: Threat(
        attack.search(selections: 1), within: budget, through: base))
    guard images.count > 0 else { return [] }
    let defences = chosen.matched.map(\.defence)
    let logits = try evaluation(plan(defences, [.none], count: nil)).logits(
      of: model, on: data, images: found.images, dataset: dataset)
    let answers = try defences.enumerated().map { place, defence in
      guard let rows = logits.tensors["logits.\(place)"] else { return [Picture.Answer]() }
      let probabilities = softmax(rowsOf: rows)
      return try argmax(rowsOf: probabilities).enumerated().map { image, prediction in
        Picture.Answer(
          defence: defence.name.title, prediction: prediction,
          confidence: Double(probabilities[image * images.classCount + prediction]))
      }
    }
    let mixtures = try (defences.first { $0.name == .otherLabel }?.defence as? MixupInferenceRule)
      .map { try firstMixtures(of: found.images, $0, base) }
    let shape = images.pixels.imageShape
    return images.indices.indices.map { place in
      func plane(_ pixels: Pixels) -> [Float] {
        Array(
          pixels.tensor.values.dropFirst(place * shape.count).prefix(shape.height * shape.width))
      }
      return Picture(
        label: images.labels[place], clean: plane(images.pixels),
        adversarial: plane(found.images.pixels), mixed: mixtures.map(plane), width: shape.width,
        answers: answers.map { $0[place] })
    }
  }

  /// Of every image the first of the mixtures from which a rule answers.
  private func firstMixtures(
    of images: LabelledImages, _ rule: MixupInferenceRule, _ base: NetworkClassifier
  ) throws -> Pixels {
    let inference = try MixupInference(base, pool: pool, rule: rule.withSampleCount(1))
    let draws = Draws(seed: settings.seed, purpose: .score, examples: images.indices)
    let routes = try inference.routing(of: images.pixels, draws: draws).routes
    return inference.executions(of: images.pixels, routes: routes, draws: draws)
      .batch(0..<images.count).images
  }

  private func evaluate(
    _ base: NetworkClassifier, on images: LabelledImages, under threat: Threat
  ) throws -> EvaluationResult {
    try Evaluation(seed: settings.seed, on: workers)
      .run(base, on: images, under: threat)
  }

  /// Every setting of every defence of a network.
  func candidates(_ method: TrainingMethod) -> [DefenceDescription] {
    settings.defences(of: method).flatMap {
      settings.candidates($0, side: dataset.imageShape.height)
    }
  }

  func verification(_ method: TrainingMethod) -> NetworkVerification {
    var verification = NetworkVerification.Settings()
    if settings.parts.contains(.conditions) {
      verification.lambdas = (0...10).map { MixingRatio($0, over: 10) }
    }
    verification.sampleCount = settings.decisionDraws
    verification.epsilon = settings.figureEpsilon(method)
    verification.steps = settings.steps.min() ?? 10
    verification.seed = settings.seed
    return NetworkVerification(settings: verification, workers: workers, progress: progress)
  }

  // MARK: Settings

  /// For every defence the setting that the rule chooses on validation images.
  private func chosen(
    _ method: TrainingMethod, _ model: CheckpointModel
  ) throws -> ChosenSettings {
    let bare = try evaluation(matchingPlan([.none])).matched(to: 0, model, on: data)
    switch settings.choice {
    case .dearest(let cost):
      let matched = try evaluation(matchingPlan(candidates(method)))
        .matched(to: (bare.first?.accuracy ?? 0) - cost, model, on: data)
      return ChosenSettings(
        matched: matched, detector: matched.map(\.defence).first { $0.name == .predictedLabel })
    case .mostRobust:
      let base = try base(model)
      let attack = settings.oblivious(
        settings.figureEpsilon(method), steps: settings.radius?.steps ?? settings.referenceSteps)
      guard let budget = attack.budget else { return ChosenSettings(matched: bare) }
      let threat = Threat(
        attack.search(selections: 1), within: budget, through: base)
      let stage = progress.stage(
        "tune \(method.title)", total: Tuning.runCount(lambdas: settings.lambdas), unit: "runs",
        work: passesOfTuning.work)
      let tuning = try Tuning(
        base, pool: pool, clean: data.validation,
        adversarial: evaluate(base, on: data.validation, under: threat).images,
        lambdas: settings.lambdas, sampleCount: settings.decisionDraws, rule: settings.choice,
        seed: settings.seed, workers: workers
      ) { try stage.advance() }
      stage.finish()
      return ChosenSettings(
        tuning, bare: bare, settings.defences(of: method), count: data.validation.count,
        draws: settings.decisionDraws)
    }
  }

  // MARK: Stages

  /// Raised with every change of the code that changes results, so that old stages are not reused.
  private static let version = 6

  /// Whatever a stage's result depends on.
  private struct Origin: Codable, Equatable {
    var version = Reproduction.version
    var settings: Settings
    /// What the images are, not what they are called: training, validation, test.
    var data: [String]
    var checkpoint: String
  }

  private func stage<Value: Keepable>(
    _ name: String, _ method: TrainingMethod, _ model: CheckpointModel,
    work: PassMeter.Count = PassMeter.Count(), _ make: () throws -> Value
  ) throws -> Value {
    try StageStore(folder: folder.appending(path: "stages"), reuses: reusesStages).result(
      "\(name)-\(method.rawValue)",
      for: Origin(settings: settings, data: identities, checkpoint: model.digest),
      title: "\(name) \(method.title)", work: work.work, progress, make)
  }
}

/// The settings of a network's defences, chosen on validation images.
package struct ChosenSettings: Keepable, Sendable {
  /// The chosen setting of every defence.
  package var matched: [MatchedDefence]
  /// MI-PL with the settings with which it is measured as a detector; nil if it is not.
  package var detector: DefenceDescription?
  /// All that was tried, if the settings were chosen by accuracy under attack; otherwise nil.
  package var tuning: Tuning?

  package init(
    matched: [MatchedDefence], detector: DefenceDescription? = nil, tuning: Tuning? = nil
  ) {
    self.matched = matched
    self.detector = detector
    self.tuning = tuning
  }

  package var isSound: Bool {
    matched.isSound && detector?.isSound ?? true && tuning?.isSound ?? true
  }

  /// MI-OL with its chosen setting if the paper recommends it for the network; otherwise nothing.
  func claimed(_ isClaimed: Bool) -> [DefenceDescription] {
    isClaimed ? matched.map(\.defence).filter { $0.name == .otherLabel } : []
  }

  /// The settings that tuning has chosen.
  ///
  /// - Parameters:
  ///   - bare: the network alone.
  ///   - count: how many validation images there were.
  ///   - draws: N, mixtures for a decision.
  init(
    _ tuning: Tuning, bare: [MatchedDefence], _ defences: [DefenceName], count: Int, draws: Int
  ) {
    func matched(_ name: DefenceName, _ choice: Tuning.Choice<some Any>) -> MatchedDefence {
      MatchedDefence(
        defence: DefenceDescription(tuning.rule(name, sampleCount: draws)),
        settings: choice.trials.count,
        accuracy: choice.trials.first { $0.value == choice.value }?.clean ?? 0, count: count,
        isReached: choice.isReached)
    }
    self.init(
      matched: defences.flatMap { name in
        switch name {
        case .predictedLabel: [matched(name, tuning.predictedLabel)]
        case .otherLabel: [matched(name, tuning.otherLabel)]
        case .combined: [matched(name, tuning.threshold)]
        default: bare
        }
      },
      detector: DefenceDescription(
        MixupInferenceRule.predictedLabel(
          Mixing(lambda: tuning.detectionLambda, sampleCount: draws))),
      tuning: tuning)
  }
}

extension DefenceDescription {
  /// The network alone.
  package static var none: DefenceDescription { DefenceDescription(DefenceName.none) }
}
