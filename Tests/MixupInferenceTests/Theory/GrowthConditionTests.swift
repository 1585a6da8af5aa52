import Foundation
import MixupInference
import Statistics
import Testing

@Suite("The growth condition")
struct GrowthConditionTests {
  @Test("P40: under a power law RIC holds at λ if and only if g(1−λᵖ) > c(1−λ)")
  func decides() throws {
    var (held, failed) = (0, 0)
    try forEachCase(count: 400, family: .power, { $0.spread = 0 }) { example, _ in
      let effect = example.model.perturbation(
        example.input.perturbation, at: example.input.point)
      let condition = example.model.robustnessImprovingCondition(
        of: example.input, mixing: example.rule, ratio: example.ratio)
      // The exponent, read off the decay at half length.
      let half = example.model.perturbation(
        example.input.perturbation.map { $0 / 2 }, at: example.input.point)
      let strength = -effect[example.input.label]
      let exponent = -log2(half[example.input.label] / effect[example.input.label])
      let growth = try GrowthCondition(
        strength: min(strength, 1), exponent: exponent, rule: example.rule,
        classCount: example.classCount)
      guard abs(growth.margin(at: example.ratio)) > 1e-9 else { return }
      // −ΔF_ŷ under MI-OL is g(1−λᵖ) and so no constraint where λ < 1.
      #expect(condition.holds == growth.holds(at: example.ratio))
      #expect(abs(condition.margin - growth.margin(at: example.ratio)) <= 1e-9)
      if condition.holds { held += 1 } else { failed += 1 }
    }
    #expect(held > 50 && failed > 50)
  }

  @Test("the favourable λ are one interval, found by its ends")
  func interval() throws {
    var stream = RandomStream(RandomKey(seed: theorySeed, purpose: .test))
    var (none, inner, critical) = (0, 0, 0)
    for _ in 0..<300 {
      let exponent = stream.integer(below: 5) == 0 ? 1 : 0.1 + 4 * stream.uniformDouble()
      let condition = try GrowthCondition(
        strength: 1 - stream.uniformDouble(), exponent: exponent, slope: stream.uniformDouble())
      let favourable = condition.favourableRatios
      for step in 1..<400 {
        let λ = Double(step) / 400
        // At the ends themselves the margin is 0 up to rounding.
        guard abs(condition.margin(at: λ)) > 1e-12 else { continue }
        let isInside = favourable.map { $0.lower < λ && λ < $0.upper } ?? false
        #expect(condition.holds(at: λ) == isInside, "\(condition), λ = \(λ)")
      }
      if favourable == nil { none += 1 }
      if let upper = favourable?.upper, upper < 1 { inner += 1 }
      if let λ = condition.criticalRatio, λ > 0 {
        critical += 1
        #expect(abs(condition.margin(at: λ)) <= 1e-14)
      }
    }
    #expect(none > 20 && inner > 5 && critical > 20)
  }

  @Test("MI-PL needs gp > 1: a linear effect never satisfies it, and g = 1, p > 1 always")
  func edges() throws {
    for strength in [0.3, 0.9, 1] {
      let linear = try GrowthCondition(
        strength: strength, exponent: 1, rule: .predicted, classCount: 10)
      #expect(linear.favourableRatios == nil)
    }
    // g·p = 1 exactly: the margin touches 0 at λ = 1 only.
    #expect(
      try GrowthCondition(strength: 0.5, exponent: 2, rule: .predicted, classCount: 10)
        .favourableRatios == nil)
    #expect(
      try GrowthCondition(strength: 1, exponent: 1.5, rule: .predicted, classCount: 10)
        .criticalRatio == 0)
    // g(1−λ²) = 1−λ has the root 1/g − 1.
    let quadratic = try GrowthCondition(
      strength: 0.8, exponent: 2, rule: .predicted, classCount: 10)
    #expect(abs((quadratic.criticalRatio ?? 0) - 0.25) <= 1e-15)
    // MI-OL and a linear effect: g > (L−2)/(L−1).
    #expect(
      try GrowthCondition(strength: 0.89, exponent: 1, rule: .other, classCount: 10)
        .favourableRatios != nil)
    #expect(
      try GrowthCondition(strength: 0.88, exponent: 1, rule: .other, classCount: 10)
        .favourableRatios == nil)
    #expect(throws: TheoryError.self) {
      try GrowthCondition(strength: 1.1, exponent: 1, slope: 1)
    }
    #expect(throws: TheoryError.classCount(1, least: 2)) {
      try GrowthCondition(strength: 1, exponent: 1, rule: .other, classCount: 1)
    }
  }
}
