import Foundation

/// The area under a ROC curve with its variance as DeLong, DeLong and Clarke-Pearson estimate it, for
/// scores of independent examples.
///
/// The area is the mean over the positives of their placements, the share of negatives that score
/// lower (ties count half), and over the negatives likewise; its variance is the sum of those of the
/// two means. Sources: DeLong et al., Biometrics 44, 1988; by midranks, O((m + n) log(m + n)), as Sun
/// and Xu, IEEE Signal Processing Letters 21, 2014.
public struct AreaUnderCurve: Sendable {
  /// P(positive > negative) + ½ P(positive = negative), of the samples.
  public let value: Double
  private let positivePlacements: [Double]
  private let negativePlacements: [Double]

  /// The area of two samples of scores, larger meaning positive.
  ///
  /// - Throws: `ROCError` if a sample is empty or a score is no finite number.
  public init(negatives: [Double], positives: [Double]) throws(ROCError) {
    guard !negatives.isEmpty, !positives.isEmpty else {
      throw .empty(negatives: negatives.count, positives: positives.count)
    }
    if let bad = (negatives + positives).first(where: { !$0.isFinite }) { throw .notFinite(bad) }
    let all = midranks(positives + negatives)
    let (m, n) = (Double(positives.count), Double(negatives.count))
    positivePlacements = zip(all, midranks(positives)).map { ($0 - $1) / n }
    negativePlacements = zip(all.dropFirst(positives.count), midranks(negatives)).map {
      1 - ($0 - $1) / m
    }
    value = positivePlacements.reduce(0, +) / m
  }

  /// The estimate of the area's variance; 0 with a single example of a kind counts that kind as certain.
  public var variance: Double { covariance(with: self) }

  /// An interval on the scale of the log-odds, so that it stays in [0, 1].
  ///
  /// Where the samples do not overlap the estimate of the variance is 0 and says nothing: then the
  /// interval is Wilson's for as many pairs in order as the smaller sample has examples.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func interval(confidence: Double = 0.95) -> Interval {
    guard value > 0, value < 1, variance > 0 else {
      let trials = Double(min(positivePlacements.count, negativePlacements.count))
      return wilsonInterval(value, trials: trials, confidence: confidence)
    }
    let reach =
      -standardNormalQuantile((1 - confidence) / 2) * variance.squareRoot() / (value * (1 - value))
    let center = log(value / (1 - value))
    func share(_ logOdds: Double) -> Double { 1 / (1 + exp(-logOdds)) }
    return Interval(lower: share(center - reach), upper: share(center + reach))
  }

  /// Of two scores of the same examples: the area of this less that of the other, and the variance of
  /// the difference.
  ///
  /// - Precondition: the same numbers of positives and negatives, in the same order.
  public func difference(
    from other: AreaUnderCurve
  ) -> (value: Double, variance: Double) {
    (
      value - other.value,
      max(0, variance + other.variance - 2 * covariance(with: other))
    )
  }

  private func covariance(with other: AreaUnderCurve) -> Double {
    Statistics.covariance(positivePlacements, other.positivePlacements)
      / Double(positivePlacements.count)
      + Statistics.covariance(negativePlacements, other.negativePlacements)
      / Double(negativePlacements.count)
  }
}

extension ReceiverOperatingCharacteristic {
  /// The point of the highest threshold at which at least this share of the positives is found: at
  /// 0.95 its false-positive rate is the "FPR at 95% TPR" of the literature on detection.
  public func point(atTruePositiveRate rate: Double) -> Point {
    points.first { $0.truePositiveRate >= rate } ?? points[points.count - 1]
  }
}

/// The rank of every value from 1; equal values share the mean of theirs.
private func midranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start
    while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
    for place in start..<end { ranks[order[place]] = Double(start + 1 + end) / 2 }
    start = end
  }
  return ranks
}

/// The sample covariance, divisor n − 1; 0 of a single pair.
private func covariance(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count, "scores of other examples cannot be compared")
  guard a.count > 1 else { return 0 }
  let n = Double(a.count)
  let (meanA, meanB) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
  return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / (n - 1)
}
