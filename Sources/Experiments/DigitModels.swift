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

  /// How it is trained.
  private var method: TrainingMethod {
    switch self {
    case .plain: .plain
    case .mixup: .mixup
    case .interpolatedAdversarial: .interpolatedAdversarial
    }
  }

  /// The recipe with the given seed.
  ///
  /// - Throws: never in practice; the radius is a text that `Epsilon` can read.
  package func recipe(seed: UInt64) throws -> TrainingRecipe {
    try method.recipe(for: .digits, seed: seed)
  }
}
