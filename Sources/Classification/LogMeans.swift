import Foundation

/// log(1/N Σ_d p_dk), [groups, L], for groups of N consecutive rows d of log p, [Σ N, L]; `sizes` has the
/// N of every group.
///
/// Shifted by the largest term, so that it does not underflow, and exact where all rows are equal.
package func logMeans(of logProbabilities: Tensor, sizes: [Int]) -> Tensor {
  let width = logProbabilities.rowCount
  var result = Tensor(uninitialized: [sizes.count, width])
  result.withUnsafeMutablePointer { means in
    logProbabilities.withUnsafePointer { values in
      var rows = values
      for (group, size) in sizes.enumerated() {
        for k in 0..<width {
          var largest = -Float.infinity
          for draw in 0..<size { largest = max(largest, rows[draw * width + k]) }
          var sum: Float = 0
          for draw in 0..<size { sum += exp(rows[draw * width + k] - largest) }
          means[group * width + k] =
            largest == -.infinity ? largest : largest + log(sum / Float(size))
        }
        rows += size * width
      }
    }
  }
  return result
}

/// The gradient with respect to the logits z, [Σ N, L], of which `logProbabilities` are the log softmax,
/// from that with respect to their `logMeans`, `cotangent` [groups, L]. `averages` are these
/// means, log F.
///
/// With r_dk = p_dk / Σ_d' p_d'k, the share of row d in the mean of class k, and g = ∂loss/∂log F:
/// ∂loss/∂z_dk = g_k r_dk − p_dk Σ_j g_j r_dj.
package func logMeansPullback(
  _ cotangent: Tensor, averages: Tensor, logProbabilities: Tensor, sizes: [Int]
) -> Tensor {
  let width = logProbabilities.rowCount
  var result = Tensor(uninitialized: logProbabilities.shape)
  result.withUnsafeMutablePointer { result in
    logProbabilities.withUnsafePointer { logProbabilities in
      averages.withUnsafePointer { averages in
        cotangent.withUnsafePointer { cotangent in
          var row = 0
          for (group, size) in sizes.enumerated() {
            for _ in 0..<size {
              var sum: Float = 0
              for k in 0..<width {
                let average = averages[group * width + k]
                let share =
                  average == -.infinity
                  ? 0 : exp(logProbabilities[row + k] - average) / Float(size)
                result[row + k] = cotangent[group * width + k] * share
                sum += result[row + k]
              }
              for k in 0..<width { result[row + k] -= exp(logProbabilities[row + k]) * sum }
              row += width
            }
          }
        }
      }
    }
  }
  return result
}
