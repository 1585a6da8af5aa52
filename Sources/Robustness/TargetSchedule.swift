import Classification
import Statistics

/// Which of the other classes an attack on every class tries, and in which order.
public struct TargetSchedule: Hashable, Codable, Sendable {
  /// By what the classes are ordered.
  public enum Order: String, CaseIterable, Codable, Sendable {
    /// By their number, from the one behind the true class on.
    case label
    /// By how near they are to first order at the image itself, (z_y − z_k)/‖∇(z_y − z_k)‖ with the norm dual to the
    /// attack's: the most promising first (MALT; Melamed, Yehudai and Shamir, arXiv 2407.02240, 2024). It takes a gradient for
    /// every class but the true one.
    case distance
  }

  /// The order in which they are tried.
  public var order: Order
  /// How many are tried, the first of the order; all if nil.
  public var count: Int?

  /// All classes by their number, unless another order or count is given.
  public init(order: Order = .label, count: Int? = nil) {
    self.order = order
    self.count = count
  }

  /// For every search of one restart the label to which it leads each example, nil where it leads away from the true
  /// labels.
  ///
  /// - Throws: `AttackError.setting` for less than one class, and what the surrogate throws.
  package func targets(
    _ objective: AttackObjective, of examples: LabelledImages, norm: PerturbationBudget.Norm,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> [[Int]?] {
    if let count, count < 1 {
      throw AttackError.setting(name: "number of targets", value: count, least: 1)
    }
    let all = objective.targets(of: examples, seed: seed)
    guard objective == .everyClass else { return all }
    let classes = all.compactMap(\.self)
    let tried = min(count ?? classes.count, classes.count)
    guard order == .distance, examples.count > 0 else { return Array(all.prefix(tried)) }
    let draws = Draws(seed: seed, purpose: .attackTarget, examples: examples.indices)
    let width = examples.pixels.imageShape.count
    let distances = try classes.map { others in
      let (margins, gradient) = try surrogate.boundary(
        of: examples.pixels, from: examples.labels, to: others, draws: draws)
      return margins.enumerated().map { n, margin in
        let slope = norm.dualLength(
          (n * width..<(n + 1) * width).map { Double(gradient[$0]) })
        // Without a slope nothing leads there.
        return slope > 0 && slope.isFinite ? -margin / slope : .infinity
      }
    }
    let orders = examples.indices.indices.map { n in
      classes.indices.sorted { (distances[$0][n], $0) < (distances[$1][n], $1) }
    }
    return (0..<tried).map { rank in orders.enumerated().map { n, order in classes[order[rank]][n] }
    }
  }
}

extension DifferentiableClassifier {
  /// z_k − z_y of every image for another class k and its own class y, and the gradient of that in the pixels.
  func boundary(
    of images: Pixels, from labels: [Int], to others: [Int], draws: Draws
  ) throws -> (margins: [Double], gradient: Tensor) {
    let classCount = classCount
    let (logits, gradient) = try checkedLogitsAndGradient(of: images, draws: draws) {
      var cotangent = Tensor(shape: $0.shape)
      for (n, (other, label)) in zip(others, labels).enumerated() {
        cotangent[n * classCount + other] = 1
        cotangent[n * classCount + label] = -1
      }
      return cotangent
    }
    let margins = zip(others, labels).enumerated().map { n, pair in
      let (other, own) = (logits[n * classCount + pair.0], logits[n * classCount + pair.1])
      // Nearer to the boundary than rounding can tell, FAB would stand still there: 5% of this are three units in
      // the last place.
      let least = Double(max(abs(other), abs(own))) * 0x1p-17
      let margin = Double(other) - Double(own)
      return margin < 0 ? min(margin, -least) : max(margin, least)
    }
    return (margins, gradient)
  }
}

extension TargetSchedule.Order: SettingValue {}

extension Setting {
  /// The settings of an attack on every class.
  static func targets(
    _ order: any WritableKeyPath<Owner, TargetSchedule.Order> & Sendable,
    _ count: any WritableKeyPath<Owner, Int?> & Sendable
  ) -> [Setting] {
    [
      Setting("targetOrder", order, texts: { $0 == .label ? [:] : ["targetOrder": $0.rawValue] }),
      Setting("targets", count, problem: { countProblem("the number of targets", $0) }),
    ]
  }
}
