import Datasets
import NeuralNetwork
import Robustness
import Training

/// The three networks that the reproduction compares: ResNet-8 on the 8×8 digits, trained plainly,
/// with mixup, and with interpolated adversarial training.
package enum DigitModel: String, CaseIterable, Codable, Sendable {
  case plain
  case mixup
  case interpolatedAdversarial = "interpolated-at"

  /// How tables call it.
  package var title: String {
    switch self {
    case .plain: "plain"
    case .mixup: "mixup"
    case .interpolatedAdversarial: "interpolated AT"
    }
  }

  /// The recipe with the given seed.
  ///
  /// - Throws: never in practice; the radius is a literal that `Epsilon` can read.
  package func recipe(seed: UInt64) throws -> TrainingRecipe {
    let schedule = LearningRateSchedule.cosine(peak: 0.1, warmUp: 0.25)
    switch self {
    case .plain:
      return TrainingRecipe(
        method: .plain, epochs: 30, batchSize: 32, schedule: schedule, seed: seed)
    case .mixup:
      return TrainingRecipe(
        method: .mixup(alpha: 1), epochs: 40, batchSize: 32, schedule: schedule, seed: seed)
    case .interpolatedAdversarial:
      return TrainingRecipe(
        method: .interpolatedAdversarial(alpha: 1, epsilon: try Epsilon("1/5"), steps: 7),
        epochs: 30, batchSize: 32, schedule: schedule, seed: seed)
    }
  }
}
