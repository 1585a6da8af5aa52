import Classification

/// ΔF_k(x; p_s) = E_{p_s}[F_k(x̃)] − F_k(x), equation (9) of Pang, Xu and Zhu, ICLR 2020: what mixing
/// adds to the confidence in a class.
///
/// We have not seen the equation word for word; its sign follows from equation (10).
public func confidenceChange(mixed: Double, unmixed: Double) -> Double { mixed - unmixed }

/// The Robustness Improving Condition: on an adversarial input, mixing adds to the confidence in the
/// true label and takes from that in the predicted one.
///
/// It is about expected confidences: the predicted label need not change.
public struct RobustnessImprovingCondition: Sendable, Hashable {
  /// ΔF_y(x; p_s), the change of confidence in the true label y, on an adversarial input (z = 1).
  public var trueLabelChange: Double
  /// ΔF_ŷ(x; p_s), the change of confidence in the predicted label ŷ, on an adversarial input (z = 1).
  public var predictedLabelChange: Double
  /// By how much either may be off by rounding: what is no larger is no change.
  public var rounding: Double

  /// The two changes of confidence.
  public init(trueLabelChange: Double, predictedLabelChange: Double, rounding: Double = 0) {
    self.trueLabelChange = trueLabelChange
    self.predictedLabelChange = predictedLabelChange
    self.rounding = rounding
  }

  /// ΔF_y > 0 and ΔF_ŷ < 0 beyond rounding, equation (10); strict, so it never holds at λ = 1, where
  /// both are 0.
  public var holds: Bool { trueLabelChange > rounding && predictedLabelChange < -rounding }

  /// min(ΔF_y, −ΔF_ŷ): above `rounding` if and only if the condition holds.
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
  ///   - lambda: λ.
  ///   - classCount: L, at least 2; MI-PL's bounds do not depend on it.
  public static func thresholds(
    _ rule: PartnerLabel, lambda: Double, classCount: Int
  ) -> Thresholds {
    switch rule {
    case .predicted: Thresholds(trueLabel: lambda - 1, predictedLabel: 1 - lambda)
    case .other:
      Thresholds(
        trueLabel: (lambda - 1) * Double(classCount - 2) / Double(classCount - 1),
        predictedLabel: 0)
    }
  }

  /// The condition from the decay of G, equations (12) and (15):
  /// ΔF_k = threshold_k − E[G_k(δ; x₀) − G_k(λδ; x̃₀)].
  ///
  /// - Parameters:
  ///   - trueLabelDecay: E[G_y(δ; x₀) − G_y(λδ; x̃₀)].
  ///   - predictedLabelDecay: E[G_ŷ(δ; x₀) − G_ŷ(λδ; x̃₀)].
  ///   - rounding: by how much a decay may be off.
  public init(
    trueLabelDecay: Double, predictedLabelDecay: Double, thresholds: Thresholds,
    rounding: Double = 0
  ) {
    self.rounding = rounding
    trueLabelChange = thresholds.trueLabel - trueLabelDecay
    predictedLabelChange = thresholds.predictedLabel - predictedLabelDecay
  }

  /// The condition measured on F, equation (10).
  ///
  /// - Parameters:
  ///   - unmixed: F(x) of an adversarial input, [L].
  ///   - mixed: E F(x̃) or F_MI(x), [L].
  ///   - rounding: by how much a difference of theirs may be off.
  /// - Precondition: y and ŷ are classes.
  public init(
    unmixed: [Double], mixed: [Double], trueLabel: Int, predictedLabel: Int, rounding: Double = 0
  ) {
    self.rounding = rounding
    trueLabelChange = confidenceChange(mixed: mixed[trueLabel], unmixed: unmixed[trueLabel])
    predictedLabelChange = confidenceChange(
      mixed: mixed[predictedLabel], unmixed: unmixed[predictedLabel])
  }
}

extension SyntheticModel {
  /// ΔF(x; p_s) of every class, equation (9), with the whole pool; [L].
  public func confidenceChanges(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> [Double] {
    zip(
      expectedPrediction(of: input, mixing: rule, lambda: lambda),
      prediction(at: input.point, perturbed: input.perturbation)
    ).map { confidenceChange(mixed: $0, unmixed: $1) }
  }

  /// E_{p_s}[G(δ; x₀) − G(λδ; x̃₀)] of every class, the left-hand side of (12) and (15); [L].
  public func expectedDecay(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> [Double] {
    zip(
      perturbation(input.perturbation, at: input.point),
      expectedPerturbation(of: input, mixing: rule, lambda: lambda)
    ).map(-)
  }

  /// The condition measured on F, equation (10).
  public func robustnessImprovingCondition(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> RobustnessImprovingCondition {
    let changes = confidenceChanges(of: input, mixing: rule, lambda: lambda)
    return RobustnessImprovingCondition(
      trueLabelChange: changes[input.label], predictedLabelChange: changes[input.predicted],
      rounding: roundingBound(of: input))
  }

  /// What rounding may do to ΔF, to a decay of G or to DG of an input, sixteen times
  /// `LinearModel.roundingUnit` at the pool and the point: 32(2A + D + 2)u·R, u = 2⁻⁵³, for A points in
  /// D dimensions and products of rows and points up to R ≥ 1.
  ///
  /// H at the point and, in the mean, at its mixtures loses 2(D + 4)uR with the mixing; a mean of A terms
  /// up to R + 1 at most 2AuR; and G(λδ) = λᵖa, |a| ≤ 1, at most 2(D + 4)u·pλᵖ, where pλᵖ ≤ 1/(e ln(1/λ)) is
  /// below 10 up to λ = 0.96, and at λ = 1 both values of G are the same number.
  package func roundingBound(of input: AttackedInput) -> Double {
    16 * linear.roundingUnit(at: pool.map(\.point) + [input.point])
  }
}
