/// What came of a property.
public struct PropertyReport: Sendable {
  /// The verdict.
  public enum Outcome: Sendable, Equatable {
    /// It held in every case.
    case passed
    /// A case was found in which it does not hold.
    case falsified
    /// A required share of cases is missing: name, required, found.
    case coverageMissed(label: String, required: Double, found: Double)
    /// Too many cases were discarded; some counted.
    case gaveUp
    /// No case counted, so nothing was checked.
    case vacuous
  }

  /// A case in which the property does not hold.
  public struct Counterexample: Sendable, Equatable {
    /// The arguments as they were found, and after shrinking; one text each, to be pasted.
    public var original: [String]
    /// The same after shrinking.
    public var shrunk: [String]
    /// What was wrong in the shrunk case.
    public var failures: [String]
    /// Successful steps from the original to the shrunk case.
    public var shrinks: Int
    /// Cases tried while shrinking.
    public var attempts: Int
    /// Plays the shrunk case again.
    public var token: ReplayToken
    /// Whether it comes from the file of earlier failures.
    public var isKnown: Bool
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
  /// Cases outside the premise.
  public var discards = 0
  /// Whether the time was up before all cases were tried.
  public var isOutOfTime = false
  /// How many cases had each label.
  public var labels: [String: Int] = [:]
  /// The case that falsifies it.
  public var counterexample: Counterexample?
  /// The largest score.
  public var maximum: Maximum?

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
    case .coverageMissed(let label, let required, let found):
      lines.append(
        "\(name): \"\(label)\" must cover \(percent(required)) of the cases, but covers "
          + "\(percent(found)) of \(cases)")
    case .gaveUp:
      lines.append("\(name): gave up after \(discards) discarded cases, \(cases) counted")
    case .vacuous: lines.append("\(name): vacuous, all \(discards) cases were discarded")
    }
    if isOutOfTime { lines[0] += " (out of time)" }
    if let counterexample {
      lines.append("counterexample: (\(counterexample.shrunk.joined(separator: ", ")))")
      if counterexample.isKnown { lines.append("found before and kept beside the tests") }
      if counterexample.original != counterexample.shrunk {
        lines.append(
          "shrunk \(counterexample.shrinks) times from: "
            + "(\(counterexample.original.joined(separator: ", ")))")
      }
      lines += counterexample.failures.map { "failure: \($0)" }
      lines.append("replay with: replaying: \"\(counterexample.token)\"")
    }
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

private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10)%" }

/// A case as text: the choices from which it was made.
public struct ReplayToken: Hashable, Sendable, Codable, LosslessStringConvertible {
  let choices: [UInt64]

  init(_ choices: [UInt64]) { self.choices = choices }

  /// Reads numbers in base 36 with dots between them.
  public init?(_ description: String) {
    var choices: [UInt64] = []
    for part in description.split(separator: ".") {
      guard let choice = UInt64(part, radix: 36) else { return nil }
      choices.append(choice)
    }
    self.choices = choices
  }

  /// Reads the text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let token = ReplayToken(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a replay token is numbers in base 36 with dots between")
    }
    self = token
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// The choices in base 36 with dots between them.
  public var description: String {
    choices.isEmpty ? "." : choices.map { String($0, radix: 36) }.joined(separator: ".")
  }
}
