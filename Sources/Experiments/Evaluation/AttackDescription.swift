import Robustness

/// An attack by the name that commands, plans and records use.
package enum AttackName: String, CaseIterable, Codable, Sendable {
  case none
  case pgd
  case targetedPGD = "pgd-targeted"
  case adaptivePGD = "adaptive-pgd"
  case adaptiveTargetedPGD = "adaptive-pgd-targeted"

  /// Whether the attacker follows the gradient of the defence, not of the bare network.
  var isAdaptive: Bool { self == .adaptivePGD || self == .adaptiveTargetedPGD }

  /// The same attack by one who does not know of the defence.
  var onNetwork: AttackName {
    switch self {
    case .adaptivePGD: .pgd
    case .adaptiveTargetedPGD: .targetedPGD
    default: self
    }
  }

  var objective: ProjectedGradientDescent.Objective {
    self == .targetedPGD || self == .adaptiveTargetedPGD ? .targeted : .untargeted
  }
}

/// An attack by its name, with all that its candidates depend on besides models, images and seed.
package struct AttackDescription: Hashable, Sendable {
  /// Which one.
  package var name: AttackName
  /// The radius, on the pixel scale.
  package var epsilon: Epsilon?
  /// Steps of one search.
  package var steps: Int?
  /// Length of a step; nil for the usual one.
  package var stepSize: Epsilon?
  /// Independent searches.
  package var restarts: Int?
  /// The attacker's N for a gradient of a defence.
  package var draws: Int?

  /// An attack; parameters that are not given are the usual ones, those that it does not have are
  /// dropped.
  package init(
    _ name: AttackName, epsilon: Epsilon? = nil, steps: Int? = nil, stepSize: Epsilon? = nil,
    restarts: Int? = nil, draws: Int? = nil
  ) {
    self.name = name
    guard name != .none else { return }
    self.epsilon = epsilon
    self.steps = steps ?? 50
    self.stepSize = stepSize
    self.restarts = restarts ?? 1
    if name.isAdaptive { self.draws = draws ?? 10 }
  }

  /// The search.
  var search: ProjectedGradientDescent {
    ProjectedGradientDescent(
      steps: steps ?? 0, stepSize: stepSize, restarts: restarts ?? 1, objective: name.objective)
  }

  /// Every parameter but the radius by name, as text.
  var parameters: [String: String] {
    var parameters: [String: String] = [:]
    parameters["steps"] = steps.map { "\($0)" }
    parameters["stepSize"] = stepSize.map(\.description)
    parameters["restarts"] = restarts.map { "\($0)" }
    parameters["draws"] = draws.map { "\($0)" }
    return parameters
  }
}

extension AttackDescription: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case name, epsilon, steps, stepSize, restarts, draws
  }

  package init(from decoder: any Decoder) throws {
    try StrictCoding.check(decoder, allows: Key.allCases, in: "an attack")
    let fields = try decoder.container(keyedBy: Key.self)
    self.init(
      try fields.decode(AttackName.self, forKey: .name),
      epsilon: try fields.decodeIfPresent(Epsilon.self, forKey: .epsilon),
      steps: try fields.decodeIfPresent(Int.self, forKey: .steps),
      stepSize: try fields.decodeIfPresent(Epsilon.self, forKey: .stepSize),
      restarts: try fields.decodeIfPresent(Int.self, forKey: .restarts),
      draws: try fields.decodeIfPresent(Int.self, forKey: .draws))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeIfPresent(epsilon, forKey: .epsilon)
    try fields.encodeIfPresent(steps, forKey: .steps)
    try fields.encodeIfPresent(stepSize, forKey: .stepSize)
    try fields.encodeIfPresent(restarts, forKey: .restarts)
    try fields.encodeIfPresent(draws, forKey: .draws)
  }
}
