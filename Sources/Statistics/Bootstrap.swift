/// The percentile interval of a statistic of n examples, by drawing n of them with replacement many
/// times: for statistics whose parts are not independent, such as scores of an image and of its
/// attacked version, if examples are.
///
/// Resamples on which the statistic is no number are left out; without any that is one, the interval
/// is unknown and nil. O(B · cost of the statistic).
///
/// - Parameters:
///   - resamples: B.
///   - statistic: of the examples at these positions, 0..<n, some of which repeat.
/// - Precondition: 0 < confidence < 1.
public func bootstrapInterval(
  examples n: Int, resamples: Int = 2000, confidence: Double = 0.95, seed: UInt64,
  _ statistic: ([Int]) throws -> Double
) rethrows -> Interval? {
  precondition(confidence > 0 && confidence < 1, "confidence \(confidence) is not inside (0, 1)")
  guard n > 0 else { return nil }
  var values: [Double] = []
  for resample in 0..<resamples {
    var random = RandomStream(RandomKey(seed: seed, purpose: .bootstrap, draw: resample))
    let value = try statistic((0..<n).map { _ in random.integer(below: n) })
    if value.isFinite { values.append(value) }
  }
  guard !values.isEmpty else { return nil }
  values.sort()
  // The k-th of B order statistics estimates the quantile k/(B + 1).
  func quantile(_ p: Double) -> Double {
    let place = p * Double(values.count + 1) - 1
    return values[min(max(Int(place.rounded()), 0), values.count - 1)]
  }
  return Interval(lower: quantile((1 - confidence) / 2), upper: quantile((1 + confidence) / 2))
}
