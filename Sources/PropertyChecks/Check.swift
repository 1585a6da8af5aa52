import Foundation
import PropertyTesting
import Synchronization
import Testing

/// Checks that a property holds for all values of the generators, by trying many and shrinking the
/// first that fails. Inside it, `#expect` and `#require` do what they always do.
///
///     @Test func reversal() async {
///       await check("reversing twice changes nothing", .array(of: .integer())) { (a: [Int]) in
///         #expect(a.reversed().reversed() == a)
///       }
///     }
///
/// The cases are the same in every run. PROPERTY_CASES, PROPERTY_SEED and PROPERTY_SECONDS change
/// their number, the random numbers, and the time that a property may take. What failed is kept in
/// the folder `.failures` beside the test's file, to be tried first until it passes; with CI set, the
/// file is only read.
///
/// - Parameters:
///   - name: what holds, as a sentence.
///   - cases: how many values to try; 100 unless given here or by the environment.
///   - token: from an earlier failure, the only case to try.
public func check<each Value: Sendable>(
  _ name: String, _ generators: repeat Generator<each Value>, cases: Int? = nil,
  replaying token: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
  file: String = #filePath,
  _ body: @escaping @Sendable (repeat each Value) async throws -> Void
) async {
  let environment = ProcessInfo.processInfo.environment
  var settings = PropertySettings()
  if let cases { settings.cases = cases }
  settings = settings.changed(by: environment)
  let failures = FailureFile(of: file)
  if let token {
    guard let token = ReplayToken(token) else {
      Issue.record(
        "\"\(token)\" is no replay token; copy it from a failure", sourceLocation: sourceLocation)
      return
    }
    settings.replaying = token
  } else {
    settings.known = failures.tokens(of: name)
  }
  let report = await runProperty(
    name, repeat each generators, settings: settings, probe: expectationProbe, body)

  if environment["CI"] == nil, token == nil {
    do { try failures.record(report.counterexample.map { [$0.token] } ?? [], of: name) } catch {
      Issue.record(
        "cannot keep the failure beside the tests: \(error)", sourceLocation: sourceLocation)
    }
  }
  guard !report.hasPassed else { return }
  if let counterexample = report.counterexample {
    // Once more with nothing held back, so that the expectation's own account of it shows.
    var replay = PropertySettings()
    replay.replaying = counterexample.token
    _ = await runProperty(
      name, repeat each generators, settings: replay, probe: transparentProbe(sourceLocation), body)
  }
  Issue.record(Comment(rawValue: report.description), sourceLocation: sourceLocation)
}

/// Holds back what a case records, and takes it for the case's failure.
let expectationProbe: Probe = { body in
  let issues = Mutex<[String]>([])
  let note: @Sendable (String) -> Void = { text in issues.withLock { $0.append(text) } }
  let handled: @Sendable () async throws -> Bool = {
    do {
      try await body()
      return true
    } catch is Discarded {
      return false
    } catch {
      note("\(error)")
      return true
    }
  }
  let counts = Mutex(true)
  let trait = IssueHandlingTrait.compactMapIssues { issue in
    note("\(issue)")
    return nil
  }
  if let test = Test.current {
    do {
      try await trait.provideScope(for: test, testCase: Test.Case.current) {
        let result = try await handled()
        counts.withLock { $0 = result }
      }
    } catch { note("\(error)") }
  } else {
    note("a property can only be checked inside a test")
  }
  guard counts.withLock({ $0 }) else { return .discarded }
  let found = issues.withLock { $0 }
  return found.isEmpty ? .passed : .failed(found)
}

/// Lets everything through; an error becomes an issue of the test.
private func transparentProbe(_ sourceLocation: SourceLocation) -> Probe {
  { body in
    do { try await body() } catch is Discarded {
      return .discarded
    } catch { Issue.record(error, sourceLocation: sourceLocation) }
    // Shown is shown; the engine need not shrink it again.
    return .passed
  }
}
