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

  @Test("it contains k/n, and ends at 0 without a success only and at 1 without a failure only")
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
