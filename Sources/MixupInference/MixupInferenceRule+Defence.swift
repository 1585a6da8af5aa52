import Classification
import Foundation
import Robustness

extension MixupInferenceRule: Defence, Adjustable {
  /// The three rules with their usual settings.
  package static var known: [MixupInferenceRule] {
    let usual = Mixing(lambda: 0.5, sampleCount: usualSampleCount)
    return [
      .predictedLabel(usual), .otherLabel(usual),
      .combined(predictedLabel: usual, otherLabel: usual, threshold: 0.2),
    ]
  }

  /// "mi-pl", "mi-ol" or "mi-combined".
  public var name: String {
    switch self {
    case .predictedLabel: "mi-pl"
    case .otherLabel: "mi-ol"
    case .combined: "mi-combined"
    }
  }

  /// λ, N and the threshold, where the rule has them.
  public var parameters: [String: String] { settingTexts }

  /// Yes: partners are drawn from them.
  public var usesTrainingImages: Bool { true }

  /// Algorithm 1 with partners from the training images.
  public func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier {
    try MixupInference(network, pool: SamplePool(training), rule: self)
  }

  // MARK: Settings

  package var settings: [Setting<MixupInferenceRule>] {
    let draws = Setting.count("draws", \MixupInferenceRule.draws, of: "executions")
    return switch self {
    case .predictedLabel:
      [Setting("lambda", flags: ["lambda", "lambda-pl"], \MixupInferenceRule.lambda), draws]
    case .otherLabel: [Setting("lambda", \MixupInferenceRule.lambda), draws]
    case .combined:
      [
        Setting("lambda", \MixupInferenceRule.lambda),
        Setting("lambdaPredicted", flags: ["lambda-pl"], \.predictedLambda),
        Setting(
          "threshold", \.threshold,
          problem: { $0.isFinite ? nil : "the detection threshold is \($0); give a number" }),
        draws,
      ]
    }
  }

  /// λ; in MI-Combined that of MI-OL. Setting it sets MI-PL's too, until `predictedLambda` is set.
  private var lambda: MixingRatio {
    get { (otherLabel ?? predictedLabel)?.lambda ?? 0 }
    set { change { $0.lambda = newValue } }
  }

  /// λ of MI-PL.
  private var predictedLambda: MixingRatio {
    get { predictedLabel?.lambda ?? 0 }
    set {
      guard case .combined(var predicted, let other, let threshold, let statistic) = self else {
        return
      }
      predicted.lambda = newValue
      self = .combined(
        predictedLabel: predicted, otherLabel: other, threshold: threshold, statistic: statistic)
    }
  }

  /// The detection threshold of MI-Combined.
  private var threshold: Float? {
    get {
      if case .combined(_, _, let threshold, _) = self { threshold } else { nil }
    }
    set {
      if let newValue, case .combined(let predicted, let other, _, let statistic) = self {
        self = .combined(
          predictedLabel: predicted, otherLabel: other, threshold: newValue, statistic: statistic)
      }
    }
  }

  /// N of each branch.
  private var draws: Int {
    get { (otherLabel ?? predictedLabel)?.sampleCount ?? 0 }
    set { change { $0.sampleCount = newValue } }
  }

  /// Changes the mixing of every branch.
  private mutating func change(_ change: (inout Mixing) -> Void) {
    func changed(_ mixing: Mixing) -> Mixing {
      var copy = mixing
      change(&copy)
      return copy
    }
    self =
      switch self {
      case .predictedLabel(let mixing): .predictedLabel(changed(mixing))
      case .otherLabel(let mixing): .otherLabel(changed(mixing))
      case .combined(let predicted, let other, let threshold, let statistic):
        .combined(
          predictedLabel: changed(predicted), otherLabel: changed(other), threshold: threshold,
          statistic: statistic)
      }
  }
}

extension MixingRatio: SettingValue {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    try self.init(text)
  }

  /// Equal numbers are written alike: 0.6 for "0.60", and "1/3" for "2/6".
  package var canonical: MixingRatio {
    let digits = Decimal(string: "\(doubleValue)").flatMap { try? MixingRatio("\($0)") }
    return digits == self ? digits ?? self : MixingRatio(ratio.numerator, over: ratio.denominator)
  }
}
