import Classification

/// { x : ‖x − center‖ ≤ ε and 0 ≤ x ≤ 1 }, the images that an attack may hand over.
public struct PerturbationBall: Sendable {
  /// The clean images, [N, C, H, W].
  public let center: Pixels
  /// Norm and ε.
  public let budget: PerturbationBudget

  /// The balls around a batch of images.
  public init(center: Pixels, budget: PerturbationBudget) {
    self.center = center
    self.budget = budget
  }

  /// For every candidate v the nearest image in both ball and box, x being the center.
  ///
  /// In ℓ∞ every value is clamped to [max(0, x − ε), min(1, x + ε)]: in the box exactly, and within
  /// ε + 2⁻²⁵ of the center, half a unit in the last place of a bound just below 1, plus the rounding
  /// of ε; a NaN becomes the lower bound.
  ///
  /// In ℓ2 it is x + t(v − x), clamped to the box, for the largest t ≤ 1 for which this lies in the ball;
  /// t is found by bisection. (The ball's nearest point, clamped to the box, is inside as well, but not
  /// the nearest.) In box and ball exactly, ε being its double; a NaN becomes x.
  ///
  /// Idempotent exactly. 1-Lipschitz, in ℓ∞ exactly.
  ///
  /// - Throws: `AttackError.candidateShape` unless there is one candidate for every image.
  public func projection(of candidates: Tensor) throws(AttackError) -> Pixels {
    guard candidates.shape == center.tensor.shape else {
      throw .candidateShape(expected: center.tensor.shape, found: candidates.shape)
    }
    var projected = candidates
    let width = center.imageShape.count
    projected.withUnsafeMutablePointer { values in
      center.tensor.withUnsafePointer { center in
        switch budget.norm {
        case .linf: clamp(values, to: center, count: candidates.count)
        case .l2:
          for row in 0..<self.center.count {
            shrink(values + row * width, towards: center + row * width, count: width)
          }
        }
      }
    }
    return Pixels(unchecked: projected)
  }

  private func clamp(
    _ values: UnsafeMutablePointer<Float>, to center: UnsafePointer<Float>, count: Int
  ) {
    let radius = budget.radius.value
    for place in 0..<count {
      let lower = max(0, center[place] - radius)
      let upper = min(1, center[place] + radius)
      let value = values[place]
      values[place] = value > lower ? (value < upper ? value : upper) : lower
    }
  }

  private func shrink(
    _ values: UnsafeMutablePointer<Float>, towards center: UnsafePointer<Float>, count: Int
  ) {
    // Rounded to Float before it is compared with ε, so that what is returned is inside to the bit.
    func place(_ index: Int, _ share: Double) -> Float {
      let (v, x) = (Double(values[index]), Double(center[index]))
      guard !v.isNaN else { return center[index] }
      let moved = share == 1 ? v : x + share * (v - x)
      return Float(min(max(moved, 0), 1))
    }
    func isInside(_ share: Double) -> Bool {
      var sum = 0.0
      for index in 0..<count {
        let difference = Double(place(index, share)) - Double(center[index])
        sum += difference * difference
      }
      return sum.squareRoot() <= budget.radius.doubleValue
    }
    var share = 1.0
    if !isInside(1) {
      // With an infinite value no share but 0 would be inside.
      for index in 0..<count where values[index].isInfinite {
        values[index] = values[index] < 0 ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude
      }
      var upper = 1.0
      share = 0
      // The share is about ε/‖v − x‖, which may be tiny.
      var scale = 1.0
      while scale > 0x1p-200, !isInside(scale) {
        upper = scale
        scale /= 0x1p8
      }
      if isInside(scale) { share = scale }
      for _ in 0..<60 {
        let middle = share + (upper - share) / 2
        if isInside(middle) { share = middle } else { upper = middle }
      }
    }
    for index in 0..<count { values[index] = place(index, share) }
  }
}
