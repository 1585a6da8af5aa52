import Classification
import Statistics

/// SPSA: projected gradient descent whose gradients are guessed from answers alone, by differences along random
/// directions (Uesato et al., "Adversarial Risk and the Dangers of Evaluating Against Weak Attacks", ICML 2018).
///
/// ĝ = 1/k Σ_j (ℓ(x + δ v_j) − ℓ(x − δ v_j))/(2δ) v_j with the margin ℓ and v_j uniform in {−1, 1}^D for
/// an image of D values; then a step along it as of PGD, where the authors take Adam's. A defence that
/// hides its gradients is no obstacle to it. Both answers of a difference are on the same draws of a
/// randomised model, and every difference on fresh ones.
///
/// The last iterate counts.
public struct SPSA: Attack, Hashable, Codable {
  /// Steps, at least 1.
  public var steps: Int
  /// k, differences of one step, at least 1.
  public var directions: Int
  /// δ, half the distance between the two questions of a difference, in every value, on the pixel scale.
  public var probe: Float

  /// The settings; checked by `search`.
  public init(steps: Int = 100, directions: Int = 64, probe: Float = 0.01) {
    self.steps = steps
    self.directions = directions
    self.probe = probe
  }

  /// The last iterate of every example, inside ball and box.
  ///
  /// - Throws: `AttackError` if a setting is out of range or the model's classes are not the data's, and what
  ///   the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [("number of steps", steps), ("number of directions", directions)]
    where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    guard probe > 0, probe.isFinite else {
      throw AttackError.positive(name: "probe δ", Double(probe))
    }
    try check(surrogate, on: examples)
    let ball = PerturbationBall(center: examples.pixels, budget: budget)
    let length = ProjectedGradientDescent(steps: steps).stepLength(within: budget.radius)
    let lengths = Array(repeating: length, count: examples.count)
    var images = examples.pixels
    for step in 0..<steps {
      let gradient = try gradient(at: images, examples, surrogate, seed: seed, step: step)
      images = try ball.projection(
        of: budget.step(from: images.tensor, along: gradient, lengths: lengths))
    }
    return images.tensor
  }

  /// 2δk ĝ of every image; steps need its direction only.
  private func gradient(
    at images: Pixels, _ examples: LabelledImages, _ surrogate: any DifferentiableClassifier,
    seed: UInt64, step: Int
  ) throws -> Tensor {
    let width = images.imageShape.count
    var sum = Tensor(shape: images.tensor.shape)
    for direction in 0..<directions {
      let number = step * directions + direction
      let draws = Draws(seed: seed, purpose: .attack, examples: examples.indices, step: number)
      let signs = examples.indices.flatMap { example in
        var stream = RandomStream(
          RandomKey(seed: seed, purpose: .attackStart, example: example, step: number))
        return (0..<width).map { _ -> Float in stream.next() & 1 == 0 ? 1 : -1 }
      }
      func losses(_ way: Float) throws -> [Double] {
        var asked = images.tensor
        asked.withUnsafeMutablePointer { values in
          for (place, sign) in signs.enumerated() { values[place] += way * probe * sign }
        }
        return AttackLoss.margin.values(
          of: try surrogate.checkedLogits(of: Pixels(beyondRange: asked), draws: draws),
          labels: examples.labels)
      }
      let differences = zip(try losses(1), try losses(-1)).map { Float($0 - $1) }
      sum.withUnsafeMutablePointer { values in
        for (place, sign) in signs.enumerated() {
          values[place] += differences[place / width] * sign
        }
      }
    }
    return sum
  }
}

extension SPSA: PlannedSearch {
  package var followsGradient: Bool { false }
  package var settings: [Setting<SPSA>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      .count("directions", \.directions, of: "directions"),
      Setting(
        "probe", \.probe,
        problem: { $0 > 0 && $0 <= 1 ? nil : "the probe is \($0); it is above 0 and at most 1" }),
    ]
  }
}
