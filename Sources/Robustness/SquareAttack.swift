import Classification
import Statistics

/// The Square attack in ℓ∞: random search without gradients (Andriushchenko et al., ECCV 2020).
///
/// Starts from vertical stripes of ±ε. Every query sets the perturbation in a random square, each channel
/// to ε or −ε, and keeps it if the margin max_{k≠y} z_k − z_y rises. The square's share of the image falls
/// from p, halved at fixed shares of the queries; where the square would be higher than the image, or
/// wider, it is a rectangle of the same share. An image that misleads the surrogate is left alone. A
/// randomised surrogate answers every query on fresh draws, and what looked better has to prove itself on
/// further ones.
public struct SquareAttack: Attack, Hashable, Codable {
  /// Queries of one image, the start included; at least 1.
  public var queries: Int
  /// p, the first square's share of the image; in (0, 1].
  public var initialShare: Double
  /// The number of further predictions of a randomised surrogate that choose among promising places; at
  /// least 1.
  public var selections: Int

  /// The settings; checked by `search`.
  public init(queries: Int = 5000, initialShare: Double = 0.8, selections: Int = 10) {
    self.queries = queries
    self.initialShare = initialShare
    self.selections = selections
  }

  /// The best image of every example, inside ball and box.
  ///
  /// - Throws: `AttackError` if a setting is out of range, the norm is not ℓ∞ or the model's classes are
  ///   not the data's, and what the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [("number of queries", queries), ("number of selections", selections)]
    where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    guard initialShare > 0, initialShare <= 1 else { throw AttackError.share(initialShare) }
    guard budget.norm == .linf else { throw AttackError.norm(attack: "Square", budget.norm) }
    try check(surrogate, on: examples)

    var best = QueriedImages(
      examples, budget, surrogate, seed: seed, selections: selections)
    try best.offer(step: 0) { values, clean, _, example in
      var stream = RandomStream(RandomKey(seed: seed, purpose: .attackStart, example: example))
      let shape = surrogate.imageShape
      for channel in 0..<shape.channels {
        for column in 0..<shape.width {
          let change = stream.next() & 1 == 0 ? budget.radius.value : -budget.radius.value
          for row in 0..<shape.height {
            let place = (channel * shape.height + row) * shape.width + column
            values[place] = clean[place] + change
          }
        }
      }
    }
    for query in 1..<queries {
      let window = window(query, of: surrogate.imageShape)
      try best.offer(step: query) { values, clean, current, example in
        var stream = RandomStream(
          RandomKey(seed: seed, purpose: .attackStart, example: example, step: query))
        let shape = surrogate.imageShape
        let top = stream.integer(below: shape.height - window.height + 1)
        let left = stream.integer(below: shape.width - window.width + 1)
        values.update(from: current, count: shape.count)
        for channel in 0..<shape.channels {
          let change = stream.next() & 1 == 0 ? budget.radius.value : -budget.radius.value
          for row in top..<top + window.height {
            let start = (channel * shape.height + row) * shape.width + left
            for place in start..<start + window.width { values[place] = clean[place] + change }
          }
        }
      }
      if best.survivors.isEmpty { break }
    }
    return best.images.tensor
  }

  /// The height and width of the square of a query.
  private func window(_ query: Int, of shape: ImageShape) -> (height: Int, width: Int) {
    // The authors' queries, of 10,000, at which the share is halved, scaled to the number of queries
    // here.
    let share = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]
      .filter { query * 10_000 > $0 * queries }
      .reduce(initialShare) { share, _ in share / 2 }
    let area = share * Double(shape.height * shape.width)
    func extent(_ length: Double, _ limit: Int) -> Int { min(max(Int(length.rounded()), 1), limit) }
    let side = area.squareRoot()
    let (height, width) = (extent(side, shape.height), extent(side, shape.width))
    // Where one side is cut off at the image, the other is longer, for the same area.
    if Int(side.rounded()) > shape.height {
      return (height, extent(area / Double(height), shape.width))
    }
    if Int(side.rounded()) > shape.width {
      return (extent(area / Double(width), shape.height), width)
    }
    return (height, width)
  }
}

extension SquareAttack: ChoosingSearch {
  package static var norms: [PerturbationBudget.Norm] { [.linf] }
  package var followsGradient: Bool { false }
  package var settings: [Setting<SquareAttack>] {
    [.count("queries", \.queries, of: "queries", growsWithEffort: true)]
  }
}
