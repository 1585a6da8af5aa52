import Robustness

/// An attack by the name that commands, plans and records use: a search, with "adaptive-" in front if
/// the attacker knows the defence, "frozen-" if its draws as well, "transfer-" if another network is attacked.
package struct AttackName: Hashable, Sendable, RawRepresentable, CaseIterable, Codable {
  /// A name without its prefix, and the attack with usual settings that it stands for; no attack for "none".
  package struct Search: Sendable, Hashable {
    package let name: String
    package let usual: (any PlannedAttack)?

    init(_ name: String, _ usual: (any PlannedAttack)?) {
      self.name = name
      self.usual = usual
    }

    /// Whether only an attacker who knows the defence can run it.
    var needsDefence: Bool { usual?.standIn != nil }

    package static func == (a: Self, b: Self) -> Bool { a.name == b.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
  }

  /// Which model the attacker can ask for gradients or predictions. The raw values are those in records.
  package enum Knowledge: String, CaseIterable, Sendable {
    /// The bare network.
    case network
    /// The defence, and the law by which it draws, but not the draws.
    case defence
    /// Another network for the same images.
    case otherNetwork = "another network"
    /// The defence and the very draws on which it is judged, which no real attacker can know.
    case draws

    var prefix: String {
      switch self {
      case .network: ""
      case .defence: "adaptive-"
      case .otherNetwork: "transfer-"
      case .draws: "frozen-"
      }
    }
  }

  package let search: Search
  package let knowledge: Knowledge

  /// Whether the attacker follows the defence, not a bare network alone.
  package var isAdaptive: Bool { knowledge == .defence || knowledge == .draws }

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

  package var rawValue: String { knowledge.prefix + search.name }

  package static var allCases: [AttackName] {
    Knowledge.allCases.flatMap { knowledge in
      known.filter {
        switch knowledge {
        case .network: !$0.needsDefence
        case .defence: $0 != .none
        case .otherNetwork, .draws: !$0.needsDefence && $0 != .none
        }
      }.map { AttackName($0, knowledge) }
    }
  }
}
