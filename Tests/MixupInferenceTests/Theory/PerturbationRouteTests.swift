import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Testing

@Suite("Figure 2: RIC by way of G")
struct PerturbationRouteTests {
  @Test("P43: the estimators of Figure 2 give back G exactly where clean mixing is linear")
  func estimatorsInvert() async {
    await check("P43: the estimators of Figure 2 give back G", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let (model, input) = (example.model, example.input)
      let route = model.perturbationRoute(of: input, mixing: example.rule, lambda: example.lambda)
      let before = model.perturbation(input.perturbation, at: input.point)
      let after = model.expectedPerturbation(
        of: input, mixing: example.rule, lambda: example.lambda)
      let tolerance = 2 * example.tolerance
      #expect(abs(route.trueLabelEffect - before[input.label]) <= tolerance)
      #expect(abs(route.predictedLabelEffect - before[input.predicted]) <= tolerance)
      #expect(abs(route.trueLabelEffectMixed - after[input.label]) <= tolerance)
      #expect(abs(route.predictedLabelEffectMixed - after[input.predicted]) <= tolerance)
      #expect(abs(route.trueLabelBias) <= tolerance && abs(route.predictedLabelBias) <= tolerance)
      #expect(
        abs(route.condition.trueLabelChange - example.changes[input.label]) <= 2 * tolerance)
    }
  }

  @Test("P41: the route through G is the direct one plus the bend of clean mixing, for any curves")
  func identity() async {
    await check(
      "P41: the route through G is the direct one plus the bend of clean mixing", .unitInterval,
      .integer(in: 2...21), .array(of: .unitInterval, count: 8), cases: 500
    ) { (λ: Double, L: Int, values: [Double]) in
      func confidences(_ place: Int) -> PerturbationRoute.Confidences {
        .init(trueLabel: values[place], predictedLabel: values[place + 1])
      }
      for rule in PartnerLabel.allCases {
        let route = PerturbationRoute(
          rule: rule, lambda: λ, classCount: L, clean: confidences(0), cleanMixed: confidences(2),
          adversarial: confidences(4), adversarialMixed: confidences(6))
        let (direct, viaG) = (route.directCondition, route.condition)
        let D = route.clean.trueLabel - route.cleanMixed.trueLabel
        // Some ten sums of numbers up to 3, each rounded.
        let tolerance = 32 * 0x1p-53
        #expect(
          abs(
            viaG.trueLabelChange - direct.trueLabelChange - D
              + (rule == .other ? 1 - λ : 0)) <= tolerance)
        #expect(
          abs(viaG.trueLabelChange - direct.trueLabelChange - route.trueLabelBias) <= tolerance)
        #expect(
          abs(viaG.predictedLabelChange - direct.predictedLabelChange - route.predictedLabelBias)
            <= tolerance)
      }
    }
  }

  @Test("the estimators reproduce the right panels of the paper's Figure 2 at λ = ½")
  func paperFigure() {
    // Digitised curves of the paper, ±0.02 each: four readings make up to ±0.08.
    let predicted = PerturbationRoute(
      rule: .predicted, lambda: 0.5, classCount: 10,
      clean: .init(trueLabel: 0.88, predictedLabel: 0.04),
      cleanMixed: .init(trueLabel: 0.715, predictedLabel: 0.065),
      adversarial: .init(trueLabel: 0, predictedLabel: 0.93),
      adversarialMixed: .init(trueLabel: 0.14, predictedLabel: 0.60))
    #expect(abs(predicted.trueLabelEffectMixed - predicted.trueLabelEffect - 0.79) <= 0.08)
    #expect(
      abs(predicted.predictedLabelEffect - predicted.predictedLabelEffectMixed - 0.86) <= 0.08)
    let other = PerturbationRoute(
      rule: .other, lambda: 0.5, classCount: 10,
      clean: .init(trueLabel: 0.88, predictedLabel: 0.04),
      cleanMixed: .init(trueLabel: 0.40, predictedLabel: 0.115),
      adversarial: .init(trueLabel: 0, predictedLabel: 0.93),
      adversarialMixed: .init(trueLabel: 0.185, predictedLabel: 0.26))
    #expect(abs(other.trueLabelEffectMixed - other.trueLabelEffect - 0.61) <= 0.08)
    #expect(abs(other.predictedLabelEffect - other.predictedLabelEffectMixed - 0.68) <= 0.08)
    #expect(predicted.condition.holds && other.condition.holds)
  }
}
