/// How well a score tells positives (adversarial) from negatives (clean); larger scores mean
/// positive.
public struct ReceiverOperatingCharacteristic: Sendable, Hashable {
  /// The rates when every score of at least the threshold counts as positive.
  public struct Point: Sendable, Codable, Hashable {
    /// The least score that counts as positive.
    public var threshold: Double
    /// The share of negatives that count as positive.
    public var falsePositiveRate: Double
    /// The share of positives that count as positive.
    public var truePositiveRate: Double
  }

  /// The point (0, 0), then one for every distinct score, falling, up to (1, 1). The first point counts
  /// nothing as positive; its threshold repeats the largest score.
  public let points: [Point]
  /// P(positive > negative) + ½ P(positive = negative): the statistic of Mann and Whitney, equal to
  /// the area under the curve by trapezoids.
  public let areaUnderCurve: Double

  /// The curve of two samples, m negatives and n positives. O((m + n) log(m + n)).
  ///
  /// - Throws: `ROCError` if a sample is empty or a score is no finite number.
  public init(negatives: [Double], positives: [Double]) throws(ROCError) {
    guard !negatives.isEmpty, !positives.isEmpty else {
      throw .empty(negatives: negatives.count, positives: positives.count)
    }
    if let bad = (negatives + positives).first(where: { !$0.isFinite }) { throw .notFinite(bad) }
    let scores = (negatives.map { ($0, false) } + positives.map { ($0, true) })
      .sorted { $0.0 > $1.0 }
    let (m, n) = (Double(negatives.count), Double(positives.count))
    // The first threshold should lie above all scores, where there may be no finite number; the largest
    // score stands for it.
    var points = [Point(threshold: scores[0].0, falsePositiveRate: 0, truePositiveRate: 0)]
    var (falsePositives, truePositives) = (0, 0)
    // Twice the number of pairs that are in order, ties counting one: an exact integer.
    var doubledPairs = 0
    var place = 0
    while place < scores.count {
      let threshold = scores[place].0
      var (tiedNegatives, tiedPositives) = (0, 0)
      while place < scores.count, scores[place].0 == threshold {
        if scores[place].1 { tiedPositives += 1 } else { tiedNegatives += 1 }
        place += 1
      }
      doubledPairs += tiedNegatives * (2 * truePositives + tiedPositives)
      falsePositives += tiedNegatives
      truePositives += tiedPositives
      points.append(
        Point(
          threshold: threshold, falsePositiveRate: Double(falsePositives) / m,
          truePositiveRate: Double(truePositives) / n))
    }
    self.points = points
    areaUnderCurve = Double(doubledPairs) / (2 * m * n)
  }
}

/// Why two samples have no ROC curve.
public enum ROCError: ExplainedError, Equatable {
  case empty(negatives: Int, positives: Int)
  case notFinite(Double)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .empty(let negatives, let positives):
      "a ROC curve needs scores of both kinds, found \(negatives) negative and \(positives) positive"
    case .notFinite(let score): "a score is \(score); a ROC curve needs finite numbers"
    }
  }
}
