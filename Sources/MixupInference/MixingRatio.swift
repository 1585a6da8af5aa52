import Foundation
import Statistics

/// λ, the mixing ratio: the share of the input itself in a mixture λx + (1−λ)x_s, in [0, 1]. Kept as the exact ratio
/// that was asked for: "0.6", "3/5".
///
/// Equal if the numbers are. Zhang et al., "mixup", ICLR 2018, draw it for training; Pang, Xu and Zhu, ICLR 2020, fix
/// it for inference.
public struct MixingRatio: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number.
  public let ratio: ExactRatio

  /// n/d. Told in lowest terms.
  ///
  /// - Precondition: 0 ≤ n ≤ d ≤ 10¹⁵ and d > 0.
  public init(_ n: Int, over d: Int) {
    precondition(n <= d, "\(n)/\(d) is no mixing ratio")
    ratio = ExactRatio(n, over: d)
  }

  /// Reads a decimal number without exponent, or "n/d" of two whole numbers.
  ///
  /// - Throws: `MixingRatioError` unless the text is such a number, and in [0, 1].
  public init(_ text: String) throws(MixingRatioError) {
    guard let ratio = ExactRatio(text), ratio.numerator <= ratio.denominator else {
      throw MixingRatioError(text: text)
    }
    self.ratio = ratio
  }

  /// The text it was made from.
  public var description: String { ratio.description }

  /// The double nearest to the ratio, for the theory.
  public var doubleValue: Double { ratio.doubleValue }

  /// The float nearest to `doubleValue`, by which pixels are multiplied.
  public var value: Float { Float(doubleValue) }

  /// Whether a·λ ≤ b·(1−λ), on whole numbers.
  ///
  /// - Precondition: a ≥ 0 and b ≥ 0.
  func isAtMostInOdds(_ a: Int, _ b: Int) -> Bool {
    let left = a.multipliedFullWidth(by: ratio.numerator)
    let right = b.multipliedFullWidth(by: ratio.denominator - ratio.numerator)
    return (left.high, left.low) <= (right.high, right.low)
  }

  /// Whether `a` is the smaller number.
  public static func < (a: MixingRatio, b: MixingRatio) -> Bool { a.ratio < b.ratio }
}

extension MixingRatio: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// 0 or 1.
  public init(integerLiteral value: Int) { self.init(value, over: 1) }

  /// The decimal number that is written: 0.4 is 2/5.
  ///
  /// - Precondition: it is in [0, 1], with at most 15 digits.
  public init(floatLiteral value: Double) {
    guard let ratio = try? MixingRatio("\(value)") else {
      preconditionFailure("\(value) is no mixing ratio")
    }
    self = ratio
  }
}

extension MixingRatio: Codable {
  /// Reads a number, whose decimal digits are exact, or a text.
  public init(from decoder: any Decoder) throws {
    let field = try decoder.singleValueContainer()
    let text = try (try? field.decode(String.self)) ?? "\(field.decode(Decimal.self))"
    do {
      try self.init(text)
    } catch {
      throw DecodingError.dataCorruptedError(in: field, debugDescription: error.description)
    }
  }

  /// Writes the number if that says what was asked for to the digit, 0.6; otherwise the text, "0.60", "1/3".
  public func encode(to encoder: any Encoder) throws {
    var field = encoder.singleValueContainer()
    if let number = Decimal(string: description), "\(number)" == description {
      try field.encode(number)
    } else {
      try field.encode(description)
    }
  }
}

/// A text that is no mixing ratio.
public struct MixingRatioError: ExplainedError, Equatable {
  /// What was given.
  public let text: String

  package init(text: String) { self.text = text }

  /// What was given, and what may be.
  public var description: String {
    "λ is \(text.isEmpty ? "empty" : text); give a number from 0 to 1: 0.6, 3/5"
  }

  /// `.usage`: what was asked for is wrong.
  public var cause: ErrorCause { .usage }
}
