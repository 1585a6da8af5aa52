import Classification
import Foundation
import MixupInference
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 3, height: 3, width: 3)
private let classCount = 4

/// A pool, other images, and a smooth model of them.
private struct Scene {
  var pool: SamplePool
  var data: LabelledImages
  var model: TanhMLP

  init(seed: UInt64 = 1, count: Int = 9) throws {
    pool = try SamplePool(randomImages(21, shape: shape, classCount: classCount, seed: seed))
    data = try randomImages(
      count, shape: shape, classCount: classCount, seed: seed + 1000, firstIndex: 50)
    model = TanhMLP(imageShape: shape, classCount: classCount, seed: seed)
  }

  func draws(seed: UInt64 = 4, step: Int = 0) -> Draws {
    Draws(seed: seed, purpose: .test, examples: data.indices, step: step)
  }

  func defence(_ rule: MixupInferenceRule) throws -> MixupInference<TanhMLP> {
    try MixupInference(model, pool: pool, rule: rule)
  }
}

/// Every kind of rule at λ and N, the combined one with a threshold amid the statistics.
private func rules(lambda: MixingRatio, _ sampleCount: Int) -> [MixupInferenceRule] {
  let mixing = Mixing(lambda: lambda, sampleCount: sampleCount)
  return [
    .predictedLabel(mixing), .otherLabel(mixing),
    .combined(
      predictedLabel: mixing, otherLabel: Mixing(lambda: lambda, sampleCount: sampleCount + 2),
      threshold: 0.05),
  ]
}

private func rows(_ tensor: Tensor) -> [[Float]] {
  let width = tensor.rowCount
  return (0..<tensor.shape[0]).map { n in (0..<width).map { tensor[n * width + $0] } }
}

private func softmax(_ logits: [Double]) -> [Double] {
  let largest = logits.reduce(-.infinity, max)
  let sum = logits.reduce(0) { $0 + exp($1 - largest) }
  return logits.map { exp($0 - largest) / sum }
}

@Suite("Mixup inference, Algorithm 1")
struct MixupInferenceTests {
  @Test(
    "the output is the mean of the predictions at λx + (1−λ)x_s with partners by label",
    arguments: [0.25, 0.5, 0.9] as [MixingRatio])
  func followsTheAlgorithm(_ lambda: MixingRatio) throws {
    let scene = try Scene()
    for kind in PartnerLabel.allCases {
      let mixing = Mixing(lambda: lambda, sampleCount: 7)
      let spy = Spy(scene.model)
      let defence = try MixupInference(
        spy, pool: scene.pool,
        rule: kind == .predicted ? .predictedLabel(mixing) : .otherLabel(mixing))
      let output = rows(try defence.logits(of: scene.data.pixels, draws: scene.draws()))

      // The call log: the clean pass, then the mixed images, example by example.
      let calls = spy.log.calls
      #expect(calls[0].images == scene.data.pixels)
      let mixed = rows(try Tensor.concatenated(calls.dropFirst().map(\.images.tensor)))
      let predicted = try scene.model.predictions(of: scene.data.pixels, draws: scene.draws())
      #expect(mixed.count == 7 * scene.data.count)
      for (n, input) in rows(scene.data.pixels.tensor).enumerated() {
        let share = lambda.value
        var mean = [Double](repeating: 0, count: classCount)
        for image in mixed[n * 7..<(n + 1) * 7] {
          // The partner, solved for; it must be an image of the pool of an allowed label.
          let partner = zip(image, input).map { ($0 - share * $1) / (1 - share) }
          let label = rows(scene.pool.images.pixels.tensor).firstIndex { candidate in
            // Two roundings of values up to 1, divided by 1 − λ.
            zip(candidate, partner).allSatisfy { abs($0 - $1) <= 0x1p-23 / (1 - share) }
          }.map { scene.pool.images.labels[$0] }
          #expect(label != nil && (label == predicted[n]) == (kind == .predicted))
          for (k, p) in softmax(scene.model.logits(image.map(Double.init))).enumerated() {
            mean[k] += p / 7
          }
        }
        // Float logits of order 10 from some 40 products: 1e-5 relative is ample.
        for k in 0..<classCount { #expect(abs(Double(exp(output[n][k])) - mean[k]) <= 2e-5) }
      }
    }
  }

  @Test("λ = 1 gives the base's log-probabilities to the bit, for every N, pool and rule")
  func lambdaOneIsTheBase() throws {
    for seed in 1...5 as ClosedRange<UInt64> {
      let scene = try Scene(seed: seed)
      let base = logSoftmax(
        rowsOf: try scene.model.logits(of: scene.data.pixels, draws: scene.draws()))
      for rule in rules(lambda: 1, 1) + rules(lambda: 1, 3) + rules(lambda: 1, 8) {
        #expect(try scene.defence(rule).logits(of: scene.data.pixels, draws: scene.draws()) == base)
      }
    }
  }

  @Test("at λ = 0 an image counts through its predicted label only")
  func lambdaZeroForgetsTheImage() throws {
    let scene = try Scene(count: 40)
    let predicted = try scene.model.predictions(of: scene.data.pixels, draws: scene.draws())
    let sameKey = Draws(
      seed: 1, purpose: .test, examples: Array(repeating: 3, count: scene.data.count))
    for rule in rules(lambda: 0, 5).dropLast() {
      let output = rows(try scene.defence(rule).logits(of: scene.data.pixels, draws: sameKey))
      var byLabel: [Int: [Float]] = [:]
      for (label, row) in zip(predicted, output) {
        #expect(byLabel[label] == nil || byLabel[label] == row)
        byLabel[label] = row
      }
      #expect(byLabel.count > 1 && Set(byLabel.values).count == byLabel.count)
    }
  }

  // Exponentials and logarithms of four terms: some ten roundings of numbers near 1.
  @Test("outputs are log-probabilities: they add up to 1")
  func outputsAreDistributions() throws {
    for seed in 1...5 as ClosedRange<UInt64> {
      let scene = try Scene(seed: seed)
      for rule in rules(lambda: 0.4, 6) {
        let output = try scene.defence(rule).logits(of: scene.data.pixels, draws: scene.draws())
        for row in rows(output) {
          #expect(abs(row.reduce(0) { $0 + exp($1) } - 1) <= 10 * Float(1).ulp)
        }
      }
    }
  }

  // H of one-hot images and mixtures is exact up to the rounding of λ and 1−λ, and of N terms.
  @Test("for an affine model F_MI(x) = λF(x) + (1−λ) · mean F(x_s)")
  func affineModelsMixLinearly() throws {
    let ideal = IdealModel(classCount: 5)
    let pool = try SamplePool(ideal.pool())
    let inputs = try images([[0.5, 0.25, 0.125, 0.125, 0, 0], [0, 0, 0.75, 0, 0.25, 0]])
    for lambda: MixingRatio in [0.2, 0.5, 0.8] {
      let defence = try MixupInference(
        ideal, pool: pool, rule: .otherLabel(Mixing(lambda: lambda, sampleCount: 9)))
      let draws = Draws(seed: 9, purpose: .test, examples: [0, 1])
      let output = rows(try defence.logits(of: inputs, draws: draws))
      for (n, predicted) in [0, 2].enumerated() {
        var partners = [Float](repeating: 0, count: 5)
        for draw in 0..<9 {
          let key = draws.key(position: n, draw: 2 * draw + 1)
          partners[pool.draw(.other, predicted: predicted, key: key).label] += 1 / 9
        }
        for k in 0..<5 {
          let share = lambda.value
          let expected = share * inputs.tensor[n * 6 + k] + (1 - share) * partners[k]
          #expect(abs(exp(output[n][k]) - expected) <= 20 * Float(1).ulp)
        }
      }
    }
  }

  @Test("the perturbation that reaches the network is λδ, in every norm")
  func perturbationsShrinkByTheRatio() throws {
    let scene = try Scene()
    let lambda: MixingRatio = 0.6
    let spy = Spy(scene.model)
    let defence = try MixupInference(
      spy, pool: scene.pool, rule: .predictedLabel(Mixing(lambda: lambda, sampleCount: 2)))
    var moved = scene.data.pixels.tensor
    var stream = RandomStream(RandomKey(seed: 6, purpose: .test))
    for place in 0..<moved.count {
      moved[place] = min(1, max(0, moved[place] + 0.002 * (stream.uniform() - 0.5)))
    }
    let before = try scene.model.predictions(of: scene.data.pixels, draws: scene.draws())
    try #require(try scene.model.predictions(of: Pixels(moved), draws: scene.draws()) == before)
    _ = try defence.logits(of: scene.data.pixels, draws: scene.draws())
    _ = try defence.logits(of: Pixels(moved), draws: scene.draws())
    let calls = spy.log.calls
    let (x, y) = (calls[1].images.tensor, calls[3].images.tensor)
    let width = shape.count
    for place in 0..<x.count {
      let pixel = place / (2 * width) * width + place % width
      let delta = moved[pixel] - scene.data.pixels.tensor[pixel]
      // Two mixtures with two roundings each, of values up to 1.
      #expect(abs(y[place] - x[place] - lambda.value * delta) <= 4 * 0x1p-24)
    }
  }

  // Five sums in another order: each term up to 1, so 5 · 2⁻²⁴ in the sum, the same in its log,
  // relative to a sum of at least 1; then log and the shift round.
  @Test("the order of the draws changes the average by rounding only")
  func orderOfDrawsIsRounding() throws {
    var stream = RandomStream(RandomKey(seed: 2, purpose: .test))
    for _ in 0..<200 {
      let values = (0..<5).map { _ in (0..<3).map { _ in 12 * (stream.uniform() - 1) } }
      let order = stream.permutation(of: 5)
      let straight = logMeans(of: try Tensor(values.flatMap(\.self), shape: [5, 3]), sizes: [5])
      let shuffled = logMeans(
        of: try Tensor(order.flatMap { values[$0] }, shape: [5, 3]), sizes: [5])
      for k in 0..<3 {
        #expect(abs(straight[k] - shuffled[k]) <= 10 * 0x1p-24 + 2 * abs(straight[k]).ulp)
      }
    }
  }

  @Test("an average is finite however small its probabilities, and −∞ where all of them are 0")
  func averagesDoNotUnderflow() throws {
    let means = logMeans(
      of: try Tensor([-300, -.infinity, -302, -.infinity], shape: [2, 2]), sizes: [2])
    // log((e⁻³⁰⁰ + e⁻³⁰²)/2)
    #expect(abs(Double(means[0]) - (-300 + log((1 + exp(-2.0)) / 2))) <= 300 * 0x1p-23)
    #expect(means[1] == -.infinity)
  }

  // λ = 0 on a class whose images are predicted with probability 0 or 1: N · F_MI counts hits.
  @Test("the average has the law of N independent draws: unbiased, with variance ∝ 1/N")
  func averagesAreBinomial() throws {
    let ideal = IdealModel(classCount: 2)
    let pool = try SamplePool(
      LabelledImages(
        pixels: images([ideal.image(of: 0)] + (0..<4).map { ideal.image(of: $0 == 0 ? 0 : 1) }),
        labels: [1, 0, 0, 0, 0], classCount: 2))
    let repeats = 4_000
    for sampleCount in [1, 8] {
      let defence = try MixupInference(
        ideal, pool: pool, rule: .predictedLabel(Mixing(lambda: 0, sampleCount: sampleCount)))
      let output = try defence.logits(
        of: images(Array(repeating: ideal.image(of: 0), count: repeats)),
        draws: Draws(seed: 1, purpose: .test, examples: Array(0..<repeats)))
      var tally = [Double](repeating: 0, count: sampleCount + 1)
      for row in rows(output) {
        tally[Int((exp(row[0]) * Float(sampleCount)).rounded())] += 1 / Double(repeats)
      }
      var (found, expected) = (0.0, 0.0)
      var term = pow(0.75, Double(sampleCount))
      for hits in 0...sampleCount {
        found += tally[hits]
        expected += term
        term *= Double(sampleCount - hits) / Double(hits + 1) * (0.25 / 0.75)
        #expect(abs(found - expected) <= bound(count: repeats))
      }
    }
  }

  @Test("P20: where N takes every image of a class once, no randomness is left")
  func fullEnumeration() throws {
    // 21 images of 4 classes: 5 of each at least, and 6 of the first.
    let scene = try Scene(count: 12)
    let pool = try SamplePool(scene.pool.images[0..<20])
    let mixing = Mixing(lambda: 0.5, sampleCount: 5)
    for rule in [
      MixupInferenceRule.predictedLabel(mixing),
      .otherLabel(Mixing(lambda: 0.5, sampleCount: 15)),
    ] {
      func output(_ sampling: PartnerSampling, seed: UInt64) throws -> [Float] {
        let defence = try MixupInference(
          scene.model, pool: pool, rule: rule, sampling: sampling)
        #expect(try defence.withSampleCount(3).sampling == sampling)
        return try defence.logits(of: scene.data.pixels, draws: scene.draws(seed: seed)).values
      }
      let (one, other) = (
        try output(.withoutReplacement, seed: 1), try output(.withoutReplacement, seed: 2)
      )
      // The same 5 or 15 probabilities, summed in another order.
      #expect(zip(one, other).allSatisfy { abs(exp($0) - exp($1)) <= 16 * Float(1).ulp })
      #expect(try output(.withoutReplacement, seed: 1) == one)
      #expect(try output(.independent, seed: 1) != output(.independent, seed: 2))
      // The default is Algorithm 1 as it is.
      #expect(
        try MixupInference(scene.model, pool: pool, rule: rule)
          .logits(of: scene.data.pixels, draws: scene.draws(seed: 1)).values
          == output(.independent, seed: 1))
      // One more than there is.
      let N = rule.sampleCount + 1
      let error = MixupInferenceError.poolTooSmall(sampleCount: N, needed: 6, found: 5)
      #expect(throws: error) {
        try MixupInference(
          scene.model, pool: pool, rule: rule, sampling: .withoutReplacement
        ).withSampleCount(N)
      }
      #expect(!"\(error)".contains("\n"))
    }
  }

  @Test("relabelling the classes relabels the output")
  func relabellingCarriesOver() throws {
    let scene = try Scene(count: 20)
    func relabelled(_ shift: Int) throws -> (SamplePool, LinearSoftmax) {
      var model = LinearSoftmax(imageShape: shape, classCount: classCount, seed: 3)
      let (weights, bias) = (model.weights, model.bias)
      for k in 0..<classCount {
        model.weights[(k + shift) % classCount] = weights[k]
        model.bias[(k + shift) % classCount] = bias[k]
      }
      let images = scene.pool.images
      return (
        try SamplePool(
          LabelledImages(
            pixels: images.pixels, labels: images.labels.map { ($0 + shift) % classCount },
            classCount: classCount)),
        model
      )
    }
    // Other labels are counted from ŷ on, so a cyclic relabelling keeps even the draws.
    for rule in rules(lambda: 0.5, 4) {
      let (pool, model) = try relabelled(0)
      let original = rows(
        try MixupInference(model, pool: pool, rule: rule).logits(
          of: scene.data.pixels, draws: scene.draws()))
      for shift in 1..<classCount {
        let (pool, model) = try relabelled(shift)
        let output = rows(
          try MixupInference(model, pool: pool, rule: rule).logits(
            of: scene.data.pixels, draws: scene.draws()))
        for (a, b) in zip(original, output) {
          for k in 0..<classCount {
            // Sums over the classes run in another order.
            #expect(abs(a[k] - b[(k + shift) % classCount]) <= 40 * max(1, abs(a[k])).ulp)
          }
        }
      }
    }
  }

  @Test("a result depends on neither batch nor chunk, and is the same when repeated")
  func resultsDependOnTheKeyOnly() throws {
    let scene = try Scene(count: 11)
    for rule in rules(lambda: 0.5, 5) {
      var defence = try scene.defence(rule)
      let whole = try defence.logits(of: scene.data.pixels, draws: scene.draws())
      #expect(try defence.logits(of: scene.data.pixels, draws: scene.draws()) == whole)
      #expect(try defence.logits(of: scene.data.pixels, draws: scene.draws(seed: 5)) != whole)
      #expect(try defence.logits(of: scene.data.pixels, draws: scene.draws(step: 1)) != whole)
      for inFlight in [1, 6, 10, 1000] {
        defence.imagesInFlight = inFlight
        #expect(try defence.logits(of: scene.data.pixels, draws: scene.draws()) == whole)
      }
      let gradient = try defence.logitsAndGradient(
        of: scene.data.pixels, draws: scene.draws(), lossGradient: \.self
      )
      // With more mixtures of one image than may be in flight, these are taken apart.
      for inFlight in [1, 3, 4] {
        defence.imagesInFlight = inFlight
        let parts = try defence.logitsAndGradient(
          of: scene.data.pixels, draws: scene.draws(), lossGradient: \.self)
        #expect(parts.logits == whole && parts.gradient == gradient.gradient)
      }
      #expect(gradient.logits == whole)
      for n in (0..<scene.data.count).reversed() {
        let draws = Draws(seed: 4, purpose: .test, examples: [scene.data.indices[n]])
        let single = scene.data.pixels[[n]]
        #expect(try defence.logits(of: single, draws: draws) == whole.rows([n]))
        #expect(
          try defence.logitsAndGradient(of: single, draws: draws, lossGradient: \.self).gradient
            == gradient.gradient.rows([n]))
      }
    }
  }

  @Test("no batch is larger than what may be in flight, however many mixtures an image has")
  func batchesAreBounded() throws {
    let scene = try Scene(count: 11)
    for (sampleCount, inFlight) in [(5, 12), (5, 3), (1, 4), (40, 12)] {
      let spy = Spy(scene.model)
      var defence = try MixupInference(
        spy, pool: scene.pool, rule: .otherLabel(Mixing(lambda: 0.5, sampleCount: sampleCount)))
      defence.imagesInFlight = inFlight
      _ = try defence.logits(of: scene.data.pixels, draws: scene.draws())
      let sizes = spy.log.calls.dropFirst().map(\.images.count)
      #expect(sizes.max().map { $0 <= inFlight } == true)
      #expect(sizes.reduce(0, +) == 11 * sampleCount)
      guard sampleCount > inFlight else { continue }
      let before = spy.log.calls.count
      _ = try defence.logitsAndGradient(
        of: scene.data.pixels, draws: scene.draws(), lossGradient: \.self)
      #expect(spy.log.calls.dropFirst(before + 1).allSatisfy { $0.images.count <= inFlight })
    }
  }

  @Test(
    "the un-mixed image is predicted once, however often one asks, and the answers are the same")
  func commonPartIsShared() throws {
    let scene = try Scene(count: 7)
    let order = [4, 1, 6]
    for rule in rules(lambda: 0.5, 5) {
      let spy = Spy(scene.model)
      let defence = try MixupInference(spy, pool: scene.pool, rule: rule)
      let apart = try scene.defence(rule)
      var question = RepeatedQuestion(defence, about: scene.data.pixels)
      var asked = 0
      for step in 0..<3 {
        let draws = scene.draws(step: step)
        #expect(
          try question.logits(draws: draws) == apart.logits(of: scene.data.pixels, draws: draws))
        var some = draws
        some.examples = order.map { draws.examples[$0] }
        #expect(
          try question.logits(at: order, draws: some)
            == apart.logits(of: scene.data.pixels, draws: draws).rows(order))
        let (logits, gradient) = try question.logitsAndGradient(
          through: defence, draws: draws, lossGradient: \.self)
        let expected = try apart.logitsAndGradient(
          of: scene.data.pixels, draws: draws, lossGradient: \.self)
        #expect(logits == expected.logits && gradient == expected.gradient)
        asked += spy.log.calls.count {
          $0.images == scene.data.pixels || $0.images == scene.data.pixels[order]
        }
      }
      // Seen after every step: one call in all.
      #expect(asked == 3)
    }
  }

  @Test("what a detector is asked for holds the logits of the same draws, to the bit")
  func decisionsHoldLogits() throws {
    let scene = try Scene(count: 30)
    for rule in rules(lambda: 0.5, 5) {
      let defence = try scene.defence(rule)
      let both = try defence.logitsAndStatistics(of: scene.data.pixels, draws: scene.draws())
      #expect(try both.logits == defence.logits(of: scene.data.pixels, draws: scene.draws()))
      let detector = try #require(defence.detector)
      #expect(try both.statistics == detector(scene.data.pixels, scene.draws()))
    }
  }

  // ‖softmax(a) − softmax(b)‖₂ ≤ ½ ‖a − b‖₂, and ‖W‖₂ is at most the Frobenius norm.
  @Test("where ŷ stays, F_MI moves by at most λ times the base's Lipschitz constant")
  func lipschitzConstantShrinks() throws {
    let scene = try Scene(count: 30)
    let model = LinearSoftmax(imageShape: shape, classCount: classCount, seed: 12)
    let constant = 0.5 * model.weights.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
    let lambda: MixingRatio = 0.3
    var stream = RandomStream(RandomKey(seed: 13, purpose: .test))
    let moved = try Pixels(
      Tensor(
        scene.data.pixels.tensor.values.map { min(1, max(0, $0 + 0.2 * (stream.uniform() - 0.5))) },
        shape: scene.data.pixels.tensor.shape))
    let draws = scene.draws()
    let before = try model.predictions(of: scene.data.pixels, draws: draws)
    let after = try model.predictions(of: moved, draws: draws)
    let same = (0..<30).filter { before[$0] == after[$0] }
    try #require(same.count > 10)
    for rule in rules(lambda: lambda, 4).dropLast() {
      let defence = try MixupInference(model, pool: scene.pool, rule: rule)
      let a = rows(try defence.logits(of: scene.data.pixels, draws: draws))
      let b = rows(try defence.logits(of: moved, draws: draws))
      func distance(_ x: [Float], _ y: [Float]) -> Float {
        zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      }
      for n in same {
        let step = distance(rows(scene.data.pixels.tensor)[n], rows(moved.tensor)[n])
        #expect(distance(a[n].map(exp), b[n].map(exp)) <= lambda.value * constant * step + 1e-6)
      }
    }
  }

  @Test("−log of the mean probability is at most the mean of −log")
  func jensen() throws {
    let scene = try Scene()
    let defence = try scene.defence(.otherLabel(Mixing(lambda: 0.5, sampleCount: 6)))
    let single = try defence.withSampleCount(1)
    let output = try defence.logits(of: scene.data.pixels, draws: scene.draws())
    #expect(try single.logits(of: scene.data.pixels, draws: scene.draws()) != output)
    let routes = try defence.routing(of: scene.data.pixels, draws: scene.draws()).routes
    let executions = defence.executions(
      of: scene.data.pixels, routes: routes, draws: scene.draws()
    ).all
    let logP = logSoftmax(
      rowsOf: try scene.model.logits(of: executions.images, draws: executions.draws))
    for n in 0..<scene.data.count {
      for k in 0..<classCount {
        let mean = (0..<6).reduce(0) { $0 - logP[(n * 6 + $1) * classCount + k] / 6 }
        #expect(-output[n * classCount + k] <= mean + 10 * max(1, abs(mean)).ulp)
      }
    }
  }

  @Test("the passes counted are those run, and the most that the combined rule runs")
  func passesAreCounted() throws {
    let scene = try Scene(count: 12)
    for rule in rules(lambda: 0.5, 5) {
      let spy = Spy(scene.model)
      let defence = try MixupInference(spy, pool: scene.pool, rule: rule)
      #expect(defence.forwardPassesPerDecision == 1 + rule.sampleCount)
      _ = try defence.decisions(of: scene.data.pixels, draws: scene.draws())
      #expect(
        spy.log.calls.reduce(0) { $0 + $1.images.count } == 12 * defence.forwardPassesPerDecision)
    }
  }

  @Test("a copy with another N changes N in every branch and nothing else")
  func sampleCountsCanBeChanged() throws {
    let scene = try Scene()
    for rule in rules(lambda: 0.5, 5) {
      let copy = try scene.defence(rule).withSampleCount(3)
      for mixing in [copy.rule.predictedLabel, copy.rule.otherLabel].compactMap(\.self) {
        #expect(mixing == Mixing(lambda: 0.5, sampleCount: 3))
      }
      #expect(copy.rule.withSampleCount(7) == rule.withSampleCount(7))
      #expect(throws: MixupInferenceError.sampleCount(0)) { try copy.withSampleCount(0) }
    }
  }

  @Test("no images give no logits and no gradient")
  func emptyBatch() throws {
    let scene = try Scene()
    let none = scene.data.pixels[[]]
    let draws = Draws(seed: 0, purpose: .test, examples: [])
    for rule in rules(lambda: 0.5, 2) {
      let defence = try scene.defence(rule)
      #expect(try defence.logits(of: none, draws: draws).shape == [0, classCount])
      #expect(try defence.decisions(of: none, draws: draws).isEmpty)
      #expect(
        try defence.logitsAndGradient(of: none, draws: draws, lossGradient: \.self).gradient.count
          == 0)
    }
  }

  @Test("settings and inputs that make no sense are refused")
  func refusals() throws {
    let scene = try Scene()
    for count in [0, -3, 100_001, .max] {
      #expect(throws: MixupInferenceError.sampleCount(count)) {
        try scene.defence(.otherLabel(Mixing(lambda: 0.5, sampleCount: count)))
      }
    }
    let mixing = Mixing(lambda: 0.5, sampleCount: 2)
    #expect(throws: MixupInferenceError.threshold) {
      try scene.defence(.combined(predictedLabel: mixing, otherLabel: mixing, threshold: .nan))
    }
    let threeClasses = TanhMLP(imageShape: shape, classCount: 3, seed: 1)
    #expect(throws: MixupInferenceError.poolClasses(expected: 3, found: 4)) {
      try MixupInference(threeClasses, pool: scene.pool, rule: .otherLabel(mixing))
    }
    let small = ImageShape(channels: 1, height: 2, width: 2)
    #expect(throws: MixupInferenceError.poolImageShape(expected: small, found: shape)) {
      try MixupInference(
        TanhMLP(imageShape: small, classCount: 4, seed: 1), pool: scene.pool,
        rule: .otherLabel(mixing))
    }
    let lone = try SamplePool(randomImages(2, shape: shape, classCount: 1, seed: 1))
    #expect(throws: MixupInferenceError.noOtherLabel) {
      try MixupInference(
        TanhMLP(imageShape: shape, classCount: 1, seed: 1), pool: lone, rule: .otherLabel(mixing))
    }
    for (error, cause): (MixupInferenceError, ErrorCause) in [
      (.sampleCount(0), .usage), (.threshold, .usage),
      (.poolTooSmall(sampleCount: 9, needed: 2, found: 1), .usage), (.noOtherLabel, .data),
      (.poolClasses(expected: 3, found: 4), .data),
      (.poolImageShape(expected: small, found: shape), .data),
    ] {
      #expect(error.cause == cause, "\(error)")
    }
    let defence = try scene.defence(.otherLabel(mixing))
    #expect(throws: ClassifierError.draws(examples: 1, images: 9)) {
      try defence.logits(
        of: scene.data.pixels, draws: Draws(seed: 0, purpose: .test, examples: [0]))
    }
    #expect(throws: ClassifierError.imageShape(expected: shape, found: small)) {
      try defence.logits(
        of: Pixels(Tensor(shape: [1, 1, 2, 2])),
        draws: Draws(seed: 0, purpose: .test, examples: [0]))
    }
  }
}

@Suite("The combined rule")
struct CombinedRuleTests {
  private let predicted = Mixing(lambda: 0.5, sampleCount: 4)
  private let other = Mixing(lambda: 0.4, sampleCount: 6)

  private func combined(
    _ threshold: Float, _ statistic: DetectionStatistic = .confidenceDrop
  ) -> MixupInferenceRule {
    .combined(
      predictedLabel: predicted, otherLabel: other, threshold: threshold, statistic: statistic)
  }

  @Test("it is MI-OL at threshold −∞ and MI-PL at +∞, draw for draw")
  func endsAreTheSingleRules() throws {
    let scene = try Scene(count: 15)
    func logits(_ rule: MixupInferenceRule) throws -> Tensor {
      try scene.defence(rule).logits(of: scene.data.pixels, draws: scene.draws())
    }
    #expect(try logits(combined(-.infinity)) == logits(.otherLabel(other)))
    #expect(try logits(combined(.infinity)) == logits(.predictedLabel(predicted)))
  }

  @Test("a statistic equal to the threshold goes to MI-OL", arguments: DetectionStatistic.allCases)
  func tiesGoToOtherLabel(_ statistic: DetectionStatistic) throws {
    let scene = try Scene(count: 15)
    let decisions = try scene.defence(combined(0, statistic)).decisions(
      of: scene.data.pixels, draws: scene.draws())
    for n in 0..<15 {
      let value = decisions[n].value(of: statistic)
      for (threshold, branch) in [(value, PartnerLabel.other), (value.nextUp, .predicted)] {
        let defence = try scene.defence(combined(threshold, statistic))
        let decision = try defence.decisions(of: scene.data.pixels, draws: scene.draws())[n]
        #expect(decision.branch == branch)
        // The logits take the same branch, ties included, though they compute less.
        let row = rows(try defence.logits(of: scene.data.pixels, draws: scene.draws()))[n]
        #expect(row.map(exp) == decision.probabilities)
      }
    }
  }

  @Test("decisions hold both branches, both statistics and the output")
  func decisionsAreComplete() throws {
    let scene = try Scene(count: 15)
    let (pixels, draws) = (scene.data.pixels, scene.draws())
    let values = try scene.defence(combined(0)).decisions(of: pixels, draws: draws).map {
      $0.value(of: .confidenceDrop)
    }
    let median = values.sorted()[7]
    let decisions = try scene.defence(combined(median)).decisions(of: pixels, draws: draws)
    let clean = rows(softmax(rowsOf: try scene.model.logits(of: pixels, draws: draws)))
    let averages = try [MixupInferenceRule.predictedLabel(predicted), .otherLabel(other)].map {
      rows(try scene.defence($0).logits(of: pixels, draws: draws)).map { $0.map(exp) }
    }
    for (n, decision) in decisions.enumerated() {
      #expect(decision.clean == clean[n])
      #expect(decision.predictedLabelAverage == averages[0][n])
      #expect(decision.otherLabelAverage == averages[1][n])
      #expect(decision.clean[decision.predicted] == clean[n].max())
      for statistic in DetectionStatistic.allCases {
        #expect(
          decision.value(of: statistic)
            == statistic.value(clean: clean[n], mixed: averages[0][n]))
      }
    }
    #expect(decisions.count { $0.branch == .predicted } == 7)
  }

  @Test("the branches draw from streams of their own")
  func branchesAreIndependent() throws {
    let scene = try Scene()
    var keys: [PartnerLabel: Set<UInt64>] = [:]
    for kind in PartnerLabel.allCases {
      for draw in 0..<10 {
        let number = 2 * draw + (kind == .other ? 1 : 0)
        keys[kind, default: []].insert(scene.draws().key(position: 0, draw: number).draw)
      }
    }
    #expect(keys[.predicted]?.isDisjoint(with: keys[.other] ?? []) == true)
    // And these are the keys in use: the mixtures can be rebuilt from them.
    let defence = try scene.defence(combined(-.infinity))
    for (kind, mixing) in [(PartnerLabel.predicted, predicted), (.other, other)] {
      let route = MixupInference<TanhMLP>.Route(
        position: 2, predicted: 1, partner: kind, mixing: mixing)
      let mixed = defence.executions(
        of: scene.data.pixels, routes: [route], draws: scene.draws()
      ).all.images
      for draw in 0..<mixing.sampleCount {
        let number = 2 * draw + (kind == .other ? 1 : 0)
        let partner = scene.pool.draw(
          kind, predicted: 1, key: scene.draws().key(position: 2, draw: number))
        let expected = zip(
          rows(scene.data.pixels.tensor)[2], rows(scene.pool.images.pixels.tensor)[partner.position]
        ).map { mix(mixing.lambda.value, $0, $1) }
        #expect(rows(mixed.tensor)[draw] == expected)
      }
    }
  }
}

@Suite("Mixup inference on the paper's ideal model")
struct IdealModelTests {
  /// log F_MI of `repeats` copies of an image.
  private func outputs(
    _ ideal: IdealModel, _ image: [Float], _ rule: MixupInferenceRule, repeats: Int
  ) throws -> [[Float]] {
    let defence = try MixupInference(ideal, pool: SamplePool(ideal.pool()), rule: rule)
    return rows(
      try defence.logits(
        of: images(Array(repeating: image, count: repeats)),
        draws: Draws(seed: 7, purpose: .test, examples: Array(0..<repeats))))
  }

  // λ + fl(1−λ) is within half an ulp of 1, and so is the average.
  @Test("on clean images MI-PL keeps F_ŷ = 1, MI-OL gives λ and shares out 1−λ evenly")
  func cleanImages() throws {
    let ideal = IdealModel(classCount: 5)
    for lambda: MixingRatio in [0, 0.3, 0.7, 1] {
      let count = 4_000
      let kept = try outputs(
        ideal, ideal.image(of: 2), .predictedLabel(Mixing(lambda: lambda, sampleCount: 3)),
        repeats: 3)
      #expect(kept.allSatisfy { abs(exp($0[2]) - 1) <= 4 * Float(1).ulp })
      let spread = try outputs(
        ideal, ideal.image(of: 2), .otherLabel(Mixing(lambda: lambda, sampleCount: 1)),
        repeats: count)
      for k in 0..<5 {
        let mean = spread.reduce(0) { $0 + Double(exp($1[k])) } / Double(count)
        if k == 2 {
          #expect(abs(mean - lambda.doubleValue) <= 1e-6)
        } else {
          let expected = (1 - lambda.doubleValue) / 4
          #expect(abs(mean - expected) <= bound(count: count, width: 1 - lambda.doubleValue) + 1e-6)
        }
      }
    }
  }

  // Wrong only if another class gets more than λ: its share of N draws exceeds λ/(1−λ), which is
  // 1/(L−1) + gap. Hoeffding, L−1 classes: exp(−2N·gap²) each, below 10⁻⁹ for the gaps taken.
  @Test("for large N MI-OL classifies clean images rightly where λ > 1/L and wrongly where λ < 1/L")
  func lambdaHasToExceedChance() throws {
    let ideal = IdealModel(classCount: 4)
    for (lambda, isRight) in [(MixingRatio(3, over: 10), true), (0.2, false)] {
      let output = try outputs(
        ideal, ideal.image(of: 1), .otherLabel(Mixing(lambda: lambda, sampleCount: 3_000)),
        repeats: 3)
      for row in output { #expect((row[1] == row.max()) == isRight) }
    }
  }

  @Test("at finite N MI-OL errs exactly when one label is drawn too often, as often as it should")
  func failuresAreMultinomial() throws {
    let ideal = IdealModel(classCount: 10)
    let pool = try SamplePool(ideal.pool())
    let repeats = 2_000
    // P(max count of 30 draws over 9 labels ≥ Nλ/(1−λ)), computed independently of this package.
    for (lambda, rate) in [(MixingRatio(1, over: 5), 0.127), (0.3, 1e-4)] {
      let defence = try MixupInference(
        ideal, pool: pool, rule: .otherLabel(Mixing(lambda: lambda, sampleCount: 30)))
      let draws = Draws(seed: 8, purpose: .test, examples: Array(0..<repeats))
      let predictions = try defence.predictions(
        of: images(Array(repeating: ideal.image(of: 4), count: repeats)), draws: draws)
      var failures = 0
      for n in 0..<repeats {
        var counts = [Int](repeating: 0, count: 10)
        for draw in 0..<30 {
          let key = draws.key(position: n, draw: 2 * draw + 1)
          counts[pool.draw(.other, predicted: 4, key: key).label] += 1
        }
        let most = Float(counts.reduce(0, max))
        #expect((predictions[n] != 4) == (most * (1 - lambda.value) > 30 * lambda.value))
        failures += predictions[n] == 4 ? 0 : 1
      }
      // The rates are rounded to their last digit.
      #expect(abs(Double(failures) / Double(repeats) - rate) <= bound(count: repeats) + 5e-4)
    }
  }

  // The trigger is above its level only in the un-mixed image: G(λδ) = 0.
  @Test("an attack that mixing undoes is mended by MI-PL iff λ > ½, by MI-OL for every λ > 0")
  func undoneAttacks() throws {
    let ideal = IdealModel(classCount: 5, triggered: 3)
    let attacked = ideal.image(of: 1, trigger: true)
    for lambda: MixingRatio in [0.2, 0.45, 0.55, 0.8] {
      let kept = try outputs(
        ideal, attacked, .predictedLabel(Mixing(lambda: lambda, sampleCount: 4)), repeats: 2)
      for row in kept { #expect((row[1] == row.max()) == (lambda > 0.5)) }
      // Wrong only if another label leads y by λ/(1−λ) ≥ ¼ of the draws, which have equal means:
      // Hoeffding for a difference in [−1, 1], exp(−2000/32) for each.
      let spread = try outputs(
        ideal, attacked, .otherLabel(Mixing(lambda: lambda, sampleCount: 2_000)), repeats: 2)
      for row in spread { #expect(row[1] == row.max()) }
    }
  }
}

@Suite("The gradient through mixup inference")
struct MixupInferenceGradientTests {
  /// A loss of log-probabilities that no symmetry makes simple: Σ_k c_k ℓ_k + ½ Σ_k ℓ_k².
  private let coefficients = [0.7, -1.3, 0.4, 0.9]

  private func loss(_ logMeans: [Double]) -> Double {
    zip(coefficients, logMeans).reduce(0) { $0 + $1.0 * $1.1 + 0.5 * $1.1 * $1.1 }
  }

  private func lossGradient(_ logits: Tensor) throws -> Tensor {
    try Tensor(
      (0..<logits.count).map { Float(coefficients[$0 % classCount]) + logits[$0] },
      shape: logits.shape)
  }

  // Central differences with h = 1e-5 in Double are good to h² · |f‴| ≈ 1e-9; the gradient itself is
  // Float through some hundred operations with terms of order 10: 1e-4 of its largest entry.
  @Test("it is λ Σ ∂loss/∂x̃ over the draws: finite differences in double agree")
  func matchesFiniteDifferences() throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      let scene = try Scene(seed: seed, count: 6)
      for rule in rules(lambda: 0.6, 4) {
        let defence = try scene.defence(rule)
        let gradient = rows(
          try defence.logitsAndGradient(
            of: scene.data.pixels, draws: scene.draws(), lossGradient: lossGradient
          ).gradient)
        let routes = try defence.routing(of: scene.data.pixels, draws: scene.draws()).routes
        for route in routes {
          let input = rows(scene.data.pixels.tensor)[route.position].map(Double.init)
          let partners = (0..<route.mixing.sampleCount).map { draw in
            let number = 2 * draw + (route.partner == .other ? 1 : 0)
            let key = scene.draws().key(position: route.position, draw: number)
            let position = scene.pool.draw(route.partner, predicted: route.predicted, key: key)
              .position
            return rows(scene.pool.images.pixels.tensor)[position].map(Double.init)
          }
          let lambda = Double(route.mixing.lambda.value)
          func value(_ x: [Double]) -> Double {
            var mean = [Double](repeating: 0, count: classCount)
            for partner in partners {
              let mixed = zip(x, partner).map { lambda * $0 + (1 - lambda) * $1 }
              for (k, p) in softmax(scene.model.logits(mixed)).enumerated() {
                mean[k] += p / Double(partners.count)
              }
            }
            return loss(mean.map { log($0) })
          }
          let found = gradient[route.position]
          let largest = Double(found.map(abs).reduce(0, max))
          for pixel in input.indices {
            var (up, down) = (input, input)
            up[pixel] += 1e-5
            down[pixel] -= 1e-5
            let expected = (value(up) - value(down)) / 2e-5
            #expect(abs(Double(found[pixel]) - expected) <= 1e-4 * largest + 1e-8)
          }
        }
      }
    }
  }

  @Test("the logits are those without gradient, and only the branch taken is followed back")
  func followsTheBranchTaken() throws {
    let scene = try Scene(count: 15)
    for rule in rules(lambda: 0.5, 4) {
      let spy = Spy(scene.model)
      let defence = try MixupInference(spy, pool: scene.pool, rule: rule)
      let output = try defence.logitsAndGradient(
        of: scene.data.pixels, draws: scene.draws(), lossGradient: lossGradient)
      let followed = spy.log.calls.filter(\.wantsGradient)
      #expect(followed.count == 1)
      let decisions = try defence.decisions(of: scene.data.pixels, draws: scene.draws())
      let executions = decisions.reduce(0) { sum, decision in
        sum
          + ((decision.branch == .predicted ? rule.predictedLabel : rule.otherLabel)?
            .sampleCount ?? 0)
      }
      #expect(followed.map(\.images.count) == [executions])
      #expect(try output.logits == defence.logits(of: scene.data.pixels, draws: scene.draws()))
    }
  }

  @Test("λ = 0 leaves no gradient")
  func ratioZeroHasNoGradient() throws {
    let scene = try Scene()
    for rule in rules(lambda: 0, 3) {
      let gradient = try scene.defence(rule).logitsAndGradient(
        of: scene.data.pixels, draws: scene.draws(), lossGradient: lossGradient
      ).gradient
      #expect(gradient.values.allSatisfy { $0 == 0 })
    }
  }

  @Test("a loss gradient of the wrong shape is refused")
  func wrongShapeIsRefused() throws {
    let scene = try Scene()
    let defence = try scene.defence(.otherLabel(Mixing(lambda: 0.5, sampleCount: 2)))
    #expect(throws: TensorError.shapeMismatch(expected: [9, 4], found: [2, 4])) {
      try defence.logitsAndGradient(of: scene.data.pixels, draws: scene.draws()) { _ in
        Tensor(shape: [2, 4])
      }
    }
  }
}
