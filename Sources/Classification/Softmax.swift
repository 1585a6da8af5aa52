import Foundation

/// log softmax(z)_k = z_k − log Σ_j exp z_j, for every row of [N, L]; shifted by the largest logit
/// so that nothing overflows.
public func logSoftmax(rowsOf logits: Tensor) -> Tensor {
  let width = logits.rowCount
  var result = logits
  result.withUnsafeMutablePointer { values in
    for row in 0..<logits.shape[0] {
      let z = values + row * width
      var largest = -Float.infinity
      for k in 0..<width { largest = max(largest, z[k]) }
      var sum: Float = 0
      for k in 0..<width { sum += exp(z[k] - largest) }
      let shift = largest + log(sum)
      for k in 0..<width { z[k] -= shift }
    }
  }
  return result
}

/// softmax(z)_k = exp z_k / Σ_j exp z_j, for every row of [N, L].
public func softmax(rowsOf logits: Tensor) -> Tensor {
  var result = logSoftmax(rowsOf: logits)
  let count = result.count
  result.withUnsafeMutablePointer { values in
    for position in 0..<count { values[position] = exp(values[position]) }
  }
  return result
}
