import Foundation

/// An interval for the mean of a law on `range` from independent draws, that misses the mean with
/// probability at most 1 − confidence, for every law and every n ≥ 2: no approximation.
///
/// x̄ ± w·(√(2 V L/n) + 7L/(3(n − 1))) with L = ln(4/(1 − confidence)), w the width of the range and
/// V the sample variance (divisor n − 1) on the scale where w is 1; cut down to the range. Narrow where the
/// draws vary little. Source: Maurer and Pontil, "Empirical Bernstein bounds and sample variance
/// penalization", COLT 2009, theorem 4, for both sides.
///
/// - Precondition: 0 < confidence < 1, and all draws are in the range.
public func empiricalBernsteinInterval(
  of draws: [Double], in range: ClosedRange<Double>, confidence: Double = 0.95
) -> Interval {
  precondition(confidence > 0 && confidence < 1, "confidence \(confidence) is not inside (0, 1)")
  precondition(draws.allSatisfy(range.contains), "a draw is outside \(range)")
  guard draws.count > 1 else { return Interval(lower: range.lowerBound, upper: range.upperBound) }
  let n = Double(draws.count)
  let mean = draws.reduce(0, +) / n
  let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
  let width = range.upperBound - range.lowerBound
  let logarithm = log(4 / (1 - confidence))
  let reach =
    (2 * variance * logarithm / n).squareRoot() + width * 7 * logarithm / (3 * (n - 1))
  return Interval(
    lower: max(range.lowerBound, mean - reach), upper: min(range.upperBound, mean + reach))
}

/// The distance that the empirical distribution function of n independent draws stays within of the
/// true one, everywhere at once, with probability at least `confidence`: √(ln(2/(1 − confidence))/2n).
///
/// Source: Dvoretzky, Kiefer and Wolfowitz, 1956, with the constant of Massart, 1990.
public func empiricalDistributionBound(draws n: Int, confidence: Double = 0.95) -> Double {
  precondition(confidence > 0 && confidence < 1 && n > 0, "no bound for \(n) draws, \(confidence)")
  return (log(2 / (1 - confidence)) / Double(2 * n)).squareRoot()
}
