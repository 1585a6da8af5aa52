import Foundation
import PropertyTesting
import Statistics
import Testing

private func stream(_ seed: UInt64) -> RandomStream {
  RandomStream(RandomKey(seed: seed, purpose: .test))
}

/// Claims of which nothing could be found false, or that are none, each with a word of the reason.
private let vacuousChecks: [(String, StatisticalCheck)] = {
  let halves = (0..<1_000).map { Double($0 % 2) }
  let uniform = (0..<1_000).map { (Double($0) + 0.5) / 1_000 }
  let fair = Proportion(successes: 500, trials: 1_000)
  let identity: (Double) -> Double = { $0 }
  func mean(
    _ draws: [Double] = halves, _ range: ClosedRange<Double> = 0...1, _ expected: Double = 0.5,
    within tolerance: Double = 0, falseAlarm: Double = 1e-9
  ) -> StatisticalCheck {
    .mean(of: draws, in: range, equals: expected, within: tolerance, falseAlarm: falseAlarm)
  }
  return [
    ("draws", mean([])), ("draws", mean([0.1], 0...1, 0.9)), ("outside", mean(halves + [.nan])),
    ("outside", mean(halves + [2])), ("outside", mean(halves + [.infinity])),
    ("mean", mean(halves, 0...1, .nan)), ("mean", mean(halves, 0...1, 1.5)),
    ("wide", mean([0, 0], 0...0, 0)),
    ("wide", mean([0, 0], 0...1e-300, 0)),
    ("wide", mean(halves, 0 ... .infinity)),
    ("wide", mean(halves, -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)),
    ("wide", mean(halves, 0...1e200)), ("tolerance", mean(within: .infinity)),
    ("tolerance", mean(within: .nan)), ("tolerance", mean(within: -1)),
    ("tolerance", mean(within: 1)), ("draws", mean(within: 0.5)),
    ("alarm", mean(falseAlarm: 0)), ("alarm", mean(falseAlarm: .nan)),
    ("alarm", mean(falseAlarm: 1)), ("alarm", mean(falseAlarm: 1e-17)),

    ("trials", .proportion(Proportion(successes: 0, trials: 0), equals: 0.9)),
    ("trials", .proportion(Proportion(successes: 1, trials: 2), equals: 0.5)),
    ("probability", .proportion(fair, equals: .nan)),
    ("probability", .proportion(fair, equals: -0.5)),
    ("probability", .proportion(fair, equals: 1.5)),
    ("alarm", .proportion(fair, equals: 0.5, falseAlarm: 2)),

    ("draws", .distribution(of: [], is: identity)),
    ("draws", .distribution(of: Array(uniform.prefix(10)), is: identity)),
    ("finite", .distribution(of: [Double](repeating: .nan, count: 100_000), is: identity)),
    ("finite", .distribution(of: uniform + [.infinity], is: { min($0, 1) })),
    ("probability", .distribution(of: uniform, is: { _ in .nan })),
    ("probability", .distribution(of: uniform, is: { $0 > 0.9 ? $0 + 0.1 : $0 })),
    ("probability", .distribution(of: uniform, is: { $0 - 0.001 })),
    ("alarm", .distribution(of: uniform, is: identity, falseAlarm: -1)),

    ("draws", .frequencies([0, 0], are: [0.5, 0.5])),
    ("draws", .frequencies([1, 1], are: [0.5, 0.5])),
    ("counts", .frequencies([], are: [])), ("counts", .frequencies([100], are: [1])),
    ("counts", .frequencies([100, 100], are: [0.5, 0.25, 0.25])),
    ("count", .frequencies([201, -1], are: [1, 0])),
    ("add up", .frequencies([.max, .max], are: [0.5, 0.5])),
    ("add up", .frequencies([100, 100], are: [0.5, 0.4])),
    ("add up", .frequencies([100, 100, 0], are: [0.5, 0.5, 1e-12])),
    ("probability", .frequencies([100, 100], are: [1.5, -0.5])),
    ("probability", .frequencies([100, 100], are: [.nan, 0.5])),
    ("alarm", .frequencies([100, 100], are: [0.5, 0.5], falseAlarm: 1e-15)),
  ]
}()

@Suite("A statistical check fails for a reason, not by chance")
struct StatisticalCheckTests {
  /// False alarms of a check at 1%, among 2000 samples for which the claim is true.
  private func alarms(_ check: (inout RandomStream) -> StatisticalCheck) -> Proportion {
    var random = stream(300)
    return Proportion((0..<2_000).map { _ in !check(&random).passes })
  }

  // The alarms themselves are a proportion of at most 1%; the chance that a right check is found
  // above it is 10⁻⁹.
  private func expectCalibrated(_ found: Proportion) {
    #expect(found.clopperPearsonInterval(confidence: 1 - 2e-9).lower <= 0.01)
  }

  @Test("at 1% no check raises more false alarms than that")
  func calibration() {
    expectCalibrated(
      alarms { random in
        .mean(
          of: (0..<50).map { _ in random.uniformDouble() < 0.1 ? 1 : 0 }, in: 0...1, equals: 0.1,
          falseAlarm: 0.01)
      })
    expectCalibrated(
      alarms { random in
        .proportion(
          Proportion((0..<30).map { _ in random.uniformDouble() < 0.3 }), equals: 0.3,
          falseAlarm: 0.01)
      })
    expectCalibrated(
      alarms { random in
        .distribution(
          of: (0..<40).map { _ in random.uniformDouble() }, is: { $0 }, falseAlarm: 0.01)
      })
    expectCalibrated(
      alarms { random in
        var counts = [0, 0, 0, 0]
        for _ in 0..<60 { counts[random.integer(below: 4)] += 1 }
        return .frequencies(counts, are: [0.25, 0.25, 0.25, 0.25], falseAlarm: 0.01)
      })
  }

  @Test("at 10⁻⁹ what is off by 0.03 is caught in 20,000 draws, and the truth is not")
  func power() {
    var random = stream(301)
    let draws = (0..<20_000).map { _ in random.uniformDouble() }
    #expect(StatisticalCheck.mean(of: draws, in: 0...1, equals: 0.5).passes)
    #expect(!StatisticalCheck.mean(of: draws, in: 0...1, equals: 0.53).passes)
    #expect(StatisticalCheck.mean(of: draws, in: 0...1, equals: 0.53, within: 0.03).passes)
    #expect(StatisticalCheck.distribution(of: draws, is: { $0 }).passes)
    #expect(!StatisticalCheck.distribution(of: draws, is: { $0 * $0 * 0.2 + $0 * 0.8 }).passes)
    let heads = Proportion(draws.map { $0 < 0.5 })
    #expect(StatisticalCheck.proportion(heads, equals: 0.5).passes)
    #expect(!StatisticalCheck.proportion(heads, equals: 0.53).passes)
    let cells = (0..<4).map { cell in draws.count { Int($0 * 4) == cell } }
    #expect(StatisticalCheck.frequencies(cells, are: [0.25, 0.25, 0.25, 0.25]).passes)
    let wrong = StatisticalCheck.frequencies(cells, are: [0.225, 0.275, 0.25, 0.25])
    #expect(!wrong.passes && wrong.description.hasPrefix("cell 0: "))
  }

  @Test("what no draws could fail fails, and says why", arguments: vacuousChecks.indices)
  func vacuous(_ index: Int) {
    let (word, check) = vacuousChecks[index]
    #expect(!check.passes)
    #expect(check.description.hasPrefix("nothing was checked: "))
    #expect(check.description.contains(word))
    #expect(!check.description.contains("\n"))
  }

  @Test("as few draws as can refute a claim are enough, and then they can")
  func fewestDraws() {
    // DKW: √(ln(2·10⁹)/2n) < 1 from n = 11 on.
    func spread(_ n: Int) -> [Double] { (0..<n).map { (Double($0) + 0.5) / Double(n) } }
    #expect(!StatisticalCheck.distribution(of: spread(10), is: { $0 }).passes)
    #expect(StatisticalCheck.distribution(of: spread(11), is: { $0 }).passes)
    #expect(
      !StatisticalCheck.distribution(of: [Double](repeating: 0, count: 11), is: { $0 }).passes)
    // Clopper and Pearson: 2⁻ⁿ < 5·10⁻¹⁰ from n = 31 on.
    func trials(_ k: Int, _ n: Int) -> Bool {
      StatisticalCheck.proportion(Proportion(successes: k, trials: n), equals: 0.5).passes
    }
    #expect(!trials(15, 30) && trials(15, 31) && !trials(0, 31) && !trials(31, 31))
    // Betting against ½ on draws at one end multiplies the capital by 1 + ¾ a draw at most, and has won at
    // 2·10⁹: (7/4)ⁿ ≥ 2·10⁹ from n = 39 on.
    func mean(_ draws: [Double]) -> Bool {
      StatisticalCheck.mean(of: draws, in: 0...1, equals: 0.5).passes
    }
    #expect(!mean(spread(38)) && mean(spread(39)))
    #expect(!mean([Double](repeating: 0, count: 39)) && !mean([Double](repeating: 1, count: 39)))
  }
}
