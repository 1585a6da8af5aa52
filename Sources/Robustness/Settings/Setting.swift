import Statistics

/// One setting of an attack or a defence: what it is called in plans, records and on the command line, how it
/// is read and written, and what it may be. The usual value is that of the owner's initialiser.
///
/// Stated once, beside the type that has it; plan files, stores, records, titles and flags follow from it.
package struct Setting<Owner: Sendable>: Sendable {
  /// Its name in JSON, records and titles.
  package let name: String
  /// Its flags on the command line, without dashes; of several that are given the last in this list
  /// counts. None for what cannot be set there.
  package let flags: [String]
  /// Whether an attack that is to try harder has more of it.
  package let growsWithEffort: Bool
  /// Its value; nil if it was not set, and the usual one is computed when it is needed.
  package let value: @Sendable (Owner) -> (any SettingValue)?
  /// Sets it.
  ///
  /// - Precondition: the value is of the setting's type.
  package let assign: @Sendable (inout Owner, any SettingValue) -> Void
  /// What kind of value it has, which knows how it is read.
  let type: any SettingValue.Type
  /// What records and titles say, by name.
  package let texts: @Sendable (Owner) -> [String: String]
  /// What is wrong with it, in one line; nil if nothing is.
  let problem: @Sendable (Owner) -> String?

  /// A setting that the owner holds.
  ///
  /// - Parameters:
  ///   - flags: the name in kebab case unless given.
  ///   - texts: what records say of a value in place of its text.
  ///   - problem: what is wrong with a value, in one line; nil if nothing is.
  package init<Value: SettingValue>(
    _ name: String, flags: [String]? = nil, growsWithEffort: Bool = false,
    _ path: any WritableKeyPath<Owner, Value> & Sendable,
    texts: (@Sendable (Value) -> [String: String])? = nil,
    problem: @escaping @Sendable (Value) -> String? = { _ in nil }
  ) {
    self.init(
      name, flags, growsWithEffort, get: { $0[keyPath: path] }, set: { $0[keyPath: path] = $1 },
      texts, problem)
  }

  /// A setting that may be nil: it need not be set.
  package init<Value: SettingValue>(
    _ name: String, flags: [String]? = nil, _ path: any WritableKeyPath<Owner, Value?> & Sendable,
    texts: (@Sendable (Value) -> [String: String])? = nil,
    problem: @escaping @Sendable (Value) -> String? = { _ in nil }
  ) {
    self.init(
      name, flags, false, get: { $0[keyPath: path] }, set: { $0[keyPath: path] = $1 }, texts,
      problem)
  }

  private init<Value: SettingValue>(
    _ name: String, _ flags: [String]?, _ growsWithEffort: Bool,
    get: @escaping @Sendable (Owner) -> Value?,
    set: @escaping @Sendable (inout Owner, Value) -> Void,
    _ texts: (@Sendable (Value) -> [String: String])?,
    _ problem: @escaping @Sendable (Value) -> String?
  ) {
    self.init(
      name: name, flags: flags ?? [name.kebabCase], growsWithEffort: growsWithEffort,
      value: { get($0) },
      assign: { owner, value in
        guard let value = value as? Value else {
          preconditionFailure("\(name) is no \(Swift.type(of: value))")
        }
        set(&owner, value)
      }, type: Value.self,
      texts: { owner in get(owner).map { texts?($0) ?? [name: $0.text] } ?? [:] },
      problem: { get($0).flatMap(problem) })
  }

  private init(
    name: String, flags: [String], growsWithEffort: Bool,
    value: @escaping @Sendable (Owner) -> (any SettingValue)?,
    assign: @escaping @Sendable (inout Owner, any SettingValue) -> Void,
    type: any SettingValue.Type, texts: @escaping @Sendable (Owner) -> [String: String],
    problem: @escaping @Sendable (Owner) -> String?
  ) {
    self.name = name
    self.flags = flags
    self.growsWithEffort = growsWithEffort
    self.value = value
    self.assign = assign
    self.type = type
    self.texts = texts
    self.problem = problem
  }

  /// The same setting, of a type that holds the owner.
  package func inside<Outer>(_ path: any WritableKeyPath<Outer, Owner> & Sendable) -> Setting<Outer>
  {
    Setting<Outer>(
      name: name, flags: flags, growsWithEffort: growsWithEffort,
      value: { [value] in value($0[keyPath: path]) },
      assign: { [assign] in assign(&$0[keyPath: path], $1) }, type: type,
      texts: { [texts] in texts($0[keyPath: path]) },
      problem: { [problem] in problem($0[keyPath: path]) })
  }

  /// A number of something, from 1 to a million.
  package static func count(
    _ name: String, _ path: any WritableKeyPath<Owner, Int> & Sendable, of things: String,
    growsWithEffort: Bool = false
  ) -> Setting {
    Setting(
      name, growsWithEffort: growsWithEffort, path,
      problem: { countProblem("the number of \(things)", $0) })
  }
}

/// What may be counted in a plan: images, draws, steps.
package let plannedCounts = 1...1_000_000

/// What is wrong with a count of that name, in one line; nil if nothing is.
package func countProblem(_ name: String, _ count: Int) -> String? {
  plannedCounts ~= count ? nil : "\(name) is \(count); give a number from 1 to 1,000,000"
}

/// The N of a defence whose plan does not set it.
package let usualSampleCount = 30

/// The name of a setting as it stands in JSON.
package struct SettingKey: CodingKey, Hashable {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init(_ name: String) { stringValue = name }
  package init(stringValue: String) { self.stringValue = stringValue }
  package init?(intValue: Int) { nil }
}

/// Why a setting cannot have the value that was given, in one line.
package struct SettingError: ExplainedError, Equatable {
  package let description: String
  package var cause: ErrorCause { .usage }

  package init(_ description: String) { self.description = description }
}

/// The flags that were given on a command line, and which of them a setting has taken.
package struct GivenFlags {
  /// The texts by flag, without dashes, in the order in which they are to be named.
  private let texts: [(flag: String, text: String)]
  private var taken: Set<String> = []

  package init(_ texts: [(flag: String, text: String?)]) {
    self.texts = texts.compactMap { flag, text in text.map { (flag, $0) } }
  }

  /// The text of a flag, which counts as taken from then on; nil if it was not given.
  package mutating func take(_ flag: String) -> String? {
    taken.insert(flag)
    return texts.first { $0.flag == flag }?.text
  }

  /// The first flag that was given and that nothing has taken.
  package var untaken: String? { texts.map(\.flag).first { !taken.contains($0) } }
}

extension String {
  /// "stepSize" as "step-size".
  fileprivate var kebabCase: String {
    reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
  }
}
