import Classification

/// A randomised classifier with the mean of the losses of k draws in place of the loss of one, so that
/// gradients are means over k draws. Around a model it turns every attack into one by expectation over
/// transformations (Athalye et al., ICML 2018).
///
/// The logits are the log of the mean probability over the k draws. The loss is taken of every draw
/// alone: around mixup inference with N = 1 mixture this gives the mean of the losses of k mixtures,
/// where mixup inference with N = k gives the loss of the mean of k mixtures.
public struct ExpectationOverTransformation: WrappingClassifier, DifferentiableClassifier {
  /// The classifier.
  public let base: any DifferentiableClassifier
  /// k.
  public let drawCount: Int

  /// The mean over k draws.
  ///
  /// - Throws: `AttackError.setting` if k is below 1.
  public init(_ base: any DifferentiableClassifier, drawCount: Int) throws(AttackError) {
    guard drawCount >= 1 else {
      throw .setting(name: "number of draws for a gradient", value: drawCount, least: 1)
    }
    self.base = base
    self.drawCount = drawCount
  }

  /// The base.
  public var wrapped: any Classifier { base }

  /// k times the base's.
  public var forwardPassesPerDecision: Int { drawCount * base.forwardPassesPerDecision }

  /// log(1/k Σ_d softmax z_d), [N, L], z_d being the base's logits on draw d; for k = 1 the base's logits
  /// as they are.
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    var question = RepeatedQuestion(base, about: images)
    return try logMean(
      (0..<drawCount).map { try question.logits(draws: self.draws($0, of: draws)) })
  }

  /// The logits, and 1/k Σ_d ∂loss(z_d)/∂x; the loss's gradient is asked for k times.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    var logits: [Tensor] = []
    var mean = Tensor(shape: images.tensor.shape)
    let share = 1 / Float(drawCount)
    var question = RepeatedQuestion(base, about: images)
    for draw in 0..<drawCount {
      let (own, gradient) = try question.logitsAndGradient(
        through: base, draws: self.draws(draw, of: draws), lossGradient: lossGradient)
      logits.append(own)
      let count = mean.count
      mean.withUnsafeMutablePointer { mean in
        gradient.withUnsafePointer { gradient in
          for place in 0..<count { mean[place] += share * gradient[place] }
        }
      }
    }
    return (try logMean(logits), mean)
  }

  /// The random streams of the d-th draw: step s becomes step sk + d, so no two steps share a stream.
  private func draws(_ draw: Int, of draws: Draws) -> Draws {
    var own = draws
    own.step = draws.step &* drawCount &+ draw
    return own
  }

  private func logMean(_ logits: [Tensor]) throws -> Tensor {
    guard drawCount > 1 else { return logits[0] }
    let count = logits[0].shape[0]
    // One image after the other, as `logMeans` takes them.
    let order = (0..<count).flatMap { n in (0..<drawCount).map { $0 * count + n } }
    let all = try Tensor.concatenated(logits.map { logSoftmax(rowsOf: $0) })
    return logMeans(of: all.rows(order), sizes: Array(repeating: drawCount, count: count))
  }
}
