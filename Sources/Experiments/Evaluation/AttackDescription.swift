import Foundation
import Robustness

/// An attack by the name that commands, plans and records use: a search, with "adaptive-" in front if
/// the attacker knows the defence, "transfer-" if another network is attacked.
package struct AttackName: Hashable, Sendable, RawRepresentable, CaseIterable, Codable {
  /// What is done.
  package enum Search: String, CaseIterable, Sendable {
    case none
    case noise
    case fastGradientSign = "fgsm"
    case pgd
    case targetedPGD = "pgd-targeted"
    case everyClassPGD = "pgd-every-class"
    case autoPGD = "apgd-ce"
    case autoPGDRatio = "apgd-dlr"
    case autoPGDTargeted = "apgd-t"
    case carliniWagner = "cw"
    case square
    case ensemble
    /// As published with mixup inference; of one who knows the defence only.
    case published
    /// The same with true labels and the right scale.
    case publishedRepaired = "published-repaired"
    /// PGD through the network that keeps away from MI-PL's detector; of one who knows it only.
    case evasion

    /// Whether it makes no sense without knowledge of the defence.
    var needsDefence: Bool {
      self == .published || self == .publishedRepaired || self == .evasion
    }

    /// The same done by one who does not know of a defence.
    var onNetwork: Search { needsDefence ? .pgd : self }
  }

  /// Whose gradient is followed, or who is asked.
  package enum Knowledge: String, CaseIterable, Sendable {
    /// The bare network's.
    case network
    /// The whole defence's.
    case defence
    /// That of another network for the same images.
    case otherNetwork

    var prefix: String {
      switch self {
      case .network: ""
      case .defence: "adaptive-"
      case .otherNetwork: "transfer-"
      }
    }
  }

  package let search: Search
  package let knowledge: Knowledge

  /// Whether the attacker follows the defence, not a bare network alone.
  package var isAdaptive: Bool { knowledge == .defence }

  package static let none = AttackName(.none)
  package static let pgd = AttackName(.pgd)
  package static let adaptivePGD = AttackName(.pgd, .defence)

  package init(_ search: Search, _ knowledge: Knowledge = .network) {
    self.search = search
    self.knowledge = knowledge
  }

  package init?(rawValue: String) {
    guard let name = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = name
  }

  package var rawValue: String { knowledge.prefix + search.rawValue }

  package static var allCases: [AttackName] {
    Knowledge.allCases.flatMap { knowledge in
      Search.allCases.filter {
        knowledge == .defence
          ? $0 != .none : !$0.needsDefence && (knowledge == .network || $0 != .none)
      }.map { AttackName($0, knowledge) }
    }
  }
}

/// An attack by its name, with all that its candidates depend on besides models, images and seed.
package struct AttackDescription: Hashable, Sendable {
  /// Which one.
  package var name: AttackName
  /// How its perturbation is measured.
  package var norm: PerturbationBudget.Norm
  /// The radius, on the pixel scale.
  package var epsilon: Epsilon?
  /// Steps of one search.
  package var steps: Int?
  /// Length of a step; nil for the usual one.
  package var stepSize: Epsilon?
  /// Independent searches.
  package var restarts: Int?
  /// What PGD maximises.
  package var loss: AttackLoss?
  /// PGD's momentum.
  package var momentum: Float?
  /// Predictions that a search without gradients may ask for.
  package var queries: Int?
  /// The attacker's N for a gradient of a defence.
  package var draws: Int?
  /// What the attacker of a defence takes the mean of.
  package var average: GradientAverage?

  /// An attack; parameters that are not given are the usual ones, those that it does not have are
  /// dropped.
  package init(
    _ name: AttackName, norm: PerturbationBudget.Norm? = nil, epsilon: Epsilon? = nil,
    steps: Int? = nil, stepSize: Epsilon? = nil, restarts: Int? = nil, loss: AttackLoss? = nil,
    momentum: Float? = nil, queries: Int? = nil, draws: Int? = nil, average: GradientAverage? = nil
  ) {
    self.name = name
    self.norm = norm ?? (name.search == .carliniWagner ? .l2 : .linf)
    guard name.search != .none else {
      self.norm = .linf
      return
    }
    self.epsilon = epsilon
    switch name.search {
    case .none: break
    case .noise: self.queries = queries ?? 10_000
    case .square: self.queries = queries ?? 5000
    case .fastGradientSign: self.loss = loss ?? .logOdds
    case .carliniWagner: self.steps = steps ?? 1000
    case .published, .publishedRepaired:
      self.steps = steps ?? 50
      self.stepSize = stepSize
    case .pgd, .targetedPGD, .everyClassPGD, .evasion:
      self.steps = steps ?? 50
      self.stepSize = stepSize
      self.restarts = restarts ?? 1
      self.loss = loss ?? .logOdds
      self.momentum = momentum ?? 0
    case .autoPGD, .autoPGDRatio, .autoPGDTargeted:
      self.steps = steps ?? 100
      self.restarts = restarts ?? 1
    case .ensemble:
      self.steps = steps ?? 100
      self.restarts = restarts ?? 1
      self.queries = queries ?? 5000
    }
    guard name.isAdaptive else { return }
    self.draws = draws ?? 10
    if !name.search.needsDefence { self.average = average ?? .probabilities }
  }

  /// The same attack by one who does not know of the defence.
  package var onNetwork: AttackDescription {
    AttackDescription(
      AttackName(name.search.onNetwork, name.knowledge == .otherNetwork ? .otherNetwork : .network),
      norm: norm, epsilon: epsilon, steps: steps,
      stepSize: stepSize, restarts: restarts, loss: loss, momentum: momentum, queries: queries)
  }

  /// The same with every length written as a ratio in lowest terms: equal attacks are equal texts.
  package var canonical: AttackDescription {
    var copy = self
    copy.epsilon = epsilon?.inLowestTerms
    copy.stepSize = stepSize?.inLowestTerms
    return copy
  }

  /// How far it may go; nil without an attack.
  package var budget: PerturbationBudget? { epsilon.map { PerturbationBudget(norm, $0) } }

  /// The search, through whatever model it is led.
  ///
  /// - Parameter selections: predictions that choose among several images of a randomised model.
  package func search(classCount: Int, selections: Int) -> any Attack {
    let (steps, restarts) = (steps ?? 0, restarts ?? 1)
    func descent(_ objective: AttackObjective) -> ProjectedGradientDescent {
      ProjectedGradientDescent(
        steps: steps, stepSize: stepSize, restarts: restarts, selections: selections,
        objective: objective, loss: loss ?? .logOdds, momentum: momentum ?? 0)
    }
    func climb(_ loss: AttackLoss, _ objective: AttackObjective = .untargeted) -> AutoPGD {
      AutoPGD(
        steps: steps, loss: loss, objective: objective, restarts: restarts, selections: selections)
    }
    switch name.search {
    case .none, .pgd, .published, .publishedRepaired, .evasion: return descent(.untargeted)
    case .targetedPGD: return descent(.targeted)
    case .everyClassPGD: return descent(.everyClass)
    case .fastGradientSign:
      var attack = ProjectedGradientDescent.fastGradientSign
      attack.loss = loss ?? .logOdds
      return attack
    case .noise: return UniformNoise(samples: queries ?? 0, selections: selections)
    case .square: return SquareAttack(queries: queries ?? 0, selections: selections)
    case .autoPGD: return climb(.crossEntropy)
    case .autoPGDRatio: return climb(.logitsRatio)
    case .autoPGDTargeted: return climb(.logitsRatio, .everyClass)
    case .carliniWagner: return CarliniWagner(steps: steps, selections: selections)
    case .ensemble:
      return BestOf.ensemble(
        norm: norm, classCount: classCount, steps: steps, queries: queries ?? 0, restarts: restarts,
        selections: selections)
    }
  }

  /// The name, the ball and every parameter: "pgd, linf 8/255, steps 50".
  package var title: String {
    ([name.rawValue] + (budget.map { ["\($0.norm.rawValue) \($0.radius)"] } ?? [])
      + parameters.asList).joined(separator: ", ")
  }

  /// Every parameter but the radius and its norm by name, as text.
  var parameters: [String: String] {
    var parameters: [String: String] = [:]
    parameters["steps"] = steps.map { "\($0)" }
    parameters["stepSize"] = stepSize.map(\.description)
    parameters["restarts"] = restarts.map { "\($0)" }
    parameters["loss"] = loss?.rawValue
    parameters["momentum"] = momentum.map { "\($0)" }
    parameters["queries"] = queries.map { "\($0)" }
    parameters["draws"] = draws.map { "\($0)" }
    parameters["average"] = average?.rawValue
    return parameters
  }
}

extension AttackDescription: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case name, norm, epsilon, steps, stepSize, restarts, loss, momentum, queries, draws, average
  }

  package init(from decoder: any Decoder) throws {
    try StrictCoding.check(decoder, allows: Key.allCases, in: "an attack")
    let fields = try decoder.container(keyedBy: Key.self)
    let name = try fields.decode(AttackName.self, forKey: .name)
    let norm = try fields.decodeIfPresent(PerturbationBudget.Norm.self, forKey: .norm)
    let usual = AttackDescription(name, norm: norm).norm
    /// A length as text, "8/255", or as a number, whose decimal digits are exact.
    func length(_ key: Key) throws -> Epsilon? {
      if let text = try? fields.decodeIfPresent(String.self, forKey: key) {
        return try Epsilon(text, norm: usual)
      }
      return try fields.decodeIfPresent(Decimal.self, forKey: key).map {
        try Epsilon("\($0)", norm: usual)
      }
    }
    self.init(
      name, norm: norm, epsilon: try length(.epsilon),
      steps: try fields.decodeIfPresent(Int.self, forKey: .steps),
      stepSize: try length(.stepSize),
      restarts: try fields.decodeIfPresent(Int.self, forKey: .restarts),
      loss: try fields.decodeIfPresent(AttackLoss.self, forKey: .loss),
      momentum: try fields.decodeIfPresent(Float.self, forKey: .momentum),
      queries: try fields.decodeIfPresent(Int.self, forKey: .queries),
      draws: try fields.decodeIfPresent(Int.self, forKey: .draws),
      average: try fields.decodeIfPresent(GradientAverage.self, forKey: .average))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(norm, forKey: .norm)
    try fields.encodeIfPresent(epsilon, forKey: .epsilon)
    try fields.encodeIfPresent(steps, forKey: .steps)
    try fields.encodeIfPresent(stepSize, forKey: .stepSize)
    try fields.encodeIfPresent(restarts, forKey: .restarts)
    try fields.encodeIfPresent(loss, forKey: .loss)
    try fields.encodeIfPresent(momentum, forKey: .momentum)
    try fields.encodeIfPresent(queries, forKey: .queries)
    try fields.encodeIfPresent(draws, forKey: .draws)
    try fields.encodeIfPresent(average, forKey: .average)
  }
}
