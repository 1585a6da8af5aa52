import Classification
import Foundation

/// What a search maximises, as a function of the logits z of one image. It leads away from the true label
/// y, or towards a target t.
///
/// Away from y, p = softmax z:
///
/// - `logOdds`: ℓ = log Σ_{k≠y} exp z_k − z_y = log((1 − p_y)/p_y). The cross-entropy is log(1 + exp ℓ)
///   and rises with it, so both have gradients of the same signs; but this one does not vanish in Float
///   where the model is certain. Where it is very certain, a search follows the gradient at smaller
///   logits: see `FollowedGradient`.
/// - `crossEntropy`: −log p_y. Where the model is so certain that its values and gradients are lost to
///   rounding, a search compares and follows the log odds in its place.
/// - `margin`: max_{k≠y} z_k − z_y (Carlini and Wagner, 2017).
/// - `logitsRatio`: DLR, (max_{k≠y} z_k − z_y)/(z_π1 − z_π3 + 10⁻¹²) with z_π1 ≥ z_π2 ≥ … the logits in
///   falling order (Croce and Hein, 2020). It does not change with the scale of the logits.
/// - `probabilityMargin`: v = max_{k≠y} p_k − p_y. Where it rounds to ±1, a search compares and follows
///   log((1 + v)/(1 − v)) in its place.
/// - `doubleSoftmax`: the cross-entropy of p as if p were logits. Only for doing as an attack on mixup
///   inference of 2020 did, which gave probabilities to a loss that takes logits. Its gradient vanishes
///   where the model is certain, as theirs did.
///
/// Towards t a search maximises the negative of the same formula with t in the place of y. Only DLR has
/// another one then, (z_t − z_y)/(z_π1 − (z_π3 + z_π4)/2 + 10⁻¹²). DLR replaces a logit of −∞ by the
/// least finite logit minus 1.
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

  /// The loss of every image, [N].
  ///
  /// - Parameters:
  ///   - logits: [N, L]; −∞ is allowed, for a class of probability 0.
  ///   - labels: y of every image.
  ///   - targets: t of every image; nil to lead away from y.
  /// - Precondition: labels and targets are in 0..<L, and L is `leastClassCount` at least.
  public func values(of logits: Tensor, labels: [Int], targets: [Int]? = nil) -> [Double] {
    rows(of: logits, labels, targets).map(\.value)
  }

  /// Numbers that are ordered as the losses are, [N], but still differ where the model is so certain that
  /// losses round to the same value: the log odds for the cross-entropy, log((1 + v)/(1 − v)) for a
  /// margin v of probabilities, and else the losses.
  package func ranks(of logits: Tensor, labels: [Int], targets: [Int]? = nil) -> [Double] {
    rows(of: logits, labels, targets).map { $0.certain?.rank ?? $0.value }
  }

  /// ∂loss/∂z, [N, L], of each image's loss with respect to its own logits.
  public func gradient(of logits: Tensor, labels: [Int], targets: [Int]? = nil) -> Tensor {
    // Computed in Float, where the other losses are in Double: published tables were made so, to the
    // byte.
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

  /// The loss of one image.
  fileprivate struct Row {
    var value: Double
    var gradient: [Double]
    /// The loss in a form that survives where the model is certain; nil if it has none.
    var certain: Certain?

    init(_ value: Double, _ gradient: [Double], _ certain: Certain? = nil) {
      self.value = value
      self.gradient = gradient
      self.certain = certain
    }

    static prefix func - (row: Row) -> Row {
      Row(
        -row.value, row.gradient.map { -$0 },
        row.certain.map {
          Certain(
            rank: -$0.rank, direction: $0.direction.map { -$0 }, logFactor: $0.logFactor,
            isTempered: $0.isTempered)
        })
    }
  }

  /// A loss as an increasing function of a `rank` that does not saturate.
  fileprivate struct Certain {
    var rank: Double
    /// The rank's gradient; its largest value is about 1.
    var direction: [Double]
    /// log f, where the loss's gradient is f times the direction.
    var logFactor: Double
    /// Whether the direction was taken at smaller logits, with log odds of about `temperedLogOdds`.
    var isTempered = false

    /// Log odds below which a search does not follow the gradient as it is. All other classes together
    /// then have a probability of 2⁻⁶⁴: the cross-entropy's gradient is lost in Float, and the log odds'
    /// leads only to the likeliest of the other classes, which often is not the one that is easiest to
    /// reach.
    static var leastLogOdds: Double { -64 * log(2) }
    /// About the log odds of the smaller logits at which the direction is taken then.
    static var temperedLogOdds: Double { -8 }
  }

  fileprivate func rows(of logits: Tensor, _ labels: [Int], _ targets: [Int]?) -> [Row] {
    let width = logits.rowCount
    return labels.indices.map { n in
      let z = logits.withUnsafePointer { values in
        (0..<width).map { Double(values[n * width + $0]) }
      }
      guard let target = targets?[n] else { return away(z, from: labels[n]) }
      return self == .logitsRatio ? ratio(z, from: labels[n], to: target) : -away(z, from: target)
    }
  }

  private func away(_ z: [Double], from y: Int) -> Row {
    switch self {
    case .logOdds: return logOdds(z, y)
    case .crossEntropy: return crossEntropy(z, y)
    case .margin: return margin(z, y)
    case .logitsRatio: return ratio(z, from: y)
    case .probabilityMargin: return probabilityMargin(z, y)
    case .doubleSoftmax: return throughSoftmax(z) { crossEntropy($0, y) }
    }
  }

  private func logOdds(_ z: [Double], _ y: Int) -> Row {
    let others = z.enumerated().map { $0.offset == y ? -.infinity : $0.element }
    var gradient = softmax(others)
    gradient[y] = -1
    let value = logSumExp(others) - z[y]
    var certain = Certain(rank: value, direction: gradient, logFactor: 0)
    if value < Certain.leastLogOdds, value > -.infinity {
      // The direction at smaller logits: all others are multiplied by −8/ℓ.
      certain.direction = softmax(others.map { $0 * (Certain.temperedLogOdds / value) })
      certain.direction[y] = -1
      certain.isTempered = true
    }
    return Row(value, gradient, certain)
  }

  /// log(1 + exp ℓ), whose gradient is 1 − p_y times that of the log odds ℓ.
  private func crossEntropy(_ z: [Double], _ y: Int) -> Row {
    let odds = logOdds(z, y)
    let logFactor =
      odds.value > 0 ? -log1p(exp(-odds.value)) : odds.value - log1p(exp(odds.value))
    var gradient = softmax(z)
    gradient[y] = -exp(logFactor)
    return Row(
      odds.value > 0 ? odds.value + log1p(exp(-odds.value)) : log1p(exp(odds.value)), gradient,
      Certain(
        rank: odds.value, direction: odds.certain?.direction ?? odds.gradient,
        logFactor: logFactor, isTempered: odds.certain?.isTempered ?? false))
  }

  private func margin(_ z: [Double], _ y: Int) -> Row {
    let other = largest(z, but: y)
    var gradient = z.map { _ in 0.0 }
    gradient[other] = 1
    gradient[y] = -1
    return Row(z[other] - z[y], gradient)
  }

  /// v = p_k − p_y, k being the likeliest class but y. Its gradient is (1 + v)(1 − v)/2 times that of
  /// log((1 + v)/(1 − v)): 1 + v is the sum of all probabilities but p_y with p_k twice, 1 − v that of
  /// all but p_k with p_y twice.
  private func probabilityMargin(_ z: [Double], _ y: Int) -> Row {
    let p = softmax(z)
    let other = largest(z, but: y)
    func weighted(twice: Int, without: Int) -> (logSum: Double, shares: [Double]) {
      let terms = z.enumerated().map {
        $0.offset == without ? -.infinity : $0.element + ($0.offset == twice ? log(2) : 0)
      }
      return (logSumExp(terms), softmax(terms))
    }
    let (above, below) = (weighted(twice: other, without: y), weighted(twice: y, without: other))
    let certain = Certain(
      rank: above.logSum - below.logSum, direction: zip(above.shares, below.shares).map { $0 - $1 },
      logFactor: above.logSum + below.logSum - 2 * logSumExp(z) - log(2))
    return Row(
      p[other] - p[y], certain.direction.map { $0 * exp(certain.logFactor) }, certain)
  }

  private func ratio(_ logits: [Double], from y: Int) -> Row {
    let z = bounded(logits)
    let order = descending(z)
    let row = margin(z, y)
    let (above, gradient) = (row.value, row.gradient)
    let scale = z[order[0]] - z[order[2]] + 1e-12
    var result = gradient.map { $0 / scale }
    result[order[0]] -= above / (scale * scale)
    result[order[2]] += above / (scale * scale)
    return Row(above / scale, withoutImpossible(result, logits))
  }

  private func ratio(_ logits: [Double], from y: Int, to target: Int) -> Row {
    let z = bounded(logits)
    let order = descending(z)
    let above = z[target] - z[y]
    let scale = z[order[0]] - (z[order[2]] + z[order[3]]) / 2 + 1e-12
    var result = z.map { _ in 0.0 }
    result[target] += 1 / scale
    result[y] -= 1 / scale
    result[order[0]] -= above / (scale * scale)
    result[order[2]] += above / (2 * scale * scale)
    result[order[3]] += above / (2 * scale * scale)
    return Row(above / scale, withoutImpossible(result, logits))
  }

  /// The logits with one below the least finite one in place of −∞.
  private func bounded(_ z: [Double]) -> [Double] {
    guard z.contains(-.infinity) else { return z }
    let least = z.filter { $0 > -.infinity }.min() ?? 0
    return z.map { max($0, least - 1) }
  }

  private func withoutImpossible(_ gradient: [Double], _ z: [Double]) -> [Double] {
    zip(gradient, z).map { $1 > -.infinity ? $0 : 0 }
  }

  /// The loss of p = softmax z, whose gradient in z is p ∘ (g − Σ_k p_k g_k) with g = ∂loss/∂p.
  private func throughSoftmax(_ z: [Double], _ loss: ([Double]) -> Row) -> Row {
    let p = softmax(z)
    let row = loss(p)
    let mean = zip(p, row.gradient).reduce(0) { $0 + $1.0 * $1.1 }
    return Row(row.value, zip(p, row.gradient).map { $0 * ($1 - mean) })
  }

  // MARK: Log odds in Float

  private func logOddsGradient(of logits: Tensor, _ labels: [Int], _ targets: [Int]?) -> Tensor {
    let width = logits.rowCount
    let aims = targets ?? labels
    let sign: Float = targets == nil ? 1 : -1
    var others = logits
    for (row, aim) in aims.enumerated() { others[row * width + aim] = -.infinity }
    var result = Classification.softmax(rowsOf: others)
    result.withUnsafeMutablePointer { values in
      for (row, aim) in aims.enumerated() {
        for k in 0..<width {
          // Where all others have probability 0, their softmax is NaN, and none of them has a share.
          let share = values[row * width + k]
          values[row * width + k] = share.isNaN ? 0 : sign * share
        }
        values[row * width + aim] = -sign
      }
    }
    return result
  }
}

/// The gradient of a loss in the logits z as a step of a search follows it: usually ∂loss/∂z itself.
/// Where the model is so certain that this would be lost in Float, it is multiplied by a positive factor;
/// for the log odds and the cross-entropy it is then also taken at smaller logits, whose log odds are
/// about −8. (MIFPE, Yu and Xu, CVPR 2023, divides the logits by their margin everywhere.)
///
/// An image has the same factor in all calls, and with `isJoint` all images have the same one, so that
/// means over draws or over mixtures keep their direction. One value serves one step.
package struct FollowedGradient {
  let loss: AttackLoss
  let labels: [Int]
  var targets: [Int]?
  /// Whether the images are mixtures of one image, whose gradients are added.
  var isJoint = false
  /// log(1/factor) of every image; nil before the first call.
  private var logScales: [Double]?

  package init(_ loss: AttackLoss, labels: [Int], targets: [Int]? = nil, isJoint: Bool = false) {
    self.loss = loss
    self.labels = labels
    self.targets = targets
    self.isJoint = isJoint
  }

  /// ∂loss/∂z times the factors, [N, L].
  package mutating func callAsFunction(_ logits: Tensor) -> Tensor {
    var result = loss.gradient(of: logits, labels: labels, targets: targets)
    let rows = loss.rows(of: logits, labels, targets)
    let factors = rows.map { max($0.certain?.logFactor ?? 0, -.greatestFiniteMagnitude) }
    if logScales == nil {
      let largest = factors.max() ?? 0
      logScales = factors.map {
        let factor = isJoint ? largest : $0
        return factor < AttackLoss.Certain.leastLogOdds ? factor : 0
      }
    }
    let width = logits.rowCount
    for (n, scale) in (logScales ?? []).enumerated() {
      guard let certain = rows[n].certain, scale != 0 || certain.isTempered else { continue }
      // A later draw that is less certain outweighs the first one, 2⁶⁴ times at most.
      let factor = exp(min(factors[n] - scale, -AttackLoss.Certain.leastLogOdds))
      for k in 0..<width { result[n * width + k] = Float(certain.direction[k] * factor) }
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

/// softmax z; zeros where all z are −∞.
private func softmax(_ z: [Double]) -> [Double] {
  let logSum = logSumExp(z)
  guard logSum > -.infinity else { return z.map { _ in 0 } }
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
