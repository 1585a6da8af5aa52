import Classification
import Statistics

/// APGD: projected gradient descent with momentum, whose step starts at 2 ε and is halved where it no
/// longer helps (Croce and Hein, ICML 2020, Algorithm 1).
///
/// x⁽ᵏ⁺¹⁾ = Π(x⁽ᵏ⁾ + α (Π(x⁽ᵏ⁾ + η s(∇ℓ)) − x⁽ᵏ⁾) + (1 − α)(x⁽ᵏ⁾ − x⁽ᵏ⁻¹⁾)), where Π projects onto ball
/// and box, η is the step, s(∇ℓ) the direction of length 1 in which the loss ℓ rises most, and α = 0.75,
/// but 1 in the first step. After 0.22 T of the T steps, and then after ever fewer, the step of an image
/// is halved, and its search goes on from its best place, if no more than 75% of the steps since the last
/// check raised the loss, or if neither the step nor the best loss has changed since then. Whether a step
/// raised the loss is told by successive evaluations, even where such a return lies between them, as in
/// the authors' code.
///
/// The result is the last iterate that the surrogate misclassified, or if there is none, the place of the
/// largest loss. Through a randomised surrogate the largest loss is that of the luckiest draw, and proves
/// nothing. There, whenever a step may be halved and at the end, two places are predicted on fresh draws:
/// the iterate, and the place of the largest loss since the last check. The best place is the one that is
/// misclassified most often.
public struct AutoPGD: Attack, Hashable, Codable {
  /// T, at least 1.
  public var steps: Int
  /// What it maximises.
  public var loss: AttackLoss
  /// Away from the true label, or to others.
  public var objective: AttackObjective
  /// Whether to start from a uniformly random place in the ball rather than its center.
  public var randomStart: Bool
  /// Independent searches, each on the images that are not misled yet.
  public var restarts: Int
  /// The number of predictions of a randomised surrogate that choose among places, restarts and targets.
  public var selections: Int
  /// The number of steps running, each on fresh draws, on which a randomised surrogate has to be misled for
  /// the search of an image to end, see `ProjectedGradientDescent.patience`; nil for all steps.
  public var patience: Int?
  /// Which classes are tried with the objective `.everyClass`.
  public var targets: TargetSchedule

  /// The settings; checked by `search`.
  public init(
    steps: Int = 100, loss: AttackLoss = .crossEntropy,
    objective: AttackObjective = .untargeted, randomStart: Bool = true,
    restarts: Int = 1, selections: Int = 10, patience: Int? = nil,
    targets: TargetSchedule = TargetSchedule()
  ) {
    self.targets = targets
    self.patience = patience
    self.steps = steps
    self.loss = loss
    self.objective = objective
    self.randomStart = randomStart
    self.restarts = restarts
    self.selections = selections
  }

  /// The best place of every example, inside ball and box.
  ///
  /// - Throws: `AttackError` if a setting is too small or the model's classes are not the data's or too
  ///   few, and what the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [
      ("number of steps", steps), ("number of restarts", restarts),
      ("number of selections", selections), ("number of misled steps", patience ?? 1),
    ] where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    try check(
      surrogate, on: examples,
      leastClassCount: loss.leastClassCount(isTargeted: objective != .untargeted))
    return try Restarts(
      objective: objective, targets: targets, count: restarts, selections: selections,
      sparesMisled: true
    ).search(examples, within: budget, through: surrogate, seed: seed) { attempt, ball in
      let start =
        randomStart
        ? try ball.start(of: attempt.examples, restart: attempt.restart, seed: seed) : ball.center
      return try climb(attempt, ball, from: start, through: surrogate, seed: seed).found
    }
  }

  // MARK: Search

  /// What one search found, and how.
  package struct Climb {
    /// The result of the search.
    package var found: Pixels
    /// The place of the largest loss; through a randomised surrogate the one that is misclassified most
    /// often.
    package var best: Pixels
    /// [T + 1][N]: the loss of every image at its best place so far, before the first step and after
    /// each.
    package var bestLosses: [[Double]]
    /// The step lengths of every image after the search.
    package var lengths: [Float]
  }

  /// Searches from a given place.
  package func climb(
    _ attempt: Restarts.Attempt, _ ball: PerturbationBall, from start: Pixels,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Climb {
    let labels = attempt.examples.labels
    let all = Array(labels.indices)
    var misledSteps = MisledSteps(patience, through: surrogate, count: labels.count)
    /// Follows the model at some of the images.
    func evaluate(
      _ images: Pixels, at positions: [Int], step: Int
    ) throws -> (place: Place, logits: Tensor) {
      let part = attempt[positions]
      let draws = Draws(
        seed: seed, purpose: .attack, examples: part.examples.indices,
        restart: attempt.restart, step: step)
      let labels = part.examples.labels
      var followed = FollowedGradient(loss, labels: labels, targets: part.targets)
      let (logits, gradient) = try surrogate.checkedLogitsAndGradient(of: images, draws: draws) {
        followed($0)
      }
      return (
        Place(
          images: images, gradient: gradient,
          losses: loss.values(of: logits, labels: labels, targets: part.targets),
          ranks: loss.ranks(of: logits, labels: labels, targets: part.targets)),
        logits
      )
    }
    func isMisled(_ logits: Tensor, at positions: [Int]) throws -> [Int] {
      zip(positions, try argmax(rowsOf: logits)).filter { $1 != labels[$0] }.map(\.0)
    }

    var schedule = Schedule(steps: steps, radius: ball.budget.radius.value, count: labels.count)
    var (current, logits) = try evaluate(start, at: all, step: 0)
    var isEverMisled = all.map { _ in false }
    for n in try isMisled(logits, at: all) { isEverMisled[n] = true }
    var previous = start
    var best = current
    var misled = start
    var left: (positions: [Int], images: Pixels) = ([], start)
    var history = [current.losses]
    // Through a randomised surrogate the best since the last check is a candidate, and no more.
    var candidate = current
    var isOffered = all.map { _ in true }
    var selection = selection(in: attempt, by: surrogate, seed: seed)
    try selection?.offer(start)
    if selection != nil { best.ranks = all.map { _ in 0 } }
    for step in 0..<steps where !misledSteps.searched.isEmpty {
      let searched = misledSteps.searched
      let iterate = current.images
      let moved = try ball.projection(
        of: ball.budget.step(
          from: iterate.tensor, along: current.gradient, lengths: schedule.lengths))
      let next = try ball.projection(
        of: accelerated(iterate.tensor, to: moved.tensor, from: previous.tensor, isFirst: step == 0)
      )
      if let leaving = try misledSteps.leaving(after: logits, labels: searched.map { labels[$0] }) {
        let positions = leaving.map { searched[$0] }
        left = (
          left.positions + positions, left.images.replacing(positions, with: positions, of: next)
        )
        _ = misledSteps.remove(leaving)
      }
      let staying = misledSteps.searched
      guard !staying.isEmpty else { break }
      previous = iterate
      let before = current.ranks
      let found: Place
      (found, logits) = try evaluate(next[staying], at: staying, step: step + 1)
      current.take(staying, from: Array(staying.indices), of: found)

      let isNowMisled = try isMisled(logits, at: staying)
      misled = misled.replacing(isNowMisled, with: isNowMisled, of: next)
      for n in isNowMisled { isEverMisled[n] = true }
      if selection == nil {
        best.take(all.filter { current.ranks[$0] > best.ranks[$0] }, of: current)
      } else {
        let risen = staying.filter { current.ranks[$0] > candidate.ranks[$0] }
        candidate.take(risen, of: current)
        for n in risen { isOffered[n] = false }
        if schedule.checksNext || step + 1 == steps {
          // What was offered before cannot win any more: a candidate since the last check, or the iterate as a candidate.
          let iterates = Set(staying).subtracting(risen).sorted()
          for (place, offered) in [
            (candidate, staying.filter { !isOffered[$0] }), (current, iterates),
          ] {
            selection?.passOver(staying.count - offered.count)
            let answers = try selection?.offer(place.images[offered], at: offered) ?? []
            let improved = zip(offered, answers).filter(\.1.isBest).map(\.0)
            // Here the rank counts the improvements; it is only compared with that at another check.
            let ranks = best.ranks
            best.take(improved, of: place)
            for n in improved { best.ranks[n] = ranks[n] + 1 }
          }
          candidate = current
          for n in staying { isOffered[n] = true }
        }
      }
      history.append(best.losses)

      let halved = schedule.halved(before: before, after: current.ranks, best: best.ranks)
      current.images = current.images.replacing(halved, with: halved, of: best.images)
      current.gradient = current.gradient.replacing(halved, with: halved, of: best.gradient)
    }
    let kept = selection == nil ? all.filter { isEverMisled[$0] } : []
    return Climb(
      found: best.images.replacing(kept, with: kept, of: misled)
        .replacing(left.positions, with: left.positions, of: left.images),
      best: best.images, bestLosses: history, lengths: schedule.lengths)
  }

  /// Images with what is known of them.
  private struct Place {
    var images: Pixels
    var gradient: Tensor
    var losses: [Double]
    /// `AttackLoss.ranks`, by which losses are compared.
    var ranks: [Double]

    /// Replaces some images by those of another place.
    mutating func take(_ positions: [Int], of other: Place) {
      take(positions, from: positions, of: other)
    }

    /// The same with what stands elsewhere in the other.
    mutating func take(_ positions: [Int], from places: [Int], of other: Place) {
      images = images.replacing(positions, with: places, of: other.images)
      gradient = gradient.replacing(positions, with: places, of: other.gradient)
      for (n, place) in zip(positions, places) {
        (losses[n], ranks[n]) = (other.losses[place], other.ranks[place])
      }
    }
  }

  /// What chooses among the places of a search through a randomised surrogate; nil through another.
  private func selection(
    in attempt: Restarts.Attempt, by surrogate: any DifferentiableClassifier, seed: UInt64
  ) -> Selection? {
    guard surrogate.isRandomized else { return nil }
    let targets = objective == .targeted ? attempt.targets : nil
    return Selection(
      of: attempt.examples, aims: targets ?? attempt.examples.labels, isTargeted: targets != nil,
      by: surrogate, seed: seed, repetitions: selections, round: .places)
  }

  /// x + α (x' − x) + (1 − α)(x − x₋) with α = 0.75, x' being `moved` and x₋ `previous`; x' in the first
  /// step.
  private func accelerated(
    _ iterate: Tensor, to moved: Tensor, from previous: Tensor, isFirst: Bool
  ) -> Tensor {
    guard !isFirst else { return moved }
    var result = iterate
    let count = result.count
    result.withUnsafeMutablePointer { x in
      moved.withUnsafePointer { moved in
        previous.withUnsafePointer { previous in
          for place in 0..<count {
            x[place] += 0.75 * (moved[place] - x[place]) + 0.25 * (x[place] - previous[place])
          }
        }
      }
    }
    return result
  }
}

/// When the step of an image is halved: checks after ⌊0.22 T⌋ steps, then after 0.03 T fewer each time,
/// 0.06 T at least, as the authors' code rounds them.
private struct Schedule {
  /// η of every image.
  private(set) var lengths: [Float]
  private let decrease: Int
  private let least: Int
  private var period: Int
  private var stepsSinceCheck = 0
  private var rises: [Int]
  private var wasHalved: [Bool]
  private var bestAtLastCheck: [Double]

  init(steps: Int, radius: Float, count: Int) {
    lengths = Array(repeating: 2 * radius, count: count)
    decrease = max(steps * 3 / 100, 1)
    least = max(steps * 6 / 100, 1)
    period = max(steps * 22 / 100, 1)
    rises = Array(repeating: 0, count: count)
    // So that the first check asks for rises only.
    wasHalved = Array(repeating: true, count: count)
    bestAtLastCheck = Array(repeating: -.infinity, count: count)
  }

  /// Whether the next step that is noted is followed by a check.
  var checksNext: Bool { stepsSinceCheck + 1 == period }

  /// Takes note of a step and of the ranks before it, after it and at the best place. Returns the images
  /// whose step is halved: none between checks.
  mutating func halved(before: [Double], after: [Double], best: [Double]) -> [Int] {
    for n in rises.indices where after[n] > before[n] { rises[n] += 1 }
    stepsSinceCheck += 1
    guard stepsSinceCheck == period else { return [] }
    let halved = rises.indices.filter { n in
      Double(rises[n]) <= 0.75 * Double(period)
        || (!wasHalved[n] && bestAtLastCheck[n] >= best[n])
    }
    wasHalved = wasHalved.map { _ in false }
    for n in halved {
      lengths[n] /= 2
      wasHalved[n] = true
    }
    bestAtLastCheck = best
    rises = rises.map { _ in 0 }
    stepsSinceCheck = 0
    period = max(period - decrease, least)
    return halved
  }
}

extension AutoPGD: ChoosingSearch {
  package var settings: [Setting<AutoPGD>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      .count("restarts", \.restarts, of: "restarts"),
      .randomStart(\.randomStart),
      .patience(\.patience),
    ] + (objective == .everyClass ? Setting.targets(\.targets.order, \.targets.count) : [])
  }
}
