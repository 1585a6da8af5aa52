import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

@Suite("The closed forms: Table 1, RIC and DG")
struct ClosedFormTests {
  @Test("P33: all sixteen cells of Table 1, draw by draw and in expectation, for any G")
  func table1() async {
    await check("P33: all sixteen cells of Table 1", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let (model, input, L) = (example.model, example.input, example.classCount)
      let clean = model.clean(input)
      #expect(clean.predicted == input.label)
      cover(0.3, "a third class", L > 2)
      let before = model.perturbation(input.perturbation, at: input.point)
      for (state, z) in [(clean, false), (input, true)] {
        func expect(_ row: Table1.Row, _ value: Double, _ after: [Double], _ sampled: Double) {
          let cell = Table1.cell(
            row, example.rule, isAdversarial: z, lambda: example.lambda,
            effects: Table1.Effects(
              trueLabel: before[input.label], trueLabelMixed: after[input.label],
              predictedLabel: before[input.predicted],
              predictedLabelMixed: after[input.predicted]),
            sampledTrueLabel: sampled)
          #expect(abs(value - cell) <= example.tolerance, "\(row), z = \(z), \(example.rule)")
        }
        let unmixed = model.prediction(at: state.point, perturbed: state.perturbation)
        expect(.trueLabel, unmixed[state.label], before, 0)
        expect(.predictedLabel, unmixed[state.predicted], before, 0)
        // Draw by draw, with the indicator 1{y = y_s}.
        for partner in model.pool
        where (partner.label == state.predicted) == (example.rule == .predicted) {
          let mixed = model.mixedPrediction(
            at: state.point, perturbed: state.perturbation, with: partner.point,
            lambda: example.lambda)
          let after = model.perturbation(
            state.perturbation.map { example.lambda * $0 },
            at: mix(example.lambda, state.point, partner.point))
          let isSampled = partner.label == input.label ? 1.0 : 0
          expect(.trueLabelMixed, mixed[state.label], after, isSampled)
          expect(.predictedLabelMixed, mixed[state.predicted], after, isSampled)
        }
        // In expectation, with 1/(L−1).
        let mixed = model.expectedPrediction(
          of: state, mixing: example.rule, lambda: example.lambda)
        let after = model.expectedPerturbation(
          of: state, mixing: example.rule, lambda: example.lambda)
        let rate = Table1.sampledTrueLabelRate(example.rule, classCount: L)
        expect(.trueLabelMixed, mixed[state.label], after, rate)
        expect(.predictedLabelMixed, mixed[state.predicted], after, rate)
        // The classes that the table leaves out.
        for k in 0..<L where k != state.label && k != state.predicted {
          let cell = Table1.thirdClass(
            example.rule, lambda: example.lambda, classCount: L, effectMixed: after[k])
          #expect(abs(mixed[k] - cell) <= example.tolerance)
        }
      }
    }
  }

  @Test("P34: ΔF_k is threshold_k − E[G_k(δ) − G_k(λδ)], and (10) ⇔ (12) or (15)")
  func thresholdForm() async {
    await check("P34: RIC through G", .theory(), cases: 400) { (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let direct = example.model.robustnessImprovingCondition(
        of: example.input, mixing: example.rule, lambda: example.lambda)
      let decay = example.decay
      let viaDecay = RobustnessImprovingCondition(
        trueLabelDecay: decay[example.input.label],
        predictedLabelDecay: decay[example.input.predicted], thresholds: example.thresholds,
        rounding: direct.rounding)
      #expect(abs(direct.trueLabelChange - viaDecay.trueLabelChange) <= example.tolerance)
      #expect(abs(direct.predictedLabelChange - viaDecay.predictedLabelChange) <= example.tolerance)
      // On the boundary itself, as at λ = 1, neither may hold; beside it one may.
      let isBeside = abs(direct.margin - direct.rounding) > example.tolerance
      #expect(!isBeside || direct.holds == viaDecay.holds)
      #expect(!isBeside || direct.holds == (direct.margin > direct.rounding))
      cover(0.5, "beside the boundary", isBeside)
      cover(0.05, "holds", direct.holds)
      cover(0.2, "fails", !direct.holds)
    }
  }

  @Test("P35: DG has one closed form for MI-PL and MI-OL, (1−λ) − E[G_ŷ(δ) − G_ŷ(λδ)]")
  func detectionGap() async {
    await check("P35: DG has one closed form for both rules", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      for rule in PartnerLabel.allCases {
        let decay = example.model.expectedDecay(
          of: example.input, mixing: rule, lambda: example.lambda)[example.input.predicted]
        let measured = example.model.detectionGapSigned(
          of: example.input, mixing: rule, lambda: example.lambda)
        let closed = DetectionGap.detectionGapSigned(
          lambda: example.lambda, predictedLabelDecay: decay)
        #expect(abs(measured - closed) <= 2 * example.tolerance)
        #expect(
          example.model.detectionMargin(of: example.input, mixing: rule, lambda: example.lambda)
            == -measured)
        #expect(
          DetectionGap.detectionMargin(lambda: example.lambda, predictedLabelDecay: decay)
            == -closed)
      }
    }
    // With a G that does not depend on the point the two decays are the same number.
    await check(
      "P35: DG is the same for both rules where G depends on δ alone", .theory(.power), cases: 200
    ) { (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let gaps = PartnerLabel.allCases.map {
        example.model.detectionGapSigned(of: example.input, mixing: $0, lambda: example.lambda)
      }
      #expect(abs(gaps[0] - gaps[1]) <= 2 * example.tolerance)
    }
  }

  @Test("P37: at λ = 1 mixing changes nothing: ΔF = 0, DG = 0, and RIC is false")
  func withoutMixing() async {
    await check("P37: at λ = 1 mixing changes nothing", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      for rule in PartnerLabel.allCases {
        let changes = example.model.confidenceChanges(of: example.input, mixing: rule, lambda: 1)
        #expect(changes.allSatisfy { abs($0) <= example.tolerance })
        let gap = example.model.detectionGapSigned(of: example.input, mixing: rule, lambda: 1)
        #expect(abs(gap) <= example.tolerance)
        let thresholds = RobustnessImprovingCondition.thresholds(
          rule, lambda: 1, classCount: example.classCount)
        #expect(
          !RobustnessImprovingCondition(
            trueLabelDecay: 0, predictedLabelDecay: 0, thresholds: thresholds
          ).holds)
        let condition = example.model.robustnessImprovingCondition(
          of: example.input, mixing: rule, lambda: 1)
        #expect(!condition.holds && condition.rounding < 1e-9, "margin \(condition.margin)")
      }
    }
  }

  @Test("P38: RIC-PL fails at λ = 0 on the simplex, and for linear G at every λ")
  func impossible() async {
    await check("P38: RIC-PL fails at λ = 0 on the simplex", .theory(), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      // F(x) on the simplex, as every network's output is.
      let cut = example.model.perturbation.restrictedToSimplex(of: example.model.linear)
      let model = try SyntheticModel(example.model.linear, cut, pool: example.model.pool)
      let condition = model.robustnessImprovingCondition(
        of: example.input, mixing: .predicted, lambda: 0)
      // The cut leaves F up to 10⁻¹² outside the simplex.
      #expect(condition.margin <= example.tolerance + 1e-12)
    }
    await check("P38: RIC-PL fails for linear G", .theory(.linear), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      #expect(example.input.satisfiesModellingAssumption)
      let condition = example.model.robustnessImprovingCondition(
        of: example.input, mixing: .predicted, lambda: example.lambda)
      #expect(condition.margin <= example.tolerance)
    }
  }

  @Test("P39: MI-OL's thresholds are looser on both halves; → λ−1 as L grows, 0 at L = 2")
  func thresholdOrder() async {
    await check(
      "P39: MI-OL's thresholds are the looser", .double(in: 0...0.999), .integer(in: 3...102),
      cases: 200
    ) { (lambda: Double, L: Int) in
      func thresholds(_ rule: PartnerLabel, _ L: Int) -> RobustnessImprovingCondition.Thresholds {
        RobustnessImprovingCondition.thresholds(rule, lambda: lambda, classCount: L)
      }
      let (predicted, other) = (thresholds(.predicted, L), thresholds(.other, L))
      // Larger above y, smaller below ŷ: easier. The differences are (1−λ)/(L−1) and 1−λ.
      #expect(other.trueLabel > predicted.trueLabel)
      #expect(other.predictedLabel < predicted.predictedLabel)
      let slack = (1 - lambda) / Double(L - 1)
      #expect(abs(other.trueLabel - predicted.trueLabel - slack) <= 4 * 0x1p-53)
      #expect(predicted.predictedLabel - other.predictedLabel == 1 - lambda)
      #expect(abs(thresholds(.other, 1_000_000).trueLabel - (lambda - 1)) <= 2e-6)
      #expect(thresholds(.other, 2).trueLabel == 0)
      #expect(thresholds(.predicted, L).trueLabel == lambda - 1)
    }
  }

  @Test("P42: an attack without effect leaves ΔF = threshold, and the assumption of DG is broken")
  func withoutEffect() async {
    await check("P42: an attack without effect", .theory(.linear), cases: 200) {
      (recipe: TheoryRecipe) in
      let example = try recipe.example()
      let none = Perturbation { _, _ in
        [Double](repeating: 0, count: example.classCount)
      }
      let model = try SyntheticModel(example.model.linear, none, pool: example.model.pool)
      let changes = model.confidenceChanges(
        of: example.input, mixing: example.rule, lambda: example.lambda)
      #expect(
        abs(changes[example.input.predicted] - example.thresholds.predictedLabel)
          <= example.tolerance)
      #expect(abs(changes[example.input.label] - example.thresholds.trueLabel) <= example.tolerance)
      let input = model.input(
        at: example.input.point, label: example.input.label,
        perturbed: example.input.perturbation)
      #expect(input.isAdversarial && input.predicted == input.label)
      #expect(!input.satisfiesModellingAssumption)
      #expect(model.clean(input).satisfiesModellingAssumption)
    }
  }

  @Test("the mean of N draws tends to the enumeration of the pool")
  func sampling() async throws {
    let recipes = Generator<TheoryRecipe>.theory()
    await check(
      "the mean of N draws tends to the enumeration of the pool", recipes,
      Generator<UInt64>.integer(), cases: 40
    ) { (recipe: TheoryRecipe, seed: UInt64) in
      let example = try recipe.example()
      let partners = example.model.pool.filter {
        ($0.label == example.input.predicted) == (example.rule == .predicted)
      }
      let possible = partners.map {
        example.model.mixedPrediction(
          at: example.input.point, perturbed: example.input.perturbation, with: $0.point,
          lambda: example.lambda)
      }
      let draws = try (0..<500).map {
        try example.model.sampledPrediction(
          of: example.input, mixing: example.rule, lambda: example.lambda, sampleCount: 1,
          key: RandomKey(seed: seed, purpose: .test, draw: $0))
      }
      let exact = example.mixed
      for k in 0..<example.classCount {
        let values = possible.map { $0[k] }
        let range = (values.min() ?? 0)...(values.max() ?? 0)
        let sampled = draws.map { $0[k] }
        if range.upperBound - range.lowerBound > 4 * example.tolerance {
          expect(.mean(of: sampled, in: range, equals: exact[k], within: example.tolerance))
        } else {
          // All partners give the same: there is no law to test, but a value.
          #expect(sampled.allSatisfy { abs($0 - exact[k]) <= 5 * example.tolerance })
        }
      }
    }
    var settings = SyntheticScenario.Settings()
    settings.classCount = 3
    let scenario = try SyntheticScenario(settings, key: RandomKey(seed: 1, purpose: .test))
    #expect(throws: TheoryError.sampleCount(0)) {
      try scenario.model.sampledPrediction(
        of: scenario.input, mixing: .other, lambda: 0.5, sampleCount: 0,
        key: RandomKey(seed: 1, purpose: .test))
    }
  }
}
