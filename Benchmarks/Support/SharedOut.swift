import Datasets
import Kernels
import NeuralNetwork

/// A network whose batches are split over the threads of a pool.
///
/// The one place where the benchmarks hand out threads: `NetworkClassifier` uses that of its caller.
package struct SharedOut: Classifier {
  private let network: NetworkClassifier
  private let workers: WorkerPool

  package init(_ network: ResNet, _ normalization: Normalization, on execution: Execution) {
    self.network = NetworkClassifier(
      InferencePlan(network, normalization: normalization, kernels: execution.kernels))
    workers = execution.workers
  }

  package var imageShape: ImageShape { network.imageShape }
  package var classCount: Int { network.classCount }
  package var forwardPassesPerDecision: Int { 1 }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try forEachShare(of: images.count) {
      try network.logits(of: images[$0], draws: draws)
    }
  }

  /// The gradient of the summed cross-entropy for the images.
  package func gradient(of images: LabelledImages) throws -> Tensor {
    try forEachShare(of: images.count) { share in
      let images = images[share]
      let targets = CrossEntropy.oneHot(images.labels, classCount: images.classCount)
      let draws = Draws(seed: 1, purpose: .attack, examples: images.indices)
      return try network.logitsAndGradient(of: images.pixels, draws: draws) {
        CrossEntropy.gradient(logits: $0, targets: targets)
      }.gradient
    }
  }

  /// The rows of all shares of a batch, of which every thread takes one.
  private func forEachShare(
    of count: Int, _ body: @Sendable (Range<Int>) throws -> Tensor
  ) throws -> Tensor {
    let size = (count + workers.threadCount - 1) / workers.threadCount
    return try .concatenated(
      workers.map(count: (count + size - 1) / size) {
        try body($0 * size..<min(($0 + 1) * size, count))
      })
  }
}
