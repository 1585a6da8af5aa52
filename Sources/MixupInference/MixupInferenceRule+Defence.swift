import Classification
import Robustness

extension MixupInferenceRule: Defence, Adjustable {
  /// The three rules with their usual settings.
  package static var known: [MixupInferenceRule] {
    let usual = Mixing(ratio: 0.5, sampleCount: usualSampleCount)
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
    func ratio(
      _ name: String, _ flags: [String],
      _ path: any WritableKeyPath<MixupInferenceRule, Float> & Sendable
    ) -> Setting<MixupInferenceRule> {
      Setting(
        name, flags: flags, path,
        problem: { 0...1 ~= $0 ? nil : "λ is \($0); it is a share, from 0 to 1" })
    }
    return switch self {
    case .predictedLabel: [ratio("lambda", ["lambda", "lambda-pl"], \.ratio), draws]
    case .otherLabel: [ratio("lambda", ["lambda"], \.ratio), draws]
    case .combined:
      [
        ratio("lambda", ["lambda"], \.ratio),
        ratio("lambdaPredicted", ["lambda-pl"], \.predictedRatio),
        Setting(
          "threshold", \.threshold,
          problem: { $0.isFinite ? nil : "the detection threshold is \($0); give a number" }),
        draws,
      ]
    }
  }

  /// λ, of MI-OL in MI-Combined; set there, it is MI-PL's too until another one is said.
  private var ratio: Float {
    get { (otherLabel ?? predictedLabel)?.ratio ?? 0 }
    set { change { $0.ratio = newValue } }
  }

  /// λ of MI-PL.
  private var predictedRatio: Float {
    get { predictedLabel?.ratio ?? 0 }
    set {
      guard case .combined(var predicted, let other, let threshold, let statistic) = self else {
        return
      }
      predicted.ratio = newValue
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
