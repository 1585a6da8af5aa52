/// What came of a property.
public struct PropertyReport: Sendable {
  /// The verdict.
  public enum Outcome: Sendable, Equatable {
    /// It held in every case.
    case passed
    /// A case was found in which it does not hold.
    case falsified
    /// A case failed and then, played again, did not fail so: the property depends on more than its
    /// arguments.
    case flaky
    /// A required share of cases is missing: name, required, found.
    case coverageMissed(label: String, required: Double, found: Double)
    /// Too many cases were discarded; some counted.
    case gaveUp
    /// No case counted, so nothing was checked.
    case vacuous
    /// Nothing was checked, since something is wrong with settings, generators, token or what the
    /// property requires; the text says what, and what to do.
    case refused(String)
    /// The task was cancelled before all cases were tried.
    case cancelled
  }

  /// The most faults that are reported of one property.
  public static let faultLimit = 8

  /// A case in which the property does not hold.
  public struct Counterexample: Sendable, Equatable {
    /// The arguments as they were found, one text each; Swift source where that is possible.
    public var original: [String]
    /// The arguments after shrinking, in the same form.
    public var shrunk: [String]
    /// What was wrong in the shrunk case.
    public var failures: [String]
    /// Successful steps from the original to the shrunk case.
    public var shrinks: Int
    /// Cases tried while shrinking.
    public var attempts: Int
    /// Whether shrinking ended for want of attempts or of time, so that a simpler case may exist.
    public var isCutShort: Bool
    /// The places, from 0, of arguments that do not matter: with the others as they are, each of 20 values drawn anew
    /// for one of them showed the same fault.
    public var free: [Int]
    /// Plays the shrunk case again.
    public var token: ReplayToken
    /// Whether it comes from the file of earlier failures.
    public var isKnown: Bool
  }

  /// A case that did not fail again as it had failed.
  public struct Flakiness: Sendable, Equatable {
    /// The arguments of the first time, one text each.
    public var arguments: [String]
    /// The arguments of the second time; they differ from the first if a generator depends on more than
    /// its choices.
    public var argumentsAgain: [String]
    /// What was wrong the first time.
    public var failures: [String]
    /// What was wrong the second time; empty if nothing was.
    public var failuresAgain: [String]
    /// Whether the second time the case was outside the premise.
    public var isDiscardedAgain: Bool
  }

  /// The largest score that `maximize` was given.
  public struct Maximum: Sendable, Equatable {
    /// The score.
    public var score: Double
    /// The arguments that reach it.
    public var arguments: [String]
    /// Plays the case again.
    public var token: ReplayToken
  }

  /// The property's name.
  public var name: String
  /// Names the random numbers.
  public var seed: UInt64
  /// The verdict.
  public var outcome: Outcome
  /// Cases in which the property was checked, without discarded ones.
  public var cases = 0
  /// Those of the counted cases that were drawn, by which coverage is decided: neither known ones nor
  /// varied ones.
  public var drawn = 0
  /// Cases that were discarded: outside the premise, or not to be made.
  public var discards = 0
  /// Those discarded cases that take more choices, parts or levels than a case may.
  public var tooLarge = 0
  /// Whether the time was up before all cases were tried.
  public var isOutOfTime = false
  /// How many cases had each label.
  public var labels: [String: Int] = [:]
  /// The case that falsifies it, by the fault that was found first.
  public var counterexample: Counterexample?
  /// Cases that falsify it by other faults, which were met while the first was shrunk.
  public var otherCounterexamples: [Counterexample] = []
  /// The case that did not fail again as it had failed, even if another did.
  public var flakiness: Flakiness?
  /// Known cases that need not be kept: they hold now, or a simpler one stands for them.
  package var retired: [ReplayToken] = []
  /// The largest score.
  public var maximum: Maximum?

  /// The cases that falsify it, each by a fault of its own, that which was found first in front.
  public var allCounterexamples: [Counterexample] {
    (counterexample.map { [$0] } ?? []) + otherCounterexamples
  }

  /// Whether it held.
  public var hasPassed: Bool { outcome == .passed }
}

extension PropertyReport: CustomStringConvertible {
  /// The report for a person.
  public var description: String {
    var lines: [String] = []
    switch outcome {
    case .passed: lines.append("\(name): passed \(cases) cases")
    case .falsified: lines.append("\(name): falsified after \(cases) cases")
    case .flaky:
      lines.append(
        "\(name): flaky after \(cases) cases: not a function of its arguments, as a case did not "
          + "fail again as it had failed; look for what it keeps, shares or draws elsewhere")
    case .refused(let reason): lines.append("\(name): refused: \(reason)")
    case .cancelled: lines.append("\(name): cancelled after \(cases) cases")
    case .coverageMissed(let label, let required, let found):
      lines.append(
        "\(name): \"\(label)\" must cover \(percent(required)) of the cases, but covers "
          + "\(percent(found)) of \(drawn)")
    case .gaveUp:
      lines.append(
        "\(name): gave up after \(discards) discarded cases, \(cases) counted; "
          + "generate values that meet the premise")
    case .vacuous:
      lines.append(
        "\(name): vacuous, all \(discards) cases were discarded; "
          + "generate values that meet the premise")
    }
    if isOutOfTime { lines[0] += " (out of time)" }
    if tooLarge > 0 {
      lines.append(
        "\(tooLarge) cases took more than \(ChoiceSource.choiceLimit) choices, or too many parts or "
          + "levels, and were discarded; make smaller values")
    }
    if let counterexample { lines += counterexample.lines }
    for other in otherCounterexamples {
      lines.append("another fault, met while shrinking:")
      lines += other.lines
    }
    if otherCounterexamples.count + 1 >= Self.faultLimit {
      lines.append("faults beyond these \(Self.faultLimit), if any, are not reported")
    }
    if let flakiness { lines += flakiness.lines }
    if let maximum {
      lines.append(
        "largest score: \(maximum.score) at (\(maximum.arguments.joined(separator: ", ")))")
    }
    for (label, count) in labels.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append("\(percent(Double(count) / Double(max(cases, 1)))) \(label)")
    }
    return lines.joined(separator: "\n")
  }
}

extension PropertyReport.Counterexample {
  fileprivate var lines: [String] {
    var lines = ["counterexample: (\(shrunk.joined(separator: ", ")))"]
    if isKnown { lines.append("found before and kept beside the tests") }
    if original != shrunk {
      lines.append("shrunk \(shrinks) times from: (\(original.joined(separator: ", ")))")
    }
    if isCutShort {
      lines.append(
        "shrinking ended after \(attempts) attempts, with none or no time left; a simpler case may exist"
      )
    }
    if free.count == shrunk.count, free.count > 1 {
      lines.append("every argument may be anything, by itself")
    } else if !free.isEmpty {
      let places = free.map { "\($0 + 1)" }.joined(separator: ", ")
      lines.append("may be anything: argument \(places)")
    }
    lines += failures.map { "failure: \($0)" }
    lines.append("replay with: replaying: \"\(token)\"")
    return lines
  }
}

extension PropertyReport.Flakiness {
  fileprivate var lines: [String] {
    ["the first time: (\(arguments.joined(separator: ", ")))"]
      + failures.map { "failure: \($0)" }
      + ["the second time: (\(argumentsAgain.joined(separator: ", ")))"]
      + (isDiscardedAgain
        ? ["discarded"]
        : failuresAgain.isEmpty ? ["passed"] : failuresAgain.map { "failure: \($0)" })
  }
}

private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10)%" }
