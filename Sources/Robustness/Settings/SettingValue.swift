import Foundation

/// What a setting may hold.
package protocol SettingValue: Codable, Hashable, Sendable {
  /// Reads the text that follows a flag. The norm says how long a length may be.
  ///
  /// - Throws: `SettingError` or `EpsilonError`.
  init(flag: String, text: String, norm: PerturbationBudget.Norm) throws
  /// Reads the value of a key in a plan.
  init(
    from fields: KeyedDecodingContainer<SettingKey>, forKey key: SettingKey,
    norm: PerturbationBudget.Norm) throws
  /// The value in titles and records.
  var text: String { get }
  /// The value in the one way of writing it that names files: equal values have equal texts.
  var canonical: Self { get }
}

extension SettingValue {
  package init(
    from fields: KeyedDecodingContainer<SettingKey>, forKey key: SettingKey,
    norm: PerturbationBudget.Norm
  ) throws {
    self = try fields.decode(Self.self, forKey: key)
  }

  package var text: String { "\(self)" }
  package var canonical: Self { self }
}

extension SettingValue where Self: LosslessStringConvertible {
  fileprivate init(flag: String, text: String, form: String) throws {
    guard let value = Self(text) else {
      throw SettingError("--\(flag) is \(text); give \(form)")
    }
    self = value
  }
}

extension Int: SettingValue {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    try self.init(flag: flag, text: text, form: "a whole number")
  }
}

extension Bool: SettingValue {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    try self.init(flag: flag, text: text, form: "true or false")
  }
}

extension Float: SettingValue {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    try self.init(flag: flag, text: text, form: "a number")
  }
}

extension SettingValue where Self: RawRepresentable<String> & CaseIterable {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    guard let value = Self(rawValue: text) else {
      let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw SettingError("--\(flag) \(text) is unknown; it takes \(names)")
    }
    self = value
  }

  package var text: String { rawValue }
}

extension AttackLoss: SettingValue {}
extension GradientAverage: SettingValue {}
extension PerturbationBudget.Norm: SettingValue {}

extension Epsilon: SettingValue {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    try self.init(text, norm: norm)
  }

  /// A length as text, "8/255", or as a number, whose decimal digits are exact.
  package init(
    from fields: KeyedDecodingContainer<SettingKey>, forKey key: SettingKey,
    norm: PerturbationBudget.Norm
  ) throws {
    if let text = try? fields.decode(String.self, forKey: key) {
      try self.init(text, norm: norm)
    } else {
      try self.init("\(fields.decode(Decimal.self, forKey: key))", norm: norm)
    }
  }

  package var canonical: Epsilon { inLowestTerms }
}

/// The least and the largest side of a square, written as two numbers.
extension ClosedRange<Int>: SettingValue {
  package init(flag: String, text: String, norm: PerturbationBudget.Norm) throws {
    let numbers = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let side = Int($0) else {
        throw SettingError("--\(flag) is \(text); give two numbers with a comma: 24,32")
      }
      return side
    }
    try self.init(sides: numbers)
  }

  package init(
    from fields: KeyedDecodingContainer<SettingKey>, forKey key: SettingKey,
    norm: PerturbationBudget.Norm
  ) throws {
    try self.init(sides: fields.decode([Int].self, forKey: key))
  }

  private init(sides: [Int]) throws {
    guard sides.count == 2, sides[0] <= sides[1] else {
      throw SettingError(
        "the sides are \(sides); give the least and the largest, such as 24,32")
    }
    self = sides[0]...sides[1]
  }

  package var text: String { "\(lowerBound)-\(upperBound)" }
}
