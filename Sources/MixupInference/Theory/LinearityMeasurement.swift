import Classification
import Statistics

/// How far a network is from linear between clean images, which is what equation (3) of Pang, Xu and
/// Zhu, ICLR 2020, takes it to be: ‖F(λx_i + (1−λ)x_j) − λF(x_i) − (1−λ)F(x_j)‖₁ with F the softmax
/// output; from 0 to 2.
public struct LinearityMeasurement: Sendable, Hashable, Codable {
  /// The mean distances at one λ.
  public struct Point: Sendable, Hashable, Codable {
    /// λ.
    public var lambda: MixingRatio
    /// Over pairs of different images of one class.
    public var withinClasses: BoundedMean
    /// Over pairs of images of different classes.
    public var betweenClasses: BoundedMean

    package init(lambda: MixingRatio, withinClasses: BoundedMean, betweenClasses: BoundedMean) {
      self.lambda = lambda
      self.withinClasses = withinClasses
      self.betweenClasses = betweenClasses
    }
  }

  /// By λ, in the order asked for.
  public let points: [Point]
  /// Pairs of each kind.
  public let pairCount: Int

  /// A measurement that was made elsewhere.
  package init(points: [Point], pairCount: Int) {
    self.points = points
    self.pairCount = pairCount
  }

  /// Measures on independent random pairs, the same ones at every λ; each mean comes with its 95%
  /// interval, by betting on the pairs in their order.
  ///
  /// Within classes the first image is uniform among those whose class has two, between them among
  /// all; the partner is uniform among those that fit.
  ///
  /// - Parameters:
  ///   - lambdas: the values of λ.
  ///   - pairCount: pairs of each kind; `pairCount` · (2 · lambdas + 4) forward passes.
  ///   - seed: names the pairs, with purpose `.measure`.
  /// - Throws: `TheoryError` if `pairCount` is below 1, or no two images are
  ///   of one class or of different ones; and what the classifier throws.
  public init(
    _ classifier: some Classifier, on images: LabelledImages, lambdas: [MixingRatio],
    pairCount: Int,
    seed: UInt64
  ) throws {
    guard pairCount >= 1 else { throw TheoryError.sampleCount(pairCount) }
    var byClass = [[Int]](repeating: [], count: images.classCount)
    for (position, label) in images.labels.enumerated() { byClass[label].append(position) }
    let paired = byClass.filter { $0.count > 1 }.flatMap(\.self)
    guard !paired.isEmpty, byClass.count(where: { !$0.isEmpty }) > 1 else {
      throw TheoryError.parameter(
        name: "number of images", value: Double(images.count),
        range: "enough for two of one class and two of different classes")
    }

    var stream = RandomStream(RandomKey(seed: seed, purpose: .measure))
    let within = (0..<pairCount).map { _ in
      let first = paired[stream.integer(below: paired.count)]
      let own = byClass[images.labels[first]]
      // Every place but the image's own.
      let skipped = own.firstIndex(of: first) ?? 0
      let place = stream.integer(below: own.count - 1)
      return (first, own[place < skipped ? place : place + 1])
    }
    let between = (0..<pairCount).map { _ in
      let first = stream.integer(below: images.count)
      let own = byClass[images.labels[first]]
      var place = stream.integer(below: images.count - own.count)
      // Positions of the own class are in order: each one at or before the place moves it on.
      for position in own where position <= place { place += 1 }
      return (first, place)
    }
    let pairs = within + between
    let draws = Draws(seed: seed, purpose: .measure, examples: pairs.map { images.indices[$0.0] })
    let distances = try Self.distances(
      classifier, first: images.pixels[pairs.map(\.0)], second: images.pixels[pairs.map(\.1)],
      lambdas: lambdas, draws: draws, naming: pairs.map { images.indices[$0.1] })
    points = zip(lambdas, distances).map { lambda, distances in
      Point(
        lambda: lambda, withinClasses: BoundedMean(Array(distances[..<pairCount]), in: 0...2),
        betweenClasses: BoundedMean(Array(distances[pairCount...]), in: 0...2))
    }
    self.pairCount = pairCount
  }

  /// The distance of every pair at every λ, [lambdas][pairs].
  ///
  /// - Parameters:
  ///   - draws: of the pairs; named by the first images.
  ///   - names: the indices of the second images, for errors; those of the draws if nil.
  package static func distances(
    _ classifier: some Classifier, first: Pixels, second: Pixels, lambdas: [MixingRatio],
    draws: Draws,
    naming names: [Int]? = nil
  ) throws -> [[Double]] {
    func probabilities(_ images: Pixels, naming names: [Int]? = nil) throws -> [Float] {
      softmax(
        rowsOf: try classifier.checkedLogits(of: images, draws: draws, naming: names)
      ).values
    }
    let (one, other) = (try probabilities(first), try probabilities(second, naming: names))
    let (a, b) = (first.tensor.values, second.tensor.values)
    let width = classifier.classCount
    return try lambdas.map { lambda in
      let values = zip(a, b).map { mix(lambda.value, $0, $1) }
      // In range because mixing never leaves [0, 1].
      let mixed = try probabilities(
        Pixels(unchecked: Tensor(values, shape: first.tensor.shape)))
      return (0..<first.count).map { pair in
        let distance = (pair * width..<(pair + 1) * width).reduce(0.0) { sum, place in
          let line =
            Double(lambda.value) * Double(one[place])
            + Double(1 - lambda.value) * Double(other[place])
          return sum + abs(Double(mixed[place]) - line)
        }
        // Probabilities add up to 1 but for rounding.
        return min(distance, 2)
      }
    }
  }
}
