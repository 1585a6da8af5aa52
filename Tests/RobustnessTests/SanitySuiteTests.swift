import Classification
import Foundation
import MixupInference
import Robustness
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 5, width: 5)

@Suite("The sanity suite")
struct SanitySuiteTests {
  private let model = TanhMLP(imageShape: shape, classCount: 4, hidden: 16, seed: 11)
  private let data: LabelledImages
  private let pool: SamplePool
  private let budget: PerturbationBudget

  init() throws {
    func labelled(_ count: Int, seed: UInt64, from index: Int) throws -> LabelledImages {
      let images = try randomImages(
        count, shape: shape, classCount: 4, seed: seed, range: 0.1...0.9, firstIndex: index)
      let labels = try TanhMLP(imageShape: shape, classCount: 4, hidden: 16, seed: 11).predictions(
        of: images.pixels, draws: Draws(seed: 0, purpose: .test, examples: images.indices))
      return try LabelledImages(
        pixels: images.pixels, labels: labels, classCount: 4, indices: images.indices)
    }
    data = try labelled(60, seed: 1, from: 500)
    pool = try SamplePool(labelled(100, seed: 2, from: 0))
    budget = .linf(try Epsilon("1/25"))
  }

  private func defence() throws -> MixupInference<TanhMLP> {
    try MixupInference(model, pool: pool, rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 5)))
  }

  /// The suite of a sound evaluation by PGD, of the network or of mixup inference.
  private func suite(
    of classifier: any DifferentiableClassifier, isDefended: Bool = false,
    attack: @escaping @Sendable (SanitySuite.Effort) -> any Attack = {
      ProjectedGradientDescent(steps: 20 * $0.steps)
    }
  ) -> SanitySuite {
    SanitySuite(
      classifier: classifier, network: model, isDefended: isDefended, examples: data,
      originals: data, budget: budget, search: attack,
      threat: { budget, effort in
        guard isDefended, classifier.isRandomized else {
          return Threat(attack(effort), within: budget, through: classifier)
        }
        return Threat(
          BestOf(
            [.init(attack(effort), through: model), .init(attack(effort), through: classifier)]),
          within: budget, through: classifier)
      },
      other: TanhMLP(imageShape: shape, classCount: 4, hidden: 16, seed: 12), seed: 5)
  }

  private func failures(_ suite: SanitySuite) throws -> [String] {
    let verdicts = try suite.run()
    #expect(verdicts.map(\.name) == SanitySuite.names)
    #expect(verdicts.allSatisfy { !$0.evidence.isEmpty && !$0.evidence.contains("\n") })
    return verdicts.filter { $0.outcome == .failed }.map(\.name)
  }

  @Test("A sound evaluation of a network passes; what says nothing of it is skipped")
  func soundNetwork() throws {
    let verdicts = try suite(of: model).run()
    #expect(verdicts.filter { $0.outcome == .failed } == [])
    #expect(
      verdicts.filter { $0.outcome == .skipped }.map(\.name) == [
        "draws", "oblivious", "fixed draws",
      ])
  }

  @Test("So does one of a randomised defence, with every check")
  func soundDefence() throws {
    let verdicts = try suite(of: defence(), isDefended: true).run()
    #expect(verdicts.filter { [.failed, .skipped].contains($0.outcome) } == [])
  }

  @Test("The same evaluation has the same verdicts, whatever the order of its blocks")
  func deterministic() throws {
    let first = try suite(of: defence(), isDefended: true).run()
    var other = suite(of: try defence(), isDefended: true)
    other.forEach = { count, body in for block in (0..<count).reversed() { body(block) } }
    #expect(try other.run() == first)
  }

  // MARK: Broken evaluations

  @Test("Predicted labels in place of true ones are noticed")
  func predictedLabels() throws {
    var suite = suite(of: model)
    var labels = data.labels
    for place in [3, 8] { labels[place] = (labels[place] + 1) % 4 }
    suite.originals = try LabelledImages(
      pixels: data.pixels, labels: labels, classCount: 4, indices: data.indices)
    #expect(try failures(suite) == ["labels"])
    // Where nobody knows the data set's images, nothing was checked.
    suite.originals = nil
    #expect(try suite.verdict(of: "labels")?.outcome == .skipped)
    #expect(try suite.verdict(of: "accuracy")?.outcome == .skipped)
  }

  /// PGD that goes a part of the way, or the other way: x + f (x' − x).
  private struct MisdirectedAttack: Attack {
    let steps: Int
    let factor: Float

    func search(
      _ examples: LabelledImages, within budget: PerturbationBudget,
      through surrogate: any DifferentiableClassifier, seed: UInt64
    ) throws -> Tensor {
      let found = try ProjectedGradientDescent(steps: steps).search(
        examples, within: budget, through: surrogate, seed: seed)
      let clean = examples.pixels.tensor
      return try Tensor(
        (0..<found.count).map { clean[$0] + factor * (found[$0] - clean[$0]) }, shape: found.shape)
    }
  }

  @Test("An attack that goes the wrong way is noticed")
  func wrongWay() throws {
    let failed = try failures(
      suite(of: model) { MisdirectedAttack(steps: 20 * $0.steps, factor: -1) })
    for name in ["linear", "planted", "unbounded", "gradient-free"] {
      #expect(failed.contains(name), "\(name): \(failed)")
    }
  }

  /// The model behind a layer of levels that says of its gradient that it is `gradient(g)`.
  private struct WrongGradientClassifier: DifferentiableClassifier {
    let base: TanhMLP
    var levels: Float?
    let gradient: @Sendable (Float) -> Float
    var imageShape: ImageShape { base.imageShape }
    var classCount: Int { base.classCount }
    var forwardPassesPerDecision: Int { 1 }
    var isRandomized: Bool { false }

    private func seen(_ images: Pixels) throws -> Pixels {
      guard let levels else { return images }
      return try Pixels(images.tensor.map { ($0 * levels).rounded() / levels })
    }

    func logits(of images: Pixels, draws: Draws) throws -> Tensor {
      try base.logits(of: seen(images), draws: draws)
    }

    func logitsAndGradient(
      of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
    ) throws -> (logits: Tensor, gradient: Tensor) {
      let (logits, own) = try base.logitsAndGradient(
        of: seen(images), draws: draws, lossGradient: lossGradient)
      return (logits, own.map(gradient))
    }
  }

  @Test("A layer that kills the gradient is noticed")
  func gradientMasking() throws {
    let dead = try failures(
      suite(of: WrongGradientClassifier(base: model, levels: 16) { _ in 0 }))
    for name in ["gradient", "slope", "planted", "unbounded", "gradient-free"] {
      #expect(dead.contains(name), "\(name): \(dead)")
    }
    let numberless = try failures(suite(of: WrongGradientClassifier(base: model) { _ in .nan }))
    #expect(numberless.contains("gradient") && numberless.contains("slope"), "\(numberless)")
    // Straight-through gradients are no slopes, but may do for an attack.
    let through = try failures(
      suite(of: WrongGradientClassifier(base: model, levels: 8) { $0 }))
    #expect(through.contains("slope") && !through.contains("gradient"), "\(through)")
  }
}
