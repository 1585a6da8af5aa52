import Foundation
import PropertyTesting
import Synchronization
import Testing

private struct Fault: Error {}

/// Runs with the given seed and number of cases.
private func report<each Value: Sendable>(
  _ generators: repeat Generator<each Value>, seed: UInt64 = 1, cases: Int = 1_000,
  body: @escaping @Sendable (repeat each Value) async throws -> Void
) async -> PropertyReport {
  var settings = PropertySettings()
  settings.seed = seed
  settings.cases = cases
  return await runProperty("a property", repeat each generators, settings: settings, body)
}

@Suite("A property is tried, falsified, shrunk and reported")
struct PropertyRunnerTests {
  @Test("what holds passes, with as many cases as asked for")
  func passes() async {
    let result = await report(.integer(in: 0...9)) { (n: Int) in if n > 9 { throw Fault() } }
    #expect(result.outcome == .passed && result.cases == 1_000 && result.discards == 0)
    #expect(result.counterexample == nil)
  }

  @Test("a planted fault is found, its smallest case printed, and its token plays it again")
  func falsified() async throws {
    let body: @Sendable (Int) async throws -> Void = { if $0 >= 123 { throw Fault() } }
    let result = await report(.integer(in: -5000...5000), body: body)
    let found = try #require(result.counterexample)
    #expect(result.outcome == .falsified)
    #expect(found.shrunk == ["123"] && found.shrinks > 0 && found.attempts >= found.shrinks)
    #expect(!found.isKnown && found.failures == ["Fault()"])

    var settings = PropertySettings()
    settings.replaying = ReplayToken(found.token.description)
    let again = await runProperty(
      "a property", Generator<Int>.integer(in: -5000...5000), settings: settings, body)
    #expect(again.counterexample?.original == ["123"] && again.cases == 1)
    #expect(result.description.contains("replaying: \"\(found.token)\""))
  }

  @Test("the same seed gives the same cases, another seed others")
  func determinism() async {
    func cases(_ seed: UInt64) async -> [[Int]] {
      let seen = Mutex<[[Int]]>([])
      _ = await report(.array(of: .integer()), seed: seed, cases: 50) { (list: [Int]) in
        seen.withLock { $0.append(list) }
      }
      return seen.withLock { $0 }
    }
    let first = await cases(1)
    #expect(await cases(1) == first)
    #expect(await cases(2) != first)
  }

  @Test("a known failure is tried first, and does not count once it passes")
  func known() async throws {
    let token = try #require(
      await report(.integer(in: 0...1_000_000)) { (n: Int) in
        if n > 999_990 { throw Fault() }
      }.counterexample?.token)
    var settings = PropertySettings()
    settings.known = [token]
    settings.cases = 1
    let again = await runProperty(
      "a property", Generator<Int>.integer(in: 0...1_000_000), settings: settings
    ) { if $0 > 999_990 { throw Fault() } }
    #expect(again.counterexample?.isKnown == true && again.cases == 1)
    let mended = await runProperty(
      "a property", Generator<Int>.integer(in: 0...1_000_000), settings: settings
    ) { _ in }
    #expect(mended.hasPassed)
  }

  @Test("discarded cases are counted; too many end the search, and none left is vacuous")
  func discards() async {
    let half = await report(.bool) { (flag: Bool) in try assume(flag) }
    #expect(half.hasPassed && half.cases == 1_000 && half.discards > 800 && half.discards < 1_200)
    // One number in 200, away from the ends of the range, which are drawn more often.
    let rare = await report(.integer(in: 0...199 as ClosedRange<Int>)) { (n: Int) in
      try assume(n == 77)
    }
    #expect(rare.outcome == .gaveUp && rare.cases > 0)
    let never = await report(.bool) { (_: Bool) in try assume(false) }
    #expect(never.outcome == .vacuous && never.cases == 0)
    let impossible = await report(Generator<Bool>.bool.filter { _ in false }) { (_: Bool) in }
    #expect(impossible.outcome == .vacuous)
  }

  @Test("a time budget ends the search and is reported")
  func timeBudget() async {
    var settings = PropertySettings()
    settings.cases = 1_000_000_000
    settings.timeBudget = .milliseconds(20)
    let result = await runProperty("p", Generator<Bool>.bool, settings: settings) { _ in }
    #expect(result.isOutOfTime && result.hasPassed && result.cases > 0)
    #expect(result.description.contains("out of time"))
  }

  @Test("labels are counted")
  func labels() async {
    let result = await report(.integer(in: 0...3 as ClosedRange<Int>)) { (n: Int) in
      classify("even", n % 2 == 0)
      label("all")
    }
    #expect(result.labels["all"] == 1_000)
    #expect(result.labels["even", default: 0] > 300)
  }

  @Test(
    "a required share that is missed fails, one that is met passes, after more cases if need be")
  func coverage() async {
    let met = await report(.bool) { (flag: Bool) in cover(0.4, "true", flag) }
    #expect(met.hasPassed && met.cases >= 1_000)
    let missed = await report(.bool) { (flag: Bool) in cover(0.6, "true", flag) }
    guard case .coverageMissed("true", 0.6, let found) = missed.outcome else {
      Issue.record("found \(missed.outcome)")
      return
    }
    #expect(abs(found - 0.5) < 0.1)
    let close = await report(.bool, cases: 20) { (flag: Bool) in cover(0.5, "true", flag) }
    #expect(close.hasPassed && close.cases > 100)
  }

  @Test("the search for a high score climbs to the top")
  func maximum() async throws {
    let result = await report(
      .integer(in: 0...1_000_000 as ClosedRange<Int>), .integer(in: 0...1_000_000), cases: 2_000
    ) { (a: Int, b: Int) in
      maximize(-Double(abs(a - 700_123) + abs(b - 3_210)))
    }
    let found = try #require(result.maximum)
    // Uniform drawing of 4000 pairs from a million squared would come within about 10⁴.
    #expect(found.score > -300)
  }

  @Test("six arguments of six types, and a body that waits")
  func arguments() async {
    let six = await report(
      .bool, .integer(in: 0...9 as ClosedRange<Int>), .unitInterval as Generator<Double>, .string(),
      .optional(.bool), .permutation(of: 4), cases: 50
    ) { (a: Bool, b: Int, c: Double, d: String, e: Bool?, f: [Int]) in
      await Task.yield()
      if f.count != 4 { throw Fault() }
    }
    #expect(six.hasPassed)
  }
}

@Suite("Generators make what they say, all of it, and shrink to the simplest")
struct GeneratorTests {
  /// Values of a generator under one seed.
  private func samples<Value: Sendable>(
    _ generator: Generator<Value>, count: Int = 2_000
  ) async -> [Value] {
    let seen = Mutex<[Value]>([])
    _ = await report(generator, cases: count) { (value: Value) in seen.withLock { $0.append(value) }
    }
    return seen.withLock { $0 }
  }

  private func simplest<Value: Sendable>(_ generator: Generator<Value>) async -> String? {
    await report(generator) { (_: Value) in throw Fault() }.counterexample?.shrunk.first
  }

  @Test("integers keep to their range and reach its ends, at every width")
  func integers() async {
    func check<I: FixedWidthInteger & Sendable>(_ range: ClosedRange<I>) async
    where I.Magnitude: Sendable {
      let values = await samples(.integer(in: range))
      #expect(values.allSatisfy(range.contains))
      #expect(values.contains(range.lowerBound) && values.contains(range.upperBound))
    }
    await check(Int8.min...Int8.max)
    await check(UInt8(3)...UInt8(200))
    await check(Int16(-7)...Int16(-3))
    await check(Int.min...Int.max)
    await check(UInt64.min...UInt64.max)
    await check(5...5)
    #expect(await simplest(.integer() as Generator<Int>) == "0")
    #expect(await simplest(.integer(in: 5...9) as Generator<Int>) == "5")
    #expect(await simplest(.integer(in: -9 ... -5) as Generator<Int>) == "-5")
  }

  @Test("floating-point classes are what they are called", arguments: FloatingPointClass.allCases)
  func classes(kind: FloatingPointClass) async {
    func holds<F: BinaryFloatingPoint>(_ x: F) -> Bool {
      switch kind {
      case .whole: x == x.rounded() && x.sign == (x == 0 ? .plus : x.sign)
      case .fraction: x * 1024 == (x * 1024).rounded()
      case .unit: x != 0 && abs(x) < 1
      case .normal: x.isNormal
      case .nearPowerOfTwo:
        [x.nextUp, x, x.nextDown].contains { $0.significandBitPattern == 0 }
      case .subnormal: x.isSubnormal
      case .negativeZero: x == 0 && x.sign == .minus
      case .infinity: x.isInfinite
      case .nan: x.isNaN
      }
    }
    #expect(await samples(.double(of: [kind]), count: 500).allSatisfy { holds($0) })
    #expect(await samples(.float(of: [kind]), count: 500).allSatisfy { holds($0) })
  }

  @Test("numbers in a range keep to it and reach both ends")
  func ranges() async {
    for range in [0.0...1.0, -3.0...0.5, 2.0...2.0, -1e300...1e300] {
      let values = await samples(.double(in: range))
      #expect(values.allSatisfy(range.contains))
      #expect(values.contains(range.lowerBound) && values.contains(range.upperBound))
    }
    #expect(await simplest(.double(in: -2...3)) == "0.0")
    #expect(await simplest(.float(in: 0.5...1)) == "0.5")
  }

  @Test("collections have the sizes asked for, and permutations every number once")
  func collections() async {
    let arrays = await samples(.array(of: .bool, count: 2...5))
    #expect(Set(arrays.map(\.count)) == [2, 3, 4, 5])
    #expect(await samples(.array(of: .bool, count: 3)).allSatisfy { $0.count == 3 })
    #expect(
      await samples(.set(of: .integer(in: 0...20 as ClosedRange<Int>), count: 1...4), count: 200)
        .allSatisfy { (1...4).contains($0.count) })
    #expect(await samples(.permutation(of: 5)).allSatisfy { $0.sorted() == [0, 1, 2, 3, 4] })
    #expect(Set(await samples(.permutation(of: 3)).map(\.description)).count == 6)
    #expect(await simplest(.permutation(of: 4)) == "[0, 1, 2, 3]")
    #expect(await simplest(.array(of: .integer(), count: 2...5) as Generator<[Int]>) == "[0, 0]")
    #expect(await simplest(.string()) == "\"\"")
    #expect(
      await simplest(.dictionary(.integer(), .bool, count: 0...3) as Generator<[Int: Bool]>)
        == "[:]")
  }

  @Test("points of the simplex are distributions, corners among them")
  func simplex() async {
    let points = await samples(.simplexPoint(4))
    // Three subtractions of numbers up to 1, each rounded by at most 2⁻⁵³, and a sum of four.
    #expect(
      points.allSatisfy { abs($0.reduce(0, +) - 1) <= 8 * 0x1p-53 && $0.allSatisfy { $0 >= 0 } })
    #expect(points.contains { $0.contains(1) })
    #expect(await simplest(.simplexPoint(3)) == "[0.0, 0.0, 1.0]")
  }

  @Test("matrices have rows of one length")
  func matrices() async {
    let matrices = await samples(
      .matrix(rows: 1...3, columns: 2...4, of: .unitInterval), count: 300)
    #expect(
      matrices.allSatisfy { m in (1...3).contains(m.count) && Set(m.map(\.count)).count == 1 })
  }

  @Test("weights are the ratio of what is drawn")
  func frequencies() async {
    let values = await samples(.frequency([(1, .always(0)), (3, .always(1)), (0, .always(2))]))
    let ones = values.count { $0 == 1 }
    // 2000 draws of probability ¾: five standard deviations are 97.
    #expect(abs(ones - 1_500) < 100 && !values.contains(2))
  }

  @Test("values print as source that can be pasted")
  func pasteable() async {
    func printed<Value: Sendable>(_ value: Value) async -> String? {
      await simplest(.always(value))
    }
    #expect(await printed(["a\"b", "λ\n"]) == "[\"a\\\"b\", \"λ\\n\"]")
    #expect(await printed([1.5, -.infinity, .nan]) == "[1.5, -Double.infinity, Double.nan]")
    #expect(await printed(Int?.some(3)) == "3")
    #expect(await printed(Int?.none) == "nil")
    #expect(await printed([2: "b", 1: "a"]) == "[1: \"a\", 2: \"b\"]")
    #expect(await printed(Set([3, 1, 2])) == "[1, 2, 3]")
  }
}
