import Classification
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import TestSupport
import Testing

@Suite("The ways to read a file, tried on images")
struct ReadingTrialTests {
  private let execution = Execution(workers: WorkerPool(threadCount: 1))

  private func images(_ readings: [String: String], _ family: String) throws -> LabelledImages {
    let identity = try Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1])
    let checkpoint = try Checkpoint(
      Fixtures.data("checkpoints/\(family).safetensors"), normalization: identity,
      readings: readings, extents: (16, 16))
    let pixels = try Pixels(randomTensor([64, 3, 16, 16], seed: 3, from: 0))
    let labels = try NetworkClassifier(InferencePlan(checkpoint)).predictions(
      of: pixels, draws: Draws(seed: 0, purpose: .test, examples: Array(0..<64)))
    return try LabelledImages(
      pixels: pixels, labels: labels, classCount: checkpoint.architecture.classCount)
  }

  @Test(
    "The way by which images were labelled has them all right, and comes first",
    arguments: [
      ("preact-last", "shortcut", ["activated", "raw"]),
      ("deepmind-wide", "activation", ["silu", "relu"]),
      ("semi-supervised", "shortcut", ["raw-later", "both-raw-later"]),
    ])
  func truth(_ family: String, _ question: String, _ answers: [String]) throws {
    for answer in answers {
      let labelled = try images([question: answer], family)
      let trial = try ReadingTrial(
        Fixtures.data("checkpoints/\(family).safetensors"),
        normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]), answers: [:],
        on: labelled, count: 50, execution: execution)
      #expect(trial.rows.count == answers.count)
      let first = try #require(trial.rows.first)
      #expect(first.answers.map { "\($0.key.rawValue)=\($0.value)" } == ["\(question)=\(answer)"])
      #expect(first.accuracy.successes == 50 && first.accuracy.trials == 50)
      #expect(trial.rows[1].accuracy.successes < 50)
    }
  }

  @Test("Where nothing is undecided, what else can be computed is tried one by one")
  func alternatives() throws {
    let labelled = try images([:], "bottleneck")
    let trial = try ReadingTrial(
      Fixtures.data("checkpoints/bottleneck.safetensors"),
      normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]),
      answers: [.normEpsilon: "1e-5"], on: labelled, execution: execution)
    // As it is, two other activations, the other stride, pooling.
    #expect(trial.rows.count == 1 + 2 + 1 + 1)
    #expect(trial.rows[0].answers.isEmpty && trial.rows[0].accuracy.successes == 64)
    #expect(trial.rows.dropFirst().allSatisfy { $0.answers.count == 1 })
  }
}
