import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics

/// One network on one data set, under every pair of given defences and attacks.
package struct ModelEvaluation: Sendable {
  /// An attack by the name that commands and records use.
  package enum AttackName: String, CaseIterable, Sendable {
    case none
    case pgd
    case targetedPGD = "pgd-targeted"
    case adaptivePGD = "adaptive-pgd"
    case adaptiveTargetedPGD = "adaptive-pgd-targeted"

    /// Whether the attacker follows the gradient of the defence, not of the bare network.
    var isAdaptive: Bool { self == .adaptivePGD || self == .adaptiveTargetedPGD }

    var objective: ProjectedGradientDescent.Objective {
      self == .targetedPGD || self == .adaptiveTargetedPGD ? .targeted : .untargeted
    }
  }

  /// All that the figures depend on, besides the network and the images.
  package struct Settings: Sendable {
    package var defences: [DefenceName] = [.none]
    package var attacks: [AttackName] = [.none]
    package var epsilon = Epsilon.zero
    package var steps = 50
    package var stepSize: Epsilon?
    package var restarts = 1
    /// λ of both rules, and of MI-PL where it differs.
    package var ratio: Float = 0.5
    package var predictedLabelRatio: Float?
    package var threshold: Float = 0.2
    package var draws = 30
    package var attackDraws = 10
    package var seed: UInt64 = 1
    package var kernels: KernelSet = .best

    package init() {}

    func rule(_ defence: DefenceName) -> MixupInferenceRule? {
      let predicted = Mixing(ratio: predictedLabelRatio ?? ratio, sampleCount: draws)
      let other = Mixing(ratio: ratio, sampleCount: draws)
      return switch defence {
      case .none: nil
      case .predictedLabel: .predictedLabel(predicted)
      case .otherLabel: .otherLabel(other)
      case .combined:
        .combined(predictedLabel: predicted, otherLabel: other, threshold: threshold)
      }
    }
  }

  var settings: Settings
  var workers: WorkerPool
  var progress: ProgressReporter

  package init(settings: Settings, workers: WorkerPool, progress: ProgressReporter) {
    self.settings = settings
    self.workers = workers
    self.progress = progress
  }

  /// Evaluates.
  ///
  /// - Parameters:
  ///   - checkpoint: the network; its normalisation is used.
  ///   - name: how records call the network.
  ///   - data: mixing partners come from the training images.
  ///   - images: the images to classify.
  package func run(
    _ checkpoint: Checkpoint, named name: String, on data: DatasetSplit, dataset: DatasetName,
    images: LabelledImages
  ) throws -> [EvaluationRecord] {
    guard checkpoint.architecture.classCount == data.training.classCount else {
      throw AttackError.classCount(
        model: checkpoint.architecture.classCount, data: data.training.classCount)
    }
    let base = NetworkClassifier(
      InferencePlan(
        try checkpoint.network(), normalization: checkpoint.normalization,
        kernels: settings.kernels))
    guard base.imageShape == data.training.pixels.imageShape else {
      throw ClassifierError.imageShape(
        expected: base.imageShape, found: data.training.pixels.imageShape)
    }
    let pool =
      settings.defences.contains { $0 != .none } ? try SamplePool(data.training) : nil
    let evaluation = Evaluation(seed: settings.seed) { [workers] in
      workers.forEach(count: $0, $1)
    }
    var records: [EvaluationRecord] = []
    for defence in settings.defences {
      for attack in settings.attacks {
        let search = ProjectedGradientDescent(
          steps: settings.steps, stepSize: settings.stepSize, restarts: settings.restarts,
          objective: attack.objective)
        var classifier: any DifferentiableClassifier = base
        var threat =
          attack == .none ? nil : Threat(search, within: settings.epsilon, through: base)
        if let rule = settings.rule(defence), let pool {
          let defended = try MixupInference(base, pool: pool, rule: rule)
          classifier = defended
          if attack.isAdaptive {
            threat = try .adaptive(
              search, within: settings.epsilon, on: defended, sampleCount: settings.attackDraws)
          }
        }
        let title = "\(defence.rawValue) under \(attack.rawValue)"
        let stage = progress.stage(title, total: images.count, unit: "images")
        let start = ContinuousClock.now
        let result = try evaluation.run(classifier, on: images, under: threat) {
          stage.advance(by: $0.outcomes.count)
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        stage.finish()
        let outcome = result.proportion
        records.append(
          try EvaluationRecord(
            model: name, defence: defence.rawValue, attack: attack.rawValue,
            dataset: dataset.rawValue, split: "test", n: outcome.trials,
            correct: outcome.successes, interval: outcome.wilsonInterval(),
            epsilon: threat?.epsilon.description, steps: threat == nil ? 0 : settings.steps,
            restarts: threat == nil ? 0 : settings.restarts, seed: settings.seed,
            kernelSet: settings.kernels.rawValue,
            forwardPassesPerDecision: classifier.forwardPassesPerDecision,
            secondsPerDecision: threat == nil ? seconds / Double(max(outcome.trials, 1)) : nil,
            lambda: defence == .none
              ? nil
              : Double(
                "\(defence == .predictedLabel ? settings.predictedLabelRatio ?? settings.ratio : settings.ratio)"
              ),
            threshold: defence == .combined ? Double("\(settings.threshold)") : nil,
            draws: defence == .none ? nil : settings.draws,
            attackDraws: attack.isAdaptive && defence != .none ? settings.attackDraws : nil))
      }
    }
    return records
  }

  /// The records as a table for a terminal.
  package static func table(_ records: [EvaluationRecord]) -> Table {
    Table(
      columns: ["model", "defence", "attack", "ε", "accuracy", "95% interval", "n"],
      rows: records.map { record in
        [
          Table.Cell(record.model), Table.Cell(record.defence), Table.Cell(record.attack),
          Table.Cell(record.epsilon ?? "–"), Table.Cell(percent(record.accuracy)),
          Table.Cell(
            "\(fixed(100 * record.interval.lower, decimals: 1))–\(fixed(100 * record.interval.upper, decimals: 1))"
          ),
          Table.Cell("\(record.n)"),
        ]
      })
  }
}

extension EvaluationResult {
  /// Correct predictions among all.
  package var proportion: Proportion {
    Proportion(successes: correctCount, trials: outcomes.count)
  }
}
