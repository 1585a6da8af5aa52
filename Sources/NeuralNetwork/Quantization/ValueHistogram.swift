/// How often an activation had which values, without zeros: these are exact in every quantization.
package struct ValueHistogram {
  private(set) var least: Float = 0
  private(set) var largest: Float = 0
  private var counts: [Int] = []

  package init() {}

  private static let bins = 2048

  /// Widens the range; before anything is counted.
  package mutating func see(_ values: UnsafeBufferPointer<Float>) {
    for value in values {
      least = min(least, value)
      largest = max(largest, value)
    }
  }

  package mutating func count(_ values: UnsafeBufferPointer<Float>) {
    if counts.isEmpty { counts = [Int](repeating: 0, count: Self.bins) }
    let (least, factor) = (least, Float(Self.bins) / max(largest - least, .leastNormalMagnitude))
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values where value != 0 {
        counts[min(Int((value - least) * factor), Self.bins - 1)] += 1
      }
    }
  }

  /// The scale and the byte of 0 by a method. All values zero: any scale will do, and it is 1.
  package func quantization(_ method: CalibrationMethod) -> (scale: Float, zero: Int) {
    guard largest > least else { return (1, 0) }
    let shares: [Double] =
      switch method {
      case .largest: [1]
      case .leastSquares: (20...100).map { Double($0) / 100 }
      }
    let candidates = shares.map { share -> (scale: Double, zero: Int) in
      let scale = share * Double(largest - least) / 255
      return (scale, Int((-share * Double(least) / scale).rounded()))
    }
    let best = candidates.min { squaredError($0) < squaredError($1) } ?? candidates[0]
    return (Float(best.scale), best.zero)
  }

  /// Σ (x − x̂)² over the values that were counted: s²/12 on average inside of the range.
  private func squaredError(_ candidate: (scale: Double, zero: Int)) -> Double {
    let (scale, zero) = candidate
    let (lower, upper) = (-Double(zero) * scale, Double(255 - zero) * scale)
    let width = Double(largest - least) / Double(Self.bins)
    var error = 0.0
    for (bin, count) in counts.enumerated() where count > 0 {
      let value = Double(least) + (Double(bin) + 0.5) * width
      let beyond = max(lower - value, value - upper, 0)
      error += Double(count) * (scale * scale / 12 + beyond * beyond)
    }
    return error
  }
}
