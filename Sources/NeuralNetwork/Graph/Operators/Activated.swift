import Classification
import KernelTables
import Kernels

/// f(x · scale + shift), with one scale and one shift per channel: an activation and the affine map before it.
struct Activated: NetworkOperator {
  let activation: Activation
  let scale: Tensor
  let shift: Tensor
  let extents: NetworkGraph.Extents

  init(_ activation: Activation, scale: Tensor, shift: Tensor, extents: NetworkGraph.Extents) {
    self.activation = activation
    self.scale = scale
    self.shift = shift
    self.extents = extents
  }

  /// f(x).
  init(_ activation: Activation, extents: NetworkGraph.Extents) {
    self.init(
      activation, scale: Tensor(repeating: 1, shape: [extents.channels]),
      shift: Tensor(shape: [extents.channels]), extents: extents)
  }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    withPointers(scale, shift, shift) { scale, shift, _ in
      kernels.float32.channelwiseActivation(
        activation, pixels: images * extents.pixels, channels: extents.channels, input: inputs[0],
        scale: scale, shift: shift, output: output)
    }
  }

  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    withPointers(scale, shift, shift) { scale, shift, _ in
      kernels.float32.addChannelwiseActivationGradient(
        activation, pixels: images * extents.pixels, channels: extents.channels, gradient: gradient,
        input: inputs[0], scale: scale, shift: shift, sum: sum)
    }
  }
}
