import Classification
import Robustness
import TestSupport

/// Candidates as an evaluation judges them.
struct Judged {
  /// The images, inside ball and box, with the true labels and the indices of the originals.
  let images: LabelledImages
  /// The label that the classifier gives to every image on its first scoring draw.
  let predictions: [Int]

  /// Whether each prediction is the true label; an attack succeeded where it is not.
  var isCorrect: [Bool] { zip(predictions, images.labels).map(==) }
}

/// Has an evaluation judge candidates, whoever found them.
func judge(
  _ candidates: Tensor, of examples: LabelledImages, within budget: PerturbationBudget,
  by classifier: some Classifier, seed: UInt64
) throws -> Judged {
  // Nobody is asked for a gradient.
  let surrogate = TanhMLP(
    imageShape: examples.pixels.imageShape, classCount: examples.classCount, seed: 0)
  let result = try Evaluation(seed: seed, blockSize: max(examples.count, 1)).run(
    classifier, on: examples,
    under: Threat(Found(candidates: candidates), within: budget, through: surrogate))
  return Judged(images: result.images, predictions: result.outcomes.map(\.prediction))
}

/// An attack that has found its candidates before.
private struct Found: Attack {
  let candidates: Tensor

  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) -> Tensor { candidates }
}
