import Foundation

/// What draws show, so far, of a mean and a threshold.
public enum ThresholdVerdict: String, Sendable, Codable, Hashable {
  /// The mean is at least the threshold.
  case atLeast
  /// It is below.
  case below
  /// Neither is shown: go on.
  case open
}

/// Draws whose mean can be compared with thresholds after any number of them.
public protocol ThresholdEvidence: Sendable {
  /// The logarithm of the capital of bets against a mean of at most m.
  func logEvidence(above m: Double) -> Double
  /// The logarithm of the capital of bets against a mean of at least m.
  func logEvidence(below m: Double) -> Double
}

extension ThresholdEvidence {
  /// The verdict on a threshold, at level α for either error: whatever the number of the draw at which it is
  /// asked for, and however many thresholds are, `.atLeast` is ever wrong of any of them with probability at
  /// most α, and so is `.below`.
  ///
  /// A threshold of 0 is reached and one above 1 is not, without a draw.
  public func verdict(on threshold: Double, level alpha: Double) -> ThresholdVerdict {
    guard threshold > 0 else { return .atLeast }
    guard threshold < 1 else { return threshold > 1 ? .below : .open }
    let needed = -log(alpha)
    if logEvidence(above: threshold) >= needed { return .atLeast }
    return logEvidence(below: threshold) >= needed ? .below : .open
  }
}
