import Classification
import Foundation
import Statistics

/// A random synthetic model with an attacked input on which to try the paper's equations.
public struct SyntheticScenario: Sendable {
  /// A family of G by the name that commands use.
  public enum Family: String, Sendable, Codable, CaseIterable {
    /// G(λδ; ·) = λ G(δ; ·).
    case linear
    /// G(λδ; ·) = λᵖ G(δ; ·).
    case power
    /// G(λδ; ·) = tanh(pλ)/tanh(p) G(δ; ·).
    case saturating
    /// G(λδ; ·) = G(δ; ·) if λ ≥ p/(1+p), else 0.
    case thresholded
    /// As `power`, times a factor that differs from point to point.
    case anchorDependent = "anchor-dependent"
    /// F is one-hot at ŷ wherever δ ≠ 0.
    case adversarial
  }

  /// What kind of model and attack.
  public struct Settings: Sendable, Hashable, Codable {
    /// L ≥ 2.
    public var classCount = 10
    /// D ≥ L−1.
    public var dimension = 16
    /// The points of every class in the pool; 1 where D = L−1 leaves no room for more.
    public var pointsPerClass = 4
    /// How G decays.
    public var family = Family.power
    /// p > 0, the growth exponent of `power` and `anchorDependent`; sets the other families' scale.
    public var exponent = 2.0
    /// g in (0, 1], what the attack takes from the true label: G_y(δ; x₀) = −g.
    public var strength = 0.9
    /// The share of g, in [0, 1), that goes to classes other than ŷ.
    public var spread = 0.0
    /// The scale of H's random component outside the affine hull of the pool.
    public var nullSpace = 1.0

    /// The defaults.
    public init() {}
  }

  /// What it was made with.
  public let settings: Settings
  /// F = H + G with its pool.
  public let model: SyntheticModel
  /// An input that the attack moves from y towards ŷ.
  public let input: AttackedInput

  /// A random model: points with independent normal coordinates (further ones of a class differ from
  /// its first by directions that H does not see), H one-hot at all of them, x₀ between two points of
  /// class y, and an attack δ of random direction and length.
  ///
  /// - Throws: `TheoryError` if the settings are out of range.
  public init(_ settings: Settings, key: RandomKey) throws(TheoryError) {
    let (L, D) = (settings.classCount, settings.dimension)
    guard L >= 2 else { throw .classCount(L, least: 2) }
    guard D >= L - 1 else { throw .dimension(D, least: L - 1) }
    guard settings.pointsPerClass >= 1 else {
      throw .parameter(
        name: "number of points of a class", value: Double(settings.pointsPerClass),
        range: "1 at least")
    }
    guard settings.strength > 0, settings.strength <= 1 else {
      throw .parameter(
        name: "strength g", value: settings.strength, range: "above 0 and at most 1")
    }
    guard settings.spread >= 0, settings.spread < 1 else {
      throw .parameter(name: "spread", value: settings.spread, range: "at least 0 and below 1")
    }
    guard settings.nullSpace.isFinite else {
      throw .parameter(
        name: "scale of the null-space component", value: settings.nullSpace, range: "finite")
    }
    guard settings.exponent > 0, settings.exponent.isFinite else {
      throw .parameter(
        name: "growth exponent p", value: settings.exponent, range: "finite and above 0")
    }
    var stream = RandomStream(key)
    func normal() -> [Double] { (0..<D).map { _ in stream.standardNormal() } }

    var pool = (0..<L).map { Anchor(point: normal(), label: $0) }
    if D >= L, settings.pointsPerClass > 1 {
      let first = try LinearModel(fitting: pool, classCount: L)
      // Directions that the weights do not see, from an orthonormal basis of those that they do.
      var basis: [[Double]] = []
      func projected(_ direction: [Double]) -> [Double] {
        var rest = direction
        for _ in 0..<2 { for vector in basis { add(-dot(rest, vector), vector, to: &rest) } }
        return rest
      }
      for row in first.weights {
        let rest = projected(row)
        let length = dot(rest, rest).squareRoot()
        // The rows add up to 0, so the last one is a sum of the others, up to rounding.
        if length > 1e-9 * dot(row, row).squareRoot() { basis.append(rest.map { $0 / length }) }
      }
      for label in 0..<L {
        for _ in 1..<settings.pointsPerClass {
          var point = pool[label].point
          add(1, projected(normal()), to: &point)
          pool.append(Anchor(point: point, label: label))
        }
      }
    }
    var nullKey = key
    nullKey.step &+= 1
    let linear = try LinearModel(
      fitting: pool, classCount: L, nullSpace: settings.nullSpace, key: nullKey)

    let label = stream.integer(below: L)
    let target = (label + 1 + stream.integer(below: L - 1)) % L
    let own = pool.filter { $0.label == label }.map(\.point)
    let point = mix(
      stream.uniformDouble(), own[stream.integer(below: own.count)],
      own[stream.integer(below: own.count)])
    let length = 0.1 + 0.9 * stream.uniformDouble()
    let attack = normal().map { length * $0 }

    var effect = [Double](repeating: 0, count: L)
    let others = (0..<L).filter { $0 != label && $0 != target }
    let spread = others.isEmpty ? 0 : settings.spread
    let shares = others.map { _ in -log(1 - stream.uniformDouble()) }
    let total = shares.reduce(0, +)
    for (other, share) in zip(others, shares) where total > 0 {
      effect[other] = settings.strength * spread * share / total
    }
    effect[label] = -settings.strength
    effect[target] = settings.strength * (1 - spread)

    self.settings = settings
    model = try SyntheticModel(
      linear,
      Self.perturbation(settings, effect: effect, along: attack, to: target, on: linear),
      pool: pool)
    input = model.input(at: point, label: label, perturbed: attack)
  }

  /// The G that the settings ask for, with the effect a [L] of the attack δ* [D].
  package static func perturbation(
    _ settings: Settings, effect: [Double], along attack: [Double], to target: Int,
    on linear: LinearModel
  ) throws(TheoryError) -> Perturbation {
    let growth: Perturbation.Growth =
      switch settings.family {
      case .adversarial: .linear
      case .linear: .linear
      case .power: .power(exponent: settings.exponent)
      case .saturating: .saturating(rate: settings.exponent)
      case .thresholded: .thresholded(at: settings.exponent / (1 + settings.exponent))
      case .anchorDependent: .anchorDependent(exponent: settings.exponent)
      }
    return settings.family == .adversarial
      ? try .adversarial(to: target, against: linear)
      : try .growing(growth, to: effect, along: attack)
  }
}
