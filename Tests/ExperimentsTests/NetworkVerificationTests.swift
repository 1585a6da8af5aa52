import Datasets
import Experiments
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("RIC, DG and linearity on a network")
struct NetworkVerificationTests {
  private let shape = ImageShape(channels: 1, height: 3, width: 3)

  private func measure(
    _ model: some DifferentiableClassifier, threads: Int, seed: UInt64 = 1
  ) throws -> NetworkVerification.Results {
    var settings = NetworkVerification.Settings()
    settings.ratios = [0.5, 1]
    settings.sampleCount = 4
    settings.epsilon = try Epsilon("2/5")
    settings.steps = 5
    settings.pairCount = 50
    settings.partnerCount = 3
    settings.seed = seed
    // Labelled by the model itself, so that clean images are classified rightly.
    let random = try randomImages(60, shape: shape, classCount: 3, seed: 1)
    let labels = try model.predictions(
      of: random.pixels, draws: Draws(seed: 1, purpose: .test, examples: random.indices))
    let images = try LabelledImages(pixels: random.pixels, labels: labels, classCount: 3)
    return try NetworkVerification(
      settings: settings, workers: WorkerPool(threadCount: threads),
      progress: ProgressReporter(output: .init(columns: nil, write: { _ in }))
    ).run(model, named: "toy", on: images, pool: try SamplePool(images))
  }

  @Test("at λ = 1 every margin is 0, at λ = ½ the routes differ, and threads change nothing")
  func measures() throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3)
    let results = try measure(model, threads: 1)
    #expect(results.adversarialCount > 30 && results.imageCount == 60)
    for point in results.points {
      #expect(point.satisfied.trials == results.adversarialCount)
      guard point.ratio == 1 else { continue }
      // F_MI is the average of N times the same numbers.
      for mean in [
        point.trueLabelMargin, point.predictedLabelMargin, point.detectionMargin,
        point.trueLabelMarginViaG, point.predictedLabelMarginViaG,
      ] {
        #expect(abs(mean.value) <= 1e-6)
      }
    }
    let middle = results.points.filter { $0.ratio == 0.5 }
    #expect(middle.contains { abs($0.trueLabelMargin.value - $0.trueLabelMarginViaG.value) > 0.01 })
    #expect(middle.contains { $0.satisfied.successes > 0 })
    let other = try measure(model, threads: 2)
    #expect(other.points == results.points)
    #expect(other.linearity == results.linearity)
    #expect(
      results.linearity.comparisons.allSatisfy { $0.correlation?.count == results.adversarialCount }
    )
  }

  // Ĝ and the condition are linear in the four curves, so their means say it as well as the images do.
  @Test("the curves of Figure 2 give the margins by way of G")
  func curves() throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3)
    let points = try measure(model, threads: 1).points
    for rule in PartnerLabel.allCases {
      let own = points.filter { $0.rule == rule }
      let (mixed, whole) = (own[0].curves, own[1].curves)
      #expect(own[1].ratio == 1)
      // Attacked images have lost y for ŷ.
      #expect(whole.cleanTrueLabel.value > whole.adversarialTrueLabel.value)
      #expect(whole.cleanPredictedLabel.value < whole.adversarialPredictedLabel.value)
      func confidences(_ y: BoundedMean, _ predicted: BoundedMean) -> PerturbationRoute.Confidences
      {
        PerturbationRoute.Confidences(trueLabel: y.value, predictedLabel: predicted.value)
      }
      let route = PerturbationRoute(
        rule: rule, ratio: 0.5, classCount: 3,
        clean: confidences(whole.cleanTrueLabel, whole.cleanPredictedLabel),
        cleanMixed: confidences(mixed.cleanTrueLabel, mixed.cleanPredictedLabel),
        adversarial: confidences(whole.adversarialTrueLabel, whole.adversarialPredictedLabel),
        adversarialMixed: confidences(
          mixed.adversarialTrueLabel, mixed.adversarialPredictedLabel))
      // Floats of a softmax, averaged.
      #expect(abs(route.condition.trueLabelChange - own[0].trueLabelMarginViaG.value) <= 1e-6)
      #expect(
        abs(-route.condition.predictedLabelChange - own[0].predictedLabelMarginViaG.value) <= 1e-6)
    }
  }
}
