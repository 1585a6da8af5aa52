import Foundation

/// What MI-OL does to a clean input of the ideal model: F_MI has λ for the true label, and of the rest
/// every other label gets as much as it was drawn, (1−λ)·count/N.
public enum OtherLabelLaw {
  /// Whether the label is kept for N → ∞: λ > (1−λ)/(L−1), that is λ > 1/L.
  public static func keepsLabel(ratio: Double, classCount: Int) -> Bool {
    ratio * Double(classCount) > 1
  }

  /// The least number of draws of one label that take a clean input from its own: the smallest m with
  /// m(1−λ) ≥ Nλ, a tie counting as lost; N + 1 if all draws of one label are not enough.
  public static func fatalCount(ratio: Double, sampleCount: Int) -> Int {
    let needed = Double(sampleCount) * ratio
    return (0...sampleCount).first { Double($0) * (1 - ratio) >= needed } ?? sampleCount + 1
  }

  /// The probability that N draws take a clean input from its label: that the largest count of a
  /// multinomial of N draws over L−1 equally likely labels reaches Nλ/(1−λ). Exact up to rounding.
  ///
  /// Label after label, the number of draws that fall on it among those left is binomial; all terms
  /// are positive, so even tiny probabilities keep their digits. O(L N²).
  ///
  /// - Throws: `TheoryError` unless λ is in [0, 1], N ≥ 1 and L ≥ 2.
  public static func failureProbability(
    ratio: Double, classCount: Int, sampleCount: Int
  ) throws(TheoryError) -> Double {
    guard ratio >= 0, ratio <= 1 else { throw .ratio(ratio) }
    guard sampleCount >= 1 else { throw .sampleCount(sampleCount) }
    guard classCount >= 2 else { throw .classCount(classCount, least: 2) }
    let fatal = fatalCount(ratio: ratio, sampleCount: sampleCount)
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
