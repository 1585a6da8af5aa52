import Classification
import Statistics

/// Where an attack wants the prediction to go.
public enum AttackObjective: String, Sendable, Codable, CaseIterable {
  /// Away from the true label.
  case untargeted
  /// To a label drawn uniformly among the others, one for every example.
  case targeted
  /// To every other label in turn, until the image misleads the surrogate for certain: a randomised
  /// surrogate on all draws of the selection, and on 20 at least.
  case everyClass = "every-class"

  /// For every search of one restart the label to which it leads each example; nil where it leads away
  /// from the true labels.
  package func targets(of examples: LabelledImages, seed: UInt64) -> [[Int]?] {
    let classCount = examples.classCount
    func shifted(_ shift: (Int) -> Int) -> [Int] {
      examples.labels.indices.map { (examples.labels[$0] + 1 + shift($0)) % classCount }
    }
    switch self {
    case .untargeted: return [nil]
    case .targeted:
      return [
        shifted { n in
          var stream = RandomStream(
            RandomKey(seed: seed, purpose: .attackTarget, example: examples.indices[n]))
          return stream.integer(below: classCount - 1)
        }
      ]
    case .everyClass: return (0..<classCount - 1).map { shift in shifted { _ in shift } }
    }
  }
}

/// The searches that make up an attack: every restart, for every target.
///
/// Of the images that several searches find, the one is kept that the surrogate misclassifies most often
/// on fresh draws of purpose `.select`, the same draws for all of them; among equals the one of the
/// largest mean log odds, and then the first. So r restarts are the first r of any larger number of
/// restarts.
package struct Restarts {
  /// One search of some of the examples.
  package struct Attempt {
    package var restart: Int
    package var examples: LabelledImages
    /// Where they are led to; nil for away from the true labels.
    package var targets: [Int]?

    package init(restart: Int, examples: LabelledImages, targets: [Int]?) {
      self.restart = restart
      self.examples = examples
      self.targets = targets
    }

    /// The same search of the examples at the given positions.
    subscript(positions: [Int]) -> Attempt {
      Attempt(
        restart: restart, examples: examples[positions],
        targets: targets.map { t in positions.map { t[$0] } })
    }
  }

  var objective: AttackObjective
  var targets: TargetSchedule
  var count: Int
  var selections: Int
  /// Whether an image is left alone once it misleads the surrogate for certain.
  var sparesMisled: Bool

  /// The best image for every example, inside ball and box.
  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64,
    by attempt: (Attempt, PerturbationBall) throws -> Pixels
  ) throws -> Tensor {
    let targets = try targets.targets(
      objective, of: examples, norm: budget.norm, through: surrogate, seed: seed)
    func images(_ restart: Int, _ targets: [Int]?, at positions: [Int]) throws -> Pixels {
      let chosen = Attempt(restart: restart, examples: examples, targets: targets)[positions]
      return try attempt(
        chosen, PerturbationBall(center: chosen.examples.pixels, budget: budget))
    }
    let all = Array(examples.indices.indices)
    if count == 1, targets.count == 1 { return try images(0, targets[0], at: all).tensor }
    let isTargeted = objective == .targeted
    var selection = Selection(
      of: examples, aims: (isTargeted ? targets[0] : nil) ?? examples.labels,
      isTargeted: isTargeted, by: surrogate, seed: seed, repetitions: selections,
      round: .searches, settles: sparesMisled)
    for restart in 0..<count {
      for targets in targets {
        let positions = sparesMisled ? selection.survivors : all
        guard !positions.isEmpty else { continue }
        try selection.offer(images(restart, targets, at: positions), at: positions)
      }
    }
    return selection.best.tensor
  }
}
