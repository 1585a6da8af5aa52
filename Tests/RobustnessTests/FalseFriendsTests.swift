import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import TestSupport
import Testing

/// One pixel; class 1 inside some intervals, class 0 outside, both with certainty.
private struct Bands: ToyModel {
  var bands: [ClosedRange<Float>]
  /// What the model says is the slope of class 1's logit, which is flat: for attacks to follow.
  var falseSlope: Float = 1
  var imageShape: ImageShape { ImageShape(channels: 1, height: 1, width: 1) }
  var classCount: Int { 2 }

  func logits(_ image: [Float]) -> [Float] {
    bands.contains { $0.contains(image[0]) } ? [-10, 10] : [10, -10]
  }

  func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
    [falseSlope * (cotangent[1] - cotangent[0])]
  }
}

private func data(_ pixels: [Float], labels: [Int]) throws -> LabelledImages {
  try LabelledImages(
    pixels: try images(pixels.map { [$0] }), labels: labels, classCount: 2,
    indices: Array(0..<pixels.count))
}

/// Statements that look true of mixup inference and its evaluation. Each test holds a counterexample.
@Suite("These look true and are not")
struct FalseFriendsTests {
  private func predictions(
    _ model: Bands, _ pixel: Float, _ rule: MixupInferenceRule, pool: LabelledImages
  ) throws -> Int {
    let defence = try MixupInference(model, pool: SamplePool(pool), rule: rule)
    let draws = Draws(seed: 1, purpose: .test, examples: [0])
    return try defence.predictions(of: try images([[pixel]]), draws: draws)[0]
  }

  @Test("a mixture stays in the convex hull of its parts, in floating point")
  func hull() {
    let (share, value): (Float, Float) = (0.033585574, 0.8574043)
    #expect(mix(share, value, value) > value)
  }

  @Test("mixing commutes with clipping and with rounding to 8 bits")
  func commuting() {
    func clipped(_ x: Float) -> Float { min(max(x, 0), 1) }
    func truncated(_ x: Float) -> Float { (x * 255).rounded(.down) / 255 }
    #expect(clipped(mix(0.5, 2, 0)) != mix(0.5, clipped(2), clipped(0)))
    let (a, b): (Float, Float) = (1.0 / 255, 2.0 / 255)
    #expect(truncated(mix(0.5, a, b)) != mix(0.5, truncated(a), truncated(b)))
  }

  @Test("MI-PL keeps the label of a clean input")
  func predictedLabelKeeps() throws {
    // Between two images of class 0 lies a band of class 1.
    let model = Bands(bands: [0.45...0.55])
    let pool = try data([0.9, 0.5], labels: [0, 1])
    let rule = MixupInferenceRule.predictedLabel(Mixing(lambda: 0.5, sampleCount: 8))
    #expect(model.logits([0.1])[0] > 0)
    #expect(try predictions(model, 0.1, rule, pool: pool) == 1)
  }

  @Test("accuracy rises, or falls, steadily with λ")
  func monotoneInRatio() throws {
    // An image of class 0 at 0, partners of class 1 at 1: mixtures at 1 − λ.
    let model = Bands(bands: [0.2...0.4, 0.9...1])
    let pool = try data([0, 1], labels: [0, 1])
    let correct = try ([0.9, 0.7, 0.5, 0] as [MixingRatio]).map { lambda in
      try predictions(
        model, 0, .otherLabel(Mixing(lambda: lambda, sampleCount: 4)), pool: pool) == 0
    }
    #expect(correct == [true, false, true, false])
  }

  @Test("F_MI is continuous where F is")
  func continuity() throws {
    // F is the steepest of continuous functions here, but the same holds of any: at the border of ŷ
    // the partners change from images at 0 to images at 1, and the mixtures with them.
    let model = LinearBorder()
    let defence = try MixupInference(
      model, pool: SamplePool(try data([0, 1], labels: [0, 1])),
      rule: .predictedLabel(Mixing(lambda: 0.5, sampleCount: 4)))
    let draws = Draws(seed: 1, purpose: .test, examples: [0, 0])
    let logits = try defence.logits(of: try images([[0.4999], [0.5001]]), draws: draws)
    let probabilities = softmax(rowsOf: logits)
    #expect(abs(model.logits([0.4999])[1] - model.logits([0.5001])[1]) < 0.01)
    #expect(probabilities[3] - probabilities[1] > 0.4)
  }

  @Test("a finite attack is at least as strong with a larger ε")
  func monotoneInEpsilon() throws {
    // One step of length ε lands in the only band where the label changes, or beyond it.
    let model = Bands(bands: [0.59...0.61])
    let examples = try data([0.5], labels: [0])
    let correct = try ["0.1", "0.2"].map { text in
      let epsilon = try Epsilon(text)
      let attack = ProjectedGradientDescent(steps: 1, stepSize: epsilon, randomStart: false)
      return try Evaluation(seed: 1).run(
        model, on: examples, under: Threat(attack, within: .linf(epsilon), through: model)
      ).correctCount
    }
    #expect(correct == [0, 1])
  }

  @Test("more steps leave no more images correct")
  func monotoneInSteps() throws {
    let model = Bands(bands: [0.59...0.61])
    let examples = try data([0.5], labels: [0])
    let epsilon = try Epsilon("0.3")
    let correct = try [1, 2].map { steps in
      let attack = ProjectedGradientDescent(
        steps: steps, stepSize: try Epsilon("0.1"), randomStart: false)
      return try Evaluation(seed: 1).run(
        model, on: examples, under: Threat(attack, within: .linf(epsilon), through: model)
      ).correctCount
    }
    #expect(correct == [0, 1])
  }

  @Test("for ℓ2, projecting onto the ball and then onto the box is projecting onto both")
  func ballThenBox() {
    let (center, radius, candidate) = ([0.9, 0.5], 0.3, [1.4, 0.8])
    func distance(_ a: [Double], _ b: [Double]) -> Double { hypot(a[0] - b[0], a[1] - b[1]) }
    let share = radius / distance(candidate, center)
    let ball = (0..<2).map { center[$0] + share * (candidate[$0] - center[$0]) }
    let box = ball.map { min(max($0, 0), 1) }
    let nearer = [1, 0.78]
    #expect(distance(nearer, center) <= radius)
    #expect(distance(nearer, candidate) < distance(box, candidate) - 0.02)
  }

  @Test("one λ for every sample has the joint law of one λ for the batch")
  func jointLaw() throws {
    let key = RandomKey(seed: 1, purpose: .mixup)
    let own = try Mixup(alpha: 1, lambda: .perSample).pairs(count: 2, key: key)
    let shared = try Mixup(alpha: 1, lambda: .perBatch).pairs(count: 2, key: key)
    // The same law for each λ, but two of a batch are equal, or different with probability 1.
    #expect(shared[0].lambda == shared[1].lambda)
    #expect(own[0].lambda != own[1].lambda)
  }

  @Test("the cross-entropy of mean probabilities is the mean of cross-entropies")
  func meanOfLosses() {
    let probabilities = [0.9, 0.1]
    let lossOfMean = -log((probabilities[0] + probabilities[1]) / 2)
    let meanOfLosses = -(log(probabilities[0]) + log(probabilities[1])) / 2
    #expect(meanOfLosses > lossOfMean + 0.5)
  }

  @Test("scoring a random defence on the draws that chose the restart is fair")
  func winnersCurse() {
    // Ten restarts, each of which succeeds with probability ½ on every draw, whatever it does.
    var random = RandomStream(RandomKey(seed: 1, purpose: .test))
    var (same, fresh) = (0, 0)
    for _ in 0..<1_000 {
      let successes = (0..<10).map { _ in random.integer(below: 2) }
      same += successes.max() ?? 0
      fresh += random.integer(below: 2)
    }
    #expect(same > 950)
    // Half of 1000, give or take six standard deviations.
    #expect(abs(fresh - 500) < 95)
  }

  @Test("‖x + ε − x‖ ≤ ε, in floating point")
  func exactRadius() {
    let (pixel, radius) = (Float(22) / 255, Float(34) / 255)
    let moved = pixel + radius
    #expect(Double(moved) - Double(pixel) > Double(radius))
  }
}

/// One pixel; class 1's logit rises linearly through zero at ½.
private struct LinearBorder: ToyModel {
  var imageShape: ImageShape { ImageShape(channels: 1, height: 1, width: 1) }
  var classCount: Int { 2 }
  func logits(_ image: [Float]) -> [Float] { [0, 20 * (image[0] - 0.5)] }
  func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] { [20 * cotangent[1]] }
}
