import PropertyTesting
import Synchronization
import Testing

import PropertyChecks

private struct Fault: Error, CustomStringConvertible { let description: String }
private struct Plain: Error { let message: String, value: Int }
private enum Kind: Error {
  case large(Int)
  case empty
  case named(String)
}

private struct Place: Error { let number: Int }
/// A probe for which every number is a fault of its own kind, as every place in the source is.
private let placeProbe: Probe = { body in
  do { try await body() } catch let place as Place {
    return .failed([PropertyFailure(kind: "\(place.number)", description: "at \(place.number)")])
  } catch { return .discarded }
  return .passed
}

@Suite("Every fault has its own counterexample, and a property that is no function is called that")
struct FaultTests {
  @Test("shrinking stays with the fault that was found, and tells of another that it meets")
  func slippage() async throws {
    // Arrays of three and more show the first fault; those of one, which shrinking tries, the second.
    let report = await runProperty("slip", .array(of: .integer(in: 0...1000), count: 0...8)) {
      (a: [Int]) in
      if a.count >= 3, a.reduce(0, +) > 500 { throw Fault(description: "A: the sum is too large") }
      if a.count == 1, a[0] == 0 { throw Fault(description: "B: nothing but a zero") }
    }
    #expect(report.outcome == .falsified)
    let first = try #require(report.counterexample)
    #expect(first.shrunk == ["[0, 0, 501]"] && first.failures == ["A: the sum is too large"])
    try #require(report.otherCounterexamples.count == 1)
    let second = report.otherCounterexamples[0]
    #expect(second.shrunk == ["[0]"] && second.failures == ["B: nothing but a zero"])
    #expect("\(report)".contains("another fault, met while shrinking:\ncounterexample: ([0])"))
    for token in [first.token, second.token] { #expect("\(report)".contains("\"\(token)\"")) }
  }

  @Test("places in the source tell expectations apart, also two of one case")
  func places() async throws {
    let report = await runProperty("two", .integer(in: 0...1000), probe: expectationProbe) {
      (n: Int) in
      #expect(n < 700)
      #expect(n < 300 || n > 900)
    }
    #expect(report.outcome == .falsified)
    let all = [try #require(report.counterexample)] + report.otherCounterexamples
    #expect(Set(all.map(\.shrunk)) == [["300"], ["700"]])
  }

  @Test("numbers, quotations and lists do not make another fault")
  func names() {
    func name(_ error: any Error) -> String { PropertyFailure(error).fault }
    #expect(name(Kind.large(3)) == name(Kind.large(-7)))
    #expect(
      Set([Kind.large(3), .empty, .named("a"), .named("something else")].map(name)).count == 4)
    #expect(name(Kind.named("17 is odd")) == name(Kind.named("3.5e-7 is odd")))
    #expect(name(Plain(message: "A", value: 1)) == name(Plain(message: "A", value: 2)))
    #expect(name(Plain(message: "A", value: 1)) != name(Plain(message: "B", value: 1)))
    for (a, b) in [
      ("[1, [2, 3]] has no end", "[] has no end"), ("\"a b\" is bad", "\"\" is bad"),
      ("'x' can't be", "'yz' can't be"), ("is nan, not 3", "is inf, not 4"), ("“a” no", "“b” no"),
      ("it's an open [ one 1", "it's an open [ one 2"),
    ] { #expect(name(Fault(description: a)) == name(Fault(description: b))) }
    #expect(name(Fault(description: "too large")) != name(Fault(description: "too small")))
  }

  @Test("messages that are made of the case's data are one fault, and shrink as one")
  func messages() async {
    let text = Generator<String>.string(of: .element(of: Array("abcdefgh")), count: 0...20)
    for message in [{ "got \($0.uppercased())" }, { "cannot read \($0.reversed()) or so" }]
      as [@Sendable (String) -> String]
    {
      let report = await runProperty("words", text) {
        if $0.count > 3 { throw Fault(description: message($0)) }
      }
      #expect(report.counterexample?.shrunk == ["\"aaaa\""])
      #expect(report.otherCounterexamples.isEmpty)
    }
  }

  @Test("a case that fails once and passes then is flaky: both outcomes, and no token")
  func flaky() async throws {
    let calls = Mutex(0)
    let report = await runProperty("once", .integer(in: 0...1000)) { (_: Int) in
      let call = calls.withLock {
        $0 += 1
        return $0
      }
      if call == 20 { throw Fault(description: "only once") }
    }
    #expect(report.outcome == .flaky && !report.hasPassed && report.counterexample == nil)
    #expect(calls.withLock { $0 } == 21)
    let found = try #require(report.flakiness)
    #expect(found.failures == ["only once"] && found.failuresAgain == [])
    #expect(found.arguments == found.argumentsAgain && !found.isDiscardedAgain)
    #expect("\(report)".contains("not a function of its arguments"))
    #expect("\(report)".hasSuffix("passed") && !"\(report)".contains("replay"))
  }

  @Test("so is one that fails otherwise, that is dropped, and whose arguments are drawn elsewhere")
  func otherwise() async throws {
    func run(_ again: @escaping @Sendable () throws -> Void) async -> PropertyReport {
      let calls = Mutex(0)
      return await runProperty("p", Generator<Bool>.bool) { _ in
        if calls.withLock({
          $0 += 1
          return $0
        }) == 1 {
          throw Fault(description: "first")
        }
        try again()
      }
    }
    let failing = await run { throw Fault(description: "second") }
    #expect(failing.outcome == .flaky && failing.flakiness?.failuresAgain == ["second"])
    let dropped = await run { try assume(false) }
    #expect(dropped.outcome == .flaky && dropped.flakiness?.isDiscardedAgain == true)

    let counter = Mutex(0)
    let drawn = Generator<Int> { _ in
      counter.withLock {
        $0 += 1
        return $0
      }
    }
    let report = await runProperty("p", drawn) { if $0 == 5 { throw Fault(description: "five") } }
    #expect(report.outcome == .flaky)
    #expect(report.flakiness?.arguments == ["5"] && report.flakiness?.argumentsAgain == ["6"])
  }

  @Test("a case that fails while it is shrunk and not when it is played again is flaky too")
  func flakyWhileShrinking() async throws {
    // Fails in all of its first ten failing cases, never again.
    let failures = Mutex(0)
    let report = await runProperty("ten", .integer(in: 0...1_000_000)) { (n: Int) in
      guard n > 1_000 else { return }
      let fails = failures.withLock {
        $0 += 1
        return $0 <= 10
      }
      if fails { throw Fault(description: "ten times") }
    }
    #expect(report.outcome == .flaky && report.counterexample == nil && report.flakiness != nil)
  }

  @Test("no more than eight faults are reported, and it says so")
  func many() async {
    let report = await runProperty("many", .integer(in: 0...1_000_000), probe: placeProbe) {
      (n: Int) in throw Place(number: n % 97)
    }
    #expect(report.allCounterexamples.count == PropertyReport.faultLimit)
    #expect(Set(report.allCounterexamples.map(\.failures)).count == PropertyReport.faultLimit)
    #expect("\(report)".contains("faults beyond these 8, if any, are not reported"))
  }

  @Test("two faults of one and the same case are told once")
  func together() async {
    let report = await runProperty("both", .integer(in: 0...1000), probe: expectationProbe) {
      (n: Int) in
      #expect(n < 500)
      #expect(n < 400 + 100)
    }
    #expect(report.counterexample?.shrunk == ["500"] && report.counterexample?.failures.count == 2)
    #expect(report.otherCounterexamples.isEmpty)
  }

  @Test("of a process that a case ends, the last trace is that case, and its token plays it")
  func trace() async throws {
    let result = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      var settings = PropertySettings()
      settings.isTraced = true
      _ = await runProperty("traps", .integer(in: 0...1000), settings: settings) { (n: Int) in
        precondition(n < 900)
      }
    }
    let lines = String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
      .filter { $0.hasPrefix("traps: (") }
    let numbers = lines.compactMap { Int($0.dropFirst(8).prefix { $0 != ")" }) }
    #expect(numbers.count == lines.count && lines.count > 1)
    #expect(numbers.last.map { $0 >= 900 } ?? false && numbers.dropLast().allSatisfy { $0 < 900 })
    var settings = PropertySettings()
    settings.replaying = lines.last?.split(separator: " ").last.flatMap { ReplayToken(String($0)) }
    let played = Mutex(-1)
    _ = await runProperty("traps", .integer(in: 0...1000), settings: settings) { (n: Int) in
      played.withLock { $0 = n }
    }
    #expect(played.withLock { $0 } == numbers.last)
  }

  @Test("a cancelled task says nothing of the property")
  func cancelled() async {
    let task = Task {
      await runProperty("p", Generator<Bool>.bool) { _ in
        withUnsafeCurrentTask { $0?.cancel() }
        try Task.checkCancellation()
      }
    }
    let report = await task.value
    #expect(report.outcome == .cancelled && report.counterexample == nil && !report.hasPassed)
  }
}
