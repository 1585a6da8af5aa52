import Foundation
import MixupInference
import Statistics
import Testing

@Suite("G, the nonlinear part")
struct PerturbationTests {
  @Test(
    "P36: Σ_k G_k = 0 and G(0; ·) = 0 for every family, hence Σ_k ΔF_k = 0",
    arguments: [SyntheticScenario.Family?.none] + SyntheticScenario.Family.allCases.map { $0 })
  func addsUpToZero(_ family: SyntheticScenario.Family?) throws {
    try forEachCase(count: 50, family: family) { example, _ in
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
  func growth() throws {
    try forEachCase(count: 100) { example, stream in
      let attack = example.input.perturbation
      let effect = (0..<example.classCount).map { _ in stream.standardNormal() }
      let mean = effect.reduce(0, +) / Double(effect.count)
      let (λ, p) = (example.ratio, 0.3 + 3 * stream.uniformDouble())
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
          // s has D roundings; a small exponent enlarges relative errors by no more than p ≤ 3.3.
          #expect(abs(value - factor * (full - mean)) <= 1e-12 * max(1, abs(full - mean)))
        }
      }
    }
  }

  @Test("an effect cut to the simplex keeps F a distribution and its sum")
  func restriction() throws {
    var wasOutside = 0
    try forEachCase(count: 200) { example, _ in
      let linear = example.model.linear
      let partner = example.model.pool[0].point
      let point = mix(example.ratio, example.input.point, partner)
      let attack = example.input.perturbation
      let cut = example.model.perturbation.restrictedToSimplex(of: linear)
      if !example.model.perturbation.preservesSimplex(attack, at: point, on: linear) {
        wasOutside += 1
      }
      #expect(cut.preservesSimplex(attack, at: point, on: linear))
    }
    #expect(wasOutside > 100)
  }

  @Test("a power law of exponent 1 and more stays on the simplex, one that saturates may not")
  func simplex() throws {
    func stays(_ family: SyntheticScenario.Family, _ exponent: Double) throws -> Bool {
      var all = true
      try forEachCase(
        count: 60, family: family,
        {
          $0.exponent = exponent
          $0.strength = 1
        }
      ) { example, _ in
        let attack = example.input.perturbation.map { example.ratio * $0 }
        for partner in example.model.pool {
          all =
            all
            && example.model.perturbation.preservesSimplex(
              attack, at: mix(example.ratio, example.input.point, partner.point),
              on: example.model.linear)
        }
      }
      return all
    }
    #expect(try stays(.power, 1))
    #expect(try stays(.power, 3))
    #expect(try stays(.adversarial, 1))
    #expect(try !stays(.saturating, 5))
    #expect(try !stays(.power, 0.3))
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
