// A model of one's own under attack. All that the package asks of it are logits and their gradient; no
// network library, no BLAS and no data set is linked.

import Classification
import Robustness
import Statistics

/// Two classes told apart by a plane: logits (0, w·x + b) of an image x of D pixels.
struct Plane: DifferentiableClassifier {
  /// w, [D].
  let weights: [Float]
  let bias: Float

  var imageShape: ImageShape { ImageShape(channels: 1, height: 1, width: weights.count) }
  var classCount: Int { 2 }
  var forwardPassesPerDecision: Int { 1 }
  var isRandomized: Bool { false }

  /// w·x + b, positive for class 1.
  func height(_ image: ArraySlice<Float>) -> Float {
    bias + zip(weights, image).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Logits [N, 2] of N images; a plane has no use for the random draws.
  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    let (values, size) = (images.tensor.values, weights.count)
    var logits: [Float] = []
    for n in 0..<images.count { logits += [0, height(values[n * size..<(n + 1) * size])] }
    return try Tensor(logits, shape: [images.count, 2])
  }

  /// ∂loss/∂x = ∂loss/∂z₁ · w for every image, [N, 1, 1, D].
  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let logits = try logits(of: images, draws: draws)
    let slopes = try lossGradient(logits).values
    let gradient = (0..<images.count).flatMap { n in weights.map { slopes[2 * n + 1] * $0 } }
    return (logits, try Tensor(gradient, shape: images.tensor.shape))
  }
}

// Two hundred images of sixteen pixels, far enough from black and white for ε; one label in ten is wrong.
let plane = Plane(weights: (0..<16).map { $0 % 2 == 0 ? 1 : -1 }, bias: 0)
var random = RandomStream(RandomKey(seed: 1, purpose: .test))
let values = (0..<200 * 16).map { _ in 0.2 + 0.6 * random.uniform() }
let heights = (0..<200).map { plane.height(values[$0 * 16..<($0 + 1) * 16]) }
let labels = heights.map { ($0 > 0) == (random.uniform() < 0.9) ? 1 : 0 }
let images = try LabelledImages(
  pixels: Pixels(Tensor(values, shape: [200, 1, 1, 16])), labels: labels, classCount: 2)

let epsilon = try Epsilon("1/50")
let clean = try Evaluation(seed: 1).run(plane, on: images)
let attacked = try Evaluation(seed: 1).run(
  plane, on: images,
  under: Threat(ProjectedGradientDescent(steps: 10), within: .linf(epsilon), through: plane))

// An attacker moves w·x + b by ε‖w‖₁ and not further, so for a plane the truth is known.
let reach = epsilon.value * plane.weights.reduce(0) { $0 + abs($1) }
let truth = zip(heights, labels).count { $1 == 1 ? $0 > reach : $0 <= -reach }

print("clean             \(clean.proportion)")
print("PGD, l∞ \(epsilon)      \(attacked.proportion)")
print("no attack leaves fewer than \(Proportion(successes: truth, trials: images.count))")
