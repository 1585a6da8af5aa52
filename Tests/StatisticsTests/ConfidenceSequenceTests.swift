import Foundation
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

/// `fixtures/statistics/sequences.json`; the script beside it says what each part is.
private struct SequenceGolden: Decodable {
  struct Evidence: Decodable {
    let successes: Int
    let failures: Int
    let threshold: Double
    let above: Double
    let below: Double
  }
  struct Bounds: Decodable {
    let successes: Int
    let failures: Int
    let level: Double
    let lower: Double
    let upper: Double
  }
  struct Means: Decodable {
    let draws: [Double]
    let threshold: Double
    /// Nil where the capital is lost.
    let above: Double?
    let below: Double?
  }
  let evidence: [Evidence]
  let bounds: [Bounds]
  let means: [Means]

  static func read() throws -> SequenceGolden {
    try JSONDecoder().decode(SequenceGolden.self, from: Fixtures.data("statistics/sequences.json"))
  }
}

private func votes(_ successes: Int, _ failures: Int) -> VoteSequence {
  VoteSequence(Proportion(successes: successes, trials: successes + failures))
}

@Suite("Sequences of votes and of draws")
struct ConfidenceSequenceTests {
  @Test("the evidence of votes is the integral over all bets, and the bounds are its roots")
  func votesGolden() throws {
    let golden = try SequenceGolden.read()
    #expect(golden.evidence.count == 36)
    for known in golden.evidence {
      let sequence = votes(known.successes, known.failures)
      // Logarithms of gamma functions of 30,000 are as large as 3·10⁵, so a rounding is 6·10⁻¹¹; the
      // continued fraction is right to 10⁻¹³.
      let tolerance = 1e-9 * (1 + abs(known.above) + abs(known.below))
      for (ours, reference) in [
        (sequence.logEvidence(above: known.threshold), known.above),
        (sequence.logEvidence(below: known.threshold), known.below),
      ] {
        #expect(abs(ours - reference) <= tolerance, "\(known): \(ours)")
      }
    }
    #expect(golden.bounds.count == 8)
    for known in golden.bounds {
      let sequence = votes(known.successes, known.failures)
      // The evidence is steeper than 1 in m, so its error bounds that of its root.
      #expect(abs(sequence.lowerBound(level: known.level) - known.lower) <= 1e-9)
      #expect(abs(sequence.upperBound(level: known.level) - known.upper) <= 1e-9)
      let interval = sequence.interval(confidence: 1 - 2 * known.level)
      #expect(abs(interval.lower - known.lower) <= 1e-9)
      #expect(abs(interval.upper - known.upper) <= 1e-9)
    }
  }

  @Test("the evidence of draws is that of exact fractions")
  func meansGolden() throws {
    let golden = try SequenceGolden.read().means
    #expect(golden.count == 10)
    for known in golden {
      var sequence = MeanSequence(thresholds: [0.25, known.threshold])
      for draw in known.draws { sequence.add(draw) }
      #expect(sequence.count == known.draws.count)
      for (ours, reference) in [
        (sequence.logEvidence(above: known.threshold), known.above),
        (sequence.logEvidence(below: known.threshold), known.below),
      ] {
        // Five roundings a factor, at most 150 factors; in log.
        #expect(reference.map { abs(ours - $0) <= 1e-12 } ?? (ours < -700), "\(known): \(ours)")
      }
    }
  }

  @Test("what refutes a threshold refutes all below, and votes in any order are as good")
  func nested() async throws {
    await check(
      "evidence falls with the threshold", .integer(in: 0...300), .integer(in: 0...300),
      .integer(in: 1...98)
    ) { successes, failures, percent in
      let (low, high) = (Double(percent) / 100, Double(percent + 1) / 100)
      let sequence = votes(successes, failures)
      // Equal where both are 0 draws; the closed form is right to 10⁻¹⁰.
      #expect(sequence.logEvidence(above: low) >= sequence.logEvidence(above: high) - 1e-10)
      #expect(sequence.logEvidence(below: high) >= sequence.logEvidence(below: low) - 1e-10)
      var draws = MeanSequence(thresholds: [low, high])
      for vote in 0..<(successes + failures) % 40 { draws.add(vote % 3 == 0 ? 0.2 : 0.9) }
      #expect(draws.logEvidence(above: low) >= draws.logEvidence(above: high) - 1e-10)
      #expect(draws.logEvidence(below: high) >= draws.logEvidence(below: low) - 1e-10)
    }
  }

  @Test(
    "a threshold of 0 is reached and one above 1 is not, without a draw; votes one by one are their count"
  )
  func trivial() {
    let none = VoteSequence()
    #expect(none.verdict(on: 0, level: 0.001) == .atLeast)
    #expect(none.verdict(on: 1.5, level: 0.001) == .below)
    #expect(none.verdict(on: 1, level: 0.001) == .open)
    #expect(none.verdict(on: 0.5, level: 0.001) == .open)
    #expect(none.lowerBound(level: 0.001) == 0)
    #expect(none.upperBound(level: 0.001) == 1)
    // Thresholds whose distance to 1 or 0 is less than a rounding.
    for sequence in [votes(50, 0), votes(0, 50), votes(3, 4)] {
      for m in [1e-300, 1e-20, 1.0.nextDown] {
        let evidence = [sequence.logEvidence(above: m), sequence.logEvidence(below: m)]
        #expect(evidence.allSatisfy { $0.isFinite }, "\(m): \(evidence)")
      }
      #expect(sequence.interval().contains(Double(sequence.successes) / Double(sequence.trials)))
    }
    var some = none
    for vote in [true, true, false] { some.add(vote) }
    #expect(some == votes(2, 1))
    #expect(votes(30, 0).verdict(on: 0.5, level: 0.001) == .atLeast)
    #expect(votes(0, 30).verdict(on: 0.5, level: 0.001) == .below)
  }
}

/// The probability that votes of probability p are ever taken to refute the threshold within n draws,
/// by the law of the number of "yes" among the runs that go on.
private func crossing(
  _ p: Double, draws: Int, _ isRefuted: (VoteSequence) -> Bool
) -> Double {
  var law = [1.0]
  var crossed = 0.0
  for n in 1...draws {
    var next = Array(repeating: 0.0, count: n + 1)
    for (k, mass) in law.enumerated() where mass > 0 {
      next[k] += mass * (1 - p)
      next[k + 1] += mass * p
    }
    for k in 0...n where next[k] > 0 && isRefuted(votes(k, n - k)) {
      crossed += next[k]
      next[k] = 0
    }
    law = next
  }
  return crossed
}

@Suite("Sequences are wrong at any time together no more often than they say")
struct SequenceCoverageTests {
  static let level = 0.05

  @Test(
    "votes, exactly, within 300 draws, at the threshold and on the wrong side of it",
    arguments: [0.1, 0.5, 0.8413, 0.99])
  func votesExactly(threshold: Double) {
    let needed = -log(Self.level)
    for p in [threshold, 0.97 * threshold] {
      let wrong = crossing(p, draws: 300) { $0.logEvidence(above: threshold) >= needed }
      // Sums of 300² roundings.
      #expect(wrong <= Self.level + 1e-11, "p = \(p): \(wrong)")
      // A bound that is nearly met shows that the sum looks at what it should; of 300 votes of 0.99 too few
      // are "no".
      #expect(
        p < threshold || threshold > 0.9 || wrong > 0.1 * Self.level, "p = \(p): \(wrong)")
    }
    let above = threshold + 0.03 * (1 - threshold)
    for p in [threshold, above] {
      let wrong = crossing(p, draws: 300) { $0.logEvidence(below: threshold) >= needed }
      #expect(wrong <= Self.level + 1e-11, "p = \(p): \(wrong)")
    }
  }

  @Test("an interval that is looked at after every draw is not valid for any number of draws")
  func naiveRuleIsWrong() {
    // Clopper and Pearson's lower bound at a level of 5%, against p itself.
    let wrong = crossing(0.5, draws: 150) {
      Proportion(successes: $0.successes, trials: $0.trials)
        .clopperPearsonInterval(confidence: 1 - 2 * Self.level).lower > 0.5
    }
    #expect(wrong > 3 * Self.level)
  }

  @Test("draws of three values, exactly, by every sequence of ten of them")
  func meansExactly() {
    for law in [[0.3, 0.4, 0.3], [0.02, 0.03, 0.95], [0.6, 0.3, 0.1]] {
      let threshold = 0.5 * law[1] + law[2]
      let needed = -log(Self.level)
      func wrong(_ sequence: MeanSequence, _ mass: Double, _ left: Int) -> (Double, Double) {
        let isAbove = sequence.logEvidence(above: threshold) >= needed
        let isBelow = sequence.logEvidence(below: threshold) >= needed
        // The two errors are never of one path: what is counted for one may end there for both.
        guard !isAbove, !isBelow, left > 0 else {
          return (isAbove ? mass : 0, isBelow ? mass : 0)
        }
        return [0, 0.5, 1].enumerated().reduce((0.0, 0.0)) { sum, draw in
          var next = sequence
          next.add(draw.element)
          let (above, below) = wrong(next, mass * law[draw.offset], left - 1)
          return (sum.0 + above, sum.1 + below)
        }
      }
      let (above, below) = wrong(MeanSequence(thresholds: [threshold]), 1, 10)
      #expect(above <= Self.level + 1e-12, "\(law): \(above)")
      #expect(below <= Self.level + 1e-12, "\(law): \(below)")
      #expect(above + below > 0, "\(law)")
    }
  }

  /// Runs of the simulations below; SEQUENCE_RUNS asks for more than a test should take.
  static let runs = ProcessInfo.processInfo.environment["SEQUENCE_RUNS"].flatMap { Int($0) } ?? 600

  /// A law whose next draw may depend on those before, but whose mean does not.
  enum Law: String, CaseIterable {
    case votes, rareFailures, flat, nearlyConstant, changing

    var mean: Double {
      switch self {
      case .votes: 0.5
      case .rareFailures: 0.98
      case .flat: 0.5
      case .nearlyConstant: 0.6
      case .changing: 0.75
      }
    }

    func draw(after last: Double, from random: inout RandomStream) -> Double {
      let u = random.uniformDouble()
      return switch self {
      case .votes, .rareFailures: u < mean ? 1 : 0
      case .flat: u
      case .nearlyConstant: 0.59 + 0.02 * u
      // Votes after a high draw, a narrow law after a low one.
      case .changing: last >= mean ? (u < mean ? 1 : 0) : 0.7 + 0.1 * u
      }
    }
  }

  // Whoever wants to see a wrong verdict stops where the evidence is highest, which is what "ever" means; of
  // several thresholds the one that is wrong first.
  @Test("whoever stops where it suits finds a wrong verdict no more often", arguments: Law.allCases)
  func adversarialStopping(law: Law) {
    let mean = law.mean
    // On the wrong side, or at the mean itself.
    let thresholds = [mean, mean + 0.1 * (1 - mean)]
    let lower = [mean, 0.9 * mean]
    let needed = -log(Self.level)
    let isVote = law == .votes || law == .rareFailures
    var wrong = (above: 0, below: 0)
    var random = stream(190)
    for _ in 0..<Self.runs {
      var draws = MeanSequence(thresholds: isVote ? [] : thresholds + lower.dropFirst())
      var votes = VoteSequence()
      var (isAbove, isBelow) = (false, false)
      var last = 1.0
      for n in 1...400 {
        last = law.draw(after: last, from: &random)
        if isVote { votes.add(last == 1) } else { draws.add(last) }
        // What is not looked at between two looks is missing on the side of fewer errors; near the
        // start, where most errors are, every draw is looked at.
        guard n <= 60 || n % 5 == 0 else { continue }
        let evidence: any ThresholdEvidence = isVote ? votes : draws
        isAbove = isAbove || thresholds.contains { evidence.logEvidence(above: $0) >= needed }
        isBelow = isBelow || lower.contains { evidence.logEvidence(below: $0) >= needed }
      }
      wrong.above += isAbove ? 1 : 0
      wrong.below += isBelow ? 1 : 0
    }
    for count in [wrong.above, wrong.below] {
      // The chance that a right sequence fails here is 10⁻⁹.
      let share = Proportion(successes: count, trials: Self.runs)
      #expect(
        share.clopperPearsonInterval(confidence: 1 - 2e-9).lower <= Self.level,
        "\(law.rawValue): \(share)")
      if Self.runs >= 100_000 {
        print("\(law.rawValue): \(share.value) of \(Self.runs) runs wrong, level \(Self.level)")
        #expect(share.value <= Self.level, "\(law.rawValue): \(share)")
      }
    }
  }
}
