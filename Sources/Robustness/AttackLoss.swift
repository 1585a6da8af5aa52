import Foundation
import NeuralNetwork

/// What a search maximises, as a function of the logits z of one image with the true label y, or of a
/// target t that it is led to.
///
/// Away from y, p = softmax z:
///
/// - `logOdds`: log Σ_{k≠y} exp z_k − z_y = log((1 − p_y)/p_y), a strictly increasing function of the
///   cross-entropy, log(1 + exp ℓ): the same sign steps, but its gradient does not vanish in Float
///   where the model is certain.
/// - `crossEntropy`: −log p_y.
/// - `margin`: max_{k≠y} z_k − z_y (Carlini and Wagner, 2017).
/// - `logitsRatio`: DLR, (max_{k≠y} z_k − z_y)/(z_π1 − z_π3 + 10⁻¹²) with π the order of falling logits
///   (Croce and Hein, 2020). It does not change with the scale of the logits.
/// - `probabilityMargin`: max_{k≠y} p_k − p_y.
/// - `doubleSoftmax`: the cross-entropy of p as if it were logits. Only to do as an attack on mixup
///   inference of 2020 did, whose wrapper gave probabilities to a loss that took logits.
///
/// Towards t each is its negative with t for y; DLR then has the form of its own
/// (z_t − z_y)/(z_π1 − (z_π3 + z_π4)/2 + 10⁻¹²).
public enum AttackLoss: String, CaseIterable, Codable, Sendable {
  case logOdds = "log-odds"
  case crossEntropy = "cross-entropy"
  case margin
  case logitsRatio = "dlr"
  case probabilityMargin = "probability-margin"
  case doubleSoftmax = "double-softmax"

  /// The least number of classes for which it is defined.
  public func leastClassCount(isTargeted: Bool) -> Int {
    self == .logitsRatio ? (isTargeted ? 4 : 3) : 2
  }

  /// Loss of every image, and its gradient.
  ///
  /// - Parameters:
  ///   - logits: [N, L]; −∞ is allowed, for a class of probability 0.
  ///   - labels: y of every image.
  ///   - targets: t of every image; nil to lead away from y.
  /// - Precondition: labels and targets are classes, and L is enough.
  public func values(of logits: Tensor, labels: [Int], targets: [Int]? = nil) -> [Double] {
    rows(of: logits, labels, targets).map(\.value)
  }

  /// ∂loss/∂z, [N, L], of each image's loss with respect to its own logits.
  public func gradient(of logits: Tensor, labels: [Int], targets: [Int]? = nil) -> Tensor {
    // In Float, where the others are in Double: its bytes are those of published tables.
    if self == .logOdds { return logOddsGradient(of: logits, labels, targets) }
    var result = Tensor(uninitialized: logits.shape)
    let width = logits.rowCount
    result.withUnsafeMutablePointer { values in
      for (n, row) in rows(of: logits, labels, targets).enumerated() {
        for k in 0..<width { values[n * width + k] = Float(row.gradient[k]) }
      }
    }
    return result
  }

  // MARK: Row by row

  private typealias Row = (value: Double, gradient: [Double])

  private func rows(of logits: Tensor, _ labels: [Int], _ targets: [Int]?) -> [Row] {
    let width = logits.rowCount
    return labels.indices.map { n in
      let z = logits.withUnsafePointer { values in
        (0..<width).map { Double(values[n * width + $0]) }
      }
      guard let target = targets?[n] else { return away(z, from: labels[n]) }
      if self == .logitsRatio { return ratio(z, from: labels[n], to: target) }
      let row = away(z, from: target)
      return (-row.value, row.gradient.map { -$0 })
    }
  }

  private func away(_ z: [Double], from y: Int) -> Row {
    switch self {
    case .logOdds:
      let others = z.enumerated().map { $0.offset == y ? -.infinity : $0.element }
      var gradient = softmax(others)
      gradient[y] = -1
      return (logSumExp(others) - z[y], gradient)
    case .crossEntropy: return crossEntropy(z, y)
    case .margin: return margin(z, y)
    case .logitsRatio: return ratio(z, from: y)
    case .probabilityMargin: return throughSoftmax(z) { margin($0, y) }
    case .doubleSoftmax: return throughSoftmax(z) { crossEntropy($0, y) }
    }
  }

  private func crossEntropy(_ z: [Double], _ y: Int) -> Row {
    var gradient = softmax(z)
    gradient[y] -= 1
    return (logSumExp(z) - z[y], gradient)
  }

  private func margin(_ z: [Double], _ y: Int) -> Row {
    let other = largest(z, but: y)
    var gradient = z.map { _ in 0.0 }
    gradient[other] = 1
    gradient[y] = -1
    return (z[other] - z[y], gradient)
  }

  private func ratio(_ z: [Double], from y: Int) -> Row {
    let order = descending(z)
    let (above, gradient) = margin(z, y)
    let scale = z[order[0]] - z[order[2]] + 1e-12
    var result = gradient.map { $0 / scale }
    result[order[0]] -= above / (scale * scale)
    result[order[2]] += above / (scale * scale)
    return (above / scale, result)
  }

  private func ratio(_ z: [Double], from y: Int, to target: Int) -> Row {
    let order = descending(z)
    let above = z[target] - z[y]
    let scale = z[order[0]] - (z[order[2]] + z[order[3]]) / 2 + 1e-12
    var result = z.map { _ in 0.0 }
    result[target] += 1 / scale
    result[y] -= 1 / scale
    result[order[0]] -= above / (scale * scale)
    result[order[2]] += above / (2 * scale * scale)
    result[order[3]] += above / (2 * scale * scale)
    return (above / scale, result)
  }

  /// The loss of softmax z: ∂/∂z = p ∘ (g − Σ p g).
  private func throughSoftmax(_ z: [Double], _ loss: ([Double]) -> Row) -> Row {
    let p = softmax(z)
    let (value, gradient) = loss(p)
    let mean = zip(p, gradient).reduce(0) { $0 + $1.0 * $1.1 }
    return (value, zip(p, gradient).map { $0 * ($1 - mean) })
  }

  // MARK: Log odds in Float

  private func logOddsGradient(of logits: Tensor, _ labels: [Int], _ targets: [Int]?) -> Tensor {
    let width = logits.rowCount
    let aims = targets ?? labels
    let sign: Float = targets == nil ? 1 : -1
    var others = logits
    for (row, aim) in aims.enumerated() { others[row * width + aim] = -.infinity }
    var result = NeuralNetwork.softmax(rowsOf: others)
    result.withUnsafeMutablePointer { values in
      for (row, aim) in aims.enumerated() {
        for k in 0..<width { values[row * width + k] *= sign }
        values[row * width + aim] = -sign
      }
    }
    return result
  }
}

/// log Σ exp z_k.
private func logSumExp(_ z: [Double]) -> Double {
  let largest = z.reduce(-.infinity, max)
  guard largest.isFinite else { return largest }
  return largest + log(z.reduce(0) { $0 + exp($1 - largest) })
}

private func softmax(_ z: [Double]) -> [Double] {
  let logSum = logSumExp(z)
  return z.map { exp($0 - logSum) }
}

/// The position of the largest value but that at `y`; the lowest among equals.
private func largest(_ z: [Double], but y: Int) -> Int {
  var best = y == 0 ? 1 : 0
  for k in z.indices where k != y && z[k] > z[best] { best = k }
  return best
}

/// Positions by falling value; the lower first among equals.
private func descending(_ z: [Double]) -> [Int] {
  z.indices.sorted { (z[$0], $1) > (z[$1], $0) }
}
