/// The `RobustnessImprovingCondition` (RIC) by way of G, as Figure 2 of Pang, Xu and Zhu, ICLR 2020,
/// measures it: G is estimated from the difference between clean and adversarial curves of F over λ, then
/// put into equations (12) and (15).
///
/// It agrees with the direct route, ΔF on adversarial inputs, only where clean mixing is exactly
/// linear: the clean curve's own bend counts as an effect of the attack. Report both.
public struct PerturbationRoute: Sendable, Hashable {
  /// F_y and F_ŷ of one input, or their means over inputs; ŷ is the adversarial prediction, also on
  /// the clean curve.
  public struct Confidences: Sendable, Hashable {
    /// F_y.
    public var trueLabel: Double
    /// F_ŷ.
    public var predictedLabel: Double

    /// The two confidences.
    public init(trueLabel: Double, predictedLabel: Double) {
      self.trueLabel = trueLabel
      self.predictedLabel = predictedLabel
    }
  }

  /// Whose images are mixed in.
  public var rule: PartnerLabel
  /// λ.
  public var lambda: Double
  /// L.
  public var classCount: Int
  /// F(x₀).
  public var clean: Confidences
  /// E F(x̃₀), the clean input mixed by its own predicted label, which is y.
  public var cleanMixed: Confidences
  /// F(x).
  public var adversarial: Confidences
  /// E F(x̃), the adversarial input mixed by its predicted label ŷ.
  public var adversarialMixed: Confidences

  /// The curves of Figure 2 at one λ.
  public init(
    rule: PartnerLabel, lambda: Double, classCount: Int, clean: Confidences,
    cleanMixed: Confidences, adversarial: Confidences, adversarialMixed: Confidences
  ) {
    self.rule = rule
    self.lambda = lambda
    self.classCount = classCount
    self.clean = clean
    self.cleanMixed = cleanMixed
    self.adversarial = adversarial
    self.adversarialMixed = adversarialMixed
  }

  /// By how much F_y of the clean mixture is above that of the adversarial one if mixing is linear and G
  /// = 0: 1−λ under MI-PL, −(1−λ)/(L−1) under MI-OL. For ŷ it is as much below.
  private var linearDifference: Double {
    rule == .predicted ? 1 - lambda : -(1 - lambda) / Double(classCount - 1)
  }

  /// Ĝ_y(λδ; x̃₀) = linear part − [F_y(x̃₀) − F_y(x̃)].
  public var trueLabelEffectMixed: Double {
    linearDifference - (cleanMixed.trueLabel - adversarialMixed.trueLabel)
  }

  /// Ĝ_ŷ(λδ; x̃₀) = [F_ŷ(x̃) − F_ŷ(x̃₀)] − linear part.
  public var predictedLabelEffectMixed: Double {
    (adversarialMixed.predictedLabel - cleanMixed.predictedLabel) - linearDifference
  }

  /// Ĝ_y(δ; x₀) = F_y(x) − F_y(x₀).
  public var trueLabelEffect: Double { adversarial.trueLabel - clean.trueLabel }

  /// Ĝ_ŷ(δ; x₀) = F_ŷ(x) − F_ŷ(x₀).
  public var predictedLabelEffect: Double { adversarial.predictedLabel - clean.predictedLabel }

  /// The condition as this route sees it, equations (12) and (15) on the estimates.
  public var condition: RobustnessImprovingCondition {
    RobustnessImprovingCondition(
      trueLabelDecay: trueLabelEffect - trueLabelEffectMixed,
      predictedLabelDecay: predictedLabelEffect - predictedLabelEffectMixed,
      thresholds: RobustnessImprovingCondition.thresholds(
        rule, lambda: lambda, classCount: classCount))
  }

  /// The condition measured on F itself, equation (10).
  public var directCondition: RobustnessImprovingCondition {
    RobustnessImprovingCondition(
      trueLabelChange: confidenceChange(
        mixed: adversarialMixed.trueLabel, unmixed: adversarial.trueLabel),
      predictedLabelChange: confidenceChange(
        mixed: adversarialMixed.predictedLabel, unmixed: adversarial.predictedLabel))
  }

  /// By how much this route overstates ΔF_y: D_y = F_y(x₀) − F_y(x̃₀) under MI-PL, D_y − (1−λ) under
  /// MI-OL. 0 where clean mixing is exactly linear.
  public var trueLabelBias: Double {
    clean.trueLabel - cleanMixed.trueLabel - (rule == .predicted ? 0 : 1 - lambda)
  }

  /// By how much this route overstates ΔF_ŷ: F_ŷ(x₀) − F_ŷ(x̃₀), and (1−λ)/(L−1) more under MI-OL.
  public var predictedLabelBias: Double {
    clean.predictedLabel - cleanMixed.predictedLabel
      + (rule == .predicted ? 0 : (1 - lambda) / Double(classCount - 1))
  }
}

extension SyntheticModel {
  /// The curves of Figure 2 for one adversarial input, with the whole pool.
  public func perturbationRoute(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> PerturbationRoute {
    func confidences(_ values: [Double]) -> PerturbationRoute.Confidences {
      PerturbationRoute.Confidences(
        trueLabel: values[input.label], predictedLabel: values[input.predicted])
    }
    let clean = clean(input)
    return PerturbationRoute(
      rule: rule, lambda: lambda, classCount: classCount,
      clean: confidences(prediction(at: clean.point, perturbed: clean.perturbation)),
      cleanMixed: confidences(expectedPrediction(of: clean, mixing: rule, lambda: lambda)),
      adversarial: confidences(prediction(at: input.point, perturbed: input.perturbation)),
      adversarialMixed: confidences(expectedPrediction(of: input, mixing: rule, lambda: lambda)))
  }
}
