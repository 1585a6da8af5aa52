import Classification
import Foundation
import Statistics

/// A classifier of two classes on top of another's logits: z' = (0, a · z + b).
///
/// Made for one image so that a known place in its ball is of class 1, and the image and points inside
/// the ball are of class 0: an attack that is worth its name finds class 1. Zimmermann et al.,
/// "Increasing confidence in adversarial robustness evaluations", NeurIPS 2022, read the last features;
/// here the logits are read, as every classifier has them.
struct Binarization: WrappingClassifier, DifferentiableClassifier {
  /// The classifier whose logits are read.
  let base: any DifferentiableClassifier
  /// a, of L values.
  let weights: [Double]
  /// b.
  let bias: Double

  var wrapped: any Classifier { base }
  var classCount: Int { 2 }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    read(try base.logits(of: images, draws: draws))
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    var own = Tensor(shape: [0, 2])
    let gradient = try base.logitsAndGradient(of: images, draws: draws) { logits in
      own = read(logits)
      let cotangent = try cotangent(of: own, by: lossGradient)
      return try Tensor(
        (0..<images.count).flatMap { n in weights.map { Float($0) * cotangent[2 * n + 1] } },
        shape: logits.shape)
    }.gradient
    return (own, gradient)
  }

  private func read(_ logits: Tensor) -> Tensor {
    let count = logits.shape[0]
    var result = Tensor(shape: [count, 2])
    for n in 0..<count { result[2 * n + 1] = Float(score(logits, n)) }
    return result
  }

  private func score(_ logits: Tensor, _ row: Int) -> Double {
    weights.enumerated().reduce(bias) {
      $0 + $1.element * Double(logits[row * weights.count + $1.offset])
    }
  }

  // MARK: Planting

  /// The classifier for which a random place at the edge of the ball is of class 1, while points in half
  /// the ball are of class 0; nil if the logits do not tell the place from these points.
  ///
  /// - Parameters:
  ///   - base: a classifier without randomness.
  ///   - example: one image.
  ///   - innerCount: the number of points of class 0.
  static func planted(
    in base: any DifferentiableClassifier, around example: LabelledImages,
    within budget: PerturbationBudget, innerCount: Int, seed: UInt64
  ) throws -> Binarization? {
    let index = example.indices[0]
    let ball = PerturbationBall(center: example.pixels, budget: budget)
    var points = [example.pixels]
    for number in 0...innerCount {
      var stream = RandomStream(
        RandomKey(seed: seed, purpose: .measure, example: index, draw: number))
      var image = example.pixels.tensor
      let (count, width) = (image.count, image.count)
      // The last is the one to be found, at the edge of the ball; the others have half the radius.
      image.withUnsafeMutablePointer { values in
        if number == innerCount {
          let direction = (0..<count).map { _ in stream.next() & 1 == 0 ? Float(1) : -1 }
          let length =
            budget.radius.value / (budget.norm == .linf ? 1 : Float(width).squareRoot())
          for place in 0..<count { values[place] += length * direction[place] }
        } else {
          budget.perturb(values, count: count, with: &stream)
        }
      }
      var projected = try ball.projection(of: image).tensor
      if number < innerCount {
        let center = example.pixels.tensor
        projected.withUnsafeMutablePointer { values in
          center.withUnsafePointer { center in
            for place in 0..<count { values[place] = (values[place] + center[place]) / 2 }
          }
        }
      }
      points.append(Pixels(unchecked: projected))
    }
    let batch = Pixels(unchecked: try .concatenated(points.map(\.tensor)))
    let logits = try base.checkedLogits(
      of: batch,
      draws: Draws(
        seed: seed, purpose: .measure, examples: Array(repeating: index, count: batch.count)))
    return separating(logits, on: base)
  }

  /// a ∝ (S + rI)⁻¹(z_planted − mean z_inner), S being the scatter of the inner points' logits, and r a
  /// thousandth of its mean diagonal. The boundary lies nine tenths of the way from the nearest inner
  /// point to the planted one, so that chance finds class 1 seldom.
  private static func separating(
    _ logits: Tensor, on base: any DifferentiableClassifier
  ) -> Binarization? {
    let (count, width) = (logits.shape[0], logits.rowCount)
    let rows = (0..<count).map { n in (0..<width).map { Double(logits[n * width + $0]) } }
    guard let planted = rows.last, rows.allSatisfy({ $0.allSatisfy { $0.isFinite } }) else {
      return nil
    }
    let inner = rows.dropLast()
    let share = 1 / Double(inner.count)
    func mean(_ value: ([Double]) -> Double) -> Double {
      inner.reduce(0) { $0 + share * value($1) }
    }
    let center = (0..<width).map { k in mean { $0[k] } }
    var scatter = (0..<width).map { i in
      (0..<width).map { j in mean { ($0[i] - center[i]) * ($0[j] - center[j]) } }
    }
    let trace = (0..<width).reduce(0.0) { $0 + scatter[$1][$1] }
    guard trace > 0 else { return nil }
    for k in 0..<width { scatter[k][k] += 1e-3 * trace / Double(width) }
    guard let weights = solve(scatter, zip(planted, center).map { $0 - $1 }) else { return nil }
    func score(_ row: [Double]) -> Double {
      zip(weights, row).reduce(0.0) { $0 + $1.0 * $1.1 }
    }
    let (outer, nearest) = (score(planted), inner.map(score).max() ?? .infinity)
    guard outer > nearest else { return nil }
    // Scaled to a span of 20, so that probabilities are neither flat nor saturated.
    let scale = 20 / (outer - nearest)
    let boundary = nearest + 0.9 * (outer - nearest)
    return Binarization(
      base: base, weights: weights.map { scale * $0 }, bias: -scale * boundary)
  }

  /// x with Ax = b, by elimination with pivots; nil if A is singular.
  private static func solve(_ a: [[Double]], _ b: [Double]) -> [Double]? {
    var rows = zip(a, b).map { $0 + [$1] }
    let count = b.count
    for column in 0..<count {
      let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      guard abs(rows[pivot][column]) > 0, rows[pivot][column].isFinite else { return nil }
      rows.swapAt(column, pivot)
      for row in 0..<count where row != column {
        let factor = rows[row][column] / rows[column][column]
        for k in column...count { rows[row][k] -= factor * rows[column][k] }
      }
    }
    return (0..<count).map { rows[$0][count] / rows[$0][$0] }
  }
}
