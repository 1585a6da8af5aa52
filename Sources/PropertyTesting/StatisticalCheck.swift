import Statistics

/// Whether draws can come from the law that is claimed.
///
/// Every check fails by chance with probability at most `falseAlarm` if the claim is true, by a bound
/// that holds for every number of draws: 200 checks at the default of 10⁻⁹, run a hundred times a day
/// for ten years, raise a false alarm with probability below 0.08. So a failure is a finding. Seeds need not be
/// fixed, only independent of the law under test.
///
/// A check that no draws could fail is no check. It fails, and says why, where draws are missing, too
/// few to refute the claim whatever they are, not a number or outside of the law's range, and where
/// the claim is no probability, no distribution or no finite number.
public struct StatisticalCheck: Sendable, Equatable {
  /// What was claimed and what was found, in one line.
  public var description: String
  /// Whether the claim is compatible with the draws.
  public var passes: Bool

  /// The mean of a law on `range` is `expected`, give or take `tolerance`; by `bettingInterval` on the
  /// draws in their order.
  public static func mean(
    of draws: [Double], in range: ClosedRange<Double>, equals expected: Double,
    within tolerance: Double = 0, falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    let width = range.upperBound - range.lowerBound
    if let reason = unusable(falseAlarm) { return refused(reason) }
    // Squares of such widths, summed over all draws that fit into memory, neither overflow nor vanish.
    guard width >= 1e-100, width <= 1e100 else {
      return refused("\(range) is no range of a law that varies; it must be 10⁻¹⁰⁰ to 10¹⁰⁰ wide")
    }
    guard tolerance >= 0, tolerance < width else {
      return refused("\(tolerance) is no tolerance on \(range); give a number from 0 to its width")
    }
    guard expected >= range.lowerBound - tolerance, expected <= range.upperBound + tolerance else {
      return refused("a law on \(range) cannot have the mean \(expected)")
    }
    if let place = draws.firstIndex(where: { !range.contains($0) }) {
      return refused("draw \(place) is \(draws[place]), which is outside \(range)")
    }
    // What refutes the claim most is one value again and again, at the end that is farther away.
    let distance = max(expected - range.lowerBound, range.upperBound - expected)
    let extreme = Array(
      repeating: expected - range.lowerBound == distance ? range.lowerBound : range.upperBound,
      count: draws.count)
    func isCompatible(_ interval: Interval) -> Bool {
      interval.lower <= expected + tolerance && interval.upper >= expected - tolerance
    }
    func interval(_ draws: [Double]) -> Interval {
      bettingInterval(of: draws, in: range, confidence: 1 - falseAlarm)
    }
    guard !isCompatible(interval(extreme)) else {
      return refused(
        "\(draws.count) draws cannot refute a mean of \(expected) ± \(tolerance) in \(range), "
          + "whatever they are; draw more")
    }
    let found = interval(draws)
    return StatisticalCheck(
      description:
        "the mean of \(draws.count) draws shows a law with mean in \(text(found)), "
        + "claimed is \(expected)" + (tolerance > 0 ? " ± \(tolerance)" : ""),
      passes: isCompatible(found))
  }

  /// The probability of success is `expected`; by the interval of Clopper and Pearson.
  public static func proportion(
    _ found: Proportion, equals expected: Double, falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    if let reason = unusable(falseAlarm) { return refused(reason) }
    guard expected >= 0, expected <= 1 else {
      return refused("\(expected) is no probability; give a number from 0 to 1")
    }
    guard canRefute(expected, trials: found.trials, falseAlarm: falseAlarm) else {
      return refused(
        "\(found.trials) trials cannot refute a probability of \(expected), whatever they are; "
          + "make more")
    }
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
    if let reason = unusable(falseAlarm) { return refused(reason) }
    if let place = draws.firstIndex(where: { !$0.isFinite }) {
      return refused("draw \(place) is \(draws[place]), no finite number")
    }
    let bound =
      draws.isEmpty
      ? 1 : empiricalDistributionBound(draws: draws.count, confidence: 1 - falseAlarm)
    // No two distribution functions are more than 1 apart.
    guard bound < 1 else {
      return refused(
        "\(draws.count) draws cannot refute a distribution, whatever they are; draw more")
    }
    let n = Double(draws.count)
    var (distance, place) = (0.0, draws[0])
    for (rank, draw) in draws.sorted().enumerated() {
      let expected = distribution(draw)
      guard expected >= 0, expected <= 1 else {
        return refused(
          "the claimed distribution is \(expected) at \(draw), which is no probability")
      }
      let deviation = max(expected - Double(rank) / n, Double(rank + 1) / n - expected)
      if deviation > distance { (distance, place) = (deviation, draw) }
    }
    return StatisticalCheck(
      description:
        "the distribution of \(draws.count) draws is \(distance) off the claimed one at \(place), "
        + "at most \(bound) is chance",
      passes: distance <= bound)
  }

  /// The cells have these probabilities; by an interval of Clopper and Pearson for each, whose error
  /// probabilities add up to `falseAlarm`.
  public static func frequencies(
    _ counts: [Int], are probabilities: [Double], falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    guard counts.count == probabilities.count, counts.count > 1 else {
      return refused(
        "there are \(counts.count) counts and \(probabilities.count) probabilities; each of two "
          + "cells or more needs one of both")
    }
    // A share of the error for every cell.
    let share = falseAlarm / Double(counts.count)
    if let reason = unusable(falseAlarm) ?? unusable(share) { return refused(reason) }
    if let cell = probabilities.firstIndex(where: { !($0 >= 0 && $0 <= 1) }) {
      return refused("cell \(cell): \(probabilities[cell]) is no probability")
    }
    // Each is rounded by at most 2⁻⁵³ in each of the few operations that made it, of which 8 are
    // granted, and so is each partial sum, at most 2.
    let sum = probabilities.reduce(0, +)
    guard abs(sum - 1) <= Double(2 * counts.count + 8) * 0x1p-53 else {
      return refused("the probabilities add up to \(sum), not to 1")
    }
    if let cell = counts.firstIndex(where: { $0 < 0 }) {
      return refused("cell \(cell): \(counts[cell]) is no count")
    }
    var total = 0
    for count in counts {
      let (next, isTooLarge) = total.addingReportingOverflow(count)
      guard !isTooLarge else { return refused("the counts add up to more than \(Int.max)") }
      total = next
    }
    guard probabilities.contains(where: { canRefute($0, trials: total, falseAlarm: share) }) else {
      return refused("\(total) draws cannot refute any of the frequencies; draw more")
    }
    for (cell, (count, probability)) in zip(counts, probabilities).enumerated() {
      let interval = Proportion(successes: count, trials: total)
        .clopperPearsonInterval(confidence: 1 - share)
      if !interval.contains(probability) {
        return StatisticalCheck(
          description:
            "cell \(cell): \(count) of \(total) show a probability in \(text(interval)), "
            + "claimed is \(probability)",
          passes: false)
      }
    }
    return StatisticalCheck(
      description: "\(total) draws fit \(counts.count) claimed frequencies", passes: true)
  }

  // MARK: Checks that could not fail

  private static func refused(_ reason: String) -> StatisticalCheck {
    StatisticalCheck(description: "nothing was checked: \(reason)", passes: false)
  }

  /// Why a check cannot have this false-alarm probability; nil if it can. Below 10⁻¹⁵ one minus the
  /// probability hardly has a digit left to tell it from one.
  private static func unusable(_ falseAlarm: Double) -> String? {
    falseAlarm >= 1e-15 && falseAlarm < 1
      ? nil : "the false-alarm probability is \(falseAlarm); give a number from 10⁻¹⁵ to below 1"
  }

  /// Whether some number of successes would refute the probability.
  private static func canRefute(_ probability: Double, trials: Int, falseAlarm: Double) -> Bool {
    trials > 0
      && [0, trials].contains {
        !Proportion(successes: $0, trials: trials)
          .clopperPearsonInterval(confidence: 1 - falseAlarm).contains(probability)
      }
  }

  private static func text(_ interval: Interval) -> String {
    "[\(interval.lower), \(interval.upper)]"
  }
}
