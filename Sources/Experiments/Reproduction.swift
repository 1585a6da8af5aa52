import Classification
import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

/// The main experiment: {plain, mixup, interpolated AT} × {none, MI-PL, MI-OL, MI-Combined} ×
/// {clean, oblivious PGD-10, oblivious PGD-50, adaptive PGD-50} on the embedded digits.
package struct Reproduction: Sendable {
  /// What the experiment's figures depend on, besides the code.
  package struct Settings: Codable, Hashable, Sendable {
    package var seed: UInt64 = 1
    /// Test images, from the first; nil for all.
    package var testCount: Int? = 500
    /// Images of the training file that serve tuning only.
    package var validationCount = 500
    /// N: executions of each rule for a decision.
    package var decisionDraws = 30
    /// The attacker's executions for a gradient.
    package var attackDraws = 10
    /// Independent starts of every attack, of which the best by the attacker's own lights counts.
    package var restarts = 1
    /// Radii of the sweep from which ε is chosen, on the pixel scale.
    package var epsilons = ["1/20", "1/10", "3/20", "1/5", "1/4", "3/10"]
    /// Values of λ from which that of each model and rule is chosen.
    package var ratios: [Float] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    package var kernels: KernelSet = .best

    package init() {}
  }

  package var settings: Settings
  /// Where checkpoints, finished stages and the report are written.
  package var folder: URL
  /// Whether finished stages of an earlier run are used again.
  package var reusesStages: Bool
  private let recipe: @Sendable (TrainingMethod) throws -> TrainingRecipe
  private let workers: WorkerPool
  private let progress: ProgressReporter
  private let data: DatasetSplit
  private let pool: SamplePool

  /// Raised with every change of the code that changes results, so that old stages are not reused.
  private static let version = 4

  /// An experiment; `recipe` says how each model is trained, by default at full length.
  package init(
    settings: Settings, folder: URL, reusesStages: Bool = true, workers: WorkerPool,
    progress: ProgressReporter,
    recipe: (@Sendable (TrainingMethod) throws -> TrainingRecipe)? = nil
  ) throws {
    self.settings = settings
    self.recipe = recipe ?? { [seed = settings.seed] in try $0.recipe(for: .digits, seed: seed) }
    self.folder = folder
    self.reusesStages = reusesStages
    self.workers = workers
    self.progress = progress
    data = try Dataset.digits.load(
      validationCount: settings.validationCount, seed: settings.seed)
    pool = try SamplePool(data.training)
  }

  // MARK: Results

  /// Accuracy of the three undefended models, and under MI-OL with λ = ½, over ε.
  package struct Sweep: Codable, Sendable {
    package struct Point: Codable, Sendable {
      package var model: TrainingMethod
      package var defence: DefenceName
      package var epsilon: Epsilon
      package var outcome: Proportion
    }
    package var points: [Point]
    /// The radius at which the table is made.
    package var chosen: Epsilon
  }

  /// The conditions of the main table.
  package enum Condition: String, CaseIterable, Codable, Sendable {
    case clean
    case oblivious10 = "pgd-10"
    case oblivious50 = "pgd-50"
    case adaptive50 = "adaptive-pgd-50"

    /// How tables call it.
    package var title: String {
      switch self {
      case .clean: "clean"
      case .oblivious10: "oblivious PGD-10"
      case .oblivious50: "oblivious PGD-50"
      case .adaptive50: "adaptive PGD-50"
      }
    }

    var steps: Int {
      switch self {
      case .clean: 0
      case .oblivious10: 10
      case .oblivious50, .adaptive50: 50
      }
    }
  }

  /// One cell of the main table.
  package struct Cell: Codable, Sendable {
    package var defence: DefenceName
    package var condition: Condition
    package var outcome: Proportion
    package var forwardPassesPerDecision: Int
    package var secondsPerDecision: Double
  }

  /// How well MI-PL's statistics tell adversarial test images from clean ones.
  package struct Detection: Codable, Sendable {
    /// Clean images, and adversarial ones on which oblivious PGD-50 fooled the bare network.
    package var cleanCount: Int
    package var adversarialCount: Int
    /// By statistic; nil where there is nothing to tell apart.
    package var areas: [String: Double]
    /// Their 95% intervals.
    package var intervals: [String: Interval]
    /// The curve of the paper's statistic.
    package var curve: [ReceiverOperatingCharacteristic.Point]
  }

  /// All that was measured on one model.
  package struct ModelResult: Codable, Sendable {
    package var model: TrainingMethod
    package var tuning: Tuning
    package var cells: [Cell]
    package var detection: Detection
    /// A few images before and after the attack, pixels [8 × 8].
    package var pictures: [Picture]
  }

  /// One image, clean and attacked, with what the undefended network says of it.
  package struct Picture: Codable, Sendable {
    package var label: Int
    package var prediction: Int
    package var clean: [Float]
    package var adversarial: [Float]
  }

  /// How far one network is from linear between images.
  package struct Linearity: Codable, Sendable {
    package var model: TrainingMethod
    package var found: NetworkVerification.Linearity
  }

  /// Everything, ready to be reported.
  package struct Results: Codable, Sendable {
    package var settings: Settings
    package var testCount: Int
    package var trainingCount: Int
    package var sweep: Sweep
    package var models: [ModelResult]
    /// How far every network is from linear between images.
    package var linearity: [Linearity]
    package var seconds: Double
  }

  // MARK: Stages

  /// Whatever a stage's result depends on.
  private struct Origin: Codable, Equatable {
    var version = Reproduction.version
    var settings: Settings
    var recipes: [TrainingRecipe]
  }

  /// Runs all stages that are not yet done.
  package func run() throws -> Results {
    try AtomicFile.check(folder.appending(path: "index.html"))
    let start = ContinuousClock.now
    let store = StageStore(folder: folder.appending(path: "stages"), reuses: reusesStages)
    let origin = Origin(settings: settings, recipes: try Self.methods.map(recipe))
    var classifiers: [TrainingMethod: NetworkClassifier] = [:]
    for model in Self.methods {
      classifiers[model] = try NetworkClassifier(
        InferencePlan(trained(model).checkpoint, kernels: settings.kernels))
    }
    func stage<Value: Codable>(
      _ name: String, title: String, _ make: () throws -> Value
    ) throws -> Value {
      try store.result(name, for: origin, title: title, progress, make)
    }
    let sweep = try stage("sweep", title: "sweep ε") { try self.sweep(classifiers) }
    let models = try Self.methods.compactMap { model in
      try classifiers[model].map { classifier in
        try stage("evaluate-\(model.rawValue)", title: "evaluate \(model.title)") {
          try evaluate(model, classifier, within: sweep.chosen)
        }
      }
    }
    let linearity = try Self.methods.compactMap { model in
      try classifiers[model].map { classifier in
        try stage("linearity-\(model.rawValue)", title: "linearity \(model.title)") {
          try self.linearity(model, classifier, within: sweep.chosen)
        }
      }
    }
    return Results(
      settings: settings, testCount: test.count, trainingCount: data.training.count, sweep: sweep,
      models: models, linearity: linearity, seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  /// The networks that are compared.
  package static let methods: [TrainingMethod] = [.plain, .mixup, .interpolatedAdversarial]

  /// The first test images.
  private var test: LabelledImages {
    data.test[0..<min(settings.testCount ?? data.test.count, data.test.count)]
  }

  /// Where the checkpoint of a model is.
  package func checkpointFile(_ model: TrainingMethod) -> URL {
    folder.appending(path: "checkpoints").appending(path: "\(model.rawValue).safetensors")
  }

  private func trained(_ method: TrainingMethod) throws -> EvaluationRun.Model {
    try TrainingRun(
      recipe: try recipe(method), architecture: Dataset.digits.training.architecture,
      output: checkpointFile(method), isFresh: !reusesStages, kernels: settings.kernels,
      workers: workers, progress: progress
    ).model(method, on: data, named: .digits)
  }

  // MARK: ε

  private func sweep(_ classifiers: [TrainingMethod: NetworkClassifier]) throws -> Sweep {
    let epsilons = try settings.epsilons.map { try Epsilon($0) }
    let validation = data.validation
    let stage = progress.stage(
      "sweep ε", total: Self.methods.count * epsilons.count * 2 * validation.count,
      unit: "images")
    var points: [Sweep.Point] = []
    for model in Self.methods {
      guard let base = classifiers[model] else { continue }
      let defence = try MixupInference(
        base, pool: pool,
        rule: .otherLabel(Mixing(ratio: 0.5, sampleCount: settings.decisionDraws)))
      for epsilon in epsilons {
        let attacked = try run(
          base, on: validation,
          under: Threat(ProjectedGradientDescent(steps: 10), within: .linf(epsilon), through: base),
          stage)
        let defended = try run(defence, on: attacked.images, stage)
        for (name, result) in [(DefenceName.none, attacked), (.otherLabel, defended)] {
          points.append(
            Sweep.Point(
              model: model, defence: name, epsilon: epsilon, outcome: result.proportion))
        }
      }
    }
    stage.finish()
    let chosen = epsilons.first { epsilon in
      points.contains {
        $0.model == .mixup && $0.defence == .none && $0.epsilon == epsilon
          && $0.outcome.value <= Self.brokenAccuracy
      }
    }
    return Sweep(points: points, chosen: chosen ?? epsilons.last ?? .zero)
  }

  /// ε is the smallest radius of the sweep at which oblivious PGD-10 leaves the undefended mixup
  /// model no more than this share of the validation images.
  package static let brokenAccuracy = 0.05

  // MARK: The table

  private func evaluate(
    _ model: TrainingMethod, _ base: NetworkClassifier, within epsilon: Epsilon
  ) throws -> ModelResult {
    let test = test
    let validation = data.validation
    let units =
      validation.count + Tuning.runCount(ratios: settings.ratios) * validation.count
      + DefenceName.ofMixup.count * Condition.allCases.count * test.count + 2 * test.count
    let stage = progress.stage("evaluate \(model.title)", total: units, unit: "images")

    func oblivious(_ steps: Int) -> Threat {
      Threat(
        ProjectedGradientDescent(steps: steps, restarts: settings.restarts),
        within: .linf(epsilon), through: base)
    }
    let tuned = try run(base, on: validation, under: oblivious(10), stage)
    let tuning = try Tuning(
      base, pool: pool, clean: validation, adversarial: tuned.images, ratios: settings.ratios,
      sampleCount: settings.decisionDraws, seed: settings.seed, workers: workers
    ) { stage.advance(by: validation.count) }

    var cells: [Cell] = []
    var attacked: [Condition: EvaluationResult] = [:]
    for condition in [Condition.clean, .oblivious10, .oblivious50] {
      let threat = condition == .clean ? nil : oblivious(condition.steps)
      attacked[condition] = try run(base, on: test, under: threat, stage)
    }
    for defence in DefenceName.ofMixup {
      for condition in Condition.allCases {
        let (result, seconds): (EvaluationResult, Double)
        let passes: Int
        if let rule = tuning.rule(defence, sampleCount: settings.decisionDraws) {
          let classifier = try MixupInference(base, pool: pool, rule: rule)
          passes = classifier.forwardPassesPerDecision
          if condition == .adaptive50 {
            let threat = try Threat.adaptive(
              ProjectedGradientDescent(steps: condition.steps, restarts: settings.restarts),
              within: .linf(epsilon), on: classifier, sampleCount: settings.attackDraws)
            let found = try run(classifier, on: test, under: threat, stage)
            (result, seconds) = (found, try secondsPerDecision(classifier, on: found.images))
          } else {
            let images = attacked[condition]?.images ?? test
            (result, seconds) = try timed { try run(classifier, on: images, stage) }
          }
        } else {
          // An attacker who knows that there is no defence attacks the bare network.
          passes = base.forwardPassesPerDecision
          let found = attacked[condition == .adaptive50 ? .oblivious50 : condition]
          guard let found else { continue }
          (result, seconds) = (found, try secondsPerDecision(base, on: found.images))
          if condition == .adaptive50 { stage.advance(by: test.count) }
        }
        cells.append(
          Cell(
            defence: defence, condition: condition, outcome: result.proportion,
            forwardPassesPerDecision: passes, secondsPerDecision: seconds))
      }
    }
    let broken = attacked[.oblivious50]
    let successes = Set(
      (broken?.outcomes ?? []).successes(over: attacked[.clean]?.outcomes ?? []).map(\.index))
    let positions = test.indices.indices.filter { successes.contains(test.indices[$0]) }
    let fooled = broken?.images[positions] ?? test[[]]
    let detection = try detection(base, tuning, fooled: fooled, stage)
    let pictures = positions.enumerated().prefix(6).map { place, position in
      Picture(
        label: test.labels[position], prediction: broken?.outcomes[position].prediction ?? -1,
        clean: test[[position]].pixels.tensor.values,
        adversarial: fooled[[place]].pixels.tensor.values)
    }
    stage.finish()
    return ModelResult(
      model: model, tuning: tuning, cells: cells, detection: detection, pictures: pictures)
  }

  private func detection(
    _ base: NetworkClassifier, _ tuning: Tuning, fooled: LabelledImages, _ stage: ProgressStage
  ) throws -> Detection {
    let defence = try MixupInference(
      base, pool: pool,
      rule: .predictedLabel(
        Mixing(ratio: tuning.detectionRatio, sampleCount: settings.decisionDraws)))
    func decisions(_ images: LabelledImages) throws -> [MixupDecision] {
      let size = 8
      let blocks = try workers.map(count: (images.count + size - 1) / size) { block in
        let part = images[block * size..<min((block + 1) * size, images.count)]
        return try defence.decisions(
          of: part.pixels,
          draws: Draws(seed: settings.seed, purpose: .score, examples: part.indices))
      }
      stage.advance(by: images.count)
      return blocks.flatMap(\.self)
    }
    let clean = try decisions(test)
    let found = try decisions(fooled)
    stage.advance(by: test.count - fooled.count)
    var areas: [String: Double] = [:]
    var intervals: [String: Interval] = [:]
    var curve: [ReceiverOperatingCharacteristic.Point] = []
    for statistic in DetectionStatistic.allCases where !clean.isEmpty && !found.isEmpty {
      let roc = try ReceiverOperatingCharacteristic(
        negatives: clean.map { Double($0.value(of: statistic)) },
        positives: found.map { Double($0.value(of: statistic)) })
      areas[statistic.rawValue] = roc.areaUnderCurve
      intervals[statistic.rawValue] = try AreaUnderCurve(
        negatives: clean.map { Double($0.value(of: statistic)) },
        positives: found.map { Double($0.value(of: statistic)) }
      ).interval()
      if statistic == .confidenceDrop { curve = roc.points }
    }
    return Detection(
      cleanCount: clean.count, adversarialCount: found.count, areas: areas,
      intervals: intervals, curve: curve)
  }

  // MARK: Linearity

  /// On the first few hundred test images, however many the table is made of: enough for the
  /// intervals that are drawn.
  private func linearity(
    _ model: TrainingMethod, _ base: NetworkClassifier, within epsilon: Epsilon
  ) throws -> Linearity {
    var verification = NetworkVerification.Settings()
    verification.sampleCount = settings.decisionDraws
    verification.epsilon = epsilon
    verification.seed = settings.seed
    return Linearity(
      model: model,
      found: try NetworkVerification(settings: verification, workers: workers, progress: progress)
        .linearity(
          base, named: model.title, on: data.test[0..<min(300, data.test.count)],
          pool: pool))
  }

  // MARK: Running

  private func run(
    _ classifier: some Classifier, on images: LabelledImages, under threat: Threat? = nil,
    _ stage: ProgressStage
  ) throws -> EvaluationResult {
    try evaluation.run(classifier, on: images, under: threat) {
      stage.advance(by: $0.outcomes.count)
    }
  }

  private func timed<T>(_ body: () throws -> T) rethrows -> (T, Double) {
    let start = ContinuousClock.now
    let result = try body()
    return (result, (ContinuousClock.now - start) / .seconds(1) / Double(max(test.count, 1)))
  }

  /// Wall-clock time of a decision, all threads at work.
  private func secondsPerDecision(
    _ classifier: some Classifier, on images: LabelledImages
  ) throws -> Double {
    try timed { try evaluation.run(classifier, on: images) }.1
  }

  private var evaluation: Evaluation {
    Evaluation(seed: settings.seed) { [workers] in workers.forEach(count: $0, $1) }
  }
}
