import Classification
import Kernels
import NeuralNetwork
import TestSupport
import Testing

@Suite("The map from pixels to the network's scale")
struct NormalizationTests {
  @Test("(pixel − mean) / deviation, channel by channel, channels last")
  func formula() throws {
    let normalization = try Normalization(
      mean: [0.5, 0, 0.25], standardDeviation: [0.5, 2, 0.125])
    // Multiples of ⅛ and divisors that are powers of two: nothing is rounded.
    let pixels = try Tensor((0..<24).map { Float($0 % 9) / 8 }, shape: [2, 3, 2, 2])
    let found = normalization.activations(pixels)
    #expect(found.shape == [2, 2, 2, 3])
    for image in 0..<2 {
      for pixel in 0..<4 {
        for channel in 0..<3 {
          let value = pixels[(image * 3 + channel) * 4 + pixel]
          let expected =
            (value - normalization.mean[channel]) / normalization.standardDeviation[channel]
          #expect(found[(image * 4 + pixel) * 3 + channel] == expected)
        }
      }
    }
  }

  @Test("±1 takes 0 to −1 and 1 to 1", arguments: [1, 3])
  func plusMinusOne(_ channels: Int) {
    let normalization = Normalization.plusMinusOne(channels: channels)
    for (pixel, expected) in [(0, -1), (0.5, 0), (1, 1)] as [(Float, Float)] {
      let found = normalization.activations(
        Tensor(repeating: pixel, shape: [1, channels, 1, 1]))
      #expect(found.values == Array(repeating: expected, count: channels))
    }
  }

  // A network on scaled inputs is a function of pixels, so by the chain rule a deviation twice as
  // large on inputs twice as far from the mean gives the same logits and half the gradient: exactly,
  // as only exponents change.
  @Test("A gradient per pixel is the one on the network's scale over the deviation")
  func gradient() throws {
    let network = ResNet(.resNet8(ResNetTests.digits))
    network.initialize(seed: 1)
    func result(_ deviation: Float, _ pixels: Tensor) throws -> (Tensor, Tensor) {
      let classifier = NetworkClassifier(
        InferencePlan(
          network.graph,
          normalization: try Normalization(mean: [0], standardDeviation: [deviation])))
      let found = try classifier.logitsAndGradient(
        of: Pixels(pixels), draws: Draws(seed: 0, purpose: .test, examples: [0, 1])
      ) { logits in
        CrossEntropy.gradient(
          logits: logits, targets: CrossEntropy.oneHot([3, 4], classCount: 10))
      }
      return (found.logits, found.gradient)
    }
    let pixels = randomTensor([2, 1, 8, 8], seed: 2, from: 0, to: 0.5)
    let (logits, gradient) = try result(0.25, pixels)
    let (sameLogits, half) = try result(0.5, pixels.map { 2 * $0 })
    #expect(logits == sameLogits)
    #expect(half == gradient.map { $0 / 2 })
    #expect(gradient.values.contains { $0 != 0 })
  }

  @Test("Deviations of zero, below it or not finite, and unequal counts are refused")
  func refused() {
    let bad: [([Float], [Float])] = [
      ([0.5], [0]), ([0.5], [-1]), ([0.5], [.nan]), ([0.5], [.infinity]), ([.nan], [1]),
      ([.infinity], [1]), ([0.5, 0.5], [1]), ([], []),
    ]
    for (mean, deviation) in bad {
      let error = #expect(throws: NormalizationError.self) {
        try Normalization(mean: mean, standardDeviation: deviation)
      }
      #expect(error?.description.contains("\n") == false)
    }
  }
}
