import Classification
import Statistics

/// A randomised classifier made deterministic: an image gets the same draws in every call. It is what an
/// attacker faces who knows the draws.
public struct FrozenRandomness: WrappingClassifier, DifferentiableClassifier {
  /// The randomised classifier.
  public let base: any DifferentiableClassifier
  /// Names its draws.
  public var seed: UInt64
  /// What its draws are for.
  public var purpose: Purpose

  /// A classifier whose draws are those of one seed.
  ///
  /// - Parameter purpose: `.measure` for draws that nobody else has; `.score` for those that score an image
  ///   first in an `Evaluation` of that seed, so that images nobody attacked get the same answers.
  public init(_ base: any DifferentiableClassifier, seed: UInt64, purpose: Purpose = .measure) {
    self.base = base
    self.seed = seed
    self.purpose = purpose
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
    Draws(seed: seed, purpose: purpose, examples: draws.examples)
  }
}
