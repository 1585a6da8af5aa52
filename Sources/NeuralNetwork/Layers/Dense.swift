import Classification
import Kernels

/// A dense layer, computed as a convolution over images of one pixel:
/// out[n, o] = bias[o] + Σ_c in[n, c] · weight[o, c].
public struct Dense {
  /// [O, C], as in PyTorch.
  public let weight: Parameter
  /// [O].
  public let bias: Parameter

  /// Zero weights and biases.
  public init(inputChannels: Int, outputChannels: Int) {
    weight = Parameter(Tensor(shape: [outputChannels, inputChannels]))
    bias = Parameter(Tensor(shape: [outputChannels]))
  }

  /// A layer of these parameters.
  init(weight: Parameter, bias: Parameter) {
    self.weight = weight
    self.bias = bias
  }

  /// Those of images of one pixel, the same for all dense layers.
  private static let tables = SharedConvolutionTables(
    ConvolutionGeometry(height: 1, width: 1, kernel: 1))

  /// The same layer as a 1×1 convolution.
  var convolution: Convolution {
    Convolution(
      weight: Parameter(Tensor(reshaping: weight.value, to: weight.value.shape + [1, 1])),
      bias: bias, tables: Self.tables)
  }

  /// [N, 1, 1, C] → [N, O], with N examples, C inputs and O outputs.
  public func forward(_ input: Tensor, on execution: Execution) -> Tensor {
    let output = convolution.forward(input, on: execution)
    return Tensor(reshaping: output, to: [output.shape[0], output.channels])
  }

  /// Sets the parameters' gradients; returns the gradient [N, 1, 1, C] of the input.
  public func backward(_ gradient: Tensor, input: Tensor, on execution: Execution) -> Tensor {
    let convolution = convolution
    let result = convolution.backward(
      Tensor(reshaping: gradient, to: [gradient.shape[0], 1, 1, gradient.channels]), input: input,
      on: execution)
    weight.gradient = Tensor(reshaping: convolution.weight.gradient, to: weight.value.shape)
    return result ?? input
  }
}
