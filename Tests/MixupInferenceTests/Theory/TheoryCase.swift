import Foundation
import MixupInference
import Statistics

/// One random place to try an equation: any affine H, any nonlinear G, any labels y ≠ ŷ, any λ.
struct TheoryCase {
  var model: SyntheticModel
  var input: AttackedInput
  var rule: PartnerLabel
  var ratio: Double
  /// A few hundred roundings of the terms of H, G and their averages.
  var tolerance: Double

  var classCount: Int { model.classCount }
  var unmixed: [Double] { model.prediction(at: input.point, perturbed: input.perturbation) }
  var mixed: [Double] { model.expectedPrediction(of: input, mixing: rule, ratio: ratio) }
  var decay: [Double] { model.expectedDecay(of: input, mixing: rule, ratio: ratio) }
  var changes: [Double] { model.confidenceChanges(of: input, mixing: rule, ratio: ratio) }
  var thresholds: RobustnessImprovingCondition.Thresholds {
    RobustnessImprovingCondition.thresholds(rule, ratio: ratio, classCount: classCount)
  }

  /// A case from a stream of random numbers.
  ///
  /// - Parameter family: that of G; nil for an arbitrary nonlinear function of δ and the point.
  init(
    _ stream: inout RandomStream, family: SyntheticScenario.Family? = nil,
    _ change: (inout SyntheticScenario.Settings) -> Void = { _ in }
  ) throws {
    var settings = SyntheticScenario.Settings()
    settings.classCount = 2 + stream.integer(below: 6)
    settings.dimension = settings.classCount - 1 + stream.integer(below: 8)
    settings.pointsPerClass = 1 + stream.integer(below: 4)
    settings.family = family ?? .linear
    settings.exponent = 0.25 + 4 * stream.uniformDouble()
    settings.strength = 0.75 + 0.25 * stream.uniformDouble()
    settings.spread = stream.integer(below: 2) == 0 ? 0 : 0.25 * stream.uniformDouble()
    settings.nullSpace = Double(stream.integer(below: 3))
    change(&settings)
    let scenario = try SyntheticScenario(
      settings, key: RandomKey(seed: stream.next(), purpose: .test))
    let linear = scenario.model.linear
    let pool = scenario.model.pool
    model = scenario.model
    input = scenario.input
    if family == nil {
      model = try SyntheticModel(linear, arbitraryPerturbation(of: linear, &stream), pool: pool)
      // The equations speak of some ŷ ≠ y, whatever F's largest component is.
      input.predicted =
        (input.label + 1 + stream.integer(below: linear.classCount - 1)) % linear.classCount
    }
    rule = stream.integer(below: 2) == 0 ? .predicted : .other
    ratio = Self.ratio(&stream)
    tolerance = 16 * linear.roundingUnit(at: pool.map(\.point) + [input.point])
  }

  /// λ: one of the ends or the middle now and then, otherwise anything between.
  static func ratio(_ stream: inout RandomStream) -> Double {
    switch stream.integer(below: 8) {
    case 0: 0
    case 1: 1
    case 2: 0.5
    default: stream.uniformDouble()
    }
  }
}

/// G_k(δ; x) = sin(B_k·δ + C_k·x) before it is made to fit: nonlinear in both.
private func arbitraryPerturbation(
  of linear: LinearModel, _ stream: inout RandomStream
) -> Perturbation {
  func matrix() -> [[Double]] {
    (0..<linear.classCount).map { _ in
      (0..<linear.dimension).map { _ in stream.standardNormal() }
    }
  }
  let (onPerturbation, onPoint) = (matrix(), matrix())
  return Perturbation { perturbation, point in
    zip(onPerturbation, onPoint).map { b, c in
      let phase = zip(b, perturbation).reduce(0) { $0 + $1.0 * $1.1 }
      return sin(zip(c, point).reduce(phase) { $0 + $1.0 * $1.1 })
    }
  }
}

/// The seed of all random cases of the theory: fixed, unless PROPERTY_SEED names another, as for the
/// properties of the engine.
let theorySeed =
  ProcessInfo.processInfo.environment["PROPERTY_SEED"].flatMap { UInt64($0) } ?? 2020

/// Calls a property with `count` cases from streams of their own.
func forEachCase(
  count: Int = 200, family: SyntheticScenario.Family? = nil,
  _ change: (inout SyntheticScenario.Settings) -> Void = { _ in },
  _ property: (TheoryCase, inout RandomStream) throws -> Void
) throws {
  for number in 0..<count {
    var stream = RandomStream(RandomKey(seed: theorySeed, purpose: .test, draw: number))
    let example = try TheoryCase(&stream, family: family, change)
    try property(example, &stream)
  }
}
