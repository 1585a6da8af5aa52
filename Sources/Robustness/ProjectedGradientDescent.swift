import Datasets
import Foundation
import NeuralNetwork
import Statistics

/// Projected gradient descent in the ℓ∞ ball: x ← Π(x + α sign ∇ℓ(x)), from a random start.
///
/// Madry et al., ICLR 2018. Through a randomised defence every step draws anew, which makes it the
/// attack by expectation over transformations; on the bare network it is oblivious to the defence.
///
/// Of one restart the last iterate counts. Of several the one that the surrogate, run anew with
/// purpose `.select` on the same draws for all, misclassifies most often, then the one of the
/// largest mean loss; among equals the first. So r restarts are the first r of more.
///
/// The loss is ℓ_y(z) = log Σ_{k≠y} exp z_k − z_y, a strictly increasing function of the
/// cross-entropy, log(1 + exp ℓ_y): the same sign steps, but its gradient does not vanish in Float
/// where the model is certain.
public struct ProjectedGradientDescent: Attack, Hashable, Codable {
  /// Where the attack wants the prediction to go.
  public enum Objective: String, Sendable, Codable, CaseIterable {
    /// Away from the true label: maximise ℓ_y.
    case untargeted
    /// To a label drawn uniformly among the others, once an example: minimise ℓ_t.
    case targeted
  }

  /// T, the number of steps; 0 hands over the start.
  public var steps: Int
  /// α on the pixel scale; max(ε/4, 2.5 ε/T) if nil.
  ///
  /// That is the paper's 2/255 at ε = 8/255 for ten steps and more, and with fewer steps still
  /// enough to cross the ball.
  public var stepSize: Epsilon?
  /// Whether to start from a uniformly random place in the ball rather than its center.
  public var randomStart: Bool
  /// The number of independent searches.
  public var restarts: Int
  /// The number of predictions of the surrogate that choose among restarts.
  public var selections: Int
  /// Where the attack wants the prediction to go.
  public var objective: Objective

  /// The settings; checked by `search`.
  public init(
    steps: Int, stepSize: Epsilon? = nil, randomStart: Bool = true, restarts: Int = 1,
    selections: Int = 1, objective: Objective = .untargeted
  ) {
    self.steps = steps
    self.stepSize = stepSize
    self.randomStart = randomStart
    self.restarts = restarts
    self.selections = selections
    self.objective = objective
  }

  /// α for a radius.
  public func stepLength(within epsilon: Epsilon) -> Float {
    stepSize?.value ?? max(epsilon.value / 4, 2.5 * epsilon.value / Float(max(steps, 1)))
  }

  /// The best restart's last iterate for every example, inside ball and box.
  ///
  /// - Throws: `AttackError` if a setting is too small or the model's classes are not the data's,
  ///   and what the surrogate throws.
  public func search(
    _ examples: LabelledImages, within epsilon: Epsilon,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    try check(examples, surrogate)
    let ball = PerturbationBall(center: examples.pixels, radius: epsilon)
    let aims = aims(for: examples, seed: seed)
    let best = try descend(0, examples, ball, aims: aims, through: surrogate, seed: seed)
    guard restarts > 1 else { return best.tensor }

    var selection = Selection(
      of: examples, aims: aims, isTargeted: objective == .targeted, by: surrogate, seed: seed,
      repetitions: selections)
    try selection.offer(best)
    for restart in 1..<restarts {
      try selection.offer(
        descend(restart, examples, ball, aims: aims, through: surrogate, seed: seed))
    }
    return selection.best.tensor
  }

  private func check(
    _ examples: LabelledImages, _ surrogate: any DifferentiableClassifier
  ) throws(AttackError) {
    for (name, value, least) in [
      ("number of steps", steps, 0), ("number of restarts", restarts, 1),
      ("number of selections", selections, 1),
    ] where value < least {
      throw .setting(name: name, value: value, least: least)
    }
    guard surrogate.classCount == examples.classCount else {
      throw .classCount(model: surrogate.classCount, data: examples.classCount)
    }
    guard surrogate.classCount > 1 else { throw .tooFewClasses(surrogate.classCount) }
  }

  // MARK: Search

  /// The label that ℓ is about: the true one, or the target.
  package func aims(for examples: LabelledImages, seed: UInt64) -> [Int] {
    guard objective == .targeted else { return examples.labels }
    return zip(examples.labels, examples.indices).map { label, index in
      var stream = RandomStream(RandomKey(seed: seed, purpose: .attackTarget, example: index))
      let classCount = examples.classCount
      return (label + 1 + stream.integer(below: classCount - 1)) % classCount
    }
  }

  private func descend(
    _ restart: Int, _ examples: LabelledImages, _ ball: PerturbationBall, aims: [Int],
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Pixels {
    let length = stepLength(within: ball.radius)
    var iterate = ball.center
    if randomStart {
      iterate = try ball.projection(
        of: perturbed(ball, examples: examples.indices, restart: restart, seed: seed))
    }
    for step in 0..<steps {
      let draws = Draws(
        seed: seed, purpose: .attack, examples: examples.indices, restart: restart, step: step)
      let gradient = try surrogate.logitsAndGradient(of: iterate, draws: draws) { logits in
        ascent(from: logits, aims: aims)
      }.gradient
      iterate = try ball.projection(of: stepped(iterate.tensor, along: gradient, length: length))
    }
    return iterate
  }

  /// x + U(−ε, ε) for every value.
  private func perturbed(
    _ ball: PerturbationBall, examples: [Int], restart: Int, seed: UInt64
  ) -> Tensor {
    let radius = ball.radius.value
    let width = ball.center.imageShape.count
    var start = ball.center.tensor
    start.withUnsafeMutablePointer { values in
      for (row, example) in examples.enumerated() {
        var stream = RandomStream(
          RandomKey(seed: seed, purpose: .attackStart, example: example, restart: restart))
        for place in 0..<width {
          values[row * width + place] += radius * (2 * stream.uniform() - 1)
        }
      }
    }
    return start
  }

  /// x + α sign g, with sign 0 = 0, and no move along a NaN.
  private func stepped(
    _ iterate: Tensor, along gradient: Tensor, length: Float
  ) throws(TensorError) -> Tensor {
    guard gradient.shape == iterate.shape else {
      throw .shapeMismatch(expected: iterate.shape, found: gradient.shape)
    }
    var result = iterate
    let count = result.count
    result.withUnsafeMutablePointer { values in
      gradient.withUnsafePointer { gradient in
        for place in 0..<count {
          values[place] += gradient[place] > 0 ? length : gradient[place] < 0 ? -length : 0
        }
      }
    }
    return result
  }

  // MARK: Loss

  /// ∂ℓ_y/∂z = softmax over the other labels, −1 at y; its negative for a target.
  private func ascent(from logits: Tensor, aims: [Int]) -> Tensor {
    let width = logits.rowCount
    let sign: Float = objective == .untargeted ? 1 : -1
    var others = logits
    for (row, aim) in aims.enumerated() { others[row * width + aim] = -.infinity }
    var result = softmax(rowsOf: others)
    result.withUnsafeMutablePointer { values in
      for (row, aim) in aims.enumerated() {
        for k in 0..<width { values[row * width + k] *= sign }
        values[row * width + aim] = -sign
      }
    }
    return result
  }
}
