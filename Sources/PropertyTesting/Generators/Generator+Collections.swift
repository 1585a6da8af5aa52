import Foundation
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
    Generator { source throws(Discarded) in
      var result: [Element] = []
      try collect(count, from: source) { () throws(Discarded) in
        result.append(try element.value(from: source))
        return result.count
      }
      return result
    }
  }

  /// Sequences of commands to a system whose model is `start` at first. Every number of commands in the range is
  /// as likely as the others; simplest are the fewest.
  ///
  /// A command that is not allowed where it would stand is left out, and another is made. So shrinking may leave out
  /// what opens a file without what closes it. After 64 such misses in a row the sequence ends, or is discarded if it
  /// is too short.
  public static func commands<Element>(
    from start: Element.Model, count: ClosedRange<Int> = 0...50
  ) -> Generator where Value == CommandSequence<Element> {
    Generator { source throws(Discarded) in
      var model = start
      var commands: [Element] = []
      try collect(
        count, from: source,
        isMore: { stream, found in stream.integer(below: count.upperBound - found + 1) > 0 }
      ) { () throws(Discarded) in
        let command = try Element.any(in: model).value(from: source)
        if command.isAllowed(in: model) {
          _ = command.run(onModel: &model)
          commands.append(command)
        }
        return commands.count
      }
      return CommandSequence(commands, from: start)
    }
  }

  /// Makes elements until there are enough.
  ///
  /// - Parameters:
  ///   - isMore: draws whether there is one more behind those that were found; unless given, with a chance
  ///     that is drawn once for the collection, so that short and long ones are both frequent.
  ///   - insert: makes an element and returns how many there are then. If that is not one more, as of a set
  ///     that has the element, another is made; after 64 such misses in a row no more are, and if there are
  ///     too few then the case is discarded.
  private static func collect(
    _ count: ClosedRange<Int>, from source: ChoiceSource,
    isMore: ((inout RandomStream, _ found: Int) -> Bool)? = nil,
    insert: () throws(Discarded) -> Int
  ) throws(Discarded) {
    guard count.lowerBound >= 0 else {
      throw source.refused(
        .impossible("a collection cannot have \(count.lowerBound) elements; give 0 or more"))
    }
    var (found, misses) = (0, 0)
    var likelihood: Float?
    while found < count.upperBound, misses < 64 {
      var isLast = false
      try source.span(elementLabel) { () throws(Discarded) in
        if found >= count.lowerBound {
          let goesOn = try source.choose(upTo: 1) { stream in
            if let isMore { return isMore(&stream, found) ? 1 : 0 }
            let p = likelihood ?? chanceOfMore(count.upperBound - count.lowerBound, &stream)
            likelihood = p
            return stream.uniform() < p ? 1 : 0
          }
          isLast = goesOn == 0
        }
        if !isLast {
          let now = try insert()
          misses = now > found ? 0 : misses + 1
          found = now
        }
      }
      if isLast { break }
    }
    if found < count.lowerBound { throw Discarded() }
  }

  /// The chance of one more element, where there may be so many beyond the least.
  ///
  /// Of up to 20 it is √u, so that half of the collections have two or more. Of more the mean length is between 1 and their
  /// number, 1000 at most, and its logarithm uniform: for 5000 half of the collections have twenty or more.
  private static func chanceOfMore(_ room: Int, _ stream: inout RandomStream) -> Float {
    let u = stream.uniform()
    guard room > 20 else { return u.squareRoot() }
    let mean = pow(Float(min(room, 1_000)), u)
    return mean / (mean + 1)
  }

  /// Arrays of the given length.
  public static func array<Element>(
    of element: Generator<Element>, count: Int
  ) -> Generator where Value == [Element] {
    array(of: element, count: count...count)
  }

  /// Sets with a number of elements in the range. A case is discarded where the generator makes too few
  /// different elements.
  public static func set<Element: Hashable & SendableMetatype>(
    of element: Generator<Element>, count: ClosedRange<Int> = 0...20
  ) -> Generator where Value == Set<Element> {
    Generator { source throws(Discarded) in
      var result: Set<Element> = []
      try collect(count, from: source) { () throws(Discarded) in
        result.insert(try element.value(from: source))
        return result.count
      }
      return result
    }
  }

  /// Dictionaries with a number of keys in the range; of equal keys the last counts.
  public static func dictionary<Key: Hashable & SendableMetatype, Element>(
    _ key: Generator<Key>, _ element: Generator<Element>, count: ClosedRange<Int> = 0...20
  ) -> Generator where Value == [Key: Element] {
    Generator { source throws(Discarded) in
      var result: [Key: Element] = [:]
      try collect(count, from: source) { () throws(Discarded) in
        let key = try key.value(from: source)
        result[key] = try element.value(from: source)
        return result.count
      }
      return result
    }
  }

  /// Orders of 0..<count, uniformly; simplest is the ascending one.
  public static func permutation(of count: Int) -> Generator where Value == [Int] {
    Generator { source throws(Discarded) in
      guard count >= 0 else {
        throw source.refused(.impossible("there is no order of \(count) numbers; give 0 or more"))
      }
      // Each place but the last takes a choice.
      guard count <= ChoiceSource.choiceLimit else { throw source.refused(.tooLarge) }
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
  /// Strings of the given characters, of a length in the range. A character that would merge with a
  /// neighbour into one, such as a combining accent, is left out, and another made.
  public static func string(
    of character: Generator<Character> = .character, count: ClosedRange<Int> = 0...20
  ) -> Generator {
    Generator { source throws(Discarded) in
      var (result, length) = ("", 0)
      var last: Character?
      try collect(count, from: source) { () throws(Discarded) in
        let next = try character.value(from: source)
        if last.map({ String([$0, next]).count == 2 }) ?? true, String([next, "a"]).count == 2 {
          result.append(next)
          length += 1
          last = next
        }
        return length
      }
      return result
    }
  }
}
