import Classification
import MixupInference
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
  /// σ of Gaussian noise and r of uniform noise, on the pixel scale; degrees of a rotation.
  package var strength: Float?
  /// The least and the largest side of a random square, in pixels.
  package var sides: [Int]?
  /// Bits of a value.
  package var bits: Int?
  /// What is done in turn, of a composition.
  package var parts: [DefenceDescription]?
  /// N, of each rule.
  package var draws: Int?

  /// A defence; parameters that are not given are the usual ones, those that it does not have are
  /// dropped.
  package init(
    _ name: DefenceName, lambda: Float? = nil, lambdaPredicted: Float? = nil,
    threshold: Float? = nil, strength: Float? = nil, sides: [Int]? = nil, bits: Int? = nil,
    parts: [DefenceDescription]? = nil, draws: Int? = nil
  ) {
    self.name = name
    switch name {
    case .none: return
    case .predictedLabel, .otherLabel: self.lambda = lambda ?? 0.5
    case .combined:
      self.lambda = lambda ?? 0.5
      self.lambdaPredicted = lambdaPredicted ?? self.lambda
      self.threshold = threshold ?? 0.2
    case .gaussianNoise: self.strength = strength ?? 0.05
    case .uniformNoise: self.strength = strength ?? 0.1
    case .rotation: self.strength = strength ?? 20
    case .cropAndPad, .resizeAndPad, .cropAndResize: self.sides = sides
    case .bitDepth: self.bits = bits ?? 4
    case .composition: self.parts = parts ?? []
    }
    self.draws = name == .bitDepth ? 1 : draws ?? 30
  }

  /// The same with the sides that are usual for images of that shape, three quarters to all, where none
  /// are given.
  func resolved(for shape: ImageShape) -> DefenceDescription {
    var copy = self
    copy.parts = parts?.map { $0.resolved(for: shape) }
    guard [.cropAndPad, .resizeAndPad, .cropAndResize].contains(name), sides == nil else {
      return copy
    }
    let side = min(shape.height, shape.width)
    copy.sides = [side * 3 / 4, side]
    return copy
  }

  /// The rule of mixup inference; nil for any other defence.
  var rule: MixupInferenceRule? {
    guard let lambda, let draws else { return nil }
    let other = Mixing(ratio: lambda, sampleCount: draws)
    switch name {
    case .predictedLabel: return .predictedLabel(other)
    case .otherLabel: return .otherLabel(other)
    case .combined:
      return .combined(
        predictedLabel: Mixing(ratio: lambdaPredicted ?? lambda, sampleCount: draws),
        otherLabel: other, threshold: threshold ?? 0.2)
    default: return nil
    }
  }

  /// The changes of the input; nil for no defence, and for mixup inference.
  ///
  /// - Precondition: sides are resolved, and two in rising order.
  var transformations: [InputTransformation]? {
    func sides(_ make: (ClosedRange<Int>) -> InputTransformation) -> [InputTransformation]? {
      guard let own = self.sides, own.count == 2, own[0] <= own[1] else { return nil }
      return [make(own[0]...own[1])]
    }
    switch name {
    case .none, .predictedLabel, .otherLabel, .combined: return nil
    case .gaussianNoise: return [.gaussianNoise(standardDeviation: strength ?? 0)]
    case .uniformNoise: return [.uniformNoise(radius: strength ?? 0)]
    case .rotation: return [.rotation(degrees: strength ?? 0)]
    case .cropAndPad: return sides { .cropAndPad(sides: $0) }
    case .resizeAndPad: return sides { .resizeAndPad(sides: $0) }
    case .cropAndResize: return sides { .cropAndResize(sides: $0) }
    case .bitDepth: return [.bitDepth(bits ?? 8)]
    case .composition: return parts?.flatMap { $0.transformations ?? [] }
    }
  }

  /// The name and every parameter: "mi-ol, draws 30, lambda 0.6".
  package var title: String { ([name.rawValue] + parameters.asList).joined(separator: ", ") }

  /// Every parameter by name, as text.
  var parameters: [String: String] {
    var parameters: [String: String] = [:]
    parameters["lambda"] = lambda.map { "\($0)" }
    parameters["lambdaPredicted"] = lambdaPredicted.map { "\($0)" }
    parameters["threshold"] = threshold.map { "\($0)" }
    parameters["strength"] = strength.map { "\($0)" }
    parameters["sides"] = sides.map { $0.map { "\($0)" }.joined(separator: "-") }
    parameters["bits"] = bits.map { "\($0), gradient straight through" }
    for (place, part) in (parts ?? []).enumerated() {
      parameters["part \(place + 1)"] =
        ([part.name.rawValue] + part.parameters.filter { $0.key != "draws" }.asList)
        .joined(separator: ", ")
    }
    parameters["draws"] = draws.map { "\($0)" }
    return parameters
  }
}

extension [String: String] {
  /// "name value" of every parameter, by name.
  package var asList: [String] { sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } }
}

extension DefenceDescription: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case name, lambda, lambdaPredicted, threshold, strength, sides, bits, parts, draws
  }

  package init(from decoder: any Decoder) throws {
    try StrictCoding.check(decoder, allows: Key.allCases, in: "a defence")
    let fields = try decoder.container(keyedBy: Key.self)
    self.init(
      try fields.decode(DefenceName.self, forKey: .name),
      lambda: try fields.decodeIfPresent(Float.self, forKey: .lambda),
      lambdaPredicted: try fields.decodeIfPresent(Float.self, forKey: .lambdaPredicted),
      threshold: try fields.decodeIfPresent(Float.self, forKey: .threshold),
      strength: try fields.decodeIfPresent(Float.self, forKey: .strength),
      sides: try fields.decodeIfPresent([Int].self, forKey: .sides),
      bits: try fields.decodeIfPresent(Int.self, forKey: .bits),
      parts: try fields.decodeIfPresent([DefenceDescription].self, forKey: .parts),
      draws: try fields.decodeIfPresent(Int.self, forKey: .draws))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeIfPresent(lambda, forKey: .lambda)
    try fields.encodeIfPresent(lambdaPredicted, forKey: .lambdaPredicted)
    try fields.encodeIfPresent(threshold, forKey: .threshold)
    try fields.encodeIfPresent(strength, forKey: .strength)
    try fields.encodeIfPresent(sides, forKey: .sides)
    try fields.encodeIfPresent(bits, forKey: .bits)
    try fields.encodeIfPresent(parts, forKey: .parts)
    try fields.encodeIfPresent(draws, forKey: .draws)
  }
}
