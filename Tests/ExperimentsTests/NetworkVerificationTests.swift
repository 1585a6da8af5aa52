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
}
