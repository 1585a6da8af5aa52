import Classification
import Datasets
import Experiments
import Kernels
import MixupInference
import NeuralNetwork
import Synchronization
import TestSupport
import Testing

@Suite("The choice of λ and threshold")
struct TuningTests {
  /// The value chosen among (value, clean, adversarial) for an undefended accuracy of 0.9.
  private func chosen(_ trials: [(Float, Double, Double)]) -> Float {
    Tuning.Choice(
      trials.map { Tuning.Trial(value: $0.0, clean: $0.1, adversarial: $0.2) },
      cleanBaseline: 0.9, rule: .mostRobust(cost: 0.125)
    ).value
  }

  @Test("is the most robust value among those whose clean accuracy is tolerable")
  func mostRobust() {
    #expect(chosen([(0.3, 0.5, 0.9), (0.4, 0.8, 0.6), (0.5, 0.85, 0.7), (0.6, 0.9, 0.4)]) == 0.5)
  }

  @Test("counts a value exactly at the tolerance as tolerable, and one below it not")
  func tolerance() {
    #expect(chosen([(0.3, 0.9 - 0.125, 0.9), (0.4, 0.9, 0.1)]) == 0.3)
    // The next share of the most validation images that there can be, 60,000.
    #expect(chosen([(0.3, 0.775 - 1.0 / 60_000, 0.9), (0.4, 0.9, 0.1)]) == 0.4)
    // In doubles 0.24 < 0.26 − 0.02.
    let choice = Tuning.Choice(
      [
        .init(value: 0.3, clean: 0.24, adversarial: 0.9),
        .init(value: 0.4, clean: 0.9, adversarial: 0.1),
      ],
      cleanBaseline: 0.26, rule: .mostRobust(cost: 0.02))
    #expect(choice.value == 0.3)
  }

  @Test("is the first among equals")
  func ties() {
    #expect(chosen([(0.6, 0.9, 0.5), (0.3, 0.95, 0.5)]) == 0.6)
    #expect(chosen([(0.6, 0.5, 0.1), (0.3, 0.5, 0.9)]) == 0.6)
  }

  @Test("is the value of highest clean accuracy if none is tolerable")
  func noneTolerable() {
    #expect(chosen([(0.3, 0.2, 0.9), (0.4, 0.6, 0.1), (0.5, 0.4, 0.95)]) == 0.4)
  }

  @Test("at one price is the least accurate that keeps what is asked for, the first among equals")
  func dearest() {
    func place(_ clean: [Double]) -> Int? {
      ChoosingRule.dearest(cost: 0.125).choice(
        of: clean.map { .init(clean: $0, adversarial: 1 - $0) }, baseline: 0.9)?.place
    }
    #expect(place([0.5, 0.9, 0.8, 0.8]) == 2)
    #expect(place([0.9 - 0.125, 0.9]) == 0)
    // None keeps it: the most accurate.
    #expect(place([0.2, 0.6, 0.6, 0.1]) == 1)
    #expect(place([]) == nil)
    let kept = ChoosingRule.dearest(cost: 0).choice(of: [.init(clean: 0.5)], baseline: 0.5)
    let missed = ChoosingRule.dearest(cost: 0).choice(of: [.init(clean: 0.5)], baseline: 0.6)
    #expect(kept?.isReached == true && missed?.isReached == false)
  }

  /// Thirty validation images, and as their adversarial counterparts thirty others of wrong labels, of
  /// which one at least takes a prediction that was right.
  private func tuning(
    lambdas: [MixingRatio], threads: Int = 2, advance: @Sendable () -> Void = {}
  ) throws -> (tuning: Tuning, correct: Int) {
    let data = try Digits.training()
    let network = ResNet(.resNet8(data.pixels.imageShape))
    network.initialize(seed: 2)
    let base = NetworkClassifier(
      InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1)))
    let predicted = try base.predictions(
      of: data.pixels[0..<600], draws: Draws(seed: 0, purpose: .test, examples: Array(0..<600)))
    let other = try #require((300..<600).first { predicted[$0] != predicted[200] })
    let labels = [predicted[200]] + data.labels[201..<230]
    let clean = try LabelledImages(
      pixels: data.pixels[200..<230], labels: labels, classCount: 10,
      indices: Array(data.indices[200..<230]))
    let adversarial = try LabelledImages(
      pixels: data.pixels[[other] + (301..<330)], labels: labels, classCount: 10,
      indices: clean.indices)
    let tuning = try Tuning(
      base, pool: SamplePool(data[0..<200]), clean: clean, adversarial: adversarial,
      lambdas: lambdas, sampleCount: 4, rule: .mostRobust(cost: 0.02),
      seed: 3, workers: WorkerPool(threadCount: threads),
      advance: advance)
    let predictions = try base.predictions(
      of: clean.pixels, draws: Draws(seed: 0, purpose: .test, examples: clean.indices))
    return (tuning, zip(predictions, clean.labels).count(where: ==))
  }

  // With λ = 1 and N = 4 every average is the network's own output, exactly. So all accuracies are
  // the network's, and the detector's statistic is 0 everywhere, which tells nothing: area ½.
  @Test("finds the network's own accuracy at λ = 1, and a detector that tells nothing")
  func ratioOne() throws {
    let (tuning, correct) = try tuning(lambdas: [1])
    let accuracy = Double(correct) / 30
    for choice in [tuning.predictedLabel, tuning.otherLabel] {
      #expect(choice.value == 1 && choice.trials.map(\.clean) == [accuracy])
    }
    #expect(tuning.threshold.trials.allSatisfy { $0.clean == accuracy })
    #expect(tuning.detectionTrials.map(\.areaUnderCurve) == [0.5])
    #expect(tuning.detectionLambda == 1)
  }

  @Test("does not depend on threads, and reports each of its evaluations")
  func threads() throws {
    let count = Mutex(0)
    let lambdas: [MixingRatio] = [0.4, 0.7]
    let first = try tuning(lambdas: lambdas, threads: 1) { count.withLock { $0 += 1 } }.tuning
    #expect(count.withLock(\.self) == Tuning.runCount(lambdas: lambdas))
    #expect(try tuning(lambdas: lambdas, threads: 3).tuning == first)
    #expect(first.predictedLabel.trials.map(\.value) == lambdas)
    #expect(lambdas.contains(first.detectionLambda))
  }

  @Test("makes the rule of every defence with its own λ and threshold")
  func rules() throws {
    var tuning = try tuning(lambdas: [0.5]).tuning
    tuning.predictedLabel.value = 0.25
    tuning.otherLabel.value = 0.75
    tuning.threshold.value = 0.125
    let predicted = Mixing(lambda: 0.25, sampleCount: 6)
    let other = Mixing(lambda: 0.75, sampleCount: 6)
    #expect(tuning.rule(.none, sampleCount: 6) == nil)
    #expect(tuning.rule(.predictedLabel, sampleCount: 6) == .predictedLabel(predicted))
    #expect(tuning.rule(.otherLabel, sampleCount: 6) == .otherLabel(other))
    #expect(
      tuning.rule(.combined, sampleCount: 6)
        == .combined(predictedLabel: predicted, otherLabel: other, threshold: 0.125))
  }
}
