import Classification
import Foundation
import Statistics

/// How far from an image an attack may go: ‖x' − x‖ ≤ ε.
public struct PerturbationBudget: Hashable, Sendable {
  /// How the length of a perturbation is measured.
  public enum Norm: String, CaseIterable, Codable, Sendable {
    /// max_i |δ_i|
    case linf
    /// √Σ_i δ_i²
    case l2
  }

  /// Measures δ.
  public let norm: Norm
  /// ε, on the pixel scale.
  public let radius: Epsilon

  /// ‖δ‖ ≤ ε in the given norm.
  package init(_ norm: Norm, _ radius: Epsilon) {
    self.norm = norm
    self.radius = radius
  }

  /// ‖δ‖_∞ ≤ ε.
  public static func linf(_ radius: Epsilon) -> PerturbationBudget {
    PerturbationBudget(.linf, radius)
  }

  /// ‖δ‖₂ ≤ ε.
  public static func l2(_ radius: Epsilon) -> PerturbationBudget {
    PerturbationBudget(.l2, radius)
  }

  // MARK: Steps

  /// x + α s for every image of a batch, where s is the direction of length 1 in which a linear
  /// function of gradient g rises most: sign g with sign 0 = 0 in ℓ∞, g/‖g‖₂ in ℓ2. Values whose gradient
  /// is NaN do not move; in ℓ2 no value of an image does whose gradient is 0 or not finite.
  ///
  /// - Parameter lengths: α of every image.
  /// - Throws: `TensorError.shapeMismatch` unless the gradient has the images' shape.
  func step(
    from images: Tensor, along gradient: Tensor, lengths: [Float]
  ) throws(TensorError) -> Tensor {
    guard gradient.shape == images.shape else {
      throw .shapeMismatch(expected: images.shape, found: gradient.shape)
    }
    let width = images.rowCount
    var result = images
    result.withUnsafeMutablePointer { values in
      gradient.withUnsafePointer { gradient in
        for (row, length) in lengths.enumerated() {
          let (values, gradient) = (values + row * width, gradient + row * width)
          switch norm {
          case .linf:
            for place in 0..<width {
              values[place] += gradient[place] > 0 ? length : gradient[place] < 0 ? -length : 0
            }
          case .l2:
            let norm = euclideanNorm(gradient, count: width)
            guard norm > 0, norm.isFinite else { continue }
            for place in 0..<width {
              values[place] += length * Float(Double(gradient[place]) / norm)
            }
          }
        }
      }
    }
    return result
  }

  /// Adds a perturbation that is uniform in the ball to one image: every value from U(−ε, ε) in ℓ∞;
  /// in ℓ2 ε u^{1/D} times a uniform direction, u from U(0, 1), D values.
  func perturb(
    _ values: UnsafeMutablePointer<Float>, count: Int, with stream: inout RandomStream
  ) {
    switch norm {
    case .linf:
      for place in 0..<count { values[place] += radius.value * (2 * stream.uniform() - 1) }
    case .l2:
      var direction = (0..<count).map { _ in stream.standardNormal() }
      let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let length = radius.doubleValue * pow(stream.uniformDouble(), 1 / Double(count))
      guard norm > 0 else { return }
      for place in 0..<count {
        direction[place] *= length / norm
        values[place] += Float(direction[place])
      }
    }
  }
}

/// √Σ v², without overflow of Float.
func euclideanNorm(_ values: UnsafePointer<Float>, count: Int) -> Double {
  var sum = 0.0
  for place in 0..<count { sum += Double(values[place]) * Double(values[place]) }
  return sum.squareRoot()
}
