import Classification
import Foundation
import MixupInference
import Statistics
import TestSupport
import Testing

private func stream(_ draw: Int = 0) -> RandomStream {
  RandomStream(RandomKey(seed: 11, purpose: .test, draw: draw))
}

private func key(_ step: Int, seed: UInt64 = 5) -> RandomKey {
  RandomKey(seed: seed, purpose: .mixup, step: step)
}

@Suite("mix(λ, a, b) = λa + (1−λ)b")
struct MixTests {
  /// λ, a, b with values of both signs and of magnitudes from 2⁻¹⁰ to 2¹⁰.
  static let cases: [(lambda: Float, a: Float, b: Float)] = {
    var stream = stream()
    func value() -> Float {
      let magnitude = (1 + stream.uniform()) * pow(2, Float(stream.integer(below: 21) - 10))
      return stream.uniform() < 0.5 ? magnitude : -magnitude
    }
    return (0..<20_000).map { _ in (stream.uniform(), value(), value()) }
      + [(1e-9, 1, 0), (1 - 0x1p-24, 1, 0), (0.5, 3, -3)]
  }()

  @Test("λ = 1 gives a and λ = 0 gives b, exactly")
  func endsAreExact() {
    for (_, a, b) in Self.cases {
      #expect(mix(1, a, b) == a && mix(0, a, b) == b)
    }
  }

  // With s = fl(1−λ) both sides are fl(fl(sb) + fl(ta)), up to t = fl(1−s) for λ, |t − λ| ≤ 2⁻²⁵:
  // less than ½ ulp of M = max(|a|, |b|). One of the weights is at most ½, so rounding that product
  // costs ¼ ulp a side; the other product is the same on both sides. So the sums differ by less than
  // an ulp before the last rounding, and roundings to a grid of at most that spacing by at most one.
  @Test("mix(λ, a, b) and mix(1−λ, b, a) differ by an ulp of max(|a|, |b|) at most")
  func isSymmetric() {
    for (lambda, a, b) in Self.cases {
      #expect(abs(mix(lambda, a, b) - mix(1 - lambda, b, a)) <= max(abs(a), abs(b)).ulp)
    }
  }

  // Products cost ¼ + ½ ulp of M, the weights' sum ½, the last rounding ½: under 2 ulp.
  @Test("the result is between a and b up to 2 ulp")
  func staysBetween() {
    for (lambda, a, b) in Self.cases {
      let slack = 2 * max(abs(a), abs(b)).ulp
      #expect(mix(lambda, a, b) >= min(a, b) - slack && mix(lambda, a, b) <= max(a, b) + slack)
    }
  }

  @Test("values in [0, 1] mix to values in [0, 1], without any slack")
  func staysInTheBox() {
    var stream = stream(1)
    for _ in 0..<20_000 {
      let lambda = stream.uniform()
      for (a, b): (Float, Float) in [(1, 1), (1, stream.uniform()), (0, 0)] {
        #expect((0...1).contains(mix(lambda, a, b)))
      }
    }
  }

  // Less than 1¼ ulp of error before the last rounding, and a is on the grid: one ulp after it.
  @Test("mix(λ, a, a) is a up to an ulp")
  func keepsEqualValues() {
    for (lambda, a, _) in Self.cases { #expect(abs(mix(lambda, a, a) - a) <= a.ulp) }
  }
}

@Suite("Mixup training pairs")
struct MixupTests {
  static let settings: [(Mixup.LambdaDrawing, Mixup.Pairing)] = Mixup.LambdaDrawing.allCases.flatMap
  { drawing in
    Mixup.Pairing.allCases.map { (drawing, $0) }
  }

  let batch: LabelledImages

  init() throws {
    batch = try randomImages(
      24, shape: ImageShape(channels: 3, height: 4, width: 4), classCount: 5, seed: 1)
  }

  private func mixed(_ mixup: Mixup, _ inputs: Tensor, step: Int = 0) throws -> MixedBatch {
    try mixup.mixed(inputs, labels: batch.labels, classCount: 5, key: key(step))
  }

  @Test("inputs and targets of a sample are mixed by the same λ and partners", arguments: settings)
  func inputsAndTargetsBelongTogether(_ setting: (Mixup.LambdaDrawing, Mixup.Pairing)) throws {
    let mixup = try Mixup(alpha: 0.7, lambda: setting.0, pairing: setting.1)
    let result = try mixed(mixup, batch.pixels.tensor)
    let pairs = mixup.pairs(count: batch.count, key: key(0))
    let width = batch.pixels.imageShape.count
    for (n, pair) in pairs.enumerated() {
      for place in 0..<width {
        let a = batch.pixels.tensor[pair.first * width + place]
        let b = batch.pixels.tensor[pair.second * width + place]
        #expect(result.inputs[n * width + place] == mix(pair.lambda, a, b))
      }
      for label in 0..<5 {
        let a: Float = batch.labels[pair.first] == label ? 1 : 0
        let b: Float = batch.labels[pair.second] == label ? 1 : 0
        // At equal labels λ + (1−λ) may round below the exact 1.
        #expect(abs(result.targets[n * 5 + label] - mix(pair.lambda, a, b)) <= Float(1).ulp)
      }
    }
  }

  @Test("partners are permutations of the batch, the first the identity if there is one only")
  func partnersArePermutations() throws {
    for pairing in Mixup.Pairing.allCases {
      let pairs = try Mixup(pairing: pairing).pairs(count: 30, key: key(3))
      #expect(pairs.map(\.first).sorted() == Array(0..<30))
      #expect(pairs.map(\.second).sorted() == Array(0..<30))
      #expect((pairs.map(\.first) == Array(0..<30)) == (pairing == .onePermutation))
    }
  }

  @Test("λ differs from sample to sample, or is one for the batch")
  func ratiosAreDrawnAsAsked() throws {
    let own = try Mixup(lambda: .perSample).pairs(count: 20, key: key(0))
    let shared = try Mixup(lambda: .perBatch).pairs(count: 20, key: key(0))
    #expect(Set(own.map(\.lambda)).count > 15)
    #expect(Set(shared.map(\.lambda)).count == 1)
  }

  // Beta(α, α) is symmetric with E(λ − ½)² = 1/(4(2α+1)). The n = 20,000 values of both are in [0, 1]
  // and [0, ¼], so by Hoeffding's inequality their means are off by more than 0.0233 and a quarter
  // of it with probability 1e-9: 2·exp(−2n·t²).
  @Test("λ ~ Beta(α, α): its mean is ½, its variance 1/(4(2α+1))", arguments: [0.3, 1, 4])
  func lambdaFollowsTheBetaDistribution(_ alpha: Double) throws {
    let lambdas = try Mixup(alpha: alpha, lambda: .perSample)
      .pairs(count: 20_000, key: key(0)).map { Double($0.lambda) }
    let mean = lambdas.reduce(0, +) / 20_000
    let square = lambdas.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / 20_000
    #expect(abs(mean - 0.5) < 0.0233)
    #expect(abs(square - 1 / (4 * (2 * alpha + 1))) < 0.0059)
  }

  @Test("a target is a distribution over at most two labels, one-hot if they are equal")
  func targetsAreDistributions() throws {
    for setting in Self.settings {
      let mixup = try Mixup(lambda: setting.0, pairing: setting.1)
      for step in 0..<50 {
        let targets = try mixed(mixup, batch.pixels.tensor, step: step).targets.values
        let pairs = mixup.pairs(count: batch.count, key: key(step))
        for (n, pair) in pairs.enumerated() {
          let row = targets[n * 5..<(n + 1) * 5]
          #expect(row.allSatisfy { $0 >= 0 })
          // λ + fl(1−λ) is within half an ulp of 1.
          #expect(abs(row.reduce(0, +) - 1) <= Float(1).ulp)
          #expect(row.count { $0 != 0 } <= 2)
          if batch.labels[pair.first] == batch.labels[pair.second] { #expect(row.max() == 1) }
        }
      }
    }
  }

  @Test("the cross-entropy of a mixed target is the mixture of the cross-entropies")
  func crossEntropyIsLinearInTheTarget() throws {
    let model = LinearSoftmax(imageShape: batch.pixels.imageShape, classCount: 5, seed: 3)
    let mixup = try Mixup()
    let result = try mixed(mixup, batch.pixels.tensor)
    let draws = Draws(seed: 0, purpose: .test, examples: batch.indices)
    let logP = logSoftmax(
      rowsOf: try model.logits(of: Pixels(result.inputs), draws: draws))
    for (n, pair) in mixup.pairs(count: batch.count, key: key(0)).enumerated() {
      func crossEntropy(_ label: Int) -> Double { -Double(logP[n * 5 + batch.labels[label]]) }
      let soft = (0..<5).reduce(0) {
        $0 - Double(result.targets[n * 5 + $1]) * Double(logP[n * 5 + $1])
      }
      let lambda = Double(pair.lambda)
      let expected = lambda * crossEntropy(pair.first) + (1 - lambda) * crossEntropy(pair.second)
      // The targets carry 1 − λ rounded: 2⁻²⁵ of the larger cross-entropy.
      #expect(
        abs(soft - expected) <= 0x1p-24 * max(crossEntropy(pair.first), crossEntropy(pair.second)))
    }
  }

  @Test("mixing commutes with flips, crops and exchanges of channels, exactly")
  func commutesWithRearrangements() throws {
    let mixup = try Mixup()
    let width = batch.pixels.imageShape.count
    let rearrangements: [[Int]] = [
      (0..<width).map { ($0 / 4) * 4 + 3 - $0 % 4 },
      (0..<width).map { ($0 + 16) % width },
      (0..<width).filter { $0 % 4 > 0 && $0 / 4 % 4 > 0 },
    ]
    for places in rearrangements {
      func rearranged(_ tensor: Tensor) throws -> Tensor {
        try Tensor(
          (0..<batch.count).flatMap { n in places.map { tensor[n * width + $0] } },
          shape: [batch.count, places.count])
      }
      let before = try mixed(mixup, rearranged(batch.pixels.tensor)).inputs
      #expect(try before == rearranged(mixed(mixup, batch.pixels.tensor).inputs))
    }
  }

  // Values up to 2.5: seven roundings of at most half an ulp of 4, 2⁻²², on the two ways together,
  // two of them scaled by 1/σ ≤ 5.
  @Test("mixing commutes with an affine normalisation of every channel")
  func commutesWithNormalisation() throws {
    let means: [Float] = [0.49, 0.48, 0.45]
    let deviations: [Float] = [0.2, 0.25, 0.26]
    func normalised(_ tensor: Tensor) throws -> Tensor {
      let values: [Float] = (0..<tensor.count).map { place in
        let channel = place / 16 % 3
        return (tensor[place] - means[channel]) / deviations[channel]
      }
      return try Tensor(values, shape: tensor.shape)
    }
    let mixup = try Mixup()
    let before = try mixed(mixup, normalised(batch.pixels.tensor)).inputs
    let after = try normalised(mixed(mixup, batch.pixels.tensor).inputs)
    for place in 0..<before.count {
      #expect(abs(before[place] - after[place]) <= (5 + 2 * 5) * 0x1p-22)
    }
  }

  @Test("a batch has one self-pair on average, whatever its size and the pairing")
  func selfPairsAverageOne() throws {
    for pairing in Mixup.Pairing.allCases {
      for size in [1, 2, 5] {
        let mixup = try Mixup(pairing: pairing)
        let batches = 8_000
        let selfPairs = (0..<batches).reduce(0) { sum, step in
          sum + mixup.pairs(count: size, key: key(step)).count { $0.first == $0.second }
        }
        let mean = Double(selfPairs) / Double(batches)
        #expect(abs(mean - 1) <= bound(count: batches, width: Double(size)))
      }
    }
  }

  // The mean of 24 sums of two products: 3 roundings a sample of values up to 1, 2⁻²⁵ each, and the
  // weights' 2⁻²⁵.
  @Test("one λ and one permutation keep the mean of the batch, of inputs and of targets")
  func oneRatioKeepsTheMean() throws {
    let mixup = try Mixup(lambda: .perBatch)
    let result = try mixed(mixup, batch.pixels.tensor)
    func mean(_ tensor: Tensor, _ place: Int) -> Double {
      (0..<batch.count).reduce(0) { $0 + Double(tensor[$1 * tensor.rowCount + place]) }
        / Double(batch.count)
    }
    for place in 0..<batch.pixels.imageShape.count {
      #expect(abs(mean(result.inputs, place) - mean(batch.pixels.tensor, place)) <= 0x1p-23)
    }
    for label in 0..<5 {
      let share = Double(batch.labels.count { $0 == label }) / Double(batch.count)
      #expect(abs(mean(result.targets, label) - share) <= 0x1p-23)
    }
  }

  @Test("α = 0 leaves inputs untouched and targets one-hot", arguments: settings)
  func zeroTurnsMixupOff(_ setting: (Mixup.LambdaDrawing, Mixup.Pairing)) throws {
    let mixup = try Mixup(alpha: 0, lambda: setting.0, pairing: setting.1)
    let result = try mixed(mixup, batch.pixels.tensor)
    #expect(result.inputs == batch.pixels.tensor)
    #expect(
      result.targets.values
        == batch.labels.flatMap { label in (0..<5).map { $0 == label ? 1 : 0 } })
  }

  @Test("a batch is mixed the same way under the same key, another way under another")
  func keysNameTheMixture() throws {
    let mixup = try Mixup(pairing: .twoPermutations)
    let first = try mixed(mixup, batch.pixels.tensor, step: 7)
    #expect(try first == mixed(mixup, batch.pixels.tensor, step: 7))
    #expect(try first != mixed(mixup, batch.pixels.tensor, step: 8))
  }

  @Test("an empty batch stays empty")
  func emptyBatch() throws {
    let result = try Mixup().mixed(Tensor(shape: [0, 3]), labels: [], classCount: 4, key: key(0))
    #expect(result.inputs.count == 0 && result.targets.shape == [0, 4])
  }

  @Test("bad settings and batches are refused")
  func refusals() throws {
    for alpha in [-1, .nan, .infinity] {
      let error = #expect(throws: MixupError.self) { try Mixup(alpha: alpha) }
      #expect(error?.cause == .usage)
    }
    #expect(throws: MixupError.labelCount(labels: 1, samples: 2)) {
      try Mixup().mixed(Tensor(shape: [2, 3]), labels: [0], classCount: 4, key: key(0))
    }
    for label in [-1, 4] {
      #expect(throws: MixupError.label(label, sample: 1, classCount: 4)) {
        try Mixup().mixed(Tensor(shape: [2, 3]), labels: [0, label], classCount: 4, key: key(0))
      }
    }
    #expect(MixupError.labelCount(labels: 1, samples: 2).cause == .data)
    #expect(MixupError.label(4, sample: 1, classCount: 4).cause == .data)
  }
}
