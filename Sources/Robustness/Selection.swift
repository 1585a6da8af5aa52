import Datasets
import Foundation
import NeuralNetwork

/// Keeps, for every example, the best of the images that it is offered: the one that a model, run
/// anew on the same draws of purpose `.select` for all, misclassifies most often, then the one of
/// the largest mean loss; among equals the first.
///
/// The draws are not those that score, so what was lucky here has to prove itself again.
struct Selection {
  private let examples: LabelledImages
  private let aims: [Int]
  private let isTargeted: Bool
  private let model: any Classifier
  private let seed: UInt64
  private let repetitions: Int
  private var scores: [Score]
  /// The images chosen so far; those of the examples until any was offered.
  private(set) var best: Pixels

  /// A selection for examples; `aims` are the labels that the loss is about.
  init(
    of examples: LabelledImages, aims: [Int], isTargeted: Bool, by model: any Classifier,
    seed: UInt64, repetitions: Int
  ) {
    self.examples = examples
    self.aims = aims
    self.isTargeted = isTargeted
    self.model = model
    self.seed = seed
    self.repetitions = repetitions
    scores = Array(repeating: Score(misclassified: -1), count: examples.count)
    best = examples.pixels
  }

  /// Takes the images that are better than what was offered before.
  mutating func offer(_ images: Pixels) throws {
    let offered = try scores(of: images)
    let improved = scores.indices.filter { scores[$0] < offered[$0] }
    for n in improved { scores[n] = offered[n] }
    best = best.replacing(improved, from: images)
  }

  /// How well an image serves the attack: first how often it is misclassified, then the loss.
  private struct Score: Comparable {
    var misclassified = 0
    var loss: Double = 0

    static func < (a: Score, b: Score) -> Bool {
      (a.misclassified, a.loss) < (b.misclassified, b.loss)
    }
  }

  private func scores(of images: Pixels) throws -> [Score] {
    var scores = [Score](repeating: Score(), count: examples.count)
    for repetition in 0..<repetitions {
      let draws = Draws(
        seed: seed, purpose: .select, examples: examples.indices, step: repetition)
      let logits = try model.logits(of: images, draws: draws)
      let predictions = argmax(rowsOf: logits)
      let width = logits.rowCount
      for n in scores.indices {
        scores[n].misclassified += predictions[n] == examples.labels[n] ? 0 : 1
        let row = (0..<width).map { Double(logits[n * width + $0]) }
        let loss = margin(row, aim: aims[n])
        scores[n].loss += isTargeted ? -loss : loss
      }
    }
    return scores
  }

  /// ℓ_y(z) = log Σ_{k≠y} exp z_k − z_y.
  private func margin(_ logits: [Double], aim: Int) -> Double {
    let others = logits.indices.filter { $0 != aim }.map { logits[$0] }
    let largest = others.reduce(-.infinity, max)
    return largest + log(others.reduce(0) { $0 + exp($1 - largest) }) - logits[aim]
  }
}

extension Pixels {
  /// The same images with those at `positions` taken from another batch of the same shape.
  fileprivate func replacing(_ positions: [Int], from other: Pixels) -> Pixels {
    let width = imageShape.count
    var result = tensor
    result.withUnsafeMutablePointer { values in
      other.tensor.withUnsafePointer { source in
        for n in positions {
          (values + n * width).update(from: source + n * width, count: width)
        }
      }
    }
    return Pixels(unchecked: result)
  }
}
