import Foundation
import Robustness

/// An attack as plans, stores and records describe it: what its attacker knows, how far it may go, and the
/// attack itself with its settings. With models, images and seed, that is all that its results depend on.
///
/// Every attack that plans can name is made by decoding what a plan says of it:
/// {"name": "adaptive-apgd-ce", "epsilon": "8/255", "steps": 50, "draws": 10}.
public struct AttackDescription: Sendable {
  /// Which attack, and through which model it searches.
  package let name: AttackName
  /// The norm in which the perturbation is measured.
  package let norm: PerturbationBudget.Norm
  /// The radius, on the pixel scale.
  package var epsilon: Epsilon?
  /// The attack itself; nil without one.
  package private(set) var attack: (any PlannedAttack)?
  /// How many random draws of a defence the attacker averages for one gradient; nil for an attacker who
  /// does not follow a defence.
  package private(set) var draws: Int?
  /// What the attacker averages over these draws; nil for one who does not follow a defence, or who has no
  /// choice.
  package private(set) var average: GradientAverage?

  /// `draws` unless they are given.
  package static let usualDraws = 10

  /// The attack of a name; what is not given is as usual.
  ///
  /// - Precondition: the attack has the settings that are given.
  package init(
    _ name: AttackName, norm: PerturbationBudget.Norm? = nil, epsilon: Epsilon? = nil,
    steps: Int? = nil, draws: Int? = nil, average: GradientAverage? = nil
  ) {
    self.name = name
    attack = name.search.usual
    self.norm = norm ?? attack.map { type(of: $0).norms[0] } ?? .linf
    self.epsilon = attack == nil ? nil : epsilon ?? wholeBox
    if name.isAdaptive {
      self.draws = draws ?? Self.usualDraws
      if !name.search.needsDefence { self.average = average ?? .probabilities }
    }
    if let steps, attack != nil { self.steps = steps }
  }

  /// The radius unless one is given: of an attack that looks for the nearest image, one that is farther than
  /// images are apart; none of another.
  private var wholeBox: Epsilon? { attack?.findsNearest == true ? .largest(of: norm) : nil }

  /// An attack of a name with settings of its own.
  private init(_ other: AttackDescription, name: AttackName, attack: (any PlannedAttack)?) {
    self.name = name
    norm = other.norm
    epsilon = other.epsilon
    self.attack = attack
  }

  // MARK: Settings

  /// Steps of one search; nil for an attack without steps.
  package var steps: Int? {
    get { setting("steps") }
    set {
      if let newValue { set("steps", newValue) }
    }
  }

  /// The length of a step on the pixel scale, set or usual; nil without one.
  var stepSizeUsed: Double? {
    epsilon.flatMap { radius in attack.flatMap { $0.stepLengthUsed(within: radius) } }
  }

  /// Sets the setting of that name.
  ///
  /// - Precondition: the attack has such a setting, of that type.
  package mutating func set(_ setting: String, _ value: any SettingValue) {
    guard attack?.set(setting, value) == true else {
      preconditionFailure("\(name.rawValue) has no \(setting)")
    }
  }

  /// The value of a setting; nil if the attack has none of that name.
  package func setting<Value: SettingValue>(_ name: String) -> Value? { attack?.setting(name) }

  /// Every parameter but the radius and its norm by name, as text.
  var parameters: [String: String] {
    var parameters = attack?.settingTexts ?? [:]
    parameters["draws"] = draws.map { "\($0)" }
    parameters["average"] = average?.rawValue
    return parameters
  }

  /// The name, the ball and every parameter: "pgd, linf 8/255, steps 50".
  package var title: String {
    ([name.rawValue] + (budget.map { ["\($0.norm.rawValue) \($0.radius)"] } ?? [])
      + parameters.asList).joined(separator: ", ")
  }

  /// What is wrong with the description, in one line; nil if nothing is.
  var problem: String? {
    guard let attack else { return norm == .linf ? nil : "without an attack there is no norm" }
    if epsilon == nil { return "an attack needs a radius; give ε, such as 8/255" }
    let norms = type(of: attack).norms
    if !norms.contains(norm) { return "\(name.rawValue) needs the norm \(norms[0].rawValue)" }
    if let problem = draws.flatMap({ countProblem("the attacker's number of executions", $0) }) {
      return problem
    }
    return attack.problem
  }

  /// Whether a store may have it.
  var isSound: Bool { problem == nil }

  // MARK: What follows from a description

  /// The same attack by an attacker who does not know of the defence. An attack that makes no sense without
  /// that knowledge is replaced by the one that stands in for it.
  package var onNetwork: AttackDescription {
    guard let attack else { return self }
    let knowledge: AttackName.Knowledge =
      name.knowledge == .otherNetwork ? .otherNetwork : .network
    guard let standIn = attack.standIn,
      let search = AttackName.known.first(where: { $0.name == standIn.name })
    else {
      return AttackDescription(self, name: AttackName(name.search, knowledge), attack: attack)
    }
    return AttackDescription(self, name: AttackName(search, knowledge), attack: standIn.attack)
  }

  /// The same with every length written as a ratio in lowest terms: equal attacks are equal texts.
  package var canonical: AttackDescription {
    var copy = self
    copy.epsilon = epsilon?.canonical
    copy.attack = attack?.canonical
    return copy
  }

  /// The same attack with its steps and draws multiplied.
  func multiplied(by effort: SanitySuite.Effort) -> AttackDescription {
    var copy = self
    copy.attack = attack?.multiplied(by: effort.steps)
    copy.draws = draws.map { $0 * effort.draws }
    return copy
  }

  /// How far it may go; nil without an attack.
  package var budget: PerturbationBudget? { epsilon.map { PerturbationBudget(norm, $0) } }

  /// The search itself, which can run through any model; without an attack one that takes no step.
  ///
  /// - Parameter selections: predictions by which an attack on a randomised model chooses among several
  ///   images that it has found.
  package func search(selections: Int) -> any Attack {
    attack?.search(selections: selections) ?? ProjectedGradientDescent(steps: 0, randomStart: false)
  }
}

extension AttackDescription: Hashable {
  /// Whether name, ball, draws, average and every setting agree, however lengths are written: 2/10 is 1/5.
  public static func == (a: AttackDescription, b: AttackDescription) -> Bool {
    a.name == b.name && a.norm == b.norm && a.epsilon == b.epsilon && a.draws == b.draws
      && a.average == b.average
      && a.attack?.settingValues ?? [:] == b.attack?.settingValues ?? [:]
  }

  /// Feeds everything that `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(norm)
    hasher.combine(epsilon)
    hasher.combine(attack?.settingValues ?? [:])
    hasher.combine(draws)
    hasher.combine(average)
  }
}

extension AttackDescription: Codable {
  private static let (nameKey, normKey, epsilonKey, drawsKey, averageKey) = (
    SettingKey("name"), SettingKey("norm"), SettingKey("epsilon"), SettingKey("draws"),
    SettingKey("average")
  )

  /// Reads a description from a plan or a store. Settings that are left out are as usual; those that the
  /// attack does not have are refused.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: SettingKey.self)
    let name = try fields.decode(AttackName.self, forKey: Self.nameKey)
    self.init(
      name, norm: try fields.decodeIfPresent(PerturbationBudget.Norm.self, forKey: Self.normKey))
    var keys = [Self.nameKey, Self.normKey] + (attack == nil ? [] : [Self.epsilonKey])
    keys += attack?.settingNames.map { SettingKey($0) } ?? []
    keys += (draws == nil ? [] : [Self.drawsKey]) + (average == nil ? [] : [Self.averageKey])
    try StrictCoding.check(decoder, allows: keys, in: "an attack of name \(name.rawValue)")
    if try fields.contains(Self.epsilonKey) && !fields.decodeNil(forKey: Self.epsilonKey) {
      epsilon = try Epsilon(from: fields, forKey: Self.epsilonKey, norm: norm)
    }
    let norm = self.norm
    try attack?.take(from: fields, norm: norm)
    draws = try fields.decodeIfPresent(Int.self, forKey: Self.drawsKey) ?? draws
    average = try fields.decodeIfPresent(GradientAverage.self, forKey: Self.averageKey) ?? average
  }

  /// Writes the name and every setting.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: SettingKey.self)
    try fields.encode(name, forKey: Self.nameKey)
    try fields.encode(norm, forKey: Self.normKey)
    try fields.encodeIfPresent(epsilon, forKey: Self.epsilonKey)
    try attack?.write(to: &fields)
    try fields.encodeIfPresent(draws, forKey: Self.drawsKey)
    try fields.encodeIfPresent(average, forKey: Self.averageKey)
  }
}

// MARK: Command line

extension AttackDescription {
  /// The attack of a name, with what flags say of it.
  ///
  /// - Throws: `SettingError` or `EpsilonError` for what cannot be read.
  package init(_ name: AttackName, from flags: inout GivenFlags) throws {
    guard name.search.usual != nil else {
      self.init(name)
      return
    }
    func value<Value: SettingValue>(
      _ flag: String, _ norm: PerturbationBudget.Norm = .linf
    ) throws -> Value? {
      try flags.take(flag).map { try Value(flag: flag, text: $0, norm: norm) }
    }
    self.init(name, norm: try value("norm"))
    let norm = self.norm
    epsilon = try value("epsilon", norm) ?? wholeBox
    try attack?.take(from: &flags, norm: norm)
    if draws != nil { draws = try value("attack-draws") ?? draws }
    if average != nil { average = try value("average") ?? average }
  }

  /// The usual values of a setting, for help texts: "50 of pgd, evasion; 1000 of cw".
  package static func usual(_ setting: String) -> String {
    var found: [(text: String, names: [String])] = []
    for search in AttackName.known {
      guard let text = search.usual?.text(of: setting) else { continue }
      if let place = found.firstIndex(where: { $0.text == text }) {
        found[place].names.append(search.name)
      } else {
        found.append((text, [search.name]))
      }
    }
    return found.map { "\($0.text) of \($0.names.joined(separator: ", "))" }.joined(separator: "; ")
  }
}
