import Foundation
import Statistics

/// g(1−λᵖ) > c(1−λ): when an attack whose effect decays as a power, G_k(λδ; ·) = λᵖ G_k(δ; ·) with
/// |G_k(δ; ·)| = g, satisfies one half of RIC, the `RobustnessImprovingCondition`: that on the true label
/// y or that on the predicted one ŷ.
///
/// c = 1 for both halves under MI-PL, and for the detection gap under either rule. Under MI-OL c = 0 for
/// ŷ and (L−2)/(L−1) for y, with L classes. With c = 1 and g ≤ 1 it needs gp > 1, so an effect that is
/// linear in δ (p = 1) never satisfies RIC under MI-PL.
public struct GrowthCondition: Sendable, Hashable {
  /// g, in (0, 1].
  public let strength: Double
  /// p > 0.
  public let exponent: Double
  /// c, in [0, 1].
  public let slope: Double

  /// The condition of strength g, exponent p and slope c.
  ///
  /// - Throws: `TheoryError.parameter` unless 0 < g ≤ 1, 0 < p < ∞ and 0 ≤ c ≤ 1.
  public init(strength: Double, exponent: Double, slope: Double) throws(TheoryError) {
    guard strength > 0, strength <= 1 else {
      throw .parameter(name: "strength g", value: strength, range: "above 0 and at most 1")
    }
    guard exponent > 0, exponent.isFinite else {
      throw .parameter(name: "growth exponent p", value: exponent, range: "finite and above 0")
    }
    guard slope >= 0, slope <= 1 else {
      throw .parameter(name: "slope c", value: slope, range: "in [0, 1]")
    }
    self.strength = strength
    self.exponent = exponent
    self.slope = slope
  }

  /// The condition for both halves of RIC at once, which is that on y, the harder one: c = 1 under MI-PL,
  /// (L−2)/(L−1) under MI-OL.
  ///
  /// - Throws: as `init(strength:exponent:slope:)`; `TheoryError.classCount` if L is below 2.
  public init(
    strength: Double, exponent: Double, rule: PartnerLabel, classCount: Int
  ) throws(TheoryError) {
    guard classCount >= 2 else { throw .classCount(classCount, least: 2) }
    try self.init(
      strength: strength, exponent: exponent,
      slope: rule == .predicted ? 1 : Double(classCount - 2) / Double(classCount - 1))
  }

  /// g(1−λᵖ) − c(1−λ), which is ΔF_y with the c of the half on y, and −ΔF_ŷ with that of the half on ŷ.
  public func margin(at lambda: Double) -> Double {
    strength * (1 - pow(lambda, exponent)) - slope * (1 - lambda)
  }

  /// Whether g(1−λᵖ) > c(1−λ) beyond rounding: a power, two differences, two products and their
  /// difference, at most three of which any term goes through, on numbers up to g and c; the power and
  /// the parameters themselves count as two more.
  public func holds(at lambda: Double) -> Bool {
    margin(at: lambda) > 5 * 0x1p-53 * (strength + slope)
  }

  /// The open interval of λ in (0, 1) where the condition holds; nil if there is none.
  ///
  /// The margin is 0 at λ = 1 and g−c at λ = 0; it is concave in λ for p ≥ 1 and convex for p ≤ 1, so
  /// there is one interval at most, which ends in one root at most, found by bisection to rounding.
  public var favourableLambdas: Interval? {
    let difference = strength - slope
    let gain = abs(difference) <= 4 * 0x1p-53 * slope ? 0 : difference
    // The margin falls through its zero at λ = 1, and so is positive just before. The parameters and
    // the product are each rounded once: closer than that, g or gp and c are taken to be equal.
    let steepness = strength * exponent - slope
    let isTie = abs(steepness) <= 4 * 0x1p-53 * slope
    let isPositiveBeforeOne = steepness > 0 && !isTie
    if exponent > 1 {
      guard isPositiveBeforeOne else { return nil }
      // Below the maximum of a concave function there is one root.
      let top = pow(slope / (strength * exponent), 1 / (exponent - 1))
      return Interval(lower: gain >= 0 ? 0 : root(from: 0, to: top), upper: 1)
    }
    guard gain > 0 else { return nil }
    if exponent == 1 || isPositiveBeforeOne || isTie {
      return Interval(lower: 0, upper: 1)
    }
    // Convex, positive at 0 and negative just before 1: the root lies before the minimum.
    let bottom = pow(strength * exponent / slope, 1 / (1 - exponent))
    return Interval(lower: 0, upper: root(from: 0, to: bottom))
  }

  /// The λ above which the condition holds until λ = 1; nil if it does not hold just before 1.
  ///
  /// For MI-PL (c = 1) and g < 1 the root of g(1−λᵖ) = 1−λ; 0 for g = 1.
  public var criticalLambda: Double? {
    favourableLambdas.flatMap { $0.upper == 1 ? $0.lower : nil }
  }

  /// The exponent above which a condition of this strength and slope holds at λ, whatever its own:
  /// p = ln(1 − c(1−λ)/g) / ln λ, which tends to c/g where λ does to 1.
  ///
  /// - Returns: nil unless 0 < λ < 1, and where no exponent is enough because c(1−λ) ≥ g.
  public func criticalExponent(at lambda: Double) -> Double? {
    let share = slope * (1 - lambda) / strength
    guard lambda > 0, lambda < 1, share < 1 else { return nil }
    return log1p(-share) / log(lambda)
  }

  /// The root between two places of different sign.
  private func root(from start: Double, to end: Double) -> Double {
    var (a, b) = (start, end)
    let isPositive = margin(at: a) > 0
    while true {
      let middle = a + (b - a) / 2
      guard middle > a, middle < b else { return middle }
      if (margin(at: middle) > 0) == isPositive { a = middle } else { b = middle }
    }
  }
}
