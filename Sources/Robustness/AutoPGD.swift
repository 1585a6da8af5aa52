import Datasets
import NeuralNetwork
import Statistics

/// APGD: projected gradient descent with momentum, whose step starts at 2 ε and is halved where it no
/// longer helps (Croce and Hein, ICML 2020, Algorithm 1).
///
/// x⁽ᵏ⁺¹⁾ = Π(x⁽ᵏ⁾ + α (Π(x⁽ᵏ⁾ + η s(∇ℓ)) − x⁽ᵏ⁾) + (1 − α)(x⁽ᵏ⁾ − x⁽ᵏ⁻¹⁾)), α = 0.75, and 1 in the first
/// step. After 0.22 T steps, and then after ever fewer, the step of an image is halved, and its search
/// goes on from its best place, if no more than 75% of the last steps raised the loss, or if neither the
/// step nor the best loss has changed since the last check. What a step raised is told by the losses of
/// successive evaluations, also across such a return, as the authors' code has it.
///
/// What counts is the last iterate that the surrogate misclassified, or of none the place of the largest
/// loss; of a randomised surrogate always the latter, as one lucky draw proves nothing.
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
  /// The number of predictions of the surrogate that choose among restarts and targets.
  public var selections: Int

  /// The settings; checked by `search`.
  public init(
    steps: Int = 100, loss: AttackLoss = .crossEntropy,
    objective: AttackObjective = .untargeted, randomStart: Bool = true,
    restarts: Int = 1, selections: Int = 1
  ) {
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
      ("number of selections", selections),
    ] where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    try check(
      surrogate, on: examples,
      leastClassCount: loss.leastClassCount(isTargeted: objective != .untargeted))
    return try Restarts(
      objective: objective, count: restarts, selections: selections, sparesMisled: true
    ).search(examples, within: budget, through: surrogate, seed: seed) { attempt, ball in
      let start =
        randomStart
        ? try ball.start(of: attempt.examples, restart: attempt.restart, seed: seed) : ball.center
      return try climb(attempt, ball, from: start, through: surrogate, seed: seed).found
    }
  }

  // MARK: Search

  /// One search as it went.
  package struct Climb {
    /// What counts.
    package var found: Pixels
    /// The place of the largest loss.
    package var best: Pixels
    /// The largest loss of every image after every step, [T + 1][N].
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
    func evaluate(_ images: Pixels, step: Int) throws -> (
      losses: [Double], gradient: Tensor, isMisled: [Bool]
    ) {
      let draws = Draws(
        seed: seed, purpose: .attack, examples: attempt.examples.indices,
        restart: attempt.restart, step: step)
      let (logits, gradient) = try surrogate.logitsAndGradient(of: images, draws: draws) { logits in
        loss.gradient(of: logits, labels: labels, targets: attempt.targets)
      }
      return (
        loss.values(of: logits, labels: labels, targets: attempt.targets), gradient,
        zip(argmax(rowsOf: logits), labels).map(!=)
      )
    }

    var schedule = Schedule(steps: steps, radius: ball.budget.radius.value, count: labels.count)
    var (iterate, previous) = (start, start)
    var (losses, gradient, isMisled) = try evaluate(start, step: 0)
    var best = (images: start, gradient: gradient, losses: losses)
    var misled = start
    var isEverMisled = isMisled
    var history = [losses]
    for step in 0..<steps {
      let moved = try ball.projection(
        of: ball.budget.step(
          from: iterate.tensor, along: gradient, lengths: schedule.lengths))
      let next = try ball.projection(
        of: accelerated(iterate.tensor, to: moved.tensor, from: previous.tensor, isFirst: step == 0)
      )
      (previous, iterate) = (iterate, next)
      let before = losses
      (losses, gradient, isMisled) = try evaluate(iterate, step: step + 1)

      let isNowMisled = all.filter { isMisled[$0] }
      misled = misled.replacing(isNowMisled, with: isNowMisled, of: iterate)
      for n in isNowMisled { isEverMisled[n] = true }
      let improved = all.filter { losses[$0] > best.losses[$0] }
      best.images = best.images.replacing(improved, with: improved, of: iterate)
      best.gradient = best.gradient.replacing(improved, with: improved, of: gradient)
      for n in improved { best.losses[n] = losses[n] }
      history.append(best.losses)

      let halved = schedule.halved(before: before, after: losses, best: best.losses)
      iterate = iterate.replacing(halved, with: halved, of: best.images)
      gradient = gradient.replacing(halved, with: halved, of: best.gradient)
    }
    let kept = surrogate.isRandomized ? [] : all.filter { isEverMisled[$0] }
    return Climb(
      found: best.images.replacing(kept, with: kept, of: misled), best: best.images,
      bestLosses: history, lengths: schedule.lengths)
  }

  /// x + α (x' − x) + (1 − α)(x − x₋).
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

  /// Takes note of a step; the images whose step is halved, none between checks.
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
