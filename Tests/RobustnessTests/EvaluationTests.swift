import Classification
import Datasets
import Dispatch
import Foundation
import MixupInference
import NeuralNetwork
import Robustness
import Statistics
import Synchronization
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 4, width: 4)

/// Hands over the same candidate for every example, wherever it is.
private struct OutOfBoundsAttack: Attack {
  var value: Float

  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    Tensor(repeating: value, shape: examples.pixels.tensor.shape)
  }
}

/// Fails on the examples named.
private struct FailingAttack: Attack {
  struct Failure: Error, Equatable { var index: Int }
  var indices: Set<Int>

  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    if let index = examples.indices.first(where: indices.contains) { throw Failure(index: index) }
    return examples.pixels.tensor
  }
}

@Suite("Evaluation")
struct EvaluationTests {
  let data: LabelledImages
  let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
  let defence: MixupInference<TanhMLP>
  let epsilon: Epsilon

  static let threads: ForEach = { count, body in
    DispatchQueue.concurrentPerform(iterations: count) { body($0) }
  }
  static let backwards: ForEach = { count, body in
    for block in (0..<count).reversed() { body(block) }
  }

  init() throws {
    data = try randomImages(23, shape: shape, classCount: 3, seed: 1, firstIndex: 200)
    defence = try MixupInference(
      model, pool: SamplePool(randomImages(12, shape: shape, classCount: 3, seed: 2)),
      rule: .combined(
        predictedLabel: Mixing(lambda: 0.5, sampleCount: 2),
        otherLabel: Mixing(lambda: 0.6, sampleCount: 3), threshold: 0.02))
    epsilon = try Epsilon("0.1")
  }

  private func adaptive(_ steps: Int = 3) -> Threat {
    Threat(
      ProjectedGradientDescent(steps: steps, restarts: 2), within: .linf(epsilon), through: defence)
  }

  @Test("results depend on neither the size of the blocks nor the order or number of threads")
  func resultsDoNotDependOnBlocks() throws {
    for threat in [nil, adaptive()] {
      let expected = try Evaluation(seed: 5).run(defence, on: data, under: threat)
      for size in [nil, 1, 4, 23, 100] {
        for forEach in [Self.threads, Self.backwards] {
          let result = try Evaluation(seed: 5, blockSize: size, forEach: forEach).run(
            defence, on: data, under: threat)
          #expect(result.outcomes == expected.outcomes)
          #expect(result.images.pixels == expected.images.pixels)
        }
      }
      let other = try Evaluation(seed: 6).run(defence, on: data, under: threat)
      #expect(threat == nil || other.images.pixels != expected.images.pixels)
    }
  }

  @Test("the order of the examples changes the order of the outcomes only, so no accuracy")
  func orderDoesNotMatter() throws {
    var stream = RandomStream(RandomKey(seed: 3, purpose: .test))
    let order = stream.permutation(of: data.count)
    let straight = try Evaluation(seed: 5).run(defence, on: data, under: adaptive())
    let shuffled = try Evaluation(seed: 5).run(defence, on: data[order], under: adaptive())
    #expect(shuffled.outcomes == order.map { straight.outcomes[$0] })
    #expect(shuffled.accuracy == straight.accuracy)
  }

  @Test("outcomes name image, true label and prediction, and add up to the accuracy")
  func outcomesAreComplete() throws {
    let result = try Evaluation(seed: 5).run(model, on: data)
    let predictions = try model.predictions(
      of: data.pixels, draws: Draws(seed: 0, purpose: .test, examples: data.indices))
    #expect(result.outcomes.map(\.index) == data.indices)
    #expect(result.outcomes.map(\.label) == data.labels)
    #expect(result.outcomes.map(\.prediction) == predictions)
    let correct = zip(predictions, data.labels).count { $0 == $1 }
    #expect(result.correctCount == correct && result.accuracy == Double(correct) / 23)
    #expect(result.images.pixels == data.pixels)
  }

  /// Outcomes as those of images that nobody attacked.
  private func withoutDistance(
    _ outcomes: [EvaluationResult.Outcome]
  ) -> [EvaluationResult.Outcome] {
    outcomes.map {
      var outcome = $0
      outcome.distance = nil
      return outcome
    }
  }

  @Test("an attack of radius 0 changes no outcome")
  func radiusZeroIsClean() throws {
    var threat = adaptive()
    threat.budget = .linf(.zero)
    let clean = try Evaluation(seed: 5).run(defence, on: data)
    let attacked = try Evaluation(seed: 5).run(defence, on: data, under: threat)
    #expect(withoutDistance(attacked.outcomes) == clean.outcomes)
    #expect(attacked.outcomes.allSatisfy { $0.distance == 0 })
  }

  @Test("what leaves the ball or the box is brought back before it is judged")
  func candidatesAreProjected() throws {
    for value in [-5, 0.5, 7, .nan] as [Float] {
      let threat = Threat(OutOfBoundsAttack(value: value), within: .linf(epsilon), through: model)
      let result = try Evaluation(seed: 5).run(model, on: data, under: threat)
      let found = result.images.pixels.tensor
      for place in 0..<found.count {
        #expect(found[place] >= 0 && found[place] <= 1)
        #expect(abs(found[place] - data.pixels.tensor[place]) <= 0.1 + 1e-7)
      }
      let predictions = try model.predictions(
        of: result.images.pixels, draws: Draws(seed: 0, purpose: .test, examples: data.indices))
      #expect(result.outcomes.map(\.prediction) == predictions)
    }
  }

  @Test("adversarial images can be shown to another classifier, with labels and indices kept")
  func imagesCanBeReused() throws {
    let oblivious = Threat(
      ProjectedGradientDescent(steps: 3), within: .linf(epsilon), through: model)
    let onModel = try Evaluation(seed: 5).run(model, on: data, under: oblivious)
    let direct = try Evaluation(seed: 5).run(defence, on: data, under: oblivious)
    let reused = try Evaluation(seed: 5).run(defence, on: onModel.images)
    // From what the images were made is not known any more.
    #expect(reused.outcomes == withoutDistance(direct.outcomes))
    #expect(onModel.images.indices == data.indices && onModel.images.labels == data.labels)
  }

  @Test("an attack never shares a stream with the scoring of it, nor a draw with another step")
  func streamsAreSeparate() throws {
    let surrogate = Spy(defence)
    let target = Spy(defence)
    let steps = 4
    let attack = ProjectedGradientDescent(steps: steps, restarts: 2, selections: 3)
    _ = try Evaluation(seed: 5, blockSize: 7).run(
      target, on: data, under: Threat(attack, within: .linf(epsilon), through: surrogate))
    let (searched, scored) = (surrogate.log, target.log)
    #expect(searched.keys.isDisjoint(with: scored.keys))
    #expect(Set(scored.calls.map(\.draws.purpose)) == [.score])
    #expect(scored.keys.count == data.count)
    // Gradients on `.attack`, a key for each example, restart and step; choices on `.select`.
    let gradients = searched.calls.filter(\.wantsGradient)
    let choices = searched.calls.filter { !$0.wantsGradient }
    #expect(Set(gradients.map(\.draws.purpose)) == [.attack])
    #expect(Set(choices.map(\.draws.purpose)) == [.select])
    #expect(gradients.reduce(0) { $0 + $1.images.count } == data.count * 2 * steps)
    #expect(
      searched.keys.count { $0.purpose == .attack } == data.count * 2 * steps)
    // All restarts are compared on the same draws.
    #expect(searched.keys.count { $0.purpose == .select } == data.count * 3)
    #expect(choices.reduce(0) { $0 + $1.images.count } == data.count * 2 * 3)
  }

  @Test("what is judged is asked on scoring draws alone, whoever has found it")
  func judgeAgrees() throws {
    let result = try Evaluation(seed: 5).run(defence, on: data, under: adaptive())
    let spy = Spy(defence)
    let judged = try judge(
      result.images.pixels.tensor, of: data, within: .linf(epsilon), by: spy, seed: 5)
    #expect(Set(spy.log.calls.map(\.draws.purpose)) == [.score])
    #expect(judged.images.pixels == result.images.pixels)
    #expect(judged.predictions == result.outcomes.map(\.prediction))
  }

  @Test("progress counts up to all examples", arguments: [true, false])
  func progressIsReported(_ parallel: Bool) throws {
    let reports = Mutex<[Int]>([])
    let outcomes = Mutex<[EvaluationResult.Outcome]>([])
    let evaluation =
      parallel
      ? Evaluation(seed: 1, blockSize: 5, forEach: Self.threads)
      : Evaluation(seed: 1, blockSize: 5)
    let result = try evaluation.run(model, on: data) { block in
      reports.withLock { $0.append(block.outcomes.count) }
      outcomes.withLock { $0 += block.outcomes }
    }
    #expect(reports.withLock { $0.sorted() } == [4, 4, 5, 5, 5])
    #expect(outcomes.withLock { $0.sorted { $0.index < $1.index } } == result.outcomes)
  }

  @Test("what is thrown after a block ends the evaluation")
  func finishedThrows() throws {
    struct Full: Error {}
    let blocks = Mutex(0)
    #expect(throws: Full.self) {
      try Evaluation(seed: 1, blockSize: 5).run(model, on: data) { _ in
        blocks.withLock { $0 += 1 }
        throw Full()
      }
    }
    #expect(blocks.withLock { $0 } == 1)
  }

  @Test("a randomised defence is scored on more draws, of which the first are those of fewer")
  func repeatedScores() throws {
    let one = try Evaluation(seed: 5).run(defence, on: data, under: adaptive())
    var evaluation = Evaluation(seed: 5, scoringDraws: 7, selectionDraws: 4)
    let several = try evaluation.run(defence, on: data, under: adaptive())
    #expect(several.images.pixels == one.images.pixels)
    #expect(several.outcomes.map(\.predictions.count) == data.indices.map { _ in 7 })
    #expect(several.outcomes.map(\.prediction) == one.outcomes.map(\.prediction))
    // Every repetition is a prediction of the images found, on draws of its own.
    for draw in 0..<7 {
      let again = try defence.predictions(
        of: one.images.pixels,
        draws: Draws(seed: 5, purpose: .score, examples: data.indices, step: draw))
      #expect(several.outcomes.map { $0.predictions[draw] } == again)
    }
    let misses = try (0..<4).map { draw in
      zip(
        try defence.predictions(
          of: one.images.pixels,
          draws: Draws(seed: 5, purpose: .select, examples: data.indices, step: draw)), data.labels
      ).map { $0 == $1 ? 0 : 1 }
    }
    #expect(
      several.outcomes.indices.allSatisfy { n in
        several.outcomes[n].selectionMisses == misses.reduce(0) { $0 + $1[n] }
      })
    #expect(
      several.outcomes.allSatisfy { outcome in
        outcome.correctCount == outcome.predictions.count { $0 == outcome.label }
      })
    evaluation.blockSize = 2
    evaluation.forEach = Self.threads
    #expect(try evaluation.run(defence, on: data, under: adaptive()).outcomes == several.outcomes)
    // A network says the same on every draw: it is asked once.
    let network = try evaluation.run(model, on: data)
    #expect(network.outcomes.allSatisfy { $0.predictions.count == 1 && $0.selectionMisses == 0 })
    for (scoring, selection) in [(0, 0), (1, -1)] {
      #expect(throws: AttackError.self) {
        try Evaluation(seed: 1, scoringDraws: scoring, selectionDraws: selection)
          .run(defence, on: data)
      }
    }
  }

  @Test("the images that go through a network are counted, whatever the blocks and the threads")
  func passes() throws {
    let network = ResNet(.resNet8(ImageShape(channels: 1, height: 8, width: 8)))
    network.initialize(seed: 1)
    let base = NetworkClassifier(
      InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1)))
    let digits = try Digits.training()
    let defence = try MixupInference(
      base, pool: SamplePool(digits), rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 3)))
    let threat = Threat(
      ProjectedGradientDescent(steps: 2), within: .linf(epsilon),
      through: try defence.withSampleCount(2))
    for (blockSize, forEach) in [(4, Self.threads), (7, Self.backwards)] {
      let counted = Mutex(PassMeter.Count())
      _ = try Evaluation(
        seed: 1, blockSize: blockSize, scoringDraws: 5, selectionDraws: 2, forEach: forEach
      ).run(defence, on: digits[0..<10], under: threat) { block in
        counted.withLock { $0 = $0 + block.passes }
      }
      // Two steps of (1 + 2) images forward, 2 backward; 5 + 2 decisions of (1 + 3), whose first pass is the
      // same for all.
      #expect(
        counted.withLock { $0 }
          == PassMeter.Count(forward: 10 * (6 + 22), backward: 40, spared: 60, followed: 10))
    }
  }

  @Test("the failure of the first failing block is thrown, whatever the order of the blocks")
  func firstFailureIsThrown() throws {
    let threat = Threat(
      FailingAttack(indices: [219, 208, 222]), within: .linf(epsilon), through: model)
    for forEach in [Self.threads, Self.backwards, { count, body in (0..<count).forEach(body) }]
      as [ForEach]
    {
      #expect(throws: FailingAttack.Failure(index: 208)) {
        try Evaluation(seed: 1, blockSize: 3, forEach: forEach).run(
          model, on: data, under: threat)
      }
    }
  }

  @Test("of attacks that serve equally well the first one's images count")
  func firstOfEquals() throws {
    // Where every class has the same logit, no image is better than another.
    let indifferent = LinearSoftmax(imageShape: shape, classCount: 3, seed: 1, scale: 0)
    let attacks = [0.01, -0.01].map {
      BestOf.Contestant(Shift(by: $0), through: indifferent)
    }
    let found = try BestOf(attacks).search(
      data, within: .linf(epsilon), through: indifferent, seed: 1)
    let first = try BestOf([attacks[0]]).search(
      data, within: .linf(epsilon), through: indifferent, seed: 1)
    #expect(found == first && found != data.pixels.tensor)
  }

  @Test("no examples give no outcomes, and an accuracy that is no number")
  func emptyData() throws {
    let result = try Evaluation(seed: 1).run(defence, on: data[[]], under: adaptive())
    #expect(result.outcomes.isEmpty && result.accuracy.isNaN && result.images.count == 0)
  }

  @Test("settings that make no sense are refused")
  func refusals() throws {
    #expect(throws: AttackError.setting(name: "block size", value: 0, least: 1)) {
      try Evaluation(seed: 1, blockSize: 0).run(model, on: data)
    }
    #expect(throws: AttackError.classCount(model: 2, data: 3)) {
      try Evaluation(seed: 1).run(
        TanhMLP(imageShape: shape, classCount: 2, seed: 1), on: data)
    }
    #expect(throws: AttackError.candidateShape(expected: [23, 1, 4, 4], found: [1, 1, 4, 4])) {
      try judge(Tensor(shape: [1, 1, 4, 4]), of: data, within: .linf(epsilon), by: model, seed: 1)
    }
  }
}

/// Adds the same to every pixel.
private struct Shift: Attack {
  let difference: Float
  init(by difference: Float) { self.difference = difference }

  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) -> Tensor {
    examples.pixels.tensor.map { $0 + difference }
  }
}
