import Classification
import Foundation

/// Cross-entropy with soft targets, −Σ_k t_k log softmax(z)_k, where z are the logits of an example, t its
/// targets and k runs over the L classes; by log-sum-exp, so that no large logit overflows.
public enum CrossEntropy {
  /// The loss of every row of logits [N, L] against targets [N, L].
  public static func losses(logits: Tensor, targets: Tensor) -> [Float] {
    let width = logits.rowCount
    let logProbabilities = logSoftmax(rowsOf: logits)
    return (0..<logits.shape[0]).map { row in
      var loss: Float = 0
      for k in 0..<width {
        let target = targets[row * width + k]
        // 0 · log 0 counts as 0.
        if target != 0 { loss -= target * logProbabilities[row * width + k] }
      }
      return loss
    }
  }

  /// The gradient of the sum of the losses: ∂(Σ_n loss_n)/∂z = softmax(z)·Σ_k t_k − t, [N, L].
  public static func gradient(logits: Tensor, targets: Tensor) -> Tensor {
    let width = logits.rowCount
    var result = softmax(rowsOf: logits)
    for row in 0..<logits.shape[0] {
      var mass: Float = 0
      for k in 0..<width { mass += targets[row * width + k] }
      for k in 0..<width {
        let position = row * width + k
        result[position] = result[position] * mass - targets[position]
      }
    }
    return result
  }

  /// Targets [N, L] that are 1 at the label and 0 elsewhere.
  public static func oneHot(_ labels: [Int], classCount: Int) -> Tensor {
    var targets = Tensor(shape: [labels.count, classCount])
    for (row, label) in labels.enumerated() { targets[row * classCount + label] = 1 }
    return targets
  }
}
