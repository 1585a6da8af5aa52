import Classification
import Statistics

/// Uniform noise in the ball: of n random places, drawn independently of the model, the first that
/// misleads it, or if none does, that of the largest margin; through a randomised model the one that
/// further draws misclassify most often. What noise breaks needs no attack.
public struct UniformNoise: Attack, Hashable, Codable {
  /// n, at least 1.
  public var samples: Int
  /// The number of further predictions of a randomised surrogate that choose among promising places; at
  /// least 1.
  public var selections: Int

  /// The settings; checked by `search`.
  public init(samples: Int = 10_000, selections: Int = 10) {
    self.samples = samples
    self.selections = selections
  }

  /// The best place of every example, inside ball and box.
  ///
  /// - Throws: `AttackError` if there is no sample or the model's classes are not the data's, and what
  ///   the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [("number of samples", samples), ("number of selections", selections)]
    where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    try check(surrogate, on: examples)
    let count = examples.pixels.imageShape.count
    var best = QueriedImages(
      examples, budget, surrogate, seed: seed, selections: selections)
    for sample in 0..<samples where !best.survivors.isEmpty {
      try best.offer(step: sample) { values, clean, _, example in
        var stream = RandomStream(
          RandomKey(seed: seed, purpose: .attackStart, example: example, step: sample))
        values.update(from: clean, count: count)
        budget.perturb(values, count: count, with: &stream)
      }
    }
    return best.images.tensor
  }
}

extension UniformNoise: ChoosingSearch {
  package var followsGradient: Bool { false }
  package var settings: [Setting<UniformNoise>] {
    [.count("queries", \.samples, of: "queries", growsWithEffort: true)]
  }
}
