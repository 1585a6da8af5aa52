/// A case as text: the choices from which it was made.
///
/// A token is `2-…-…`: the version of the format, the choices in base 36 with dots between them, and
/// five digits that depend on them all, so that no part of a token and no other text is taken for one.
public struct ReplayToken: Hashable, Sendable, Codable, LosslessStringConvertible {
  let choices: [UInt64]

  package init(_ choices: [UInt64]) { self.choices = choices }

  /// Reads a token, whole and as it was printed.
  public init?(_ description: String) {
    let parts = description.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    var choices: [UInt64] = []
    for part in parts[1].split(separator: ".") {
      guard choices.count < ChoiceSource.choiceLimit, let choice = UInt64(part, radix: 36) else {
        return nil
      }
      choices.append(choice)
    }
    self.choices = choices
    // There is one way to write a token; this compares version and check digits too.
    guard self.description.utf8.elementsEqual(description.utf8) else { return nil }
  }

  /// Reads the text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let token = ReplayToken(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(text)\" is no replay token")
    }
    self = token
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// The text of the token.
  public var description: String {
    let body = choices.map { String($0, radix: 36) }.joined(separator: ".")
    let check = String(fnv1a("2-\(body)".utf8) % 60_466_176, radix: 36)  // 36⁵
    return "2-\(body)-" + String(repeating: "0", count: 5 - check.count) + check
  }
}
