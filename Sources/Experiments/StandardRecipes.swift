import Datasets
import Robustness
import Training

/// A way to train a network, by the name that commands use.
package enum TrainingMethod: String, CaseIterable, Codable, Sendable {
  case plain
  case mixup
  case adversarial = "at"
  case interpolatedAdversarial = "interpolated-at"

  /// Whether a recipe is of this method, whatever its settings.
  package func isMethod(of recipe: TrainingRecipe) -> Bool {
    switch (self, recipe.method) {
    case (.plain, .plain), (.mixup, .mixup), (.adversarial, .adversarial),
      (.interpolatedAdversarial, .interpolatedAdversarial):
      true
    default: false
    }
  }

  /// The recipe for a data set unless the user says otherwise, from the numbers in its description.
  ///
  /// - Throws: never in practice; the radius is a text that `Epsilon` can read.
  package func recipe(for dataset: Dataset, seed: UInt64) throws -> TrainingRecipe {
    let standard = dataset.training
    let (epsilon, steps) = (try Epsilon(standard.epsilon), standard.attackSteps)
    let (method, epochs): (TrainingRecipe.Method, Int) =
      switch self {
      case .plain: (.plain, standard.epochs.plain)
      case .mixup: (.mixup(alpha: 1), standard.epochs.mixup)
      case .adversarial:
        (.adversarial(epsilon: epsilon, steps: steps), standard.epochs.adversarial)
      case .interpolatedAdversarial:
        (
          .interpolatedAdversarial(alpha: 1, epsilon: epsilon, steps: steps),
          standard.epochs.adversarial
        )
      }
    return TrainingRecipe(
      method: method, augmentation: standard.cropPadding.map { .flipAndCrop(padding: $0) },
      epochs: epochs, batchSize: standard.batchSize,
      schedule: .cosine(peak: standard.peakRate, warmUp: standard.warmUp), seed: seed)
  }
}
