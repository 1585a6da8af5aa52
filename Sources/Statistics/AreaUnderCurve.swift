/// The area under a ROC curve with its variance as DeLong, DeLong and Clarke-Pearson estimate it, for
/// scores of independent examples.
///
/// A positive's placement is the share of negatives that score lower, ties counting half; a negative's is
/// the share of positives that score higher. The area is the mean placement of either kind, and its
/// variance is estimated by the sum of the variances of these two means. Sources: DeLong et al.,
/// Biometrics 44, 1988; by midranks, O((m + n) log(m + n)) for m positives and n negatives, as Sun and
/// Xu, IEEE Signal Processing Letters 21, 2014.
public struct AreaUnderCurve: Sendable {
  /// Â = P(positive > negative) + ½ P(positive = negative) over all pairs of the two samples.
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
    // Differences of ranks are whole or half numbers, so their sum is exact.
    let lower = zip(all, midranks(positives)).map { $0 - $1 }
    positivePlacements = lower.map { $0 / n }
    negativePlacements = zip(all.dropFirst(positives.count), midranks(negatives)).map {
      1 - ($0 - $1) / m
    }
    value = lower.reduce(0, +) / (m * n)
  }

  /// DeLong's estimate of the area's variance. Too little to make an interval from: it is 0 where the
  /// samples do not overlap, and the part of a kind with a single example counts as 0. See `interval`.
  public var variance: Double {
    func part(_ placements: [Double]) -> Double {
      let k = Double(placements.count)
      return k > 1 ? squares(placements) / (k * (k - 1)) : 0
    }
    return part(positivePlacements) + part(negativePlacements)
  }

  /// An interval for the area θ of the laws behind the samples: Wilson's interval at Â, with n* = Â(1 −
  /// Â)/V in place of the number of trials: the number of independent pairs that would give Â its
  /// variance V.
  ///
  /// V is the sum over both kinds of (Σ (placement − Â)² + r)/k² for k examples of the kind, where r =
  /// (Â² + (1 − Â)²)/2 is what one more example would add that is placed half at 0 and half at 1; so V is
  /// never 0. n* is at least the number of examples of the rarer kind, since under no laws is the
  /// variance larger than θ(1 − θ)/min(m, n), for m positives and n negatives.
  ///
  /// In [0, 1]; contains `value`; never of width 0. An approximation. At 95% it covers the area with
  /// probability 0.982 in the mean and 0.800 at least, exactly, for exponential scores, areas from 0.5 to
  /// 0.99, 1 to 5 examples of a kind and up to 200 of the other; the least is that of one pair. Sampled
  /// for seven laws with and without ties, placements scattering from hardly to as far as they can, it
  /// covers 0.979 in the mean and 0.875 at least with 2 to 200 examples of a kind, and 0.988 and 0.865
  /// with one beside 20 (`CoverageTests`). DeLong's variance alone ignores a kind with a single example,
  /// and a variance from a parametric model of the scores is too small for scores that scatter more than
  /// the model's.
  ///
  /// The two samples are taken to be independent. Where they are the same images before and after an
  /// attack, and both scores rise together, the area varies less than this interval allows for.
  ///
  /// Sources: the effective sample size of Korn and Graubard, 1998, in Wilson's interval, as for
  /// `RepeatedOutcomes.meanInterval`; the bound of Birnbaum and Klose, "Bounds for the variance of the
  /// Mann-Whitney statistic", Annals of Mathematical Statistics 28, 1957.
  ///
  /// - Precondition: 0 < confidence < 1.
  public func interval(confidence: Double = 0.95) -> Interval {
    let more = (value * value + (1 - value) * (1 - value)) / 2
    func part(_ placements: [Double]) -> Double {
      let k = Double(placements.count)
      return (squares(placements) + more) / (k * k)
    }
    let pairs = value * (1 - value) / (part(positivePlacements) + part(negativePlacements))
    let fewest = Double(min(positivePlacements.count, negativePlacements.count))
    return wilsonInterval(value, trials: max(pairs, fewest), confidence: confidence)
  }

  /// Σ (placement − Â)²; Â is the mean placement of either kind.
  private func squares(_ placements: [Double]) -> Double {
    placements.reduce(0) { $0 + ($1 - value) * ($1 - value) }
  }
}

extension ReceiverOperatingCharacteristic {
  /// The point of the highest threshold at which at least this share of the positives is found: at a rate
  /// of 0.95 its false-positive rate is the "FPR at 95% TPR" of the literature on detection.
  public func point(atTruePositiveRate rate: Double) -> Point {
    points.first { $0.truePositiveRate.isShare(atLeast: rate) } ?? points[points.count - 1]
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
