import Classification
import Statistics

/// Searches for images that are classified wrongly. It only searches: `Evaluation` projects what it found, has it
/// predicted again on draws of another purpose, and compares with the true labels.
public protocol Attack: Sendable {
  /// One candidate for every example, [N, C, H, W], which need not lie in the ball.
  ///
  /// A candidate depends on its example and the seed only, not on the other examples.
  ///
  /// - Parameters:
  ///   - examples: images with the labels to lead away from; their indices name the random numbers.
  ///   - budget: how far from every image it may go.
  ///   - surrogate: the model that is attacked: the bare network for an attacker who does not know
  ///     of the defence, the defence itself for one who does.
  ///   - seed: names the random numbers, of the purposes `.attack…` and `.select`.
  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor
}

/// Candidates as they are judged: inside ball and box, with the labels and indices of the originals.
///
/// - Throws: `AttackError.candidateShape` unless there is one candidate for every example.
func judgedImages(
  _ candidates: Tensor, of examples: LabelledImages, within budget: PerturbationBudget
) throws -> LabelledImages {
  let ball = PerturbationBall(center: examples.pixels, budget: budget)
  return try LabelledImages(
    pixels: ball.projection(of: candidates), labels: examples.labels,
    classCount: examples.classCount, indices: examples.indices)
}

extension Attack {
  /// - Throws: `AttackError` unless the model has as many classes as the data, and `leastClassCount` at
  ///   least; `ClassifierError.imageShape` unless it takes images of their shape.
  package func check(
    _ surrogate: any Classifier, on examples: LabelledImages, leastClassCount: Int = 2
  ) throws {
    guard surrogate.classCount == examples.classCount else {
      throw AttackError.classCount(model: surrogate.classCount, data: examples.classCount)
    }
    guard surrogate.classCount >= leastClassCount else {
      throw AttackError.tooFewClasses(surrogate.classCount, least: leastClassCount)
    }
    guard surrogate.imageShape == examples.pixels.imageShape else {
      throw ClassifierError.imageShape(
        expected: surrogate.imageShape, found: examples.pixels.imageShape)
    }
  }
}

/// What can be wrong with an attack or an evaluation.
public enum AttackError: ExplainedError, Equatable {
  case setting(name: String, value: Int, least: Int)
  case classCount(model: Int, data: Int)
  case tooFewClasses(Int, least: Int)
  case norm(attack: String, PerturbationBudget.Norm)
  case momentum(Float)
  case share(Double)
  case positive(name: String, Double)
  case confidence(Double)
  case candidateShape(expected: [Int], found: [Int])

  /// `.usage` for a setting, `.data` for a model, data and candidates that do not fit together.
  public var cause: ErrorCause {
    switch self {
    case .setting, .norm, .momentum, .share, .positive, .confidence: .usage
    case .classCount, .tooFewClasses, .candidateShape: .data
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .setting(let name, let value, let least):
      "the \(name) of the attack or evaluation is \(value); it must be \(least) at least"
    case .classCount(let model, let data):
      "the model has \(model) classes, the data \(data); evaluate a model on the data it knows"
    case .tooFewClasses(let count, let least):
      """
      the attack needs \(least) classes at least, the model has \(count); choose another loss or \
      attack
      """
    case .norm(let attack, let norm):
      "\(attack) does not search in a ball of norm \(norm.rawValue); choose another attack or norm"
    case .momentum(let value): "the momentum of the attack is \(value); it is from 0 to 1"
    case .share(let value):
      "the first square's share of the image is \(value); it is above 0 and at most 1"
    case .positive(let name, let value):
      "the \(name) of the attack is \(value); give a positive number"
    case .confidence(let value):
      "the confidence κ of the attack is \(value); give a finite number from 0"
    case .candidateShape(let expected, let found):
      "candidates of shape \(found) for images of shape \(expected); every image needs one"
    }
  }
}
