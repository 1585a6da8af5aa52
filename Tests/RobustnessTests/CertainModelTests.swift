import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import Synchronization
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

@Suite("Where a model is certain, searches go on")
struct CertainModelTests {
  /// Images with the labels that a linear model gives them, which does not hang on its scale.
  private func data(_ count: Int, classCount: Int) throws -> LabelledImages {
    let model = LinearSoftmax(imageShape: shape, classCount: classCount, seed: 3)
    let images = try randomImages(
      count, shape: shape, classCount: classCount, seed: 5, range: 0.3...0.7, firstIndex: 10)
    let draws = Draws(seed: 0, purpose: .test, examples: images.indices)
    return try LabelledImages(
      pixels: images.pixels, labels: model.predictions(of: images.pixels, draws: draws),
      classCount: classCount, indices: images.indices)
  }

  // MARK: Losses

  // The gap between the label's logit and the others grows; in Double 1 − p rounds to 0 from 37 on, and
  // exp underflows at 745.
  @Test(
    "Ranks are ordered as losses are", arguments: AttackLoss.allCases, [false, true])
  func ranks(_ loss: AttackLoss, _ isTargeted: Bool) throws {
    let logits = try logitsByGap()
    let labels = Self.gaps.map { _ in 0 }
    let targets = isTargeted ? Self.gaps.map { _ in 2 } : nil
    let values = loss.values(of: logits, labels: labels, targets: targets)
    let ranks = loss.ranks(of: logits, labels: labels, targets: targets)
    #expect(ranks.count == Self.gaps.count && ranks.allSatisfy { $0.isFinite })
    for (n, m) in zip(0..., 1..<Self.gaps.count) {
      #expect(values[n] <= values[m] || ranks[n] > ranks[m])
      #expect(values[n] >= values[m] || ranks[n] < ranks[m])
    }
  }

  // Where the label is the most probable one, which is where a search has to go on.
  @Test(
    "Ranks do not tie where the losses of a certain model do",
    arguments: AttackLoss.allCases.filter { $0 != .doubleSoftmax && $0 != .logitsRatio })
  func ranksDoNotTie(_ loss: AttackLoss) throws {
    let ranks = loss.ranks(of: try logitsByGap(), labels: Self.gaps.map { _ in 0 }, targets: nil)
    let right = ranks.dropFirst(6)
    #expect(zip(right, right.dropFirst()).allSatisfy { $0 > $1 }, "\(ranks)")
  }

  /// By how much the first class is ahead, or behind.
  private static let gaps: [Float] = [
    -3000, -900, -200, -50, -20, -1, 0.5, 1, 5, 20, 40, 50, 100, 800, 9000,
  ]

  private func logitsByGap() throws -> Tensor {
    try Tensor(Self.gaps.flatMap { [$0, 0.25, -0.5, 0, -1] }, shape: [Self.gaps.count, 5])
  }

  // p_y − 1 is minus the sum of the others, whatever it is rounded to: each to 2⁻²⁴ of its size, as far as
  // Float reaches.
  @Test("The gradient of the cross-entropy adds up to 0 however certain the model is")
  func crossEntropyAddsUp() throws {
    for gap in stride(from: Float(-80), through: 80, by: 5) {
      let logits = try Tensor([gap, 0.5, -0.25, -1], shape: [1, 4])
      let gradient = AttackLoss.crossEntropy.gradient(of: logits, labels: [0]).values.map(
        Double.init)
      let size = gradient.map(abs).max() ?? 0
      #expect(size > 0 && abs(gradient.reduce(0, +)) <= 0x1p-21 * size, "\(gap): \(gradient)")
    }
  }

  // MARK: Attacks

  private static let scales: [Float] = [1, 0x1p5, 0x1p10, 0x1p14]

  // A scale of 2ᵏ is exact, and between two classes all these losses are functions of one margin.
  @Test(
    "Between two classes the scale of the logits changes no step",
    arguments: [AttackLoss.logOdds, .crossEntropy, .probabilityMargin, .margin],
    PerturbationBudget.Norm.allCases)
  func scale(_ loss: AttackLoss, _ norm: PerturbationBudget.Norm) throws {
    let data = try data(12, classCount: 2)
    let budget = PerturbationBudget(norm, try Epsilon(norm == .linf ? "0.1" : "0.4"))
    var attacks: [any Attack] = [
      ProjectedGradientDescent(steps: 8, loss: loss),
      ProjectedGradientDescent(steps: 8, loss: loss, momentum: 0.75),
      ProjectedGradientDescent(steps: 1, randomStart: false, loss: loss),
      ProjectedGradientDescent(steps: 8, objective: .targeted, loss: loss),
    ]
    // In ℓ2 the last bit of a loss may halve a step or not.
    if norm == .linf { attacks.append(AutoPGD(steps: 20, loss: loss)) }
    for attack in attacks {
      let found = try Self.scales.map { scale in
        try attack.search(
          data, within: budget,
          through: LinearSoftmax(imageShape: shape, classCount: 2, seed: 3, scale: scale), seed: 2)
      }
      for other in found.dropFirst() {
        let largest = zip(other.values, found[0].values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        // Of a sign none; in ℓ2 what the rounding of 1 − p leaves in a direction.
        #expect(largest <= (norm == .linf ? 0 : 1e-5), "\(attack)")
      }
    }
  }

  /// Averages of probabilities and of losses around a model.
  private func averages(
    _ base: LinearSoftmax, _ data: LabelledImages
  ) throws -> [any DifferentiableClassifier] {
    let noise: [InputTransformation] = [.gaussianNoise(standardDeviation: 0.02)]
    return [
      try RandomizedInput(base, transformations: noise, sampleCount: 5),
      try MixupInference(
        base, pool: SamplePool(data), rule: .predictedLabel(Mixing(lambda: 0.7, sampleCount: 5))),
      try ExpectationOverTransformation(
        RandomizedInput(base, transformations: noise, sampleCount: 1), drawCount: 5),
    ]
  }

  @Test(
    "Averages do not hide the gradient either: what breaks the uncertain breaks the certain",
    arguments: [AttackLoss.logOdds, .crossEntropy, .probabilityMargin], [2, 4])
  func averages(_ loss: AttackLoss, _ classCount: Int) throws {
    let data = try data(40, classCount: classCount)
    let budget = PerturbationBudget.linf(try Epsilon("0.2"))
    let attacks: [any Attack] = [
      ProjectedGradientDescent(steps: 10, loss: loss), AutoPGD(steps: 15, loss: loss),
    ]
    for attack in attacks {
      for place in 0..<3 {
        let right = try [1, 30, 1000, 30_000].map { (scale: Float) in
          let base = LinearSoftmax(
            imageShape: shape, classCount: classCount, seed: 3, scale: scale)
          let model = try averages(base, data)[place]
          return try Evaluation(seed: 3).run(
            model, on: data, under: Threat(attack, within: budget, through: model)
          ).correctCount
        }
        // All of them can be broken, as the bare model shows.
        #expect(right.allSatisfy { $0 <= right[0] + 2 } && right[0] <= 4, "\(place): \(right)")
      }
    }
  }

  /// z = s (0, x₀ − 3/2, 5x₁ − 37/10): of a gray image class 1 is the runner-up by far and can be raised by a
  /// little, class 2 is behind and can win.
  private struct RunnerUp: ToyModel {
    var scale: Float
    var imageShape: ImageShape { ImageShape(channels: 1, height: 1, width: 2) }
    var classCount: Int { 3 }

    func logits(_ image: [Float]) -> [Float] {
      [0, scale * (image[0] - 1.5), scale * (5 * image[1] - 3.7)]
    }

    func pullback(_ image: [Float], _ cotangent: [Float]) -> [Float] {
      [scale * cotangent[1], 5 * scale * cotangent[2]]
    }
  }

  // Of large logits nothing is left of the other classes but the strongest, and who follows it finds nothing.
  @Test(
    "However certain the model, a search sees more than the runner-up",
    arguments: [AttackLoss.logOdds, .crossEntropy], [1, 10, 40, 100, 1000, 100_000] as [Float])
  func runnerUp(_ loss: AttackLoss, _ scale: Float) throws {
    let image = try LabelledImages(
      pixels: Pixels(Tensor(repeating: 0.5, shape: [1, 1, 1, 2])), labels: [0], classCount: 3)
    let attacks: [any Attack] = [
      ProjectedGradientDescent(steps: 1, randomStart: false, loss: loss),
      ProjectedGradientDescent(steps: 10, randomStart: false, loss: loss),
      AutoPGD(steps: 10, loss: loss, randomStart: false),
    ]
    let model = RunnerUp(scale: scale)
    for attack in attacks {
      let threat = Threat(attack, within: .linf(try Epsilon("0.3")), through: model)
      #expect(try Evaluation(seed: 3).run(model, on: image, under: threat).correctCount == 0)
    }
  }

  /// Class 1 wins by w·x − m, with w and m by the draw: certain to e⁻ᵐ that it does not.
  private struct Certainties: DifferentiableClassifier {
    let weights: [[Float]]
    let margins: [Float]
    var imageShape: ImageShape { shape }
    var classCount: Int { 2 }
    var forwardPassesPerDecision: Int { 1 }
    var isRandomized: Bool { true }

    func logits(of images: Pixels, draws: Draws) throws -> Tensor {
      // Of gray images w·x is 0, as w adds up to 0.
      try Tensor(
        (0..<images.count).flatMap { _ in [0, -margins[draws.step]] }, shape: [images.count, 2])
    }

    func logitsAndGradient(
      of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
    ) throws -> (logits: Tensor, gradient: Tensor) {
      let logits = try logits(of: images, draws: draws)
      let cotangent = try lossGradient(logits)
      return (
        logits,
        try Tensor(
          (0..<images.count).flatMap { n in
            weights[draws.step].map { $0 * cotangent[2 * n + 1] }
          }, shape: images.tensor.shape)
      )
    }
  }

  // ∂/∂x of mean_d log(1 + exp(w_d·x − m_d)) is Σ_d w_d/(1 + exp m_d) up to a factor. (Of several draws
  // that outweigh the first one more than 2⁶⁴ times all count alike.)
  @Test("The mean of cross-entropies keeps its direction over draws of any certainty")
  func meanOfLosses() throws {
    var stream = RandomStream(RandomKey(seed: 3, purpose: .test))
    let weights = (0..<3).map { _ in (0..<16).map { _ in Float(stream.standardNormal()) } }
    let image = try LabelledImages(
      pixels: Pixels(Tensor(repeating: 0.5, shape: [1, 1, 4, 4])), labels: [0], classCount: 2)
    let cases: [[Float]] = [
      [1, 2, 0.5], [50, 51, 49], [150, 152, 151], [3000, 3001, 2999], [900, 20, 950],
      [20, 900, 500], [230, 200, 201], [2, 700, 1],
    ]
    for margins in cases {
      let model = Certainties(weights: weights, margins: margins)
      let found = try ProjectedGradientDescent(
        steps: 1, stepSize: Epsilon("0.1"), randomStart: false, loss: .crossEntropy
      ).search(
        image, within: .l2(Epsilon("0.1")),
        through: ExpectationOverTransformation(model, drawCount: 3), seed: 1)
      let least = margins.min() ?? 0
      let shares = margins.map { m in
        exp(Double(least - m)) * (1 + exp(-Double(least))) / (1 + exp(-Double(m)))
      }
      let direction = (0..<16).map { place in
        zip(weights, shares).reduce(0.0) { $0 + $1.1 * Double($1.0[place]) }
      }
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for place in 0..<16 {
        let expected = 0.1 * direction[place] / length
        // A sum of three in Float, and x + δ near 1/2.
        #expect(abs(Double(found[place] - 0.5) - expected) <= 2e-7, "\(margins)")
      }
    }
  }

  // MARK: Searches without a gradient

  /// A linear model that says of its gradient that it is zero, at images that are brighter than 1/2 in the
  /// first place.
  private struct FalselyFlatClassifier: DifferentiableClassifier {
    var base = LinearSoftmax(imageShape: shape, classCount: 2, seed: 3)
    var imageShape: ImageShape { shape }
    var classCount: Int { 2 }
    var forwardPassesPerDecision: Int { 1 }
    var isRandomized: Bool { false }

    func logits(of images: Pixels, draws: Draws) throws -> Tensor {
      try base.logits(of: images, draws: draws)
    }

    func logitsAndGradient(
      of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
    ) throws -> (logits: Tensor, gradient: Tensor) {
      var (logits, gradient) = try base.logitsAndGradient(
        of: images, draws: draws, lossGradient: lossGradient)
      for n in 0..<images.count where images.tensor[16 * n] > 0.5 {
        for place in 16 * n..<16 * (n + 1) { gradient[place] = 0 }
      }
      return (logits, gradient)
    }
  }

  private func passes(
    _ attack: any Attack, _ budget: PerturbationBudget, _ data: LabelledImages,
    _ surrogate: any DifferentiableClassifier, blockSize: Int = 5
  ) throws -> PassMeter.Count {
    let passes = Mutex(PassMeter.Count())
    _ = try Evaluation(seed: 1, blockSize: blockSize).run(
      surrogate, on: data, under: Threat(attack, within: budget, through: surrogate)
    ) { block in passes.withLock { $0 = $0 + block.passes } }
    return passes.withLock(\.self)
  }

  @Test("A search all of whose gradients are zero is counted", arguments: AttackCase.binary)
  func blind(_ attack: AttackCase) throws {
    let data = try data(12, classCount: 2)
    let isBlind = (0..<12).count { data.pixels.tensor[16 * $0] > 0.5 }
    #expect(isBlind > 2 && isBlind < 10)
    // So near that no image changes sides, but all are moved.
    let counted = try passes(attack.attack, attack.budget("0.00001"), data, FalselyFlatClassifier())
    let follows = !AttackCase.queries.contains { $0.testDescription == attack.testDescription }
    #expect(counted.followed == (follows ? 12 : 0))
    #expect(counted.withoutGradient == (follows ? isBlind : 0))
    let sound = try passes(
      attack.attack, attack.budget("0.00001"), data,
      LinearSoftmax(imageShape: shape, classCount: 2, seed: 3, scale: 1000))
    #expect(sound.withoutGradient == 0)
  }

  @Test("A blind search is seen beside one that is not, and not what is inside a defence")
  func blindContestants() throws {
    let data = try data(12, classCount: 2)
    let base = LinearSoftmax(imageShape: shape, classCount: 2, seed: 3)
    let pgd = ProjectedGradientDescent(steps: 3)
    let budget = PerturbationBudget.linf(try Epsilon("0.01"))
    // λ = 0: nothing of the image arrives, so the defence has no gradient, but the network in it does.
    let hidden = try MixupInference(
      base, pool: SamplePool(data), rule: .predictedLabel(Mixing(lambda: 0, sampleCount: 2)))
    #expect(
      try passes(pgd, budget, data, hidden)
        == PassMeter.Count(followed: 12, withoutGradient: 12))
    let both = BestOf([.init(pgd, through: base), .init(pgd)])
    let counted = try passes(both, budget, data, hidden)
    #expect(counted.followed == 24 && counted.withoutGradient == 12)
    // As often as it is asked for.
    let remembered = RememberedAttack(pgd, through: hidden)
    for _ in 0..<2 {
      #expect(
        try passes(remembered, budget, data, base)
          == PassMeter.Count(followed: 12, withoutGradient: 12))
    }
    // The loss that others published vanishes, and its search says so.
    let certain = LinearSoftmax(imageShape: shape, classCount: 2, seed: 3, scale: 30_000)
    let published = try passes(
      ProjectedGradientDescent(steps: 3, loss: .doubleSoftmax), budget, data, certain)
    #expect(published.withoutGradient > 6)
  }

  @Test("Counts without them, of files that are older, are read as none")
  func olderCounts() throws {
    let older = try JSONDecoder().decode(
      PassMeter.Count.self, from: Data(#"{"backward":4,"forward":7}"#.utf8))
    #expect(older == PassMeter.Count(forward: 7, backward: 4))
    let count = PassMeter.Count(
      forward: 1, backward: 2, spared: 5, followed: 3, withoutGradient: 4)
    let again = try JSONDecoder().decode(PassMeter.Count.self, from: JSONEncoder().encode(count))
    #expect(again == count)
    let twice = PassMeter.Count(
      forward: 2, backward: 4, spared: 10, followed: 6, withoutGradient: 8)
    #expect(count + count == twice)
  }
}
