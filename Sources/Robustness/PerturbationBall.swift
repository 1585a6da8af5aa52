import NeuralNetwork

/// { x : ‖x − center‖_∞ ≤ ε and 0 ≤ x ≤ 1 }, the images that an attack may hand over.
public struct PerturbationBall: Sendable {
  /// The clean images, [N, C, H, W].
  public let center: Pixels
  /// ε.
  public let radius: Epsilon

  /// The balls around a batch of images.
  public init(center: Pixels, radius: Epsilon) {
    self.center = center
    self.radius = radius
  }

  /// The nearest images of the ball: every value clamped to [max(0, x − ε), min(1, x + ε)].
  ///
  /// Idempotent and 1-Lipschitz exactly; in the box exactly, and within ε + 2⁻²⁵ of the center,
  /// half a unit in the last place of a bound just below 1, plus the rounding of ε. A NaN becomes the
  /// lower bound.
  ///
  /// - Throws: `AttackError.candidateShape` unless there is one candidate for every image.
  public func projection(of candidates: Tensor) throws(AttackError) -> Pixels {
    guard candidates.shape == center.tensor.shape else {
      throw .candidateShape(expected: center.tensor.shape, found: candidates.shape)
    }
    let radius = radius.value
    let count = candidates.count
    var projected = candidates
    projected.withUnsafeMutablePointer { values in
      center.tensor.withUnsafePointer { center in
        for place in 0..<count {
          let lower = max(0, center[place] - radius)
          let upper = min(1, center[place] + radius)
          let value = values[place]
          values[place] = value > lower ? (value < upper ? value : upper) : lower
        }
      }
    }
    return Pixels(unchecked: projected)
  }
}
