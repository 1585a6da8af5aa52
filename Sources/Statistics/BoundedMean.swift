import Foundation

/// The mean of independent values in a known range, with an interval that is valid for every
/// distribution on that range and every count, not only for large ones.
public struct BoundedMean: Sendable, Hashable, Codable {
  /// The mean of the values; NaN is never stored: without values, the middle of the range.
  public let value: Double
  /// The number of values.
  public let count: Int
  /// Where the expectation lies with the confidence asked for.
  public let interval: Interval

  /// mean ± [√(2V ln(4/α)/n) + 7R ln(4/α)/(3(n−1))] within the range, with the sample variance V,
  /// the width R of the range and α = 1 − confidence; the whole range if n < 2.
  ///
  /// Source: Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT
  /// 2009, theorem 4, on both sides.
  ///
  /// - Precondition: all values are in the range, and 0 < confidence < 1.
  public init(_ values: [Double], in range: ClosedRange<Double>, confidence: Double = 0.95) {
    precondition(confidence > 0 && confidence < 1, "confidence \(confidence) is not inside (0, 1)")
    count = values.count
    guard !values.isEmpty else {
      value = (range.lowerBound + range.upperBound) / 2
      interval = Interval(lower: range.lowerBound, upper: range.upperBound)
      return
    }
    precondition(values.allSatisfy(range.contains), "a value is outside \(range)")
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    value = mean
    guard values.count > 1 else {
      interval = Interval(lower: range.lowerBound, upper: range.upperBound)
      return
    }
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let logarithm = log(4 / (1 - confidence))
    let width = range.upperBound - range.lowerBound
    let radius =
      (2 * variance * logarithm / n).squareRoot() + 7 * width * logarithm / (3 * (n - 1))
    interval = Interval(
      lower: max(range.lowerBound, mean - radius), upper: min(range.upperBound, mean + radius))
  }
}
