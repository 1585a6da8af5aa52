import Classification
import Statistics

/// F = H + G with a pool of clean points: everything that the paper's equations speak of, in closed
/// form. Pang, Xu and Zhu, ICLR 2020, equations (4) and (5).
public struct SyntheticModel: Sendable {
  /// H.
  public let linear: LinearModel
  /// G.
  public let perturbation: Perturbation
  /// The clean points to mix with.
  public let pool: [Anchor]
  /// The points of every class, [L].
  private let byClass: [[[Double]]]

  /// F = H + G, mixed with the points of a pool.
  ///
  /// - Throws: `TheoryError` unless every class has a point of H's dimension.
  public init(
    _ linear: LinearModel, _ perturbation: Perturbation, pool: [Anchor]
  ) throws(TheoryError) {
    var byClass = [[[Double]]](repeating: [], count: linear.classCount)
    for (position, anchor) in pool.enumerated() {
      guard byClass.indices ~= anchor.label else {
        throw .label(anchor.label, classCount: linear.classCount)
      }
      guard anchor.point.count == linear.dimension else {
        throw .length(
          name: "point \(position) of the pool", expected: linear.dimension,
          found: anchor.point.count)
      }
      byClass[anchor.label].append(anchor.point)
    }
    if let empty = byClass.firstIndex(where: \.isEmpty) {
      throw .emptyClass(empty, classCount: linear.classCount)
    }
    self.linear = linear
    self.perturbation = perturbation
    self.pool = pool
    self.byClass = byClass
  }

  /// L, the number of classes.
  public var classCount: Int { linear.classCount }

  /// F(x₀ + δ) = H(x₀) + G(δ; x₀), equation (4), [L].
  public func prediction(at point: [Double], perturbed perturbation: [Double]) -> [Double] {
    zip(linear(point), self.perturbation(perturbation, at: point)).map(+)
  }

  /// F(x̃) = H(x̃₀) + G(λδ; x̃₀), equation (5), for one partner x_s; [L].
  public func mixedPrediction(
    at point: [Double], perturbed perturbation: [Double], with partner: [Double], lambda: Double
  ) -> [Double] {
    prediction(at: mix(lambda, point, partner), perturbed: perturbation.map { lambda * $0 })
  }

  /// E_{p_s}[F(x̃)], the limit of F_MI for N → ∞, by enumerating the pool; [L].
  ///
  /// The labels count alike and, within a label, its points.
  public func expectedPrediction(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> [Double] {
    expectation(rule, predicted: input.predicted) { partner, _ in
      mixedPrediction(
        at: input.point, perturbed: input.perturbation, with: partner, lambda: lambda)
    }
  }

  /// E_{p_s}[G(λδ; x̃₀)], [L].
  public func expectedPerturbation(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> [Double] {
    expectation(rule, predicted: input.predicted) { partner, _ in
      perturbation(
        input.perturbation.map { lambda * $0 }, at: mix(lambda, input.point, partner))
    }
  }

  /// F_MI(x) = 1/N Σ_i F(x̃_i) with partners drawn as Algorithm 1 says, equation (6); [L].
  ///
  /// - Throws: `TheoryError.sampleCount` if N is below 1.
  public func sampledPrediction(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double, sampleCount: Int,
    key: RandomKey
  ) throws(TheoryError) -> [Double] {
    guard sampleCount >= 1 else { throw .sampleCount(sampleCount) }
    var stream = RandomStream(key)
    var sum = [Double](repeating: 0, count: classCount)
    for _ in 0..<sampleCount {
      let labels = labels(rule, predicted: input.predicted)
      let points = byClass[labels[stream.integer(below: labels.count)]]
      let partner = points[stream.integer(below: points.count)]
      add(
        1,
        mixedPrediction(
          at: input.point, perturbed: input.perturbation, with: partner, lambda: lambda), to: &sum)
    }
    return sum.map { $0 / Double(sampleCount) }
  }

  /// E_{p_s}[f(x_s, y_s)] of a function f with vectors as values, over the partners x_s of label y_s.
  package func expectation(
    _ rule: PartnerLabel, predicted: Int, _ value: ([Double], Int) -> [Double]
  ) -> [Double] {
    let labels = labels(rule, predicted: predicted)
    var sum: [Double] = []
    for label in labels {
      let weight = 1 / Double(labels.count * byClass[label].count)
      for point in byClass[label] {
        let one = value(point, label)
        if sum.isEmpty { sum = [Double](repeating: 0, count: one.count) }
        add(weight, one, to: &sum)
      }
    }
    return sum
  }

  /// The labels to which p_s(y) gives equal probability; with one class there is no other.
  private func labels(_ rule: PartnerLabel, predicted: Int) -> [Int] {
    switch rule {
    case .predicted: [predicted]
    case .other: classCount > 1 ? (0..<classCount).filter { $0 != predicted } : [predicted]
    }
  }

  /// An input with ŷ = argmax_k F_k(x); the first among equals.
  public func input(
    at point: [Double], label: Int, perturbed perturbation: [Double]
  ) -> AttackedInput {
    AttackedInput(
      point: point, label: label, perturbation: perturbation,
      predicted: firstMaximum(prediction(at: point, perturbed: perturbation)))
  }

  /// The same input without its perturbation, z = 0, with the label predicted then.
  public func clean(_ input: AttackedInput) -> AttackedInput {
    self.input(
      at: input.point, label: input.label,
      perturbed: [Double](repeating: 0, count: input.perturbation.count))
  }
}

/// x = x₀ + δ with its true and its predicted label.
public struct AttackedInput: Sendable, Hashable {
  /// x₀, the clean point, [D].
  public var point: [Double]
  /// y.
  public var label: Int
  /// δ, [D]; 0 on a clean input.
  public var perturbation: [Double]
  /// ŷ = argmax_k F_k(x).
  public var predicted: Int

  /// An input of which everything is known.
  public init(point: [Double], label: Int, perturbation: [Double], predicted: Int) {
    self.point = point
    self.label = label
    self.perturbation = perturbation
    self.predicted = predicted
  }

  /// z: whether the input is perturbed.
  public var isAdversarial: Bool { perturbation.contains { $0 != 0 } }

  /// Equation (2), 1{y = ŷ} = 1{z = 0}: clean inputs are classified rightly and adversarial ones
  /// wrongly. The closed forms of `Table1` and of the detection gap need it.
  public var satisfiesModellingAssumption: Bool { (label == predicted) == !isAdversarial }
}

/// The position of the largest value; the first among equals, 0 without values.
package func firstMaximum(_ values: [Double]) -> Int {
  values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
}
