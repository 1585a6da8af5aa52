import Classification

/// Keeps, for every example, the best of the images that it is offered: the one that a model
/// misclassifies most often on fresh draws of purpose `.select`, the same draws for all; among equals the
/// one of the largest mean loss, or the nearest where that is what is sought, and then the first.
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

  /// The least number of draws, on all of which a randomised model is misled, before an example is left
  /// alone.
  private static let sureDraws = 20

  private let panel: Panel
  private let repetitions: Int
  private let settles: Bool
  private let model: any Classifier
  /// What is known of the best image so far; nil until any was offered.
  private var scores: [Score?]
  private var isSettled: [Bool]
  /// The images chosen so far.
  private var chosen: RepeatedQuestion

  /// The images chosen so far; those of the examples until any was offered.
  var best: Pixels { chosen.images }

  /// A selection for examples.
  ///
  /// - Parameters:
  ///   - aims: the labels in the log odds: the true ones, or the targets if `isTargeted`.
  ///   - settles: whether `survivors` will be asked for, which takes further predictions.
  ///   - norm: in which the nearest is chosen among equals; the one of the largest loss if nil.
  init(
    of examples: LabelledImages, aims: [Int], isTargeted: Bool, by model: any Classifier,
    seed: UInt64, repetitions: Int, round: Round, settles: Bool = false,
    nearestIn norm: PerturbationBudget.Norm? = nil
  ) {
    panel = Panel(
      examples: examples, aims: aims, isTargeted: isTargeted, seed: seed, round: round,
      norm: norm, passesPerDecision: model.forwardPassesPerDecision)
    self.model = model
    self.settles = settles
    // Of a model without randomness one prediction says it all.
    self.repetitions = model.isRandomized ? repetitions : 1
    scores = Array(repeating: nil, count: examples.count)
    isSettled = Array(repeating: false, count: examples.count)
    chosen = RepeatedQuestion(model, about: examples.pixels)
  }

  /// The examples whose best image so far does not mislead the model for certain: on all draws that
  /// choose, and if it is randomised on 20 at least.
  var survivors: [Int] { isSettled.indices.filter { !isSettled[$0] } }

  /// The mean loss of the best image so far, for every position; nil where none was offered yet.
  mutating func losses(at positions: [Int]) throws -> [Double?] {
    let repetitions = repetitions
    try ask(positions.filter { scores[$0] != nil }) { $0.asked < repetitions }
    return positions.map { scores[$0].map { $0.loss / Double(repetitions) } }
  }

  /// What an offer led to for one example.
  struct Answer {
    /// Whether it is better than what was offered before.
    var isBest: Bool
    /// Whether it was misclassified on every draw; of the best told only if that was asked for.
    var isMisled: Bool
  }

  /// Takes the images that are better than what was offered before.
  ///
  /// Only the draws are asked for that the choice needs: an image that is right too often to catch up any more
  /// is not asked further, nor is the first one that is offered, which has nobody to beat yet.
  ///
  /// - Parameters:
  ///   - positions: the examples that they are for; all if nil.
  ///   - tellsMisled: whether `isMisled` is wanted of those that are better.
  @discardableResult
  mutating func offer(
    _ images: Pixels, at positions: [Int]? = nil, tellsMisled: Bool = false
  ) throws -> [Answer] {
    let positions = positions ?? Array(scores.indices)
    guard !positions.isEmpty else { return [] }
    panel.spare(positions.count * repetitions)
    var offered = RepeatedQuestion(model, about: images)
    var found = Array(repeating: Score(), count: positions.count)
    try race(&offered, &found, at: positions)
    let improved = positions.indices.filter { n in
      scores[positions[n]].map { $0.isBeaten(by: found[n], of: repetitions) == true } ?? true
    }
    for n in improved { scores[positions[n]] = found[n] }
    chosen.replace(improved.map { positions[$0] }, with: improved, of: offered)
    try settle(improved.map { positions[$0] })
    if tellsMisled { _ = try misleads(at: improved.map { positions[$0] }) }
    let isBest = Set(improved)
    return positions.indices.map { n in
      let score = isBest.contains(n) ? scores[positions[n]] ?? found[n] : found[n]
      return Answer(
        isBest: isBest.contains(n), isMisled: score.misclassified == repetitions)
    }
  }

  /// Takes note of images that are not offered, as they were before.
  func passOver(_ count: Int) { panel.spare(count * repetitions) }

  /// Whether the best images so far are misclassified on every draw, for positions at which some was
  /// offered.
  private mutating func misleads(at positions: [Int]) throws -> [Bool] {
    let repetitions = repetitions
    try ask(positions) { $0.asked < repetitions && $0.misclassified == $0.asked }
    return positions.map { scores[$0]?.misclassified == repetitions }
  }

  /// Looks whether the new best images mislead for certain.
  private mutating func settle(_ positions: [Int]) throws {
    guard settles else { return }
    for n in positions { isSettled[n] = false }
    let misleads = try misleads(at: positions)
    var misled = zip(positions, misleads).filter(\.1).map(\.0)
    let further = repetitions..<max(repetitions, model.isRandomized ? Self.sureDraws : 0)
    panel.spare(misled.count * further.count)
    for draw in further where !misled.isEmpty {
      let answers = try panel.answers(&chosen, at: misled, examples: misled, draw: draw)
      misled = zip(misled, answers).filter(\.1.isMisled).map(\.0)
    }
    for n in misled { isSettled[n] = true }
  }

  // MARK: Draws

  /// How well an image serves the attack on the draws that were asked for, the first ones: first how often
  /// it is misclassified, then the loss.
  private struct Score {
    var asked = 0
    var misclassified = 0
    /// The sum over the draws.
    var loss: Double = 0

    mutating func take(_ answer: Panel.Answer) {
      asked += 1
      misclassified += answer.isMisled ? 1 : 0
      loss += answer.loss
    }

    /// The most that `misclassified` can become.
    func bound(of repetitions: Int) -> Int { misclassified + repetitions - asked }

    /// Whether another image is better, whatever the draws say that were not asked for; nil as long as that
    /// depends on them.
    func isBeaten(by other: Score, of repetitions: Int) -> Bool? {
      if other.bound(of: repetitions) < misclassified { return false }
      if bound(of: repetitions) < other.misclassified { return true }
      guard asked == repetitions, other.asked == repetitions else { return nil }
      return (misclassified, loss) < (other.misclassified, other.loss)
    }
  }

  /// Asks about the offered images and the best ones in turns until it is known which are better. Of the two
  /// the one is asked that may still be misclassified more often: as soon as one of them is right, the other
  /// decides.
  private mutating func race(
    _ offered: inout RepeatedQuestion, _ found: inout [Score], at positions: [Int]
  ) throws {
    while true {
      // By whether the offered image is asked, and by draw.
      var offeredTurns: [Int: [Int]] = [:]
      var chosenTurns: [Int: [Int]] = [:]
      for (n, position) in positions.enumerated() {
        guard let best = scores[position],
          best.isBeaten(by: found[n], of: repetitions) == nil
        else { continue }
        let (own, other) = (best.bound(of: repetitions), found[n].bound(of: repetitions))
        let asksOffered =
          best.asked == repetitions
          || found[n].asked < repetitions
            && (other, -found[n].asked) >= (own, -best.asked)
        if asksOffered {
          offeredTurns[found[n].asked, default: []].append(n)
        } else {
          chosenTurns[best.asked, default: []].append(position)
        }
      }
      if offeredTurns.isEmpty, chosenTurns.isEmpty { return }
      for (draw, turns) in offeredTurns.sorted(by: { $0.key < $1.key }) {
        let answers = try panel.answers(
          &offered, at: turns, examples: turns.map { positions[$0] }, draw: draw)
        for (n, answer) in zip(turns, answers) { found[n].take(answer) }
      }
      for (draw, turns) in chosenTurns.sorted(by: { $0.key < $1.key }) {
        try ask(turns, draw: draw)
      }
    }
  }

  /// Asks about the best images as long as their scores want it.
  private mutating func ask(_ positions: [Int], while isWanted: (Score) -> Bool) throws {
    while true {
      let wanted = positions.filter { scores[$0].map(isWanted) ?? false }
      guard !wanted.isEmpty else { return }
      let turns = Dictionary(grouping: wanted) { scores[$0]?.asked ?? 0 }
      for (draw, turns) in turns.sorted(by: { $0.key < $1.key }) { try ask(turns, draw: draw) }
    }
  }

  private mutating func ask(_ positions: [Int], draw: Int) throws {
    let answers = try panel.answers(&chosen, at: positions, examples: positions, draw: draw)
    for (n, answer) in zip(positions, answers) { scores[n]?.take(answer) }
  }

  /// How the model is asked.
  private struct Panel {
    let examples: LabelledImages
    let aims: [Int]
    let isTargeted: Bool
    let seed: UInt64
    let round: Round
    let norm: PerturbationBudget.Norm?
    let passesPerDecision: Int

    /// What the model says of an image on one draw.
    struct Answer {
      var isMisled: Bool
      /// What is larger is better; minus the distance where the nearest is sought.
      var loss: Double
    }

    /// What it says of some images of a question, which are for the examples at `positions`.
    func answers(
      _ question: inout RepeatedQuestion, at places: [Int], examples positions: [Int], draw: Int
    ) throws -> [Answer] {
      spare(-places.count)
      let draws = Draws(
        seed: seed, purpose: .select, examples: positions.map { examples.indices[$0] },
        restart: round.number, step: draw)
      let logits = try question.logits(at: places, draws: draws)
      let aims = positions.map { self.aims[$0] }
      let losses =
        norm.map { norm in
          norm.distances(
            of: question.images[places].tensor, from: examples[positions].pixels.tensor
          )
          .map { -$0 }
        } ?? AttackLoss.logOdds.values(of: logits, labels: aims, targets: isTargeted ? aims : nil)
      return zip(positions, zip(try argmax(rowsOf: logits), losses)).map {
        // Classes of probability 0 make losses infinite, and ∞ − ∞ is no sum.
        Answer(isMisled: $1.0 != examples.labels[$0], loss: min(max($1.1, -1e100), 1e100))
      }
    }

    /// Takes note of decisions that are left out, unless they are asked for later.
    func spare(_ decisions: Int) {
      PassMeter.add(PassMeter.Count(spared: decisions * passesPerDecision))
    }
  }
}
