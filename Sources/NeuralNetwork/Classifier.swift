import Statistics

/// The random numbers that a classifier may use for a batch: one stream for every example, named
/// by the example's index in its data set. A classifier without randomness ignores it.
public struct Draws: Sendable {
  /// The seed of the whole experiment.
  public var seed: UInt64
  /// What the draws are for.
  public var purpose: Purpose
  /// The index of every image of the batch in its data set.
  public var examples: [Int]
  /// The restart of an attack.
  public var restart: Int
  /// The step of an attack, or the number of a repeated prediction.
  public var step: Int

  /// The streams of a batch of examples.
  public init(seed: UInt64, purpose: Purpose, examples: [Int], restart: Int = 0, step: Int = 0) {
    self.seed = seed
    self.purpose = purpose
    self.examples = examples
    self.restart = restart
    self.step = step
  }

  /// The key of one draw for the image at `position` in the batch.
  public func key(position: Int, draw: Int) -> RandomKey {
    RandomKey(
      seed: seed, purpose: purpose, example: examples[position], restart: restart, step: step,
      draw: draw)
  }
}

/// Maps images to logits. A defence around a classifier is one too.
///
/// Calls may come from many threads at once; a result depends on the image and its draws only,
/// not on the rest of the batch.
public protocol Classifier: Sendable {
  /// The shape of the images it takes.
  var imageShape: ImageShape { get }

  /// L, the number of classes.
  var classCount: Int { get }

  /// Passes through the underlying network for one decision.
  var forwardPassesPerDecision: Int { get }

  /// Whether the output depends on the draws, so that one prediction is a sample of several.
  var isRandomized: Bool { get }

  /// Logits [N, L], whose softmax is the predicted distribution over the classes.
  ///
  /// - Throws: `ClassifierError.imageShape` if the images have another shape.
  func logits(of images: Pixels, draws: Draws) throws -> Tensor
}

/// A classifier through which an attack can follow the gradient.
public protocol DifferentiableClassifier: Classifier {
  /// Logits [N, L] and the gradient [N, C, H, W] of Σ_n loss_n with respect to the pixels.
  ///
  /// - Parameter lossGradient: maps logits [N, L] to ∂loss/∂logits [N, L]; called once.
  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor)
}

extension Classifier {
  /// The most probable class of every image; the lowest index among equals.
  public func predictions(of images: Pixels, draws: Draws) throws -> [Int] {
    argmax(rowsOf: try logits(of: images, draws: draws))
  }
}

/// The position of the largest value of every row of [N, L]; the lowest among equals.
public func argmax(rowsOf logits: Tensor) -> [Int] {
  let width = logits.rowCount
  return logits.withUnsafePointer { values in
    (0..<logits.shape[0]).map { row in
      var best = 0
      for column in 1..<max(width, 1)
      where values[row * width + column] > values[row * width + best] {
        best = column
      }
      return best
    }
  }
}

/// What can be wrong with a batch given to a classifier.
public enum ClassifierError: Error, Equatable, CustomStringConvertible {
  case imageShape(expected: ImageShape, found: ImageShape)
  case notFinite(image: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .imageShape(let expected, let found):
      "the model takes images of shape \(expected), the data has \(found)"
    case .notFinite(let image):
      """
      the network's output for image \(image) of a batch is not a number; \
      its weights or its normalisation are too large
      """
    }
  }
}
