import Foundation
import PropertyTesting
import Synchronization
import Testing

import PropertyChecks

@Suite("In a test, expectations decide about a property")
struct CheckTests {
  @Test("mixing stays between its arguments")
  func passes() async {
    await check(
      "mixing stays between its arguments", .double(in: -1...1), .double(in: -1...1), .unitInterval
    ) { (a: Double, b: Double, share: Double) in
      let mixed = share * a + (1 - share) * b
      // Two products and a sum of numbers up to 1, each rounded by at most 2⁻⁵³.
      #expect(mixed >= min(a, b) - 0x1p-51 && mixed <= max(a, b) + 0x1p-51)
      try #require(mixed.isFinite)
    }
  }

  @Test("ranges of Float are written as literals, alone, in collections and beside other types")
  func floatLiterals() async {
    await check("one range", .float(in: -1...1)) { (x: Float) in #expect(abs(x) <= 1) }
    await check(
      "several ranges", .float(in: 0.1...0.3), .array(of: .float(in: -4...4)), .double(in: 0...1),
      .integer(in: 1...3)
    ) { (x: Float, list: [Float], y: Double, n: Int) in
      #expect(x >= 0.1 && x <= 0.3 && list.allSatisfy { abs($0) <= 4 })
      #expect(y >= 0 && y <= 1 && n >= 1 && n <= 3)
    }
    // Where the type is known already, nothing is in doubt.
    let range: ClosedRange<Float> = 0.1...0.3
    await check("a range with a type", .float(in: range), Generator<Float>.float(in: 0.1...0.3)) {
      (x: Float, y: Float) in #expect(range.contains(x) && range.contains(y))
    }
  }

  @Test("what an expectation records while a case is tried is held back and taken for its failure")
  func expectations() async throws {
    let report = await runProperty(
      "small numbers", Generator<Int>.integer(), probe: expectationProbe
    ) { n in
      #expect(n < 1_000)
      try #require(n < 1_000_000)
    }
    let found = try #require(report.counterexample)
    #expect(found.shrunk == ["1000"])
    #expect(found.failures.count == 1)
    #expect(found.failures[0].contains("1000"))
    // The two expectations are two faults; a requirement that is not met is one failure, not two.
    #expect(report.otherCounterexamples.map(\.shrunk) == [["1000000"]])
    #expect(report.otherCounterexamples.map(\.failures.count) == [2])
  }

  @Test("a failure reaches the test: the expectation's own account, then the report")
  func failure() async throws {
    let issues = Mutex<[String]>([])
    let trait = IssueHandlingTrait.compactMapIssues { issue in
      issues.withLock { $0.append("\(issue)") }
      return nil
    }
    let test = try #require(Test.current)
    // A file in a folder of its own, so that no failure is kept beside this one.
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "Tests.swift").path()
    await #expect(throws: Never.self) {
      try await trait.provideScope(for: test, testCase: Test.Case.current) {
        await check("no list is long", .array(of: .bool), file: file) { (list: [Bool]) in
          #expect(list.count < 3)
        }
        await check("token", .bool, replaying: "?", file: file) { (_: Bool) in }
      }
    }
    let texts = issues.withLock { $0 }
    #expect(texts.count == 3)
    #expect(texts[0].contains("(list.count → 3) < 3"))
    #expect(texts[1].contains("counterexample: ([false, false, false])"))
    #expect(texts[2].contains("is no replay token"))
  }

  @Test("what failed before an assumption is a failure; what fails after one was caught is none")
  func assumptions() async {
    let before = await runProperty("before", Generator<Bool>.bool, probe: expectationProbe) {
      flag in
      #expect(flag)
      try assume(false)
    }
    #expect(before.outcome == .falsified)
    let after = await runProperty("after", Generator<Bool>.bool, probe: expectationProbe) { flag in
      #expect(throws: (any Error).self) { try assume(flag) }
      #expect(flag)
    }
    #expect(after.outcome == .falsified, "with the flag the assumption throws nothing")
    let caught = await runProperty("caught", Generator<Bool>.bool, probe: expectationProbe) {
      flag in
      do { try assume(flag) } catch {}
      #expect(flag)
    }
    #expect(caught.hasPassed && caught.discards > 0)
    let swallowed = await runProperty("swallowed", Generator<Bool>.bool) { _ in try? assume(false) }
    #expect(swallowed.outcome == .vacuous)
  }

  @Test("warnings and known issues are no failures of a case, and are let through")
  func warnings() async throws {
    let seen = Mutex<[Issue.Severity]>([])
    let trait = IssueHandlingTrait.compactMapIssues { issue in
      seen.withLock { $0.append(issue.severity) }
      return nil
    }
    let test = try #require(Test.current)
    let passed = Mutex(false)
    try await trait.provideScope(for: test, testCase: Test.Case.current) {
      let report = await runProperty("p", Generator<Bool>.bool, probe: expectationProbe) { _ in
        Issue.record("odd, but not wrong", severity: .warning)
      }
      passed.withLock { $0 = report.hasPassed && report.cases == 100 }
    }
    #expect(
      passed.withLock { $0 } && seen.withLock { $0 } == Array(repeating: .warning, count: 100))
  }
}
