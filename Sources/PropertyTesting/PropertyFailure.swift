/// What was wrong with a case, and by which fault.
public struct PropertyFailure: Sendable, Hashable {
  /// Where in the source the fault shows, or the type of its error: the same for all failures of one
  /// fault.
  public var kind: String
  /// Tells the faults of one kind apart. Shrinking goes on only as long as the case shows the fault that
  /// was found. But where one kind shows more faults than are reported, their names evidently come from
  /// the data of the cases, and all of the kind count as one fault.
  public var fault: String
  /// What was wrong, in one line or more.
  public var description: String

  /// A failure of the fault with this name.
  public init(kind: String, fault: String = "", description: String) {
    self.kind = kind
    self.fault = fault
    self.description = description
  }

  /// The failure that an error is. Its kind is the error's type, its fault the words of the text without
  /// numbers and what stands in quotation marks or brackets: those are the case's, not the fault's.
  public init(_ error: any Error) {
    self.init(
      kind: String(reflecting: type(of: error)), fault: shape(of: error).joined(separator: " "),
      description: "\(error)")
  }

  func isSame(as other: PropertyFailure, byKind: Bool = false) -> Bool {
    kind == other.kind && (byKind || fault == other.fault)
  }
}

/// Runs of letters, digits and underscores.
private func words(of text: String) -> [Substring] {
  text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
}

/// The words of a value's text that do not depend on numbers, flags, strings and collections in it.
private func shape(of value: Any, depth: Int = 4) -> [String] {
  if value is any CustomStringConvertible || depth == 0 { return messageWords("\(value)") }
  let children = Mirror(reflecting: value).children
  if children.isEmpty { return messageWords("\(value)") }
  return children.flatMap { ($0.label.map { [$0] } ?? []) + shape(of: $0.value, depth: depth - 1) }
}

private let dataWords: Set<Substring> = ["nan", "inf", "infinity", "true", "false", "nil"]

private func messageWords(_ text: String) -> [String] {
  words(of: withoutQuotations(text))
    .filter { word in !word.contains(where: \.isNumber) && !dataWords.contains(word) }
    .map { String($0) }
}

/// The text without what stands in quotation marks and in brackets, as far as these are closed.
private func withoutQuotations(_ text: String) -> String {
  let characters = Array(text)
  var result = ""
  var place = 0
  while place < characters.count {
    if let end = endOfQuotation(characters, from: place) {
      result.append(" ")
      place = end + 1
    } else {
      result.append(characters[place])
      place += 1
    }
  }
  return result
}

/// The place of the sign that closes what is opened at the given place; nil if nothing is.
private func endOfQuotation(_ text: [Character], from start: Int) -> Int? {
  func isPartOfWord(_ place: Int) -> Bool {
    text.indices.contains(place) && (text[place].isLetter || text[place].isNumber)
  }
  switch text[start] {
  case "\"", "`":
    return text[(start + 1)...].firstIndex(of: text[start])
  case "'":
    // No apostrophe: those follow a letter.
    return isPartOfWord(start - 1)
      ? nil : text.indices.first { $0 > start && text[$0] == "'" && !isPartOfWord($0 + 1) }
  case "“": return text[start...].firstIndex(of: "”")
  case "[":
    var depth = 0
    for place in start..<text.count {
      depth += text[place] == "[" ? 1 : text[place] == "]" ? -1 : 0
      if depth == 0 { return place }
    }
    return nil
  default: return nil
  }
}
