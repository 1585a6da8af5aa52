/// ΔF_k(x; p_s) = E_{p_s}[F_k(x̃)] − F_k(x), equation (9) of Pang, Xu and Zhu, ICLR 2020: what mixing
/// adds to the confidence in a class.
///
/// The paper's equation could not be had word for word; its sign follows from equation (10).
public func confidenceChange(mixed: Double, unmixed: Double) -> Double { mixed - unmixed }

/// The Robustness Improving Condition: on an adversarial input, mixing adds to the confidence in the
/// true label and takes from that in the predicted one.
///
/// It speaks of expected confidences. The predicted label need not change.
public struct RobustnessImprovingCondition: Sendable, Hashable {
  /// ΔF_y(x; p_s) with z = 1.
  public var trueLabelChange: Double
  /// ΔF_ŷ(x; p_s) with z = 1.
  public var predictedLabelChange: Double

  /// The two changes of confidence.
  public init(trueLabelChange: Double, predictedLabelChange: Double) {
    self.trueLabelChange = trueLabelChange
    self.predictedLabelChange = predictedLabelChange
  }

  /// ΔF_y > 0 and ΔF_ŷ < 0, equation (10); strict, so it never holds at λ = 1.
  public var holds: Bool { trueLabelChange > 0 && predictedLabelChange < 0 }

  /// min(ΔF_y, −ΔF_ŷ): positive if and only if the condition holds.
  public var margin: Double { min(trueLabelChange, -predictedLabelChange) }

  // MARK: The same through G

  /// What E[G_k(δ; x₀) − G_k(λδ; x̃₀)] is compared with in equations (12) and (15).
  public struct Thresholds: Sendable, Hashable {
    /// For k = y: the difference must lie below.
    public var trueLabel: Double
    /// For k = ŷ: the difference must lie above.
    public var predictedLabel: Double
  }

  /// The bounds of equations (12), MI-PL, and (15), MI-OL:
  /// λ−1 or (λ−1)(L−2)/(L−1) for y, and 1−λ or 0 for ŷ.
  ///
  /// MI-OL's are the looser ones wherever λ < 1: by 1−λ for ŷ and by (1−λ)/(L−1) for y.
  ///
  /// - Parameters:
  ///   - ratio: λ.
  ///   - classCount: L, at least 2; MI-PL's bounds do not depend on it.
  public static func thresholds(
    _ rule: PartnerLabel, ratio: Double, classCount: Int
  ) -> Thresholds {
    switch rule {
    case .predicted: Thresholds(trueLabel: ratio - 1, predictedLabel: 1 - ratio)
    case .other:
      Thresholds(
        trueLabel: (ratio - 1) * Double(classCount - 2) / Double(classCount - 1),
        predictedLabel: 0)
    }
  }

  /// The condition from the decay of G, equations (12) and (15):
  /// ΔF_k = threshold_k − E[G_k(δ; x₀) − G_k(λδ; x̃₀)].
  ///
  /// - Parameters:
  ///   - trueLabelDecay: E[G_y(δ; x₀) − G_y(λδ; x̃₀)].
  ///   - predictedLabelDecay: E[G_ŷ(δ; x₀) − G_ŷ(λδ; x̃₀)].
  public init(
    trueLabelDecay: Double, predictedLabelDecay: Double, thresholds: Thresholds
  ) {
    trueLabelChange = thresholds.trueLabel - trueLabelDecay
    predictedLabelChange = thresholds.predictedLabel - predictedLabelDecay
  }

  /// The condition measured on F, equation (10).
  ///
  /// - Parameters:
  ///   - unmixed: F(x) of an adversarial input, [L].
  ///   - mixed: E F(x̃) or F_MI(x), [L].
  /// - Precondition: y and ŷ are classes.
  public init(unmixed: [Double], mixed: [Double], trueLabel: Int, predictedLabel: Int) {
    trueLabelChange = confidenceChange(mixed: mixed[trueLabel], unmixed: unmixed[trueLabel])
    predictedLabelChange = confidenceChange(
      mixed: mixed[predictedLabel], unmixed: unmixed[predictedLabel])
  }
}

extension SyntheticModel {
  /// ΔF(x; p_s) of every class, equation (9), with the whole pool; [L].
  public func confidenceChanges(
    of input: AttackedInput, mixing rule: PartnerLabel, ratio: Double
  ) -> [Double] {
    zip(
      expectedPrediction(of: input, mixing: rule, ratio: ratio),
      prediction(at: input.point, perturbed: input.perturbation)
    ).map { confidenceChange(mixed: $0, unmixed: $1) }
  }

  /// E_{p_s}[G(δ; x₀) − G(λδ; x̃₀)] of every class, the left-hand side of (12) and (15); [L].
  public func expectedDecay(
    of input: AttackedInput, mixing rule: PartnerLabel, ratio: Double
  ) -> [Double] {
    zip(
      perturbation(input.perturbation, at: input.point),
      expectedPerturbation(of: input, mixing: rule, ratio: ratio)
    ).map(-)
  }

  /// The condition measured on F, equation (10).
  public func robustnessImprovingCondition(
    of input: AttackedInput, mixing rule: PartnerLabel, ratio: Double
  ) -> RobustnessImprovingCondition {
    let changes = confidenceChanges(of: input, mixing: rule, ratio: ratio)
    return RobustnessImprovingCondition(
      trueLabelChange: changes[input.label], predictedLabelChange: changes[input.predicted])
  }
}
