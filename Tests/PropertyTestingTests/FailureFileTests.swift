import Foundation
import Synchronization
import Testing

import PropertyChecks
import PropertyTesting

private struct Fault: Error {}

/// A folder of its own, so that nothing is kept beside this file.
private func withFolder<Result>(_ body: (URL) async throws -> Result) async rethrows -> Result {
  let folder = URL(filePath: NSTemporaryDirectory()).appending(path: UUID().uuidString)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(folder)
}

/// Tokens of three cases; they differ in their choice.
private func tokens() async -> [ReplayToken] {
  var tokens: [ReplayToken] = []
  for target in 1...3 {
    let report = await runProperty("p", Generator<Int>.integer(in: 0...9)) { n in
      if n == target { throw Fault() }
    }
    tokens += report.counterexample.map { [$0.token] } ?? []
  }
  return tokens
}

private func key(_ property: String, test: [String] = ["M", "S", "t()"], case: String? = nil)
  -> FailureFile.Key
{
  FailureFile.Key(test: test, case: `case`, property: property)
}

/// A fresh process knows nothing of earlier ones, which a new path stands for: the file is copied there.
private func inNewProcess(_ file: FailureFile, _ folder: URL) throws -> FailureFile {
  let other = FailureFile(
    of: folder.appending(path: UUID().uuidString).appending(path: "T.swift").path())
  try FileManager.default.createDirectory(
    at: other.url.deletingLastPathComponent(), withIntermediateDirectories: true)
  try FileManager.default.copyItem(at: file.url, to: other.url)
  return other
}

@Suite("Failures are kept by test, case and property, and only a case that passes forgets its own")
struct FailureFileTests {
  @Test("every test, case and property has its own; a file without failures goes away")
  func keys() async throws {
    let t = await tokens()
    try #require(t.count == 3)
    try await withFolder { folder in
      let file = FailureFile(
        of: folder.appending(path: "Some 100% Tests.swift").path(percentEncoded: false))
      #expect(file.url.lastPathComponent == "Some 100% Tests.swift.json")
      // No two of these may be taken for each other, however they are written one after another.
      let keys = [
        key("a"), key("a", case: "1"), key("a", case: ""), key("a", test: ["M", "S.t()"]),
        key("a", test: ["M.S", "t()"]), key("a/../b\n\u{0}\"🙂", case: "…"), key(""), key("A"),
        key("é"), key("e\u{301}"), key("a", case: "é"), key("a", case: "e\u{301}"),
      ]
      for (index, key) in keys.enumerated() {
        #expect(try file.tokens(of: key) == [])
        try file.record(failed: [t[index % 3]], retired: [], of: key)
      }
      let later = try inNewProcess(file, folder)
      for (index, key) in keys.enumerated() {
        #expect(try later.tokens(of: key) == [t[index % 3]])
        try later.record(failed: [], retired: [t[index % 3]], of: key)
      }
      #expect(!FileManager.default.fileExists(atPath: later.url.path(percentEncoded: false)))
      #expect(FileManager.default.fileExists(atPath: file.url.path(percentEncoded: false)))
    }
  }

  @Test("only what is retired is forgotten, and nothing that failed another check of the same key")
  func retirement() async throws {
    let t = await tokens()
    try await withFolder { folder in
      let file = FailureFile(of: folder.appending(path: "T.swift").path())
      try file.record(failed: t, retired: [], of: key("a"))
      // As in a loop of three checks: the first holds now, the second fails, the third holds.
      let later = try inNewProcess(file, folder)
      #expect(try later.tokens(of: key("a")) == t)
      try later.record(failed: [], retired: [t[0], t[1]], of: key("a"))
      #expect(try later.tokens(of: key("a")) == t, "the second check has to try them all too")
      try later.record(failed: [t[1]], retired: [t[0]], of: key("a"))
      try later.record(failed: [], retired: t, of: key("a"))
      #expect(try inNewProcess(later, folder).tokens(of: key("a")) == [t[1]])
    }
  }

  @Test("tests that run at once do not write over each other's failures")
  func races() async throws {
    let t = await tokens()
    try await withFolder { folder in
      let file = FailureFile(of: folder.appending(path: "T.swift").path())
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<100 {
          group.addTask {
            // Every other one is forgotten again.
            try file.record(failed: [t[0]], retired: [], of: key("\(index)"))
            let later = FailureFile(of: folder.appending(path: "T.swift").path())
            _ = try later.tokens(of: key("\(index)"))
            if index.isMultiple(of: 2) {
              try later.record(failed: [t[1]], retired: [t[2]], of: key("\(index)"))
            }
          }
        }
        try await group.waitForAll()
      }
      let later = try inNewProcess(file, folder)
      for index in 0..<100 {
        #expect(try later.tokens(of: key("\(index)")).count == (index.isMultiple(of: 2) ? 2 : 1))
      }
    }
  }

  @Test("nor do processes that run at once")
  func processes() async throws {
    try await withFolder { folder in
      let source = folder.appending(path: "T.swift").path()
      async let first: Void = keepMany(source, "first")
      async let second: Void = keepMany(source, "second")
      _ = await (first, second)
      let file = FailureFile(of: source)
      for name in ["first", "second"] {
        for index in 0..<200 {
          let kept = try file.tokens(of: key("\(name) \(index)"))
          #expect(kept.count == 1)
        }
      }
    }
  }

  private func keepMany(_ source: String, _ name: String) async {
    await #expect(processExitsWith: .success) {
      [source = source as String, name = name as String] in
      let file = FailureFile(of: source)
      for index in 0..<200 {
        try file.record(failed: [ReplayToken([1])], retired: [], of: key("\(name) \(index)"))
      }
    }
  }

  @Test(
    "a damaged file is named, left as it is, and stops neither the check nor its report",
    arguments: [
      "{", "[]", "null", "", "{\"a\": [\"1.2\"]}", "{\"version\": 2}",
      "{\"version\": 3, \"failures\": []}",
      "{\"version\": 99999999999999999999, \"failures\": []}",
      """
      {"version": 2, "failures": [{"test": ["M"], "property": "p", "tokens": ["2-1.2-00000"]}]}
      """,
      """
      {"version": 2, "failures": [{"test": ["M"], "property": "p", "tokens": [7]}]}
      """,
      String(repeating: "[", count: 100_000),
    ])
  func damage(_ text: String) async throws {
    try await withFolder { folder in
      let source = folder.appending(path: "T.swift").path()
      let file = FailureFile(of: source)
      try FileManager.default.createDirectory(
        at: file.url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file.url)
      let path = file.url.path(percentEncoded: false)
      #expect {
        try file.tokens(of: key("p"))
      } throws: {
        "\($0)".hasPrefix(path) && "\($0)".contains("delete it") && !"\($0)".contains("\n")
      }
      let issues = await recorded {
        await checkAnywhere(Generator<Bool>.bool, file: source) { #expect(!$0) }
      }
      #expect(issues.count == 3)
      #expect(issues.first?.contains(path) ?? false)
      #expect(issues.last?.contains("counterexample: (true)") ?? false)
      #expect(try Data(contentsOf: file.url) == Data(text.utf8))
    }
  }
}

/// The texts of the issues that are recorded meanwhile.
private func recorded(_ body: @escaping @Sendable () async -> Void) async -> [String] {
  let issues = Mutex<[String]>([])
  let trait = IssueHandlingTrait.compactMapIssues { issue in
    issues.withLock { $0.append("\(issue.severity) \(issue)") }
    return nil
  }
  guard let test = Test.current else { return ["not inside of a test"] }
  do {
    try await trait.provideScope(for: test, testCase: Test.Case.current) { await body() }
  } catch { issues.withLock { $0.append("\(error)") } }
  return issues.withLock { $0 }
}

/// A check where nothing is set in the environment, not CI either, in which no failure is kept.
private func checkAnywhere<Value: Sendable>(
  _ generator: Generator<Value>, case testCase: String? = nil, file: String,
  environment: [String: String] = [:], _ body: @escaping @Sendable (Value) async throws -> Void
) async {
  await checkProperty(
    "p", generator, cases: nil, case: testCase, replaying: nil, sourceLocation: #_sourceLocation,
    file: file, environment: environment, body)
}

@Suite("A check keeps its case's failures")
struct KeptFailureTests {
  /// What a file holds for a new process.
  private func kept(_ source: String, _ folder: URL, _ key: FailureFile.Key) throws
    -> [ReplayToken]
  {
    let file = FailureFile(of: source)
    guard FileManager.default.fileExists(atPath: file.url.path(percentEncoded: false)) else {
      return []
    }
    return try inNewProcess(file, folder).tokens(of: key)
  }

  private func currentTest() throws -> [String] {
    let id = try #require(Test.current).id
    return [id.moduleName] + id.nameComponents
  }

  @Test("one case's failure survives others that pass, and goes once it passes itself")
  func cases() async throws {
    try await withFolder { folder in
      let source = folder.appending(path: "T.swift").path()
      @Sendable func run(_ k: Int, bound: Int) async -> [String] {
        await recorded {
          await checkAnywhere(.integer(in: 0...1000), case: "\(k)", file: source) { (n: Int) in
            #expect(k != 2 || n < bound)
          }
        }
      }
      let test = try currentTest()
      let second = key("p", test: test, case: "2")
      for k in 1...3 { #expect(await run(k, bound: 900).count == (k == 2 ? 2 : 0)) }
      #expect(try kept(source, folder, second).count == 1)
      #expect(try kept(source, folder, key("p", test: test, case: "1")) == [])
      // All at once, and the known case comes first.
      await withTaskGroup(of: Void.self) { group in
        for k in [1, 2, 3, 1, 2, 3] {
          group.addTask {
            let texts = await run(k, bound: 900)
            #expect(texts.count == (k == 2 ? 2 : 0))
            if k == 2 {
              #expect(texts.last?.contains("falsified after 1 cases") ?? false)
              #expect(texts.last?.contains("found before") ?? false)
            }
          }
        }
      }
      #expect(try kept(source, folder, second).count == 1)
    }
  }

  @Test(
    "cases that do not say which they are share what is kept, and none forgets it", .serialized,
    arguments: [1, 2, 3])
  func shared(_ k: Int) async throws {
    try await withFolder { folder in
      let source = folder.appending(path: "T.swift").path()
      let token = try #require(
        await runProperty("small", .integer(in: 0...1000)) { (n: Int) in
          if n >= 900 { throw Fault() }
        }.counterexample?.token)
      let shared = key("p", test: try currentTest())
      try FailureFile(of: source).record(failed: [token], retired: [], of: shared)
      let moved = folder.appending(path: "later/T.swift").path()
      let later = FailureFile(of: moved)
      try FileManager.default.createDirectory(
        at: later.url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: FailureFile(of: source).url, to: later.url)
      let first = Mutex<Int?>(nil)
      let texts = await recorded {
        await checkAnywhere(.integer(in: 0...1000), file: moved) { (n: Int) in
          first.withLock { $0 = $0 ?? n }
          #expect(k != 2 || n < 900)
        }
      }
      #expect(first.withLock { $0 } == 900)
      #expect(texts.count == (k == 2 ? 2 : 0))
      if k == 2 { #expect(texts.last?.contains("`case:`") ?? false) }
      #expect(try kept(moved, folder, shared) == [token])
    }
  }

  @Test("known cases that were not tried yet, as another failed or time was up, are not forgotten")
  func untried() async throws {
    var found: [ReplayToken] = []
    for least in [900, 500] {
      found +=
        await runProperty("small", .integer(in: 0...1000)) { (n: Int) in
          if n >= least { throw Fault() }
        }.counterexample.map { [$0.token] } ?? []
    }
    try #require(found.count == 2)
    var settings = PropertySettings()
    settings.known = found
    let failing = await runProperty("small", .integer(in: 0...1000), settings: settings) {
      (n: Int) in
      if n >= 900 { throw Fault() }
    }
    #expect(failing.outcome == .falsified && failing.retired == [])
    let simpler = await runProperty("small", .integer(in: 0...1000), settings: settings) {
      (n: Int) in
      if n >= 100 { throw Fault() }
    }
    #expect(simpler.counterexample?.shrunk == ["100"] && simpler.retired == [found[0]])
    settings.timeBudget = .nanoseconds(1)
    let late = await runProperty("small", .integer(in: 0...1000), settings: settings) { (_: Int) in
    }
    #expect(late.isOutOfTime && late.retired == [found[0]])
    settings.timeBudget = nil
    let mended = await runProperty("small", .integer(in: 0...1000), settings: settings) {
      (_: Int) in
    }
    #expect(mended.hasPassed && mended.retired == found)
    settings.cases = 2
    let drawn = await runProperty("small", .integer(in: 0...1000), settings: settings) {
      (_: Int) in cover(0.5, "all", true)
    }
    #expect(drawn.hasPassed && drawn.drawn > 2 && drawn.cases == drawn.drawn + 2)
  }

  @Test("settings of the environment are refused, and a time that was too short is told")
  func environment() async throws {
    let calls = Mutex(0)
    func run(_ environment: [String: String], cases: Int? = nil) async -> [String] {
      await recorded {
        await checkProperty(
          "p", Generator<Bool>.bool, cases: cases, case: nil, replaying: nil,
          sourceLocation: #_sourceLocation, file: "/nowhere/T.swift", environment: environment
        ) { _ in calls.withLock { $0 += 1 } }
      }
    }
    for environment in [["PROPERTY_SECONDS": "inf"], ["PROPERTY_CASES": "many"]] {
      let texts = await run(environment)
      #expect(texts.count == 1 && texts[0].hasPrefix("error"))
      #expect(texts[0].contains("; set it to "))
    }
    let none = await run([:], cases: 0)
    #expect(none.count == 1 && none[0].contains("cases is 0; give a number from 1 to"))
    #expect(calls.withLock { $0 } == 0)
    let short = await run(["PROPERTY_SECONDS": "1e-9"])
    #expect(short.count == 1 && short[0].hasPrefix("warning"))
    #expect(short[0].contains("passed 1 cases (out of time)"))
    #expect(await run(["PROPERTY_CASES": "7", "CI": ""]).isEmpty && calls.withLock { $0 } == 8)
  }

  @Test("failures that cannot be kept are an error beside the report; in CI none is kept")
  func unkept() async throws {
    try await withFolder { folder in
      let source = folder.appending(path: "T.swift").path()
      func run(_ environment: [String: String]) async -> [String] {
        await recorded {
          await checkAnywhere(Generator<Bool>.bool, file: source, environment: environment) {
            #expect(!$0)
          }
        }
      }
      let inCI = await run(["CI": "true"])
      #expect(inCI.count == 2 && !FileManager.default.fileExists(atPath: folder.path()))
      // A file stands where the folder should be.
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data().write(to: folder.appending(path: ".failures"))
      let blocked = await run([:])
      #expect(blocked.count == 3 && blocked[0].contains("cannot keep the failure"))
      #expect(blocked[2].contains("counterexample: (true)"))
    }
  }

  @Test("outside of a test's task no case is tried")
  func outside() async {
    let calls = Mutex(0)
    let probed = await Task.detached {
      await runProperty("p", Generator<Bool>.bool, probe: expectationProbe) { _ in
        calls.withLock { $0 += 1 }
      }
    }.value
    #expect(probed.counterexample?.failures == ["a property can only be checked inside a test"])
    #expect(calls.withLock { $0 } == 0)
  }

  @Test("a token that passes is a warning; one of other generators or with damage is an error")
  func replay() async throws {
    let token = try #require(
      await runProperty("small", .integer(in: 0...1000)) { (n: Int) in
        if n >= 900 { throw Fault() }
      }.counterexample?.token)
    func run(_ token: String, _ range: ClosedRange<Int>, bound: Int) async -> [String] {
      await recorded {
        await check("small", .integer(in: range), replaying: token) { (n: Int) in
          #expect(n < bound)
        }
      }
    }
    let failing = await run("\(token)", 0...1000, bound: 900)
    #expect(failing.count == 2 && failing[1].contains("counterexample: (900)"))
    let passing = await run("\(token)", 0...1000, bound: 901)
    #expect(passing.count == 1 && passing[0].hasPrefix("warning"))
    #expect(passing[0].contains("remove the token"))
    for other in [0...10, -5...1000, 7...7] {
      let texts = await run("\(token)", other, bound: 5)
      #expect(texts.count == 1 && texts[0].hasPrefix("error"))
      #expect(texts[0].contains("is none of these generators"))
    }
    let damaged = await run(
      "\(token)".replacing("-", with: "", maxReplacements: 1), 0...9, bound: 5)
    #expect(damaged.count == 1 && damaged[0].contains("is no replay token of this version"))
  }
}
