import Foundation
import Statistics

/// A change of one place in a JSON value.
struct JSONChange {
  private var random: RandomStream
  /// The places that are left before the one that is changed.
  private var left = 0

  /// Takes what it chooses from a stream, which goes on elsewhere.
  init(_ random: inout RandomStream) {
    self.random = RandomStream(
      RandomKey(seed: random.next(), purpose: .test, draw: 1))
  }

  /// A value that differs in one place, chosen uniformly.
  func changed(_ value: JSON) -> JSON {
    var change = self
    change.left = change.random.integer(below: Self.count(value))
    return change.visit(value)
  }

  private static func count(_ value: JSON) -> Int {
    switch value {
    case .list(let values): values.reduce(1) { $0 + count($1) }
    case .object(let entries): entries.reduce(1) { $0 + count($1.value) }
    case .word, .text: 1
    }
  }

  private mutating func visit(_ value: JSON) -> JSON {
    left -= 1
    if left < 0 {
      left = .max
      return replaced(value)
    }
    switch value {
    case .list(let values): return .list(values.map { visit($0) })
    case .object(let entries): return .object(entries.map { ($0.name, visit($0.value)) })
    case .word, .text: return value
    }
  }

  /// Something else in the place of a value: mostly of its kind.
  private mutating func replaced(_ value: JSON) -> JSON {
    guard random.integer(below: 6) > 0 else { return anything() }
    switch value {
    case .list(var list):
      guard let place = list.indices.randomElement(using: &random) else {
        return .list([anything()])
      }
      switch random.integer(below: 4) {
      case 0: list.remove(at: place)
      case 1: list.insert(list[place], at: place)
      case 2: list.swapAt(place, list.indices.randomElement(using: &random) ?? place)
      default: list[place] = list.randomElement(using: &random) ?? anything()
      }
      return .list(list)
    case .object(var entries):
      guard let place = entries.indices.randomElement(using: &random),
        let other = entries.indices.randomElement(using: &random)
      else { return .object([(Array("x".utf8), anything())]) }
      switch random.integer(below: 6) {
      case 0: entries.remove(at: place)
      case 1: entries[place].value = entries[other].value
      case 2: entries[place].name = word(entries[place].name)
      case 3: entries.append((word([]), anything()))
      case 4: entries.append(entries[place])
      default: entries.swapAt(place, other)
      }
      return .object(entries)
    case .text(let text): return .text(word(text))
    case .word(let word):
      guard let whole = value.integer else {
        guard let number = Double(String(decoding: word, as: UTF8.self)) else { return anything() }
        return random.integer(below: 2) == 0 ? anyNumber() : .word(Array("\(number * 1.5)".utf8))
      }
      let near = [whole &+ 1, whole &- 1, whole &* 2, 0 &- whole, whole / 2].map { "\($0)" }
      let spellings = near + ["\(whole)e1", "\(whole).5", "\(whole).0", "0\(whole)"]
      return random.integer(below: 8) == 0
        ? anyNumber() : .word(Array((spellings.randomElement(using: &random) ?? "0").utf8))
    }
  }

  /// Text instead of some other, its escapes as they are written.
  private mutating func word(_ text: [UInt8]) -> [UInt8] {
    switch random.integer(below: 12) {
    case 0: return text + text
    case 1: return text.dropLast()
    case 2: return text + Array(".0".utf8)
    case 3: return Array("module.".utf8) + text
    case 4: return text.reversed()
    default:
      let words = [
        "", "0", "-1", "8/255", "0.1", "1e9", "NaN", "9223372036854775808", "\\u001b[31m",
        "\u{1B}[31m", "é\u{301}", "\\ud800", "../x", String(repeating: "a", count: 300),
      ]
      return Array((words.randomElement(using: &random) ?? "").utf8)
    }
  }

  private mutating func anyNumber() -> JSON {
    let numbers = [
      "0", "1", "-1", "2", "7", "255", "256", "\(1 << 16)", "\(1 << 31)", "\(1 << 53)",
      "\(Int64.max)",
      "\(Int64.min)", "\(UInt64.max)", "0.5", "-0.0", "\(Double.leastNonzeroMagnitude)", "1e300",
      "0.1", "1e999",
    ]
    return .word(Array((numbers.randomElement(using: &random) ?? "0").utf8))
  }

  private mutating func anything() -> JSON {
    switch random.integer(below: 6) {
    case 0: .word(Array("null".utf8))
    case 1: .word(Array((random.integer(below: 2) == 0 ? "true" : "false").utf8))
    case 2: .text(word(Array("x".utf8)))
    case 3: .list([])
    case 4: .object([])
    default: anyNumber()
    }
  }
}
