import Foundation
import PropertyTesting
import Testing

/// The public challenges of github.com/jlink/shrinking-challenge: each plants a fault whose simplest
/// counterexample is known.
@Suite("The shrinking challenges end in the simplest counterexample")
struct ShrinkingChallengeTests {
  struct Fault: Error {}

  /// What the fault shrinks to, from thirty seeds; prints the attempts that it took if the environment has SHRINKING=1.
  private func shrunk<each Value: Sendable>(
    _ generators: repeat Generator<each Value>, name: String = #function,
    holds: @escaping @Sendable (repeat each Value) throws -> Bool
  ) async -> Set<String> {
    var results: Set<String> = []
    var attempts: [Int] = []
    for seed in 0..<30 as Range<UInt64> {
      var settings = PropertySettings()
      settings.seed = seed
      settings.cases = 20_000
      let report = await runProperty("challenge", repeat each generators, settings: settings) {
        (values: repeat each Value) in
        if try !holds(repeat each values) { throw Fault() }
      }
      attempts.append(report.counterexample?.attempts ?? 0)
      results.insert(
        report.counterexample.map { $0.shrunk.joined(separator: ", ") } ?? "\(report.outcome)")
    }
    if ProcessInfo.processInfo.environment["SHRINKING"] == "1" {
      print(
        "\(name): \(attempts.sorted()[15]) attempts in the median, \(attempts.max() ?? 0) at most")
    }
    return results
  }

  @Test("reverse: a list is its reverse")
  func reverse() async {
    let found = await shrunk(.array(of: .integer(in: -1000...1000))) { (list: [Int]) in
      list == list.reversed()
    }
    #expect(found == ["[0, 1]"])
  }

  @Test("large union list: lists hold no more than four values together")
  func largeUnionList() async {
    let found = await shrunk(.array(of: .array(of: .integer(in: -1000...1000)))) {
      (lists: [[Int]]) in
      Set(lists.flatMap(\.self)).count <= 4
    }
    #expect(found == ["[[0, 1, 2, 3, 4]]"])
  }

  @Test("length list: no entry of a list of drawn length is 900 or more")
  func lengthList() async {
    let lists = Generator<Int>.integer(in: 1...100).flatMap { length in
      Generator<[Int]>.array(of: .integer(in: 0...1000), count: length)
    }
    #expect(await shrunk(lists) { (list: [Int]) in list.allSatisfy { $0 < 900 } } == ["[900]"])
  }

  @Test("coupling: no two entries point at each other")
  func coupling() async {
    let lists = Generator<[Int]>.array(of: .integer(in: 0...10), count: 0...10)
      .filter { list in list.allSatisfy { $0 < list.count } }
    let found = await shrunk(lists) { (list: [Int]) in
      list.indices.allSatisfy { i in list[i] == i || list[list[i]] != i }
    }
    #expect(found == ["[1, 0]"])
  }

  @Test("deletion: removing an entry once removes the value")
  func deletion() async {
    let found = await shrunk(.array(of: .integer(in: 0...30)), .integer(in: 0...19)) {
      (list: [Int], index: Int) in
      guard index < list.count else { throw Discarded() }
      var rest = list
      rest.remove(at: index)
      return !rest.contains(list[index])
    }
    #expect(found == ["[0, 0], 0"])
  }

  @Test("distinct: a list has fewer than three different values")
  func distinct() async {
    let found = await shrunk(.array(of: .integer(in: -1000...1000))) { (list: [Int]) in
      Set(list).count < 3
    }
    #expect(found == ["[0, 1, 2]"])
  }

  @Test("nested lists: all lists together have at most ten entries")
  func nestedLists() async {
    let found = await shrunk(.array(of: .array(of: .integer(in: -1000...1000)))) {
      (lists: [[Int]]) in
      lists.reduce(0) { $0 + $1.count } <= 10
    }
    #expect(found == ["[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]"])
  }

  @Test("bound5: five short lists whose small sums stay small together")
  func bound5() async {
    let list = Generator<[Int16]>.array(of: .integer(), count: 0...10)
      .filter { $0.reduce(0, &+) < 256 }
    let found = await shrunk(list, list, list, list, list) {
      (a: [Int16], b: [Int16], c: [Int16], d: [Int16], e: [Int16]) in
      [a, b, c, d, e].reduce(Int16(0)) { $0 &+ $1.reduce(0, &+) } < 5 * 256
    }
    #expect(found == ["[], [], [], [-1], [-32768]"])
  }

  @Test("difference must not be zero")
  func differenceZero() async {
    let found = await shrunk(.integer(in: 0...1000), .integer(in: 0...1000)) { (a: Int, b: Int) in
      a < 10 || a != b
    }
    #expect(found == ["10, 10"])
  }

  @Test("difference must not be small")
  func differenceSmall() async {
    let found = await shrunk(.integer(in: 0...1000), .integer(in: 0...1000)) { (a: Int, b: Int) in
      a < 10 || !(1...4).contains(abs(a - b))
    }
    #expect(found == ["10, 6"])
  }

  @Test("difference must not be one")
  func differenceOne() async {
    let found = await shrunk(.integer(in: 0...1000), .integer(in: 0...1000)) { (a: Int, b: Int) in
      a < 10 || abs(a - b) != 1
    }
    #expect(found == ["10, 9"])
  }

  @Test("calculator: no division by zero but by the number itself")
  func calculator() async {
    let found = await shrunk(Expression.any) { (expression: Expression) in
      if expression.dividesByLiteralZero { throw Discarded() }
      return expression.value != nil
    }
    #expect(found == ["0/(0+0)"])
  }

  @Test("binary heap: a faulty conversion to a sorted list loses or misplaces a value")
  func binaryHeap() async {
    let found = await shrunk(Heap.any) { (heap: Heap) in
      heap.faultyList == heap.values.sorted()
    }
    #expect(found == ["(0 · (0 (1 · ·) (0 · ·)))"])
  }
}

/// Integers, sums and quotients.
private indirect enum Expression: Sendable, CustomDebugStringConvertible {
  case number(Int)
  case sum(Expression, Expression)
  case quotient(Expression, Expression)

  static let any = Generator<Expression>.recursive(
    depth: 5, base: Generator<Int>.integer(in: -100...100).map { .number($0) }
  ) { part in
    .frequency([
      (
        1,
        Generator { s throws(Discarded) in .sum(try part.value(from: s), try part.value(from: s)) }
      ),
      (
        1,
        Generator { s throws(Discarded) in
          .quotient(try part.value(from: s), try part.value(from: s))
        }
      ),
    ])
  }

  var value: Int? {
    switch self {
    case .number(let number): return number
    case .sum(let a, let b):
      guard let a = a.value, let b = b.value else { return nil }
      return a &+ b
    case .quotient(let a, let b):
      guard let a = a.value, let b = b.value, b != 0 else { return nil }
      return a / b
    }
  }

  var dividesByLiteralZero: Bool {
    switch self {
    case .number: false
    case .quotient(_, .number(0)): true
    case .sum(let a, let b), .quotient(let a, let b):
      a.dividesByLiteralZero || b.dividesByLiteralZero
    }
  }

  var debugDescription: String {
    switch self {
    case .number(let number): "\(number)"
    case .sum(let a, let b): "(\(a.debugDescription)+\(b.debugDescription))"
    case .quotient(let a, let b): "\(a.debugDescription)/\(b.debugDescription)"
    }
  }
}

/// A binary heap: every value is at least its parent's.
private indirect enum Heap: Sendable, CustomDebugStringConvertible {
  case empty
  case node(Int, Heap, Heap)

  static let any = heap(from: 0, depth: 5)

  private static func heap(from least: Int, depth: Int) -> Generator<Heap> {
    Generator { source throws(Discarded) in
      try source.span { () throws(Discarded) in
        guard try source.choose(upTo: depth > 0 ? 1 : 0) == 1 else { return .empty }
        let value = try Generator<Int>.integer(in: least...max(least, 100), near: least)
          .value(from: source)
        let rest = heap(from: value, depth: depth - 1)
        return .node(value, try rest.value(from: source), try rest.value(from: source))
      }
    }
  }

  var values: [Int] {
    switch self {
    case .empty: []
    case .node(let value, let left, let right): [value] + left.values + right.values
    }
  }

  /// Takes the root and merges the children, but only once: what follows is in tree order.
  var faultyList: [Int] {
    guard case .node(let value, let left, let right) = self else { return [] }
    return [value] + Self.merged(left, right).values
  }

  private static func merged(_ a: Heap, _ b: Heap) -> Heap {
    switch (a, b) {
    case (.empty, let heap), (let heap, .empty): heap
    case (.node(let x, let l, let r), .node(let y, let s, let t)):
      x <= y
        ? .node(x, merged(r, b), l) : .node(y, merged(t, a), s)
    }
  }

  var debugDescription: String {
    guard case .node(let value, let left, let right) = self else { return "·" }
    return "(\(value) \(left.debugDescription) \(right.debugDescription))"
  }
}
