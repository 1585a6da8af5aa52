import ArgumentParser
import Experiments
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a network and writes its checkpoint.",
    discussion: """
      On the embedded digits unless told otherwise, where the defaults are those of `reproduce`. \
      CIFAR files are read from --data: the binary version's data_batch_1.bin and so on.
      """)

  @Option(help: "plain, mixup or interpolated-at.")
  var method = DigitModel.mixup.rawValue

  @Option(help: "\(ResNet.Architecture.named.map(\.name).joined(separator: ", ")).")
  var architecture = "resNet8"

  @OptionGroup var dataset: DatasetOptions

  @Option(help: "Passes over the training images.")
  var epochs: Int?

  @Option(help: "Images of a step.")
  var batchSize: Int?

  @Option(help: "The highest learning rate of the cosine schedule.")
  var learningRate: Float?

  @Option(help: "α of mixup's λ ~ Beta(α, α).")
  var alpha = 1.0

  @Option(help: "Radius of interpolated adversarial training, on the pixel scale.")
  var epsilon = "1/5"

  @Option(help: "Attack steps of interpolated adversarial training.")
  var steps = 7

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(help: "The checkpoint to write (safetensors).")
  var output: String

  @OptionGroup var machine: MachineOptions

  func run() throws {
    guard let model = DigitModel(rawValue: method) else {
      let names = DigitModel.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("method \(method) is unknown; --method takes one of \(names)")
    }
    guard let make = ResNet.Architecture.named.first(where: { $0.name == architecture })?.make
    else {
      let names = ResNet.Architecture.named.map(\.name).joined(separator: ", ")
      throw Failure.usage(
        "architecture \(architecture) is unknown; --architecture takes one of \(names)")
    }
    var recipe = try model.recipe(seed: seed)
    recipe.epochs = epochs ?? recipe.epochs
    recipe.batchSize = batchSize ?? recipe.batchSize
    if let learningRate {
      guard learningRate.isFinite, learningRate > 0 else {
        throw Failure.usage("--learning-rate is \(learningRate); give a number above 0")
      }
      recipe.schedule = .cosine(peak: learningRate, warmUp: 0.25)
    }
    switch recipe.method {
    case .plain: break
    case .mixup: recipe.method = .mixup(alpha: alpha)
    case .interpolatedAdversarial:
      recipe.method = .interpolatedAdversarial(
        alpha: alpha, epsilon: try Epsilon(epsilon), steps: steps)
    }
    let run = TrainingRun(
      recipe: recipe, architecture: make, output: URL(filePath: output),
      kernels: try machine.kernelSet(), workers: machine.workers(), progress: ProgressReporter())
    let data = try dataset.load(seed: seed)
    print(try machine.profiled { try run.run(on: data, named: try dataset.name()) })
  }
}
