/// The mean of independent values in a known range, with an interval for their expectation that is
/// valid for every law on that range and every count.
public struct BoundedMean: Sendable, Hashable, Codable {
  /// The mean of the values; without values, the middle of the range.
  public let value: Double
  /// The number of values.
  public let count: Int
  /// The interval of `empiricalBernsteinInterval`; the whole range with fewer than two values.
  public let interval: Interval

  /// - Precondition: all values are in the range, and 0 < confidence < 1.
  public init(_ values: [Double], in range: ClosedRange<Double>, confidence: Double = 0.95) {
    count = values.count
    value =
      values.isEmpty
      ? (range.lowerBound + range.upperBound) / 2 : values.reduce(0, +) / Double(values.count)
    interval = empiricalBernsteinInterval(of: values, in: range, confidence: confidence)
  }
}
