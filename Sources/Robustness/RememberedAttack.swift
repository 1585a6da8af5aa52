import Datasets
import NeuralNetwork
import Synchronization

/// An attack through one model that is led once for every block of examples: one who does not know of
/// the defence finds the same images whatever defence is measured on them.
///
/// What the search costs is counted whenever it is asked for, as if it had been led again.
public final class RememberedAttack: Attack {
  private struct Question: Hashable {
    var indices: [Int]
    var budget: PerturbationBudget
    var seed: UInt64
  }

  private let attack: any Attack
  private let model: any DifferentiableClassifier
  private let found = Mutex<[Question: (candidates: Tensor, passes: PassMeter.Count)]>([:])

  /// The given attack through the given model, and no other.
  public init(_ attack: any Attack, through model: any DifferentiableClassifier) {
    self.attack = attack
    self.model = model
  }

  /// What the attack finds through its own model, whatever the surrogate; remembered by the examples'
  /// indices, so that one index has to mean one image.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    let question = Question(indices: examples.indices, budget: budget, seed: seed)
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
}
