/// A closed interval; in JSON the array [lower, upper].
public struct Interval: Sendable, Hashable {
  /// The lower end.
  public var lower: Double
  /// The upper end.
  public var upper: Double

  /// The interval between two ends.
  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// Whether the value is inside or on an end.
  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

extension Interval: Codable {
  /// The interval between two ends.
  public init(from decoder: any Decoder) throws {
    var ends = try decoder.unkeyedContainer()
    self.init(lower: try ends.decode(Double.self), upper: try ends.decode(Double.self))
  }

  /// Writes [lower, upper].
  public func encode(to encoder: any Encoder) throws {
    var ends = encoder.unkeyedContainer()
    try ends.encode(lower)
    try ends.encode(upper)
  }
}
