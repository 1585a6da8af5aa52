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
        let meanGradient = total(channels) { g[$0] * scale[$0] } / Float(channels)
        let slope =
          total(channels) { g[$0] * scale[$0] * (x[$0] - mean) * factor } / Float(channels)
        for c in 0..<channels {
          s[c] += (g[c] * scale[c] - meanGradient - (x[c] - mean) * factor * slope) * factor
        }
      }
    }
  }

  /// μ and 1 / √(σ² + ε) of one pixel.
  private func statistics(_ x: UnsafePointer<Float>) -> (mean: Float, factor: Float) {
    let channels = extents.channels
    let mean = total(channels) { x[$0] } / Float(channels)
    let variance = total(channels) { (x[$0] - mean) * (x[$0] - mean) } / Float(channels)
    return (mean, 1 / (variance + epsilon).squareRoot())
  }
}
