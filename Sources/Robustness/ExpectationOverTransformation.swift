import Classification

/// A randomised classifier with the mean of k losses in place of one: gradients are means over k draws
/// (Athalye et al., ICML 2018). Around any classifier it makes any attack one by expectation over
/// transformations.
///
/// The logits are the log of the mean probability over the k draws. A loss is taken of every draw on its
/// own: around mixup inference with N = 1 this is the mean of the losses of k mixtures, where N = k has the
/// loss of their mean.
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

  /// log 1/k Σ_d softmax z_d, [N, L].
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try logMean(
      (0..<drawCount).map { try base.checkedLogits(of: images, draws: self.draws($0, of: draws)) })
  }

  /// The logits, and 1/k Σ_d ∂loss(z_d)/∂x; the loss's gradient is asked for k times.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    var logits: [Tensor] = []
    var mean = Tensor(shape: images.tensor.shape)
    let share = 1 / Float(drawCount)
    for draw in 0..<drawCount {
      let (own, gradient) = try base.checkedLogitsAndGradient(
        of: images, draws: self.draws(draw, of: draws), lossGradient: lossGradient)
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

  /// The streams of the k-th draw: steps are interleaved, so that those of one step never meet another's.
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
