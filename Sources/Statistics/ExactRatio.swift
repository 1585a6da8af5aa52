/// A number that is not negative, kept as the ratio of whole numbers that was written: "0.4" is 2/5, "8/255" is
/// 8/255.
///
/// The double nearest to 0.4 is not 2/5, so what is a tie at 2/5 is decided on whole numbers. Equal if the numbers
/// are, "1/2" and "0.50"; told as it was written.
public struct ExactRatio: Sendable, CustomStringConvertible {
  /// The text it was made from.
  public let description: String
  /// The ratio in lowest terms, from 0 to 10¹⁵.
  public let numerator: Int
  /// The ratio in lowest terms, from 1 to 10¹⁵.
  public let denominator: Int

  /// n/d, written in lowest terms: "2/5", "1".
  ///
  /// - Precondition: n is from 0 to 10¹⁵ and d from 1 to 10¹⁵.
  public init(_ n: Int, over d: Int) {
    precondition(0...Self.limit ~= n && 1...Self.limit ~= d, "\(n)/\(d) is no ratio")
    self.init(n, d)
  }

  /// Reads "n/d" of two whole numbers, or a decimal number without exponent, "0.15"; no
  /// number above 10¹⁵, and no more than 15 decimals. Nil for another text.
  public init?(_ text: String) {
    let fraction = text.split(separator: "/", omittingEmptySubsequences: false)
    if fraction.count == 2 {
      guard let n = Self.wholeNumber(fraction[0]), let d = Self.wholeNumber(fraction[1]), d > 0
      else { return nil }
      self.init(n, d, description: text)
      return
    }
    let decimal = text.split(separator: ".", omittingEmptySubsequences: false)
    let places = decimal.count == 2 ? decimal[1].count : 0
    guard fraction.count == 1, decimal.count <= 2, places <= 15,
      !decimal.contains(where: \.isEmpty),
      let n = Self.wholeNumber(decimal.joined().drop { $0 == "0" }, empty: 0)
    else { return nil }
    self.init(n, (0..<places).reduce(1) { power, _ in power * 10 }, description: text)
  }

  private init(_ n: Int, _ d: Int, description: String? = nil) {
    let divisor = Self.greatestCommonDivisor(n, d)
    numerator = n / divisor
    denominator = d / divisor
    self.description =
      description ?? (denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)")
  }

  /// Numbers of so many digits are doubles, so that a quotient of two is the double nearest to the ratio.
  private static let limit = 1_000_000_000_000_000

  private static func wholeNumber(_ digits: Substring, empty: Int? = nil) -> Int? {
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return digits.isEmpty ? empty : Int(digits).flatMap { $0 <= limit ? $0 : nil }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }

  /// The double nearest to the ratio.
  public var doubleValue: Double { Double(numerator) / Double(denominator) }

  /// The same number, written in lowest terms: equal numbers are equal texts.
  package var inLowestTerms: ExactRatio { ExactRatio(numerator, denominator) }

  /// n/d times this ratio, written in lowest terms.
  ///
  /// - Precondition: n and d are from 1 to 1000, and this ratio was not scaled before: a thousand times 10¹⁵ still
  ///   fits an integer.
  package func scaled(by n: Int, over d: Int) -> ExactRatio {
    ExactRatio(numerator * n, denominator * d)
  }

  /// Whether count times this ratio is at least another.
  ///
  /// - Precondition: the count is from 0 to a million.
  package func times(_ count: Int, isAtLeast other: ExactRatio) -> Bool {
    let product = UInt128(count) * UInt128(numerator) * UInt128(other.denominator)
    return product >= UInt128(other.numerator) * UInt128(denominator)
  }
}

extension ExactRatio: Hashable, Comparable {
  /// Whether both are the same number.
  public static func == (a: ExactRatio, b: ExactRatio) -> Bool {
    a.numerator == b.numerator && a.denominator == b.denominator
  }

  /// Whether `a` is the smaller number.
  public static func < (a: ExactRatio, b: ExactRatio) -> Bool {
    let left = a.numerator.multipliedFullWidth(by: b.denominator)
    let right = b.numerator.multipliedFullWidth(by: a.denominator)
    return (left.high, left.low) < (right.high, right.low)
  }

  /// Feeds the number, not its text, so that equal numbers hash alike.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(numerator)
    hasher.combine(denominator)
  }
}
