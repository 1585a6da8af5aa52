import Classification
import KernelTables
import Kernels

extension NetworkGraph {
  /// One operation of a graph with everything that it takes to do it elsewhere.
  package struct Line: Sendable {
    package var name: String
    package var operation: Described
    /// What it is applied to: values by number, of which 0 is the image.
    package var inputs: [Int]
    /// The number of the value that it makes.
    package var output: Int
    package var extents: Extents
  }

  /// What an operation computes, with its weights.
  package enum Described: Sendable {
    /// [O, C, K, K], and [O].
    case product(weight: Tensor, bias: Tensor?, ConvolutionGeometry)
    /// x · scale + shift, per channel.
    case affine(scale: Tensor, shift: Tensor)
    case activation(Activation)
    case sum
    /// Number by number; the second value may have one pixel for all of the first.
    case times
    case maximum(PoolingWindow)
    case mean(PoolingWindow, countsPadding: Bool)
    /// [C, 1, rows, columns], and [C].
    case depthwise(weight: Tensor, bias: Tensor, PoolingWindow)
    case channelNormalization(scale: Tensor, shift: Tensor, epsilon: Float)
    case groupNormalization(groups: Int, scale: Tensor, shift: Tensor, epsilon: Float)
    case lengthNormalization(floor: Float)
    /// For every number of the result, from which input it comes and from which place of that; nil for a zero.
    case arrangement([(input: Int, place: Int)?])
  }

  /// The operations that the logits need, in an order in which they can be computed.
  package var lines: [Line] {
    neededNodes.map { node in
      Line(
        name: node.name, operation: Self.described(node.operation), inputs: node.inputs,
        output: node.output, extents: values[node.output])
    }
  }

  private static func described(_ operation: Operation) -> Described {
    switch operation {
    case .product(let convolution, let bias):
      return .product(weight: convolution.weight, bias: bias, convolution.geometry)
    case .affine(let scale, let shift): return .affine(scale: scale, shift: shift)
    case .activation(let function): return .activation(function)
    case .sum: return .sum
    case .other(let operation): return operation.described
    }
  }
}

extension NetworkGraph.Described: CustomStringConvertible {
  /// Such as "3×3 convolution, stride 2".
  package var description: String {
    func window(_ name: String, _ window: PoolingWindow) -> String {
      "\(window.height)×\(window.width) \(name)\(window.rowStride == 1 ? "" : ", stride \(window.rowStride)")"
    }
    return switch self {
    case .product(_, _, let geometry):
      geometry.height * geometry.width * geometry.kernel == 1
        ? "dense"
        : window(
          "convolution", PoolingWindow(kernel: geometry.kernel, stride: geometry.stride))
    case .affine: "affine"
    case .activation(let function):
      switch function {
      case .relu: "ReLU"
      case .leakyReLU(let slope): "leaky ReLU \(slope)"
      case .silu: "SiLU"
      case .sigmoid: "sigmoid"
      case .clip(let lower, let upper): "clip to \(lower)…\(upper)"
      case .gelu: "GELU"
      case .elu(let scale): "ELU \(scale)"
      case .softplus: "softplus"
      }
    case .sum: "sum"
    case .times: "product"
    case .maximum(let place): window("maximum", place)
    case .mean(let place, _): window("mean", place)
    case .depthwise(_, _, let place): window("depthwise convolution", place)
    case .channelNormalization: "layer normalisation"
    case .groupNormalization: "group normalisation"
    case .lengthNormalization: "division by the length"
    case .arrangement: "rearrangement"
    }
  }
}
