import Statistics

/// Runs a case and says what was wrong with it.
///
/// The engine's own takes a thrown error for a failure; a test library's also knows of expectations
/// that were not met.
public typealias Probe =
  @Sendable (_ body: @escaping @Sendable () async throws -> Void) async -> ProbeResult

/// What came of one case.
public enum ProbeResult: Sendable, Equatable {
  /// The property held.
  case passed
  /// The case is outside the premise.
  case discarded
  /// It did not hold, for these reasons.
  case failed([String])
}

/// The probe for which a case fails if it throws.
public let throwingProbe: Probe = { body in
  do {
    try await body()
    return .passed
  } catch is Discarded {
    return .discarded
  } catch { return .failed(["\(error)"]) }
}

/// Tries a property on cases from the generators, makes a failing one as simple as it can, and says
/// what came of it. Never fails itself.
///
/// With the same name, settings and generators the cases are the same, whatever the threads.
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
    deadline = settings.timeBudget.map { .now + $0 }
    report = PropertyReport(
      name: name, seed: settings.seed ?? PropertySettings.seed(of: name), outcome: .passed)
  }

  mutating func run() async -> PropertyReport {
    if let token = settings.replaying {
      await count(play(token.choices), isKnown: true)
      return finished()
    }
    for token in settings.known where !isDone { await count(play(token.choices), isKnown: true) }
    var draw = 0
    while report.cases < settings.cases, !isDone {
      await count(play(next(&draw)))
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
    if let value = try? generator.value(from: source) {
      arguments = describe(value)
      nonisolated(unsafe) let value = value
      let body = body
      verdict =
        switch await PropertyCase.$current.withValue(
          notes, operation: { await probe { try await body(value) } })
        {
        case .passed: .passed
        case .discarded: .discarded
        case .failed(let failures): .failed(failures)
        }
    }
    return CaseResult(
      choices: source.choices, bounds: source.bounds, spans: source.spans, arguments: arguments,
      verdict: verdict, notes: notes.contents.withLock { $0 })
  }

  private mutating func count(_ result: CaseResult, isKnown: Bool = false) async {
    if let deadline, ContinuousClock.now >= deadline { report.isOutOfTime = true }
    switch result.verdict {
    case .discarded:
      report.discards += 1
      if report.discards > settings.discardsPerCase * max(settings.cases, report.cases) {
        report.outcome = report.cases == 0 ? .vacuous : .gaveUp
      }
    case .passed:
      report.cases += 1
      for label in result.notes.labels { report.labels[label, default: 0] += 1 }
      requirements.merge(result.notes.requirements) { _, new in new }
      if let score = result.notes.score, score > highest?.score ?? -.infinity {
        highest = (score, result)
      }
    case .failed:
      report.cases += 1
      report.outcome = .falsified
      let runner = self
      var shrinker = Shrinker(
        result, limit: settings.shrinkAttempts, run: { await runner.play($0) },
        mayGoOn: { [deadline] in deadline.map { ContinuousClock.now < $0 } ?? true })
      await shrinker.shrink()
      report.counterexample = PropertyReport.Counterexample(
        original: result.arguments, shrunk: shrinker.best.arguments,
        failures: shrinker.best.failures ?? [], shrinks: shrinker.shrinks,
        attempts: shrinker.attempts, token: ReplayToken(shrinker.best.choices), isKnown: isKnown)
    }
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
      await count(play(choices))
    }
  }

  // MARK: Coverage

  /// The chance that the sequential test of coverage is wrong, for all requirements and stops.
  private static var coverageError: Double { 1e-9 }

  /// Draws more cases until every requirement is decided, looking whenever their number has doubled.
  private mutating func decideCoverage(_ draw: inout Int) async {
    var look = 0
    while !isDone, !requirements.isEmpty {
      // Σ 1/((k + 1)(k + 2)) = 1 shares the error out among all looks.
      let share = Self.coverageError / Double(requirements.count * (look + 1) * (look + 2))
      var isOpen = false
      for (label, required) in requirements.sorted(by: { $0.key < $1.key }) {
        let found = Proportion(successes: report.labels[label] ?? 0, trials: report.cases)
        let interval = found.clopperPearsonInterval(confidence: 1 - share)
        let isLast = look == 12
        if interval.upper < required || (isLast && found.value < required) {
          report.outcome = .coverageMissed(label: label, required: required, found: found.value)
          return
        }
        if interval.lower < 0.9 * required, !isLast { isOpen = true }
      }
      guard isOpen else { return }
      look += 1
      let goal = 2 * report.cases
      while report.cases < goal, !isDone { await count(play(next(&draw))) }
    }
  }
}
