import Classification

/// Several attacks. For every example the image is kept that the surrogate misclassifies most often, on
/// draws that are only for this choice.
///
/// A defence may hide its gradient without being any stronger. An attacker who knows it therefore
/// also tries what works on the network inside, so an adaptive attack of this kind is never weaker
/// than the oblivious one it contains, but for the luck of the draws.
public struct BestOf: Attack, ChoosingAttack {
  /// One of the attacks and the model whose gradient it follows.
  public struct Contestant: Sendable {
    /// The search.
    public var attack: any Attack
    /// The model whose gradient it follows; nil for the surrogate of the whole, which chooses.
    public var surrogate: (any DifferentiableClassifier)?

    /// An attack through a model.
    public init(_ attack: any Attack, through surrogate: (any DifferentiableClassifier)? = nil) {
      self.attack = attack
      self.surrogate = surrogate
    }
  }

  /// The attacks, tried in this order.
  public var contestants: [Contestant]
  /// The number of predictions by which the surrogate chooses; a deterministic one makes one.
  public var selections: Int
  /// Whether an image is left alone once it misleads the surrogate for certain (a randomised one on all
  /// draws that choose, twenty at least), which saves the work of the later attacks.
  public var sparesMisled: Bool
  /// Whether of images that mislead as often the nearest is kept, not that of the largest loss.
  public var prefersNearest: Bool

  /// The best of the given attacks.
  public init(
    _ contestants: [Contestant], selections: Int = 10, sparesMisled: Bool = false,
    prefersNearest: Bool = false
  ) {
    self.prefersNearest = prefersNearest
    self.contestants = contestants
    self.selections = selections
    self.sparesMisled = sparesMisled
  }

  /// The best contestant's image for every example.
  ///
  /// - Throws: `AttackError.setting` without a contestant or a selection, and what they throw.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [
      ("number of attacks", contestants.count), ("number of selections", selections),
    ] where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    var selection = Selection(
      of: examples, aims: examples.labels, isTargeted: false, by: surrogate, seed: seed,
      repetitions: selections, round: .attacks(depth: depth), settles: sparesMisled,
      nearestIn: prefersNearest ? budget.norm : nil)
    for contestant in contestants {
      let positions = sparesMisled ? selection.survivors : Array(examples.indices.indices)
      guard !positions.isEmpty || examples.count == 0 else { continue }
      let chosen = examples[positions]
      // Metered on its own, so that a model without gradients is seen beside one that has them.
      let (found, passes) = try PassMeter.count {
        try contestant.attack.search(
          chosen, within: budget, through: contestant.surrogate ?? surrogate, seed: seed)
      }
      PassMeter.add(passes)
      let ball = PerturbationBall(center: chosen.pixels, budget: budget)
      try selection.offer(ball.projection(of: found), at: positions)
    }
    return selection.best.tensor
  }

  /// How deep such choices are nested: 1 without any among the contestants.
  var depth: Int {
    1 + (contestants.compactMap { ($0.attack as? any ChoosingAttack)?.depth }.max() ?? 0)
  }
}

/// An attack that chooses among what others find, on draws of its own.
protocol ChoosingAttack {
  /// How deep such choices are nested: 1 without any among the others.
  var depth: Int { get }
}

extension Threat {
  /// The attacker who knows a defence around a network: for every example the best of the attack through
  /// the network alone and through each of the given models of the defence.
  ///
  /// - Parameter prefersNearest: whether of images that mislead as often the nearest is the best.
  public static func adaptive(
    _ attack: any Attack, within budget: PerturbationBudget,
    on defence: any DifferentiableClassifier, base: any DifferentiableClassifier,
    through surrogates: [any DifferentiableClassifier], prefersNearest: Bool = false
  ) -> Threat {
    Threat(
      BestOf(
        ([base] + surrogates).map { BestOf.Contestant(attack, through: $0) },
        prefersNearest: prefersNearest),
      within: budget, through: defence)
  }
}

extension Threat {
  /// The attacker who knows a randomised defence and its draws, to be judged on these: for every example the
  /// best of the attack through the network alone, through each of the given models, and through the defence on
  /// the draws that it will have.
  ///
  /// No attacker is in that position. It tells how much of what a defence gains rests on its draws alone: of a
  /// defence that is sound without them as little is lost as to an attacker who knows their law.
  ///
  /// - Parameters:
  ///   - defence: the defence on its draws; `Evaluation` has to be given the same.
  ///   - surrogates: the models that an attacker follows who knows the defence, but not its draws.
  public static func frozen(
    _ attack: any Attack, within budget: PerturbationBudget, on defence: FrozenRandomness,
    base: any DifferentiableClassifier, through surrogates: [any DifferentiableClassifier]
  ) -> Threat {
    adaptive(attack, within: budget, on: defence, base: base, through: surrogates + [defence])
  }
}

/// What is averaged over draws where an attacker follows a randomised defence.
public enum GradientAverage: String, CaseIterable, Codable, Sendable {
  /// The loss of the mean probabilities.
  case probabilities
  /// The mean of the losses.
  case losses

  /// The model that the attacker follows, with N = `drawCount`: for `.probabilities` the defence
  /// simulated with N executions, for `.losses` the mean of the losses of N draws of the defence with one
  /// execution.
  ///
  /// - Parameter simulate: makes the defence with the given number of executions.
  /// - Throws: `AttackError.setting` if there is no draw, and what `simulate` throws.
  public func surrogate(
    drawCount: Int, simulating simulate: (_ sampleCount: Int) throws -> any DifferentiableClassifier
  ) throws -> any DifferentiableClassifier {
    switch self {
    case .probabilities: try simulate(drawCount)
    case .losses: try ExpectationOverTransformation(simulate(1), drawCount: drawCount)
    }
  }
}
