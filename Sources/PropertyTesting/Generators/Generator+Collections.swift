import Statistics

/// All elements of all collections have one label.
private let elementLabel = -3

extension Generator {
  /// Arrays with a number of elements in the range; simplest is the shortest.
  ///
  /// Before every element that need not be there a choice says whether there is one more, so that
  /// deleting the choices of an element deletes the element.
  public static func array<Element>(
    of element: Generator<Element>, count: ClosedRange<Int> = 0...20
  ) -> Generator where Value == [Element] {
    precondition(count.lowerBound >= 0, "an array cannot have \(count.lowerBound) elements")
    let (least, most) = (count.lowerBound, count.upperBound)
    // Of lengths that differ in size, not in a few elements: the mean itself is drawn.
    return Generator { source throws(Discarded) in
      var result: [Element] = []
      var likelihood: Float?
      while result.count < most {
        var isLast = false
        try source.span(elementLabel) { () throws(Discarded) in
          if result.count >= least {
            let isMore = try source.choose(upTo: 1) { stream in
              let p = likelihood ?? stream.uniform().squareRoot()
              likelihood = p
              return stream.uniform() < p ? 1 : 0
            }
            isLast = isMore == 0
          }
          if !isLast { result.append(try element.value(from: source)) }
        }
        if isLast { break }
      }
      return result
    }
  }

  /// Arrays of the given length.
  public static func array<Element>(
    of element: Generator<Element>, count: Int
  ) -> Generator where Value == [Element] {
    array(of: element, count: count...count)
  }

  /// Sets; as many elements are drawn as the range says, equal ones coincide.
  public static func set<Element: Hashable & SendableMetatype>(
    of element: Generator<Element>, count: ClosedRange<Int> = 0...20
  ) -> Generator where Value == Set<Element> {
    Generator<[Element]>.array(of: element, count: 0...count.upperBound).map { Set($0) }
      .filter { count.contains($0.count) }
  }

  /// Dictionaries; of equal keys the last counts.
  public static func dictionary<Key: Hashable & SendableMetatype, Element>(
    _ key: Generator<Key>, _ element: Generator<Element>, count: ClosedRange<Int> = 0...20
  ) -> Generator where Value == [Key: Element] {
    let pair = Generator<(Key, Element)> { source throws(Discarded) in
      (try key.value(from: source), try element.value(from: source))
    }
    return Generator<[(Key, Element)]>.array(of: pair, count: count)
      .map { Dictionary($0) { _, last in last } }
  }

  /// Orders of 0..<count, uniformly; simplest is the ascending one.
  public static func permutation(of count: Int) -> Generator where Value == [Int] {
    Generator { source throws(Discarded) in
      var order = Array(0..<count)
      for place in order.indices.dropLast() {
        let step = try source.choose(upTo: UInt64(count - 1 - place))
        order.swapAt(place, place + Int(step))
      }
      return order
    }
  }
}

extension Generator where Value == Character {
  /// A character: letters first, then other printable ASCII, then all of Unicode.
  public static var character: Generator {
    Generator { source throws(Discarded) in
      let index = try source.choose(upTo: UInt64(scalarOrder.count + 0x10FFFF)) { stream in
        switch stream.integer(below: 4) {
        case 0: uniform(upTo: 0x10FFFF, from: &stream) + UInt64(scalarOrder.count)
        default: uniform(upTo: UInt64(scalarOrder.count - 1), from: &stream)
        }
      }
      if index < scalarOrder.count { return scalarOrder[Int(index)] }
      // Surrogates are no scalars.
      let scalar = UInt32(truncatingIfNeeded: index - UInt64(scalarOrder.count))
      return Character(Unicode.Scalar(scalar) ?? "\u{FFFD}")
    }
  }
}

private let scalarOrder: [Character] =
  Array("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
  + Array(" _-.,:;!?\"'`/\\|@#$%&*+=<>()[]{}^~\n\t")

extension Generator where Value == String {
  /// Strings of the given characters, of a length in the range.
  public static func string(
    of character: Generator<Character> = .character, count: ClosedRange<Int> = 0...20
  ) -> Generator {
    Generator<[Character]>.array(of: character, count: count).map { String($0) }
  }
}
