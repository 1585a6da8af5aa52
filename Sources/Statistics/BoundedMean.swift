/// The mean of independent values in a known range, with an interval for their expectation that is
/// valid for every law on that range and every count.
public struct BoundedMean: Sendable, Hashable, Codable {
  /// The mean of the values; without values, the middle of the range.
  public let value: Double
  /// The number of values.
  public let count: Int
  /// The interval of `bettingInterval`, for the values in their order.
  public let interval: Interval

  /// The mean of values in the order in which they were drawn.
  ///
  /// - Precondition: all values are in the range, and 0 < confidence < 1.
  public init(_ values: [Double], in range: ClosedRange<Double>, confidence: Double = 0.95) {
    count = values.count
    value =
      values.isEmpty
      ? (range.lowerBound + range.upperBound) / 2 : values.reduce(0, +) / Double(values.count)
    interval = bettingInterval(of: values, in: range, confidence: confidence)
  }

  /// A mean that was found elsewhere.
  package init(value: Double, count: Int, interval: Interval) {
    self.value = value
    self.count = count
    self.interval = interval
  }
}
