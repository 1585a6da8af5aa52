/// The value as Swift source where that is possible, so that a case can be pasted into a test.
func pasteable(_ value: Any) -> String {
  switch value {
  case let value as Float: return number(value, "Float")
  case let value as Double: return number(value, "Double")
  case let value as any PasteableCollection: return value.pasteable
  case let value as any PasteableOptional: return value.pasteable
  case let value as Character: return String(reflecting: String(value))
  default: return String(reflecting: value)
  }
}

private func number<Number: BinaryFloatingPoint & CustomStringConvertible>(
  _ value: Number, _ type: String
) -> String {
  if value.isNaN { return "\(type).nan" }
  if value.isInfinite { return value < 0 ? "-\(type).infinity" : "\(type).infinity" }
  return value.description
}

private protocol PasteableCollection { var pasteable: String { get } }

extension Array: PasteableCollection {
  fileprivate var pasteable: String {
    "[\(map { PropertyTesting.pasteable($0) }.joined(separator: ", "))]"
  }
}

extension Set: PasteableCollection {
  // A set has no order; the texts give it one.
  fileprivate var pasteable: String {
    "[\(map { PropertyTesting.pasteable($0) }.sorted().joined(separator: ", "))]"
  }
}

extension Dictionary: PasteableCollection {
  fileprivate var pasteable: String {
    let pairs = map {
      "\(PropertyTesting.pasteable($0.key)): \(PropertyTesting.pasteable($0.value))"
    }
    return pairs.isEmpty ? "[:]" : "[\(pairs.sorted().joined(separator: ", "))]"
  }
}

private protocol PasteableOptional { var pasteable: String { get } }

extension Optional: PasteableOptional {
  fileprivate var pasteable: String { map { PropertyTesting.pasteable($0) } ?? "nil" }
}
