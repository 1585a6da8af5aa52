import Foundation

/// k of n: how often something happened among independent trials.
public struct Proportion: Sendable, Hashable {
  /// k, in 0...trials.
  public let successes: Int
  /// n ≥ 0.
  public let trials: Int

  /// `successes` of `trials`.
  ///
  /// - Precondition: 0 ≤ successes ≤ trials.
  public init(successes: Int, trials: Int) {
    precondition(
      0 <= successes && successes <= trials, "\(successes) of \(trials) is no proportion")
    self.successes = successes
    self.trials = trials
  }

  /// How many of the outcomes are true.
  public init(_ outcomes: some Sequence<Bool>) {
    var (successes, trials) = (0, 0)
    for outcome in outcomes {
      trials += 1
      if outcome { successes += 1 }
    }
    self.init(successes: successes, trials: trials)
  }

  /// p̂ = k/n; NaN without trials, where any number would be an invention.
  public var value: Double { Double(successes) / Double(trials) }

  /// Wilson's score interval: every p with |p̂ − p| ≤ z·√(p(1 − p)/n), z = Φ⁻¹((1 + confidence)/2).
  ///
  /// Lies in [0, 1] and contains p̂; the lower end is exactly 0 at k = 0, the upper exactly 1 at k = n;
  /// without trials it is [0, 1]. An approximation: at 95% it covers p with probability 0.952 in the mean
  /// and 0.795 at least, computed exactly for every n from 1 to 100 and p = 0.005, 0.01, …, 0.995
  /// (`CoverageTests`); the least are at small np or n(1 − p). The coverage of `clopperPearsonInterval`
  /// is guaranteed.
  ///
  /// Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22,
  /// 1927.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func wilsonInterval(confidence: Double = 0.95) -> Interval {
    Statistics.wilsonInterval(value, trials: Double(trials), confidence: confidence)
  }
}

extension Proportion: CustomStringConvertible {
  /// The share with Wilson's 95% interval, in percent, and the
  /// trials: "97.6% [95.9, 98.6] of 500".
  public var description: String {
    guard trials > 0 else { return "0 of 0" }
    let interval = wilsonInterval()
    func percent(_ share: Double) -> String { String(format: "%.1f", 100 * share) }
    return
      "\(percent(value))% [\(percent(interval.lower)), \(percent(interval.upper))] of \(trials)"
  }
}

extension Double {
  /// Whether a share k/n of examples is at least a target such as 0.95, or 0.98 − 0.02.
  ///
  /// Both numbers are within 2·2⁻⁵³ of their exact values. Exact values that differ do so by at least
  /// 1/(n·10^d), d being the decimals of the target, or 1/(n·n′·10^d) if the target contains a share of
  /// n′ examples, which is far more. So what is closer than 4·2⁻⁵³ is a tie, which reaches the target.
  package func isShare(atLeast target: Double) -> Bool { self >= target - 4 * 0x1p-53 }
}

/// Wilson's score interval for a share p̂ of a number of trials that need not be whole.
///
/// - Precondition: 0 < confidence < 1.
func wilsonInterval(_ share: Double, trials n: Double, confidence: Double) -> Interval {
  precondition(confidence > 0 && confidence < 1, "confidence \(confidence) is not inside (0, 1)")
  guard n > 0 else { return Interval(lower: 0, upper: 1) }
  // From the lower tail, as 1 − confidence is exact for the usual confidences near 1.
  let z = -standardNormalQuantile((1 - confidence) / 2)
  let k = share * n
  // The ends are the roots of (n + z²)p² − (2k + z²)p + k²/n. The larger is a sum of positive
  // terms; the smaller comes from the product of the roots, where its formula would cancel.
  let sum = k + z * z / 2 + z * (share * (n - k) + z * z / 4).squareRoot()
  return Interval(
    lower: share == 0 ? 0 : min(share * k / sum, share),
    upper: share == 1 ? 1 : min(max(sum / (n + z * z), share), 1))
}

extension Proportion: Codable {
  private enum CodingKeys: CodingKey {
    case successes, trials
  }

  /// - Throws: `DecodingError` unless 0 ≤ successes ≤ trials.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    successes = try fields.decode(Int.self, forKey: .successes)
    trials = try fields.decode(Int.self, forKey: .trials)
    guard 0 <= successes && successes <= trials else {
      throw DecodingError.dataCorruptedError(
        forKey: .successes, in: fields,
        debugDescription: "\(successes) successes of \(trials) trials; expected 0 to all of them")
    }
  }
}
