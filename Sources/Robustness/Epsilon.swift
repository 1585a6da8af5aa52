import Statistics

/// A length on the pixel scale [0, 1], kept as the exact ratio that was asked for: "8/255", "0.15".
///
/// Equal if the numbers are: "1/2" equals "0.50". Written, and encoded, as it was asked for.
public struct Epsilon: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The length as an exact ratio.
  public let ratio: ExactRatio

  /// n/d, such as 8 of 255 levels of a pixel. It is printed in lowest terms, as there is no text that it was asked for by.
  ///
  /// - Precondition: n is from 0 to 10¹⁵ and d from 1 to 10¹⁵.
  public init(_ n: Int, over d: Int) { ratio = ExactRatio(n, over: d) }

  /// Reads "n/d" of two whole numbers, or a decimal number without exponent.
  ///
  /// - Parameter norm: in ℓ2 a length may be more than the width of the scale.
  /// - Throws: `EpsilonError` unless the text is such a number and in [0, 1], or [0, 1000] in ℓ2.
  public init(
    _ text: String, norm: PerturbationBudget.Norm = .linf
  ) throws(EpsilonError) {
    guard let ratio = ExactRatio(text) else { throw .text(text) }
    guard ratio <= norm.largestRadius else {
      throw norm == .linf ? .tooLarge(text) : .beyondAll(text)
    }
    self.ratio = ratio
  }

  private init(_ ratio: ExactRatio) { self.ratio = ratio }

  /// The length 0, at which an attack may change nothing.
  public static let zero = Epsilon(0, over: 1)

  /// The largest length that a norm allows: so large that every image is within it.
  package static func largest(of norm: PerturbationBudget.Norm) -> Epsilon {
    Epsilon(norm.largestRadius)
  }

  /// The text it was made from.
  public var description: String { ratio.description }

  /// The double nearest to the ratio.
  public var doubleValue: Double { ratio.doubleValue }

  /// The float nearest to `doubleValue`.
  public var value: Float { Float(doubleValue) }

  /// The same number, written as a ratio in lowest terms: equal numbers are equal texts.
  package var inLowestTerms: Epsilon { Epsilon(ratio.inLowestTerms) }

  /// Whether `steps` steps of this length together are at least as long as a radius; exactly, on whole
  /// numbers.
  ///
  /// - Precondition: steps are from 0 to a million, and neither length is one of `scaled`, whose numbers may be too large.
  package func reaches(_ radius: Epsilon, inSteps steps: Int) -> Bool {
    ratio.times(steps, isAtLeast: radius.ratio)
  }

  /// n/d times this length, or the largest of a norm if that is less. Written as a ratio.
  ///
  /// - Precondition: n and d are from 1 to 1000, and this length is not itself one of `scaled`.
  func scaled(by n: Int, over d: Int, in norm: PerturbationBudget.Norm) -> Epsilon {
    Epsilon(min(ratio.scaled(by: n, over: d), norm.largestRadius))
  }

  /// Whether `a` is the shorter length.
  public static func < (a: Epsilon, b: Epsilon) -> Bool { a.ratio < b.ratio }
}

extension PerturbationBudget.Norm {
  /// The width of the pixel scale in ℓ∞; in ℓ2 more than images are apart.
  fileprivate var largestRadius: ExactRatio { ExactRatio(self == .linf ? 1 : 1000, over: 1) }
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
