import Robustness
import Statistics

/// How well a detector tells attacked images from clean ones, by any of the statistics that it computes,
/// which are called by their names.
struct Detection: Sendable {
  var clean: [EvaluationResult.Outcome]
  var attacked: [EvaluationResult.Outcome]

  private func scores(_ statistic: String) -> (negatives: [Double], positives: [Double]) {
    func values(_ outcomes: [EvaluationResult.Outcome]) -> [Double] {
      outcomes.compactMap { $0.statistics?[statistic] }
    }
    return (values(clean), values(attacked))
  }

  /// The area under the ROC curve; nil unless there are values of clean and of attacked images.
  func area(_ statistic: String) -> AreaUnderCurve? {
    let (negatives, positives) = scores(statistic)
    return try? AreaUnderCurve(negatives: negatives, positives: positives)
  }

  /// Of the images that are there clean and attacked, how many have a larger value attacked; nil without one.
  func larger(_ statistic: String) -> Proportion? {
    let before = Dictionary(
      clean.map { ($0.index, $0.statistics?[statistic]) }, uniquingKeysWith: { first, _ in first })
    let pairs = attacked.compactMap { outcome -> Bool? in
      guard let value = outcome.statistics?[statistic], let own = before[outcome.index] ?? nil
      else { return nil }
      return value > own
    }
    return pairs.isEmpty ? nil : Proportion(pairs)
  }

  /// The ROC curve; nil unless there are values of clean and of attacked images.
  func curve(_ statistic: String) -> ReceiverOperatingCharacteristic? {
    let (negatives, positives) = scores(statistic)
    return try? ReceiverOperatingCharacteristic(negatives: negatives, positives: positives)
  }
}
