import Kernels

/// The channels of every pixel divided by their length: out = x / max(‖x‖₂, floor), where ‖x‖₂² = Σ_c x_c².
///
/// What classifiers do whose features lie on a sphere, such as Pang et al., "Boosting adversarial training with hypersphere
/// embedding", 2020.
struct LengthNormalization: GraphOperator {
  /// What shorter pixels are divided by; at least 0.
  let floor: Float
  let extents: NetworkGraph.Extents

  var described: NetworkGraph.Described { .lengthNormalization(floor: floor) }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    let channels = extents.channels
    for pixel in 0..<images * extents.pixels {
      let (x, y) = (inputs[0] + pixel * channels, output + pixel * channels)
      let divisor = max(length(x), floor)
      for c in 0..<channels { y[c] = x[c] / divisor }
    }
  }

  /// With y the output and g its gradient: ∂x = (g − y · Σ(g · y)) / ‖x‖₂, and g / floor where the floor is what divides.
  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    let channels = extents.channels
    for pixel in 0..<images * extents.pixels {
      let (x, g, s) = (
        inputs[0] + pixel * channels, gradient + pixel * channels, sum + pixel * channels
      )
      let length = self.length(x)
      let divisor = max(length, floor)
      // Of the gradient, the part along x: longer inputs have the same output.
      let slope =
        length > floor ? total(channels) { g[$0] * (x[$0] / divisor) } / divisor : 0
      for c in 0..<channels { s[c] += (g[c] - x[c] * slope) / divisor }
    }
  }

  private func length(_ x: UnsafePointer<Float>) -> Float {
    total(extents.channels) { x[$0] * x[$0] }.squareRoot()
  }
}
