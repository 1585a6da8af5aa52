import ArgumentParser
import Experiments
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Training

struct Train: Verb {
  static let configuration = CommandConfiguration.verb(
    "Trains a network and writes its checkpoint.",
    """
    On the embedded digits unless told otherwise, where the defaults are those of `reproduce`. \
    CIFAR files are read from --data: the binary version's data_batch_1.bin and so on. \
    500 training images are set apart for validation, or a fifth of them where that is less.

    Beside OUTPUT, the network after the last epoch, it writes OUTPUT-best, the one with the highest \
    validation accuracy, and OUTPUT.csv, the learning curve. A run that was interrupted goes on from \
    OUTPUT-state, its last finished epoch, and ends with the same bytes.
    """,
    examples: [
      "train --method mixup --output mixup.safetensors",
      "train --method plain --noise 0.25 --epochs 40 \\\n--output noisy.safetensors",
    ], isLong: true)

  @Option(help: "\(TrainingMethod.allCases.map(\.rawValue).joined(separator: ", ")).")
  var method = TrainingMethod.mixup.rawValue

  @Option(
    help: """
      \(ResNet.Architecture.named.map(\.name).joined(separator: ", ")); unless given that of the \
      data set, which `inspect` names.
      """)
  var architecture: String?

  @Option(
    help: """
      What follows every normalisation of the network: \
      \(ResNet.Architecture.Details.Activation.allCases.map(\.rawValue).joined(separator: ", ")); relu unless given.
      """)
  var activation: String?

  @OptionGroup var dataset: DatasetOptions

  @Option(help: "Passes over the training images.")
  var epochs: Int?

  @Option(help: "Images for each step.")
  var batchSize: Int?

  @Option(help: "The highest learning rate of the cosine schedule.")
  var learningRate: Float?

  @Option(help: "α of mixup's λ ~ Beta(α, α); usually 1.")
  var alpha: Double?

  @Option(help: "Weight decay.")
  var weightDecay: Float?

  @Option(
    help: """
      Images are flipped at random and cropped at random from the image with so many black pixels around it; \
      0: no augmentation.
      """)
  var crop: Int?

  @Option(
    help: """
      σ of the Gaussian noise that is added to what the network is shown, on the pixel scale; for networks that \
      `certify` is to look at under that noise. With --method plain and mixup.
      """)
  var noise: Float?

  @Option(help: "Radius of adversarial training, on the pixel scale.")
  var epsilon: String?

  @Option(help: "Attack steps of adversarial training.")
  var steps: Int?

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(help: "The checkpoint to write (safetensors).")
  var output: String

  @Flag(help: "Begin anew although an interrupted run could go on.")
  var fresh = false

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var profile: ProfileOptions

  /// What --json writes.
  private struct Record: Encodable {
    var output: String
    var recipe: String
    var epochs: [LearningCurve.Epoch]
  }

  func run() throws {
    guard output != "-" else {
      throw Failure.usage("--output is -; train writes several files, name one of them")
    }
    guard let chosen = TrainingMethod(rawValue: method) else {
      let names = TrainingMethod.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("method \(method) is unknown; --method takes one of \(names)")
    }
    try [Destination(argument: output), common.json].check(
      inputs: [dataset.file],
      others: TrainingRun.filesBeside(URL(filePath: output)) + profile.files, data: dataset.data)
    let set = try dataset.described()
    var make = set.training.architecture
    if let architecture {
      guard let named = ResNet.Architecture.named.first(where: { $0.name == architecture }) else {
        let names = ResNet.Architecture.named.map(\.name).joined(separator: ", ")
        throw Failure.usage(
          "architecture \(architecture) is unknown; --architecture takes one of \(names)")
      }
      make = named.make
    }
    if let activation {
      guard let function = ResNet.Architecture.Details.Activation(rawValue: activation) else {
        let names = ResNet.Architecture.Details.Activation.allCases.map(\.rawValue)
        throw Failure.usage(
          "--activation is \(activation); it is one of \(names.joined(separator: ", "))")
      }
      make = { [make] shape, classCount in
        var architecture = make(shape, classCount)
        architecture.details.activation = function
        return architecture
      }
    }
    var recipe = try chosen.recipe(for: set, seed: seed)
    recipe.epochs = epochs ?? recipe.epochs
    recipe.batchSize = batchSize ?? recipe.batchSize
    if let learningRate {
      guard learningRate.isFinite, learningRate > 0 else {
        throw Failure.usage("--learning-rate is \(learningRate); give a number above 0")
      }
      recipe.schedule = .cosine(peak: learningRate, warmUp: set.training.warmUp)
    }
    if let alpha, !(alpha.isFinite && alpha >= 0) {
      throw Failure.usage("--alpha is \(alpha); α of mixup is a number from 0")
    }
    if let weightDecay {
      guard weightDecay.isFinite, weightDecay >= 0 else {
        throw Failure.usage("--weight-decay is \(weightDecay); give a number from 0")
      }
      recipe.weightDecay = weightDecay
    }
    if let crop { recipe.augmentation = crop == 0 ? nil : .flipAndCrop(padding: crop) }
    if let noise {
      guard noise.isFinite, noise > 0 else {
        throw Failure.usage("--noise is \(noise); σ is a number above 0, on the pixel scale")
      }
      guard chosen == .plain || chosen == .mixup else {
        throw Failure.usage(
          "--noise says nothing here: --method \(method) trains on adversarial images; use plain or mixup"
        )
      }
      recipe.noise = noise
    }
    let radius = try epsilon.map { try Epsilon($0) }
    let taken: [String]
    switch recipe.method {
    case .plain: taken = []
    case .mixup(let usual):
      recipe.method = .mixup(alpha: alpha ?? usual)
      taken = ["alpha"]
    case .adversarial(let epsilon, let steps):
      recipe.method = .adversarial(epsilon: radius ?? epsilon, steps: self.steps ?? steps)
      taken = ["epsilon", "steps"]
    case .interpolatedAdversarial(let usual, let epsilon, let steps):
      recipe.method = .interpolatedAdversarial(
        alpha: alpha ?? usual, epsilon: radius ?? epsilon, steps: self.steps ?? steps)
      taken = ["alpha", "epsilon", "steps"]
    }
    let given = [("alpha", alpha != nil), ("epsilon", epsilon != nil), ("steps", steps != nil)]
    if let (flag, _) = given.first(where: { $0.1 && !taken.contains($0.0) }) {
      throw Failure.usage("--\(flag) says nothing here: --method \(method) has none; leave it out")
    }
    let run = TrainingRun(
      recipe: recipe, architecture: make, output: URL(filePath: output), isFresh: fresh,
      execution: try machine.execution(),
      progress: common.progress(
        advice:
          "the state after the last finished epoch is kept beside \(output); run the same command "
          + "again, without --fresh, to go on"))
    let data = try dataset.load(set, seed: seed)
    let curve = try profile.profiled("train", machine) { try run.run(on: data, named: set) }
    try common.write(Record(output: output, recipe: "\(recipe)", epochs: curve.epochs))
    let last = curve.epochs.last.map { "\($0.validation)" } ?? "unknown"
    common.say("\(output): validation accuracy \(last)")
  }
}
