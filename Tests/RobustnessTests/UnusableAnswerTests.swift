import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

/// A sound model that goes wrong at images which are brighter than 0.9 in the first place.
private struct FaultyClassifier: DifferentiableClassifier {
  enum Fault: String, CaseIterable, Sendable {
    case notANumber, infinite, nothingPossible, tooFewRows, tooManyClasses
    case gradientNotANumber, gradientInfinite, gradientShape, lossNotAsked

    /// Whether only who asks for a gradient can notice.
    var isOfGradient: Bool { Self.allCases.firstIndex(of: self) ?? 0 >= 5 }

    func matches(_ error: ClassifierError?, image: Int) -> Bool {
      switch (self, error) {
      case (.notANumber, .notFinite(let index)), (.infinite, .notFinite(let index)),
        (.nothingPossible, .notFinite(let index)),
        (.gradientNotANumber, .gradientNotFinite(let index)),
        (.gradientInfinite, .gradientNotFinite(let index)):
        index == image
      case (.tooFewRows, .outputShape), (.tooManyClasses, .outputShape),
        (.gradientShape, .gradientShape), (.lossNotAsked, .lossNotAsked):
        true
      default: false
      }
    }
  }

  let base = TanhMLP(imageShape: shape, classCount: 4, seed: 4)
  let fault: Fault
  var isRandomized = false
  var imageShape: ImageShape { shape }
  var classCount: Int { 4 }
  var forwardPassesPerDecision: Int { 1 }

  private func faulty(_ images: Pixels) -> [Int] {
    (0..<images.count).filter { images.tensor[$0 * shape.count] > 0.9 }
  }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    var logits = try base.logits(of: images, draws: draws)
    for n in faulty(images) {
      switch fault {
      // Not in the first place, which a comparison with what is no number would choose.
      case .notANumber: logits[4 * n + 1] = .nan
      case .infinite: logits[4 * n + 2] = .infinity
      case .nothingPossible: for k in 0..<4 { logits[4 * n + k] = -.infinity }
      case .tooFewRows: return logits.rows(Array(0..<images.count - 1))
      case .tooManyClasses: return Tensor(shape: [images.count, 5])
      default: break
      }
    }
    return logits
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) {
    let logits = try logits(of: images, draws: draws)
    if fault == .lossNotAsked, !faulty(images).isEmpty {
      return (logits, Tensor(shape: images.tensor.shape))
    }
    let cotangent = try lossGradient(logits)
    var gradient = try base.logitsAndGradient(of: images, draws: draws) { _ in cotangent }.gradient
    for n in faulty(images) {
      switch fault {
      case .gradientNotANumber: gradient[n * shape.count + 5] = .nan
      case .gradientInfinite: gradient[n * shape.count] = -.infinity
      case .gradientShape: return (logits, Tensor(shape: [images.count, 16]))
      default: break
      }
    }
    return (logits, gradient)
  }
}

extension FaultyClassifier: DetectingClassifier {
  /// The logits as they are, and a sound statistic.
  func logitsAndStatistics(
    of images: Pixels, draws: Draws
  ) throws -> (logits: Tensor, statistics: [[String: Double]]) {
    (try logits(of: images, draws: draws), (0..<images.count).map { ["score": Double($0)] })
  }
}

@Suite("What a model answers and nobody can use is an error")
struct UnusableAnswerTests {
  /// Eight images, of which the sixth, with index 105, is one that models go wrong at.
  private func data(labels: Int = 4) throws -> LabelledImages {
    let images = try randomImages(
      8, shape: shape, classCount: labels, seed: 1, range: 0.1...0.8, firstIndex: 100)
    var pixels = images.pixels.tensor
    for n in 0..<8 { pixels[n * shape.count] = n == 5 ? 1 : 0.5 }
    return try LabelledImages(
      pixels: Pixels(pixels), labels: images.labels, classCount: labels, indices: images.indices)
  }

  private func expect(
    _ fault: FaultyClassifier.Fault, image: Int = 105, _ path: String, _ work: () throws -> Void
  ) {
    let error = #expect(throws: ClassifierError.self, "\(fault.rawValue), \(path)") { try work() }
    #expect(
      fault.matches(error, image: image),
      "\(fault.rawValue), \(path): \(error.map { "\($0)" } ?? "nothing")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test(
    "by whoever asks for logits",
    arguments: FaultyClassifier.Fault.allCases.filter { !$0.isOfGradient })
  private func logits(_ fault: FaultyClassifier.Fault) throws {
    let (data, model) = (try data(), FaultyClassifier(fault: fault))
    let draws = Draws(seed: 1, purpose: .test, examples: data.indices)
    let pool = try SamplePool(data)
    expect(fault, "predictions") {
      _ = try model.predictions(of: data.pixels, draws: draws)
    }
    expect(fault, "evaluation") {
      _ = try Evaluation(seed: 1, blockSize: 8).run(model, on: data)
    }
    expect(fault, "measurement of linearity") {
      _ = try LinearityMeasurement(
        model, on: data, lambdas: [0.5], pairCount: 100, seed: 1)
    }
    let rules: [MixupInferenceRule] = [
      .predictedLabel(Mixing(lambda: 1, sampleCount: 2)),
      .combined(
        predictedLabel: Mixing(lambda: 1, sampleCount: 2),
        otherLabel: Mixing(lambda: 1, sampleCount: 2), threshold: 0),
    ]
    for rule in rules {
      let defence = try MixupInference(model, pool: pool, rule: rule)
      expect(fault, "mixup inference") { _ = try defence.logits(of: data.pixels, draws: draws) }
      expect(fault, "detection") { _ = try defence.decisions(of: data.pixels, draws: draws) }
    }
    for isRandomized in [false, true] {
      // A base with randomness of its own sees other indices, which nobody knows.
      let defence = try RandomizedInput(
        FaultyClassifier(fault: fault, isRandomized: isRandomized),
        transformations: [.gaussianNoise(standardDeviation: 1e-6)], sampleCount: 3)
      expect(fault, "mean over noise") { _ = try defence.logits(of: data.pixels, draws: draws) }
    }
    expect(fault, "expectation") {
      _ = try ExpectationOverTransformation(model, drawCount: 2).logits(
        of: data.pixels, draws: draws)
    }
  }

  @Test(
    "by a detector that comes upon the logits",
    arguments: FaultyClassifier.Fault.allCases.filter { !$0.isOfGradient })
  private func detecting(_ fault: FaultyClassifier.Fault) throws {
    let model = FaultyClassifier(fault: fault)
    var evaluation = Evaluation(seed: 1, blockSize: 8)
    evaluation.detecting = model
    let data = try data()
    expect(fault, "detector") { _ = try evaluation.run(model, on: data) }
  }

  @Test("by what a detector says: the same statistics of every image, and none that is no number")
  func detectorAnswers() throws {
    let data = try data()
    let model = TanhMLP(imageShape: shape, classCount: 4, seed: 4)
    /// What comes of a detector that says this of the image with index 105, and is sound otherwise.
    func outcome(_ answer: [String: Double]?) throws -> [Double]? {
      var evaluation = Evaluation(seed: 1, blockSize: 3)
      evaluation.statistics = { images, draws in
        draws.examples.compactMap { $0 == 105 ? answer : ["a": Double($0), "b": -.infinity] }
      }
      return try evaluation.run(model, on: data).outcomes.compactMap { $0.statistics?["a"] }
    }
    #expect(
      try outcome(["a": 3, "b": .infinity]) == [100, 101, 102, 103, 104, 3, 106, 107])
    for (answer, name) in [
      (["a": 3], "b"), (["a": .nan, "b": 0], "a"), (["a": 0, "b": 0, "c": 1], "c"), ([:], "a"),
    ] {
      let error = #expect(throws: ClassifierError.self) { try outcome(answer) }
      // Of a name that no other image has, the others lack it.
      #expect(error == .statistic(name, image: name == "c" ? 106 : 105))
    }
    let error = #expect(throws: ClassifierError.self) { try outcome(nil) }
    #expect(error == .detectorCount(found: 2, images: 3))
  }

  /// Every attack with every fault that it can notice: one that only asks for logits sees none of a gradient.
  private static let attacked: [(AttackCase, FaultyClassifier.Fault)] = AttackCase.all.flatMap {
    attack in
    let onlyAsks = AttackCase.queries.contains { $0.testDescription == attack.testDescription }
    return FaultyClassifier.Fault.allCases.filter { !(onlyAsks && $0.isOfGradient) }
      .map { (attack, $0) }
  }

  @Test(
    "by every attack, through the model, through defences and where it chooses",
    arguments: attacked)
  private func attacks(_ attack: AttackCase, _ fault: FaultyClassifier.Fault) throws {
    let data = try data()
    // So near that the image that goes wrong stays one.
    let budget = try attack.budget("0.001")
    for isRandomized in [false, true] {
      let model = FaultyClassifier(fault: fault, isRandomized: isRandomized)
      expect(fault, "\(isRandomized)") {
        _ = try attack.attack.search(data, within: budget, through: model, seed: 1)
      }
    }
    let whole = Mixing(lambda: 1, sampleCount: 2)
    let model = FaultyClassifier(fault: fault)
    let surrogates: [any DifferentiableClassifier] = [
      try MixupInference(model, pool: SamplePool(data), rule: .otherLabel(whole)),
      try RandomizedInput(model, transformations: [.bitDepth(8)], sampleCount: 2),
      try ExpectationOverTransformation(model, drawCount: 2),
      FrozenRandomness(model, seed: 1),
    ]
    for surrogate in surrogates {
      expect(fault, "\(type(of: surrogate))") {
        _ = try attack.attack.search(data, within: budget, through: surrogate, seed: 1)
      }
    }
  }

  @Test("by the attacks on mixup inference alone", arguments: FaultyClassifier.Fault.allCases)
  private func mixupAttacks(_ fault: FaultyClassifier.Fault) throws {
    let (data, model) = (try data(), FaultyClassifier(fault: fault))
    let defence = try MixupInference(
      model, pool: SamplePool(data), rule: .predictedLabel(Mixing(lambda: 1, sampleCount: 2)))
    let budget = PerturbationBudget.linf(try Epsilon("0.001"))
    for isRepaired in [false, true] {
      expect(fault, "published") {
        _ = try PublishedAdaptiveAttack(on: defence, steps: 2, isRepaired: isRepaired).search(
          data, within: budget, through: defence, seed: 1)
      }
    }
    expect(fault, "evasion") {
      _ = try ProjectedGradientDescent(steps: 2).search(
        data, within: budget, through: DetectorEvasion(defence), seed: 1)
    }
  }

  @Test("and no argmax is made of it")
  func noArgmax() throws {
    let rows: [[Float]] = [[.nan, 1, 2], [1, .nan, 0], [0, 1, .infinity]]
    for (row, values) in rows.enumerated() {
      let others = [Float](repeating: 0, count: 6)
      let logits = try Tensor(others[..<(3 * row)] + values + others[(3 * row)...], shape: [3, 3])
      #expect(throws: ClassifierError.notFinite(image: row)) { try argmax(rowsOf: logits) }
    }
    let impossible = Tensor(repeating: -.infinity, shape: [2, 3])
    #expect(throws: ClassifierError.notFinite(image: 0)) { try argmax(rowsOf: impossible) }
    #expect(try argmax(rowsOf: Tensor([-.infinity, -5, -.infinity], shape: [1, 3])) == [1])
  }

  // MARK: −∞

  /// Two classes of five are impossible everywhere, and the others' probabilities are those of a network.
  private struct Impossible: ToyModel {
    let base = TanhMLP(imageShape: shape, classCount: 5, seed: 6)
    var imageShape: ImageShape { shape }
    var classCount: Int { 5 }

    func logits(_ image: [Float]) -> [Float] {
      let logits: [Float] = base.logits(image)
      return [-.infinity] + logits[1..<4] + [-.infinity]
    }

    func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
      base.pullback(image, [0] + cotangent[1..<4] + [0])
    }
  }

  @Test("but −∞, a class of probability 0, is an answer", arguments: AttackCase.all)
  func impossibleClasses(_ attack: AttackCase) throws {
    let model = Impossible()
    let clean = try data(labels: 5)
    let draws = Draws(seed: 1, purpose: .test, examples: clean.indices)
    let labels = try model.predictions(of: clean.pixels, draws: draws)
    #expect(!labels.contains(0) && !labels.contains(4))
    let data = try LabelledImages(
      pixels: clean.pixels, labels: labels, classCount: 5, indices: clean.indices)
    let budget = try attack.budget(attack.norm == .linf ? "0.5" : "2.5")
    let average = try RandomizedInput(model, transformations: [.bitDepth(8)], sampleCount: 2)
    for surrogate in [model, average] as [any DifferentiableClassifier] {
      let found = try attack.attack.search(data, within: budget, through: surrogate, seed: 1)
      let judged = try judge(found, of: data, within: budget, by: surrogate, seed: 1)
      #expect(judged.isCorrect.count { $0 } <= 2, "\(judged.isCorrect)")
    }
    // An image of an impossible class is wrong from the start, and takes nothing from the others.
    let impossible = try LabelledImages(
      pixels: clean.pixels, labels: labels.enumerated().map { $0.offset == 2 ? 0 : $0.element },
      classCount: 5, indices: clean.indices)
    let found = try attack.attack.search(impossible, within: budget, through: model, seed: 1)
    let judged = try judge(found, of: impossible, within: budget, by: model, seed: 1)
    #expect(!judged.isCorrect[2])
  }
}
