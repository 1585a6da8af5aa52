import Classification
import Foundation
import MixupInference
import Reporting
import Statistics

/// The paper's equations on synthetic models: what must hold is checked, what may or may not hold is
/// reported.
package struct Verification: Sendable {
  /// Which models, and where to look.
  package struct Settings: Codable, Hashable, Sendable {
    /// How the random models are made: classes, dimension, and the effect G of the attack on the probabilities.
    package var scenario = SyntheticScenario.Settings()
    /// The mixing ratios λ at which conditions are looked at.
    package var lambdas: [MixingRatio] = [0.2, 0.4, 0.5, 0.6, 0.8]
    /// N of sampled mixup inference.
    package var sampleCount = 30
    /// How many random models are tried.
    package var modelCount = 20
    package var seed: UInt64 = 1

    package init() {}
  }

  /// One line: a number, what it is compared with, and what follows.
  package struct Finding: Encodable, Hashable, Sendable {
    package enum Verdict: String, Codable, Sendable {
      /// A theorem, as it must be.
      case holds
      /// A theorem that does not: a fault in the formulas or in the code.
      case fails
      /// A condition that the models satisfy.
      case satisfied
      /// One that none of them satisfies.
      case unsatisfied
      /// One that some satisfy.
      case mixed
    }

    /// One inequality of the paper for MI-PL or MI-OL. The robustness improving condition (RIC) consists of two, for the
    /// true label y and for the label ŷ that the attack has the network predict; that on the detection gap (DG) is one.
    package struct Condition: Hashable, Sendable {
      /// Which of the three.
      package enum Part: Sendable { case trueLabel, predictedLabel, detectionGap }

      package var part: Part
      package var rule: PartnerLabel

      /// "RIC MI-PL, y".
      package var title: String {
        switch part {
        case .trueLabel: "RIC \(rule.title), y"
        case .predictedLabel: "RIC \(rule.title), ŷ"
        case .detectionGap: "DG \(rule.title)"
        }
      }
    }

    /// The condition that it is about, nil of a theorem; not in JSON, where the claim says it.
    package var condition: Condition?
    /// The inequality or equation in words.
    package var claim: String
    /// Where it stands in the paper.
    package var equation: String
    package var lambda: Double?
    package var measured: Double
    package var bound: Double
    /// How far the measured value is on the right side of the bound.
    package var margin: Double
    package var verdict: Verdict

    private enum CodingKeys: CodingKey {
      case claim, equation, lambda, measured, bound, margin, verdict
    }
  }

  /// What a run measured.
  package struct Results: Encodable, Sendable {
    package var settings: Settings
    /// What must hold: how far the two sides of each equation are apart, and how far rounding lets them be.
    package var theorems: [Finding]
    /// RIC and DG on these models, λ by λ; the measured values are means over the models.
    package var conditions: [Finding]
    /// The number of models on which the attack changes the label, as equation (2) has it; only they enter
    /// `conditions`, which the paper states for successful attacks.
    package var attackedCount: Int
    /// Whether the models' outputs H + G were probabilities, none below 0 and 1 in all, at every input and mixture that
    /// was looked at.
    package var staysOnSimplex: Bool
    /// For every λ, how often MI-OL gives a clean input a wrong label.
    package var failures: [Failure]
    /// Where RIC begins to hold, if G is a power law.
    package var criticalLambdas: [CriticalLambda]
    package var region: Region

    /// Whether all that must hold does.
    package var isSound: Bool { theorems.allSatisfy { $0.verdict == .holds } }
  }

  /// The probability that MI-OL with N draws takes a clean input from its label.
  package struct Failure: Codable, Hashable, Sendable {
    package var lambda: Double
    package var probability: Double
    /// Whether the label would be kept with infinitely many mixtures.
    package var keepsLabel: Bool
  }

  /// Where g(1−λᵖ) overtakes what a rule needs; nil if nowhere.
  package struct CriticalLambda: Codable, Hashable, Sendable {
    package var rule: PartnerLabel
    package var lambda: Double?
  }

  /// RIC and DG over λ and the growth exponent, from the models.
  package struct Region: Codable, Sendable {
    package var exponents: ClosedRange<Double>
    /// [exponent][λ]
    package var cells: [[Conditions]]
  }

  /// Which of the conditions hold together.
  package struct Conditions: OptionSet, Codable, Hashable, Sendable, CustomStringConvertible {
    package var rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The robustness improving condition.
    package static func robustness(_ rule: PartnerLabel) -> Self {
      Self(rawValue: rule == .predicted ? 1 : 2)
    }

    /// The condition on the detection gap: what mixing changes of the confidence in the predicted label tells attacked
    /// inputs from clean ones.
    package static func detection(_ rule: PartnerLabel) -> Self {
      Self(rawValue: rule == .predicted ? 4 : 8)
    }

    /// "RIC MI-PL, DG MI-PL".
    package var description: String {
      let names =
        PartnerLabel.allCases.filter { contains(.robustness($0)) }.map { "RIC \($0.title)" }
        + PartnerLabel.allCases.filter { contains(.detection($0)) }.map { "DG \($0.title)" }
      return names.isEmpty ? "neither RIC nor DG" : names.joined(separator: ", ")
    }
  }

  package var settings: Settings
  package var forms = ClosedForms()

  package init(_ settings: Settings) { self.settings = settings }

  /// Tries the models and gathers what was measured.
  ///
  /// - Parameter interruption: looked at before every model.
  /// - Throws: `TheoryError` if the settings are out of range, `Interrupted`.
  package func run(until interruption: Interruption = .never) throws -> Results {
    guard settings.sampleCount >= 1 else { throw TheoryError.sampleCount(settings.sampleCount) }
    guard settings.modelCount >= 1 else {
      throw TheoryError.parameter(
        name: "number of models", value: Double(settings.modelCount), range: "1 at least")
    }
    let scenarios = try (0..<settings.modelCount).map {
      try SyntheticScenario(
        settings.scenario, key: RandomKey(seed: settings.seed, purpose: .test, draw: $0))
    }
    var theorems = TheoremChecks(settings: settings, forms: forms)
    for scenario in scenarios {
      try interruption.check()
      try theorems.check(scenario)
    }
    try theorems.checkLaw(scenarios[0])
    theorems.checkRoutes()
    let lambdas = settings.lambdas
    let attacked = scenarios.filter(\.input.satisfiesModellingAssumption)
    return Results(
      settings: settings, theorems: theorems.findings,
      conditions: lambdas.flatMap { conditions(attacked, lambda: $0.doubleValue) },
      attackedCount: attacked.count,
      staysOnSimplex: scenarios.allSatisfy { scenario in
        lambdas.allSatisfy { staysOnSimplex(scenario, lambda: $0.doubleValue) }
      },
      failures: try lambdas.map { lambda in
        Failure(
          lambda: lambda.doubleValue,
          probability: try forms.failureProbability(
            lambda, settings.scenario.classCount, settings.sampleCount),
          keepsLabel: OtherLabelLaw.keepsLabel(
            lambda: lambda, classCount: settings.scenario.classCount))
      },
      criticalLambdas: try criticalLambdas(), region: try region())
  }

  // MARK: Conditions

  private func conditions(_ scenarios: [SyntheticScenario], lambda: Double) -> [Finding] {
    guard !scenarios.isEmpty else { return [] }
    return PartnerLabel.allCases.flatMap { rule -> [Finding] in
      let equation = rule == .predicted ? "(12)" : "(15)"
      let thresholds = forms.thresholds(rule, lambda, settings.scenario.classCount)
      let decays = scenarios.map {
        ($0.input, $0.model.expectedDecay(of: $0.input, mixing: rule, lambda: lambda))
      }
      let margins = scenarios.map {
        $0.model.detectionMargin(of: $0.input, mixing: rule, lambda: lambda)
      }
      // DG is the difference of two changes of confidence, each of which is rounded.
      let rounding = scenarios.map { 2 * $0.model.roundingBound(of: $0.input) }
      return [
        condition(
          .trueLabel, rule, "E[G_y(δ) − G_y(λδ)] below", equation, lambda,
          decays.map { $0.1[$0.0.label] }, bound: thresholds.trueLabel, isAbove: false, rounding),
        condition(
          .predictedLabel, rule, "E[G_ŷ(δ) − G_ŷ(λδ)] above", equation, lambda,
          decays.map { $0.1[$0.0.predicted] }, bound: thresholds.predictedLabel, isAbove: true,
          rounding),
        condition(
          .detectionGap, rule, "−DG above", rule == .predicted ? "(11), (13)" : "(11), (16)",
          lambda, margins, bound: 0, isAbove: true, rounding),
      ]
    }
  }

  private func condition(
    _ part: Finding.Condition.Part, _ rule: PartnerLabel, _ claim: String, _ equation: String,
    _ lambda: Double, _ values: [Double], bound: Double, isAbove: Bool, _ rounding: [Double]
  ) -> Finding {
    let satisfied = zip(values, rounding).count {
      (isAbove ? $0 - bound : bound - $0) > $1
    }
    let mean = values.reduce(0, +) / Double(values.count)
    let condition = Finding.Condition(part: part, rule: rule)
    return Finding(
      condition: condition, claim: "\(condition.title): \(claim)", equation: equation,
      lambda: lambda, measured: mean, bound: bound,
      margin: isAbove ? mean - bound : bound - mean,
      verdict: satisfied == values.count ? .satisfied : satisfied == 0 ? .unsatisfied : .mixed)
  }

  private func staysOnSimplex(_ scenario: SyntheticScenario, lambda: Double) -> Bool {
    let (model, input) = (scenario.model, scenario.input)
    let shrunk = input.perturbation.map { lambda * $0 }
    return model.perturbation.preservesSimplex(
      input.perturbation, at: input.point, on: model.linear)
      && model.pool.allSatisfy {
        model.perturbation.preservesSimplex(
          shrunk, at: mix(lambda, input.point, $0.point), on: model.linear)
      }
  }

  private func criticalLambdas() throws -> [CriticalLambda] {
    let scenario = settings.scenario
    guard let exponent = scenario.powerLaw else { return [] }
    return try PartnerLabel.allCases.map { rule in
      CriticalLambda(
        rule: rule,
        lambda: try GrowthCondition(
          strength: scenario.strength, exponent: exponent, rule: rule,
          classCount: scenario.classCount
        ).criticalLambda)
    }
  }

  // MARK: Region

  /// Where the conditions hold, from models that differ in the growth exponent only.
  package func region() throws -> Region {
    let exponents = 0.25...4.0
    let (rows, columns) = (48, 60)
    var scenario = settings.scenario
    scenario.pointsPerClass = 1
    let cells = try (0..<rows).map { row in
      let share = (Double(row) + 0.5) / Double(rows)
      scenario.exponent =
        exponents.lowerBound + share * (exponents.upperBound - exponents.lowerBound)
      let one = try SyntheticScenario(
        scenario, key: RandomKey(seed: settings.seed, purpose: .test))
      return (0..<columns).map { column -> Conditions in
        guard one.input.satisfiesModellingAssumption else { return [] }
        let lambda = (Double(column) + 0.5) / Double(columns)
        return PartnerLabel.allCases.reduce(into: Conditions()) { holding, rule in
          let condition = one.model.robustnessImprovingCondition(
            of: one.input, mixing: rule, lambda: lambda)
          let gap = one.model.detectionMargin(of: one.input, mixing: rule, lambda: lambda)
          if condition.holds { holding.insert(.robustness(rule)) }
          if gap > 2 * condition.rounding { holding.insert(.detection(rule)) }
        }
      }
    }
    return Region(exponents: exponents, cells: cells)
  }
}

extension PartnerLabel {
  /// How tables call the rule.
  package var title: String { self == .predicted ? "MI-PL" : "MI-OL" }
}

extension SyntheticScenario.Settings {
  /// p, if λ times the attack has λᵖ times its effect on each probability, G_k(λδ; ·) = λᵖ G_k(δ; ·), and takes as much
  /// from y as it gives to ŷ; nil otherwise.
  var powerLaw: Double? {
    guard spread == 0 else { return nil }
    return switch family {
    case .linear: 1
    case .power: exponent
    case .saturating, .thresholded, .anchorDependent, .adversarial: nil
    }
  }
}
