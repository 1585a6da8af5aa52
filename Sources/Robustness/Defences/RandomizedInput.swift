import Classification
import Statistics

/// The mean prediction over random changes of the input, F(x) = 1/N Σ_k F(T_k(x)), a classifier
/// around a classifier.
///
/// T_k is the transformations in their order, drawn anew for every input, call and k. The logits
/// are the log of the mean, from the log-probabilities of the draws. A draw depends on its key
/// alone (seed, purpose, example, restart, step, k), so a result depends on neither batch nor
/// thread.
///
/// A randomised base gets other random numbers in every execution: it sees the example under an index
/// that is drawn for example and k.
public struct RandomizedInput<Base: Classifier>: WrappingClassifier {
  /// F.
  public let base: Base
  /// The parts of T_k, in order.
  public let transformations: [InputTransformation]
  /// N, the number of executions that are averaged.
  public let sampleCount: Int
  /// The largest batch given to the base, but for gradients of many inputs.
  package var imagesInFlight = 128

  /// A defence around `base`.
  ///
  /// - Throws: `RandomizedInputError` unless N is from 1 to 100,000 and every transformation fits
  ///   the base's images.
  public init(
    _ base: Base, transformations: [InputTransformation], sampleCount: Int
  ) throws(RandomizedInputError) {
    guard 1...100_000 ~= sampleCount else { throw .sampleCount(sampleCount) }
    for transformation in transformations { try transformation.check(for: base.imageShape) }
    self.base = base
    self.transformations = transformations
    self.sampleCount = sampleCount
  }

  /// The base.
  public var wrapped: any Classifier { base }

  /// N times the base's.
  public var forwardPassesPerDecision: Int { sampleCount * base.forwardPassesPerDecision }

  /// True if the base or a transformation is random.
  public var isRandomized: Bool { base.isRandomized || transformations.contains(where: \.isRandom) }

  /// log F, [N, L].
  ///
  /// - Throws: `ClassifierError` unless the images have the base's shape and there is one example for each,
  ///   and what the base throws.
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images, draws)
    return try base.logAverages(of: executions(of: images, draws: draws))
  }

  /// T_k(x) for all k of all inputs.
  private func executions(of images: Pixels, draws: Draws) -> Executions {
    Executions(
      sizes: Array(repeating: sampleCount, count: images.count), imagesInFlight: imagesInFlight
    ) { transformed(images, rows: $0, draws: draws) }
  }

  /// The rows of T_k(x), those of one input after those of the one before.
  private func transformed(
    _ images: Pixels, rows: Range<Int>, draws: Draws
  ) -> Executions.Batch {
    let width = imageShape.count
    var examples: [Int] = []
    var drawn: [[DrawnTransformation]] = []
    for row in rows {
      let position = row / sampleCount
      var stream = RandomStream(draws.key(position: position, draw: row % sampleCount))
      drawn.append(transformations.map { $0.draw(for: imageShape, from: &stream) })
      examples.append(
        base.isRandomized ? Int(truncatingIfNeeded: stream.next()) : draws.examples[position])
    }
    var result = Tensor(
      uninitialized: [rows.count, imageShape.channels, imageShape.height, imageShape.width])
    result.withUnsafeMutablePointer { result in
      images.tensor.withUnsafePointer { inputs in
        for (place, parts) in drawn.enumerated() {
          let input = inputs + (rows.lowerBound + place) / sampleCount * width
          chain(parts, from: input, to: result + place * width) {
            $0.apply($1, to: $2, count: width)
          }
        }
      }
    }
    var baseDraws = draws
    baseDraws.examples = examples
    return Executions.Batch(
      images: Pixels(beyondRange: result), draws: baseDraws,
      inputs: rows.map { draws.examples[$0 / sampleCount] }
    ) { row, gradient, result in
      chain(drawn[row].reversed(), from: gradient, to: result) {
        $0.pullback($1, to: $2, count: width)
      }
    }
  }

  /// Applies `step` for one part after the other to an image, through memory of its own.
  private func chain(
    _ parts: some Sequence<DrawnTransformation>, from input: UnsafePointer<Float>,
    to result: UnsafeMutablePointer<Float>,
    _ step: (DrawnTransformation, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let width = imageShape.count
    result.update(from: input, count: width)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { scratch in
      guard let before = scratch.baseAddress else { return }
      for part in parts {
        before.update(from: result, count: width)
        step(part, before, result)
      }
    }
  }
}

extension RandomizedInput: DifferentiableClassifier where Base: DifferentiableClassifier {
  /// log F [N, L] and the gradient Σ_k T_kᵀ ∂loss/∂T_k(x) [N, C, H, W], T_kᵀ the adjoint of T_k's
  /// linear part.
  ///
  /// All N executions of all images are given to the base at once, since the loss needs all logits, unless
  /// N is more than may be in flight: keep the batch small.
  ///
  /// - Throws: `TensorError.shapeMismatch` if `lossGradient` returns another shape than it got, and
  ///   as `logits(of:draws:)`.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try check(images, draws)
    let (averages, gradient) = try base.logAveragesAndGradient(
      of: executions(of: images, draws: draws), lossGradient: lossGradient)
    return (averages, gradient)
  }
}

/// What can be wrong with a randomised input.
public enum RandomizedInputError: ExplainedError, Equatable {
  case sampleCount(Int)
  case standardDeviation(Float)
  case radius(Float)
  case share(Float)
  case degrees(Float)
  case sides(ClosedRange<Int>, largest: Int)
  case bits(Int)

  /// `.usage`: what was asked for is wrong.
  public var cause: ErrorCause { .usage }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .sampleCount(let count):
      "the number of executions N is \(count); it must be from 1 to 100,000"
    case .standardDeviation(let deviation):
      "the noise's standard deviation σ is \(deviation); it must be finite and not negative"
    case .radius(let radius):
      "the uniform noise's radius is \(radius); it must be finite and not negative"
    case .share(let share): "the share of black pixels is \(share); it must be from 0 to 1"
    case .degrees(let degrees):
      "the largest rotation is \(degrees) degrees; it must be from 0 to 180"
    case .sides(let sides, let largest):
      """
      sides from \(sides.lowerBound) to \(sides.upperBound) pixels do not fit the image; \
      they must be from 1 to \(largest)
      """
    case .bits(let bits):
      "a depth of \(bits) bits is not possible; it must be from 1 to 8"
    }
  }
}
