/// The closed interval [lower, upper]; in JSON, the array of its two ends.
public struct Interval: Sendable, Hashable {
  /// The lower end.
  public var lower: Double
  /// The upper end.
  public var upper: Double

  /// The interval between two ends, lower ≤ upper.
  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// Whether lower ≤ value ≤ upper.
  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

extension Interval: Codable {
  /// - Throws: `DecodingError` unless the array holds two numbers, the smaller first.
  public init(from decoder: any Decoder) throws {
    var ends = try decoder.unkeyedContainer()
    lower = try ends.decode(Double.self)
    upper = try ends.decode(Double.self)
    guard ends.isAtEnd, lower <= upper else {
      throw DecodingError.dataCorruptedError(
        in: ends, debugDescription: "an interval is [lower, upper] with lower ≤ upper")
    }
  }

  /// Writes [lower, upper].
  public func encode(to encoder: any Encoder) throws {
    var ends = encoder.unkeyedContainer()
    try ends.encode(lower)
    try ends.encode(upper)
  }
}
