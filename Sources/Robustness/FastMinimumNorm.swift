import Classification
import Foundation

/// FMN, the fast minimum-norm attack: the nearest image that is misclassified (Pintor, Roli, Brendel and Biggio,
/// NeurIPS 2021).
///
/// Follows the gradient of the margin ℓ = max_{k≠y} z_k − z_y. Until an image is misclassified, its ball reaches
/// to where the boundary is to first order, ‖δ‖ + |ℓ|/‖∇ℓ‖ in the dual norm; from then on its radius ε is
/// multiplied by 1 + γ as long as the image is classified rightly, and is the smaller of (1 − γ) ε and the
/// shortest length known where it is not. α falls from 1 to 1/100, γ from 0.05 to 0.001, each as a cosine over
/// the steps.
///
/// As published it may stop before the boundary for good, in two ways that are mended here. Where the box cuts δ off
/// so much that ‖δ‖ + |ℓ|/‖∇ℓ‖ is no more than the radius was, the ball never grows: there the radius takes the place
/// of ‖δ‖. Where the boundary is so near that pixels may not tell it apart, less than a ten-thousandth of the way, no
/// step leads across: there the ball grows by 1 + γ. So it does at least through a randomised surrogate, where lucky
/// draws put the boundary too near, until an image is misclassified for certain.
///
/// It does not know the ball of a budget: what it found farther away is brought back by the judge. How it
/// searches through a randomised surrogate stands with `DecoupledDescent`.
public struct FastMinimumNorm: Attack, Hashable, Codable {
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
  /// - Throws: `AttackError` if a setting is too small or the model's classes are not the data's, and what the
  ///   surrogate throws.
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
    try check(surrogate, on: examples)
    func annealed(_ step: Int, from first: Double, to last: Double) -> Double {
      last + (first - last) * (1 + cos(.pi * Double(step) / Double(steps))) / 2
    }
    return try DecoupledDescent(
      examples: examples, norm: budget.norm, surrogate: surrogate, seed: seed, steps: steps,
      selections: selections, loss: .margin, radius: .infinity
    ).search(
      stepSize: { annealed($0, from: 1, to: 0.01) },
      radius: { sight in
        let gamma = annealed(sight.step, from: 0.05, to: 0.001)
        if sight.isMisled { return min(sight.radius * (1 - gamma), sight.nearest) }
        if sight.wasMisled { return sight.radius * (1 + gamma) }
        let reached = sight.isCut ? sight.radius : sight.distance
        // A label that wins a tie is no error yet, 0 away from the boundary.
        let left = max(abs(sight.margin) / max(sight.slope, 1e-12), 1e-6)
        let grown = sight.radius.isFinite ? sight.radius * (1 + gamma) : 0
        if left < 1e-4 * reached { return grown }
        return surrogate.isRandomized ? max(reached + left, grown) : reached + left
      }, visited: visited)
  }
}

extension FastMinimumNorm: ChoosingSearch {
  package var findsNearest: Bool { true }
  package var settings: [Setting<FastMinimumNorm>] {
    [.count("steps", \.steps, of: "steps", growsWithEffort: true)]
  }
}
