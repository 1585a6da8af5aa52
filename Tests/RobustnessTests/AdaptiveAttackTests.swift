import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

@Suite("Attacks that know the defence")
struct AdaptiveAttackTests {
  private let model = TanhMLP(imageShape: shape, classCount: 3, seed: 4)
  private let pool: SamplePool
  private let data: LabelledImages

  init() throws {
    // Labels as the model sees them, so that no image is wrong from the start.
    func labelled(_ count: Int, seed: UInt64, from index: Int) throws -> LabelledImages {
      let images = try randomImages(
        count, shape: shape, classCount: 3, seed: seed, range: 0.1...0.9, firstIndex: index)
      return try LabelledImages(
        pixels: images.pixels,
        labels: TanhMLP(imageShape: shape, classCount: 3, seed: 4).predictions(
          of: images.pixels, draws: Draws(seed: 0, purpose: .test, examples: images.indices)),
        classCount: 3, indices: images.indices)
    }
    pool = try SamplePool(labelled(60, seed: 1, from: 0))
    data = try labelled(40, seed: 2, from: 100)
  }

  private func defence(_ lambda: MixingRatio = 0.6, samples: Int = 4) throws -> MixupInference<
    TanhMLP
  > {
    try MixupInference(
      model, pool: pool, rule: .otherLabel(Mixing(lambda: lambda, sampleCount: samples)))
  }

  private func correct(
    _ attack: any Attack, through surrogate: any DifferentiableClassifier,
    on classifier: some Classifier, _ radius: String = "0.1"
  ) throws -> [Bool] {
    let budget = PerturbationBudget.linf(try Epsilon(radius))
    let found = try attack.search(data, within: budget, through: surrogate, seed: 3)
    return try judge(found, of: data, within: budget, by: classifier, seed: 3).isCorrect
  }

  // MARK: As published

  @Test(
    "The published attack at λ = 1 and with true labels is an attack on the network",
    arguments: [false, true])
  func publishedWithoutMixing(_ isRepaired: Bool) throws {
    let defence = try defence(1)
    let clean = try correct(
      PublishedAdaptiveAttack(on: defence, steps: 0), through: defence, on: model, "0")
    #expect(clean.allSatisfy { $0 })
    let attack = PublishedAdaptiveAttack(on: defence, steps: 10, isRepaired: isRepaired)
    let published = try correct(attack, through: defence, on: model)
    let usual = try correct(ProjectedGradientDescent(steps: 10), through: model, on: model)
    // Of a smooth model both find about the same; four random starts that are averaged cost something.
    let (a, b) = (published.count { $0 }, usual.count { $0 })
    #expect(a < 40 && abs(a - b) <= 8, "\(a) \(b)")
  }

  @Test(
    "The published attack stays near the image, and depends on the example alone",
    arguments: [false, true])
  func publishedIsBounded(_ isRepaired: Bool) throws {
    let attack = PublishedAdaptiveAttack(on: try defence(), steps: 4, isRepaired: isRepaired)
    func search(_ positions: [Int]) throws -> Tensor {
      try attack.search(
        data[positions], within: .linf(Epsilon("0.1")), through: defence(), seed: 3)
    }
    let found = try search(Array(0..<10))
    for place in 0..<found.count {
      // A mean of numbers within ε, in Float.
      #expect(abs(found[place] - data.pixels.tensor[place]) <= 0.1 + 1e-5)
    }
    #expect(try search([7, 2]) == found.rows([7, 2]))
    let budget = PerturbationBudget.l2(try Epsilon("0.1"))
    #expect(throws: AttackError.self) {
      try attack.search(data, within: budget, through: defence(), seed: 3)
    }
    #expect(throws: AttackError.setting(name: "number of steps", value: -1, least: 0)) {
      try correct(
        PublishedAdaptiveAttack(on: defence(), steps: -1), through: defence(), on: model)
    }
  }

  @Test("True labels make the published attack stronger, and at λ = 0 nothing arrives")
  func repaired() throws {
    let target = try defence(0.5)
    func correct(_ isRepaired: Bool) throws -> Int {
      try self.correct(
        PublishedAdaptiveAttack(on: target, steps: 10, isRepaired: isRepaired), through: target,
        on: target, "0.2"
      ).count { $0 }
    }
    #expect(try correct(true) < correct(false))
    let still = try PublishedAdaptiveAttack(on: defence(0), steps: 3, isRepaired: true).search(
      data, within: .linf(Epsilon("0.1")), through: defence(0), seed: 1)
    #expect(still == data.pixels.tensor)
  }

  // MARK: Past the detector

  /// ℓ − w s of one image, from decisions on the same draws.
  private func objective(
    _ image: Tensor, _ n: Int, _ detector: MixupInference<TanhMLP>, weight: Float
  ) throws -> Double {
    let pixels = try Pixels(image)
    let draws = Draws(seed: 5, purpose: .test, examples: [data.indices[n]])
    let decision = try detector.decisions(of: pixels, draws: draws)[0]
    let logits = try model.logits(of: pixels, draws: draws)
    return AttackLoss.crossEntropy.values(of: logits, labels: [data.labels[n]])[0]
      - Double(weight * decision.value(of: .confidenceDrop))
  }

  // Central differences of step 2⁻⁷: curvature of about 10 leaves 10/6 · 2⁻¹⁴, Float values of the
  // statistic 2⁻²⁴ · 2⁶.
  @Test(
    "Evasion has the gradient of the loss less the detector's statistic", arguments: [0, 1, -2])
  func evasionGradient(_ weight: Int) throws {
    let detector = try MixupInference(
      model, pool: pool, rule: .predictedLabel(Mixing(lambda: 0.5, sampleCount: 3)))
    let evasion = DetectorEvasion(detector, weight: Float(weight))
    for n in 0..<4 {
      let image = data[[n]]
      let draws = Draws(seed: 5, purpose: .test, examples: image.indices)
      let (logits, gradient) = try evasion.logitsAndGradient(of: image.pixels, draws: draws) {
        AttackLoss.crossEntropy.gradient(of: $0, labels: image.labels)
      }
      #expect(try logits == model.logits(of: image.pixels, draws: draws))
      for place in 0..<shape.count {
        func value(_ change: Float) throws -> Double {
          var moved = image.pixels.tensor.values
          moved[place] += change
          return try objective(
            Tensor(moved, shape: image.pixels.tensor.shape), n, detector, weight: Float(weight))
        }
        let slope = try (value(0x1p-7) - value(-0x1p-7)) / 0x1p-6
        #expect(abs(slope - Double(gradient[place])) <= 5e-3)
      }
    }
  }

  @Test("Evasion lowers the statistic by which its images would be detected")
  func evasionEvades() throws {
    let detector = try MixupInference(
      model, pool: pool, rule: .predictedLabel(Mixing(lambda: 0.5, sampleCount: 6)))
    func statistic(_ surrogate: any DifferentiableClassifier) throws -> Double {
      let found = try ProjectedGradientDescent(steps: 20).search(
        data, within: .linf(Epsilon("0.2")), through: surrogate, seed: 3)
      let decisions = try detector.decisions(
        of: Pixels(found), draws: Draws(seed: 9, purpose: .score, examples: data.indices))
      return decisions.reduce(0) { $0 + Double($1.value(of: .confidenceDrop)) } / 40
    }
    #expect(try statistic(DetectorEvasion(detector, weight: 8)) < statistic(model) - 0.05)
  }

  // MARK: Ensembles

  @Test(
    "An ensemble misleads wherever one of its attacks does",
    arguments: PerturbationBudget.Norm.allCases)
  func ensemble(_ norm: PerturbationBudget.Norm) throws {
    let budget = PerturbationBudget(norm, try Epsilon(norm == .linf ? "0.05" : "0.2"))
    let whole = BestOf.ensemble(classCount: 3, steps: 10, queries: 40)
    #expect(whole.contestants.count == 3)
    func isCorrect(_ attack: any Attack) throws -> [Bool] {
      let found = try attack.search(data, within: budget, through: model, seed: 3)
      return try judge(found, of: data, within: budget, by: model, seed: 3).isCorrect
    }
    let together = try isCorrect(whole)
    let single = try whole.contestants.map { try isCorrect($0.attack) }
    for n in together.indices { #expect(together[n] == single.allSatisfy { $0[n] }) }
    #expect(together.contains(true) && together.contains(false))
  }

  @Test("An ensemble asks the later attacks for the survivors only")
  func survivors() throws {
    let log = CallLog()
    let spy = Spy(model, log: log)
    // Large enough to break some images, and too small to break all.
    let budget = PerturbationBudget.linf(try Epsilon("0.05"))
    let attacks = BestOf(
      [.init(ProjectedGradientDescent(steps: 20)), .init(SquareAttack(queries: 5), through: spy)],
      selections: 1, sparesMisled: true)
    let found = try attacks.search(data, within: budget, through: model, seed: 3)
    let first = try ProjectedGradientDescent(steps: 20).search(
      data, within: budget, through: model, seed: 3)
    let survivors = try judge(first, of: data, within: budget, by: model, seed: 3)
      .isCorrect.enumerated().filter(\.element).map { data.indices[$0.offset] }
    #expect(!survivors.isEmpty && survivors.count < data.count, "\(survivors.count)")
    #expect(try #require(log.calls.first).draws.examples == survivors)
    #expect(found.shape == data.pixels.tensor.shape)
  }

  @Test("Both averages of an adaptive attacker are attacks on the defence")
  func averages() throws {
    let target = try defence(0.6)
    let clean = try Evaluation(seed: 3).run(target, on: data).correctCount
    for average in GradientAverage.allCases {
      let threat = try Threat.adaptive(
        ProjectedGradientDescent(steps: 5), within: .linf(Epsilon("0.1")), on: target,
        sampleCount: 3, average: average)
      let attacked = try Evaluation(seed: 3).run(target, on: data, under: threat).correctCount
      #expect(attacked < clean, "\(average)")
    }
  }
}
