import Classification

/// Keeps, for every example, the best of the images that it is offered: the one that a model
/// misclassifies most often on fresh draws of purpose `.select`, the same draws for all; among equals the
/// one of the largest mean loss, and then the first.
///
/// The draws are not those of the search nor those that score, so what was lucky in the search has to prove
/// itself here, and what was lucky here proves itself again. Choices among what others chose have draws of
/// their own, too.
struct Selection {
  /// At which level a choice is made; levels share no draws.
  enum Round {
    /// Among the places of one search.
    case places
    /// Among searches: restarts and targets.
    case searches
    /// Among attacks, where `depth` is that of `ChoosingAttack`.
    case attacks(depth: Int)

    /// The number that tells the draws apart, as their `restart`; an `Evaluation` has 0 for choosing
    /// among attacks.
    var number: Int {
      switch self {
      case .places: 1
      case .searches: 2
      case .attacks(let depth): 2 + depth
      }
    }
  }

  /// What an offer led to for one example.
  struct Answer {
    /// Whether it is better than what was offered before.
    var isBest: Bool
    /// Whether it was misclassified on every draw.
    var isMisled: Bool
  }

  /// The least number of draws, on all of which a randomised model is misled, before an example is left
  /// alone.
  private static let sureDraws = 20

  private let examples: LabelledImages
  private let aims: [Int]
  private let isTargeted: Bool
  private let model: any Classifier
  private let seed: UInt64
  private let round: Round
  private let repetitions: Int
  private let settles: Bool
  /// Of the best image so far; nil until any was offered.
  private var scores: [Score?]
  private var isSettled: [Bool]
  /// The images chosen so far; those of the examples until any was offered.
  private(set) var best: Pixels

  /// A selection for examples.
  ///
  /// - Parameters:
  ///   - aims: the labels in the log odds: the true ones, or the targets if `isTargeted`.
  ///   - settles: whether `survivors` will be asked for, which takes further predictions.
  init(
    of examples: LabelledImages, aims: [Int], isTargeted: Bool, by model: any Classifier,
    seed: UInt64, repetitions: Int, round: Round, settles: Bool = false
  ) {
    self.examples = examples
    self.aims = aims
    self.isTargeted = isTargeted
    self.model = model
    self.seed = seed
    self.round = round
    self.settles = settles
    // Of a model without randomness one prediction says it all.
    self.repetitions = model.isRandomized ? repetitions : 1
    scores = Array(repeating: nil, count: examples.count)
    isSettled = Array(repeating: false, count: examples.count)
    best = examples.pixels
  }

  /// The examples whose best image so far does not mislead the model for certain: on all draws that
  /// choose, and if it is randomised on 20 at least.
  var survivors: [Int] { isSettled.indices.filter { !isSettled[$0] } }

  /// The mean loss of the best image so far; nil until any was offered.
  func loss(at position: Int) -> Double? { scores[position].map { $0.loss / Double(repetitions) } }

  /// Takes the images that are better than what was offered before.
  ///
  /// - Parameter positions: the examples that they are for; all if nil.
  @discardableResult
  mutating func offer(_ images: Pixels, at positions: [Int]? = nil) throws -> [Answer] {
    let positions = positions ?? Array(scores.indices)
    guard !positions.isEmpty else { return [] }
    let offered = try scores(of: images, at: positions, draws: 0..<repetitions)
    let improved = positions.indices.filter { n in
      scores[positions[n]].map { $0 < offered[n] } ?? true
    }
    for n in improved { scores[positions[n]] = offered[n] }
    best = best.replacing(improved.map { positions[$0] }, with: improved, of: images)
    try settle(improved.map { positions[$0] })
    let isBest = Set(improved)
    return offered.indices.map {
      Answer(isBest: isBest.contains($0), isMisled: offered[$0].misclassified == repetitions)
    }
  }

  /// Looks whether the new best images mislead for certain.
  private mutating func settle(_ positions: [Int]) throws {
    guard settles else { return }
    for n in positions { isSettled[n] = false }
    let misled = positions.filter { scores[$0]?.misclassified == repetitions }
    let further = repetitions..<max(repetitions, model.isRandomized ? Self.sureDraws : 0)
    guard !misled.isEmpty else { return }
    let again = try scores(of: best[misled], at: misled, draws: further)
    for (n, score) in zip(misled, again) { isSettled[n] = score.misclassified == further.count }
  }

  /// How well an image serves the attack: first how often it is misclassified, then the loss.
  private struct Score: Comparable {
    var misclassified = 0
    var loss: Double = 0

    static func < (a: Score, b: Score) -> Bool {
      (a.misclassified, a.loss) < (b.misclassified, b.loss)
    }
  }

  private func scores(
    of images: Pixels, at positions: [Int], draws repetitions: Range<Int>
  ) throws -> [Score] {
    var scores = [Score](repeating: Score(), count: positions.count)
    for repetition in repetitions {
      let draws = Draws(
        seed: seed, purpose: .select, examples: positions.map { examples.indices[$0] },
        restart: round.number, step: repetition)
      let logits = try model.checkedLogits(of: images, draws: draws)
      let predictions = try argmax(rowsOf: logits)
      let aims = positions.map { self.aims[$0] }
      let losses = AttackLoss.logOdds.values(
        of: logits, labels: aims, targets: isTargeted ? aims : nil)
      for n in scores.indices {
        scores[n].misclassified += predictions[n] == examples.labels[positions[n]] ? 0 : 1
        // Classes of probability 0 make them infinite, and ∞ − ∞ is no sum.
        scores[n].loss += min(max(losses[n], -1e100), 1e100)
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
