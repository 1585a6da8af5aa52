import Classification
import Statistics

/// A linear classifier of two classes, z = (0, w · x + b). The best that an attack on it can reach is
/// known: `largestMargin`.
struct LinearTwin: DifferentiableClassifier {
  let imageShape: ImageShape
  let weights: [Float]
  let bias: Float

  var classCount: Int { 2 }
  var forwardPassesPerDecision: Int { 1 }
  var isRandomized: Bool { false }

  /// Normal weights of size 1/√D, and the bias that puts the mean of the images' scores at 0.
  init(for images: Pixels, seed: UInt64) {
    imageShape = images.imageShape
    let count = imageShape.count
    var stream = RandomStream(RandomKey(seed: seed, purpose: .measure))
    let weights = (0..<count).map { _ in
      Float(stream.standardNormal() / Double(count).squareRoot())
    }
    self.weights = weights
    let scores = (0..<images.count).map { n in
      (0..<count).reduce(Float(0)) { $0 + weights[$1] * images.tensor[n * count + $1] }
    }
    bias = -scores.reduce(0, +) / Float(max(scores.count, 1))
  }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images)
    let count = imageShape.count
    var result = Tensor(shape: [images.count, 2])
    images.tensor.withUnsafePointer { values in
      for n in 0..<images.count {
        var sum = bias
        for place in 0..<count { sum += weights[place] * values[n * count + place] }
        result[2 * n + 1] = sum
      }
    }
    return result
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let logits = try logits(of: images, draws: draws)
    let cotangent = try cotangent(of: logits, by: lossGradient)
    let gradient = (0..<images.count).flatMap { n in weights.map { $0 * cotangent[2 * n + 1] } }
    return (logits, try Tensor(gradient, shape: images.tensor.shape))
  }

  /// The largest margin of the other class over an image's in ball and box, in Double: that at the
  /// projection of x ± tw for a large t, since a linear function is largest there.
  func largestMargin(
    of image: Pixels, label: Int, within budget: PerturbationBudget
  ) throws -> Double {
    let sign: Float = label == 1 ? -1 : 1
    // t is 10⁴.
    let far = try Tensor(
      weights.enumerated().map { image.tensor[$0.offset] + 1e4 * sign * $0.element },
      shape: image.tensor.shape)
    let best = try PerturbationBall(center: image, budget: budget).projection(of: far).tensor
    let score = weights.enumerated().reduce(Double(bias)) {
      $0 + Double($1.element) * Double(best[$1.offset])
    }
    return Double(sign) * score
  }
}
