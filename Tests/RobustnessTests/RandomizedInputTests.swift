import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import TestSupport
import Testing

private let shape = ImageShape(channels: 2, height: 4, width: 4)
private let classCount = 3

private let everyKind: [InputTransformation] = [
  .gaussianNoise(standardDeviation: 0.1), .uniformNoise(radius: 0.1), .rotation(degrees: 40),
  .masking(share: 0.3), .cropAndPad(sides: 2...3), .resizeAndPad(sides: 2...3),
  .cropAndResize(sides: 2...3),
]

/// Transformations that change nothing.
private let identities: [InputTransformation] = [
  .gaussianNoise(standardDeviation: 0), .uniformNoise(radius: 0), .rotation(degrees: 0),
  .masking(share: 0), .cropAndPad(sides: 4...4), .resizeAndPad(sides: 4...4),
  .cropAndResize(sides: 4...4),
]

private func chains() -> [[InputTransformation]] {
  everyKind.map { [$0] } + [
    [.rotation(degrees: 20), .cropAndResize(sides: 3...4), .gaussianNoise(standardDeviation: 0.05)]
  ]
}

@Suite("The mean prediction over random changes of the input")
struct RandomizedInputTests {
  private let model = TanhMLP(imageShape: shape, classCount: classCount, seed: 3)
  private let data: LabelledImages

  init() throws {
    data = try randomImages(5, shape: shape, classCount: classCount, seed: 8, firstIndex: 30)
  }

  private var draws: Draws { Draws(seed: 4, purpose: .test, examples: data.indices) }

  private func defence(
    _ transformations: [InputTransformation], _ sampleCount: Int = 4
  ) throws -> RandomizedInput<TanhMLP> {
    try RandomizedInput(model, transformations: transformations, sampleCount: sampleCount)
  }

  @Test("the output is the mean of the predictions at what the base is given")
  func averagesProbabilities() throws {
    for chain in chains() {
      let spy = Spy(model)
      let defence = try RandomizedInput(spy, transformations: chain, sampleCount: 4)
      let output = try defence.logits(of: data.pixels, draws: draws)
      let seen = try Tensor.concatenated(spy.log.calls.map(\.images.tensor))
      try #require(seen.shape[0] == 4 * data.count)
      let single = softmax(
        rowsOf: try model.logits(
          of: Pixels(unchecked: seen),
          draws: Draws(seed: 0, purpose: .test, examples: Array(0..<seen.shape[0]))))
      for n in 0..<data.count {
        for k in 0..<classCount {
          var mean: Float = 0
          for draw in 0..<4 { mean += single[(4 * n + draw) * classCount + k] / 4 }
          let found: Float = exp(output[n * classCount + k])
          // Some twenty roundings of probabilities.
          #expect(abs(found - mean) <= 20 * 0x1p-24)
        }
      }
    }
  }

  @Test("what changes nothing gives the base's log-probabilities to the bit", arguments: [1, 5])
  func identityIsTheBase(_ sampleCount: Int) throws {
    let base = logSoftmax(rowsOf: try model.logits(of: data.pixels, draws: draws))
    for chain in identities.map({ [$0] }) + [[], identities] {
      #expect(try defence(chain, sampleCount).logits(of: data.pixels, draws: draws) == base)
    }
  }

  @Test("the same key gives the same bytes, alone, in any order and in parts")
  func independentOfTheBatch() throws {
    for chain in chains() {
      var defence = try defence(chain)
      let together = try defence.logits(of: data.pixels, draws: draws)
      #expect(try defence.logits(of: data.pixels, draws: draws) == together)
      for order in [[4, 2, 0, 1, 3], [2], [3, 1]] {
        var own = draws
        own.examples = order.map { data.indices[$0] }
        #expect(try defence.logits(of: data.pixels[order], draws: own) == together.rows(order))
      }
      for imagesInFlight in [1, 8, 11] {
        defence.imagesInFlight = imagesInFlight
        #expect(try defence.logits(of: data.pixels, draws: draws) == together)
      }
      let gradient = try defence.logitsAndGradient(of: data.pixels, draws: draws) { $0 }
      #expect(gradient.logits == together)
    }
  }

  @Test("other draws give other outputs, truncation the same")
  func drawsDiffer() throws {
    var other = draws
    other.step = 1
    for chain in chains() {
      let defence = try defence(chain, 1)
      #expect(defence.isRandomized)
      let (a, b) = (
        try defence.logits(of: data.pixels, draws: draws),
        try defence.logits(of: data.pixels, draws: other)
      )
      #expect(a != b)
    }
    let truncation = try defence([.bitDepth(3)])
    #expect(!truncation.isRandomized && truncation.forwardPassesPerDecision == 4)
    #expect(
      try truncation.logits(of: data.pixels, draws: draws)
        == truncation.logits(of: data.pixels, draws: other))
  }

  @Test("the transformations come in their order")
  func transformationsComeInOrder() throws {
    let noise = InputTransformation.gaussianNoise(standardDeviation: 0.1)
    let crop = InputTransformation.cropAndPad(sides: 2...2)
    for (chain, black) in [([noise, crop], shape.count - shape.channels * 4), ([crop, noise], 0)] {
      let spy = Spy(model)
      _ = try RandomizedInput(spy, transformations: chain, sampleCount: 1)
        .logits(of: data.pixels, draws: draws)
      let seen = spy.log.calls[0].images.tensor
      for n in 0..<data.count {
        let zeros = seen.rows([n]).values.filter { $0 == 0 }.count
        #expect(zeros == black)
      }
    }
  }

  @Test("the N executions of an image see N different inputs, where the change is continuous")
  func executionsDiffer() throws {
    for chain in everyKind.prefix(3).map({ [$0] }) {
      let spy = Spy(model)
      _ = try RandomizedInput(spy, transformations: chain, sampleCount: 6)
        .logits(of: data.pixels[[0]], draws: Draws(seed: 1, purpose: .test, examples: [7]))
      let seen = try Tensor.concatenated(spy.log.calls.map(\.images.tensor))
      let inputs = Set((0..<6).map { draw in seen.rows([draw]).values })
      #expect(inputs.count == 6)
    }
  }

  // The curvature of the loss, h² times a third derivative of order 10, and the rounding of a Float
  // loss of order 1, 2⁻²⁴ / h, are both some 1e-4 at h = 2⁻⁸.
  @Test("the gradient is that of central differences with the same draws")
  func gradientIsTheDerivative() throws {
    let h: Float = 0x1p-8
    for chain in chains() {
      let defence = try defence(chain)
      let weights: [Float] = [0.7, -1.1, 0.4]
      func loss(_ logits: Tensor, _ n: Int) -> Double {
        weights.enumerated().reduce(0) { sum, weight in
          sum + Double(weight.element) * Double(logits[n * classCount + weight.offset])
        }
      }
      let gradient = try defence.logitsAndGradient(of: data.pixels, draws: draws) { logits in
        try Tensor((0..<logits.count).map { weights[$0 % classCount] }, shape: logits.shape)
      }.gradient
      var largest: Float = 0
      for place in 0..<shape.count {
        func moved(_ distance: Float) throws -> Tensor {
          var images = data.pixels.tensor
          for n in 0..<data.count { images[n * shape.count + place] += distance }
          return try defence.logits(of: Pixels(unchecked: images), draws: draws)
        }
        let (up, down) = (try moved(h), try moved(-h))
        for n in 0..<data.count {
          let found = gradient[n * shape.count + place]
          largest = max(largest, abs(found))
          let expected = (loss(up, n) - loss(down, n)) / Double(2 * h)
          #expect(abs(Double(found) - expected) <= 1e-3, "\(chain)")
        }
      }
      // So that the comparison is not one of zeros.
      #expect(largest > 0.1)
    }
  }

  @Test("a base with randomness of its own has another stream in every execution")
  func composesWithRandomizedBases() throws {
    let pool = try SamplePool(randomImages(12, shape: shape, classCount: classCount, seed: 9))
    let spy = Spy(model)
    let inner = try MixupInference(
      spy, pool: pool, rule: .otherLabel(Mixing(lambda: 0.5, sampleCount: 2)))
    let outer = try RandomizedInput(inner, transformations: [], sampleCount: 8)
    #expect(outer.isRandomized && outer.forwardPassesPerDecision == 24)
    let output = try outer.logits(of: data.pixels, draws: draws)
    let mixed = spy.log.calls[1].images.tensor
    // Of 8 pairs of independent draws from 8 images or so, some differ.
    let pairs = Set((0..<8).map { draw in mixed.rows([2 * draw, 2 * draw + 1]).values })
    #expect(pairs.count > 2)
    var own = draws
    own.examples = [data.indices[3]]
    #expect(try outer.logits(of: data.pixels[[3]], draws: own) == output.rows([3]))
    let gradient = try outer.logitsAndGradient(of: data.pixels, draws: draws) { $0 }
    #expect(gradient.logits == output)
  }

  @Test(
    "settings that make no sense are refused",
    arguments: [
      (.gaussianNoise(standardDeviation: -1), .standardDeviation(-1)),
      (.gaussianNoise(standardDeviation: .infinity), .standardDeviation(.infinity)),
      (.uniformNoise(radius: -0.1), .radius(-0.1)),
      (.masking(share: 2), .share(2)),
      (.rotation(degrees: 181), .degrees(181)), (.rotation(degrees: -1), .degrees(-1)),
      (.cropAndPad(sides: 0...3), .sides(0...3, largest: 4)),
      (.resizeAndPad(sides: 3...5), .sides(3...5, largest: 4)),
      (.cropAndResize(sides: 5...5), .sides(5...5, largest: 4)),
      (.bitDepth(0), .bits(0)), (.bitDepth(9), .bits(9)),
    ] as [(InputTransformation, RandomizedInputError)])
  func refusesNonsense(_ transformation: InputTransformation, _ error: RandomizedInputError) {
    #expect(throws: error) { try defence([transformation]) }
    #expect(!error.description.contains("\n"))
  }

  @Test("what is no number, a count out of range and missing draws are refused")
  func refusesWrongCounts() throws {
    for transformation: InputTransformation in [
      .gaussianNoise(standardDeviation: .nan), .uniformNoise(radius: .nan),
      .rotation(degrees: .nan), .masking(share: .nan), .masking(share: 2),
      .masking(share: -0.1), .masking(share: .infinity), .rotation(degrees: .infinity),
      .uniformNoise(radius: .infinity), .bitDepth(.max), .bitDepth(.min),
      .cropAndPad(sides: -1...1), .resizeAndPad(sides: 1...(.max)),
    ] {
      #expect(throws: RandomizedInputError.self) { try defence([transformation]) }
    }
    for count in [-1, 0, 100_001] {
      #expect(throws: RandomizedInputError.sampleCount(count)) { try defence([], count) }
    }
    let rotation = try defence([.rotation(degrees: 5)])
    #expect(throws: ClassifierError.draws(examples: 1, images: 5)) {
      try rotation.logits(
        of: data.pixels, draws: Draws(seed: 1, purpose: .test, examples: [0]))
    }
    let small = try randomImages(
      1, shape: ImageShape(channels: 2, height: 3, width: 4), classCount: 1, seed: 1)
    #expect(
      throws: ClassifierError.imageShape(expected: shape, found: small.pixels.imageShape)
    ) {
      try rotation.logits(
        of: small.pixels, draws: Draws(seed: 1, purpose: .test, examples: [0]))
    }
    let none = try rotation.logitsAndGradient(
      of: data.pixels[[]], draws: Draws(seed: 1, purpose: .test, examples: [])
    ) { $0 }
    #expect(none.logits.shape == [0, classCount])
  }
}
