import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 2, height: 3, width: 3)

/// Images whose ball of radius 0.1 does not touch the box.
private func interior(_ count: Int, classCount: Int, seed: UInt64) throws -> LabelledImages {
  try randomImages(
    count, shape: shape, classCount: classCount, seed: seed, range: 0.25...0.75, firstIndex: 30)
}

private func tensorRows(_ tensor: Tensor) -> [[Float]] {
  let width = tensor.rowCount
  return (0..<tensor.shape[0]).map { n in (0..<width).map { tensor[n * width + $0] } }
}

@Suite("Projected gradient descent")
struct ProjectedGradientDescentTests {
  let tenth: Epsilon

  init() throws { tenth = try Epsilon("0.1") }

  // MARK: Start, step and ball

  @Test("ε = 0 gives the images back, aimed at a class or not")
  func radiusZeroChangesNothing() throws {
    let data = try randomImages(6, shape: shape, classCount: 3, seed: 1)
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    for attack in [
      ProjectedGradientDescent(steps: 3, restarts: 2),
      ProjectedGradientDescent(steps: 2, stepSize: tenth, objective: .targeted),
    ] {
      let found = try attack.search(data, within: .linf(.zero), through: model, seed: 1)
      #expect(found == data.pixels.tensor)
    }
  }

  @Test("no steps give the start: the image, or another place in the ball")
  func noStepsGiveTheStart() throws {
    let data = try interior(4, classCount: 3, seed: 1)
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    let still = ProjectedGradientDescent(steps: 0, randomStart: false)
    #expect(
      try still.search(data, within: .linf(tenth), through: model, seed: 1) == data.pixels.tensor)
    let moved = try ProjectedGradientDescent(steps: 0).search(
      data, within: .linf(tenth), through: model, seed: 1)
    #expect(
      tensorRows(moved).indices.allSatisfy {
        tensorRows(moved)[$0] != tensorRows(data.pixels.tensor)[$0]
      })
  }

  @Test("the random start is uniform in the ball, then clipped to the box")
  func startIsUniform() throws {
    let wide = ImageShape(channels: 1, height: 100, width: 100)
    let model = LinearSoftmax(imageShape: wide, classCount: 2, seed: 1)
    let epsilon = try Epsilon("0.25")
    for (center, clipped) in [(Float(0.5), 0.0), (0, 0.5), (0.125, 0.25)] {
      let data = try LabelledImages(
        pixels: Pixels(Tensor(repeating: center, shape: [1, 1, 100, 100])), labels: [0],
        classCount: 2)
      let start = try ProjectedGradientDescent(steps: 0).search(
        data, within: .linf(epsilon), through: model, seed: 5
      ).values.sorted()
      for (rank, value) in start.enumerated() where value > 0 {
        let expected = Double(value - (center - 0.25)) / 0.5
        // The grid of the uniform numbers adds 2⁻²³.
        #expect(abs(Double(rank) / 10_000 - expected) <= bound(count: 10_000) + 2e-4)
      }
      let atZero = Double(start.count { $0 == 0 }) / 10_000
      #expect(abs(atZero - clipped) <= bound(count: 10_000))
    }
  }

  @Test("the step is max(ε/4, 2.5 ε/T) unless given: the paper's 2/255 at 8/255 from T = 10 on")
  func defaultStep() throws {
    let epsilon = try Epsilon("8/255")
    for (steps, expected) in [(10, 2), (50, 2), (200, 2), (5, 4), (1, 20), (0, 20)] {
      let length = ProjectedGradientDescent(steps: steps).stepLength(within: epsilon)
      #expect(abs(length - Float(expected) / 255) <= 2 * length.ulp)
    }
    let given = ProjectedGradientDescent(steps: 10, stepSize: tenth)
    #expect(given.stepLength(within: epsilon) == 0.1)
  }

  @Test("every iterate that the surrogate sees is in ball and box")
  func iteratesAreInside() throws {
    let data = try randomImages(8, shape: shape, classCount: 3, seed: 2)
    let spy = Spy(TanhMLP(imageShape: shape, classCount: 3, seed: 1))
    _ = try ProjectedGradientDescent(steps: 5, stepSize: Epsilon("0.5"), restarts: 2).search(
      data, within: .linf(tenth), through: spy, seed: 1)
    #expect(spy.log.calls.count == 2 * 5 + 2)
    for call in spy.log.calls {
      _ = try Pixels(call.images.tensor)
      for place in 0..<call.images.tensor.count {
        #expect(abs(call.images.tensor[place] - data.pixels.tensor[place]) <= 0.1 + 1e-7)
      }
    }
  }

  @Test("a gradient of 0 moves nothing: sign 0 = 0")
  func zeroGradientMovesNothing() throws {
    let data = try interior(4, classCount: 3, seed: 2)
    var flat = LinearSoftmax(imageShape: shape, classCount: 3, seed: 1)
    flat.weights = flat.weights.map { $0.map { _ in 0 } }
    let start = try ProjectedGradientDescent(steps: 0).search(
      data, within: .linf(tenth), through: flat, seed: 1)
    #expect(
      try ProjectedGradientDescent(steps: 4).search(
        data, within: .linf(tenth), through: flat, seed: 1)
        == start)
    // Pixels without weight stay where others move.
    var partial = LinearSoftmax(imageShape: shape, classCount: 3, seed: 1)
    for k in 0..<3 { partial.weights[k][5] = 0 }
    let found = try ProjectedGradientDescent(steps: 1, randomStart: false).search(
      data, within: .linf(tenth), through: partial, seed: 1)
    for (row, clean) in zip(tensorRows(found), tensorRows(data.pixels.tensor)) {
      #expect(row[5] == clean[5] && row[4] != clean[4])
    }
  }

  // MARK: Optimality

  @Test("on a linear loss one step from the center attains loss + ε‖g‖₁, the maximum of the ball")
  func oneStepSolvesLinearLosses() throws {
    let data = try interior(10, classCount: 2, seed: 3)
    let model = LinearSoftmax(imageShape: shape, classCount: 2, seed: 4)
    let found = tensorRows(
      try ProjectedGradientDescent(steps: 1, randomStart: false).search(
        data, within: .linf(tenth), through: model, seed: 1))
    for (n, label) in data.labels.enumerated() {
      func loss(_ image: [Float]) -> Float {
        let logits = model.logits(image)
        return logits[1 - label] - logits[label]
      }
      let slope = zip(model.weights[1 - label], model.weights[label]).map { $0 - $1 }
      let best =
        loss(tensorRows(data.pixels.tensor)[n]) + 0.1 * slope.reduce(0) { $0 + abs($1) }
      // Sums of 18 products up to 3 in size: 40 roundings of at most ulp(16)/2.
      #expect(abs(loss(found[n]) - best) <= 40 * Float(16).ulp / 2)
    }
  }

  @Test("on a linear binary model steps of total length 2ε reach the optimum from any start")
  func stepsReachTheOptimum() throws {
    let data = try randomImages(10, shape: shape, classCount: 2, seed: 5)
    let model = LinearSoftmax(imageShape: shape, classCount: 2, seed: 6)
    let ball = PerturbationBall(center: data.pixels, budget: .linf(tenth))
    var corner = data.pixels.tensor
    for n in 0..<data.count {
      let label = data.labels[n]
      for place in 0..<shape.count {
        let slope = model.weights[1 - label][place] - model.weights[label][place]
        corner[n * shape.count + place] += slope > 0 ? 1 : -1
      }
    }
    let optimum = try ball.projection(of: corner).tensor
    // 11 steps of 0.02: one more than 2ε, for the rounding of the sum.
    let attack = ProjectedGradientDescent(steps: 11, stepSize: try Epsilon("0.02"))
    for seed in 1...5 as ClosedRange<UInt64> {
      #expect(try attack.search(data, within: .linf(tenth), through: model, seed: seed) == optimum)
    }
  }

  @Test("a model too certain for the cross-entropy's gradient in Float is attacked all the same")
  func certaintyDoesNotMaskTheGradient() throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 2_000)
    let data = try interior(12, classCount: 3, seed: 3)
    let draws = Draws(seed: 1, purpose: .test, examples: data.indices)
    let certain = softmax(rowsOf: try model.logits(of: data.pixels, draws: draws))
    // p − e_y is exactly 0 for an image that is certainly right.
    let right = try model.predictions(of: data.pixels, draws: draws).enumerated().filter {
      $0.element == data.labels[$0.offset] && certain[$0.offset * 3 + $0.element] == 1
    }
    try #require(!right.isEmpty)
    let found = try ProjectedGradientDescent(steps: 1, randomStart: false).search(
      data, within: .linf(tenth), through: model, seed: 1)
    for (n, _) in right {
      #expect(
        zip(tensorRows(found)[n], tensorRows(data.pixels.tensor)[n]).allSatisfy { $0 != $1 })
    }
  }

  // MARK: Invariances

  @Test("an example's candidate depends on neither batch mates nor order")
  func candidatesAreTheirOwn() throws {
    let data = try randomImages(7, shape: shape, classCount: 3, seed: 7, firstIndex: 90)
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 2)
    let defence = try MixupInference(
      model, pool: SamplePool(randomImages(9, shape: shape, classCount: 3, seed: 8)),
      rule: .otherLabel(Mixing(lambda: 0.6, sampleCount: 3)))
    for objective in AttackObjective.allCases {
      let attack = ProjectedGradientDescent(
        steps: 3, restarts: 2, selections: 2, objective: objective)
      for surrogate in [model, defence] as [any DifferentiableClassifier] {
        let whole = try attack.search(data, within: .linf(tenth), through: surrogate, seed: 3)
        for positions in [[4], [6, 0, 3], Array((0..<7).reversed())] {
          let part = try attack.search(
            data[positions], within: .linf(tenth), through: surrogate, seed: 3)
          #expect(part == whole.rows(positions))
        }
        let other = try attack.search(data, within: .linf(tenth), through: surrogate, seed: 4)
        #expect(other != whole)
      }
    }
  }

  @Test("scaling the loss by a positive number changes no step")
  func scaleDoesNotMatter() throws {
    // With two classes the loss is a difference of logits, so their scale is the loss's.
    let data = try interior(8, classCount: 2, seed: 9)
    let attack = ProjectedGradientDescent(steps: 3)
    let found = try [0.25, 1, 64].map { scale in
      try attack.search(
        data, within: .linf(tenth),
        through: LinearSoftmax(imageShape: shape, classCount: 2, seed: 3, scale: scale), seed: 2)
    }
    #expect(found[0] == found[1] && found[1] == found[2])
  }

  @Test("with two classes targeted and untargeted attacks take identical steps")
  func twoClassesHaveOneTarget() throws {
    let data = try randomImages(9, shape: shape, classCount: 2, seed: 10)
    let model = TanhMLP(imageShape: shape, classCount: 2, seed: 5)
    let logs = try [AttackObjective.untargeted, .targeted].map { objective in
      let spy = Spy(model)
      _ = try ProjectedGradientDescent(steps: 6, restarts: 2, objective: objective).search(
        data, within: .linf(tenth), through: spy, seed: 2)
      return spy.log.calls.map(\.images)
    }
    #expect(logs[0] == logs[1])
  }

  // The same key, the same loss, and gradients that differ by the rounding of an average of N equal
  // rows: all steps are the same where a gradient is not that close to 0.
  @Test("through mixup inference with λ = 1 every step is that of the oblivious attack")
  func adaptiveWithoutMixingIsOblivious() throws {
    let data = try randomImages(9, shape: shape, classCount: 3, seed: 11)
    let pool = try SamplePool(randomImages(9, shape: shape, classCount: 3, seed: 8))
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 5)
    let whole = Mixing(lambda: 1, sampleCount: 4)
    let attack = ProjectedGradientDescent(steps: 8, restarts: 2)
    func gradients(_ log: CallLog) -> [Pixels] { log.calls.filter(\.wantsGradient).map(\.images) }
    let oblivious = Spy(model)
    let expected = try attack.search(data, within: .linf(tenth), through: oblivious, seed: 2)
    for rule in [
      .predictedLabel(whole), .otherLabel(whole),
      .combined(predictedLabel: whole, otherLabel: whole, threshold: 0),
    ] as [MixupInferenceRule] {
      let adaptive = Spy(try MixupInference(model, pool: pool, rule: rule))
      let found = try attack.search(data, within: .linf(tenth), through: adaptive, seed: 2)
      #expect(found == expected)
      #expect(gradients(adaptive.log) == gradients(oblivious.log))
    }
  }

  // MARK: Restarts and targets

  @Test("more restarts leave no more images correct, and r are the first r of more")
  func restartsAreNested() throws {
    let data = try randomImages(300, shape: shape, classCount: 3, seed: 12)
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 6)
    let epsilon = tenth
    for objective in AttackObjective.allCases {
      var previous = [Bool](repeating: true, count: data.count)
      var counts: [Int] = []
      var seen: [Pixels] = []
      for restarts in 1...4 {
        let spy = Spy(model)
        let found = try ProjectedGradientDescent(
          steps: 1, stepSize: Epsilon("0.01"), restarts: restarts, objective: objective
        ).search(data, within: .linf(epsilon), through: spy, seed: 3)
        let starts = spy.log.calls.filter(\.wantsGradient).map(\.images)
        #expect(starts.count > seen.count && starts.starts(with: seen))
        seen = starts
        let correct = try judge(found, of: data, within: .linf(epsilon), by: model, seed: 3)
          .isCorrect
        #expect(zip(correct, previous).allSatisfy { !$0 || $1 })
        previous = correct
        counts.append(correct.count { $0 })
      }
      #expect(Set(counts).count > 1)
    }
  }

  // On images that are classified rightly both attacks are one; elsewhere the wrong label spares
  // the image at most.
  @Test("predicted labels flatter a model: by its clean errors at most")
  func predictedLabelsFlatter() throws {
    let data = try randomImages(60, shape: shape, classCount: 3, seed: 13)
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 7)
    let predicted = try model.predictions(
      of: data.pixels, draws: Draws(seed: 0, purpose: .test, examples: data.indices))
    let asPredicted = try LabelledImages(
      pixels: data.pixels, labels: predicted, classCount: 3, indices: data.indices)
    let attack = ProjectedGradientDescent(steps: 5)
    let correct = try [data, asPredicted].map {
      try judge(
        attack.search($0, within: .linf(tenth), through: model, seed: 1), of: data,
        within: .linf(tenth),
        by: model, seed: 1
      ).isCorrect
    }
    let cleanErrors = zip(predicted, data.labels).map { $0 != $1 }
    for (isError, outcome) in zip(cleanErrors, zip(correct[0], correct[1])) where !isError {
      #expect(outcome.0 == outcome.1)
    }
    let counts = correct.map { $0.count { $0 } }
    let crossings = zip(cleanErrors, correct[0]).count { $0 && $1 }
    #expect(counts[0] - crossings <= counts[1])
    #expect(counts[1] <= counts[0] + cleanErrors.count { $0 })
  }

  @Test("targets are never the true label, uniform over the others, and the same in every batch")
  func targetsAreUniform() throws {
    let count = 20_000
    let data = try LabelledImages(
      pixels: Pixels(Tensor(shape: [count, 1, 1, 1])), labels: (0..<count).map { $0 % 5 },
      classCount: 5)
    let attack = ProjectedGradientDescent(steps: 1, objective: .targeted)
    let targets = try #require(attack.objective.targets(of: data, seed: 9).first ?? nil)
    var tally = [Int](repeating: 0, count: 5)
    for (target, label) in zip(targets, data.labels) { tally[(target - label + 5) % 5] += 1 }
    #expect(tally[0] == 0)
    for hits in tally.dropFirst() {
      #expect(abs(Double(hits) / Double(count) - 0.25) <= bound(count: count))
    }
    #expect(AttackObjective.untargeted.targets(of: data, seed: 9) == [nil])
    #expect(attack.objective.targets(of: data[[7, 3]], seed: 9) == [[targets[7], targets[3]]])
  }

  @Test("a targeted attack raises the target's probability")
  func targetedAttacksAim() throws {
    let data = try interior(20, classCount: 4, seed: 14)
    let model = TanhMLP(imageShape: shape, classCount: 4, seed: 7)
    let attack = ProjectedGradientDescent(steps: 10, objective: .targeted)
    let found = try attack.search(data, within: .linf(tenth), through: model, seed: 1)
    let draws = Draws(seed: 0, purpose: .test, examples: data.indices)
    let before = softmax(rowsOf: try model.logits(of: data.pixels, draws: draws))
    let after = softmax(rowsOf: try model.logits(of: Pixels(found), draws: draws))
    let targets = try #require(attack.objective.targets(of: data, seed: 1).first ?? nil)
    for (n, target) in targets.enumerated() {
      #expect(after[n * 4 + target] > before[n * 4 + target])
    }
  }

  // MARK: Refusals

  @Test("settings and models that make no sense are refused")
  func refusals() throws {
    let data = try interior(3, classCount: 3, seed: 1)
    let model = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    for attack in [
      ProjectedGradientDescent(steps: -1), ProjectedGradientDescent(steps: 1, restarts: 0),
      ProjectedGradientDescent(steps: 1, selections: 0),
    ] {
      #expect(throws: AttackError.self) {
        try attack.search(data, within: .linf(tenth), through: model, seed: 1)
      }
    }
    #expect(throws: AttackError.classCount(model: 4, data: 3)) {
      try ProjectedGradientDescent(steps: 1).search(
        data, within: .linf(tenth), through: TanhMLP(imageShape: shape, classCount: 4, seed: 1),
        seed: 1)
    }
    #expect(throws: AttackError.tooFewClasses(1, least: 2)) {
      try ProjectedGradientDescent(steps: 1).search(
        interior(3, classCount: 1, seed: 1), within: .linf(tenth),
        through: TanhMLP(imageShape: shape, classCount: 1, seed: 1), seed: 1)
    }
  }
}
