import Statistics

extension Generator where Value: FixedWidthInteger & Sendable, Value.Magnitude: Sendable {
  /// Integers of the range, of every number of digits, the ends among them; simplest is the one
  /// nearest to `origin`, by default to zero. A property is refused if an end is 2⁶⁴ or more away from
  /// that.
  public static func integer(
    in range: ClosedRange<Value> = Value.min...Value.max, near origin: Value = 0
  ) -> Generator {
    let origin = min(max(origin, range.lowerBound), range.upperBound)
    guard let above = distance(from: origin, to: range.upperBound),
      let below = distance(from: range.lowerBound, to: origin)
    else {
      return .impossible("\(range) has ends 2⁶⁴ or more away from \(origin); give a smaller range")
    }
    return Generator { source throws(Discarded) in
      try source.span(integerLabel) { () throws(Discarded) in
        var isBelow = above == 0 && below > 0
        if above > 0, below > 0 { isBelow = try source.choose(upTo: 1) == 1 }
        let bound = isBelow ? below : above
        guard bound > 0 else { return origin }
        let steps = try source.choose(upTo: bound) { magnitude(upTo: bound, from: &$0) }
        let offset = Value(truncatingIfNeeded: steps)
        return isBelow ? origin &- offset : origin &+ offset
      }
    }
  }

  /// Integers of the range, which is not empty; simplest is the one nearest to zero.
  public static func integer(in range: Range<Value>) -> Generator {
    range.isEmpty
      ? .impossible("\(range) has no integer; give a range that is not empty")
      : integer(in: range.lowerBound...(range.upperBound - 1))
  }

  /// high − low, which may not fit `Value` but fits its magnitude type; nil if it does not fit 64 bits.
  private static func distance(from low: Value, to high: Value) -> UInt64? {
    UInt64(exactly: Value.Magnitude(truncatingIfNeeded: high &- low))
  }
}

private let integerLabel = -2

/// Small numbers and large ones: one time in four uniform, one in sixteen next to the bound, else
/// uniform among those of a random number of binary digits.
func magnitude(upTo bound: UInt64, from stream: inout RandomStream) -> UInt64 {
  switch stream.integer(below: 16) {
  case 0: return bound - min(bound, UInt64(stream.integer(below: 3)))
  case 1...4: return uniform(upTo: bound, from: &stream)
  default:
    let digits = stream.integer(below: 65 - bound.leadingZeroBitCount)
    guard digits > 0 else { return 0 }
    return min(bound, uniform(upTo: .max >> UInt64(64 - digits), from: &stream))
  }
}

extension Generator where Value == Bool {
  /// False, the simplest, or true.
  public static var bool: Generator {
    Generator { source throws(Discarded) in try source.choose(upTo: 1) == 1 }
  }
}

extension Generator {
  /// One of the elements, uniformly; the first is the simplest. With no element the property is refused.
  public static func element(of elements: [Value]) -> Generator where Value: Sendable {
    guard !elements.isEmpty else {
      return .impossible("there is no element to choose from; give one")
    }
    return Generator { source throws(Discarded) in
      elements[Int(try source.choose(upTo: UInt64(elements.count - 1)))]
    }
  }

  /// nil, the simplest, one time in four, or a value.
  public static func optional<Wrapped>(
    _ wrapped: Generator<Wrapped>
  ) -> Generator where Value == Wrapped? {
    Generator { source throws(Discarded) in
      let isThere = try source.choose(upTo: 1) { $0.integer(below: 4) == 0 ? 0 : 1 }
      return isThere == 1 ? try wrapped.value(from: source) : nil
    }
  }
}

extension Generator where Value: CaseIterable & Sendable {
  /// One of the cases of an enumeration; the first is the simplest.
  public static var anyCase: Generator { element(of: Array(Value.allCases)) }
}
