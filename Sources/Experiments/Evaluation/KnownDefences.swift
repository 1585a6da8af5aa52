import MixupInference
import Robustness

extension DefenceName {
  /// The defences that plans and commands can name, with their usual settings, in the order in which help
  /// lists them. Their settings stand beside their types.
  static let known: [any Defence & Adjustable] = MixupInferenceRule.known + TransformedInput.known
}

/// A defence by the name that commands, plans, records and tables use.
package struct DefenceName: Hashable, Sendable, RawRepresentable, CaseIterable, Codable {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package static let none = DefenceName(rawValue: "none")
  package static let predictedLabel = DefenceName(rawValue: "mi-pl")
  package static let otherLabel = DefenceName(rawValue: "mi-ol")
  package static let combined = DefenceName(rawValue: "mi-combined")
  package static let gaussianNoise = DefenceName(rawValue: "gaussian")
  package static let rotation = DefenceName(rawValue: "rotation")
  package static let cropAndPad = DefenceName(rawValue: "crop-pad")
  package static let cropAndResize = DefenceName(rawValue: "crop-resize")

  /// "none", and the defences that plans and commands can name.
  package static var allCases: [DefenceName] {
    [.none] + known.map { DefenceName(rawValue: $0.name) }
  }

  /// Those of the main table: the network alone and the three rules of mixup inference.
  package static let ofMixup: [DefenceName] = [.none, .predictedLabel, .otherLabel, .combined]

  /// What the paper's tables call it.
  package var title: String {
    [Self.predictedLabel: "MI-PL", .otherLabel: "MI-OL", .combined: "MI-Combined"][self]
      ?? rawValue
  }
}
