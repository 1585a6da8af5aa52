/// A number in [0, 1], such as λ, kept as the ratio of whole numbers that was written: 0.4 is 2/5.
///
/// The double nearest to 0.4 is not 2/5, so conditions that are ties at λ = 2/5 are decided on whole
/// numbers.
public struct ExactRatio: Sendable, Hashable {
  /// The ratio in lowest terms.
  public let numerator: Int
  /// The ratio in lowest terms, positive.
  public let denominator: Int
  /// A double next to the ratio: the one that it was made from, or the nearest to its text.
  public let value: Double

  /// n/d.
  ///
  /// - Throws: `TheoryError.ratio` unless 0 ≤ n ≤ d and d > 0.
  public init(_ n: Int, over d: Int) throws(TheoryError) {
    guard d > 0, 0 <= n, n <= d else { throw .ratio(Double(n) / Double(d)) }
    self.init(n, d, value: Double(n) / Double(d))
  }

  /// The shortest decimal number that is nearest to no other double: what was meant by 0.4. Of more
  /// than 18 decimals, which only doubles below 1/10 have, the nearest with 18.
  ///
  /// - Throws: `TheoryError.ratio` outside [0, 1].
  public init(_ value: Double) throws(TheoryError) {
    guard value >= 0, value <= 1, let (n, d) = Self.decimal("\(value)") else {
      throw .ratio(value)
    }
    self.init(n, d, value: value)
  }

  /// Reads a decimal number in [0, 1] with 15 decimals at most: "0.4", "4e-1"; nil for other texts.
  ///
  /// Its value then determines it, so that a record of the one is a record of the other.
  public init?(_ text: String) {
    guard let value = Double(text), value >= 0, value <= 1, value.sign == .plus,
      let (n, d) = Self.decimal(text, decimals: 15, isExact: true)
    else { return nil }
    self.init(n, d, value: value)
  }

  private init(_ n: Int, _ d: Int, value: Double) {
    let divisor = Self.greatestCommonDivisor(n, d)
    numerator = n / divisor
    denominator = d / divisor
    self.value = value
  }

  /// A text of digits with a point and an exponent, or without, as a ratio.
  ///
  /// - Parameters:
  ///   - decimals: no more stand in the result, whose denominator divides 10^decimals; at most 18.
  ///   - isExact: whether more are refused; otherwise they are rounded away.
  private static func decimal(
    _ text: String, decimals most: Int = 18, isExact: Bool = false
  ) -> (Int, Int)? {
    let parts = text.lowercased().split(separator: "e", omittingEmptySubsequences: false)
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, mantissa.count <= 2,
      let exponent = Int(parts.count == 2 ? parts[1] : "0"),
      abs(exponent) < 1000
    else { return nil }
    var digits = mantissa.joined().drop { $0 == "0" }
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    var places = (mantissa.count == 2 ? mantissa[1].count : 0) - exponent
    while places > 0, digits.last == "0" {
      digits.removeLast()
      places -= 1
    }
    guard !digits.isEmpty else { return (0, 1) }
    if places > most {
      guard !isExact else { return nil }
      let kept = digits.dropLast(places - most)
      let roundsUp = digits.dropFirst(kept.count).first.map { $0 >= "5" } ?? false
      // Where even the first digit lies beyond the last place, only it can round up.
      let lost = places - most > digits.count
      guard let n = Int(kept.isEmpty ? "0" : kept) else { return nil }
      return (n + (roundsUp && !lost ? 1 : 0), power(most))
    }
    guard places >= 0, let n = Int(digits) else { return nil }
    return (n, power(places))
  }

  private static func power(_ exponent: Int) -> Int {
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }

  /// Whether a·λ ≤ b·(1−λ), on whole numbers.
  ///
  /// - Precondition: a ≥ 0 and b ≥ 0.
  func isAtMostInOdds(_ a: Int, _ b: Int) -> Bool {
    let left = a.multipliedFullWidth(by: numerator)
    let right = b.multipliedFullWidth(by: denominator - numerator)
    return (left.high, left.low) <= (right.high, right.low)
  }

  /// Whether both are the same number.
  public static func == (a: ExactRatio, b: ExactRatio) -> Bool {
    a.numerator == b.numerator && a.denominator == b.denominator
  }

  /// Feeds the number, so that equal numbers hash alike.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(numerator)
    hasher.combine(denominator)
  }
}

extension ExactRatio: ExpressibleByFloatLiteral {
  /// The number that is written.
  ///
  /// - Precondition: it is in [0, 1].
  public init(floatLiteral value: Double) {
    guard let ratio = try? ExactRatio(value) else { preconditionFailure("\(value) is no ratio") }
    self = ratio
  }
}

extension ExactRatio: Codable {
  /// Reads a number.
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(Double.self))
  }

  /// Writes `value`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }
}
