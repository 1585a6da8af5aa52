import Foundation
import PropertyTesting
import Synchronization
import Testing

@testable import PropertyChecks

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
  }

  @Test("a failure reaches the test: the expectation's own account, then the report")
  func failure() async {
    let issues = Mutex<[String]>([])
    let trait = IssueHandlingTrait.compactMapIssues { issue in
      issues.withLock { $0.append("\(issue)") }
      return nil
    }
    guard let test = Test.current else { return #expect(Bool(false), "runs in a test") }
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
    let kept = FailureFile(of: file).tokens(of: "no list is long")
    let isCI = ProcessInfo.processInfo.environment["CI"] != nil
    #expect(kept.count == (isCI ? 0 : 1))
  }

  @Test("failures are kept property by property; an empty file goes away; damage counts as empty")
  func failureFile() throws {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = FailureFile(
      of: folder.appending(path: "Some Tests.swift").path(percentEncoded: false))
    #expect(file.url.lastPathComponent == "Some Tests.json")
    #expect(file.tokens(of: "a") == [])
    let tokens = ["1.2.zz", "."].compactMap(ReplayToken.init)
    #expect(tokens.count == 2)
    try file.record(tokens, of: "a")
    try file.record([tokens[0]], of: "b")
    #expect(file.tokens(of: "a") == tokens && file.tokens(of: "b") == [tokens[0]])
    try file.record([], of: "a")
    #expect(file.tokens(of: "a") == [] && file.tokens(of: "b") == [tokens[0]])
    try Data("{".utf8).write(to: file.url)
    #expect(file.tokens(of: "b") == [])
    try file.record([tokens[0]], of: "b")
    try file.record([], of: "b")
    #expect(!FileManager.default.fileExists(atPath: file.url.path(percentEncoded: false)))
  }

  @Test("the environment changes seed, cases and time, and nonsense in it changes nothing")
  func environment() {
    let changed = PropertySettings().changed(by: [
      "PROPERTY_CASES": "7", "PROPERTY_SEED": "9", "PROPERTY_SECONDS": "0.5",
    ])
    #expect(changed.cases == 7 && changed.seed == 9 && changed.timeBudget == .seconds(0.5))
    let same = PropertySettings().changed(by: [
      "PROPERTY_CASES": "-1", "PROPERTY_SEED": "x", "PROPERTY_SECONDS": "",
    ])
    #expect(same.cases == 100 && same.seed == nil && same.timeBudget == nil)
  }
}
