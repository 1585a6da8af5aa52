import Foundation
import Statistics
import Testing

@Suite("Outcomes of a randomised classifier")
struct RepeatedOutcomesTests {
  private typealias Example = RepeatedOutcomes.Example

  @Test("an example is right by majority if no other class is predicted as often")
  func majority() {
    func right(_ predictions: [Int]) -> Bool {
      Example(predictions: predictions, label: 1).isMajorityCorrect
    }
    #expect(
      right([1]) && right([1, 1, 2]) && right([1, 1, 2, 3, 4]) && right([2, 1, 3, 1, 2, 1]))
    #expect(!right([2]) && !right([1, 2]) && !right([2, 2, 1]) && !right([1, 1, 2, 2, 3]))
    #expect(Example(predictions: [1, 3, 1], label: 1).correct == 2)
  }

  @Test("one draw is an accuracy with Wilson's interval")
  func oneDraw() {
    let outcomes = RepeatedOutcomes(
      draws: 1, examples: (0..<50).map { Example(predictions: [$0 % 5], label: 0) })
    let proportion = Proportion(successes: 10, trials: 50)
    #expect(
      outcomes.mean == 0.2 && outcomes.majority == proportion && outcomes.always == proportion)
    // s² = p(1 − p)·n/(n − 1): the effective size is n − 1, held up to n.
    #expect(outcomes.meanInterval() == proportion.wilsonInterval())
  }

  @Test("draws that agree within examples add nothing; draws that are coins count each")
  func effectiveSize() {
    let repeated = (0..<100).map { Example(correct: $0 < 30 ? 8 : 0, isMajorityCorrect: $0 < 30) }
    let agreeing = RepeatedOutcomes(draws: 8, examples: repeated)
    let wilson = Proportion(successes: 30, trials: 100).wilsonInterval()
    #expect(agreeing.mean == 0.3 && agreeing.meanInterval() == wilson)
    // All examples with the same share are as good as independent draws, 800 at most.
    let equal = RepeatedOutcomes(
      draws: 8,
      examples: Array(repeating: Example(correct: 2, isMajorityCorrect: false), count: 100))
    let all = Proportion(successes: 200, trials: 800).wilsonInterval()
    #expect(equal.meanInterval().lower <= all.lower && equal.meanInterval().upper >= all.upper)
    #expect(
      equal.meanInterval().upper < Proportion(successes: 25, trials: 100).wilsonInterval().upper)
    // One draw of 2000 on one example says no more of the others than none.
    let rare = RepeatedOutcomes(
      draws: 20,
      examples: (0..<100).map { Example(correct: $0 == 0 ? 1 : 0, isMajorityCorrect: false) })
    #expect(
      rare.meanInterval().upper > Proportion(successes: 0, trials: 100).wilsonInterval().upper)
    #expect(RepeatedOutcomes(draws: 3, examples: []).meanInterval() == Interval(lower: 0, upper: 1))
    #expect(RepeatedOutcomes(draws: 3, examples: []).mean.isNaN)
  }

  @Test("broken once is broken: never above the mean, which lies in its interval")
  func order() {
    for seed in 0..<200 as Range<UInt64> {
      var random = RandomStream(RandomKey(seed: seed, purpose: .test))
      let draws = 1 + random.integer(below: 9)
      let examples = (0...random.integer(below: 40)).map { _ in
        Example(predictions: (0..<draws).map { _ in random.integer(below: 3) }, label: 0)
      }
      let outcomes = RepeatedOutcomes(draws: draws, examples: examples)
      #expect(outcomes.always.value <= outcomes.mean)
      let interval = outcomes.meanInterval()
      #expect(interval.lower - 1e-15 <= outcomes.mean && outcomes.mean <= interval.upper + 1e-15)
      #expect(0 <= interval.lower && interval.upper <= 1)
    }
  }

  // Examples differ in how likely they are right: the law of shares is Beta(2, 1), with mean 2/3.
  @Test("the interval covers the expected accuracy about as often as it says")
  func calibration() {
    var covered = 0
    for run in 0..<2000 {
      var random = RandomStream(RandomKey(seed: 9, purpose: .test, example: run))
      let examples = (0..<60).map { _ in
        let share = random.beta(2, 1)
        return Example(
          predictions: (0..<5).map { _ in random.uniformDouble() < share ? 0 : 1 }, label: 0)
      }
      let outcomes = RepeatedOutcomes(draws: 5, examples: examples)
      covered += outcomes.meanInterval().contains(2.0 / 3) ? 1 : 0
    }
    // 95%, give or take what the unknown variance costs and three standard errors of 0.005.
    #expect(0.925 < Double(covered) / 2000 && Double(covered) / 2000 < 0.975, "\(covered)")
  }

  // Most examples are wrong on every draw and few right on some: Beta(0.05, 2), with mean 0.0244. An
  // interval may be too wide there, not too narrow: 95% less three standard errors of 0.005 and what
  // Wilson's own coverage lacks at this n.
  @Test("near 0 the interval does not cover less often than it says")
  func calibrationNearZero() {
    var covered = 0
    for run in 0..<2000 {
      var random = RandomStream(RandomKey(seed: 10, purpose: .test, example: run))
      let examples = (0..<100).map { _ in
        let share = random.beta(0.05, 2)
        return Example(
          predictions: (0..<20).map { _ in random.uniformDouble() < share ? 0 : 1 }, label: 0)
      }
      covered +=
        RepeatedOutcomes(draws: 20, examples: examples).meanInterval().contains(0.05 / 2.05) ? 1 : 0
    }
    #expect(Double(covered) / 2000 > 0.93, "\(covered)")
  }
}
