import Classification
import Datasets
import Foundation
import NeuralNetwork
import Reporting
import Statistics

/// Calibrates a network for whole numbers: scales from training images, the margin of decisions from validation images.
package struct QuantizationRun {
  package var method: CalibrationMethod
  /// Training images whose activations are looked at; all if there are fewer.
  package var imageCount: Int
  package var execution: Execution
  package var progress: ProgressReporter

  package init(
    method: CalibrationMethod = .leastSquares, imageCount: Int = 1000,
    execution: Execution, progress: ProgressReporter
  ) {
    self.method = method
    self.imageCount = imageCount
    self.execution = execution
    self.progress = progress
  }

  /// The checkpoint with its calibration.
  ///
  /// - Throws: `QuantizationError`; `ClassifierError` or `AttackError` for images that are not the network's.
  package func calibrated(
    _ checkpoint: Checkpoint, on data: DatasetSplit
  ) throws -> Checkpoint {
    guard imageCount > 0 else { throw QuantizationError.noImages }
    let plan = try InferencePlan(checkpoint, kernels: execution.kernels)
    let training = data.training.pixels
    // Images of all the file: its first ones may be alike.
    let count = min(imageCount, training.count)
    let chosen = (0..<count).map { $0 * training.count / max(count, 1) }
    let validation = data.validation
    let stage = progress.stage(
      "quantize", total: count + 2 * validation.count, unit: "images")
    var quantization = try Quantization(calibrating: plan, on: training[chosen], method: method)
    try stage.advance(by: count)
    let exact = NetworkClassifier(plan, workers: execution.workers)
    let integers = QuantizedClassifier(
      try QuantizedPlan(plan, quantization), workers: execution.workers)
    if validation.count > 0 {
      let draws = Draws(seed: 1, purpose: .score, examples: Array(0..<validation.count))
      quantization.margin = try Quantization.Margin(
        of: integers.checkedLogits(of: validation.pixels, draws: draws),
        exact: exact.checkedLogits(of: validation.pixels, draws: draws))
    }
    try stage.advance(by: 2 * validation.count)
    stage.finish()
    var result = checkpoint
    result.quantization = quantization
    return result
  }
}

extension Quantization {
  /// What it is, in one line.
  package var text: String {
    let margin =
      margin.map {
        String(
          format: "margin %.4g on %d validation images", $0.bound, $0.imageCount)
      } ?? "no validation images to measure a margin on"
    return
      "\(activations.count) activations in bytes, \(method.rawValue) over \(imageCount) training images; \(margin)"
  }
}
