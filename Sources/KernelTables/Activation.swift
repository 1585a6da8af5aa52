/// A function that is applied to every number of an activation.
package enum Activation: Hashable, Sendable {
  /// max(v, 0).
  case relu
  /// v above 0, slope · v below.
  case leakyReLU(slope: Float)
  /// v · sigmoid(v), also called Swish.
  case silu
  /// 1 / (1 + e⁻ᵛ).
  case sigmoid
  /// v in [lower, upper], and the nearer bound outside; ReLU6 is that with 0 and 6.
  case clip(lower: Float, upper: Float)
  /// v · Φ(v), where Φ is the distribution function of the standard normal distribution.
  case gelu
  /// v above 0, scale · (eᵛ − 1) below.
  case elu(scale: Float)
  /// ln(1 + eᵛ).
  case softplus
}
