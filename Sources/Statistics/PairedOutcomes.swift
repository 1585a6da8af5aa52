/// How two classifiers did on the same examples: what a comparison of their accuracies rests on.
public struct PairedOutcomes: Sendable, Hashable, Codable {
  /// Examples that both got right.
  public let both: Int
  /// Examples that only the first got right.
  public let onlyFirst: Int
  /// Examples that only the second got right.
  public let onlySecond: Int
  /// Examples that neither got right.
  public let neither: Int

  /// The counts of a table.
  ///
  /// - Precondition: no count is negative.
  public init(both: Int, onlyFirst: Int, onlySecond: Int, neither: Int) {
    precondition(min(both, onlyFirst, onlySecond, neither) >= 0, "a count is negative")
    self.both = both
    self.onlyFirst = onlyFirst
    self.onlySecond = onlySecond
    self.neither = neither
  }

  /// Whether each of two classifiers was right, example by example.
  ///
  /// - Precondition: as many outcomes of one as of the other.
  public init(_ first: [Bool], _ second: [Bool]) {
    precondition(first.count == second.count, "outcomes come in pairs")
    var counts = [0, 0, 0, 0]
    for (a, b) in zip(first, second) { counts[(a ? 0 : 2) + (b ? 0 : 1)] += 1 }
    self.init(both: counts[0], onlyFirst: counts[1], onlySecond: counts[2], neither: counts[3])
  }

  /// n, the number of examples.
  public var count: Int { both + onlyFirst + onlySecond + neither }
  /// Accuracy of the first classifier.
  public var first: Proportion { Proportion(successes: both + onlyFirst, trials: count) }
  /// Accuracy of the second classifier.
  public var second: Proportion { Proportion(successes: both + onlySecond, trials: count) }
  /// Accuracy of the first less that of the second; NaN without examples.
  public var difference: Double { Double(onlyFirst - onlySecond) / Double(count) }

  /// The two-sided p-value of McNemar's exact test for equal accuracies: min(1, 2 P(X ≤ k)), where X ~
  /// Binomial(onlyFirst + onlySecond, ½) and k is the smaller of `onlyFirst` and `onlySecond`. 1 where
  /// the classifiers never differ.
  ///
  /// Source: McNemar, "Note on the sampling error of the difference between correlated proportions
  /// or percentages", Psychometrika 12, 1947; the binomial form.
  public var pValue: Double { min(1, 2 * chanceThatSecondWins(atMost: min(onlyFirst, onlySecond))) }

  /// The one-sided p-value: the chance P(X ≤ onlyFirst), X ~ Binomial(onlyFirst + onlySecond, ½), that an
  /// equally accurate first classifier does as badly as this or worse. Small where the first is less
  /// accurate than the second.
  public var pValueOfLess: Double { chanceThatSecondWins(atMost: onlyFirst) }

  /// P(X ≤ k) for X ~ Binomial(n, ½), n being the number of examples on which the two differ.
  private func chanceThatSecondWins(atMost k: Int) -> Double {
    let n = onlyFirst + onlySecond
    // P(X ≤ k) = I_{1/2}(n − k, k + 1).
    return k >= n ? 1 : incompleteBeta(0.5, Double(n - k), Double(k + 1))
  }

  /// An interval for the difference d of the accuracies: its lower end is d − √(a² − 2φab + b²), where a
  /// is the distance from the first accuracy to the lower end of its Wilson interval, b that from the
  /// second to its upper end, and φ the correlation of the two outcomes; its upper end likewise.
  ///
  /// In [−1, 1]; contains `difference`. An approximation: at 95% it covers the true difference with
  /// probability 0.965 in the mean and 0.913 at least, computed exactly from every table of 5, 10, 20 and
  /// 30 pairs for accuracies of 5 to 95% that agree by little, half and much (`CoverageTests`). Source:
  /// Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
  /// paired data", Statistics in Medicine 17, 1998, method 10.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func differenceInterval(confidence: Double = 0.95) -> Interval {
    guard count > 0 else { return Interval(lower: -1, upper: 1) }
    let (p, q) = (first.value, second.value)
    let (a, b) = (
      first.wilsonInterval(confidence: confidence), second.wilsonInterval(confidence: confidence)
    )
    let correlation = self.correlation
    func reach(_ x: Double, _ y: Double) -> Double {
      max(0, x * x - 2 * correlation * x * y + y * y).squareRoot()
    }
    return Interval(
      lower: max(-1, difference - reach(p - a.lower, b.upper - q)),
      upper: min(1, difference + reach(a.upper - p, q - b.lower)))
  }

  /// The correlation φ = (both·neither − onlyFirst·onlySecond)/√(product of the four margins), where a
  /// positive numerator is first lowered by n/2, but not below 0, as Newcombe's method has it. 0 if a
  /// margin is 0.
  private var correlation: Double {
    let rows = Double(both + onlyFirst) * Double(onlySecond + neither)
    let columns = Double(both + onlySecond) * Double(onlyFirst + neither)
    guard rows > 0, columns > 0 else { return 0 }
    let determinant = Double(both) * Double(neither) - Double(onlyFirst) * Double(onlySecond)
    let numerator = determinant > 0 ? max(0, determinant - Double(count) / 2) : determinant
    return numerator / (rows.squareRoot() * columns.squareRoot())
  }
}

/// The p-values of a family of tests, raised so that the chance to reject any true hypothesis by
/// p ≤ α is at most α, whatever their dependence: p̃₍ᵢ₎ = max_{j ≤ i} min(1, (m − j + 1) p₍ⱼ₎), the p-values
/// in rising order. The result is in the order of the argument. O(m log m).
///
/// Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
///
/// - Precondition: every p-value is in [0, 1].
public func holmAdjusted(_ pValues: [Double]) -> [Double] {
  precondition(pValues.allSatisfy { 0 <= $0 && $0 <= 1 }, "a p-value is outside [0, 1]")
  var adjusted = pValues
  var largest = 0.0
  let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
  for (rank, index) in order.enumerated() {
    largest = max(largest, min(1, Double(pValues.count - rank) * pValues[index]))
    adjusted[index] = largest
  }
  return adjusted
}
