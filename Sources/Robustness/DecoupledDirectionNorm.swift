import Classification
import Foundation

/// DDN, decoupled direction and norm: the nearest image in ℓ2 that is misclassified (Rony et al., CVPR 2019).
///
/// Follows the gradient of the cross-entropy, and puts δ on the surface of a ball whose radius ε, 1 at first, is
/// multiplied by 1 − γ where the image is misclassified and by 1 + γ where it is not, γ = 0.05. α falls from 1 to
/// 1/100 as a cosine over the steps. Images are not rounded to 256 levels on the way, as the authors' may be.
///
/// It does not know the ball of a budget: what it found farther away is brought back by the judge. How it
/// searches through a randomised surrogate stands with `DecoupledDescent`.
public struct DecoupledDirectionNorm: Attack, Hashable, Codable {
  /// The number of steps, each a gradient of every image.
  public var steps: Int
  /// The number of predictions of a randomised surrogate that decide about a place.
  public var selections: Int

  /// The settings; checked by `search`.
  public init(steps: Int = 200, selections: Int = 10) {
    self.steps = steps
    self.selections = selections
  }

  /// The nearest misclassified image of every example; the clean image where there was none.
  ///
  /// - Throws: `AttackError` if a setting is too small, the norm is not ℓ2 or the model's classes are not the
  ///   data's, and what the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    try search(examples, within: budget, through: surrogate, seed: seed) { _, _ in }
  }

  /// The same.
  ///
  /// - Parameter visited: called with the images of every step and the positions that they are for.
  package func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64,
    visited: (Pixels, [Int]) -> Void
  ) throws -> Tensor {
    try check(steps: steps, selections: selections)
    guard budget.norm == .l2 else { throw AttackError.norm(attack: "DDN", budget.norm) }
    try check(surrogate, on: examples)
    return try DecoupledDescent(
      examples: examples, norm: .l2, surrogate: surrogate, seed: seed, steps: steps,
      selections: selections, loss: .crossEntropy, radius: 1, isOnSurface: true
    ).search(
      stepSize: { 0.01 + 0.99 * (1 + cos(.pi * Double($0) / Double(steps))) / 2 },
      radius: { $0.radius * ($0.isMisled ? 0.95 : 1.05) }, visited: visited)
  }
}

extension DecoupledDirectionNorm: ChoosingSearch {
  package static var norms: [PerturbationBudget.Norm] { [.l2] }
  package var findsNearest: Bool { true }
  package var settings: [Setting<DecoupledDirectionNorm>] {
    [.count("steps", \.steps, of: "steps", growsWithEffort: true)]
  }
}
