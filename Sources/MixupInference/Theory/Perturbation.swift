import Classification
import Foundation

/// G(δ; x₀) ∈ ℝᴸ: what an adversarial perturbation δ adds to the prediction at a clean point x₀,
/// equation (4) of Pang, Xu and Zhu, ICLR 2020.
///
/// F = H + G, H being the `LinearModel`. Always Σ_k G_k = 0, since F and H both add up to 1, and G(0; ·)
/// = 0.
public struct Perturbation: Sendable {
  private let effect: @Sendable (_ perturbation: [Double], _ point: [Double]) -> [Double]

  /// Any function of δ [D] and x₀ [D] with values in ℝᴸ, made to fit: its value at δ = 0 and then
  /// its mean over the classes are subtracted.
  public init(
    _ function: @escaping @Sendable (_ perturbation: [Double], _ point: [Double]) -> [Double]
  ) {
    effect = { perturbation, point in
      let origin = function([Double](repeating: 0, count: perturbation.count), point)
      let values = zip(function(perturbation, point), origin).map(-)
      let mean = values.reduce(0, +) / Double(max(values.count, 1))
      return values.map { $0 - mean }
    }
  }

  /// A function that is known to fit.
  private init(
    fitting effect: @escaping @Sendable (_ perturbation: [Double], _ point: [Double]) -> [Double]
  ) {
    self.effect = effect
  }

  /// G(δ; x₀), [L].
  public func callAsFunction(_ perturbation: [Double], at point: [Double]) -> [Double] {
    effect(perturbation, point)
  }

  /// Whether F = H + G stays a distribution there: Σ_k G_k = 0 and H_k + G_k ≥ 0, up to `tolerance`.
  public func preservesSimplex(
    _ perturbation: [Double], at point: [Double], on linear: LinearModel,
    tolerance: Double = 1e-9
  ) -> Bool {
    let effect = effect(perturbation, point)
    return abs(effect.reduce(0, +)) <= tolerance
      && zip(linear(point), effect).allSatisfy { $0 + $1 >= -tolerance }
  }

  /// The same effect, shortened by the largest factor up to 1 that keeps H + G at 0 or above.
  ///
  /// Makes G depend on the point. H is taken to be on the simplex, up to 10⁻¹².
  public func restrictedToSimplex(of linear: LinearModel) -> Perturbation {
    Perturbation(fitting: { [effect] perturbation, point in
      let values = effect(perturbation, point)
      let factor = zip(linear(point), values).reduce(1.0) { factor, pair in
        pair.1 < 0 ? min(factor, (max(pair.0, 0) + 1e-12) / -pair.1) : factor
      }
      return values.map { factor * $0 }
    })
  }

  // MARK: Families

  /// How the effect of δ = s·δ* depends on s, where a is the effect of the whole attack δ*. (For δ in
  /// another direction s is its component along δ*.)
  public enum Growth: Sendable, Hashable {
    /// s·a: linear in δ. Then no attack satisfies `RobustnessImprovingCondition` under MI-PL.
    case linear
    /// |s|ᵖ·a.
    case power(exponent: Double)
    /// tanh(r|s|)/tanh(r)·a: saturated long before s = 1 if r is large.
    case saturating(rate: Double)
    /// a if |s| ≥ t up to the rounding of s, else 0: the attack works in full or not at all.
    case thresholded(at: Double)
    /// |s|ᵖ·c(x₀)·a with c(x₀) between 3/4 and 1, different from point to point.
    case anchorDependent(exponent: Double)

    func scale(_ s: Double, _ point: [Double]) -> Double {
      // s is a quotient of two sums of D products, of terms of one sign where δ = λδ*: each loses
      // D·2⁻⁵³ at most; λδ, the quotient, and t = p/(1 + p) lose five more.
      let rounding = Double(2 * point.count + 6) * 0x1p-53
      return switch self {
      case .linear: s
      case .power(let exponent): s == 0 ? 0 : pow(abs(s), exponent)
      case .saturating(let rate): tanh(rate * abs(s)) / tanh(rate)
      case .thresholded(let threshold):
        s != 0 && abs(s) >= threshold * (1 - rounding) ? 1 : 0
      case .anchorDependent(let exponent):
        (s == 0 ? 0 : pow(abs(s), exponent)) * (0.875 + 0.125 * cos(3 * point.reduce(0, +)))
      }
    }

    func check() throws(TheoryError) {
      let (name, value): (String, Double) =
        switch self {
        case .linear: ("growth", 1)
        case .power(let exponent), .anchorDependent(let exponent): ("growth exponent p", exponent)
        case .saturating(let rate): ("saturation rate r", rate)
        case .thresholded(let threshold): ("threshold t", threshold)
        }
      // tanh(r) rounds to r below 1e-8 and to 1 above 19, so every positive rate is fine.
      guard value > 0, value.isFinite else {
        throw .parameter(name: name, value: value, range: "finite and above 0")
      }
    }
  }

  /// G(δ; x₀) = growth(s)·a with s = δ·δ*/‖δ*‖², so that G(λδ*; ·) = growth(λ)·a.
  ///
  /// - Parameters:
  ///   - growth: how the effect depends on the length.
  ///   - effect: a [L], the effect of δ*; its mean is subtracted.
  ///   - attack: δ* [D], not 0.
  /// - Throws: `TheoryError` if a parameter is out of range or a value is not finite.
  public static func growing(
    _ growth: Growth, to effect: [Double], along attack: [Double]
  ) throws(TheoryError) -> Perturbation {
    try growth.check()
    if let bad = (effect + attack).first(where: { !$0.isFinite }) {
      throw .notFinite(name: "a value of the effect or of the attack", bad)
    }
    let square = dot(attack, attack)
    guard square > 0, square.isFinite else {
      throw .parameter(name: "attack's squared length", value: square, range: "finite and above 0")
    }
    guard !effect.isEmpty else { throw .classCount(0, least: 1) }
    let mean = effect.reduce(0, +) / Double(effect.count)
    let centred = effect.map { $0 - mean }
    return Perturbation(fitting: { perturbation, point in
      let scale = growth.scale(dot(perturbation, attack) / square, point)
      return centred.map { scale * $0 }
    })
  }

  /// The G that resists mixing best: F is one-hot at `label` wherever δ ≠ 0, so mixing takes nothing
  /// from the attack. It stays on the simplex and depends on the point.
  public static func adversarial(
    to label: Int, against linear: LinearModel
  ) throws(TheoryError) -> Perturbation {
    guard 0..<linear.classCount ~= label else {
      throw .label(label, classCount: linear.classCount)
    }
    return Perturbation(fitting: { perturbation, point in
      guard perturbation.contains(where: { $0 != 0 }) else {
        return [Double](repeating: 0, count: linear.classCount)
      }
      return linear(point).enumerated().map { ($0.offset == label ? 1 : 0) - $0.element }
    })
  }
}
