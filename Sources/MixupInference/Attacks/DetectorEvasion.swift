import Classification
import Foundation
import Robustness

/// A network as an attacker follows it who also has to pass MI-PL's detector: its gradients are those of
/// ℓ(F(x)) − w s(x). Here ℓ is the loss, F(x) the network's probabilities, and s(x) = F_ŷ(x) − F_MI,ŷ(x)
/// what mixing takes from the probability of the predicted class ŷ: the statistic by which adversarial
/// images are detected, and by which MI-Combined chooses its branch. Logits are those of the network.
///
/// With w < 0 the statistic is raised instead. ŷ counts as a constant in the gradient.
public struct DetectorEvasion<Base: DifferentiableClassifier>: WrappingClassifier,
  DifferentiableClassifier
{
  /// The detector around the network, of rule MI-PL; its N is the attacker's.
  public let detector: MixupInference<Base>
  /// w.
  public let weight: Float

  /// The network inside a detector.
  public init(_ detector: MixupInference<Base>, weight: Float = 1) {
    self.detector = detector
    self.weight = weight
  }

  /// The network, whose logits are the answers. They are as random as the network's, the gradients are
  /// random always.
  public var wrapped: any Classifier { detector.base }

  /// The network's passes and the detector's.
  public var forwardPassesPerDecision: Int {
    detector.base.forwardPassesPerDecision + detector.forwardPassesPerDecision
  }

  /// z(x), [N, L].
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try detector.base.logits(of: images, draws: draws)
  }

  /// The network's logits, and the gradient of Σ_n ℓ_n − w s_n.
  public func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    var predicted: [Int] = []
    let width = classCount
    var (logits, gradient) = try detector.base.checkedLogitsAndGradient(of: images, draws: draws) {
      logits in
      predicted = try argmax(rowsOf: logits)
      var result = try cotangent(of: logits, by: lossGradient)
      let p = softmax(rowsOf: logits)
      // ∂F_ŷ/∂z_k = p_ŷ (1{k = ŷ} − p_k).
      result.withUnsafeMutablePointer { values in
        for (n, label) in predicted.enumerated() {
          let own = p[n * width + label]
          for k in 0..<width {
            values[n * width + k] -= weight * own * ((k == label ? 1 : 0) - p[n * width + k])
          }
        }
      }
      return result
    }
    let mixed = try detector.checkedLogitsAndGradient(of: images, draws: draws) { logMeans in
      // ∂F_MI,ŷ/∂log F_MI,ŷ = F_MI,ŷ.
      var result = Tensor(shape: logMeans.shape)
      result.withUnsafeMutablePointer { values in
        for (n, label) in predicted.enumerated() {
          values[n * width + label] = weight * exp(logMeans[n * width + label])
        }
      }
      return result
    }.gradient
    let count = gradient.count
    gradient.withUnsafeMutablePointer { sum in
      mixed.withUnsafePointer { mixed in
        for place in 0..<count { sum[place] += mixed[place] }
      }
    }
    return (logits, gradient)
  }
}
