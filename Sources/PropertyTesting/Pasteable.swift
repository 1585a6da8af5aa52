/// The value as Swift source where that is possible, so that a case can be pasted into a test.
func pasteable(_ value: Any) -> String {
  switch value {
  case let value as Float: return number(value, "Float")
  case let value as Double: return number(value, "Double")
  case let value as any PasteableCollection: return value.pasteable
  case let value as any PasteableOptional: return value.pasteable
  case let value as Character: return String(reflecting: String(value))
  default: return enumeration(value) ?? String(reflecting: value)
  }
}

/// A value of an enumeration that says nothing of its own text: `.name(label: value)`.
private func enumeration(_ value: Any) -> String? {
  let mirror = Mirror(reflecting: value)
  guard mirror.displayStyle == .enum, !(value is any CustomDebugStringConvertible),
    !(value is any CustomStringConvertible)
  else { return nil }
  guard let payload = mirror.children.first?.value else { return ".\(caseName(value))" }
  let values = Mirror(reflecting: payload)
  let isTuple = values.displayStyle == .tuple
  let texts =
    isTuple
    ? values.children.map { child in
      let label = child.label.flatMap { $0.hasPrefix(".") ? nil : "\($0): " } ?? ""
      return label + pasteable(child.value)
    } : [pasteable(payload)]
  return ".\(caseName(value))(\(texts.joined(separator: ", ")))"
}

/// The name of a value's case if it is of an enumeration, of its type otherwise.
func caseName(_ value: Any) -> String {
  let mirror = Mirror(reflecting: value)
  guard mirror.displayStyle == .enum else { return "\(type(of: value))" }
  if let name = mirror.children.first?.label { return name }
  return "\(value)"
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
