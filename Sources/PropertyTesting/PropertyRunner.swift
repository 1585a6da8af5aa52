import Foundation
import Statistics

/// Runs a case and says what was wrong with it.
///
/// `throwingProbe` takes a thrown error for a failure; that of `PropertyChecks` also knows of
/// expectations of Swift Testing that were not met.
public typealias Probe =
  @Sendable (_ body: @escaping @Sendable () async throws -> Void) async -> ProbeResult

/// What came of one case.
public enum ProbeResult: Sendable, Equatable {
  /// The property held.
  case passed
  /// The case is outside the premise.
  case discarded
  /// It did not hold, for these reasons, in the order in which they came up.
  case failed([PropertyFailure])
}

/// The probe for which a case fails if it throws.
public let throwingProbe: Probe = { body in
  do {
    try await body()
    return .passed
  } catch is Discarded {
    return .discarded
  } catch { return PropertyCase.isDiscarded ? .discarded : .failed([PropertyFailure(error)]) }
}

/// Tries a property on cases from the generators, makes a failing one as simple as it can, and says
/// what came of it: it neither throws nor records an issue.
///
/// With the same name, settings and generators the cases are the same, whatever the threads. A case that
/// fails is tried again before it is shrunk and after: it falsifies the property only if it fails by the
/// same fault every time.
public func runProperty<each Value: Sendable>(
  _ name: String, _ generators: repeat Generator<each Value>,
  settings: PropertySettings = PropertySettings(), probe: @escaping Probe = throwingProbe,
  _ body: @escaping @Sendable (repeat each Value) async throws -> Void
) async -> PropertyReport {
  var runner = Runner(
    name: name, generator: combined(repeat each generators), settings: settings, probe: probe,
    describe: { (values: (repeat each Value)) in
      var texts: [String] = []
      for value in repeat each values { texts.append(pasteable(value)) }
      return texts
    },
    body: { (values: (repeat each Value)) in try await body(repeat each values) })
  return await runner.run()
}

private struct Runner<Value> {
  let generator: Generator<Value>
  let settings: PropertySettings
  let probe: Probe
  let describe: (Value) -> [String]
  let body: @Sendable (Value) async throws -> Void
  let deadline: ContinuousClock.Instant?
  var report: PropertyReport
  var requirements: [String: Double] = [:]
  /// How many of the cases that were drawn meet each requirement of `cover`.
  var covered: [String: Int] = [:]
  var highest: (score: Double, result: CaseResult)?

  init(
    name: String, generator: Generator<Value>, settings: PropertySettings, probe: @escaping Probe,
    describe: @escaping (Value) -> [String], body: @escaping @Sendable (Value) async throws -> Void
  ) {
    self.generator = generator
    self.settings = settings
    self.probe = probe
    self.describe = describe
    self.body = body
    report = PropertyReport(
      name: name, seed: settings.seed ?? PropertySettings.seed(of: name), outcome: .passed)
    if let fault = settings.fault { report.outcome = .refused(fault) }
    deadline = report.outcome == .passed ? settings.timeBudget.map { .now + $0 } : nil
  }

  mutating func run() async -> PropertyReport {
    guard report.outcome == .passed else { return report }
    if let token = settings.replaying {
      let result = await play(token.choices)
      if result.isFaithful {
        await count(result, .known)
      } else {
        report.outcome = .refused(
          "the case of \(token) is none of these generators, which may have changed since; "
            + "run without the token, and take the one that is reported then")
      }
      return finished()
    }
    for token in settings.known where !isDone {
      await count(play(token.choices), .known)
      if report.outcome == .passed || report.counterexample.map({ $0.token != token }) ?? false {
        report.retired.append(token)
      }
    }
    var draw = 0
    while report.drawn < settings.cases, !isDone {
      await count(play(next(&draw)), .drawn)
    }
    await climb(&draw)
    await decideCoverage(&draw)
    return finished()
  }

  private func finished() -> PropertyReport {
    var report = report
    if report.outcome == .passed, report.cases == 0 { report.outcome = .vacuous }
    if let highest {
      report.maximum = PropertyReport.Maximum(
        score: highest.score, arguments: highest.result.arguments,
        token: ReplayToken(highest.result.choices))
    }
    return report
  }

  private var isDone: Bool { report.outcome != .passed || report.isOutOfTime }

  // MARK: Cases

  /// Where a case comes from.
  private enum Origin {
    /// From an earlier run.
    case known
    /// From the generators, as they are.
    case drawn
    /// From the case of a high score.
    case varied
  }

  private func next(_ draw: inout Int) -> ChoiceSource {
    draw += 1
    return ChoiceSource(RandomStream(RandomKey(seed: report.seed, purpose: .test, draw: draw)))
  }

  private func play(_ choices: [UInt64]) async -> CaseResult {
    await play(ChoiceSource(playing: choices))
  }

  private func play(_ source: ChoiceSource) async -> CaseResult {
    let notes = PropertyCase.Notes()
    var arguments: [String] = []
    var verdict = CaseResult.Verdict.discarded
    var fault: ChoiceSource.Fault?
    do {
      let value = try generator.value(from: source)
      arguments = describe(value)
      if settings.isTraced {
        let line =
          "\(report.name): (\(arguments.joined(separator: ", "))) \(ReplayToken(source.choices))\n"
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
      }
      nonisolated(unsafe) let argument = value
      let body = body
      verdict =
        switch await PropertyCase.$current.withValue(
          notes, operation: { await probe { try await body(argument) } })
        {
        case .passed: notes.contents.withLock { $0.isDiscarded } ? .discarded : .passed
        case .discarded: .discarded
        case .failed(let failures): .failed(failures)
        }
    } catch { fault = source.fault }
    return CaseResult(
      choices: source.choices, bounds: source.bounds, spans: source.spans, arguments: arguments,
      verdict: verdict, notes: notes.contents.withLock { $0 }, fault: fault,
      isFaithful: source.isFaithful)
  }

  private mutating func count(_ result: CaseResult, _ origin: Origin) async {
    // What a case does once the task is cancelled says nothing of the property.
    if Task.isCancelled {
      report.outcome = .cancelled
      return
    }
    if let deadline, ContinuousClock.now >= deadline { report.isOutOfTime = true }
    switch result.verdict {
    case .discarded:
      report.discards += 1
      switch result.fault {
      case .impossible(let reason):
        report.outcome = .refused(reason)
        return
      case .tooLarge: report.tooLarge += 1
      case nil: break
      }
      if report.discards > settings.discardsPerCase * max(settings.cases, report.cases) {
        report.outcome = report.cases == 0 ? .vacuous : .gaveUp
      }
    case .passed:
      report.cases += 1
      for label in result.notes.labels.union(result.notes.covered) {
        report.labels[label, default: 0] += 1
      }
      if origin == .drawn {
        report.drawn += 1
        for label in result.notes.covered { covered[label, default: 0] += 1 }
      }
      requirements.merge(result.notes.requirements) { max($0, $1) }
      if let score = result.notes.score, score > highest?.score ?? -.infinity {
        highest = (score, result)
      }
      if let fault = result.notes.fault {
        report.outcome = .refused(fault)
      } else if requirements.count > Self.requirementLimit {
        report.outcome = .refused(
          "it requires shares of more than \(Self.requirementLimit) names; name kinds of cases, "
            + "not single ones")
      }
    case .failed:
      report.cases += 1
      if origin == .drawn { report.drawn += 1 }
      await judge(result, isKnown: origin == .known)
    }
  }

  // MARK: Failures

  /// Tries a failing case again, shrinks it, and then each other fault that comes to light.
  private mutating func judge(_ found: CaseResult, isKnown: Bool) async {
    let again = await play(found.choices)
    guard let first = found.failures.first(where: { again.shows($0) }) else {
      report.outcome = .flaky
      report.flakiness = flakiness(found, again)
      return
    }
    var queue = [(fault: first, result: found)]
    var unitedKinds: Set<String> = []
    var place = 0
    while place < queue.count {
      defer { place += 1 }
      let (fault, result) = queue[place]
      if unitedKinds.contains(fault.kind) { continue }
      let runner = self
      var shrinker = Shrinker(
        result, fault: fault, limit: settings.shrinkAttempts,
        make: { choices in
          let source = ChoiceSource(playing: choices)
          return (try? runner.generator.value(from: source)).map { _ in source.choices }
        },
        run: { await runner.play($0) },
        mayGoOn: { [deadline] in
          !Task.isCancelled && (deadline.map { ContinuousClock.now < $0 } ?? true)
        })
      await shrinker.shrink()
      if shrinker.goesByKind { unitedKinds.insert(fault.kind) }
      let last = await play(shrinker.best.choices)
      if last.shows(fault, byKind: shrinker.goesByKind) {
        let counterexample = PropertyReport.Counterexample(
          original: result.arguments, shrunk: last.arguments,
          failures: last.failures.map(\.description), shrinks: shrinker.shrinks,
          attempts: shrinker.attempts,
          isCutShort: settings.shrinkAttempts > 0 && shrinker.isCutShort,
          free: await freeArguments(of: last, fault, byKind: shrinker.goesByKind),
          token: ReplayToken(last.choices),
          isKnown: isKnown && place == 0)
        if place == 0 {
          report.outcome = .falsified
          report.counterexample = counterexample
        } else if !report.allCounterexamples.contains(where: { $0.token == counterexample.token }) {
          report.otherCounterexamples.append(counterexample)
        }
      } else {
        report.flakiness = report.flakiness ?? flakiness(shrinker.best, last)
        if place == 0 {
          report.outcome = .flaky
          return
        }
      }
      for other in shrinker.others where queue.count < PropertyReport.faultLimit {
        if !queue.contains(where: { $0.fault.isSame(as: other.fault) }) { queue.append(other) }
      }
    }
  }

  /// Arguments of a case that may be anything: in their place values are drawn until one does not show the fault.
  private func freeArguments(
    of result: CaseResult, _ fault: PropertyFailure, byKind: Bool
  ) async -> [Int] {
    guard settings.shrinkAttempts > 0, result.arguments.count > 1 else { return [] }
    var free: [Int] = []
    for argument in result.arguments.indices {
      if await isFree(argument, of: result, fault, byKind: byKind) { free.append(argument) }
    }
    return free
  }

  // A function of its own, as Swift 6.3.1 frees the memory of the two loops in the wrong order where it optimises them as
  // one, and the process ends.
  private func isFree(
    _ argument: Int, of result: CaseResult, _ fault: PropertyFailure, byKind: Bool
  ) async -> Bool {
    for draw in 1...20 {
      if Task.isCancelled { return false }
      if let deadline, ContinuousClock.now >= deadline { return false }
      let key = RandomKey(seed: report.seed, purpose: .test, example: argument + 1, draw: draw)
      let source = ChoiceSource(playing: result, redrawing: argument, from: RandomStream(key))
      let other = await play(source)
      if !other.shows(fault, byKind: byKind) { return false }
    }
    return true
  }

  private func flakiness(_ first: CaseResult, _ second: CaseResult) -> PropertyReport.Flakiness {
    PropertyReport.Flakiness(
      arguments: first.arguments, argumentsAgain: second.arguments,
      failures: first.failures.map(\.description),
      failuresAgain: second.failures.map(\.description),
      isDiscardedAgain: second.verdict == .discarded)
  }

  // MARK: Targeted search

  /// Varies the case of the highest score, as many times again as there were cases.
  private mutating func climb(_ draw: inout Int) async {
    guard highest != nil else { return }
    for _ in 0..<settings.cases where !isDone {
      guard let start = highest?.result, !start.choices.isEmpty else { return }
      draw += 1
      var stream = RandomStream(RandomKey(seed: report.seed, purpose: .test, draw: draw))
      var choices = start.choices
      for _ in 0...stream.integer(below: 3) {
        let place = stream.integer(below: choices.count)
        let (bound, value) = (start.bounds[place], choices[place])
        let step = magnitude(upTo: bound, from: &stream)
        choices[place] =
          switch stream.integer(below: 3) {
          case 0: step
          case 1: value - min(value, step)
          default: value + min(bound - value, step)
          }
      }
      await count(play(choices), .varied)
    }
  }

  // MARK: Coverage

  /// The chance that the sequential test of coverage is wrong, for all requirements and looks together.
  private static var coverageError: Double { 1e-9 }
  /// The most requirements, so that each has a share of the error that can be computed with.
  private static var requirementLimit: Int { 1_000 }
  /// The last look, at 2¹² times the cases.
  private static var lastLook: Int { 12 }

  /// Draws more cases until every requirement is decided, looking whenever their number has doubled.
  private mutating func decideCoverage(_ draw: inout Int) async {
    var look = 0
    while report.outcome == .passed, !requirements.isEmpty {
      // Σ 1/((k + 1)(k + 2)) = 1 shares the error out among all looks.
      let share = Self.coverageError / Double(requirements.count * (look + 1) * (look + 2))
      let isLast = look == Self.lastLook || report.isOutOfTime
      var isOpen = false
      for (label, required) in requirements.sorted(by: { $0.key < $1.key }) {
        let found = Proportion(successes: covered[label] ?? 0, trials: report.drawn)
        let value = report.drawn > 0 ? found.value : 0
        let interval = found.clopperPearsonInterval(confidence: 1 - share)
        if interval.upper < required || (isLast && value < required) {
          report.outcome = .coverageMissed(label: label, required: required, found: value)
          return
        }
        if interval.lower < 0.9 * required, !isLast { isOpen = true }
      }
      guard isOpen else { return }
      look += 1
      let goal = 2 * report.drawn
      while report.drawn < goal, !isDone { await count(play(next(&draw)), .drawn) }
    }
  }
}
