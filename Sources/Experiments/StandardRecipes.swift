import Datasets
import NeuralNetwork
import Robustness
import Training

/// A way to train a network, by the name that commands use.
package enum TrainingMethod: String, CaseIterable, Codable, Sendable {
  case plain
  case mixup
  case adversarial = "at"
  case interpolatedAdversarial = "interpolated-at"

  /// Whether a recipe is of this method, whatever its numbers.
  package func isMethod(of recipe: TrainingRecipe) -> Bool {
    switch (self, recipe.method) {
    case (.plain, .plain), (.mixup, .mixup), (.adversarial, .adversarial),
      (.interpolatedAdversarial, .interpolatedAdversarial):
      true
    default: false
    }
  }

  /// The recipe for a data set unless the user says otherwise.
  ///
  /// The digits' recipes are those of `reproduce`. CIFAR's are made to fit two cores and two hours
  /// with a small network: far fewer epochs than the paper's 200, and 5 attack steps for its 10.
  ///
  /// - Throws: never in practice; the radius is a literal that `Epsilon` can read.
  package func recipe(for dataset: DatasetName, seed: UInt64) throws -> TrainingRecipe {
    guard dataset != .digits else {
      let model: DigitModel? =
        switch self {
        case .plain: .plain
        case .mixup: .mixup
        case .interpolatedAdversarial: .interpolatedAdversarial
        case .adversarial: nil
        }
      if let model { return try model.recipe(seed: seed) }
      var recipe = try DigitModel.interpolatedAdversarial.recipe(seed: seed)
      recipe.method = .adversarial(epsilon: try Epsilon("1/5"), steps: 7)
      return recipe
    }
    let epsilon = try Epsilon("8/255")
    let (method, epochs): (TrainingRecipe.Method, Int) =
      switch self {
      case .plain: (.plain, 30)
      case .mixup: (.mixup(alpha: 1), 40)
      case .adversarial: (.adversarial(epsilon: epsilon, steps: 5), 15)
      case .interpolatedAdversarial:
        (.interpolatedAdversarial(alpha: 1, epsilon: epsilon, steps: 5), 15)
      }
    return TrainingRecipe(
      method: method, augmentation: .flipAndCrop(padding: 4), epochs: epochs, batchSize: 128,
      schedule: .cosine(peak: 0.2, warmUp: 0.2), seed: seed)
  }
}
