import MixupInference

/// The formulas that a verification compares with exact models: the paper's, as the library has them; or
/// wrong ones, by which tests see that the verification notices.
package struct ClosedForms: Sendable {
  /// A cell of the paper's Table 1.
  package var cell:
    @Sendable (
      _ row: Table1.Row, _ rule: PartnerLabel, _ isAdversarial: Bool, _ lambda: Double,
      _ effects: Table1.Effects, _ sampledTrueLabel: Double
    ) -> Double = {
      Table1.cell(
        $0, $1, isAdversarial: $2, lambda: $3, effects: $4, sampledTrueLabel: $5)
    }
  /// The classes that Table 1 leaves out.
  package var thirdClass:
    @Sendable (_ rule: PartnerLabel, _ lambda: Double, _ classCount: Int, _ effect: Double)
      -> Double = { Table1.thirdClass($0, lambda: $1, classCount: $2, effectMixed: $3) }
  /// The bounds of equations (12) and (15).
  package var thresholds:
    @Sendable (_ rule: PartnerLabel, _ lambda: Double, _ classCount: Int)
      -> RobustnessImprovingCondition.Thresholds = {
        RobustnessImprovingCondition.thresholds($0, lambda: $1, classCount: $2)
      }
  /// Equations (13) and (16).
  package var detectionGap: @Sendable (_ lambda: Double, _ decay: Double) -> Double = {
    DetectionGap.detectionGapSigned(lambda: $0, predictedLabelDecay: $1)
  }
  /// The probability that MI-OL, on the ideal model, gives a clean input another class than its own.
  package var failureProbability:
    @Sendable (_ lambda: MixingRatio, _ classCount: Int, _ sampleCount: Int) throws -> Double = {
      try OtherLabelLaw.failureProbability(lambda: $0, classCount: $1, sampleCount: $2)
    }

  /// The paper's formulas.
  package init() {}
}
