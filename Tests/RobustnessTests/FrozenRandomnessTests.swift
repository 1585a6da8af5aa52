import Classification
import Foundation
import Robustness
import Statistics
import TestSupport
import Testing

/// Two classes of images of one value x, of which the first is right where t + b (x − ½) > 0. Its b is drawn from
/// [−1, 1) for every answer, or fixed.
private struct RandomSlope: DifferentiableClassifier {
  /// t
  static let margin: Float = 1 / 8
  let imageShape = ImageShape(channels: 1, height: 1, width: 1)
  let classCount = 2
  let forwardPassesPerDecision = 1
  /// b; nil if it is drawn.
  var fixed: Float?
  var isRandomized: Bool { fixed == nil }

  static func slope(_ key: RandomKey) -> Float {
    var stream = RandomStream(key)
    return 2 * stream.uniform() - 1
  }

  private func slopes(_ images: Pixels, _ draws: Draws) -> [Float] {
    (0..<images.count).map { fixed ?? Self.slope(draws.key(position: $0, draw: 0)) }
  }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    var rows: [Float] = []
    for (slope, value) in zip(slopes(images, draws), images.tensor.values) {
      rows += [Self.margin + slope * (value - 0.5), 0]
    }
    return try Tensor(rows, shape: [images.count, 2])
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let logits = try logits(of: images, draws: draws)
    let cotangents = try lossGradient(logits).values
    let gradient = slopes(images, draws).enumerated().map { $1 * cotangents[2 * $0] }
    return (logits, try Tensor(gradient, shape: images.tensor.shape))
  }
}

@Suite("Attackers who know the draws")
struct FrozenRandomnessTests {
  private static let seed: UInt64 = 9
  private let budget = PerturbationBudget.linf(Epsilon(1, over: 4))
  private let attack = ProjectedGradientDescent(steps: 10)
  private let base = RandomSlope(fixed: 1)
  /// Images in the middle of the scale, all of the first class.
  private let data: LabelledImages

  init() throws {
    let count = 400
    data = try LabelledImages(
      pixels: Pixels(Tensor(repeating: 0.5, shape: [count, 1, 1, 1])),
      labels: Array(repeating: 0, count: count), classCount: 2)
  }

  private func frozen(
    _ defence: RandomSlope, blockSize: Int? = nil
  ) throws -> EvaluationResult {
    let known = FrozenRandomness(defence, seed: Self.seed, purpose: .score)
    let surrogate = try ExpectationOverTransformation(defence, drawCount: 10)
    return try Evaluation(seed: Self.seed, blockSize: blockSize).run(
      known, on: data,
      under: .frozen(attack, within: budget, on: known, base: base, through: [surrogate]))
  }

  private func adaptive(_ defence: RandomSlope, scores: Int) throws -> EvaluationResult {
    try Evaluation(seed: Self.seed, scoringDraws: scores).run(
      defence, on: data,
      under: .adaptive(
        attack, within: budget, on: defence, base: base,
        through: [ExpectationOverTransformation(defence, drawCount: 10)]))
  }

  @Test(
    "break a defence that randomness alone protects, exactly where the known draw can be broken")
  func closedForm() throws {
    let result = try frozen(RandomSlope())
    // Who knows b goes to x = ½ ∓ ε, where t − |b| ε is left: right if and only if |b| < t/ε. All of these are
    // floats, and so are their products with powers of two.
    for outcome in result.outcomes {
      let slope = RandomSlope.slope(
        RandomKey(seed: Self.seed, purpose: .score, example: outcome.index))
      #expect(outcome.isCorrect == (abs(slope) < RandomSlope.margin * 4), "\(outcome.index)")
    }
    // |b| is uniform, so that t/ε = ½ of the images stay right. Hoeffding's bound at 10⁻⁹.
    #expect(abs(result.accuracy - 0.5) <= (log(2e9) / (2 * 400)).squareRoot())
  }

  @Test("break more than whoever knows the law of the draws can")
  func randomnessAlone() throws {
    let (scores, count) = (20, data.count)
    let result = try adaptive(RandomSlope(), scores: scores)
    let right = result.outcomes.reduce(0) { $0 + $1.correctCount }
    // Wherever an image is moved by δ, fresh draws leave it right with probability (1 + t/|δ|)/2, which is ¾ at
    // least. Hoeffding's bound at 10⁻⁹.
    let bound = 0.75 - (log(1e9) / Double(2 * scores * count)).squareRoot()
    #expect(Double(right) / Double(scores * count) >= bound)
    #expect(try frozen(RandomSlope()).accuracy < bound)
  }

  @Test("find the same images whatever the batch, and without randomness what others find")
  func sameImages() throws {
    let known = try frozen(RandomSlope())
    #expect(try frozen(RandomSlope(), blockSize: 7).images.pixels == known.images.pixels)
    let certain = RandomSlope(fixed: -0.75)
    #expect(
      try frozen(certain).images.pixels == adaptive(certain, scores: 1).images.pixels)
    #expect(try frozen(certain).outcomes == adaptive(certain, scores: 1).outcomes)
  }

  @Test("An outcome says how far its image is from the one before the attack, in the attack's norm")
  func distances() throws {
    let (images, model) = (
      try randomImages(
        9, shape: ImageShape(channels: 1, height: 3, width: 3), classCount: 3, seed: 4),
      LinearSoftmax(
        imageShape: ImageShape(channels: 1, height: 3, width: 3), classCount: 3, seed: 2)
    )
    for budget in [PerturbationBudget.linf(Epsilon(1, over: 9)), .l2(Epsilon(1, over: 9))] {
      let result = try Evaluation(seed: 1).run(
        model, on: images, under: Threat(attack, within: budget, through: model))
      for (n, outcome) in result.outcomes.enumerated() {
        let differences = zip(
          result.images.pixels.tensor.rows([n]).values, images.pixels.tensor.rows([n]).values
        ).map { Double($0) - Double($1) }
        let expected =
          budget.norm == .linf
          ? differences.map(abs).max() : differences.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(outcome.distance == expected)
      }
      #expect(result.outcomes.contains { $0.distance ?? 0 > 0.1 })
    }
    let clean = try Evaluation(seed: 1).run(model, on: images)
    #expect(clean.outcomes.allSatisfy { $0.distance == nil })
  }
}
