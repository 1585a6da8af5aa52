import Datasets
import NeuralNetwork

/// What a search without gradients has found: for every example the first image that misled the model,
/// or of none that of the largest margin max_{k≠y} z_k − z_y. Of a randomised model always the latter, as
/// one lucky draw proves nothing.
struct QueriedImages {
  /// Writes a candidate for an example.
  typealias Proposal = (
    _ candidate: UnsafeMutablePointer<Float>, _ clean: UnsafePointer<Float>,
    _ current: UnsafePointer<Float>, _ example: Int
  ) -> Void

  private let examples: LabelledImages
  private let budget: PerturbationBudget
  private let model: any Classifier
  private let seed: UInt64
  private var margins: [Double]
  /// The images; those of the examples until any was offered.
  private(set) var images: Pixels
  /// The positions of the examples that have not misled the model yet.
  private(set) var survivors: [Int]

  init(
    _ examples: LabelledImages, _ budget: PerturbationBudget, _ model: any Classifier, seed: UInt64
  ) {
    self.examples = examples
    self.budget = budget
    self.model = model
    self.seed = seed
    margins = Array(repeating: -.infinity, count: examples.count)
    images = examples.pixels
    survivors = Array(examples.indices.indices)
  }

  /// Asks the model about a candidate for every survivor, and keeps what is better.
  ///
  /// - Parameter step: of the model's draws, of purpose `.attack`.
  mutating func offer(step: Int, _ propose: Proposal) throws {
    let chosen = examples[survivors]
    guard chosen.count > 0 else { return }
    let width = chosen.pixels.imageShape.count
    let current = images[survivors]
    var candidates = Tensor(uninitialized: chosen.pixels.tensor.shape)
    candidates.withUnsafeMutablePointer { values in
      chosen.pixels.tensor.withUnsafePointer { clean in
        current.tensor.withUnsafePointer { current in
          for (n, example) in chosen.indices.enumerated() {
            let start = n * width
            propose(values + start, clean + start, current + start, example)
          }
        }
      }
    }
    let offered = try PerturbationBall(center: chosen.pixels, budget: budget)
      .projection(of: candidates)
    let logits = try model.logits(
      of: offered, draws: Draws(seed: seed, purpose: .attack, examples: chosen.indices, step: step))
    let found = AttackLoss.margin.values(of: logits, labels: chosen.labels)
    let isMisled = zip(argmax(rowsOf: logits), chosen.labels).map {
      $0 != $1 && !model.isRandomized
    }
    let better = survivors.indices.filter { isMisled[$0] || found[$0] > margins[survivors[$0]] }
    images = images.replacing(better.map { survivors[$0] }, with: better, of: offered)
    for n in better { margins[survivors[n]] = found[n] }
    survivors = survivors.indices.filter { !isMisled[$0] }.map { survivors[$0] }
  }
}
