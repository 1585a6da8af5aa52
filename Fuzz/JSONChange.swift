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
  func changed(_ value: Any) -> Any {
    var change = self
    change.left = change.random.integer(below: Self.count(value))
    return change.visit(value)
  }

  private static func count(_ value: Any) -> Int {
    switch value {
    case let list as [Any]: list.reduce(1) { $0 + count($1) }
    case let object as [String: Any]: object.values.reduce(1) { $0 + count($1) }
    default: 1
    }
  }

  private mutating func visit(_ value: Any) -> Any {
    left -= 1
    if left < 0 {
      left = .max
      return replaced(value)
    }
    switch value {
    case let list as [Any]: return list.map { visit($0) }
    case var object as [String: Any]:
      for key in object.keys.sorted() { object[key] = object[key].map { visit($0) } }
      return object
    default: return value
    }
  }

  /// Something else in the place of a value: mostly of its kind.
  private mutating func replaced(_ value: Any) -> Any {
    guard random.integer(below: 6) > 0 else { return anything() }
    switch value {
    case var list as [Any]:
      guard let place = list.indices.randomElement(using: &random) else { return [anything()] }
      switch random.integer(below: 4) {
      case 0: list.remove(at: place)
      case 1: list.insert(list[place], at: place)
      case 2: list.swapAt(place, list.indices.randomElement(using: &random) ?? place)
      default: list[place] = list.randomElement(using: &random) ?? anything()
      }
      return list
    case var object as [String: Any]:
      let keys = object.keys.sorted()
      guard let key = keys.randomElement(using: &random),
        let other = keys.randomElement(using: &random)
      else { return object }
      switch random.integer(below: 4) {
      case 0: object[key] = nil
      case 1: object[key] = object[other]
      case 2: object[word(key)] = object[key]
      default: object[word("")] = anything()
      }
      return object
    case let text as String: return word(text)
    case let number as NSNumber:
      let whole = number.int64Value
      let near: [Any] = [
        whole &+ 1, whole &- 1, whole &* 2, 0 &- whole, whole / 2, number.doubleValue * 1.5,
        anyNumber(),
      ]
      return near.randomElement(using: &random) ?? whole
    default: return anything()
    }
  }

  private mutating func word(_ text: String) -> String {
    let words = [
      "", "0", "-1", "8/255", "0.1", "1e9", "NaN", "9223372036854775808", "\u{1B}[31m", "é\u{301}",
      "../x", String(repeating: "a", count: 300), text + text, String(text.dropLast()),
      text + ".0", "module." + text, String(text.reversed()),
    ]
    return words.randomElement(using: &random) ?? text
  }

  private mutating func anyNumber() -> Any {
    let numbers: [Any] = [
      0, 1, -1, 2, 7, 255, 256, 1 << 16, 1 << 31, 1 << 53, Int64.max, Int64.min, UInt64.max, 0.5,
      -0.0, Double.leastNonzeroMagnitude, 1e300, 0.1,
    ]
    return numbers.randomElement(using: &random) ?? 0
  }

  private mutating func anything() -> Any {
    switch random.integer(below: 6) {
    case 0: NSNull()
    case 1: random.integer(below: 2) == 0
    case 2: word("x")
    case 3: [Any]()
    case 4: [String: Any]()
    default: anyNumber()
    }
  }
}
