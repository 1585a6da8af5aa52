import Classification
import Foundation
import Statistics

/// FAB, the fast adaptive boundary attack: the nearest image that is misclassified (Croce and Hein, ICML 2020).
///
/// At every step the boundary between the true class and another one is taken for the hyperplane that it is
/// to first order. With d(v) from v to the nearest point of that hyperplane inside the box [0, 1],
/// x' = clip((1 − α)(x + η d(x)) + α (x₀ + η d(x₀))), x₀ being the clean image, η = 1.05 a step beyond the
/// boundary, and α = min(‖d(x)‖ / (‖d(x)‖ + ‖d(x₀)‖), 0.1) a pull towards the clean image. What is
/// misclassified and nearer than before is kept, and the search goes on from x₀ + 0.9 (x' − x₀).
///
/// The other class is the one whose hyperplane is nearest (one gradient for every class and step), or a given
/// one (one gradient). The first restart begins at the clean image, the others in the middle of the ball.
///
/// A randomised model has another boundary at every draw. One search keeps to the same draws, and finds the
/// nearest image for them, which may be a lucky one: it has to prove itself where it is chosen and judged.
public struct FastAdaptiveBoundary: Attack, Hashable, Codable {
  /// The number of steps.
  public var steps: Int
  /// Which class is approached: the nearest, or with `.everyClass` one after the other.
  public var objective: AttackObjective
  /// The number of searches towards every class.
  public var restarts: Int
  /// Which classes are tried with `.everyClass`.
  public var targets: TargetSchedule

  /// The settings; checked by `search`.
  public init(
    steps: Int = 100, objective: AttackObjective = .untargeted, restarts: Int = 1,
    targets: TargetSchedule = TargetSchedule()
  ) {
    self.targets = targets
    self.steps = steps
    self.objective = objective
    self.restarts = restarts
  }

  /// For every example the nearest misclassified image that was found, which may lie outside of the ball;
  /// the clean image if there was none.
  ///
  /// - Throws: `AttackError` if a setting is too small or the model's classes are not the data's, and what the
  ///   model throws.
  public func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    for (name, value) in [("number of steps", steps), ("number of restarts", restarts)]
    where value < 1 {
      throw AttackError.setting(name: name, value: value, least: 1)
    }
    try check(surrogate, on: examples)
    var nearest = NearestImages(examples, budget.norm)
    let logits = try surrogate.checkedLogits(
      of: examples.pixels, draws: Draws(seed: seed, purpose: .attack, examples: examples.indices))
    let isMisled = zip(try argmax(rowsOf: logits), examples.labels).map(!=)
    let targets = try targets.targets(
      objective, of: examples, norm: budget.norm, through: surrogate, seed: seed)
    for targets in targets {
      for restart in 0..<restarts {
        // What is misclassified within the ball needs no nearer image.
        let positions = isMisled.indices.filter {
          !isMisled[$0] && nearest.distances[$0] > Double(budget.radius.value)
        }
        guard !positions.isEmpty else { break }
        let found = try approach(
          Restarts.Attempt(restart: restart, examples: examples, targets: targets)[positions],
          budget, through: surrogate, seed: seed)
        nearest.offer(found.images, found.distances, at: positions)
      }
    }
    return nearest.images
  }

  // MARK: Search

  /// The nearest misclassified images that one search finds, and how far they are from the clean ones: ∞ where
  /// there is none.
  ///
  /// - Parameter visited: called with the images after every step.
  package func approach(
    _ attempt: Restarts.Attempt, _ budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64,
    visited: (Pixels) -> Void = { _ in }
  ) throws -> (images: Tensor, distances: [Double]) {
    let examples = attempt.examples
    let clean = examples.pixels.tensor
    let width = clean.rowCount
    let draws = Draws(
      seed: seed, purpose: .attack, examples: examples.indices, restart: attempt.restart)
    var nearest = NearestImages(examples, budget.norm)
    var iterate = attempt.restart == 0 ? clean : start(of: attempt, budget, seed: seed)
    for _ in 0..<steps {
      let planes = try boundaries(
        of: Pixels(unchecked: iterate), attempt, draws, through: surrogate)
      iterate.withUnsafeMutablePointer { values in
        clean.withUnsafePointer { clean in
          for n in 0..<examples.count {
            let row = (values + n * width, clean + n * width)
            guard let plane = nearestPlane(planes, of: n, width: width, budget.norm) else {
              continue
            }
            Self.step(row.0, clean: row.1, towards: plane, norm: budget.norm, count: width)
          }
        }
      }
      let images = Pixels(unchecked: iterate)
      visited(images)
      let predictions = try surrogate.predictions(of: images, draws: draws)
      let misled = predictions.indices.filter { predictions[$0] != examples.labels[$0] }
      nearest.offer(iterate.rows(misled), nil, at: misled)
      iterate.withUnsafeMutablePointer { values in
        clean.withUnsafePointer { clean in
          for n in misled {
            for place in n * width..<(n + 1) * width {
              values[place] = clean[place] + 0.9 * (values[place] - clean[place])
            }
          }
        }
      }
    }
    return (nearest.images, nearest.distances)
  }

  /// Images in the middle of the ball: half of a uniformly random change that reaches its surface.
  private func start(
    of attempt: Restarts.Attempt, _ budget: PerturbationBudget, seed: UInt64
  ) -> Tensor {
    var start = attempt.examples.pixels.tensor
    let width = start.rowCount
    start.withUnsafeMutablePointer { values in
      for (n, example) in attempt.examples.indices.enumerated() {
        var stream = RandomStream(
          RandomKey(
            seed: seed, purpose: .attackStart, example: example, restart: attempt.restart))
        let change = (0..<width).map { _ in
          budget.norm == .linf ? Double(2 * stream.uniform() - 1) : stream.standardNormal()
        }
        let share = 0.5 * Double(budget.radius.value) / max(budget.norm.length(change), 1e-12)
        for place in 0..<width {
          let value = values[n * width + place] + Float(share * change[place])
          values[n * width + place] = min(max(value, 0), 1)
        }
      }
    }
    return start
  }

  /// For some of the classes, how far every image's logit is from the true class's, z_k − z_y, and the
  /// gradient of that.
  private func boundaries(
    of images: Pixels, _ attempt: Restarts.Attempt, _ draws: Draws,
    through surrogate: any DifferentiableClassifier
  ) throws -> [(margins: [Double], gradient: Tensor)] {
    let labels = attempt.examples.labels
    let classCount = surrogate.classCount
    let classes =
      attempt.targets.map { [$0] }
      ?? (1..<classCount).map { shift in labels.map { ($0 + shift) % classCount } }
    return try classes.map {
      try surrogate.boundary(of: images, from: labels, to: $0, draws: draws)
    }
  }

  /// A boundary to first order, w·(v − x) + margin = 0 for the present image x.
  private struct Plane {
    var margin: Double
    var w: [Double]
  }

  /// The boundary that is nearest to an image to first order, the box left out; nil if no gradient says where
  /// one is.
  private func nearestPlane(
    _ planes: [(margins: [Double], gradient: Tensor)], of n: Int, width: Int,
    _ norm: PerturbationBudget.Norm
  ) -> Plane? {
    var best: (distance: Double, plane: Plane)?
    for (margins, gradient) in planes {
      let w = (n * width..<(n + 1) * width).map { Double(gradient[$0]) }
      let distance = abs(margins[n]) / (1e-12 + norm.dualLength(w))
      if best.map({ distance < $0.distance }) ?? true, w.contains(where: { $0 != 0 }) {
        best = (distance, Plane(margin: margins[n], w: w))
      }
    }
    return best?.plane
  }

  private static func step(
    _ values: UnsafeMutablePointer<Float>, clean: UnsafePointer<Float>, towards plane: Plane,
    norm: PerturbationBudget.Norm, count: Int
  ) {
    let x = (0..<count).map { Double(values[$0]) }
    let center = (0..<count).map { Double(clean[$0]) }
    // w·(x₀ − x) + margin: how far the plane is passed at the clean image.
    let passedAtCenter = zip(plane.w, zip(center, x)).reduce(plane.margin) {
      $0 + $1.0 * ($1.1.0 - $1.1.1)
    }
    let own = norm.shortestMove(from: x, passed: plane.margin, along: plane.w)
    let pulled = norm.shortestMove(from: center, passed: passedAtCenter, along: plane.w)
    let lengths = (max(norm.length(own), 1e-8), max(norm.length(pulled), 1e-8))
    let alpha = min(lengths.0 / (lengths.0 + lengths.1), 0.1)
    for place in 0..<count {
      let value =
        (1 - alpha) * (x[place] + 1.05 * own[place])
        + alpha * (center[place] + 1.05 * pulled[place])
      values[place] = Float(min(max(value, 0), 1))
    }
  }
}

extension PerturbationBudget.Norm {
  /// The shortest d for which x + d lies on the hyperplane w·(v − x) + passed = 0 and in the box [0, 1]; where
  /// the box does not reach it, the d that comes nearest.
  ///
  /// Along d_i(τ) = −s sgn(w_i) min(τ v_i, r_i), with s the sign of `passed`, r_i the room until the end of
  /// the box, and v_i = 1 in ℓ∞ and |w_i| in ℓ2, w·d falls the fastest for its length (the conditions of
  /// Karush, Kuhn and Tucker). Σ |w_i| min(τ v_i, r_i) = |passed| is solved piece by piece. O(D log D).
  package func shortestMove(from x: [Double], passed: Double, along w: [Double]) -> [Double] {
    let sign: Double = passed >= 0 ? 1 : -1
    func room(_ i: Int) -> Double { sign * w[i] > 0 ? x[i] : 1 - x[i] }
    func speed(_ i: Int) -> Double { self == .linf ? 1 : abs(w[i]) }
    let moving = w.indices.filter { w[$0] != 0 }
      .map { (i: $0, end: room($0) / speed($0)) }.sorted { $0.end < $1.end }
    var slope = moving.reduce(0) { $0 + abs(w[$1.i]) * speed($1.i) }
    var left = abs(passed)
    var tau = 0.0
    for (i, end) in moving {
      if left <= slope * (end - tau) { break }
      left -= slope * (end - tau)
      tau = end
      slope -= abs(w[i]) * speed(i)
    }
    // Beyond the last end nothing moves any more.
    if let last = moving.last, tau < last.end, slope > 0 {
      tau += min(left / slope, last.end - tau)
    }
    var move = Array(repeating: 0.0, count: x.count)
    for (i, _) in moving { move[i] = -sign * (w[i] > 0 ? 1 : -1) * min(tau * speed(i), room(i)) }
    return move
  }
}

extension FastAdaptiveBoundary: PlannedSearch {
  /// With other searches, those that follow leave alone what was found within the radius.
  package var findsNearest: Bool { objective == .untargeted && restarts == 1 }
  package var settings: [Setting<FastAdaptiveBoundary>] {
    [
      .count("steps", \.steps, of: "steps", growsWithEffort: true),
      .count("restarts", \.restarts, of: "restarts"),
    ] + (objective == .everyClass ? Setting.targets(\.targets.order, \.targets.count) : [])
  }
}
