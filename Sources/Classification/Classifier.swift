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

  /// Forward passes through the underlying network for a decision on one image.
  var forwardPassesPerDecision: Int { get }

  /// Whether the output depends on the draws, so that one prediction is a sample of several.
  var isRandomized: Bool { get }

  /// Logits [N, L], whose softmax is the predicted distribution over the classes; −∞ for a class of
  /// probability 0. Models implement this; whoever asks a model calls `checkedLogits` or `predictions`.
  ///
  /// - Throws: `ClassifierError.imageShape` if the images have another shape.
  func logits(of images: Pixels, draws: Draws) throws -> Tensor
}

/// A classifier through which an attack can follow the gradient.
public protocol DifferentiableClassifier: Classifier {
  /// Logits [N, L] and the gradient [N, C, H, W] of Σ_n loss_n with respect to the pixels. Models
  /// implement this; whoever follows a model calls `checkedLogitsAndGradient`.
  ///
  /// - Parameter lossGradient: maps logits [N, L] to ∂loss/∂logits [N, L]; called once, or once for every
  ///   draw by a model that averages losses over draws.
  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor)
}

extension Classifier {
  /// `logits(of:draws:)`, checked: what everybody who asks a model calls. A model may be anybody's, and
  /// without the check an output that is no number would count as class 0.
  ///
  /// - Parameter examples: the indices by which errors name the images; those of the draws if nil.
  /// - Throws: `ClassifierError` unless the images have the model's shape and every image gets L logits,
  ///   each of them a number or −∞ (a class of probability 0) and at least one finite; and what the model
  ///   throws.
  public func checkedLogits(
    of images: Pixels, draws: Draws, naming examples: [Int]? = nil
  ) throws -> Tensor {
    try check(images)
    let logits = try logits(of: images, draws: draws)
    try check(logits, of: images, named: examples ?? draws.examples)
    return logits
  }

  /// The most probable class of every image; the lowest index among equals.
  ///
  /// - Throws: as `checkedLogits`.
  public func predictions(of images: Pixels, draws: Draws) throws -> [Int] {
    try argmax(rowsOf: checkedLogits(of: images, draws: draws))
  }

  /// - Throws: `ClassifierError` unless the images have the model's shape.
  package func check(_ images: Pixels) throws(ClassifierError) {
    guard images.imageShape == imageShape else {
      throw .imageShape(expected: imageShape, found: images.imageShape)
    }
  }

  /// The check with which a randomised model begins.
  ///
  /// - Throws: `ClassifierError` unless the images have the model's shape and a random stream each.
  package func check(_ images: Pixels, _ draws: Draws) throws(ClassifierError) {
    try check(images)
    guard draws.examples.count == images.count else {
      throw .draws(examples: draws.examples.count, images: images.count)
    }
  }

  /// - Throws: `ClassifierError` unless the logits are what `checkedLogits` promises.
  package func check(
    _ logits: Tensor, of images: Pixels, named examples: [Int]
  ) throws(ClassifierError) {
    guard logits.shape == [images.count, classCount] else {
      throw .outputShape(expected: [images.count, classCount], found: logits.shape)
    }
    if let row = firstUndefinedRow(of: logits) {
      throw .notFinite(image: examples.indices.contains(row) ? examples[row] : row)
    }
  }
}

extension DifferentiableClassifier {
  /// `logitsAndGradient`, checked: what everybody who follows a model calls. `PassMeter` notes for which
  /// images the gradient is zero.
  ///
  /// - Parameters:
  ///   - examples: the indices by which errors name the images; those of the draws if nil.
  ///   - lossGradient: maps logits, already checked, to ∂loss/∂logits, both [N, L].
  /// - Throws: `ClassifierError` as `checkedLogits`, and unless the model asks for the loss's gradient
  ///   and returns a finite one of the images' shape; and what the model throws.
  public func checkedLogitsAndGradient(
    of images: Pixels, draws: Draws, naming examples: [Int]? = nil,
    lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try check(images)
    let examples = examples ?? draws.examples
    var isAsked = images.count == 0
    let (logits, gradient) = try PassMeter.insideGradient {
      try logitsAndGradient(of: images, draws: draws) { logits in
        try check(logits, of: images, named: examples)
        isAsked = true
        return try lossGradient(logits)
      }
    }
    try check(logits, of: images, named: examples)
    guard isAsked else { throw ClassifierError.lossNotAsked }
    guard gradient.shape == images.tensor.shape else {
      throw ClassifierError.gradientShape(expected: images.tensor.shape, found: gradient.shape)
    }
    let width = gradient.rowCount
    var isZero = Array(repeating: true, count: images.count)
    try gradient.withUnsafePointer { values in
      for row in isZero.indices {
        for place in row * width..<(row + 1) * width {
          guard values[place].isFinite else {
            throw ClassifierError.gradientNotFinite(
              image: examples.indices.contains(row) ? examples[row] : row)
          }
          if values[place] != 0 { isZero[row] = false }
        }
      }
    }
    PassMeter.note(zip(examples, isZero))
    return (logits, gradient)
  }
}

/// ∂loss/∂logits, [N, L], with its shape checked: how a model's `logitsAndGradient` calls `lossGradient`.
///
/// - Throws: `TensorError.shapeMismatch` unless it has the logits' shape; what `lossGradient` throws.
package func cotangent(
  of logits: Tensor, by lossGradient: (Tensor) throws -> Tensor
) throws -> Tensor {
  let cotangent = try lossGradient(logits)
  guard cotangent.shape == logits.shape else {
    throw TensorError.shapeMismatch(expected: logits.shape, found: cotangent.shape)
  }
  return cotangent
}

/// The position of the largest value of every row of [N, L]; the lowest among equals.
///
/// - Throws: `ClassifierError.notFinite` with the first row that has no largest value: it holds what is no
///   number or +∞, or nothing but −∞.
public func argmax(rowsOf logits: Tensor) throws(ClassifierError) -> [Int] {
  if let row = firstUndefinedRow(of: logits) { throw .notFinite(image: row) }
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

/// The first row of [N, L] of which softmax is no distribution.
private func firstUndefinedRow(of logits: Tensor) -> Int? {
  let width = logits.rowCount
  return logits.withUnsafePointer { values in
    (0..<logits.shape[0]).first { row in
      let row = UnsafeBufferPointer(start: values + row * width, count: width)
      return !row.allSatisfy { $0 < .infinity } || !row.contains { $0 > -.infinity }
    }
  }
}

/// What can be wrong with a batch given to a classifier, or with what it answers.
public enum ClassifierError: ExplainedError, Equatable {
  case imageShape(expected: ImageShape, found: ImageShape)
  case notFinite(image: Int)
  case gradientNotFinite(image: Int)
  case outputShape(expected: [Int], found: [Int])
  case gradientShape(expected: [Int], found: [Int])
  case lossNotAsked
  case noGradient
  /// What a model answered that is computed elsewhere; the whole of what is wrong.
  case unusable(String)
  case draws(examples: Int, images: Int)
  /// A detector that does not tell of every image once.
  case detectorCount(found: Int, images: Int)
  /// What a detector tells of an image is no number, or it does not tell the statistic of every image.
  case statistic(String, image: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .imageShape(let expected, let found):
      "the model takes images of shape \(expected), not \(found); give it images of its own shape"
    case .notFinite(let image):
      """
      the model's output for image \(image) is not a number or infinite; look for weights or a \
      normalisation that are too large, and for 0/0 in a model of your own
      """
    case .gradientNotFinite(let image):
      """
      the model's gradient at image \(image) is not a number or infinite, so no attack can follow it; \
      keep away from the logarithm, root and inverse of 0 in its backward pass
      """
    case .outputShape(let expected, let found):
      """
      the model's output has shape \(found), not \(expected): return one row for every image, with one \
      logit for every class
      """
    case .gradientShape(let expected, let found):
      "the model's gradient has shape \(found); return one of the images' shape, \(expected)"
    case .lossNotAsked:
      """
      the model's logitsAndGradient never called lossGradient, so its gradient is that of no loss; \
      call lossGradient once
      """
    case .noGradient:
      "the model gives no gradient, so no attack can follow it; use one that needs predictions only"
    case .unusable(let problem): problem
    case .draws(let examples, let images):
      "the draws name \(examples) examples for \(images) images; every image needs one"
    case .detectorCount(let found, let images):
      "the detector has told of \(found) images where it was given \(images); return one entry for each"
    case .statistic(let name, let image):
      """
      the detector has no number for the statistic \(name) of image \(image); return the same statistics of \
      every image, and none that is not a number
      """
    }
  }
}
