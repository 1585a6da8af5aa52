import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

/// Statements that look true; each test holds a case where they are not.
@Suite("What the theory does not say")
struct CounterexampleTests {
  @Test("N4: RIC does not make the label right, nor every draw better")
  func conditionWithoutFlip() throws {
    // F_y 0 → 0.1 and F_ŷ 0.93 → 0.6: the condition holds, the label stays wrong.
    let (before, after) = ([0, 0.93, 0.07], [0.1, 0.6, 0.3])
    let condition = RobustnessImprovingCondition(
      unmixed: before, mixed: after, trueLabel: 0, predictedLabel: 1)
    #expect(condition.holds)
    #expect(firstMaximum(before) == 1 && firstMaximum(after) == 1)

    // MI-OL with three classes: on average more for y, but less for it with a partner of class 2.
    var settings = SyntheticScenario.Settings()
    settings.classCount = 3
    settings.dimension = 4
    settings.strength = 0.6
    settings.exponent = 1
    let scenario = try SyntheticScenario(settings, key: RandomKey(seed: 4, purpose: .test))
    let (model, input) = (scenario.model, scenario.input)
    #expect(model.robustnessImprovingCondition(of: input, mixing: .other, lambda: 0.5).holds)
    let unmixed = model.prediction(at: input.point, perturbed: input.perturbation)
    let worse = model.pool.filter { partner in
      partner.label != input.predicted
        && model.mixedPrediction(
          at: input.point, perturbed: input.perturbation, with: partner.point, lambda: 0.5)[
            input.label] < unmixed[input.label]
    }
    #expect(!worse.isEmpty)
    #expect(worse.allSatisfy { $0.label != input.label })
  }

  @Test(
    "N5: where G depends on the point, DG differs between rules and RIC-PL does not imply RIC-OL")
  func rulesDiffer() throws {
    // H is the first three coordinates, the fourth is the attack; y = 0 and ŷ = 1.
    func point(_ label: Int) -> [Double] { (0..<3).map { $0 == label ? 1 : 0 } + [0] }
    let linear = try LinearModel(weights: (0..<3).map(point), bias: [0, 0, 0])
    let perturbation = Perturbation { perturbation, point in
      if perturbation[3] == 0 { return [0, 0, 0] }
      if perturbation[3] == 1 { return [-0.6, 0.6, 0] }
      // Weaker than that, it does nothing next to class 1 and everything next to the others.
      return point[1] > 0.25 ? [0, 0, 0] : [-point[0], point[0] + point[2], -point[2]]
    }
    let model = try SyntheticModel(
      linear, perturbation, pool: (0..<3).map { Anchor(point: point($0), label: $0) })
    let input = model.input(at: point(0), label: 0, perturbed: [0, 0, 0, 1])
    #expect(input.satisfiesModellingAssumption)
    let lambda = 0.625
    for partner in model.pool {
      #expect(
        perturbation.preservesSimplex(
          input.perturbation.map { lambda * $0 }, at: mix(lambda, input.point, partner.point),
          on: linear))
    }
    // MI-PL meets partners of class 1 only, MI-OL only the others.
    #expect(model.robustnessImprovingCondition(of: input, mixing: .predicted, lambda: lambda).holds)
    #expect(!model.robustnessImprovingCondition(of: input, mixing: .other, lambda: lambda).holds)
    let gaps = PartnerLabel.allCases.map {
      model.detectionGapSigned(of: input, mixing: $0, lambda: lambda)
    }
    #expect(abs(gaps[0] - gaps[1]) > 0.5)
  }

  @Test("N6: ΔF_y = −ΔF_ŷ with two classes only")
  func changesAreNotOpposite() async {
    await check("N6: ΔF_y = −ΔF_ŷ with two classes only", .theory(.power), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let changes = example.changes
      let sum = changes[example.input.label] + changes[example.input.predicted]
      let isBinary = example.classCount == 2
      if isBinary { #expect(abs(sum) <= 2 * example.tolerance) }
      cover(0.1, "two classes", isBinary)
      cover(0.1, "more classes, and the changes are not opposite", !isBinary && abs(sum) > 0.05)
    }
  }

  @Test("N10: a positive mean gap does not mean an AUC above ½")
  func meanGapIsNoDetector() throws {
    // One adversarial input of five is far above all clean ones, the rest below.
    let clean = [0.0, 0, 0, 0, 0]
    let adversarial = [100.0, -1, -1, -1, -1]
    let gap = adversarial.reduce(0, +) / 5 - clean.reduce(0, +) / 5
    #expect(gap == 19.2)
    let curve = try ReceiverOperatingCharacteristic(negatives: clean, positives: adversarial)
    #expect(curve.areaUnderCurve == 0.2)
    // Also with confidences, which are bounded: DG ideal, and yet most attacked inputs look cleaner.
    let drops = (clean: [0.1, 0.1, 0.1, 0.1, 0.1], adversarial: [1.0, 0.05, 0.05, 0.05, 0.05])
    let margin = DetectionGap.detectionMargin(
      adversarialChange: -drops.adversarial.reduce(0, +) / 5,
      cleanChange: -drops.clean.reduce(0, +) / 5)
    #expect(margin > 0.1)
    #expect(
      try ReceiverOperatingCharacteristic(negatives: drops.clean, positives: drops.adversarial)
        .areaUnderCurve == 0.2)
  }

  @Test("N16: the route through G does not decide as the direct one where clean mixing bends")
  func routesDisagree() {
    // The paper's own MI-OL curves at λ = 0.8, as read off Figure 2.
    let route = PerturbationRoute(
      rule: .other, lambda: 0.8, classCount: 10,
      clean: .init(trueLabel: 0.88, predictedLabel: 0.04),
      cleanMixed: .init(trueLabel: 0.75, predictedLabel: 0.07),
      adversarial: .init(trueLabel: 0, predictedLabel: 0.93),
      adversarialMixed: .init(trueLabel: 0.03, predictedLabel: 0.83))
    #expect(route.directCondition.holds)
    #expect(!route.condition.holds)
    #expect(abs(route.trueLabelBias + 0.07) <= 1e-12)
  }
}
