import Datasets
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
    // Of a model without randomness one prediction says it all.
    self.repetitions = model.isRandomized ? repetitions : 1
    scores = Array(repeating: Score(misclassified: -1), count: examples.count)
    best = examples.pixels
  }

  /// Where the model was right at least once on the best image so far, or none was offered.
  var survivors: [Int] { scores.indices.filter { scores[$0].misclassified < repetitions } }

  /// Takes the images that are better than what was offered before.
  ///
  /// - Parameter positions: the examples that they are for; all if nil.
  mutating func offer(_ images: Pixels, at positions: [Int]? = nil) throws {
    let positions = positions ?? Array(scores.indices)
    let offered = try scores(of: images, at: positions)
    let improved = positions.indices.filter { scores[positions[$0]] < offered[$0] }
    for n in improved { scores[positions[n]] = offered[n] }
    best = best.replacing(improved.map { positions[$0] }, with: improved, of: images)
  }

  /// How well an image serves the attack: first how often it is misclassified, then the loss.
  private struct Score: Comparable {
    var misclassified = 0
    var loss: Double = 0

    static func < (a: Score, b: Score) -> Bool {
      (a.misclassified, a.loss) < (b.misclassified, b.loss)
    }
  }

  private func scores(of images: Pixels, at positions: [Int]) throws -> [Score] {
    var scores = [Score](repeating: Score(), count: positions.count)
    for repetition in 0..<repetitions {
      let draws = Draws(
        seed: seed, purpose: .select, examples: positions.map { examples.indices[$0] },
        step: repetition)
      let logits = try model.logits(of: images, draws: draws)
      let predictions = argmax(rowsOf: logits)
      let aims = positions.map { self.aims[$0] }
      let losses = AttackLoss.logOdds.values(
        of: logits, labels: aims, targets: isTargeted ? aims : nil)
      for n in scores.indices {
        scores[n].misclassified += predictions[n] == examples.labels[positions[n]] ? 0 : 1
        scores[n].loss += losses[n]
      }
    }
    return scores
  }
}

extension Pixels {
  /// The same images with those at `positions` taken from the given places of another batch.
  func replacing(_ positions: [Int], with places: [Int], of other: Pixels) -> Pixels {
    Pixels(unchecked: tensor.replacing(positions, with: places, of: other.tensor))
  }
}

extension Tensor {
  /// The same rows but those at `positions`, which are taken from the given places of another tensor.
  func replacing(_ positions: [Int], with places: [Int], of other: Tensor) -> Tensor {
    guard !positions.isEmpty else { return self }
    let width = rowCount
    var result = self
    result.withUnsafeMutablePointer { values in
      other.withUnsafePointer { source in
        for (n, place) in zip(positions, places) {
          (values + n * width).update(from: source + place * width, count: width)
        }
      }
    }
    return result
  }
}
