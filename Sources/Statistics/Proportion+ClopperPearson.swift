import Foundation

extension Proportion {
  /// The interval of Clopper and Pearson: every p under which neither k or fewer nor k or more
  /// successes have a probability below (1 − confidence)/2. Its chance to miss the true p is at most
  /// 1 − confidence for every n and p: no approximation (`CoverageTests` enumerates).
  ///
  /// Contains k/n; [0, 1] without trials. O(log(1/p)) evaluations of a continued fraction. Source:
  /// Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26, 1934.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func clopperPearsonInterval(confidence: Double = 0.95) -> Interval {
    precondition(confidence > 0 && confidence < 1, "confidence \(confidence) is not inside (0, 1)")
    guard trials > 0 else { return Interval(lower: 0, upper: 1) }
    let tail = (1 - confidence) / 2
    let (k, n) = (Double(successes), Double(trials))
    // P(X ≥ k) = I_p(k, n − k + 1) rises with p. P(X ≤ k) is the same for failures: n − k of them, each
    // with probability 1 − p.
    let lower = successes == 0 ? 0 : solve(tail) { incompleteBeta($0, k, n - k + 1) }
    let upper =
      successes == trials ? 1 : 1 - solve(tail) { incompleteBeta($0, n - k, k + 1) }
    return Interval(lower: min(lower, value), upper: max(upper, value))
  }
}

/// The p in [0, 1] at which a rising function takes the value.
private func solve(_ value: Double, _ f: (Double) -> Double) -> Double {
  var (low, high) = (0.0, 1.0)
  while true {
    let middle = low + (high - low) / 2
    guard low < middle, middle < high else { return low }
    if f(middle) < value { low = middle } else { high = middle }
  }
}

/// I_x(a, b), the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22) with the
/// algorithm of Lentz; as 1 − I_{1−x}(b, a) where that converges faster.
package func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  guard x > 0 else { return 0 }
  guard x < 1 else { return 1 }
  guard x <= (a + 1) / (a + b + 2) else { return 1 - incompleteBeta(1 - x, b, a) }
  let logFactor = lgamma(a + b) - lgamma(a) - lgamma(b)
  let logFront = logFactor + a * log(x) + b * log1p(-x)
  return exp(logFront - log(a)) * incompleteBetaFraction(x, a, b)
}

/// The continued fraction of I_x(a, b), which is x^a (1 − x)^b / (a B(a, b)) times it; for x up to (a + 1) / (a + b +
/// 2), where it converges fast.
func incompleteBetaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
  let tiny = 1e-300
  var c = 1.0
  var d = 1 / nonzero(1 - (a + b) * x / (a + 1), tiny)
  var fraction = d
  for step in 1...100_000 {
    let m = Double(step)
    for term in [
      m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
    ] {
      d = 1 / nonzero(1 + term * d, tiny)
      c = nonzero(1 + term / c, tiny)
      fraction *= c * d
    }
    if abs(c * d - 1) < 1e-15 { break }
  }
  return fraction
}

private func nonzero(_ value: Double, _ tiny: Double) -> Double {
  abs(value) < tiny ? tiny : value
}
