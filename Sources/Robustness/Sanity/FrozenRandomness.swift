import Classification

/// A randomised classifier made deterministic: an image gets the same draws in every call. It is what an
/// attacker faces who knows the draws.
public struct FrozenRandomness: WrappingClassifier, DifferentiableClassifier {
  /// The randomised classifier.
  public let base: any DifferentiableClassifier
  /// Names its draws.
  public var seed: UInt64

  /// A classifier whose draws are those of one seed.
  public init(_ base: any DifferentiableClassifier, seed: UInt64) {
    self.base = base
    self.seed = seed
  }

  /// The base.
  public var wrapped: any Classifier { base }

  /// False: the draws are always the same.
  public var isRandomized: Bool { false }

  /// The base's logits on the frozen draws.
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try base.logits(of: images, draws: frozen(draws))
  }

  /// The base's logits and gradient on the frozen draws.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    try base.logitsAndGradient(of: images, draws: frozen(draws), lossGradient: lossGradient)
  }

  private func frozen(_ draws: Draws) -> Draws {
    Draws(seed: seed, purpose: .measure, examples: draws.examples)
  }
}
