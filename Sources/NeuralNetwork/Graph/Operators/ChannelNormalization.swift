import Classification
import Kernels

/// Layer normalisation over the channels of every pixel: with their mean μ and variance σ² (over C, not C − 1),
/// x̂ = (x − μ) / √(σ² + ε) and out = x̂ · scale + shift.
///
/// Ba, Kiros and Hinton, "Layer normalization", 2016; over channels as in ConvNeXt.
struct ChannelNormalization: GraphOperator {
  /// [C].
  let scale: Tensor
  /// [C].
  let shift: Tensor
  /// ε.
  let epsilon: Float
  let extents: NetworkGraph.Extents

  var described: NetworkGraph.Described {
    .channelNormalization(scale: scale, shift: shift, epsilon: epsilon)
  }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    let channels = extents.channels
    withPointers(scale, shift, shift) { scale, shift, _ in
      for pixel in 0..<images * extents.pixels {
        let (x, y) = (inputs[0] + pixel * channels, output + pixel * channels)
        let (mean, factor) = statistics(x)
        for c in 0..<channels { y[c] = (x[c] - mean) * factor * scale[c] + shift[c] }
      }
    }
  }

  /// With h = g · scale: ∂x = (h − mean(h) − x̂ · mean(h · x̂)) / √(σ² + ε).
  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    let channels = extents.channels
    scale.withUnsafePointer { scale in
      for pixel in 0..<images * extents.pixels {
        let (x, g, s) = (
          inputs[0] + pixel * channels, gradient + pixel * channels, sum + pixel * channels
        )
        let (mean, factor) = statistics(x)
        let meanGradient = total { g[$0] * scale[$0] } / Float(channels)
        let slope = total { g[$0] * scale[$0] * (x[$0] - mean) * factor } / Float(channels)
        for c in 0..<channels {
          s[c] += (g[c] * scale[c] - meanGradient - (x[c] - mean) * factor * slope) * factor
        }
      }
    }
  }

  /// μ and 1 / √(σ² + ε) of one pixel.
  private func statistics(_ x: UnsafePointer<Float>) -> (mean: Float, factor: Float) {
    let count = Float(extents.channels)
    let mean = total { x[$0] } / count
    let variance = total { (x[$0] - mean) * (x[$0] - mean) } / count
    return (mean, 1 / (variance + epsilon).squareRoot())
  }

  /// The sum over the channels. Whole images can be the channels of a pixel, so that sums of 1,024 terms are added in
  /// double precision.
  private func total(_ term: (Int) -> Float) -> Float {
    var sum = 0.0
    for start in stride(from: 0, to: extents.channels, by: 1024) {
      sum += Double(total(start..<min(start + 1024, extents.channels), term))
    }
    return Float(sum)
  }

  /// The sum over some channels: four sums that do not wait for each other, then those.
  private func total(_ channels: Range<Int>, _ term: (Int) -> Float) -> Float {
    var sums = SIMD4<Float>.zero
    let whole = channels.lowerBound + channels.count / 4 * 4
    for c in stride(from: channels.lowerBound, to: whole, by: 4) {
      sums += SIMD4(term(c), term(c + 1), term(c + 2), term(c + 3))
    }
    return (whole..<channels.upperBound).reduce((sums.x + sums.y) + (sums.z + sums.w)) {
      $0 + term($1)
    }
  }
}
