import ArgumentParser
import Experiments
import Foundation
import NeuralNetwork
import Reporting
import Robustness

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a trained network under defences and attacks.",
    discussion: """
      Every pair of the given defences and attacks is measured on the first --count test images; \
      each accuracy comes with its 95% Wilson interval. An adaptive attack follows the gradient of \
      the whole defence with fresh randomness; the others know the bare network only. Mixing \
      partners are training images.

      Example: mixup-inference evaluate --model report/checkpoints/mixup.safetensors \
      --defence none --defence mi-ol --attack none --attack adaptive-pgd --epsilon 3/20
      """)

  @Option(help: "Checkpoint (safetensors).")
  var model: String

  @OptionGroup var dataset: DatasetOptions

  @Option(help: "Means of the network's input normalisation, r,g,b; the checkpoint's unless given.")
  var mean: String?

  @Option(help: "Standard deviations of the same, r,g,b.")
  var std: String?

  @Option(
    help: "\(DefenceName.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated.")
  var defence: [String] = ["none"]

  @Option(
    help: """
      \(ModelEvaluation.AttackName.allCases.map(\.rawValue).joined(separator: ", ")); \
      may be repeated.
      """)
  var attack: [String] = ["none"]

  @Option(help: "Radius of the attack on the pixel scale, such as 8/255 or 0.15.")
  var epsilon: String?

  @Option(help: "Steps of the attack.")
  var steps = 50

  @Option(help: "Length of a step, as --epsilon; max(ε/4, 2.5 ε/steps) unless given.")
  var stepSize: String?

  @Option(help: "Independent starts of the attack, of which the best counts.")
  var restarts = 1

  @Option(name: .customLong("lambda"), help: "λ: the share of the input itself in a mixture.")
  var ratio: Float = 0.5

  @Option(name: .customLong("lambda-pl"), help: "λ of MI-PL, where it is to differ.")
  var predictedLabelRatio: Float?

  @Option(help: "Detection threshold of mi-combined.")
  var threshold: Float = 0.2

  @Option(help: "N: executions for a decision.")
  var draws = 30

  @Option(help: "Executions for each gradient of an adaptive attack.")
  var attackDraws = 10

  @Option(help: "Test images, from the first; all unless given.")
  var count: Int?

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(help: "File for the records, a JSON array.")
  var json: String?

  @OptionGroup var machine: MachineOptions

  func run() throws {
    var settings = ModelEvaluation.Settings()
    settings.defences = try defence.map { try named($0, "--defence") }
    settings.attacks = try attack.map { try named($0, "--attack") }
    settings.steps = try positive(steps, "--steps")
    settings.restarts = try positive(restarts, "--restarts")
    settings.draws = try positive(draws, "--draws")
    settings.attackDraws = try positive(attackDraws, "--attack-draws")
    for (name, value) in [("--lambda", ratio), ("--lambda-pl", predictedLabelRatio ?? ratio)]
    where !(value >= 0 && value <= 1) {
      throw Failure.usage("\(name) is \(value); λ is a share, from 0 to 1")
    }
    guard threshold.isFinite else {
      throw Failure.usage("--threshold is \(threshold); give a number")
    }
    settings.ratio = ratio
    settings.predictedLabelRatio = predictedLabelRatio
    settings.threshold = threshold
    settings.seed = seed
    settings.kernels = try machine.kernelSet()
    if let stepSize { settings.stepSize = try Epsilon(stepSize) }
    if let epsilon { settings.epsilon = try Epsilon(epsilon) }
    guard epsilon != nil || settings.attacks == [.none] else {
      throw Failure.usage("an attack needs a radius; give --epsilon, such as 8/255")
    }
    if let count { _ = try positive(count, "--count") }

    if let json { try AtomicFile.check(URL(filePath: json)) }
    let checkpoint = try loadCheckpoint()
    let data = try dataset.load(seed: seed)
    let images = data.test[0..<min(count ?? data.test.count, data.test.count)]
    let records = try machine.profiled {
      try ModelEvaluation(
        settings: settings, workers: machine.workers(), progress: ProgressReporter()
      ).run(
        checkpoint, named: URL(filePath: model).deletingPathExtension().lastPathComponent,
        on: data, dataset: try dataset.name(), images: images)
    }
    if let json { try AtomicFile.write(try records.json(), to: URL(filePath: json)) }
    print(ModelEvaluation.table(records).plain())
  }

  private func loadCheckpoint() throws -> Checkpoint {
    var checkpoint = try checkpointFile(model)
    if mean != nil || std != nil {
      checkpoint.normalization = try Normalization(
        mean: try numbers(mean, "--mean", checkpoint.normalization.mean),
        standardDeviation: try numbers(std, "--std", checkpoint.normalization.standardDeviation))
      guard checkpoint.normalization.mean.count == checkpoint.architecture.imageShape.channels
      else {
        throw Failure.usage(
          "the model's images have \(checkpoint.architecture.imageShape.channels) channels; "
            + "--mean and --std take one number for each")
      }
    }
    return checkpoint
  }

  private func numbers(_ text: String?, _ option: String, _ own: [Float]) throws -> [Float] {
    guard let text else { return own }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Float($0) else {
        throw Failure.usage("\(option) is \(text); give numbers with commas between them")
      }
      return number
    }
  }

  private func positive(_ number: Int, _ option: String) throws -> Int {
    guard 1...1_000_000 ~= number else {
      throw Failure.usage("\(option) is \(number); give a number from 1 to 1,000,000")
    }
    return number
  }

  private func named<Name: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ option: String
  ) throws -> Name {
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("\(option) \(text) is unknown; it takes \(names)")
    }
    return name
  }
}
