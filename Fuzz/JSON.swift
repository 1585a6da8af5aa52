import Foundation

/// JSON as it is written: names in their order and as often as they stand there, numbers and text by their characters.
///
/// A change of such a value leaves everything else as it was, which `JSONSerialization` would write anew; and readers are
/// shown what an encoder never writes, such as a name that stands twice.
enum JSON {
  /// A number, `true`, `false` or `null`.
  case word([UInt8])
  /// What stands between the quotation marks.
  case text([UInt8])
  case list([JSON])
  case object([(name: [UInt8], value: JSON)])

  init(_ number: Int) { self = .word(Array("\(number)".utf8)) }

  init(_ text: String) {
    let quoted = (try? JSONEncoder().encode(text)) ?? Data("\"\"".utf8)
    self = .text(Array(quoted.dropFirst().dropLast()))
  }

  /// Nil for what no such value can be made of, and for one of more than 64 levels.
  init?(_ data: Data) {
    var parser = Parser(bytes: Array(data))
    guard let value = parser.value(levels: 64), parser.isAtEnd else { return nil }
    self = value
  }

  /// As it is written, without blanks.
  var data: Data {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return Data(bytes)
  }

  private func write(to bytes: inout [UInt8]) {
    switch self {
    case .word(let word): bytes += word
    case .text(let text): Self.quote(text, to: &bytes)
    case .list(let values):
      bytes.append(UInt8(ascii: "["))
      for (place, value) in values.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let entries):
      bytes.append(UInt8(ascii: "{"))
      for (place, entry) in entries.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.quote(entry.name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        entry.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func quote(_ text: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    bytes += text
    bytes.append(UInt8(ascii: "\""))
  }

  /// A whole number.
  var integer: Int? {
    guard case .word(let word) = self else { return nil }
    return Int(String(decoding: word, as: UTF8.self))
  }

  /// A list of whole numbers.
  var integers: [Int]? {
    guard case .list(let values) = self else { return nil }
    let numbers = values.compactMap(\.integer)
    return numbers.count == values.count ? numbers : nil
  }

  /// Text whose escapes are resolved.
  var string: String? {
    guard case .text(let text) = self else { return nil }
    guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
    return try? JSONDecoder().decode(String.self, from: data)
  }

  /// The value of an object's name.
  subscript(name: String) -> JSON? {
    guard case .object(let entries) = self else { return nil }
    return entries.first { $0.name.elementsEqual(name.utf8) }?.value
  }
}

/// Takes everything that JSON is, and something more.
private struct Parser {
  let bytes: [UInt8]
  var place = 0

  var isAtEnd: Bool {
    mutating get {
      skipBlanks()
      return place == bytes.count
    }
  }

  private mutating func skipBlanks() {
    while place < bytes.count, Self.isBlank(bytes[place]) { place += 1 }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x0A, 0x0D, 0x09: true
    default: false
    }
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    switch Unicode.Scalar(byte) {
    case ",", ":", "[", "]", "{", "}", "\"": true
    default: isBlank(byte)
    }
  }

  /// Goes past a character if it is the next one.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  mutating func value(levels: Int) -> JSON? {
    guard levels > 0 else { return nil }
    if take("[") {
      var values: [JSON] = []
      if take("]") { return .list(values) }
      repeat {
        guard let next = value(levels: levels - 1) else { return nil }
        values.append(next)
      } while take(",")
      return take("]") ? .list(values) : nil
    }
    if take("{") {
      var entries: [(name: [UInt8], value: JSON)] = []
      if take("}") { return .object(entries) }
      repeat {
        guard let name = text(), take(":"), let next = value(levels: levels - 1) else { return nil }
        entries.append((name, next))
      } while take(",")
      return take("}") ? .object(entries) : nil
    }
    if let text = text() { return .text(text) }
    let start = place
    while place < bytes.count, !Self.endsWord(bytes[place]) { place += 1 }
    return place > start ? .word(Array(bytes[start..<place])) : nil
  }

  private mutating func text() -> [UInt8]? {
    guard take("\"") else { return nil }
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard place < bytes.count else { return nil }
    defer { place += 1 }
    return Array(bytes[start..<place])
  }
}
