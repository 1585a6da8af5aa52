import Classification
import Foundation
import MixupInference
import PropertyTesting
import Statistics

/// What a place to try an equation is made of: anchors in general position, a G, an attack δ, labels
/// y ≠ ŷ, a rule and a λ.
struct TheoryRecipe: Sendable {
  /// G before it is put on an H.
  enum Nonlinearity: Sendable {
    /// G_k(δ; x) = sin(B_k·δ + C_k·x) before it is made to fit: nonlinear in both.
    case arbitrary(onPerturbation: [[Double]], onPoint: [[Double]])
    /// One of the named families, with the effect [L] of the whole attack.
    case family(SyntheticScenario.Settings, effect: [Double])

    /// The family's settings; nil for an arbitrary G.
    var settings: SyntheticScenario.Settings? {
      if case .family(let settings, _) = self { settings } else { nil }
    }
  }

  var classCount: Int
  var pool: [Anchor]
  /// The scale of H's random component outside the anchors' hull, and its seed.
  var nullSpace: (scale: Double, seed: UInt64)
  /// x₀, y and δ.
  var point: [Double]
  var label: Int
  var attack: [Double]
  /// The label that the attack aims at.
  var target: Int
  var nonlinearity: Nonlinearity
  var rule: PartnerLabel
  var lambda: Double

  /// F = H + G and its input.
  func example() throws -> TheoryExample {
    let linear = try LinearModel(
      fitting: pool, classCount: classCount, nullSpace: nullSpace.scale,
      key: RandomKey(seed: nullSpace.seed, purpose: .test))
    let perturbation =
      switch nonlinearity {
      case .arbitrary(let onPerturbation, let onPoint):
        Perturbation { perturbation, point in
          zip(onPerturbation, onPoint).map { b, c in
            sin(zip(b + c, perturbation + point).reduce(0) { $0 + $1.0 * $1.1 })
          }
        }
      case .family(let settings, let effect):
        try SyntheticScenario.perturbation(
          settings, effect: effect, along: attack, to: target, on: linear)
      }
    let model = try SyntheticModel(linear, perturbation, pool: pool)
    var input = model.input(at: point, label: label, perturbed: attack)
    // The equations speak of some ŷ ≠ y, whatever F's largest component is.
    if case .arbitrary = nonlinearity { input.predicted = target }
    return TheoryExample(model: model, input: input, rule: rule, lambda: lambda)
  }
}

/// A place to try an equation.
struct TheoryExample {
  var model: SyntheticModel
  var input: AttackedInput
  var rule: PartnerLabel
  var lambda: Double

  /// What rounding may do to a difference of two averages of F.
  ///
  /// In units of what it may do to H at one point: 1 for the fit and ½ for the product W·x̃; ½ for
  /// the mixture x̃; 2 for G, whose values up to 4 are centred over L classes; and 2½ for the average
  /// over as many points as the unit counts twice. That is less than 8, and there are two averages.
  var tolerance: Double {
    16 * model.linear.roundingUnit(at: model.pool.map(\.point) + [input.point])
  }

  var classCount: Int { model.classCount }
  var mixed: [Double] { model.expectedPrediction(of: input, mixing: rule, lambda: lambda) }
  var decay: [Double] { model.expectedDecay(of: input, mixing: rule, lambda: lambda) }
  var changes: [Double] { model.confidenceChanges(of: input, mixing: rule, lambda: lambda) }
  var thresholds: RobustnessImprovingCondition.Thresholds {
    RobustnessImprovingCondition.thresholds(rule, lambda: lambda, classCount: classCount)
  }
}

extension Generator where Value == TheoryRecipe {
  /// Places to try an equation; the simplest has two classes in one dimension.
  ///
  /// - Parameters:
  ///   - family: that of G; nil for an arbitrary nonlinear function of δ and the point.
  ///   - exponents: p, the family's parameter.
  ///   - strengths: g, what the attack takes from y; above ½ + `spreads`/2 it is misclassified.
  ///   - spreads: the share of g that goes to classes other than ŷ.
  static func theory(
    _ family: SyntheticScenario.Family? = nil, exponents: ClosedRange<Double> = 0.25...4.25,
    strengths: ClosedRange<Double> = 0.75...1, spreads: ClosedRange<Double> = 0...0.25
  ) -> Generator {
    Generator { source throws(Discarded) in
      func count(_ range: ClosedRange<Int>) throws(Discarded) -> Int {
        try Generator<Int>.integer(in: range, near: range.lowerBound).value(from: source)
      }
      func number(_ range: ClosedRange<Double>) throws(Discarded) -> Double {
        try Generator<Double>.double(in: range).value(from: source)
      }
      func vector(_ count: Int, _ range: ClosedRange<Double>) throws(Discarded) -> [Double] {
        try Generator<[Double]>.array(of: .double(in: range), count: count).value(from: source)
      }
      let L = try count(2...7)
      let D = L - 1 + (try count(0...7))

      // In the first L−1 coordinates class k reaches one dimension further than those before it: a
      // triangle of numbers without a zero on its diagonal, so the classes are in general position,
      // whatever their points do in the coordinates after these.
      var pool: [Anchor] = []
      for label in 0..<L {
        var corner = [Double](repeating: 0, count: L - 1)
        for place in 0..<label { corner[place] = try number(-1...1) }
        if label > 0 { corner[label - 1] = 1 / Double(1 << (try count(0...3))) }
        for _ in 0..<(try count(1...4)) {
          pool.append(Anchor(point: corner + (try vector(D - L + 1, -1...1)), label: label))
        }
      }
      // A reflection, so that no coordinate is special; none for the simplest axis, 0.
      let axis = try vector(D, -1...1)
      let square = zip(axis, axis).reduce(0) { $0 + $1.0 * $1.1 }
      if square > 0.01 {
        for place in pool.indices {
          let share = 2 * zip(axis, pool[place].point).reduce(0) { $0 + $1.0 * $1.1 } / square
          pool[place].point = zip(pool[place].point, axis).map { $0 - share * $1 }
        }
      }

      let label = try count(0...L - 1)
      let target = (label + (try count(1...L - 1))) % L
      let own = pool.filter { $0.label == label }.map(\.point)
      let point = mix(
        try number(0...1), own[try count(0...own.count - 1)], own[try count(0...own.count - 1)])
      // One coordinate that is not small, so that the attack has a direction.
      let attack = [try number(0.1...1)] + (try vector(D - 1, -1...1))

      let nonlinearity: TheoryRecipe.Nonlinearity
      if let family {
        var settings = SyntheticScenario.Settings()
        settings.family = family
        settings.exponent = try number(exponents)
        settings.strength = try number(strengths)
        settings.spread = L > 2 ? try number(spreads) : 0
        var effect = [Double](repeating: 0, count: L)
        let others = (0..<L).filter { $0 != label && $0 != target }
        if settings.spread > 0 {
          let shares = try Generator<[Double]>.simplexPoint(others.count).value(from: source)
          for (other, share) in zip(others, shares) {
            effect[other] = settings.strength * settings.spread * share
          }
        }
        effect[label] = -settings.strength
        effect[target] = settings.strength * (1 - settings.spread)
        nonlinearity = .family(settings, effect: effect)
      } else {
        var (onPerturbation, onPoint): ([[Double]], [[Double]]) = ([], [])
        for _ in 0..<L {
          onPerturbation.append(try vector(D, -2...2))
          onPoint.append(try vector(D, -2...2))
        }
        nonlinearity = .arbitrary(onPerturbation: onPerturbation, onPoint: onPoint)
      }
      return TheoryRecipe(
        classCount: L, pool: pool,
        nullSpace: (Double(try count(0...2)), UInt64(try count(0...1000))), point: point,
        label: label, attack: attack, target: target, nonlinearity: nonlinearity,
        rule: try Generator<PartnerLabel>.anyCase.value(from: source), lambda: try number(0...1))
    }
  }
}
