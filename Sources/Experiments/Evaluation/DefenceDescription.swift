import Classification
import Robustness

/// A defence as flags, plan files and records describe it: with network and training images, that is all
/// that its output depends on.
package struct DefenceDescription: Sendable {
  /// The defence itself; nil for the network alone.
  package private(set) var defence: (any Defence)?

  /// A defence, of this package or another.
  package init(_ defence: (any Defence)?) { self.defence = defence }

  /// The defence of a name with its usual settings, but for N if that is given.
  ///
  /// - Precondition: the name is of one that plans can name, and that has an N.
  package init(_ name: DefenceName, draws: Int? = nil) {
    guard name != .none else { return }
    guard var known = Self.known(name.rawValue) else {
      preconditionFailure("nothing is called \(name.rawValue)")
    }
    if let draws, !known.set("draws", draws) {
      preconditionFailure("\(name.rawValue) has no draws")
    }
    defence = known
  }

  private static func known(_ name: String) -> (any Defence & Adjustable)? {
    DefenceName.known.first { $0.name == name }
  }

  /// The defence's name.
  package var name: DefenceName {
    DefenceName(rawValue: defence?.name ?? DefenceName.none.rawValue)
  }

  /// Every parameter by name, as text.
  package var parameters: [String: String] { defence?.parameters ?? [:] }

  /// The name and every parameter: "mi-ol, draws 30, lambda 0.6".
  package var title: String { ([name.rawValue] + parameters.asList).joined(separator: ", ") }

  /// The same with settings filled in that depend on the shape of the images.
  func resolved(for shape: ImageShape) -> DefenceDescription {
    func resolved(_ defence: some Defence) -> any Defence { defence.resolved(for: shape) }
    return DefenceDescription(defence.map { resolved($0) })
  }

  /// What is wrong with the description, in one line; nil if nothing is.
  var problem: String? {
    switch defence {
    case let unknown as UnknownDefence: unknown.problem
    case let known as any Defence & Adjustable: known.problem
    case let other?: nameProblem(other)
    case nil: nil
    }
  }

  /// Whether a store may have it: a defence of another package, of which nothing is known here, or one of ours
  /// whose settings are in their ranges.
  var isSound: Bool { defence is UnknownDefence || problem == nil }

  /// What is wrong with the name of another package's defence: one of ours has it, or it cannot be part of
  /// a file's name. Nil if nothing is.
  private func nameProblem(_ defence: any Defence) -> String? {
    let name = defence.name
    if DefenceName.allCases.contains(self.name) {
      return "the defence name \(name) is taken by one of ours; choose another"
    }
    let isWord =
      !name.isEmpty
      && name.allSatisfy {
        $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-")
      }
    return isWord && name.count <= 40 && defence.parameters[Self.nameKey.stringValue] == nil
      ? nil
      : "a defence is called \(name); use up to 40 of a-z, 0-9 and -, and no parameter \"name\""
  }
}

extension [String: String] {
  /// All of them in one text, by which files of records and of images know each other again.
  package var inOneLine: String { asList.joined(separator: "; ") }

  /// "name value" of every parameter, by name.
  package var asList: [String] { sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } }
}

extension DefenceDescription: Hashable {
  /// Whether name and parameters agree, which describe a defence completely.
  package static func == (a: DefenceDescription, b: DefenceDescription) -> Bool {
    a.name == b.name && a.parameters == b.parameters
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(parameters)
  }
}

/// A defence of another package as a store describes it: enough to merge and to report, but it cannot be run.
private struct UnknownDefence: Defence {
  var name: String
  var parameters: [String: String]

  var problem: String {
    "the defence \(name) is unknown here; known are "
      + DefenceName.allCases.map(\.rawValue).joined(separator: ", ")
  }

  func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier {
    throw PlanError.setting(problem)
  }
}

extension DefenceDescription: Codable {
  private static let nameKey = SettingKey("name")

  /// Reads a description from a plan or a store. Settings that are left out are as usual; those that the
  /// defence does not have are refused.
  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: SettingKey.self)
    let name = try fields.decode(String.self, forKey: Self.nameKey)
    guard name != DefenceName.none.rawValue, var known = Self.known(name) else {
      let keys = fields.allKeys.filter { $0 != Self.nameKey }
      if name == DefenceName.none.rawValue {
        try StrictCoding.check(decoder, allows: [Self.nameKey], in: "a defence of name none")
      } else {
        defence = UnknownDefence(
          name: name,
          parameters: Dictionary(
            uniqueKeysWithValues: try keys.map {
              ($0.stringValue, try fields.decode(String.self, forKey: $0))
            }))
      }
      return
    }
    try StrictCoding.check(
      decoder, allows: [Self.nameKey] + known.settingNames.map { SettingKey($0) },
      in: "a defence of name \(name)")
    try known.take(from: fields)
    defence = known
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: SettingKey.self)
    try fields.encode(name, forKey: Self.nameKey)
    if let known = defence as? any Adjustable {
      try known.write(to: &fields)
    } else {
      for (key, value) in parameters { try fields.encode(value, forKey: SettingKey(key)) }
    }
  }
}

// MARK: Command line

extension DefenceDescription {
  /// The defence of a name, with what flags say of it.
  ///
  /// - Throws: `SettingError` for what cannot be read.
  package init(_ name: DefenceName, from flags: inout GivenFlags) throws {
    self.init(name)
    guard var known = defence as? any Defence & Adjustable else { return }
    try known.take(from: &flags)
    defence = known
  }

  /// The usual values of a setting, for help texts: "0.05 of gaussian, 20.0 of rotation".
  package static func usual(_ setting: String) -> String {
    DefenceName.known.compactMap { defence in
      defence.text(of: setting).map { "\($0) of \(defence.name)" }
    }.joined(separator: ", ")
  }
}
