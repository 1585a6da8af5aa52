/// A random distribution of values, given by how a value is made from choices.
///
/// Simpler choices must make simpler values: 0 the simplest. Everything built from generators with
/// `map`, `flatMap`, `filter`, `oneOf`, `frequency` and `recursive` shrinks by itself.
public struct Generator<Value>: Sendable {
  private let make: @Sendable (ChoiceSource) throws(Discarded) -> Value

  /// A generator whose values are made by the given function.
  public init(_ make: @escaping @Sendable (ChoiceSource) throws(Discarded) -> Value) {
    self.make = make
  }

  /// A value from the given choices.
  ///
  /// - Throws: `Discarded` where none can be made.
  public func value(from source: ChoiceSource) throws(Discarded) -> Value { try make(source) }

  /// Always the same value.
  public static func always(_ value: Value) -> Generator where Value: Sendable {
    Generator { _ in value }
  }

  /// The values f(v) for values v of this generator.
  public func map<Result>(_ f: @escaping @Sendable (Value) -> Result) -> Generator<Result> {
    Generator<Result> { source throws(Discarded) in f(try value(from: source)) }
  }

  /// Values of a generator f(v) that depends on a value v of this one.
  public func flatMap<Result>(
    _ f: @escaping @Sendable (Value) -> Generator<Result>
  ) -> Generator<Result> {
    Generator<Result> { source throws(Discarded) in
      try f(try value(from: source)).value(from: source)
    }
  }

  /// Values for which the condition holds; after eight misses in a row the case is discarded.
  public func filter(_ condition: @escaping @Sendable (Value) -> Bool) -> Generator {
    Generator { source throws(Discarded) in
      for _ in 0..<8 {
        let candidate = try source.span { () throws(Discarded) in try value(from: source) }
        if condition(candidate) { return candidate }
      }
      throw Discarded()
    }
  }

  /// No value at all: a property that asks for one is refused with this reason.
  static func impossible(_ reason: String) -> Generator {
    Generator { source throws(Discarded) in throw source.refused(.impossible(reason)) }
  }

  /// A value of one of the generators, each as likely as the others; the first is the simplest.
  public static func oneOf(_ generators: Generator...) -> Generator {
    frequency(generators.map { (1, $0) })
  }

  /// A value of one of the generators, with probabilities in the ratio of the weights.
  ///
  /// The first with a weight above 0 is the simplest. A property is refused where a weight is negative or
  /// their sum is 0 or more than an Int holds.
  public static func frequency(_ choices: [(weight: Int, generator: Generator)]) -> Generator {
    let weights = choices.map(\.weight)
    var (total, isTooLarge) = (0, false)
    for weight in weights where !isTooLarge {
      (total, isTooLarge) = total.addingReportingOverflow(weight)
    }
    guard !isTooLarge, total > 0, weights.allSatisfy({ $0 >= 0 }) else {
      return .impossible(
        "\(weights) are no weights; give numbers that are not negative, with a sum from 1 to "
          + "\(Int.max)")
    }
    let (possible, sum) = (choices.filter { $0.weight > 0 }, total)
    return Generator { source throws(Discarded) in
      let index = try source.choose(upTo: UInt64(possible.count - 1)) { stream in
        var place = stream.integer(below: sum)
        for (index, choice) in possible.enumerated() {
          place -= choice.weight
          if place < 0 { return UInt64(index) }
        }
        return 0
      }
      return try possible[Int(index)].generator.value(from: source)
    }
  }

  /// Values that contain values of their own kind, `depth` levels deep at most.
  ///
  /// - Parameters:
  ///   - base: values that contain none.
  ///   - step: makes a generator of values that contain values of the given one.
  public static func recursive(
    depth: Int = 5, base: Generator, step: @escaping @Sendable (Generator) -> Generator
  ) -> Generator {
    Generator { source throws(Discarded) in
      try source.span(recursionLabel) { () throws(Discarded) in
        // At the deepest level there is no choice, but its place is kept: the value must mean the
        // same wherever shrinking moves it.
        guard try source.choose(upTo: depth > 0 ? 1 : 0) == 1 else {
          return try base.value(from: source)
        }
        return try step(recursive(depth: depth - 1, base: base, step: step)).value(from: source)
      }
    }
  }
}

/// All levels of a recursion have one label, so that a value may be replaced by one inside it.
private let recursionLabel = -1

/// One value of each generator, as a tuple.
func combined<each Value>(
  _ generators: repeat Generator<each Value>
) -> Generator<(repeat each Value)> {
  Generator<(repeat each Value)> { source throws(Discarded) in
    (repeat try argument(each generators, from: source))
  }
}

private func argument<Value>(
  _ generator: Generator<Value>, from source: ChoiceSource
) throws(Discarded) -> Value {
  try source.span { () throws(Discarded) in try generator.value(from: source) }
}
