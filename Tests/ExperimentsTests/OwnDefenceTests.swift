import Classification
import Datasets
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import Robustness
import Statistics
import TestSupport
import Testing

/// A defence that nobody knows here: x·u, u ~ U[1 − r, 1), with a detector that looks at the mean pixel.
private struct Dimming: Defence {
  var range: Float
  var name = "dimming"
  var parameters: [String: String] { ["range": "\(range)"] }

  func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier {
    Dimmed(network: network, range: range)
  }
}

private struct Dimmed<Network: DifferentiableClassifier>: WrappingClassifier, DefendedClassifier {
  let network: Network
  let range: Float

  var wrapped: any Classifier { network }
  var isRandomized: Bool { range > 0 }

  var detector: Detector? {
    { images, _ in
      (0..<images.count).map { n in
        let image = images[[n]].tensor.values
        return ["mean": Double(image.reduce(0, +)) / Double(image.count)]
      }
    }
  }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    try network.logits(of: Pixels(dimmed(images.tensor, draws)), draws: draws)
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let (logits, gradient) = try network.logitsAndGradient(
      of: Pixels(dimmed(images.tensor, draws)), draws: draws, lossGradient: lossGradient)
    return (logits, try dimmed(gradient, draws))
  }

  private func dimmed(_ images: Tensor, _ draws: Draws) throws -> Tensor {
    let (values, size) = (images.values, imageShape.count)
    let light = (0..<images.shape[0]).map { n in
      var random = RandomStream(draws.key(position: n, draw: 0))
      return 1 - range * random.uniform()
    }
    return try Tensor(values.indices.map { values[$0] * light[$0 / size] }, shape: images.shape)
  }
}

@Suite("Defences of another package")
struct OwnDefenceTests {
  private func evaluation(_ defences: [any Defence]) throws -> DefenceEvaluation {
    let epsilon = try Epsilon("1/8")
    var evaluation = DefenceEvaluation(
      defences,
      under: [
        .pgd(epsilon: epsilon, steps: 2), .adaptivePGD(epsilon: epsilon, steps: 2, draws: 2),
      ])
    evaluation.kernels = .openBLAS
    evaluation.workers = WorkerPool(threadCount: 1)
    (evaluation.count, evaluation.seed, evaluation.scoringDraws) = (6, 3, 3)
    return evaluation
  }

  private func run(_ evaluation: DefenceEvaluation) throws -> EvaluationSummary {
    let data = try DatasetSplit(
      trainingFile: Digits.training()[0..<210], test: Digits.test(), validationCount: 10, seed: 1)
    let network = ResNet(.resNet8(ImageShape(channels: 1, height: 8, width: 8), classCount: 10))
    network.initialize(seed: 5)
    return try evaluation.run(
      Checkpoint(network, normalization: .plusMinusOne(channels: 1)), named: "untrained", on: data,
      called: "digits")
  }

  @Test("are in every table, record, store and check as ours are")
  func everywhere() throws {
    try withTemporaryFolder { folder in
      var evaluation = try evaluation([Dimming(range: 0.5), Dimming(range: 0)])
      evaluation.store = folder
      evaluation.sanityCount = 2
      let summary = try run(evaluation)
      // Three columns and the worst of each, of the network and of two defences.
      #expect(summary.records.count == 12)
      let own = summary.records.filter { $0.defence == DefenceName(rawValue: "dimming") }
      #expect(own.count == 8)
      #expect(
        Set(own.compactMap { $0.provenance?.defenceParameters }) == [
          ["range": "0.5"], ["range": "0.0"],
        ])
      // It draws where it says so, and is compared with the network alone.
      #expect(own.map(\.scoringDraws) == [3, 3, 3, 3, 1, 1, 1, 1])
      #expect(own.count(where: { $0.comparison != nil }) == 6)
      #expect(own.allSatisfy { $0.provenance?.pool == nil })
      #expect(own.count(where: { $0.detection?.others?["mean"] != nil }) == 4)
      #expect(
        summary.sanity.map(\.defence.title) == [
          "none", "dimming, range 0.5", "dimming, range 0.0",
        ])
      for said in ["dimming, range 0.5", "adaptive-pgd, by mean:", "sanity of dimming, range 0.0"] {
        #expect(summary.text.contains(said), "\(said)")
      }
      // Whoever merges the store need not know the defence.
      let merged = try EvaluationSummary(merging: [folder])
      #expect(merged.text == summary.text && merged.csv == summary.csv)
      #expect(try merged.json() == summary.json())
    }
  }

  @Test("that draw and change nothing have the figures of the network itself, attacked or not")
  func followed() throws {
    let summary = try run(evaluation([Dimming(range: 0)]))
    func correct(_ defence: DefenceName) -> [Int] {
      summary.records.filter { $0.defence == defence }.map(\.correct)
    }
    #expect(correct(DefenceName(rawValue: "dimming")) == correct(.none))
  }

  @Test(
    "are refused under a name that is one of ours, or no name for files",
    arguments: [
      "mi-ol", "none", "", "../x", "Dimming", "di mming", String(repeating: "a", count: 41),
    ])
  func names(name: String) throws {
    let evaluation = try evaluation([Dimming(range: 0.5, name: name)])
    let error = #expect(throws: (any Error).self) { try run(evaluation) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("defence"))
  }

  @Test("are refused twice with the same parameters")
  func twice() throws {
    let evaluation = try evaluation([Dimming(range: 0.5), Dimming(range: 0.5)])
    #expect(throws: (any Error).self) { try run(evaluation) }
  }
}
