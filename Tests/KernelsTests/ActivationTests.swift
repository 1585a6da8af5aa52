import Foundation
import KernelTables
import Kernels
import PropertyChecks
import PropertyTesting
import Testing

@Suite("Activations")
struct ActivationTests {
  /// Every activation by its definition in double precision, with its derivative.
  private static let all:
    [(Activation, value: @Sendable (Double) -> Double, slope: @Sendable (Double) -> Double)] = [
      (.relu, { max($0, 0) }, { $0 > 0 ? 1 : 0 }),
      (.leakyReLU(slope: 0.25), { $0 > 0 ? $0 : $0 / 4 }, { $0 > 0 ? 1 : 0.25 }),
      (.silu, { $0 * sigmoid($0) }, { sigmoid($0) * (1 + $0 * sigmoid(-$0)) }),
      (.sigmoid, sigmoid, { sigmoid($0) * sigmoid(-$0) }),
      (.clip(lower: -1, upper: 6), { min(max($0, -1), 6) }, { $0 > -1 && $0 < 6 ? 1 : 0 }),
      (
        .gelu, { $0 * erfc(-$0 / 2.squareRoot()) / 2 },
        {
          erfc(-$0 / 2.squareRoot()) / 2 + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot()
        }
      ),
      (
        .elu(scale: 1.5), { $0 > 0 ? $0 : 1.5 * expm1($0) }, { $0 > 0 ? 1 : 1.5 * exp($0) }
      ),
      (.softplus, { max($0, 0) + log1p(exp(-abs($0))) }, sigmoid),
    ]

  private static func sigmoid(_ v: Double) -> Double { 1 / (1 + exp(-v)) }

  @Test("value and slope are those of the definition, the same bytes on every instruction set")
  func definitions() async {
    let numbers = Generator<[Float]>.array(of: .float(in: -100...100), count: 1...40)
    await check("activations", numbers, .integer(in: 0...7), cases: 400) { x, number in
      let (activation, value, slope) = Self.all[number]
      // Half of the numbers where the functions bend.
      let x = x.enumerated().map { $0.offset % 2 == 0 ? $0.element : $0.element / 20 }
      let outputs = KernelSet.available.map { Self.run(activation, x, on: $0) }
      for (set, output) in zip(KernelSet.available, outputs) {
        #expect(output.values.map(\.bitPattern) == outputs[0].values.map(\.bitPattern), "\(set)")
        #expect(output.slopes.map(\.bitPattern) == outputs[0].slopes.map(\.bitPattern), "\(set)")
      }
      for (place, x) in x.enumerated() {
        let v = Double(x)
        // Exponential, sum and quotient are each right to about 2⁻²², and Φ to 10⁻⁷, which is multiplied by v.
        let bound = 5e-7 * max(abs(v), 1)
        #expect(abs(Double(outputs[0].values[place]) - value(v)) <= bound, "\(activation) of \(x)")
        #expect(abs(Double(outputs[0].slopes[place]) - slope(v)) <= bound, "\(activation) at \(x)")
      }
    }
  }

  @Test("the affine map comes before the activation, channel by channel, and gradients are added")
  func affine() {
    for set in KernelSet.available {
      var output = [Float](repeating: 9, count: 4)
      var sum: [Float] = [100, 200, 300, 400]
      // Two pixels of two channels.
      let (input, scale, shift): ([Float], [Float], [Float]) = ([1, -1, 3, 2], [2, -1], [0.5, 3])
      set.float32.channelwiseActivation(
        .clip(lower: 0, upper: 4), pixels: 2, channels: 2, input: input, scale: scale, shift: shift,
        output: &output)
      #expect(output == [2.5, 4, 4, 1])
      set.float32.addChannelwiseActivationGradient(
        .clip(lower: 0, upper: 4), pixels: 2, channels: 2, gradient: [1, 1, 1, 10], input: input,
        scale: scale, shift: shift, sum: &sum)
      #expect(sum == [102, 200, 300, 390])
    }
  }

  @Test("what is no number stays visible")
  func notANumber() {
    for (activation, _, _) in Self.all {
      for set in KernelSet.available {
        let output = Self.run(activation, [.nan, 1], on: set)
        #expect(output.values[0].isNaN && !output.values[1].isNaN, "\(activation), \(set)")
      }
    }
  }

  private static func run(
    _ activation: Activation, _ x: [Float], on set: KernelSet
  ) -> (values: [Float], slopes: [Float]) {
    var (values, slopes) = (x, [Float](repeating: 0, count: x.count))
    let (ones, zeros) = ([Float](repeating: 1, count: x.count), slopes)
    set.float32.channelwiseActivation(
      activation, pixels: 1, channels: x.count, input: x, scale: ones, shift: zeros, output: &values
    )
    set.float32.addChannelwiseActivationGradient(
      activation, pixels: 1, channels: x.count, gradient: ones, input: x, scale: ones, shift: zeros,
      sum: &slopes)
    return (values, slopes)
  }
}
