import Foundation

/// k successes in n independent trials.
public struct Proportion: Sendable, Hashable, Codable {
  /// k.
  public let successes: Int
  /// n.
  public let trials: Int

  /// k of n; needs 0 ≤ k ≤ n.
  public init(successes: Int, trials: Int) {
    precondition(0 <= successes && successes <= trials, "\(successes) of \(trials)")
    self.successes = successes
    self.trials = trials
  }

  /// p̂ = k / n; NaN without trials.
  public var value: Double { Double(successes) / Double(trials) }

  /// The Wilson interval for the success probability:
  /// (p̂ + z²/2n ± z·√(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n), z the normal quantile.
  ///
  /// The ends at k = 0 and k = n are exactly 0 and 1; without trials it is [0, 1]. Source: Wilson,
  /// "Probable inference, the law of succession, and statistical inference", 1927.
  public func wilsonInterval(confidence: Double = 0.95) -> Interval {
    guard trials > 0 else { return Interval(lower: 0, upper: 1) }
    let n = Double(trials)
    let z = normalQuantile(0.5 + confidence / 2)
    let square = z * z / n
    let center = (value + square / 2) / (1 + square)
    let reach = z / (1 + square) * (value * (1 - value) / n + square / (4 * n)).squareRoot()
    return Interval(
      lower: successes == 0 ? 0 : max(0, center - reach),
      upper: successes == trials ? 1 : min(1, center + reach))
  }
}

/// The z with Φ(z) = p, for p in (0, 1); ±∞ at the ends.
///
/// A rational first guess (Abramowitz and Stegun 26.2.23, error below 4.5e-4) and Halley's steps on
/// the complementary error function, which triple the correct digits each time.
public func normalQuantile(_ p: Double) -> Double {
  guard p > 0 else { return -.infinity }
  guard p < 1 else { return .infinity }
  // In the lower half, where the tail has its full relative precision.
  if p > 0.5 { return -normalQuantile(1 - p) }
  let t = (-2 * log(p)).squareRoot()
  var z =
    (2.515517 + t * (0.802853 + t * 0.010328))
    / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
  for _ in 0..<3 {
    let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
    guard density > 0 else { break }
    let step = (erfc(-z / 2.0.squareRoot()) / 2 - p) / density
    z -= step / (1 + z * step / 2)
  }
  return z
}
