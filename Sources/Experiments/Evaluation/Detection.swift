import Robustness
import Statistics

/// What a detector sees of clean images and of attacked ones; statistics by the names that it gives them.
struct Detection: Sendable {
  var clean: [EvaluationResult.Outcome]
  var attacked: [EvaluationResult.Outcome]

  private func scores(_ statistic: String) -> (negatives: [Double], positives: [Double]) {
    func values(_ outcomes: [EvaluationResult.Outcome]) -> [Double] {
      outcomes.compactMap { $0.statistics?[statistic] }
    }
    return (values(clean), values(attacked))
  }

  /// The area under the curve; nil where there is nothing to tell apart.
  func area(_ statistic: String) -> AreaUnderCurve? {
    let (negatives, positives) = scores(statistic)
    return try? AreaUnderCurve(negatives: negatives, positives: positives)
  }

  /// The curve; nil where there is nothing to tell apart.
  func curve(_ statistic: String) -> ReceiverOperatingCharacteristic? {
    let (negatives, positives) = scores(statistic)
    return try? ReceiverOperatingCharacteristic(negatives: negatives, positives: positives)
  }
}
