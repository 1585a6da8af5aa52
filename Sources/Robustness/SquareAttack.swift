import Classification
import Statistics

/// The Square attack: random search without gradients (Andriushchenko et al., ECCV 2020).
///
/// A query changes the perturbation in a random square, and the change is kept if the margin
/// max_{k≠y} z_k − z_y rises. The square's share of the image falls from p, halved at fixed shares of the
/// queries. An image that misleads the surrogate is left alone. A randomised surrogate answers every query on
/// fresh draws, and what looked better has to prove itself on further ones.
///
/// In ℓ∞ it starts from vertical stripes of ±ε, and a query sets each channel of the square to ε or −ε; where the
/// square would be higher than the image, or wider, it is a rectangle of the same share. In ℓ2 it starts from
/// reliefs (`SquareRelief`) side by side, and a query takes the perturbation of a second square away and spends
/// its length, and what is left of ε, on a relief in the first: see `EuclideanSquare`.
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
  /// - Throws: `AttackError` if a setting is out of range or the model's classes are not the data's, and what the
  ///   surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [("number of queries", queries), ("number of selections", selections)]
    where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    guard initialShare > 0, initialShare <= 1 else { throw AttackError.share(initialShare) }
    try check(surrogate, on: examples)

    var best = QueriedImages(
      examples, budget, surrogate, seed: seed, selections: selections)
    for query in 0..<queries {
      let propose = proposal(query, within: budget, of: surrogate.imageShape)
      try best.offer(step: query) { values, clean, current, example in
        var stream = RandomStream(
          RandomKey(seed: seed, purpose: .attackStart, example: example, step: query))
        propose(values, clean, current, &stream)
      }
      if best.survivors.isEmpty { break }
    }
    return best.images.tensor
  }

  /// Writes a candidate, given the clean image and the best one so far.
  private typealias Proposal = (
    _ candidate: UnsafeMutablePointer<Float>, _ clean: UnsafePointer<Float>,
    _ current: UnsafePointer<Float>, _ stream: inout RandomStream
  ) -> Void

  private func proposal(
    _ query: Int, within budget: PerturbationBudget, of shape: ImageShape
  ) -> Proposal {
    if budget.norm == .l2 {
      let square = EuclideanSquare(shape: shape, radius: budget.radius.doubleValue)
      guard query > 0 else { return square.start }
      let side = (share(query) * Double(shape.height * shape.width)).squareRoot()
      return { square.change($0, $1, $2, side: side, &$3) }
    }
    let radius = budget.radius.value
    guard query > 0 else {
      return { values, clean, _, stream in
        for channel in 0..<shape.channels {
          for column in 0..<shape.width {
            let change = stream.next() & 1 == 0 ? radius : -radius
            for row in 0..<shape.height {
              let place = (channel * shape.height + row) * shape.width + column
              values[place] = clean[place] + change
            }
          }
        }
      }
    }
    let window = window(query, of: shape)
    return { values, clean, current, stream in
      let top = stream.integer(below: shape.height - window.height + 1)
      let left = stream.integer(below: shape.width - window.width + 1)
      values.update(from: current, count: shape.count)
      for channel in 0..<shape.channels {
        let change = stream.next() & 1 == 0 ? radius : -radius
        for row in top..<top + window.height {
          let start = (channel * shape.height + row) * shape.width + left
          for place in start..<start + window.width { values[place] = clean[place] + change }
        }
      }
    }
  }

  /// The square's share of the image at a query: the authors' queries, of 10,000, at which it is halved, scaled to
  /// the number of queries here.
  private func share(_ query: Int) -> Double {
    [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]
      .filter { query * 10_000 > $0 * queries }
      .reduce(initialShare) { share, _ in share / 2 }
  }

  /// The height and width of the square of a query in ℓ∞.
  private func window(_ query: Int, of shape: ImageShape) -> (height: Int, width: Int) {
    let area = share(query) * Double(shape.height * shape.width)
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
  package var followsGradient: Bool { false }
  package var settings: [Setting<SquareAttack>] {
    [.count("queries", \.queries, of: "queries", growsWithEffort: true)]
  }
}
