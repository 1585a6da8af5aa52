import Classification
import Synchronization

/// An attack through one model that searches only once for the same block of examples: an attacker who
/// does not know of the defence finds the same images whatever defence is measured on them.
///
/// `PassMeter` counts what the search costs each time it is asked for, as if it had been made again.
public final class RememberedAttack: Attack {
  /// All that the candidates depend on besides attack and model. Equal if it is the same images to the
  /// last bit, under the same indices and labels.
  private struct Question: Hashable {
    var examples: LabelledImages
    var budget: PerturbationBudget
    var seed: UInt64

    static func == (a: Question, b: Question) -> Bool {
      a.seed == b.seed && a.budget == b.budget && a.examples.indices == b.examples.indices
        && a.examples.labels == b.examples.labels
        && a.examples.classCount == b.examples.classCount
        && a.examples.pixels == b.examples.pixels
    }

    /// Hashes the indices and no pixel: images hardly ever differ where their indices agree.
    func hash(into hasher: inout Hasher) {
      hasher.combine(examples.indices)
      hasher.combine(budget)
      hasher.combine(seed)
    }
  }

  private let attack: any Attack
  private let model: any DifferentiableClassifier
  private let found = Mutex<[Question: (candidates: Tensor, passes: PassMeter.Count)]>([:])

  /// The given attack through the given model, and no other.
  public init(_ attack: any Attack, through model: any DifferentiableClassifier) {
    self.attack = attack
    self.model = model
  }

  /// What the attack finds through its own model, whatever the surrogate.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    let question = Question(examples: examples, budget: budget, seed: seed)
    if let known = found.withLock({ $0[question] }) {
      PassMeter.add(known.passes)
      return known.candidates
    }
    // Not under the lock: other blocks search at the same time.
    let (candidates, passes) = try PassMeter.count {
      try attack.search(examples, within: budget, through: model, seed: seed)
    }
    PassMeter.add(passes)
    found.withLock { $0[question] = (candidates, passes) }
    return candidates
  }

  /// Lets go of what was found for images with some indices.
  package func forget(_ indices: Set<Int>) {
    found.withLock { found in
      found = found.filter { $0.key.examples.indices.allSatisfy { !indices.contains($0) } }
    }
  }

  /// Blocks of images that are remembered.
  package var count: Int { found.withLock(\.count) }
}
