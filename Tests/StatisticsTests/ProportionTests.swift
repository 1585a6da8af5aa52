import Foundation
import Statistics
import Testing

@Suite("A proportion comes with Wilson's interval")
struct ProportionTests {
  @Test("intervals are SciPy's")
  func golden() throws {
    let golden = try Golden.read().wilson
    #expect(golden.count > 100)
    for known in golden {
      let ours = Proportion(successes: known.successes, trials: known.trials)
        .wilsonInterval(confidence: known.confidence)
      // SciPy subtracts numbers of up to 1, after some ten roundings of 2⁻⁵³ each; at confidence
      // 1 − 10⁻⁹ its z also carries the rounding of (1 + confidence)/2, 2⁻⁵⁴ / 10⁻⁹ parts.
      let tolerance = known.confidence > 0.999 ? 1e-7 : 16 * 0x1p-53
      #expect(abs(ours.lower - known.interval.lower) <= tolerance)
      #expect(abs(ours.upper - known.interval.upper) <= tolerance)
    }
  }

  /// P76, on random counts from 1 to 10⁹ with both ends drawn often.
  @Test("the interval lies in [0, 1], contains the value, and its ends are exact at none and all")
  func containment() {
    var random = stream(120)
    for _ in 0..<20_000 {
      let trials = 1 + random.integer(below: Int(exp(21 * random.uniformDouble())))
      let successes =
        switch random.integer(below: 4) {
        case 0: 0
        case 1: trials
        default: random.integer(below: trials + 1)
        }
      let confidence = 1 - exp(-20 * random.uniformDouble() - 1e-3)
      let proportion = Proportion(successes: successes, trials: trials)
      let interval = proportion.wilsonInterval(confidence: confidence)
      let value = proportion.value
      #expect(0 <= interval.lower && interval.upper <= 1)
      #expect(interval.contains(value))
      #expect((interval.lower == 0) == (successes == 0))
      #expect(successes < trials || interval.upper == 1)
    }
  }

  @Test("each inner end p solves |k/n − p| = z·√(p(1 − p)/n)")
  func scoreEquation() {
    var random = stream(121)
    for _ in 0..<5_000 {
      let trials = 2 + random.integer(below: 10_000)
      let successes = 1 + random.integer(below: trials - 1)
      let confidence = 0.5 + 0.4999 * random.uniformDouble()
      let interval = Proportion(successes: successes, trials: trials)
        .wilsonInterval(confidence: confidence)
      let z = standardNormalQuantile((1 + confidence) / 2)
      let value = Double(successes) / Double(trials)
      for end in [interval.lower, interval.upper] {
        let distance = z * (end * (1 - end) / Double(trials)).squareRoot()
        // Both sides carry a few roundings of numbers up to 1; 1 − end for an end near 1 doubles
        // its relative error up to trials times, before the root halves it.
        #expect(abs(abs(value - end) - distance) <= 64 * 0x1p-53 + 1e-12 * distance)
      }
    }
  }

  @Test("failures mirror successes, and more confidence widens")
  func symmetry() {
    var random = stream(122)
    for _ in 0..<2_000 {
      let trials = 1 + random.integer(below: 1_000)
      let successes = random.integer(below: trials + 1)
      let proportion = Proportion(successes: successes, trials: trials)
      let mirrored = Proportion(successes: trials - successes, trials: trials).wilsonInterval()
      let interval = proportion.wilsonInterval()
      // A dozen roundings of numbers up to 1.
      #expect(abs(interval.lower - (1 - mirrored.upper)) <= 16 * 0x1p-53)
      #expect(abs(interval.upper - (1 - mirrored.lower)) <= 16 * 0x1p-53)
      let wider = proportion.wilsonInterval(confidence: 0.99)
      #expect(wider.lower <= interval.lower && interval.upper <= wider.upper)
    }
  }

  @Test("without trials there is no value, and every proportion is possible")
  func noTrials() {
    let nothing = Proportion(successes: 0, trials: 0)
    #expect(nothing.value.isNaN)
    #expect(nothing.wilsonInterval() == Interval(lower: 0, upper: 1))
  }

  // Of the 5,151 pairs of hundredths the doubles fail 1,238: the difference is above the share it equals.
  @Test("a share reaches a target that is a difference of decimals if it does in whole numbers")
  func targets() {
    for baseline in 0...100 {
      for cost in 0...baseline {
        let target = Double(baseline) / 100 - Double(cost) / 100
        for right in max(0, baseline - cost - 1)...min(100, baseline - cost + 1) {
          #expect((Double(right) / 100).isShare(atLeast: target) == (right >= baseline - cost))
        }
      }
    }
    #expect(!(949_999_999.0 / 1_000_000_000).isShare(atLeast: 0.97 - 0.02))
  }

  @Test("outcomes are counted")
  func outcomes() {
    #expect(Proportion([true, false, true]) == Proportion(successes: 2, trials: 3))
    #expect(Proportion([]) == Proportion(successes: 0, trials: 0))
  }

  // The ends by hand: (0.976 + z²/1000 ∓ z √(0.976 · 0.024/500 + z²/10⁶)) / (1 + z²/500), z = 1.96.
  @Test("Its text has the share, the interval and the trials")
  func text() {
    #expect("\(Proportion(successes: 488, trials: 500))" == "97.6% [95.9, 98.6] of 500")
    #expect("\(Proportion(successes: 0, trials: 0))" == "0 of 0")
  }

  @Test("JSON holds the two counts, and impossible counts are refused")
  func json() throws {
    let proportion = Proportion(successes: 3, trials: 10)
    let data = try JSONEncoder().encode(proportion)
    #expect(try JSONDecoder().decode(Proportion.self, from: data) == proportion)
    #expect(
      try JSONDecoder().decode([String: Int].self, from: data) == ["successes": 3, "trials": 10])
    for (successes, trials) in [(-1, 3), (4, 3), (0, -1)] {
      let text = "{\"successes\": \(successes), \"trials\": \(trials)}"
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(Proportion.self, from: Data(text.utf8))
      }
    }
  }
}
