import Statistics

/// Whether draws can come from the law that is claimed.
///
/// Every check fails by chance with probability at most `falseAlarm` if the claim is true, by a bound
/// that holds for every number of draws: 200 checks at the default of 10⁻⁹, run a hundred times a day
/// for ten years, raise a false alarm with probability below 0.08. So a failure is a finding. Seeds need not be
/// fixed, only independent of the law under test.
public struct StatisticalCheck: Sendable, Equatable {
  /// What was claimed and what was found, in one line.
  public var description: String
  /// Whether the claim is compatible with the draws.
  public var passes: Bool

  /// The mean of a law on `range` is `expected`, give or take `tolerance`; by an interval that bets on
  /// the draws in their order.
  public static func mean(
    of draws: [Double], in range: ClosedRange<Double>, equals expected: Double,
    within tolerance: Double = 0, falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    let interval = bettingInterval(
      of: draws, in: range, confidence: 1 - falseAlarm)
    return StatisticalCheck(
      description:
        "the mean of \(draws.count) draws shows a law with mean in \(text(interval)), "
        + "claimed is \(expected)" + (tolerance > 0 ? " ± \(tolerance)" : ""),
      passes: interval.lower <= expected + tolerance && interval.upper >= expected - tolerance)
  }

  /// The probability of success is `expected`; by the interval of Clopper and Pearson.
  public static func proportion(
    _ found: Proportion, equals expected: Double, falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    let interval = found.clopperPearsonInterval(confidence: 1 - falseAlarm)
    return StatisticalCheck(
      description:
        "\(found.successes) of \(found.trials) show a probability in \(text(interval)), "
        + "claimed is \(expected)",
      passes: interval.contains(expected))
  }

  /// The law has this distribution function; by the bound of Dvoretzky, Kiefer, Wolfowitz and Massart.
  ///
  /// - Parameter distribution: P(X ≤ x), continuous.
  public static func distribution(
    of draws: [Double], is distribution: (Double) -> Double, falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    let n = Double(draws.count)
    var (distance, place) = (0.0, 0.0)
    for (rank, draw) in draws.sorted().enumerated() {
      let expected = distribution(draw)
      let deviation = max(expected - Double(rank) / n, Double(rank + 1) / n - expected)
      if deviation > distance { (distance, place) = (deviation, draw) }
    }
    let bound = empiricalDistributionBound(draws: draws.count, confidence: 1 - falseAlarm)
    return StatisticalCheck(
      description:
        "the distribution of \(draws.count) draws is \(distance) off the claimed one at \(place), "
        + "at most \(bound) is chance",
      passes: distance <= bound)
  }

  /// The cells have these probabilities; by an interval of Clopper and Pearson for each, whose error
  /// probabilities add up to `falseAlarm`.
  ///
  /// - Precondition: there are as many counts as probabilities.
  public static func frequencies(
    _ counts: [Int], are probabilities: [Double], falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    precondition(counts.count == probabilities.count, "every cell needs a count and a probability")
    let total = counts.reduce(0, +)
    for (cell, (count, probability)) in zip(counts, probabilities).enumerated() {
      let single = proportion(
        Proportion(successes: count, trials: total), equals: probability,
        falseAlarm: falseAlarm / Double(counts.count))
      if !single.passes {
        return StatisticalCheck(description: "cell \(cell): \(single.description)", passes: false)
      }
    }
    return StatisticalCheck(
      description: "\(total) draws fit \(counts.count) claimed frequencies", passes: true)
  }

  private static func text(_ interval: Interval) -> String {
    "[\(interval.lower), \(interval.upper)]"
  }
}
