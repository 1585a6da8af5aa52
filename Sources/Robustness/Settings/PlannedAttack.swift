/// An attack that plans can name. Its value says all that its candidates depend on besides the model, the
/// images, the budget and the seed.
package protocol PlannedAttack: Adjustable, Hashable {
  /// The norms in whose balls it searches, the usual one first.
  static var norms: [PerturbationBudget.Norm] { get }
  /// The search, through whatever model it is led.
  ///
  /// - Parameter selections: the number of predictions by which a randomised model chooses among images.
  func search(selections: Int) -> any Attack
  /// Whether it follows the gradient of the model; false of an attack that asks for predictions only.
  var followsGradient: Bool { get }
  /// Whether it looks for the nearest image that misleads, whatever the radius: one search then says how
  /// accurate a model is at every radius.
  var findsNearest: Bool { get }
  /// Number and length of its steps, if they were set and say how far it can come at most; nil otherwise.
  var walk: (steps: Int, stepSize: Epsilon)? { get }
  /// The length of a step on the pixel scale within a radius, set or usual; nil of an attack whose steps have
  /// no length that is known before.
  func stepLengthUsed(within radius: Epsilon) -> Double?
  /// The attack, with its name, that is made in its place where there is no defence for which this one
  /// was made; nil for an attack through any model.
  var standIn: (name: String, attack: any PlannedAttack)? { get }
}

extension PlannedAttack {
  package static var norms: [PerturbationBudget.Norm] { [.linf, .l2] }
  package var followsGradient: Bool { true }
  package var findsNearest: Bool { false }
  package var walk: (steps: Int, stepSize: Epsilon)? { nil }
  package func stepLengthUsed(within radius: Epsilon) -> Double? { nil }
  package var standIn: (name: String, attack: any PlannedAttack)? { nil }
}

/// A planned attack that is the search itself.
package protocol PlannedSearch: PlannedAttack, Attack {}

extension PlannedSearch {
  /// The search as it is: nothing is chosen.
  package func search(selections: Int) -> any Attack { self }
}

/// A planned search that chooses among the images that it comes upon.
package protocol ChoosingSearch: PlannedSearch {
  /// The number of predictions by which a randomised surrogate chooses.
  var selections: Int { get set }
}

extension ChoosingSearch {
  package func search(selections: Int) -> any Attack {
    var copy = self
    copy.selections = selections
    return copy
  }
}

/// A defence for which attacks were made.
package protocol OwnAttacks {
  /// The threat that an attack poses to this defence if it was made for it; nil if it was not.
  ///
  /// - Parameter drawCount: the attacker's N for a gradient.
  func threat(
    of attack: any PlannedAttack, within budget: PerturbationBudget, drawCount: Int, selections: Int
  ) throws -> Threat?
}
