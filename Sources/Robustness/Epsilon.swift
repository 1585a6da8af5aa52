import Statistics

/// A length on the pixel scale [0, 1], kept as the exact ratio that was asked for: "8/255", "0.15".
///
/// Equal if the numbers are: "1/2" equals "0.50". Written, and encoded, as it was asked for.
public struct Epsilon: Sendable, CustomStringConvertible {
  /// The text it was made from.
  public let description: String
  /// The numerator in lowest terms.
  public let numerator: Int
  /// The denominator in lowest terms, positive.
  public let denominator: Int

  /// Reads "n/d" of two whole numbers, or a decimal number without exponent.
  ///
  /// - Parameter norm: in ℓ2 a length may be more than the width of the scale.
  /// - Throws: `EpsilonError` unless the text is such a number and in [0, 1], or [0, 1000] in ℓ2.
  public init(
    _ text: String, norm: PerturbationBudget.Norm = .linf
  ) throws(EpsilonError) {
    guard let (n, d) = Self.ratio(text) else { throw .text(text) }
    switch norm {
    case .linf: guard n <= d else { throw .tooLarge(text) }
    case .l2: guard n / d < 1000 || (n / d == 1000 && n % d == 0) else { throw .beyondAll(text) }
    }
    let divisor = Self.greatestCommonDivisor(n, d)
    description = text
    numerator = n / divisor
    denominator = d / divisor
  }

  /// 0.
  public static let zero = Epsilon(description: "0", numerator: 0, denominator: 1)

  /// The double nearest to the ratio.
  public var doubleValue: Double { Double(numerator) / Double(denominator) }

  /// The float nearest to `doubleValue`.
  public var value: Float { Float(doubleValue) }

  /// The same number, written as a ratio in lowest terms: equal numbers are equal texts.
  package var inLowestTerms: Epsilon {
    Epsilon(
      description: denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)",
      numerator: numerator, denominator: denominator)
  }

  /// Whether `steps` steps of this length together are at least as long as a radius; exactly, on whole
  /// numbers.
  ///
  /// - Precondition: steps are from 0 to a million; lengths are at most 10¹⁵ over 10¹⁵ as read.
  package func reaches(_ radius: Epsilon, inSteps steps: Int) -> Bool {
    let way = UInt128(steps) * UInt128(numerator) * UInt128(radius.denominator)
    return way >= UInt128(radius.numerator) * UInt128(denominator)
  }

  /// n/d times this length, or `limit` if that is less. Written as a ratio.
  ///
  /// - Precondition: n and d are from 1 to 1000; numerator and denominator are at most 10¹⁵ as read.
  func scaled(by n: Int, over d: Int, limit: Int) -> Epsilon {
    let (above, below) = (numerator * n, denominator * d)
    // A thousand of the longest denominators are more than an integer holds.
    let most = limit.multipliedFullWidth(by: below)
    guard most.high > 0 || UInt(above) <= most.low else {
      return Epsilon(description: "\(limit)", numerator: limit, denominator: 1)
    }
    let divisor = Self.greatestCommonDivisor(above, below)
    let (a, b) = (above / divisor, below / divisor)
    return Epsilon(description: b == 1 ? "\(a)" : "\(a)/\(b)", numerator: a, denominator: b)
  }

  private init(description: String, numerator: Int, denominator: Int) {
    self.description = description
    self.numerator = numerator
    self.denominator = denominator
  }

  private static func ratio(_ text: String) -> (Int, Int)? {
    // Fifteen digits stay below 2⁵³, so the double is the nearest, and 10¹⁵ fits an integer.
    func digits(_ part: Substring) -> Int? {
      guard !part.isEmpty, part.count <= 15, part.allSatisfy({ $0.isASCII && $0.isNumber })
      else { return nil }
      return Int(part)
    }
    let fraction = text.split(separator: "/", omittingEmptySubsequences: false)
    if fraction.count == 2 {
      guard let n = digits(fraction[0]), let d = digits(fraction[1]), d > 0 else { return nil }
      return (n, d)
    }
    let decimal = text.split(separator: ".", omittingEmptySubsequences: false)
    guard fraction.count == 1, decimal.count <= 2 else { return nil }
    let places = decimal.count == 2 ? decimal[1].count : 0
    guard decimal.allSatisfy({ !$0.isEmpty }), let n = digits(decimal.joined()[...])
    else { return nil }
    return (n, (0..<places).reduce(1) { power, _ in power * 10 })
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }
}

extension Epsilon: Hashable, Comparable {
  /// Whether both are the same number.
  public static func == (a: Epsilon, b: Epsilon) -> Bool {
    a.numerator == b.numerator && a.denominator == b.denominator
  }

  /// Whether `a` is the smaller number.
  public static func < (a: Epsilon, b: Epsilon) -> Bool {
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

extension Epsilon: Codable {
  /// Reads the text of a length of at most 1000, the most that any norm allows, so that whatever was written can
  /// be read; callers that know the norm check more.
  public init(from decoder: any Decoder) throws {
    let field = try decoder.singleValueContainer()
    do {
      try self.init(field.decode(String.self), norm: .l2)
    } catch let error as EpsilonError {
      throw DecodingError.dataCorruptedError(in: field, debugDescription: error.description)
    }
  }

  /// Writes the text as it was asked for.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// Why a text is no length on the pixel scale.
public enum EpsilonError: ExplainedError, Equatable {
  case text(String)
  case tooLarge(String)
  case beyondAll(String)

  /// `.usage`: what was asked for is wrong.
  public var cause: ErrorCause { .usage }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .text(let text):
      "\"\(text)\" is no length on the pixel scale; write a ratio or a decimal: 8/255, 0.15"
    case .tooLarge(let text):
      "\"\(text)\" is more than 1, the width of the pixel scale; 8 of 255 levels are 8/255"
    case .beyondAll(let text):
      "\"\(text)\" is more than 1000, which is farther than images are apart in ℓ2; give less"
    }
  }
}
