import Foundation
import Statistics
import Testing

@Suite("The interval of Clopper and Pearson")
struct ClopperPearsonTests {
  @Test("intervals are SciPy's")
  func golden() throws {
    let golden = try Golden.read().clopperPearson
    #expect(golden.count > 100)
    for known in golden {
      let ours = Proportion(successes: known.successes, trials: known.trials)
        .clopperPearsonInterval(confidence: known.confidence)
      // SciPy's own inversion stops at 10⁻⁸ relative; our tails lose up to log₂(10⁶!) ≈ 2⁻²⁸ parts
      // to the logarithms of gamma functions of 10⁶, which moves an end by far less than that.
      for (end, reference) in [
        (ours.lower, known.interval.lower), (ours.upper, known.interval.upper),
      ] {
        #expect(abs(end - reference) <= 1e-7 * max(reference, 1e-12), "\(known)")
      }
    }
  }

  @Test("it contains k/n and Wilson's is not wider at the ends of the scale")
  func containment() {
    for trials in [1, 2, 7, 100, 5_000] {
      for successes in Set([0, 1, trials / 3, trials - 1, trials]) {
        let proportion = Proportion(successes: successes, trials: trials)
        let interval = proportion.clopperPearsonInterval()
        #expect(interval.contains(proportion.value))
        #expect((interval.lower == 0) == (successes == 0))
        #expect((interval.upper == 1) == (successes == trials))
      }
    }
  }

  @Test("at k = 0 the upper end is 1 − (α/2)^(1/n)")
  func closedForm() {
    for n in [1, 5, 50, 1_000] {
      let upper = Proportion(successes: 0, trials: n).clopperPearsonInterval(confidence: 0.9).upper
      // A logarithm, an exponential and the bisection: a few roundings each.
      #expect(abs(upper - (1 - pow(0.05, 1 / Double(n)))) <= 1e-13)
    }
  }
}

@Suite("Bounds for means and distributions hold at their confidence")
struct MeanIntervalTests {
  @Test("the interval misses the mean of a skewed law no more often than it says")
  func empiricalBernstein() {
    var random = stream(130)
    let misses = Proportion(
      (0..<3_000).map { _ in
        let draws = (0..<80).map { _ in random.uniformDouble() < 0.03 ? 1.0 : 0 }
        return !empiricalBernsteinInterval(of: draws, in: 0...1, confidence: 0.95).contains(0.03)
      })
    #expect(misses.clopperPearsonInterval(confidence: 1 - 2e-9).lower <= 0.05)
  }

  @Test("it scales with the range, shrinks with n, and is the range without draws")
  func scaling() {
    var random = stream(131)
    let draws = (0..<500).map { _ in random.uniformDouble() }
    let unit = empiricalBernsteinInterval(of: draws, in: 0...1)
    let scaled = empiricalBernsteinInterval(of: draws.map { 10 * $0 - 5 }, in: -5...5)
    // Sums of 500 numbers up to 5, each rounded by at most 2⁻⁵¹ on the way.
    #expect(abs(scaled.lower - (10 * unit.lower - 5)) <= 1e-11)
    #expect(abs(scaled.upper - (10 * unit.upper - 5)) <= 1e-11)
    let fewer = empiricalBernsteinInterval(of: Array(draws[..<100]), in: 0...1)
    #expect(unit.upper - unit.lower < fewer.upper - fewer.lower)
    #expect(empiricalBernsteinInterval(of: [], in: 2...3) == Interval(lower: 2, upper: 3))
  }
}
