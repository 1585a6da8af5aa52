import Foundation
import Statistics
import Testing

/// How often an interval holds the truth, place by place of a grid: what the comments of the intervals
/// state, rounded to three decimals, and no other number.
///
/// - Parameter runs: for each place, where they are sampled; 0 where the coverage is exact.
private func expectCoverage(
  _ cells: [Double], mean: Double, least: Double, runs: Int = 0,
  _ location: SourceLocation = #_sourceLocation
) {
  let found = (cells.reduce(0, +) / Double(cells.count), cells.min() ?? .nan)
  // Half of the last decimal, and the rounding of sums of 10⁶ terms; the seeds are fixed, but another
  // library's logarithm may move a score by a rounding, and so one run.
  let tolerance = 0.0005 + 1e-9
  let oneRun = runs > 0 ? 1 / Double(runs) : 0
  #expect(abs(found.0 - mean) <= tolerance, "mean \(found.0)", sourceLocation: location)
  #expect(abs(found.1 - least) <= tolerance + oneRun, "least \(found.1)", sourceLocation: location)
}

/// log n! for n up to `count`.
private func logFactorials(_ count: Int) -> [Double] {
  (0...count).map { lgamma(Double($0 + 1)) }
}

/// P(X = k) for X ~ Binomial(n, p), 0 < p < 1.
private func binomial(_ n: Int, _ p: Double) -> [Double] {
  let logs = logFactorials(n)
  return (0...n).map {
    exp(logs[n] - logs[$0] - logs[n - $0] + Double($0) * log(p) + Double(n - $0) * log1p(-p))
  }
}

/// Every list of `count` of the values.
private func sequences(_ values: [Double], _ count: Int) -> [[Double]] {
  (0..<count).reduce([[]]) { lists, _ in lists.flatMap { list in values.map { list + [$0] } } }
}

@Suite("Guaranteed intervals cover at least as often as they say, however small the sample")
struct GuaranteedCoverageTests {
  // Coverage jumps where p crosses an end of an interval, and is least beside one.
  @Test("Clopper and Pearson's, exactly, at and beside every end of every interval")
  func clopperPearson() {
    for n in [1, 2, 3, 4, 5, 7, 10, 20, 50] {
      for confidence in [0.8, 0.95, 0.999] {
        let intervals = (0...n).map {
          Proportion(successes: $0, trials: n).clopperPearsonInterval(confidence: confidence)
        }
        let ends = intervals.flatMap { [$0.lower, $0.upper] }.filter { 0 < $0 && $0 < 1 }
        let below = ends.map { $0 * (1 - 1e-9) }
        let above = ends.map { $0 + (1 - $0) * 1e-9 }
        for p in ends + below + above where p < 1 {
          var covered = 0.0
          for (weight, interval) in zip(binomial(n, p), intervals) where interval.contains(p) {
            covered += weight
          }
          // The ends are roots to a rounding, and so are the sums.
          #expect(covered >= confidence - 1e-9, "n = \(n), p = \(p): \(covered)")
        }
      }
    }
  }

  @Test("bets on draws of two and of three values, exactly, by every sequence of them")
  func bettingExactly() {
    for (values, most) in [([0.0, 1.0], 9), ([0, 0.5, 1], 5), ([0.4, 0.45, 1], 5)] {
      for n in 1...most {
        let lists = sequences(values, n).map { ($0, bettingInterval(of: $0, in: 0...1)) }
        for step in 1..<40 {
          let p = Double(step) / 40
          // The middle value, if there is one, takes half of what the others leave.
          let law = values.count == 2 ? [1 - p, p] : [(1 - p) / 2, (1 - p) / 2, p]
          let mean = zip(values, law).reduce(0) { $0 + $1.0 * $1.1 }
          let covered = lists.reduce(0) { sum, list in
            guard list.1.contains(mean) else { return sum }
            return sum
              + list.0.reduce(1) { $0 * law[values.firstIndex(of: $1) ?? 0] }
          }
          #expect(covered >= 0.95 - 1e-12, "\(values), n = \(n), p = \(p): \(covered)")
        }
      }
    }
  }

  @Test(
    "bets on skewed, flat and split laws, by sampling",
    arguments: [(0.05, 2.0), (1, 1), (0.2, 0.2), (30, 20)])
  func bettingBySampling(a: Double, b: Double) {
    var random = stream(140)
    for n in [20, 200] {
      let misses = Proportion(
        (0..<1000).map { _ in
          !bettingInterval(of: (0..<n).map { _ in random.beta(a, b) }, in: 0...1)
            .contains(a / (a + b))
        })
      // The chance that a right interval fails here is 10⁻⁹.
      #expect(misses.clopperPearsonInterval(confidence: 1 - 2e-9).lower <= 0.05)
    }
  }

  @Test("the distance of an empirical distribution is above the exact quantile of Kolmogorov's law")
  func kolmogorov() throws {
    let golden = try Golden.read().kolmogorov
    #expect(golden.count == 18)
    for known in golden {
      let bound = empiricalDistributionBound(draws: known.draws, confidence: known.confidence)
      #expect(bound >= known.quantile)
      // Massart's constant is the best: the bound is met for many draws.
      #expect(known.draws < 1000 || bound <= 1.01 * known.quantile)
    }
  }
}

@Suite("Approximate intervals cover as often as their comments say")
struct ApproximateCoverageTests {
  @Test("Wilson's, exactly: every n from 1 to 100, p = 0.005, 0.01, …, 0.995")
  func wilson() {
    var cells: [Double] = []
    for n in 1...100 {
      let intervals = (0...n).map { Proportion(successes: $0, trials: n).wilsonInterval() }
      for step in 1..<200 {
        let p = Double(step) / 200
        cells.append(
          zip(binomial(n, p), intervals).reduce(0) { $0 + ($1.1.contains(p) ? $1.0 : 0) })
      }
    }
    expectCoverage(cells, mean: 0.952, least: 0.795)
  }

  @Test("Newcombe's, exactly: every table of 5, 10, 20 and 30 pairs under 45 laws")
  func newcombe() {
    var cells: [Double] = []
    let logs = logFactorials(30)
    for n in [5, 10, 20, 30] {
      var tables: [(counts: [Int], logWays: Double, interval: Interval)] = []
      for a in 0...n {
        for b in 0...n - a {
          for c in 0...n - a - b {
            let d = n - a - b - c
            tables.append(
              (
                [a, b, c, d], logs[n] - logs[a] - logs[b] - logs[c] - logs[d],
                PairedOutcomes(both: a, onlyFirst: b, onlySecond: c, neither: d)
                  .differenceInterval()
              ))
          }
        }
      }
      let accuracies = [0.05, 0.25, 0.5, 0.75, 0.95]
      for (place, p) in accuracies.enumerated() {
        for q in accuracies[place...] {
          let (fewest, most) = (max(0, p + q - 1), min(p, q))
          for share in [0.1, 0.5, 0.9] {
            let both = fewest + share * (most - fewest)
            let law = [both, p - both, q - both, 1 - p - q + both]
            let logLaw = law.map { log(max($0, 1e-300)) }
            cells.append(
              tables.reduce(0) { sum, table in
                guard table.interval.contains(p - q) else { return sum }
                return sum
                  + exp(
                    zip(table.counts, logLaw).reduce(table.logWays) { $0 + Double($1.0) * $1.1 })
              })
          }
        }
      }
    }
    expectCoverage(cells, mean: 0.965, least: 0.913)
  }

  @Test(
    "the interval over repeated draws: shares of six laws, 5, 20 and 100 examples, 2 and 20 draws")
  func repeatedOutcomes() {
    var cells: [Double] = []
    var random = stream(141)
    for (a, b) in [(1.0, 1.0), (2, 1), (0.05, 2), (2, 0.05), (0.2, 0.2), (20, 5)] {
      for n in [5, 20, 100] {
        for draws in [2, 20] {
          let runs = 300
          cells.append(
            Double(
              (0..<runs).count { _ in
                let examples = (0..<n).map { _ in
                  let share = random.beta(a, b)
                  return RepeatedOutcomes.Example(
                    correct: (0..<draws).count { _ in random.uniformDouble() < share },
                    isMajorityCorrect: false)
                }
                return RepeatedOutcomes(draws: draws, examples: examples).meanInterval()
                  .contains(a / (a + b))
              }) / Double(runs))
        }
      }
    }
    expectCoverage(cells, mean: 0.973, least: 0.923, runs: 300)
  }

  @Test("the rank correlation's, exactly: independent values, every order of 4 to 7")
  func rankCorrelationExactly() throws {
    var cells: [Double] = []
    for n in 4...7 {
      let first = (0..<n).map(Double.init)
      var (covered, all) = (0, 0)
      func permute(_ order: [Double], _ left: [Double]) throws {
        guard !left.isEmpty else {
          all += 1
          let found = try #require(RankCorrelation(first, order))
          #expect(found.interval.lower < found.interval.upper)
          covered += found.interval.contains(0) ? 1 : 0
          return
        }
        for place in left.indices {
          var rest = left
          let next = rest.remove(at: place)
          try permute(order + [next], rest)
        }
      }
      try permute([], first)
      cells.append(Double(covered) / Double(all))
    }
    expectCoverage(cells, mean: 0.979, least: 0.966)
  }

  // Spearman's coefficient of normal variables with correlation r is 6/π asin(r/2).
  @Test("the rank correlation's, by sampling: 10, 30 and 100 pairs of normal variables")
  func rankCorrelation() throws {
    var cells: [Double] = []
    var random = stream(142)
    for n in [10, 30, 100] {
      for truth in [0, 0.3, 0.6, 0.9] {
        let r = 2 * sin(truth * .pi / 6)
        var covered = 0
        for _ in 0..<500 {
          let a = (0..<n).map { _ in random.standardNormal() }
          let b = a.map { r * $0 + (1 - r * r).squareRoot() * random.standardNormal() }
          covered += try #require(RankCorrelation(a, b)).interval.contains(truth) ? 1 : 0
        }
        cells.append(Double(covered) / 500)
      }
    }
    expectCoverage(cells, mean: 0.961, least: 0.946, runs: 500)
  }

  // MARK: The area under a curve

  /// Every order of `positives` and `negatives` examples, from the lowest score: true for a positive.
  private func orders(positives: Int, negatives: Int) -> [[Bool]] {
    guard positives > 0 else { return [[Bool](repeating: false, count: negatives)] }
    guard negatives > 0 else { return [[Bool](repeating: true, count: positives)] }
    return orders(positives: positives - 1, negatives: negatives).map { [true] + $0 }
      + orders(positives: positives, negatives: negatives - 1).map { [false] + $0 }
  }

  /// Scores with exponential laws of which the positives' rate is 1 and the negatives' a > 0, so that the
  /// area is a/(1 + a): what is lowest of p positives and q negatives is a positive with probability
  /// p/(p + aq), whatever was before.
  private func probability(of order: [Bool], _ positives: Int, _ negatives: Int, rate a: Double)
    -> Double
  {
    var (p, q, product) = (positives, negatives, 1.0)
    for isPositive in order {
      let chance = Double(p) / (Double(p) + a * Double(q))
      product *= isPositive ? chance : 1 - chance
      if isPositive { p -= 1 } else { q -= 1 }
    }
    return product
  }

  @Test(
    "the area's, exactly: exponential scores, 1 to 5 examples of a kind and up to 200 of the other")
  func areaExactly() throws {
    var cells: [Double] = []
    let sizes = [
      (1, 1), (1, 2), (1, 5), (1, 20), (1, 200), (2, 2), (2, 5), (2, 20), (2, 50), (3, 3), (3, 10),
      (3, 20), (5, 5), (5, 8),
    ]
    for (m, n) in sizes + sizes.map({ ($0.1, $0.0) }) {
      let known = try orders(positives: m, negatives: n).map { order in
        let scores = order.enumerated()
        let area = try AreaUnderCurve(
          negatives: scores.filter { !$0.element }.map { Double($0.offset) },
          positives: scores.filter(\.element).map { Double($0.offset) })
        let interval = area.interval()
        #expect(interval.lower < interval.upper && interval.contains(area.value))
        return (order, interval)
      }
      for truth in [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99] {
        cells.append(
          known.reduce(0) { sum, entry in
            guard entry.1.contains(truth) else { return sum }
            return sum + probability(of: entry.0, m, n, rate: truth / (1 - truth))
          })
      }
    }
    expectCoverage(cells, mean: 0.982, least: 0.8)
  }

  /// Laws of scores that differ in how the placements scatter, from the least to the most they can.
  private enum Scores: CaseIterable {
    /// Normal with standard deviation 1, and the positives' 1, 3 or 1/3.
    case normal, wide, narrow
    /// A share of the positives above all negatives, the others like them.
    case partly
    /// Every positive above all negatives or below them all.
    case extreme
    /// Two values.
    case twoValued
    /// Five values.
    case levels

    func area(_ area: Double) -> Double {
      guard self == .levels else { return area }
      let law = Self.weights(area)
      return law.indices.reduce(0) { $0 + law[$1] * (Double($1) + 0.5) / 5 }
    }

    /// The positives' law on five levels; the negatives' is uniform.
    private static func weights(_ area: Double) -> [Double] {
      let weights = (0..<5).map { pow(area / (1 - area), Double($0)) }
      return weights.map { $0 / weights.reduce(0, +) }
    }

    func draw(
      _ area: Double, positive: Bool, _ random: inout RandomStream
    ) -> Double {
      func normal(_ deviation: Double) -> Double {
        let shift = (1 + deviation * deviation).squareRoot() * standardNormalQuantile(area)
        return positive ? deviation * random.standardNormal() + shift : random.standardNormal()
      }
      switch self {
      case .normal: return normal(1)
      case .wide: return normal(3)
      case .narrow: return normal(1.0 / 3)
      case .partly:
        let found = random.uniformDouble() < 2 * area - 1
        return random.uniformDouble() + (positive && found ? 1 : 0)
      case .extreme:
        let isAbove = random.uniformDouble() < area
        return random.uniformDouble() + (positive ? isAbove ? 1 : -1 : 0)
      case .twoValued: return random.uniformDouble() < (positive ? area : 1 - area) ? 1 : 0
      case .levels:
        let law = positive ? Self.weights(area) : [Double](repeating: 0.2, count: 5)
        var left = random.uniformDouble()
        for (level, share) in law.enumerated() {
          left -= share
          if left < 0 { return Double(level) }
        }
        return 4
      }
    }
  }

  @Test("the area's, by sampling: seven laws with and without ties, 1 to 200 examples of a kind")
  func area() throws {
    var cells: [Double] = []
    var fewest: [Double] = []
    let sizes = [
      (1, 20), (2, 20), (3, 50), (5, 50), (10, 50), (50, 50), (200, 200), (50, 5), (20, 2),
    ]
    for (m, n) in sizes {
      for law in Scores.allCases {
        for asked in [0.5, 0.7, 0.9, 0.99] {
          let runs = m + n > 100 ? 100 : 200
          let truth = law.area(asked)
          var random = RandomStream(RandomKey(seed: 143, purpose: .test))
          var covered = 0
          for _ in 0..<runs {
            let area = try AreaUnderCurve(
              negatives: (0..<n).map { _ in law.draw(asked, positive: false, &random) },
              positives: (0..<m).map { _ in law.draw(asked, positive: true, &random) })
            covered += area.interval().contains(truth) ? 1 : 0
          }
          if min(m, n) == 1 {
            fewest.append(Double(covered) / Double(runs))
          } else {
            cells.append(Double(covered) / Double(runs))
          }
        }
      }
    }
    expectCoverage(cells, mean: 0.979, least: 0.875, runs: 200)
    expectCoverage(fewest, mean: 0.988, least: 0.865, runs: 200)
  }
}
