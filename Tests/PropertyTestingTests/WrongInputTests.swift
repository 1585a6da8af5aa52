import Synchronization
import Testing

import PropertyTesting

private struct Fault: Error {}

@Suite("Whatever comes from outside is read exactly or refused in one line; nothing traps")
struct WrongInputTests {
  @Test("the environment changes seed, cases and time")
  func environment() {
    let changed = PropertySettings().changed(by: [
      "PROPERTY_CASES": "7", "PROPERTY_SEED": "18446744073709551615", "PROPERTY_SECONDS": "0.5",
      "PROPERTY_TRACE": "1",
    ])
    #expect(
      changed.isTraced && changed.cases == 7 && changed.seed == .max
        && changed.timeBudget == .seconds(0.5))
    #expect(
      PropertySettings().changed(by: ["PROPERTY_SECONDS": "1e9"]).timeBudget == .seconds(1e9))
    let same = PropertySettings().changed(by: ["PROPERTY_CASES": "", "PROPERTY_SEED": ""])
    #expect(same.cases == 100 && same.seed == nil && same.timeBudget == nil)
  }

  @Test(
    "what is no number of its range is refused, with its name, its value and what to do",
    arguments: [
      (
        "PROPERTY_CASES",
        [
          "9223372036854775807", "0", "-1", "+1", "1e3", "0x10", "1000000001",
          "99999999999999999999", "seven", "7\n8", " 7", "7 ", "٧", "7.0",
        ]
      ),
      ("PROPERTY_TRACE", ["2", "yes", "true", "-1"]),
      ("PROPERTY_SEED", ["x", "-1", "+1", "18446744073709551616", "1.0", "0x1"]),
      (
        "PROPERTY_SECONDS",
        [
          "inf", "-inf", "nan", "infinity", "abc", "0", "-1", "1e400", "1e300",
          "1e10", "0x1p3", "1e-400", "1_000", "1,5", "e", ".",
        ]
      ),
    ])
  func environment(_ name: String, _ values: [String]) async {
    for value in values {
      let settings = PropertySettings().changed(by: [name: value])
      let calls = Mutex(0)
      let report = await runProperty("p", Generator<Bool>.bool, settings: settings) { _ in
        calls.withLock { $0 += 1 }
      }
      guard case .refused(let reason) = report.outcome else {
        Issue.record("\(name) = \(value): \(report)")
        continue
      }
      #expect(reason.hasPrefix("\(name) is \(value.debugDescription); set it to "))
      #expect(calls.withLock { $0 } == 0 && !"\(report)".contains("\n"))
    }
  }

  @Test("settings out of range are refused before anything is tried, the extremes run")
  func settings() async throws {
    func run(_ change: (inout PropertySettings) -> Void) async -> PropertyReport {
      var settings = PropertySettings()
      change(&settings)
      return await runProperty("p", Generator<Int>.integer(), settings: settings) { n in
        cover(1, "all", true)
        try assume(n >= 0)
        if n > 1_000_000 { throw Fault() }
      }
    }
    for report in [
      await run { $0.cases = 0 }, await run { $0.cases = .min }, await run { $0.cases = .max },
      await run { $0.discardsPerCase = -1 }, await run { $0.discardsPerCase = .max },
      await run { $0.shrinkAttempts = -1 }, await run { $0.shrinkAttempts = .max },
      await run { $0.timeBudget = .zero }, await run { $0.timeBudget = .seconds(-1) },
      await run { $0.timeBudget = .seconds(Int64.max) },
    ] {
      guard case .refused(let reason) = report.outcome else {
        Issue.record("found \(report)")
        continue
      }
      #expect(reason.contains("; give a number from") && report.cases == 0)
    }
    let large = await run {
      $0.cases = 1_000_000_000
      $0.discardsPerCase = 1_000_000
      $0.shrinkAttempts = 1_000_000_000
      $0.timeBudget = .seconds(1_000_000_000)
    }
    #expect(large.counterexample?.shrunk == ["1000001"])
    let small = await run {
      $0.discardsPerCase = 0
      $0.shrinkAttempts = 0
    }
    #expect(small.outcome == .gaveUp || small.outcome == .vacuous || small.outcome == .falsified)
  }

  @Test("a token is taken whole or not at all")
  func tokens() async throws {
    func token(_ target: Int) async throws -> String {
      let report = await runProperty("p", .array(of: .integer(in: 0...1_000_000_000))) {
        (list: [Int]) in
        if list.count == 2, list[0] > target { throw Fault() }
      }
      return try #require(report.counterexample).token.description
    }
    let text = try await token(1_000_000)
    #expect(ReplayToken(text)?.description == text)
    // Every part of it, every other letter in any place, and one more.
    for end in text.indices { #expect(ReplayToken(String(text[..<end])) == nil) }
    for start in text.indices.dropFirst() { #expect(ReplayToken(String(text[start...])) == nil) }
    for place in text.indices {
      for letter in ["0", "1", "z", "Z", ".", "-", "+", " ", "é"] {
        var damaged = text
        damaged.replaceSubrange(place...place, with: letter)
        #expect(damaged == text || ReplayToken(damaged) == nil, "\(damaged)")
        damaged = text
        damaged.insert(contentsOf: letter, at: place)
        #expect(ReplayToken(damaged) == nil, "\(damaged)")
      }
    }
    for other in [
      "", ".", "-", "--", "2--", "1.2.zz", "?", "3" + text.dropFirst(),
      "2-\(String(repeating: "z", count: 30))-00000",
      "2-\(Array(repeating: "1", count: 1_000_000).joined(separator: "."))-00000",
    ] { #expect(ReplayToken(other) == nil) }
  }

  @Test("generators of nothing refuse the property and say why; they do not end the process")
  func impossible() async {
    func refusal<Value: Sendable>(_ generator: Generator<Value>) async -> String {
      let report = await runProperty("p", generator) { _ in }
      guard case .refused(let reason) = report.outcome else { return "\(report)" }
      return reason
    }
    #expect(await refusal(Generator<Int>.element(of: [])).contains("no element"))
    #expect(await refusal(Generator<Int>.oneOf()).contains("no weights"))
    #expect(await refusal(Generator<Int>.frequency([])).contains("no weights"))
    for weights in [[0, 0], [1, -1], [.max, 1], [-1]] {
      #expect(
        await refusal(Generator<Int>.frequency(weights.map { ($0, .always(1)) }))
          .contains("no weights"))
    }
    #expect(await refusal(Generator<Int>.integer(in: 5..<5)).contains("not empty"))
    #expect(await refusal(Generator<Int>.integer(in: Int.min..<Int.min)).contains("not empty"))
    #expect(
      await refusal(Generator<Int128>.integer(in: 0...Int128(UInt64.max) + 1)).contains("2⁶⁴"))
    #expect(await refusal(Generator<Int128>.integer()).contains("2⁶⁴"))
    #expect(await refusal(Generator<Double>.floatingPoint(of: [])).contains("no element"))
    #expect(await refusal(Generator<Double>.double(in: 0 ... .infinity)).contains("finite"))
    #expect(await refusal(Generator<Float>.float(in: 0...Double(1e300))).contains("finite"))
    #expect(await refusal(Generator<[Bool]>.array(of: .bool, count: -1)).contains("-1 elements"))
    #expect(
      await refusal(Generator<Set<Int>>.set(of: .integer(), count: -2 ... -1))
        .contains("-2 elements"))
    #expect(
      await refusal(Generator<[Int: Int]>.dictionary(.integer(), .integer(), count: -1...1))
        .contains("-1 elements"))
    #expect(await refusal(.permutation(of: -1)).contains("-1 numbers"))
    #expect(await refusal(.permutation(of: .min)).contains("numbers"))
    #expect(await refusal(.simplexPoint(0)).contains("0 classes"))
    #expect(await refusal(.simplexPoint(-1)).contains("-1 classes"))
    #expect(await refusal(.string(count: -5...5)).contains("-5 elements"))
    #expect(
      await refusal(.matrix(rows: -1...1, columns: 1...1, of: .unitInterval)).contains("-1 elem"))
    // Also where it depends on the data.
    #expect(
      await refusal(
        Generator<[Int]>.array(of: .integer(), count: 0...1).flatMap { .element(of: $0) }
      ).contains("no element"))
  }

  @Test("the widest ranges are made, at their ends and between")
  func extremes() async {
    func values<Value: Sendable & Hashable>(_ generator: Generator<Value>) async -> Set<Value> {
      let seen = Mutex<Set<Value>>([])
      var settings = PropertySettings()
      settings.cases = 2_000
      let report = await runProperty("p", generator, settings: settings) { value in
        seen.withLock { _ = $0.insert(value) }
      }
      #expect(report.hasPassed)
      return seen.withLock { $0 }
    }
    let large = Double.greatestFiniteMagnitude
    let doubles = await values(.double(in: -large...large))
    #expect(doubles.allSatisfy(\.isFinite) && doubles.isSuperset(of: [-large, large, 0]))
    let floats = await values(
      .float(in: -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude))
    #expect(floats.allSatisfy(\.isFinite) && floats.count > 1_000)
    let tiny = await values(.double(in: 0...Double.leastNonzeroMagnitude))
    #expect(tiny == [0, .leastNonzeroMagnitude])
    let wide = Int128(UInt64.max)
    let integers = await values(Generator<Int128>.integer(in: -wide...wide))
    #expect(integers.contains(-wide) && integers.contains(wide))
    #expect(integers.allSatisfy { abs($0) <= wide })
    #expect(await values(Generator<UInt128>.integer(in: 7...7)) == [7])
    #expect(await values(Generator<Int>.integer(in: Int.max...Int.max)) == [.max])
    #expect(await values(.array(of: .bool, count: 0...Int.max)).count > 100)
    #expect(await values(.permutation(of: 0)) == [[]])
    #expect(await values(Generator<Int>.recursive(depth: .min, base: .always(1)) { $0 }) == [1])
  }

  @Test("what takes too many choices is discarded, and the report says why; nothing runs away")
  func tooLarge() async {
    func report<Value: Sendable>(_ generator: Generator<Value>) async -> PropertyReport {
      var settings = PropertySettings()
      settings.cases = 2
      return await runProperty("p", generator, settings: settings) { _ in }
    }
    for result in [
      await report(Generator<[Bool]>.array(of: .bool, count: 100_000)),
      await report(Generator<[Int]>.array(of: .always(1), count: Int.max)),
      await report(.permutation(of: .max)), await report(.simplexPoint(.max)),
      await report(.string(count: Int.max...Int.max)),
    ] {
      #expect(result.outcome == .vacuous && result.tooLarge == result.discards)
      #expect("\(result)".contains("took more than 20000 choices"))
    }
    // Fewer than a set can have are made until there are as many; more cannot be.
    let few = await report(Generator<Set<Bool>>.set(of: .bool, count: 3...3))
    #expect(few.outcome == .vacuous && few.tooLarge == 0)
  }

  @Test("a deep recursion is cut off before the stack ends")
  func deep() async {
    let chain = Generator<Int>.recursive(depth: .max, base: .always(0)) { inner in
      Generator { source throws(Discarded) in 1 + (try inner.value(from: source)) }
    }
    let deepest = Mutex(0)
    var settings = PropertySettings()
    settings.cases = 200
    let report = await runProperty("p", chain, settings: settings) { depth in
      deepest.withLock { $0 = max($0, depth) }
      maximize(Double(depth))
    }
    #expect(report.hasPassed && deepest.withLock { $0 } > 5)
    let endless = Generator<Int>.recursive(depth: .max, base: .always(0)) { inner in
      .frequency([(0, .always(0)), (1, inner)])
    }
    #expect(await runProperty("p", endless) { _ in }.hasPassed)
    // Every level goes one deeper, which chance would not do, but shrinking or a file might.
    settings.known = [ReplayToken([UInt64](repeating: 1, count: ChoiceSource.choiceLimit))]
    settings.cases = 1
    let cut = await runProperty("p", chain, settings: settings) { _ in }
    #expect(cut.tooLarge == 1 && cut.retired == settings.known)
  }

  @Test("strings have as many characters as asked for, whatever these are")
  func strings() async {
    let accents: Generator<Character> = .element(of: ["e", "\u{301}", "\r", "\n", "🇩", "\u{200D}"])
    for characters in [accents, .character] {
      let report = await runProperty("p", .string(of: characters, count: 2...6)) {
        (text: String) in if !(2...6).contains(text.count) { throw Fault() }
      }
      #expect(report.hasPassed)
    }
  }

  @Test("sets and dictionaries have as many elements as asked for")
  func counts() async {
    let sets = await runProperty(
      "p", Generator<Set<Int>>.set(of: .integer(in: 0...9), count: 10...10)
    ) { if $0.count != 10 { throw Fault() } }
    #expect(sets.hasPassed && sets.discards < 5)
    let dictionaries = await runProperty(
      "p", Generator<[Bool: Int]>.dictionary(.bool, .integer(), count: 2...2)
    ) { if $0.count != 2 { throw Fault() } }
    #expect(dictionaries.hasPassed && dictionaries.discards == 0)
    let simplest = await runProperty(
      "p", Generator<Set<Int>>.set(of: .integer(in: 0...9), count: 2...5)
    ) { _ in throw Fault() }
    #expect(simplest.counterexample?.shrunk == ["[0, 1]"])
  }
}

@Suite("What a property requires can be missed, and is judged by the cases that are drawn")
struct RequirementTests {
  private func outcome(
    cases: Int = 1_000, seconds: Duration? = nil, _ body: @escaping @Sendable (Int) throws -> Void
  ) async -> PropertyReport.Outcome {
    var settings = PropertySettings()
    settings.cases = cases
    settings.timeBudget = seconds
    return await runProperty("p", Generator<Int>.integer(in: 0...999), settings: settings) {
      (n: Int) in try body(n)
    }.outcome
  }

  @Test(
    "a share that cannot be missed, or met, is refused", arguments: [0, -1, 1.5, .nan, .infinity])
  func shares(_ share: Double) async {
    guard case .refused(let reason) = await outcome({ _ in cover(share, "x", true) }) else {
      Issue.record("cover(\(share)) is not refused")
      return
    }
    #expect(reason.contains("above 0 and at most 1"))
  }

  @Test("of two shares of one name the larger counts, and a label of that name covers nothing")
  func names() async {
    let both = await outcome { n in
      cover(0.9, "even", n.isMultiple(of: 2))
      cover(0.1, "even", false)
    }
    let labelled = await outcome { n in
      label("even")
      cover(0.9, "even", n.isMultiple(of: 2))
    }
    for result in [both, labelled] {
      guard case .coverageMissed("even", 0.9, let found) = result, found < 0.7 else {
        Issue.record("found \(result)")
        continue
      }
    }
    #expect(await outcome { n in cover(1, "all", n >= 0) } == .passed)
    guard case .coverageMissed = await outcome({ n in cover(1, "most", n > 0) }) else {
      Issue.record("zero comes up and is not covered")
      return
    }
    let calls = Mutex(0)
    let single = await outcome(cases: 5_000) { _ in
      let call = calls.withLock {
        $0 += 1
        return $0
      }
      cover(0.1, "case \(call)", true)
    }
    guard case .refused(let reason) = single, reason.contains("more than 1000 names") else {
      Issue.record("found \(single)")
      return
    }
  }

  @Test("cases that are varied for a score do not count for coverage")
  func varied() async {
    // One number in 16 is drawn next to the upper end; climbing goes there every third time.
    var settings = PropertySettings()
    settings.cases = 1_000
    let report = await runProperty(
      "p", Generator<Int>.integer(in: 0...1_000_000), settings: settings
    ) { n in
      maximize(Double(n))
      cover(0.14, "near", n > 999_000)
    }
    guard case .coverageMissed("near", _, let found) = report.outcome else {
      Issue.record("found \(report)")
      return
    }
    #expect(found < 0.14 && report.drawn >= 1_000)
    #expect(Double(report.labels["near", default: 0]) > 200 + found * Double(report.drawn))
  }

  @Test("when time is up, a requirement that is not met so far is missed")
  func time() async {
    let missed = await outcome(cases: 1_000_000_000, seconds: .milliseconds(20)) { _ in
      cover(0.5, "never", false)
    }
    guard case .coverageMissed("never", 0.5, 0) = missed else {
      Issue.record("found \(missed)")
      return
    }
    #expect(
      await outcome(cases: 1_000_000_000, seconds: .milliseconds(20)) { _ in
        cover(0.5, "always", true)
      } == .passed)
  }

  @Test("a score that is no number is refused, one without end is not")
  func scores() async {
    guard case .refused(let reason) = await outcome({ _ in maximize(.nan) }) else {
      Issue.record("maximize(nan) is not refused")
      return
    }
    #expect(reason.contains("maximize"))
    #expect(await outcome { n in maximize(n > 500 ? .infinity : Double(n)) } == .passed)
  }
}
