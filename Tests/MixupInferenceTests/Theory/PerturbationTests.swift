import Classification
import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

@Suite("G, the nonlinear part")
struct PerturbationTests {
  @Test(
    "P36: Σ_k G_k = 0 and G(0; ·) = 0 for every family, hence Σ_k ΔF_k = 0",
    arguments: [SyntheticScenario.Family?.none] + SyntheticScenario.Family.allCases.map { $0 })
  func addsUpToZero(_ family: SyntheticScenario.Family?) async {
    let name = family?.rawValue ?? "arbitrary"
    await check(
      "P36: Σ_k G_k = 0 and G(0; ·) = 0, \(name) G", .theory(family), cases: 50, case: name
    ) { (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let zero = [Double](repeating: 0, count: example.input.perturbation.count)
      let G = example.model.perturbation
      for scale in [0.1, 0.5, 1] {
        let effect = G(example.input.perturbation.map { scale * $0 }, at: example.input.point)
        #expect(abs(effect.reduce(0, +)) <= example.tolerance)
      }
      #expect(G(zero, at: example.input.point).allSatisfy { $0 == 0 })
      #expect(
        abs(example.changes.reduce(0, +)) <= Double(example.classCount) * example.tolerance)
    }
  }

  @Test("each family decays as its name says: G(λδ) = growth(λ)·G(δ)")
  func growth() async {
    await check(
      "each family decays as its name says", .theory(.linear),
      .array(of: .double(in: -3...3), count: 7), .double(in: 0.3...3.3)
    ) { (recipe: TheoryRecipe, effect: [Double], p: Double) in
      let example = try recipe.example()
      let attack = example.input.perturbation
      let effect = Array(effect.prefix(example.classCount))
      let mean = effect.reduce(0, +) / Double(effect.count)
      let λ = example.lambda
      // s has 2D + 4 roundings, of sums without a negative term; no growth enlarges a relative error
      // by more than p ≤ 3.3, and computing it adds two or three.
      let unit = 4 * Double(2 * attack.count + 8) * 0x1p-53
      try assume(abs(λ - 0.45) > unit)
      let growths: [(Perturbation.Growth, Double)] = [
        (.linear, λ), (.power(exponent: p), pow(λ, p)),
        (.saturating(rate: p), tanh(p * λ) / tanh(p)),
        // At a place of its own: s = δ·δ*/‖δ*‖² need not be λ to the last bit.
        (.thresholded(at: 0.45), λ >= 0.45 ? 1 : 0),
      ]
      for (growth, factor) in growths {
        let G = try Perturbation.growing(growth, to: effect, along: attack)
        let shrunk = G(attack.map { λ * $0 }, at: example.input.point)
        for (value, full) in zip(shrunk, effect) {
          #expect(abs(value - factor * (full - mean)) <= unit * abs(full - mean))
        }
      }
    }
  }

  @Test("an effect cut to the simplex keeps F a distribution and its sum")
  func restriction() async {
    await check("an effect cut to the simplex keeps F a distribution", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let linear = example.model.linear
      let partner = example.model.pool[0].point
      let point = mix(example.lambda, example.input.point, partner)
      let attack = example.input.perturbation
      let cut = example.model.perturbation.restrictedToSimplex(of: linear)
      cover(
        0.3, "outside before it is cut",
        !example.model.perturbation.preservesSimplex(attack, at: point, on: linear))
      // H is on the simplex up to rounding, and the cut leaves 10⁻¹².
      #expect(
        cut.preservesSimplex(
          attack, at: point, on: linear, tolerance: example.tolerance + 1e-12))
    }
  }

  @Test("a power law of exponent 1 and more stays on the simplex, one that saturates may not")
  func simplex() async {
    @Sendable func stays(_ example: TheoryExample) -> Bool {
      let attack = example.input.perturbation.map { example.lambda * $0 }
      return example.model.pool.allSatisfy { partner in
        example.model.perturbation.preservesSimplex(
          attack, at: mix(example.lambda, example.input.point, partner.point),
          on: example.model.linear, tolerance: example.tolerance)
      }
    }
    // F_y ≥ λ − gλᵖ ≥ 0 for g ≤ 1 ≤ p, and all other effects are positive.
    await check("a power law from 1 on stays on the simplex", .theory(.power, exponents: 1...4.25))
    {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      #expect(stays(example))
    }
    await check("the adversarial G stays on the simplex", .theory(.adversarial)) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      #expect(stays(example))
    }
    for family in [SyntheticScenario.Family.saturating, .power] {
      let exponents = family == .power ? 0.3...0.3 : 5.0...5
      await check(
        "a \(family.rawValue) G leaves the simplex",
        .theory(family, exponents: exponents, strengths: 1...1)
      ) { (recipe: TheoryRecipe) in
        let example = try recipe.example()
        cover(0.2, "outside", !stays(example))
      }
    }
  }

  @Test("parameters out of range are refused")
  func refusals() {
    #expect(throws: TheoryError.self) {
      try Perturbation.growing(.power(exponent: 0), to: [1, -1], along: [1])
    }
    #expect(throws: TheoryError.self) {
      try Perturbation.growing(.saturating(rate: .nan), to: [1, -1], along: [1])
    }
    #expect(throws: TheoryError.self) {
      try Perturbation.growing(.linear, to: [1, -1], along: [0])
    }
    #expect(throws: TheoryError.self) {
      var settings = SyntheticScenario.Settings()
      settings.dimension = settings.classCount - 2
      _ = try SyntheticScenario(settings, key: RandomKey(seed: 1, purpose: .test))
    }
  }
}
