import Foundation
import PropertyTesting
import Statistics
import Testing

private func stream(_ seed: UInt64) -> RandomStream {
  RandomStream(RandomKey(seed: seed, purpose: .test))
}

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

  @Test("with few draws nothing is claimed")
  func fewDraws() {
    #expect(StatisticalCheck.mean(of: [], in: 0...1, equals: 0.9).passes)
    #expect(StatisticalCheck.mean(of: [0.1], in: 0...1, equals: 0.9).passes)
    #expect(StatisticalCheck.proportion(Proportion(successes: 0, trials: 0), equals: 0.9).passes)
  }
}
