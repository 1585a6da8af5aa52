// A defence of one's own under the whole evaluation: attackers who know it and who do not, records, the
// comparison with the bare network, and the checks that say whether the figures can be quoted.

import Classification
import Datasets
import Experiments
import Kernels
import NeuralNetwork
import Robustness
import Statistics
import Training

/// Has the network look at the image under weaker light: x·u, u ~ U[1 − r, 1).
struct RandomDimming: Defence {
  /// r.
  var range: Float

  var name: String { "random-dimming" }
  var parameters: [String: String] { ["range": "\(range)"] }

  func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier {
    Dimmed(network: network, range: range)
  }
}

/// A network behind it. How one follows it who knows it is left at the usual: the mean over fresh draws.
struct Dimmed<Network: DifferentiableClassifier>: WrappingClassifier, DefendedClassifier {
  let network: Network
  let range: Float

  var wrapped: any Classifier { network }
  var isRandomized: Bool { true }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    let light = light(images.count, draws)
    return try network.logits(of: Pixels(dimmed(images.tensor, light)), draws: draws)
  }

  /// ∂loss/∂x = u ∂loss/∂(x·u).
  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let light = light(images.count, draws)
    let (logits, gradient) = try network.logitsAndGradient(
      of: Pixels(dimmed(images.tensor, light)), draws: draws, lossGradient: lossGradient)
    return (logits, try dimmed(gradient, light))
  }

  /// u of every image, from the draws that the caller names.
  private func light(_ count: Int, _ draws: Draws) -> [Float] {
    (0..<count).map { n in
      var random = RandomStream(draws.key(position: n, draw: 0))
      return 1 - range * random.uniform()
    }
  }

  /// Every image [C, H, W] of a batch times its u.
  private func dimmed(_ images: Tensor, _ light: [Float]) throws -> Tensor {
    let (values, size) = (images.values, imageShape.count)
    return try Tensor(
      values.indices.map { values[$0] * light[$0 / size] }, shape: images.shape)
  }
}

// A tiny network, trained for some seconds on the digits that are embedded in the package. The reference kernels
// give every machine the same figures; leave `kernels` out for the fastest.
let data = try DatasetSplit(
  trainingFile: Digits.training(), test: Digits.test(), validationCount: 300, seed: 1)
let scaling = Normalization.plusMinusOne(channels: 1)
let network = ResNet(
  ResNet.Architecture(
    imageShape: ImageShape(channels: 1, height: 8, width: 8), classCount: 10, stemKernel: 3,
    widths: [8], blocks: [1], block: .basic, shortcut: .projection))
network.initialize(seed: 1)
try Trainer(
  recipe: TrainingRecipe(
    method: .plain, epochs: 4, batchSize: 32, schedule: .cosine(peak: 0.1, warmUp: 0.25), seed: 1),
  normalization: scaling, execution: Execution(kernels: .reference, workers: WorkerPool())
).train(network, on: data.training)

let epsilon = try Epsilon("1/20")
var evaluation = DefenceEvaluation(
  [RandomDimming(range: 0.3)],
  under: [.pgd(epsilon: epsilon, steps: 5), .adaptivePGD(epsilon: epsilon, steps: 5, draws: 2)])
evaluation.kernels = .reference
evaluation.count = 50
evaluation.sanityCount = 8
let summary = try evaluation.run(
  Checkpoint(network, normalization: scaling), named: "plain", on: data, called: "digits")
print(summary.text)
