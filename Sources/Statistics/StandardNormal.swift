import Foundation

/// Φ(x) = ½ erfc(−x / √2), the standard normal distribution function.
package func standardNormalCDF(_ x: Double) -> Double {
  erfc(-x * 0.5.squareRoot()) / 2
}

/// Φ⁻¹(p), the x below which a standard normal variable falls with probability p; −∞ at 0, ∞ at 1.
///
/// Relative error below 10⁻¹² for 10⁻³⁰⁰ ≤ p ≤ 1 − 2⁻⁵³; NaN outside [0, 1].
///
/// Solved by Newton's method on a concave increasing function, started below its root: every
/// tangent lies above the function, so the iterates rise to the root and stop where rounding does.
package func standardNormalQuantile(_ p: Double) -> Double {
  guard p > 0 && p < 1 else { return p == 0 ? -.infinity : p == 1 ? .infinity : .nan }
  let fromMiddle = p - 0.5
  if abs(fromMiddle) <= 0.25 {
    // Φ(x) − ½ as a function of x ≥ 0; here Φ itself would lose the digits of a small x.
    let x = newton(from: 0) { x in
      (abs(fromMiddle) - erf(x * 0.5.squareRoot()) / 2) / density(x)
    }
    return fromMiddle < 0 ? -x : x
  }
  // ln Φ(x) as a function of x < 0; the start is below the root since Φ(−t) ≤ ½ exp(−t²/2).
  let tail = min(p, 1 - p)
  let x = newton(from: -(-2 * log(2 * tail)).squareRoot()) { x in
    let reached = standardNormalCDF(x)
    return log(tail / reached) * reached / density(x)
  }
  return p < 0.5 ? x : -x
}

/// Adds `step` to x for as long as x grows.
private func newton(from start: Double, step: (Double) -> Double) -> Double {
  var x = start
  while true {
    let next = x + step(x)
    guard next > x else { return x }
    x = next
  }
}

/// The standard normal density, exp(−x²/2) / √(2π).
private func density(_ x: Double) -> Double {
  exp(-x * x / 2) / (2 * .pi).squareRoot()
}
