/// Table 1 of Pang, Xu and Zhu, ICLR 2020: the confidences F_y and F_ŷ in the true and the predicted
/// label, of an input x and its mixture x̃, under MI-PL and MI-OL, for clean (z = 0) and adversarial (z =
/// 1) inputs; and those in the other classes, which the table leaves out.
///
/// The cells hold where H is one-hot at the input and its partners, and where clean inputs are
/// classified rightly and adversarial ones wrongly (equation (2)).
public enum Table1 {
  /// A row of the table.
  public enum Row: String, Sendable, Codable, CaseIterable {
    /// F_y(x).
    case trueLabel = "F_y(x)"
    /// F_y(x̃).
    case trueLabelMixed = "F_y(x̃)"
    /// F_ŷ(x).
    case predictedLabel = "F_ŷ(x)"
    /// F_ŷ(x̃).
    case predictedLabelMixed = "F_ŷ(x̃)"
  }

  /// The values of G that the cells of an adversarial input contain.
  public struct Effects: Sendable, Hashable {
    /// G_y(δ; x₀).
    public var trueLabel: Double
    /// G_y(λδ; x̃₀), or its mean over p_s.
    public var trueLabelMixed: Double
    /// G_ŷ(δ; x₀).
    public var predictedLabel: Double
    /// G_ŷ(λδ; x̃₀), or its mean over p_s.
    public var predictedLabelMixed: Double

    /// The four values.
    public init(
      trueLabel: Double, trueLabelMixed: Double, predictedLabel: Double,
      predictedLabelMixed: Double
    ) {
      self.trueLabel = trueLabel
      self.trueLabelMixed = trueLabelMixed
      self.predictedLabel = predictedLabel
      self.predictedLabelMixed = predictedLabelMixed
    }
  }

  /// One of the sixteen cells; equations (7) and (8) with y_s as the rule draws it.
  ///
  /// - Parameters:
  ///   - lambda: λ.
  ///   - effects: the values of G; not used if z = 0.
  ///   - sampledTrueLabel: 1{y = y_s} of the draw, or its mean: `sampledTrueLabelRate`. Counts in
  ///     one cell only: F_y(x̃) under MI-OL with z = 1.
  public static func cell(
    _ row: Row, _ rule: PartnerLabel, isAdversarial: Bool, lambda: Double, effects: Effects,
    sampledTrueLabel: Double
  ) -> Double {
    guard isAdversarial else {
      return switch (row, rule) {
      case (.trueLabel, _), (.predictedLabel, _): 1
      case (_, .predicted): 1
      case (_, .other): lambda
      }
    }
    return switch (row, rule) {
    case (.trueLabel, _): 1 + effects.trueLabel
    case (.trueLabelMixed, .predicted): lambda + effects.trueLabelMixed
    case (.trueLabelMixed, .other):
      lambda + (1 - lambda) * sampledTrueLabel + effects.trueLabelMixed
    case (.predictedLabel, _): effects.predictedLabel
    case (.predictedLabelMixed, .predicted): (1 - lambda) + effects.predictedLabelMixed
    case (.predictedLabelMixed, .other): effects.predictedLabelMixed
    }
  }

  /// E[1{y = y_s}] for an adversarial input: 0 under MI-PL, 1/(L−1) under MI-OL.
  public static func sampledTrueLabelRate(_ rule: PartnerLabel, classCount: Int) -> Double {
    rule == .predicted ? 0 : 1 / Double(classCount - 1)
  }

  /// E F_k(x̃) for a class k ∉ {y, ŷ}, which the paper leaves out: E G_k(λδ; x̃₀) under MI-PL, and
  /// (1−λ)/(L−1) more under MI-OL; G is 0 if z = 0.
  public static func thirdClass(
    _ rule: PartnerLabel, lambda: Double, classCount: Int, effectMixed: Double = 0
  ) -> Double {
    (rule == .predicted ? 0 : (1 - lambda) / Double(classCount - 1)) + effectMixed
  }
}
