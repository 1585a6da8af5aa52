/// An attack that plans can name: its value says all that its candidates depend on besides the model, the
/// images, the budget and the seed.
package protocol PlannedAttack: Adjustable, Hashable {
  /// The norms in whose balls it searches, the usual one first.
  static var norms: [PerturbationBudget.Norm] { get }
  /// The search, through whatever model it is led.
  ///
  /// - Parameter selections: predictions that choose among several images of a randomised model.
  func search(selections: Int) -> any Attack
  /// The steps that it goes, where their number and length say how far it can come.
  var walk: (steps: Int, stepSize: Epsilon)? { get }
  /// What one does who meets no defence that it was made for, and the name of that attack; nil for an attack
  /// through any model.
  var standIn: (name: String, attack: any PlannedAttack)? { get }
}

extension PlannedAttack {
  package static var norms: [PerturbationBudget.Norm] { [.linf, .l2] }
  package var walk: (steps: Int, stepSize: Epsilon)? { nil }
  package var standIn: (name: String, attack: any PlannedAttack)? { nil }
}

/// A planned attack that is the search itself.
package protocol PlannedSearch: PlannedAttack, Attack {
  /// The number of predictions of a randomised surrogate that choose.
  var selections: Int { get set }
}

extension PlannedSearch {
  package func search(selections: Int) -> any Attack {
    var copy = self
    copy.selections = selections
    return copy
  }
}

/// A defence for which attacks were made.
package protocol OwnAttacks {
  /// The attacker of an attack that was made for this defence; nil for one that was not.
  ///
  /// - Parameter drawCount: the attacker's N for a gradient.
  func threat(
    of attack: any PlannedAttack, within budget: PerturbationBudget, drawCount: Int, selections: Int
  ) throws -> Threat?
}
