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
/// their number, the random numbers, and the time that a property may take; a warning says so if it was
/// too short. PROPERTY_TRACE=1 shows every case before it is tried, and so the one that ends the process.
/// What failed is kept in the folder `.failures` beside the test's file, to be tried first until it
/// passes; with CI set, the file is only read.
///
/// What is kept belongs to the test, the case and the property. Cases of a test with arguments cannot be
/// told apart from within, so say which it is, here and in loops: `case: "\(k)"`. Where that is not said,
/// the cases of such a test share what is kept. All of them try it, and it stays until it is deleted, as
/// what holds in one case may fail in another.
///
/// - Parameters:
///   - name: what holds, as a sentence.
///   - cases: how many values to try; 100 unless given here or by the environment.
///   - case: tells the cases of a test with arguments apart, and repeated checks of one name.
///   - token: from an earlier failure, the only case to try; a warning says so once it passes.
public func check<each Value: Sendable>(
  _ name: String, _ generators: repeat Generator<each Value>, cases: Int? = nil,
  case testCase: String? = nil, replaying token: String? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, file: String = #filePath,
  _ body: @escaping @Sendable (repeat each Value) async throws -> Void
) async {
  await checkProperty(
    name, repeat each generators, cases: cases, case: testCase, replaying: token,
    sourceLocation: sourceLocation, file: file,
    environment: ProcessInfo.processInfo.environment, body)
}

/// The same in the given environment.
package func checkProperty<each Value: Sendable>(
  _ name: String, _ generators: repeat Generator<each Value>, cases: Int?, case testCase: String?,
  replaying token: String?, sourceLocation: SourceLocation, file: String,
  environment: [String: String],
  _ body: @escaping @Sendable (repeat each Value) async throws -> Void
) async {
  func record(_ text: String, _ severity: Issue.Severity = .error) {
    Issue.record(Comment(rawValue: text), severity: severity, sourceLocation: sourceLocation)
  }
  guard Test.current != nil else {
    return record("\(name): a property can only be checked in a test and in its task")
  }
  var settings = PropertySettings()
  if let cases { settings.cases = cases }
  settings = settings.changed(by: environment)
  let key = FailureFile.Key(
    test: Test.current.map { [$0.id.moduleName] + $0.id.nameComponents } ?? [],
    case: testCase, property: name)
  let isShared = testCase == nil && Test.Case.current?.isParameterized ?? false
  let failures = FailureFile(of: file)
  var keepsFailures = environment["CI"]?.isEmpty ?? true
  if let token {
    guard let token = ReplayToken(token) else {
      return record(
        "\"\(token)\" is no replay token of this version; copy one whole, from a failure")
    }
    settings.replaying = token
    keepsFailures = false
  } else {
    do { settings.known = try failures.tokens(of: key) } catch {
      record("\(error)")
      keepsFailures = false
    }
  }
  let report = await runProperty(
    name, repeat each generators, settings: settings, probe: expectationProbe, body)

  let found = report.allCounterexamples.map(\.token)
  if keepsFailures {
    do {
      try failures.record(failed: found, retired: isShared ? [] : report.retired, of: key)
    } catch { record("cannot keep the failure beside the tests: \(error)") }
  }
  if report.hasPassed {
    if token != nil {
      record("\(name): the case to be replayed passes; remove the token to try all", .warning)
    } else if report.isOutOfTime || report.tooLarge > 0 {
      record("\(report)", .warning)
    }
    return
  }
  for token in found {
    // Once more with nothing held back, so that the expectation's own account of it shows.
    var replay = PropertySettings()
    replay.replaying = token
    _ = await runProperty(
      name, repeat each generators, settings: replay, probe: transparentProbe(sourceLocation), body)
  }
  let advice =
    isShared && keepsFailures && !found.isEmpty
    ? "\nkept for all cases of this test until deleted; `case:` tells them apart" : ""
  record(report.description + advice)
}

/// A probe that holds back the issues that a case records, and takes them for its failures.
package let expectationProbe: Probe = { body in
  let issues = Mutex<[PropertyFailure]>([])
  let note: @Sendable (PropertyFailure) -> Void = { failure in
    // What goes wrong after an assumption has failed, and was caught, is outside the premise.
    if !PropertyCase.isDiscarded { issues.withLock { $0.append(failure) } }
  }
  let handled: @Sendable () async throws -> Bool = {
    do {
      try await body()
      return true
    } catch is Discarded {
      return false
    } catch is ExpectationFailedError where issues.withLock({ !$0.isEmpty }) {
      // The expectation that was not met has said so itself.
      return true
    } catch {
      note(PropertyFailure(error))
      return true
    }
  }
  let counts = Mutex(true)
  let trait = IssueHandlingTrait.compactMapIssues { issue in
    guard issue.isFailure else { return issue }
    note(PropertyFailure(issue))
    return nil
  }
  guard let test = Test.current else {
    let text = "a property can only be checked inside a test"
    return .failed([PropertyFailure(kind: text, description: text)])
  }
  do {
    try await trait.provideScope(for: test, testCase: Test.Case.current) {
      let result = try await handled()
      counts.withLock { $0 = result }
    }
  } catch { note(PropertyFailure(error)) }
  let found = issues.withLock { $0 }
  // What went wrong before the premise failed did go wrong.
  if !found.isEmpty { return .failed(found) }
  return counts.withLock { $0 } ? .passed : .discarded
}

extension PropertyFailure {
  /// An issue as a failure. Its kind is its place in the source, and if it is an error also the error's
  /// type; the text of the error then names the fault.
  fileprivate init(_ issue: Issue) {
    let failure = issue.error.map { PropertyFailure($0) }
    let place = issue.sourceLocation.map { "\($0.fileID):\($0.line):\($0.column)" }
    self.init(
      kind: [place, failure?.kind].compactMap(\.self).joined(separator: " "),
      fault: failure?.fault ?? "", description: "\(issue)")
  }
}

/// A probe that lets all issues through to the test, so that they are shown; an error becomes one.
private func transparentProbe(_ sourceLocation: SourceLocation) -> Probe {
  { body in
    do { try await body() } catch is Discarded {
      return .discarded
    } catch is ExpectationFailedError {
      // The expectation that was not met has said so itself.
    } catch { Issue.record(error, sourceLocation: sourceLocation) }
    // All has been shown, so the engine need not shrink the case again.
    return .passed
  }
}
