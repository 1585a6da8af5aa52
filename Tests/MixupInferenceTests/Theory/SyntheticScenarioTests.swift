import Classification
import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

extension Generator where Value == SyntheticScenario.Settings {
  /// Settings that a scenario can be made with; the simplest has two classes in one dimension.
  static let scenario = Generator { source throws(Discarded) in
    func count(_ range: ClosedRange<Int>) throws(Discarded) -> Int {
      try Generator<Int>.integer(in: range, near: range.lowerBound).value(from: source)
    }
    func number(_ range: ClosedRange<Double>) throws(Discarded) -> Double {
      try Generator<Double>.double(in: range).value(from: source)
    }
    var settings = SyntheticScenario.Settings()
    settings.classCount = try count(2...7)
    settings.dimension = settings.classCount - 1 + (try count(0...7))
    settings.pointsPerClass = try count(1...4)
    settings.family = try Generator<SyntheticScenario.Family>.anyCase.value(from: source)
    settings.exponent = try number(0.25...4.25)
    settings.strength = try number(0.01...1)
    settings.spread = try number(0...0.9)
    settings.nullSpace = Double(try count(0...2))
    return settings
  }
}

@Suite("Random synthetic scenarios")
struct SyntheticScenarioTests {
  @Test("a scenario is what its settings say, and the same for the same key")
  func isWhatItsSettingsSay() async {
    await check(
      "a scenario is what its settings say, and the same for the same key", .scenario,
      Generator<UInt64>.integer(), .unitInterval, cases: 200
    ) { (settings: SyntheticScenario.Settings, seed: UInt64, λ: Double) in
      let key = RandomKey(seed: seed, purpose: .test)
      let scenario = try SyntheticScenario(settings, key: key)
      let (model, input) = (scenario.model, scenario.input)
      let example = TheoryExample(model: model, input: input, rule: .predicted, lambda: λ)
      let (L, D, tolerance) = (settings.classCount, settings.dimension, example.tolerance)
      #expect(model.linear.classCount == L && model.linear.dimension == D)
      let points = D >= L ? settings.pointsPerClass : 1
      #expect((0..<L).allSatisfy { label in model.pool.count { $0.label == label } == points })
      for anchor in model.pool + [Anchor(point: input.point, label: input.label)] {
        for (k, value) in model.linear(anchor.point).enumerated() {
          #expect(abs(value - (k == anchor.label ? 1 : 0)) <= tolerance)
        }
      }

      let effect = model.perturbation(input.perturbation, at: input.point)
      // What remains of it after mixing with a partner.
      let place = mix(λ, input.point, model.pool[0].point)
      let shrunk = input.perturbation.map { λ * $0 }
      let rest = model.perturbation(shrunk, at: place)
      let (p, g, spread) = (settings.exponent, settings.strength, L > 2 ? settings.spread : 0)
      var factor: Double?
      switch settings.family {
      case .linear: factor = λ
      case .power: factor = pow(λ, p)
      case .saturating: factor = tanh(p * λ) / tanh(p)
      case .thresholded:
        let threshold = p / (1 + p)
        try assume(abs(λ - threshold) > 1e-12)
        factor = λ > threshold ? 1 : 0
      case .anchorDependent:
        // c(x) is between 3/4 and 1.
        let lambda = -effect[input.label] / g
        #expect(lambda >= 0.75 - 1e-12 && lambda <= 1 + 1e-12)
        #expect(abs(rest[input.label]) <= pow(λ, p) * g + tolerance)
      case .adversarial:
        for (state, point) in [(input.perturbation, input.point), (shrunk, place)]
        where state.contains(where: { $0 != 0 }) {
          let output = model.prediction(at: point, perturbed: state)
          for (k, value) in output.enumerated() {
            #expect(abs(value - (k == input.predicted ? 1 : 0)) <= tolerance)
          }
        }
      }
      if let factor {
        #expect(abs(effect[input.label] + g) <= tolerance)
        for (full, rest) in zip(effect, rest) { #expect(abs(rest - factor * full) <= tolerance) }
        let others = effect.indices.filter { $0 != input.label }.map { effect[$0] }
        #expect(others.allSatisfy { $0 >= -tolerance })
        // Clearly the largest: the attack is a success.
        if g * (1 - spread) > max(1 - g, g * spread) + 2 * tolerance {
          label("the attack succeeds")
          #expect(abs(effect[input.predicted] - g * (1 - spread)) <= tolerance)
          #expect(input.satisfiesModellingAssumption)
        }
      }
      cover(0.1, "the attack has a growth of its own", factor != nil)

      let again = try SyntheticScenario(settings, key: key)
      #expect(again.input == input && again.model.pool == model.pool)
      #expect(again.model.linear == model.linear)
    }
  }
}
