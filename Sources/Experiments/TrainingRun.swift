import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

/// One training run, from data to a checkpoint file.
package struct TrainingRun: Sendable {
  var recipe: TrainingRecipe
  var architecture: @Sendable (ImageShape, Int) -> ResNet.Architecture
  var output: URL
  var kernels: KernelSet
  var workers: WorkerPool
  var progress: ProgressReporter

  /// A run that will write `output`.
  package init(
    recipe: TrainingRecipe,
    architecture: @escaping @Sendable (ImageShape, Int) -> ResNet.Architecture, output: URL,
    kernels: KernelSet, workers: WorkerPool, progress: ProgressReporter
  ) {
    self.recipe = recipe
    self.architecture = architecture
    self.output = output
    self.kernels = kernels
    self.workers = workers
    self.progress = progress
  }

  /// Trains, writes the checkpoint, and says how well the network does on the validation images.
  package func run(on data: DatasetSplit, named dataset: DatasetName) throws -> String {
    try AtomicFile.check(output)
    let shape = data.training.pixels.imageShape
    let normalization = Normalization.plusMinusOne(channels: shape.channels)
    let trainer = Trainer(
      recipe: recipe, normalization: normalization,
      execution: Execution(kernels: kernels, workers: workers))
    let network = ResNet(architecture(shape, data.training.classCount))
    network.initialize(seed: recipe.seed)
    let stage = progress.stage(
      "train", total: trainer.totalSteps(images: data.training.count), unit: "steps")
    try trainer.train(network, on: data.training) { _ in stage.advance() }
    stage.finish()
    let checkpoint = Checkpoint(
      network, normalization: normalization,
      notes: try trainer.notes(dataset: dataset.rawValue, images: data.training))
    try AtomicFile.write(try checkpoint.encoded(), to: output)
    let classifier = NetworkClassifier(
      InferencePlan(network, normalization: normalization, kernels: kernels))
    let outcome = try Evaluation(seed: recipe.seed) { [workers] in workers.forEach(count: $0, $1) }
      .run(classifier, on: data.validation).proportion
    return "\(output.relativePath): validation accuracy \(summary(outcome))"
  }
}

/// "97.6% [95.8, 98.6] of 500".
package func summary(_ outcome: Proportion) -> String {
  let interval = outcome.wilsonInterval()
  let ends = [interval.lower, interval.upper].map { fixed(100 * $0, decimals: 1) }
  return "\(percent(outcome.value)) [\(ends.joined(separator: ", "))] of \(outcome.trials)"
}
