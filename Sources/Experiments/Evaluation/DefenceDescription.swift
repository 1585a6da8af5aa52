import MixupInference
import NeuralNetwork
import Robustness

/// A defence by its name, with all that its output depends on besides network and pool; what flags,
/// plan files and records hold.
package struct DefenceDescription: Hashable, Sendable {
  /// Which one.
  package var name: DefenceName
  /// λ, of MI-OL in MI-Combined.
  package var lambda: Float?
  /// λ of MI-PL in MI-Combined.
  package var lambdaPredicted: Float?
  /// The detection threshold of MI-Combined.
  package var threshold: Float?
  /// N, of each rule.
  package var draws: Int?

  /// A defence; parameters that are not given are the usual ones, those that it does not have are
  /// dropped.
  package init(
    _ name: DefenceName, lambda: Float? = nil, lambdaPredicted: Float? = nil,
    threshold: Float? = nil, draws: Int? = nil
  ) {
    self.name = name
    guard name != .none else { return }
    self.lambda = lambda ?? 0.5
    self.draws = draws ?? 30
    guard name == .combined else { return }
    self.lambdaPredicted = lambdaPredicted ?? self.lambda
    self.threshold = threshold ?? 0.2
  }

  /// The rule of mixup inference; nil for no defence.
  var rule: MixupInferenceRule? {
    guard let lambda, let draws else { return nil }
    let other = Mixing(ratio: lambda, sampleCount: draws)
    return switch name {
    case .none: nil
    case .predictedLabel: .predictedLabel(other)
    case .otherLabel: .otherLabel(other)
    case .combined:
      .combined(
        predictedLabel: Mixing(ratio: lambdaPredicted ?? lambda, sampleCount: draws),
        otherLabel: other, threshold: threshold ?? 0.2)
    }
  }

  /// Every parameter by name, as text.
  var parameters: [String: String] {
    var parameters: [String: String] = [:]
    parameters["lambda"] = lambda.map { "\($0)" }
    parameters["lambdaPredicted"] = lambdaPredicted.map { "\($0)" }
    parameters["threshold"] = threshold.map { "\($0)" }
    parameters["draws"] = draws.map { "\($0)" }
    return parameters
  }
}

extension DefenceDescription: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case name, lambda, lambdaPredicted, threshold, draws
  }

  package init(from decoder: any Decoder) throws {
    try StrictCoding.check(decoder, allows: Key.allCases, in: "a defence")
    let fields = try decoder.container(keyedBy: Key.self)
    self.init(
      try fields.decode(DefenceName.self, forKey: .name),
      lambda: try fields.decodeIfPresent(Float.self, forKey: .lambda),
      lambdaPredicted: try fields.decodeIfPresent(Float.self, forKey: .lambdaPredicted),
      threshold: try fields.decodeIfPresent(Float.self, forKey: .threshold),
      draws: try fields.decodeIfPresent(Int.self, forKey: .draws))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeIfPresent(lambda, forKey: .lambda)
    try fields.encodeIfPresent(lambdaPredicted, forKey: .lambdaPredicted)
    try fields.encodeIfPresent(threshold, forKey: .threshold)
    try fields.encodeIfPresent(draws, forKey: .draws)
  }
}
