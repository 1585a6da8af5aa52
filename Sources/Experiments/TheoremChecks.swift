import Classification
import Foundation
import MixupInference
import Statistics

/// The largest deviations from the paper's identities over many models and λ.
struct TheoremChecks {
  let settings: Verification.Settings
  let forms: ClosedForms
  /// In the order in which claims first come up.
  private var claims: [String] = []
  private var worst: [String: Verification.Finding] = [:]

  init(settings: Verification.Settings, forms: ClosedForms) {
    self.settings = settings
    self.forms = forms
  }

  var findings: [Verification.Finding] { claims.compactMap { worst[$0] } }

  /// ln(2/α) as in Hoeffding's bound, where α = 10⁻⁹ is the probability that a statistical check fails
  /// although all is well.
  private static let logarithm = log(2e9)

  // MARK: One model

  /// Everything that must hold on a model.
  mutating func check(_ scenario: SyntheticScenario) throws {
    let (model, input) = (scenario.model, scenario.input)
    let tolerance = model.roundingBound(of: input)
    checkParts(model, input, tolerance)
    for rule in PartnerLabel.allCases {
      // λ = 0 and λ = 1 are special cases of the equations that nobody should have to ask for.
      for lambda in Set(settings.lambdas + [0, 1]).sorted() {
        let place = Place(model: model, input: input, rule: rule, exactLambda: lambda)
        checkTable(place, tolerance)
        checkConditions(scenario, place, tolerance)
        try checkSampling(place)
      }
    }
  }

  /// One rule at one λ.
  private struct Place {
    var model: SyntheticModel
    var input: AttackedInput
    var rule: PartnerLabel
    var exactLambda: MixingRatio
    var lambda: Double { exactLambda.doubleValue }

    func mixed(_ input: AttackedInput) -> [Double] {
      model.expectedPrediction(of: input, mixing: rule, lambda: lambda)
    }
  }

  private mutating func checkParts(
    _ model: SyntheticModel, _ input: AttackedInput, _ tolerance: Double
  ) {
    for anchor in model.pool {
      for (k, value) in model.linear(anchor.point).enumerated() {
        note(
          "H is one-hot at the pool", "(3)", value - (k == anchor.label ? 1 : 0), tolerance)
      }
      let middle = mix(0.3, input.point, anchor.point)
      let ends = mix(0.3, model.linear(input.point), model.linear(anchor.point))
      for (value, mixed) in zip(model.linear(middle), ends) {
        note("H(λx + (1−λ)x′) = λH(x) + (1−λ)H(x′)", "(3)", value - mixed, tolerance)
      }
      note(
        "Σ_k G_k = 0", "(4)",
        model.perturbation(input.perturbation.map { 0.3 * $0 }, at: middle).reduce(0, +),
        tolerance)
    }
    let none = [Double](repeating: 0, count: input.perturbation.count)
    for value in model.perturbation(none, at: input.point) {
      note("G(0; ·) = 0", "(4)", value, tolerance)
    }
  }

  private mutating func checkTable(_ place: Place, _ tolerance: Double) {
    let (model, input, rule, lambda) = (place.model, place.input, place.rule, place.lambda)
    let before = model.perturbation(input.perturbation, at: input.point)
    // Table 1 presupposes equation (2).
    guard input.satisfiesModellingAssumption else { return }
    for (state, z) in [(model.clean(input), 0), (input, 1)] {
      let unmixed = model.prediction(at: state.point, perturbed: state.perturbation)
      let mixed = place.mixed(state)
      let after = model.expectedPerturbation(of: state, mixing: rule, lambda: lambda)
      let effects = Table1.Effects(
        trueLabel: before[input.label], trueLabelMixed: after[input.label],
        predictedLabel: before[input.predicted], predictedLabelMixed: after[input.predicted])
      for row in Table1.Row.allCases {
        let measured =
          switch row {
          case .trueLabel: unmixed[state.label]
          case .trueLabelMixed: mixed[state.label]
          case .predictedLabel: unmixed[state.predicted]
          case .predictedLabelMixed: mixed[state.predicted]
          }
        let cell = forms.cell(
          row, rule, z == 1, lambda, effects,
          Table1.sampledTrueLabelRate(rule, classCount: model.classCount))
        note(
          "\(row.rawValue), \(rule.title), z = \(z)", "Table 1", measured - cell, tolerance)
      }
      for k in 0..<model.classCount where k != state.label && k != state.predicted {
        note(
          "F_k(x̃) of the other classes, \(rule.title), z = \(z)", "–",
          mixed[k] - forms.thirdClass(rule, lambda, model.classCount, after[k]), tolerance)
      }
    }
  }

  private mutating func checkConditions(
    _ scenario: SyntheticScenario, _ place: Place, _ tolerance: Double
  ) {
    let (model, input, rule, lambda) = (place.model, place.input, place.rule, place.lambda)
    guard input.satisfiesModellingAssumption else { return }
    let equation = rule == .predicted ? "(12)" : "(15)"
    let changes = model.confidenceChanges(of: input, mixing: rule, lambda: lambda)
    let decay = model.expectedDecay(of: input, mixing: rule, lambda: lambda)
    let thresholds = forms.thresholds(rule, lambda, model.classCount)
    note(
      "Σ_k ΔF_k = 0", "(9)", changes.reduce(0, +), Double(model.classCount) * tolerance)
    note(
      "ΔF_y = bound − E[G_y(δ) − G_y(λδ)], \(rule.title)", equation,
      changes[input.label] - (thresholds.trueLabel - decay[input.label]), tolerance)
    note(
      "ΔF_ŷ = bound − E[G_ŷ(δ) − G_ŷ(λδ)], \(rule.title)", equation,
      changes[input.predicted] - (thresholds.predictedLabel - decay[input.predicted]), tolerance)

    let direct = model.robustnessImprovingCondition(of: input, mixing: rule, lambda: lambda)
    let viaDecay = RobustnessImprovingCondition(
      trueLabelDecay: decay[input.label], predictedLabelDecay: decay[input.predicted],
      thresholds: thresholds, rounding: tolerance)
    // Within two roundings of the boundary the routes may fall on either side of it.
    if abs(direct.margin - tolerance) > tolerance {
      note(
        "RIC ⇔ \(equation): disagreements", "(10), \(equation)",
        direct.holds == viaDecay.holds ? 0 : 1, 0)
    }
    note(
      "DG = (1−λ) − E[G_ŷ(δ) − G_ŷ(λδ)], \(rule.title)",
      rule == .predicted ? "(13)" : "(16)",
      model.detectionGapSigned(of: input, mixing: rule, lambda: lambda)
        - forms.detectionGap(lambda, decay[input.predicted]), 2 * tolerance)
    if lambda == 1 {
      note(
        "at λ = 1 mixing changes nothing", "(9)", changes.map(abs).max() ?? 0, tolerance)
      note("RIC does not hold at λ = 1", "(10)", direct.holds || viaDecay.holds ? 1 : 0, 0)
    }
    if rule == .predicted, lambda == 0 || scenario.settings.family == .linear {
      note(
        lambda == 0 ? "RIC MI-PL is impossible at λ = 0" : "RIC MI-PL is impossible for linear G",
        "(12)", max(0, direct.margin), tolerance)
    }
    if let exponent = scenario.settings.powerLaw,
      let growth = try? GrowthCondition(
        strength: scenario.settings.strength, exponent: exponent, rule: rule,
        classCount: model.classCount)
    {
      // ΔF_y is the growth condition's margin; −ΔF_ŷ is g(1−λᵖ) − bound, which is no less.
      note(
        "RIC margin = g(1−λᵖ) − c(1−λ), \(rule.title)", equation,
        direct.margin - growth.margin(at: lambda), tolerance)
    }

    let route = model.perturbationRoute(of: input, mixing: rule, lambda: lambda)
    let after = model.expectedPerturbation(of: input, mixing: rule, lambda: lambda)
    for error in [
      route.trueLabelEffectMixed - after[input.label],
      route.predictedLabelEffectMixed - after[input.predicted],
    ] {
      note("the estimators of G give back G, \(rule.title)", "Figure 2", error, 2 * tolerance)
    }

    if rule == .other {
      let clean = place.mixed(model.clean(input))
      let others = clean.indices.filter { $0 != input.label }.map { clean[$0] }.max() ?? 0
      if abs(clean[input.label] - others) > tolerance {
        note(
          "MI-OL keeps a clean label ⇔ λ > 1/L: disagreements", "–",
          (clean[input.label] > others)
            == OtherLabelLaw.keepsLabel(lambda: place.exactLambda, classCount: model.classCount)
            ? 0 : 1, 0)
      }
    }
  }

  /// The mean of N draws against the enumeration of the pool: Hoeffding's bound for the range that
  /// the pool's values have.
  private mutating func checkSampling(_ place: Place) throws {
    let (model, input) = (place.model, place.input)
    let draws = settings.sampleCount
    let sampled = try model.sampledPrediction(
      of: input, mixing: place.rule, lambda: place.lambda, sampleCount: draws,
      key: RandomKey(seed: settings.seed, purpose: .score))
    let exact = place.mixed(input)
    let values = model.pool.filter {
      ($0.label == input.predicted) == (place.rule == .predicted)
    }.map {
      model.mixedPrediction(
        at: input.point, perturbed: input.perturbation, with: $0.point, lambda: place.lambda)
    }
    for k in exact.indices {
      let range = (values.map { $0[k] }.max() ?? 0) - (values.map { $0[k] }.min() ?? 0)
      note(
        "F_MI of N draws → E F(x̃), \(place.rule.title)", "(6)", sampled[k] - exact[k],
        // Rounding of the sum on top, where all values are the same.
        range * (Self.logarithm / Double(2 * draws)).squareRoot() + Double(draws) * 0x1p-50)
    }
  }

  // MARK: Once

  /// The failure law of MI-OL against sampling.
  mutating func checkLaw(_ scenario: SyntheticScenario) throws {
    let clean = scenario.model.clean(scenario.input)
    // 2/L as such: from the double next to it ties would be decided by its rounding.
    let lambda = MixingRatio(2, over: max(4, scenario.model.classCount))
    let trials = 1000
    let failures = try (0..<trials).count { trial in
      let output = try scenario.model.sampledPrediction(
        of: clean, mixing: .other, lambda: lambda.doubleValue, sampleCount: settings.sampleCount,
        key: RandomKey(seed: settings.seed, purpose: .score, step: 1, draw: trial))
      let others = output.indices.filter { $0 != clean.label }.map { output[$0] }.max() ?? 0
      return others >= output[clean.label] - 1e-9
    }
    let law = try forms.failureProbability(
      lambda, scenario.model.classCount, settings.sampleCount)
    note(
      "MI-OL's failures on clean inputs are multinomial", "–",
      Double(failures) / Double(trials) - law,
      (Self.logarithm / Double(2 * trials)).squareRoot())
  }

  /// The identity of the two routes on arbitrary curves.
  mutating func checkRoutes() {
    var stream = RandomStream(RandomKey(seed: settings.seed, purpose: .measure))
    for rule in PartnerLabel.allCases {
      for lambda in settings.lambdas.map(\.doubleValue) {
        func confidences() -> PerturbationRoute.Confidences {
          .init(trueLabel: stream.uniformDouble(), predictedLabel: stream.uniformDouble())
        }
        let route = PerturbationRoute(
          rule: rule, lambda: lambda, classCount: settings.scenario.classCount,
          clean: confidences(), cleanMixed: confidences(), adversarial: confidences(),
          adversarialMixed: confidences())
        note(
          "ΔF_y by way of G = ΔF_y + bend of clean mixing, \(rule.title)", "Figure 2",
          route.condition.trueLabelChange - route.directCondition.trueLabelChange
            - route.trueLabelBias, 32 * 0x1p-53)
      }
    }
  }

  // MARK: Bookkeeping

  /// Keeps, for every claim, the deviation that is largest in relation to its tolerance.
  private mutating func note(
    _ claim: String, _ equation: String, _ deviation: Double, _ tolerance: Double
  ) {
    let finding = Verification.Finding(
      claim: claim, equation: equation, lambda: nil, measured: abs(deviation), bound: tolerance,
      margin: tolerance - abs(deviation),
      // Not <: NaN must fail, and counts of disagreements may be equal to 0.
      verdict: abs(deviation) <= tolerance ? .holds : .fails)
    guard let known = worst[claim] else {
      claims.append(claim)
      worst[claim] = finding
      return
    }
    guard known.verdict == .holds else { return }
    let isWorse =
      finding.verdict == .fails
      || abs(deviation) * max(known.bound, 0x1p-1000) > known.measured * max(tolerance, 0x1p-1000)
    if isWorse { worst[claim] = finding }
  }
}
