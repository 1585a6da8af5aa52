import Classification
import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

@Suite("The pool of clean images")
struct SamplePoolTests {
  /// Classes of 1, 2, 3 and 34 images.
  static func unbalanced() throws -> SamplePool {
    let labels = [0, 1, 1, 2, 2, 2] + Array(repeating: 3, count: 34)
    let pixels = try images(labels.indices.map { [Float($0) / 64] })
    return try SamplePool(
      LabelledImages(
        pixels: pixels, labels: labels, classCount: 4, indices: labels.indices.map { 100 + $0 }))
  }

  private func key(_ draw: Int) -> RandomKey { RandomKey(seed: 2, purpose: .test, draw: draw) }

  @Test("an image drawn has the label drawn")
  func imagesHaveTheirLabel() throws {
    let pool = try Self.unbalanced()
    for draw in 0..<500 {
      for kind in PartnerLabel.allCases {
        let partner = pool.draw(kind, predicted: draw % 4, key: key(draw))
        #expect(pool.images.labels[partner.position] == partner.label)
        #expect((partner.label == draw % 4) == (kind == .predicted))
      }
    }
  }

  @Test("other labels are uniform, and images uniform within them, whatever the imbalance")
  func drawsAreUniform() throws {
    let pool = try Self.unbalanced()
    let count = 30_000
    for predicted in 0..<4 {
      var tally = [Int](repeating: 0, count: pool.images.count)
      for draw in 0..<count {
        tally[pool.draw(.other, predicted: predicted, key: key(draw)).position] += 1
      }
      for (position, hits) in tally.enumerated() {
        let label = pool.images.labels[position]
        let size = pool.images.labels.count { $0 == label }
        let expected = label == predicted ? 0 : 1 / Double(3 * size)
        // 40 cells × 4 labels: a false alarm in 10⁷.
        #expect(abs(Double(hits) / Double(count) - expected) <= bound(count: count))
      }
    }
  }

  @Test("with two classes the other label leaves no choice")
  func twoClassesLeaveNoChoice() throws {
    let pool = try SamplePool(
      LabelledImages(pixels: images([[0], [1]]), labels: [0, 1], classCount: 2))
    for draw in 0..<100 {
      #expect(pool.draw(.other, predicted: draw % 2, key: key(draw)).label == 1 - draw % 2)
    }
  }

  @Test("P20, P21: labels come in rounds and images once, as often as the pool allows")
  func dependentDraws() async {
    await check(
      "dependent draws", .array(of: .integer(in: 1...5), count: 2...6),
      .anyCase, .anyCase, .integer(in: 0...5), .unitInterval, Generator<UInt64>.integer(),
      cases: 400
    ) {
      (
        sizes: [Int], sampling: PartnerSampling, kind: PartnerLabel, predicted: Int, share: Double,
        seed: UInt64
      ) in
      let (L, predicted) = (sizes.count, predicted % sizes.count)
      let labels = sizes.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
      let pool = try SamplePool(
        LabelledImages(
          pixels: images(labels.map { [Float($0) / 8] }), labels: labels, classCount: L))
      // The most that the smallest class allows without replacement.
      let most = pool.leastClassSize * (kind == .predicted ? 1 : L - 1)
      let count = 1 + Int(share * Double(most - 1))
      func needed(_ count: Int) -> Int {
        sampling.classSizeNeeded(kind, sampleCount: count, classCount: L)
      }
      #expect(needed(count) <= pool.leastClassSize)
      #expect((needed(most + 1) > pool.leastClassSize) == (sampling == .withoutReplacement))

      func draw(_ count: Int) -> [SamplePool.Partner] {
        pool.draw(count, kind, predicted: predicted, sampling: sampling) { draw in
          RandomKey(seed: seed, purpose: .test, draw: draw)
        }
      }
      let partners = draw(count)
      #expect(partners.count == count && draw(most).prefix(count) == partners[...])
      #expect(partners.allSatisfy { pool.images.labels[$0.position] == $0.label })
      #expect(partners.allSatisfy { ($0.label == predicted) == (kind == .predicted) })
      if sampling == .withoutReplacement {
        #expect(Set(partners.map(\.position)).count == count)
      }
      cover(
        0.02, "all images that there are, once each",
        sampling == .withoutReplacement
          && count == pool.images.labels.count { ($0 == predicted) == (kind == .predicted) })
      if sampling != .independent, kind == .other {
        let tally = (0..<L).filter { $0 != predicted }.map { label in
          partners.count { $0.label == label }
        }
        #expect((tally.max() ?? 0) - (tally.min() ?? 0) <= 1)
      }
      if sampling == .independent {
        let single = (0..<count).map {
          pool.draw(
            kind, predicted: predicted, key: RandomKey(seed: seed, purpose: .test, draw: $0))
        }
        #expect(partners == single)
      }
    }
  }

  /// Classes of 4, 5 and 6 images with values in [0, 1].
  private static let values: [[Double]] = [
    [0, 0.25, 0.5, 1], [0.1, 0.2, 0.3, 0.4, 1], [0, 0, 0.5, 0.9, 0.9, 1],
  ]

  /// The first `count` partners of many inputs that are predicted as class 0, as (class, value).
  private func partners(
    _ count: Int, _ kind: PartnerLabel, _ sampling: PartnerSampling, seed: UInt64
  ) throws -> [[(label: Int, value: Double, position: Int)]] {
    let labels = Self.values.enumerated().flatMap { entry in entry.element.map { _ in entry.offset }
    }
    let values = Self.values.flatMap(\.self)
    let pool = try SamplePool(
      LabelledImages(
        pixels: images(values.map { [Float($0)] }), labels: labels, classCount: 3))
    return (0..<20_000).map { input in
      pool.draw(count, kind, predicted: 0, sampling: sampling) { draw in
        RandomKey(seed: seed, purpose: .test, example: input, draw: draw)
      }.map { ($0.label, values[$0.position], $0.position) }
    }
  }

  private func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
  }

  @Test("every one of N dependent draws has the law of a single one")
  func dependentDrawsKeepTheLaw() throws {
    for (kind, sizes) in [(PartnerLabel.predicted, [4, 0, 0]), (.other, [0, 5, 6])] {
      let law = sizes.enumerated().flatMap { label, size in
        Array(
          repeating: size == 0 ? 0 : 1 / Double(size * (kind == .other ? 2 : 1)),
          count: Self.values[label].count)
      }
      for sampling in PartnerSampling.allCases {
        let draws = try partners(4, kind, sampling, seed: 7)
        for place in 0..<4 {
          var counts = [Int](repeating: 0, count: law.count)
          for draw in draws { counts[draw[place].position] += 1 }
          expect(.frequencies(counts, are: law))
        }
      }
    }
  }

  @Test("P20: without replacement the variance of the mean falls to (M−N)/(M−1), and to 0 at N = M")
  func varianceWithoutReplacement() throws {
    let (mean, variance) = moments(Self.values[0])
    for N in 1...4 {
      let spread = try PartnerSampling.allCases.map { sampling in
        try partners(N, .predicted, sampling, seed: 20).map { draws in
          let error = draws.reduce(0) { $0 + $1.value } / Double(N) - mean
          return error * error
        }
      }
      let independent = variance / Double(N)
      // Where one label is all, there is nothing to stratify.
      for squares in spread[0...1] { expect(.mean(of: squares, in: 0...1, equals: independent)) }
      let expected = independent * Double(4 - N) / 3
      expect(.mean(of: spread[2], in: 0...1, equals: expected))
      #expect(expected <= independent)
      // Quarters are exact.
      if N == 4 { #expect(spread[2].allSatisfy { $0 == 0 }) }
    }
  }

  @Test("P21: stratified by label, only the variance within labels is left")
  func varianceOfStratifiedDraws() throws {
    let (one, two) = (moments(Self.values[1]), moments(Self.values[2]))
    let mean = (one.mean + two.mean) / 2
    let within = (one.variance + two.variance) / 2
    let between = (one.mean - two.mean) * (one.mean - two.mean) / 4
    for N in [1, 2, 3, 4] {
      func squares(_ sampling: PartnerSampling) throws -> [Double] {
        try partners(N, .other, sampling, seed: 21).map { draws in
          let error = draws.reduce(0) { $0 + $1.value } / Double(N) - mean
          return error * error
        }
      }
      let independent = (within + between) / Double(N)
      expect(.mean(of: try squares(.independent), in: 0...1, equals: independent))
      // Of two labels an odd one is left over: it is either, and adds (m₁ − m₂)²/4 to the sum's
      // variance.
      let stratified = within / Double(N) + (N % 2 == 0 ? 0 : between / Double(N * N))
      expect(.mean(of: try squares(.stratified), in: 0...1, equals: stratified))
      #expect(stratified <= independent)
      // n draws of a label with M images have (M−n)/(M−1) of its variance; the odd one is of either.
      func sum(_ first: Int, _ second: Int) -> Double {
        one.variance * Double(first * (5 - first)) / 4
          + two.variance * Double(second * (6 - second)) / 5
      }
      let (least, most) = (N / 2, N - N / 2)
      let withoutReplacement =
        (sum(least, most) + sum(most, least)) / 2 / Double(N * N)
        + (N % 2 == 0 ? 0 : between / Double(N * N))
      expect(
        .mean(of: try squares(.withoutReplacement), in: 0...1, equals: withoutReplacement))
      #expect(withoutReplacement <= stratified)
    }
  }

  @Test("the pool tells which images of the file it holds")
  func keepsIndices() throws {
    #expect(try Self.unbalanced().indices == Array(100..<140))
  }

  @Test("an empty class is refused by name")
  func emptyClassIsRefused() throws {
    let pixels = try images([[0], [1]])
    #expect(throws: SamplePoolError.emptyClass(1, classCount: 3, images: 2)) {
      try SamplePool(LabelledImages(pixels: pixels, labels: [0, 2], classCount: 3))
    }
    #expect(throws: SamplePoolError.noClasses) {
      try SamplePool(
        LabelledImages(pixels: Pixels(Tensor(shape: [0, 1, 1, 1])), labels: [], classCount: 0))
    }
  }
}
