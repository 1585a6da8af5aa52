import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Testing

@Suite("The growth condition")
struct GrowthConditionTests {
  @Test("P40: under a power law RIC holds at λ if and only if g(1−λᵖ) > c(1−λ)")
  func decides() async {
    await check(
      "P40: RIC under a power law is the growth condition", .theory(.power, spreads: 0...0),
      cases: 300
    ) { (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let settings = try #require(recipe.nonlinearity.settings)
      let growth = try GrowthCondition(
        strength: settings.strength, exponent: settings.exponent, rule: example.rule,
        classCount: example.classCount)
      let condition = example.model.robustnessImprovingCondition(
        of: example.input, mixing: example.rule, lambda: example.lambda)
      // −ΔF_ŷ under MI-OL is g(1−λᵖ) and so no constraint where λ < 1. The 2D + 4 roundings of s are
      // enlarged by p ≤ 4¼ at most, to less than the tolerance's 16·(2D + …).
      #expect(abs(condition.margin - growth.margin(at: example.lambda)) <= example.tolerance)
      // On the boundary rounding decides.
      try assume(abs(growth.margin(at: example.lambda)) > example.tolerance)
      #expect(condition.holds == growth.holds(at: example.lambda))
      cover(0.1, "holds", condition.holds)
      cover(0.1, "fails", !condition.holds)
    }
  }

  @Test("the favourable λ are one interval, found by its ends")
  func interval() async {
    await check(
      "the favourable λ are one interval, found by its ends", .double(in: 0x1p-20...1),
      .frequency([(1, .always(1)), (3, .double(in: 0.1...1)), (3, .double(in: 1...4.1))]),
      .unitInterval, cases: 300
    ) { (strength: Double, exponent: Double, slope: Double) in
      let condition = try GrowthCondition(strength: strength, exponent: exponent, slope: slope)
      let favourable = condition.favourableLambdas
      let wrong = (1..<100).map { Double($0) / 100 }.filter { λ in
        let isInside = favourable.map { $0.lower < λ && λ < $0.upper } ?? false
        // At the ends themselves the margin is 0 up to rounding.
        return abs(condition.margin(at: λ)) > 1e-12 && condition.holds(at: λ) != isInside
      }
      #expect(wrong.isEmpty)
      cover(0.1, "none", favourable == nil)
      cover(0.02, "ends before 1", favourable.map { $0.upper < 1 } ?? false)
      if let λ = condition.criticalLambda, λ > 0 {
        cover(0.02, "begins after 0", true)
        // The margin rises by less than gp + c ≤ 5.1 for 1, and so by few roundings over one of λ.
        #expect(abs(condition.margin(at: λ)) <= 1e-14)
      } else {
        cover(0.02, "begins after 0", false)
      }
    }
  }

  @Test("at every λ it holds for the exponents above one, and for no others")
  func border() async {
    await check(
      "at every λ it holds for the exponents above one", .double(in: 0.01...1),
      .double(in: 0.01...1), .double(in: 0.01...0.99), cases: 300
    ) { (strength: Double, slope: Double, lambda: Double) in
      func condition(_ exponent: Double) throws -> GrowthCondition {
        try GrowthCondition(strength: strength, exponent: exponent, slope: slope)
      }
      guard let critical = try condition(1).criticalExponent(at: lambda) else {
        #expect(slope * (1 - lambda) >= strength)
        return #expect(try !condition(1000).holds(at: lambda))
      }
      cover(0.1, "below 1", critical < 1)
      cover(0.1, "above 1", critical > 1)
      // The margin rises with p by gλᵖ|ln λ|, which has to be seen beyond rounding.
      let rise = strength * pow(lambda, critical) * abs(log(lambda)) * critical
      try assume(rise > 1e-9 && critical > 1e-6)
      #expect(try condition(critical * (1 + 1e-5)).holds(at: lambda))
      #expect(try !condition(critical * (1 - 1e-5)).holds(at: lambda))
    }
  }

  @Test("MI-PL needs gp > 1: a linear effect never satisfies it, and g = 1, p > 1 always")
  func edges() throws {
    for strength in [0.3, 0.9, 1] {
      let linear = try GrowthCondition(
        strength: strength, exponent: 1, rule: .predicted, classCount: 10)
      #expect(linear.favourableLambdas == nil)
    }
    // g·p = 1 exactly: the margin touches 0 at λ = 1 only.
    #expect(
      try GrowthCondition(strength: 0.5, exponent: 2, rule: .predicted, classCount: 10)
        .favourableLambdas == nil)
    #expect(
      try GrowthCondition(strength: 1, exponent: 1.5, rule: .predicted, classCount: 10)
        .criticalLambda == 0)
    // g(1−λ²) = 1−λ has the root 1/g − 1.
    let quadratic = try GrowthCondition(
      strength: 0.8, exponent: 2, rule: .predicted, classCount: 10)
    #expect(abs((quadratic.criticalLambda ?? 0) - 0.25) <= 1e-15)
    // At that root, and where g is c, it is a tie, which the rounding of g must not decide.
    for k in 1...99 {
      let lambda = Double(k) / 100
      let tie = try GrowthCondition(
        strength: 1 / (1 + lambda), exponent: 2, rule: .predicted, classCount: 10)
      #expect(!tie.holds(at: lambda), "λ = \(lambda): \(tie.margin(at: lambda))")
      #expect(tie.holds(at: lambda + 1e-12) && !tie.holds(at: lambda - 1e-12))
      let slope = Double(k) / Double(k + 1)
      for strength in [slope.nextUp, slope, slope.nextDown] {
        let linear = try GrowthCondition(strength: strength, exponent: 1, slope: slope)
        #expect(linear.favourableLambdas == nil && !linear.holds(at: 0.3))
        let steep = try GrowthCondition(strength: strength / 2, exponent: 2, slope: slope)
        #expect(steep.favourableLambdas == nil)
      }
    }
    // MI-OL and a linear effect: g > (L−2)/(L−1).
    #expect(
      try GrowthCondition(strength: 0.89, exponent: 1, rule: .other, classCount: 10)
        .favourableLambdas != nil)
    #expect(
      try GrowthCondition(strength: 0.88, exponent: 1, rule: .other, classCount: 10)
        .favourableLambdas == nil)
    #expect(throws: TheoryError.self) {
      try GrowthCondition(strength: 1.1, exponent: 1, slope: 1)
    }
    #expect(throws: TheoryError.classCount(1, least: 2)) {
      try GrowthCondition(strength: 1, exponent: 1, rule: .other, classCount: 1)
    }
  }
}
