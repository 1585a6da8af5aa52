import Classification
import Foundation
import Statistics

/// Projected gradient descent: x ← Π(x + α s(∇ℓ(x))), from a random start, where Π projects onto ball and
/// box and s is the direction of length 1 in which the loss ℓ rises most: sign ∇ℓ in ℓ∞, ∇ℓ/‖∇ℓ‖₂ in ℓ2.
///
/// Madry et al., ICLR 2018. Through a randomised defence every step draws anew, which makes it the
/// attack by expectation over transformations; on the bare network it is oblivious to the defence.
///
/// With one restart the last iterate is the result, with several the one that misleads best: see
/// `Restarts`.
public struct ProjectedGradientDescent: Attack, Hashable, Codable {
  /// T, the number of steps; with 0 the start is the result.
  public var steps: Int
  /// α on the pixel scale; max(ε/4, 2.5 ε/T) if nil.
  ///
  /// At ε = 8/255 and with ten steps or more this is 2/255, as in Pang, Xu and Zhu, ICLR 2020; with fewer
  /// steps it is still enough to cross the ball.
  public var stepSize: Epsilon?
  /// Whether to start from a uniformly random place in the ball rather than its center.
  public var randomStart: Bool
  /// The number of independent searches.
  public var restarts: Int
  /// The number of predictions of a randomised surrogate that choose among restarts and targets.
  public var selections: Int
  /// Where the attack wants the prediction to go.
  public var objective: AttackObjective
  /// What it maximises on the way.
  public var loss: AttackLoss
  /// μ of g ← μ g + ∇ℓ/‖∇ℓ‖₁, along which it steps; 0 for the gradient alone (Dong et al., CVPR 2018).
  public var momentum: Float
  /// The number of steps running, each on fresh draws, on which a randomised surrogate has to be misled for
  /// the search of an image to end; nil for searches that take all their steps.
  ///
  /// An image that is misled so often is hardly ever classified rightly, and further steps are hardly of any
  /// use. The next step is still taken. A search that ends finds another image than one that goes on, so it
  /// is a choice: it saves passes, and how many images are found by either tells what it costs.
  public var patience: Int?
  /// Which classes are tried with the objective `.everyClass`.
  public var targets: TargetSchedule

  /// The settings; checked by `search`.
  public init(
    steps: Int, stepSize: Epsilon? = nil, randomStart: Bool = true, restarts: Int = 1,
    selections: Int = 10, objective: AttackObjective = .untargeted, loss: AttackLoss = .logOdds,
    momentum: Float = 0, patience: Int? = nil, targets: TargetSchedule = TargetSchedule()
  ) {
    self.targets = targets
    self.patience = patience
    self.steps = steps
    self.stepSize = stepSize
    self.randomStart = randomStart
    self.restarts = restarts
    self.selections = selections
    self.objective = objective
    self.loss = loss
    self.momentum = momentum
  }

  /// The fast gradient sign method, one step to the edge of the ball: x + ε sign ∇ℓ(x) in ℓ∞, clamped to
  /// the box (Goodfellow et al., ICLR 2015).
  public static let fastGradientSign = ProjectedGradientDescent(steps: 1, randomStart: false)

  /// α for a radius.
  public func stepLength(within radius: Epsilon) -> Float {
    stepSize?.value ?? max(radius.value / 4, 2.5 * radius.value / Float(max(steps, 1)))
  }

  /// The best restart's last iterate for every example, inside ball and box.
  ///
  /// - Throws: `AttackError` if a setting is out of range or the model's classes are not the data's or
  ///   too few, and what the surrogate throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    try check(examples, surrogate)
    return try Restarts(
      objective: objective, targets: targets, count: restarts, selections: selections,
      sparesMisled: objective == .everyClass
    ).search(examples, within: budget, through: surrogate, seed: seed) {
      try descend($0, $1, through: surrogate, seed: seed)
    }
  }

  private func check(
    _ examples: LabelledImages, _ surrogate: any DifferentiableClassifier
  ) throws {
    for (name, value, least) in [
      ("number of steps", steps, 0), ("number of restarts", restarts, 1),
      ("number of selections", selections, 1),
      ("number of misled steps", patience ?? 1, 1),
    ] where value < least {
      throw AttackError.setting(name: name, value: value, least: least)
    }
    guard momentum >= 0, momentum <= 1 else { throw AttackError.momentum(momentum) }
    // With a step of 0 the attack would go nowhere, and look as if nothing could be found.
    guard stepSize.map({ $0 > .zero }) ?? true else {
      throw AttackError.positive(name: "step size", 0)
    }
    try check(
      surrogate, on: examples,
      leastClassCount: loss.leastClassCount(isTargeted: objective != .untargeted))
  }

  // MARK: Search

  private func descend(
    _ attempt: Restarts.Attempt, _ ball: PerturbationBall,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Pixels {
    let restart = attempt.restart
    var (attempt, ball) = (attempt, ball)
    var iterate =
      randomStart
      ? try ball.start(of: attempt.examples, restart: restart, seed: seed) : ball.center
    var direction = Tensor(shape: momentum == 0 ? [0] : iterate.tensor.shape)
    var found = iterate
    var misled = MisledSteps(patience, through: surrogate, count: iterate.count)
    for step in 0..<steps where iterate.count > 0 {
      let examples = attempt.examples
      let draws = Draws(
        seed: seed, purpose: .attack, examples: examples.indices, restart: restart, step: step)
      var followed = FollowedGradient(loss, labels: examples.labels, targets: attempt.targets)
      let (logits, gradient) = try surrogate.checkedLogitsAndGradient(of: iterate, draws: draws) {
        followed($0)
      }
      if momentum > 0 { try accumulate(gradient, in: &direction) }
      iterate = try ball.projection(
        of: ball.budget.step(
          from: iterate.tensor, along: momentum > 0 ? direction : gradient,
          lengths: examples.indices.map { _ in stepLength(within: ball.budget.radius) }))
      guard let leaving = try misled.leaving(after: logits, labels: examples.labels) else {
        continue
      }
      found = found.replacing(leaving.map { misled.searched[$0] }, with: leaving, of: iterate)
      let staying = misled.remove(leaving)
      attempt = attempt[staying]
      ball = PerturbationBall(center: attempt.examples.pixels, budget: ball.budget)
      iterate = iterate[staying]
      if momentum > 0 { direction = direction.rows(staying) }
    }
    return found.replacing(misled.searched, with: Array(misled.searched.indices), of: iterate)
  }

  /// g ← μ g + ∇ℓ/‖∇ℓ‖₁ for every image; a gradient of length 0, or that holds what is no number,
  /// adds nothing.
  private func accumulate(_ gradient: Tensor, in direction: inout Tensor) throws(TensorError) {
    guard gradient.shape == direction.shape else {
      throw .shapeMismatch(expected: direction.shape, found: gradient.shape)
    }
    let (count, width) = (gradient.shape[0], gradient.rowCount)
    direction.withUnsafeMutablePointer { direction in
      gradient.withUnsafePointer { gradient in
        for row in 0..<count {
          let (direction, gradient) = (direction + row * width, gradient + row * width)
          var norm = 0.0
          for place in 0..<width { norm += Double(abs(gradient[place])) }
          let share = norm > 0 && norm.isFinite ? 1 / norm : 0
          for place in 0..<width {
            let added = share == 0 ? 0 : Float(Double(gradient[place]) * share)
            direction[place] = (momentum * direction[place]) + added
          }
        }
      }
    }
  }
}

extension PerturbationBall {
  /// A uniformly random place in every ball, inside the box.
  func start(
    of examples: LabelledImages, restart: Int, seed: UInt64
  ) throws(AttackError) -> Pixels {
    let width = center.imageShape.count
    var start = center.tensor
    start.withUnsafeMutablePointer { values in
      for (row, example) in examples.indices.enumerated() {
        var stream = RandomStream(
          RandomKey(seed: seed, purpose: .attackStart, example: example, restart: restart))
        budget.perturb(values + row * width, count: width, with: &stream)
      }
    }
    return try projection(of: start)
  }
}

extension ProjectedGradientDescent: ChoosingSearch {
  package var settings: [Setting<ProjectedGradientDescent>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      Setting("stepSize", \.stepSize),
      .count("restarts", \.restarts, of: "restarts"),
      Setting("loss", \.loss),
      Setting(
        "momentum", \.momentum,
        problem: { 0...1 ~= $0 ? nil : "the momentum is \($0); it is from 0 to 1" }),
      .randomStart(\.randomStart),
      .patience(\.patience),
    ] + (objective == .everyClass ? Setting.targets(\.targets.order, \.targets.count) : [])
  }

  package var walk: (steps: Int, stepSize: Epsilon)? { stepSize.map { (steps, $0) } }

  /// α; of the usual one, which is a float, the shortest decimal.
  package func stepLengthUsed(within radius: Epsilon) -> Double? {
    stepSize?.doubleValue ?? Double("\(stepLength(within: radius))")
  }
}

extension Setting {
  /// Whether a search starts at a random place in the ball. Records and titles tell only of the unusual.
  static func randomStart(_ path: any WritableKeyPath<Owner, Bool> & Sendable) -> Setting {
    Setting("randomStart", path, texts: { $0 ? [:] : ["randomStart": "false"] })
  }
}

/// The fast gradient sign method: one step of PGD from the image itself to the edge of the ball.
package struct FastGradientSign: PlannedAttack {
  /// What it maximises.
  package var loss = AttackLoss.logOdds

  package init() {}

  package var settings: [Setting<FastGradientSign>] { [Setting("loss", \.loss)] }

  package func search(selections: Int) -> any Attack {
    var attack = ProjectedGradientDescent.fastGradientSign
    attack.loss = loss
    return attack
  }
}
