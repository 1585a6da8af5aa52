import Classification
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 1, width: 1)

/// A model whose answers are drawn for every image and draw. Images are the tenths of a pixel, and how often
/// the n-th of them is misclassified is drawn too: from never to always, ties included.
private struct Drawn: DifferentiableClassifier {
  var imageShape: ImageShape { shape }
  var classCount: Int { 2 }
  var forwardPassesPerDecision: Int { 1 }
  var isRandomized: Bool { true }

  func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    let values = images.tensor.values
    return try Tensor(
      values.indices.flatMap { n -> [Float] in
        let candidate = Int((values[n] * 10).rounded())
        var habits = RandomStream(
          RandomKey(seed: 5, purpose: .test, example: draws.examples[n], draw: candidate))
        let share = [0, 0.1, 0.5, 0.9, 1][habits.integer(below: 5)] as Float
        var stream = RandomStream(draws.key(position: n, draw: candidate))
        let isMisled = stream.uniform() < share
        let margin = Float(1 + stream.integer(below: 3))
        return isMisled ? [0, margin] : [margin, 0]
      }, shape: [values.count, 2])
  }

  func logitsAndGradient(
    of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
  ) throws -> (logits: Tensor, gradient: Tensor) { throw ClassifierError.noGradient }
}

/// Hands over one image for all examples.
private struct Constant: Attack {
  let value: Float

  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor { Tensor(repeating: value, shape: examples.pixels.tensor.shape) }
}

@Suite("Choices that the rest cannot change stop early")
struct SelectionTests {
  private let data: LabelledImages

  init() throws {
    data = try LabelledImages(
      pixels: Pixels(Tensor(repeating: 0.5, shape: [40, 1, 1, 1])),
      labels: Array(repeating: 0, count: 40), classCount: 2, indices: (0..<40).map { 90 + $0 })
  }

  private func draws(_ step: Int) -> Draws {
    // Among attacks draws are told apart by restart 3.
    Draws(seed: 7, purpose: .select, examples: data.indices, restart: 3, step: step)
  }

  /// How often an image is misclassified on the draws that choose, and the sum of its log odds.
  private func scores(_ value: Float, draws count: Int) throws -> [(misses: Int, loss: Double)] {
    let images = Pixels(unchecked: Tensor(repeating: value, shape: [40, 1, 1, 1]))
    var scores = Array(repeating: (misses: 0, loss: 0.0), count: 40)
    for step in 0..<count {
      let logits = try Drawn().logits(of: images, draws: draws(step))
      let losses = AttackLoss.logOdds.values(of: logits, labels: data.labels)
      for (n, label) in try argmax(rowsOf: logits).enumerated() {
        scores[n].misses += label == 0 ? 0 : 1
        scores[n].loss += losses[n]
      }
    }
    return scores
  }

  @Test(
    "what is chosen is what all draws would have chosen, and fewer are asked for",
    arguments: [[2], [2, 7], [7, 2], [1, 3, 5, 7, 9], [4, 4, 4]], [1, 2, 10])
  func exact(_ tenths: [Int], _ repetitions: Int) throws {
    let values = tenths.map { Float($0) / 10 }
    let all = try values.map { try scores($0, draws: repetitions) }
    let expected = data.indices.indices.map { n -> Float in
      var best = 0
      for k in values.indices
      where (all[k][n].misses, all[k][n].loss) > (all[best][n].misses, all[best][n].loss) {
        best = k
      }
      return values[best]
    }
    let spy = Spy(Drawn())
    let attack = BestOf(values.map { .init(Constant(value: $0)) }, selections: repetitions)
    let found = try attack.search(data, within: .linf(Epsilon("0.5")), through: spy, seed: 7)
    #expect(found.values == expected)
    let asked = spy.log.calls.reduce(0) { $0 + $1.images.count }
    let most = 40 * values.count * repetitions
    #expect(values.count == 1 ? asked == 0 : asked <= most)
    #expect(values.count == 1 || repetitions < 10 || tenths == [4, 4, 4] || asked < most * 9 / 10)
    // No draw is asked for twice about one image.
    let keys = spy.log.calls.flatMap { call in
      call.images.tensor.values.indices.map { n in
        [call.draws.examples[n], call.draws.step, Int((call.images.tensor[n] * 10).rounded())]
      }
    }
    #expect(tenths == [4, 4, 4] || Set(keys).count == keys.count)
    #expect(
      try found == attack.search(data, within: .linf(Epsilon("0.5")), through: Drawn(), seed: 7))
  }

  @Test("a choice depends on neither the batch nor its order")
  func batches() throws {
    let attack = BestOf([1, 3, 5, 7, 9].map { .init(Constant(value: Float($0) / 10)) })
    let budget = PerturbationBudget.linf(try Epsilon("0.5"))
    let whole = try attack.search(data, within: budget, through: Drawn(), seed: 7)
    for order in [Array((0..<40).reversed()), [3], Array(10..<17)] {
      let some = try attack.search(data[order], within: budget, through: Drawn(), seed: 7)
      #expect(some == whole.rows(order))
    }
  }

  @Test(
    "images are left alone as before: those that mislead on the draws that choose and on twenty")
  func certain() throws {
    let budget = PerturbationBudget.linf(try Epsilon("0.5"))
    for repetitions in [1, 10, 30] {
      let sure = try scores(0.3, draws: max(repetitions, 20)).map {
        $0.misses == max(repetitions, 20)
      }
      let spy = Spy(Drawn())
      _ = try BestOf(
        [.init(Constant(value: 0.3)), .init(Recording(), through: spy)], selections: repetitions,
        sparesMisled: true
      ).search(data, within: budget, through: Drawn(), seed: 7)
      let asked = Set(spy.log.calls.flatMap(\.draws.examples))
      #expect(asked == Set(data.indices.indices.filter { !sure[$0] }.map { data.indices[$0] }))
      #expect(sure.contains(true) && sure.contains(false))
    }
  }
}

/// Asks about every example once.
private struct Recording: Attack {
  func search(
    _ examples: LabelledImages, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier, seed: UInt64
  ) throws -> Tensor {
    _ = try surrogate.checkedLogits(
      of: examples.pixels, draws: Draws(seed: seed, purpose: .attack, examples: examples.indices))
    return examples.pixels.tensor
  }
}
