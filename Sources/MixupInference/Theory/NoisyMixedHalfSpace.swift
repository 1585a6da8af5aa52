import Foundation
import Robustness
import Statistics

/// Mixup inference with noise on the one model whose certificates are known exactly: F names class 1 where
/// w · x + b > 0, ‖w‖ = 1, and class 0 elsewhere.
///
/// Of an image only t = w · x matters, and of a partner u = w · x_s. Under the law of the predicted label s class
/// 1 has the mean
///
///     h_s(t) = 1/|P_s| Σ_{u ∈ P_s} Φ((λt + (1−λ)u + b)/σ),
///
/// which rises with t. Changes along w are the shortest that lower it, so the distance from an image to the
/// nearest at which class 1 loses under some law is that of t to the largest root of h_s = ½.
public struct NoisyMixedHalfSpace: Sendable {
  /// λ in (0, 1].
  public let lambda: Double
  /// σ > 0.
  public let noise: Double
  /// b.
  public let bias: Double
  /// P_s, the partners' u for every predicted label s, none empty.
  public let partners: [[Double]]

  /// The model.
  ///
  /// - Throws: `TheoryError.parameter` for numbers that make none.
  public init(
    lambda: Double, noise: Double, bias: Double, partners: [[Double]]
  ) throws(TheoryError) {
    guard lambda > 0, lambda <= 1 else {
      throw .parameter(name: "mixing ratio", value: lambda, range: "above 0 and at most 1")
    }
    guard noise > 0, noise.isFinite else {
      throw .parameter(name: "noise", value: noise, range: "finite and above 0")
    }
    guard !partners.isEmpty, let least = partners.map(\.count).min(), least > 0 else {
      throw .parameter(name: "number of partners", value: 0, range: "1 at least for every label")
    }
    self.lambda = lambda
    self.noise = noise
    self.bias = bias
    self.partners = partners
  }

  /// h_s(t).
  public func probability(at t: Double, law s: Int) -> Double {
    partners[s].reduce(0) {
      $0 + standardNormalCDF((lambda * t + (1 - lambda) * $1 + bias) / noise)
    } / Double(partners[s].count)
  }

  /// (σ/λ) min_s Φ⁻¹(h_s(t)): what is certified of class 1 at t; negative where it is below ½ under some law.
  public func certifiedRadius(at t: Double) -> Double {
    partners.indices.map {
      mixedRadius(
        probability: probability(at: t, law: $0), noise: noise, lambda: lambda)
    }.min() ?? -.infinity
  }

  /// How far t is above the largest t' with h_s(t') = ½ for some s: within less no change takes class 1's
  /// majority under any law, and a change of so much does.
  public func distance(from t: Double) -> Double {
    let roots = partners.indices.map { s in
      // h_s is at least ½ where every partner's term is, and at most ½ where none is above.
      let ends = partners[s].map { -((1 - lambda) * $0 + bias) / lambda }
      var (low, high) = (ends.min() ?? 0, ends.max() ?? 0)
      while true {
        let middle = low + (high - low) / 2
        guard low < middle, middle < high else { return high }
        if probability(at: middle, law: s) < 0.5 { low = middle } else { high = middle }
      }
    }
    return t - (roots.max() ?? 0)
  }
}

/// (σ/λ) Φ⁻¹(p): the radius in ℓ2 within which a class keeps a mean of at least ½ under one law of the partners,
/// where the mean of its F_k(λx + (1−λ)x_s + N(0, σ²)) is at least p. For label-dependent partners p is that of
/// the law for which it is smallest.
///
/// - Precondition: σ > 0 and 0 < λ ≤ 1.
public func mixedRadius(probability p: Double, noise: Double, lambda: Double) -> Double {
  certifiedRadius(probability: p, standardDeviation: noise / lambda)
}
