import Datasets
import NeuralNetwork

/// Searches for images that are classified wrongly. It only searches: what it found is projected,
/// predicted again with fresh randomness and judged by `judge`, never by the attack itself.
public protocol Attack: Sendable {
  /// One candidate for every example, [N, C, H, W], which need not lie in the ball.
  ///
  /// A candidate depends on its example and the seed only, not on the other examples.
  ///
  /// - Parameters:
  ///   - examples: images with the labels to lead away from; their indices name the random numbers.
  ///   - epsilon: the ℓ∞ radius allowed around every image.
  ///   - surrogate: the model that is attacked: the bare network for an attacker who does not know
  ///     of the defence, the defence itself for one who does.
  ///   - seed: names the random numbers, of the purposes `.attack…` and `.select`.
  func search(
    _ examples: LabelledImages, within epsilon: Epsilon,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor
}

/// The images of an attack as they are judged.
public struct Judgement: Sendable {
  /// The images, inside ball and box, with the true labels and the indices of the originals.
  public let images: LabelledImages
  /// The label that the classifier gives to every image.
  public let predictions: [Int]

  /// Whether each prediction is the true label; an attack succeeded where it is not.
  public var isCorrect: [Bool] { zip(predictions, images.labels).map(==) }
}

/// Projects candidates onto ball and box, predicts them with randomness of the purpose `.score`,
/// which no attack has seen, and so decides on which examples the attack succeeded.
///
/// The clean images of an evaluation are scored on the same draws, which makes the comparison a
/// paired one: an attack of radius 0 changes no prediction.
///
/// - Throws: `AttackError.candidateShape` unless there is one candidate for every example, and what
///   the classifier throws.
public func judge(
  _ candidates: Tensor, of examples: LabelledImages, within epsilon: Epsilon,
  by classifier: some Classifier, seed: UInt64
) throws -> Judgement {
  let ball = PerturbationBall(center: examples.pixels, radius: epsilon)
  let images = try LabelledImages(
    pixels: ball.projection(of: candidates), labels: examples.labels,
    classCount: examples.classCount, indices: examples.indices)
  let draws = Draws(seed: seed, purpose: .score, examples: images.indices)
  return Judgement(
    images: images, predictions: try classifier.predictions(of: images.pixels, draws: draws))
}

/// What can be wrong with an attack or an evaluation.
public enum AttackError: Error, Equatable, CustomStringConvertible {
  case setting(name: String, value: Int, least: Int)
  case classCount(model: Int, data: Int)
  case tooFewClasses(Int)
  case candidateShape(expected: [Int], found: [Int])

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .setting(let name, let value, let least):
      "the \(name) of the attack or evaluation is \(value); it must be \(least) at least"
    case .classCount(let model, let data):
      "the model has \(model) classes, the data \(data); evaluate a model on the data it knows"
    case .tooFewClasses(let count):
      "an attack needs two classes to tell apart at least; the model has \(count)"
    case .candidateShape(let expected, let found):
      "candidates of shape \(found) for images of shape \(expected); every image needs one"
    }
  }
}
