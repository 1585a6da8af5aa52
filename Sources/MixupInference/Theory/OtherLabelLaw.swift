import Foundation

/// What MI-OL does to a clean input of the ideal model, which is linear between clean images: F_MI is λ
/// for the true label, and (1−λ)·count/N for every other, where count says how many of the N partners
/// have that label.
public enum OtherLabelLaw {
  /// Whether the label is kept for N → ∞: λ > (1−λ)/(L−1), that is λ > 1/L.
  public static func keepsLabel(lambda: MixingRatio, classCount: Int) -> Bool {
    !lambda.isAtMostInOdds(classCount - 1, 1)
  }

  /// The least number of draws of one label that take a clean input from its own: the smallest m with
  /// m(1−λ) ≥ Nλ, a tie counting as lost; N + 1 if all draws of one label are not enough. Exact: at
  /// λ = 2/5 and N = 12 the tie is at 8 draws.
  public static func fatalCount(lambda: MixingRatio, sampleCount: Int) -> Int {
    (0...sampleCount).first { lambda.isAtMostInOdds(sampleCount, $0) } ?? sampleCount + 1
  }

  /// The probability that N draws take a clean input from its label: that the largest count of a
  /// multinomial of N draws over L−1 equally likely labels reaches Nλ/(1−λ). Exact up to rounding.
  ///
  /// Label after label, the number of draws that fall on it among those left is binomial; all terms
  /// are positive, so even tiny probabilities keep their digits. O(L N²).
  ///
  /// - Throws: `TheoryError` unless N ≥ 1 and L ≥ 2.
  public static func failureProbability(
    lambda: MixingRatio, classCount: Int, sampleCount: Int
  ) throws(TheoryError) -> Double {
    guard sampleCount >= 1 else { throw .sampleCount(sampleCount) }
    guard classCount >= 2 else { throw .classCount(classCount, least: 2) }
    let fatal = fatalCount(lambda: lambda, sampleCount: sampleCount)
    guard fatal <= sampleCount else { return 0 }
    let logFactorials = (1...sampleCount).reduce(into: [0.0]) {
      $0.append($0[$1 - 1] + log(Double($1)))
    }
    // reached[r]: the probability that one of the labels so far gets `fatal` of r draws.
    var reached = (0...sampleCount).map { $0 >= fatal ? 1.0 : 0 }
    for labels in 2..<classCount {
      let (hit, miss) = (-log(Double(labels)), log1p(-1 / Double(labels)))
      reached = (0...sampleCount).map { draws in
        (0...draws).reduce(0) { sum, count in
          let probability = exp(
            logFactorials[draws] - logFactorials[count] - logFactorials[draws - count]
              + Double(count) * hit + Double(draws - count) * miss)
          return sum + probability * (count >= fatal ? 1 : reached[draws - count])
        }
      }
    }
    return min(reached[sampleCount], 1)
  }
}
