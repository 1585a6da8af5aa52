/// λ and N: how inputs are mixed with the images of one sampling distribution.
public struct Mixing: Sendable, Hashable, Codable {
  /// λ, the share of the input itself, in [0, 1]; fixed at inference.
  public var lambda: MixingRatio
  /// N, the number of executions that are averaged.
  public var sampleCount: Int

  /// λ and N; checked where they are used.
  public init(lambda: MixingRatio, sampleCount: Int) {
    self.lambda = lambda
    self.sampleCount = sampleCount
  }
}

/// Which average of the predictions of mixtures is the answer: by whose images the input is mixed.
public enum MixupInferenceRule: Sendable, Hashable, Codable {
  /// MI-PL: the partners, the images mixed in, are of the predicted label.
  case predictedLabel(Mixing)
  /// MI-OL: the partners are of the other labels.
  case otherLabel(Mixing)
  /// MI-Combined: the MI-PL average where its detection statistic is below the threshold (the input
  /// looks clean), else, ties included, the MI-OL average.
  case combined(
    predictedLabel: Mixing, otherLabel: Mixing, threshold: Float,
    statistic: DetectionStatistic = .confidenceDrop)

  /// The MI-PL executions, if the rule has any.
  public var predictedLabel: Mixing? {
    switch self {
    case .predictedLabel(let mixing), .combined(let mixing, _, _, _): mixing
    case .otherLabel: nil
    }
  }

  /// The MI-OL executions, if the rule has any.
  public var otherLabel: Mixing? {
    switch self {
    case .otherLabel(let mixing), .combined(_, let mixing, _, _): mixing
    case .predictedLabel: nil
    }
  }

  /// N, or N_PL + N_OL.
  public var sampleCount: Int {
    (predictedLabel?.sampleCount ?? 0) + (otherLabel?.sampleCount ?? 0)
  }

  /// The same rule with N = `sampleCount` in every branch.
  public func withSampleCount(_ sampleCount: Int) -> MixupInferenceRule {
    func changed(_ mixing: Mixing) -> Mixing {
      Mixing(lambda: mixing.lambda, sampleCount: sampleCount)
    }
    return switch self {
    case .predictedLabel(let mixing): .predictedLabel(changed(mixing))
    case .otherLabel(let mixing): .otherLabel(changed(mixing))
    case .combined(let predicted, let other, let threshold, let statistic):
      .combined(
        predictedLabel: changed(predicted), otherLabel: changed(other), threshold: threshold,
        statistic: statistic)
    }
  }
}
