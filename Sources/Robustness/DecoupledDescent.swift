import Classification
import Foundation

/// What searches for the nearest misclassified image do that decouple where a change δ leads from how long it is:
/// it goes along the gradient of a loss ℓ, and then onto a ball whose radius shrinks while the image is
/// misclassified and grows while it is not,
///
/// δ ← clip(x + Π(δ + α ∇ℓ/‖∇ℓ‖₂)) − x, from δ = 0, where clip cuts off at the box [0, 1].
///
/// The result is the nearest misclassified image that was met. What misleads as it is stays as it is.
///
/// Through a randomised surrogate one draw says little. There an image that misleads it on the draw of its step,
/// and is nearer than all before, is predicted on fresh draws, and counts as misclassified if they all agree; the
/// result is the image that is misclassified most often on these, and of several the nearest.
struct DecoupledDescent {
  /// An image in the middle of its search.
  struct Sight {
    /// The step, from 0.
    var step: Int
    /// Whether it is misclassified.
    var isMisled: Bool
    /// Whether it was in this step or an earlier one.
    var wasMisled: Bool
    /// ‖δ‖.
    var distance: Double
    /// Whether the box cut δ off, so that it does not reach to the surface of its ball.
    var isCut: Bool
    /// The length of the shortest δ that is known to mislead.
    var nearest: Double
    /// max_{k≠y} z_k − z_y for true label y and logits z.
    var margin: Double
    /// The dual norm of the loss's gradient.
    var slope: Double
    /// The radius of its ball.
    var radius: Double
  }

  let examples: LabelledImages
  let norm: PerturbationBudget.Norm
  let surrogate: any DifferentiableClassifier
  let seed: UInt64
  let steps: Int
  let selections: Int
  /// ℓ.
  var loss: AttackLoss
  /// The radius of the ball before the first step.
  var radius: Double
  /// Whether δ goes to the ball's surface even from inside.
  var isOnSurface = false

  /// The nearest misclassified image of every example, [N, C, H, W]; the clean image where none was met.
  ///
  /// - Parameters:
  ///   - stepSize: α of a step.
  ///   - next: the ball's radius after what was seen. It is never more than the longest δ in the box has.
  ///   - visited: called with the images of every step and the positions that they are for.
  func search(
    stepSize: (_ step: Int) -> Double, radius next: (Sight) -> Double,
    visited: (Pixels, [Int]) -> Void = { _, _ in }
  ) throws -> Tensor {
    let clean = examples.pixels.tensor
    var nearest = NearestImages(examples, norm)
    // Of images that mislead on as many draws the nearest is chosen.
    var selection =
      surrogate.isRandomized
      ? Selection(
        of: examples, aims: examples.labels, isTargeted: false, by: surrogate, seed: seed,
        repetitions: selections, round: .places, nearestIn: norm) : nil
    let farthest = norm.distances(of: clean, from: clean.map { $0 < 0.5 ? 1 : 0 })
    var radii = Array(repeating: radius, count: examples.count)
    var wasMisled = Array(repeating: false, count: examples.count)
    var isCut = wasMisled
    var images = clean
    for step in 0..<steps {
      // No image is nearer than the clean one.
      let active = examples.indices.indices.filter { nearest.distances[$0] > 0 }
      guard !active.isEmpty else { break }
      let batch = Pixels(unchecked: images.rows(active))
      visited(batch, active)
      let labels = active.map { examples.labels[$0] }
      let draws = Draws(
        seed: seed, purpose: .attack, examples: active.map { examples.indices[$0] }, step: step)
      var followed = FollowedGradient(loss, labels: labels)
      let (logits, gradient) = try surrogate.checkedLogitsAndGradient(of: batch, draws: draws) {
        followed($0)
      }
      let margins = AttackLoss.margin.values(of: logits, labels: labels)
      let distances = norm.distances(of: batch.tensor, from: clean.rows(active))
      var isMisled = zip(try argmax(rowsOf: logits), labels).map(!=)
      let nearer = active.indices.filter {
        isMisled[$0] && distances[$0] < nearest.distances[active[$0]]
      }
      let answers = try selection?.offer(
        batch[nearer], at: nearer.map { active[$0] }, tellsMisled: true)
      for (row, answer) in zip(nearer, answers ?? []) { isMisled[row] = answer.isMisled }
      let found = nearer.filter { isMisled[$0] }
      nearest.offer(
        batch.tensor.rows(found), found.map { distances[$0] }, at: found.map { active[$0] })
      guard step + 1 < steps else { break }
      let width = clean.rowCount
      images.withUnsafeMutablePointer { values in
        clean.withUnsafePointer { clean in
          gradient.withUnsafePointer { gradient in
            for (row, n) in active.enumerated() {
              wasMisled[n] = wasMisled[n] || isMisled[row]
              let g = (row * width..<(row + 1) * width).map { Double(gradient[$0]) }
              let sight = Sight(
                step: step, isMisled: isMisled[row], wasMisled: wasMisled[n],
                distance: distances[row], isCut: isCut[n],
                nearest: min(nearest.distances[n], farthest[n]),
                margin: margins[row], slope: norm.dualLength(g), radius: radii[n])
              let radius = next(sight)
              radii[n] = radius < farthest[n] ? radius : farthest[n]
              isCut[n] = move(
                values + n * width, from: clean + n * width, along: g, length: stepSize(step),
                radius: radii[n])
            }
          }
        }
      }
    }
    return selection?.best.tensor ?? nearest.images
  }

  /// One step of one image, and whether the box cut it off. A gradient of 0, or that is not finite, leads nowhere, but
  /// the ball counts.
  private func move(
    _ values: UnsafeMutablePointer<Float>, from clean: UnsafePointer<Float>, along g: [Double],
    length: Double, radius: Double
  ) -> Bool {
    let size = PerturbationBudget.Norm.l2.length(g)
    let share = size > 1e-12 && size.isFinite ? length / size : 0
    var change = g.indices.map {
      Double(values[$0]) - Double(clean[$0]) + (share > 0 ? share * g[$0] : 0)
    }
    switch norm {
    case .linf: change = change.map { min(max($0, -radius), radius) }
    case .l2:
      let reached = norm.length(change)
      if reached > 0, isOnSurface || reached > radius {
        change = change.map { $0 * (radius / reached) }
      }
    }
    var isCut = false
    for place in change.indices {
      let value = Double(clean[place]) + change[place]
      isCut = isCut || value < 0 || value > 1
      values[place] = Float(min(max(value, 0), 1))
    }
    return isCut
  }
}

extension Attack {
  /// - Throws: `AttackError.setting` for a search without a step or a prediction that chooses.
  func check(steps: Int, selections: Int) throws(AttackError) {
    for (name, value) in [("number of steps", steps), ("number of selections", selections)]
    where value < 1 {
      throw .setting(name: name, value: value, least: 1)
    }
  }
}
