extension NetworkGraph {
  /// One operation as people read it.
  package struct Line: Sendable {
    package var name: String
    /// Such as "3×3 convolution, stride 2".
    package var operation: String
    /// What it is applied to: values by number, of which 0 is the image.
    package var inputs: [Int]
    /// The number of the value that it makes.
    package var output: Int
    package var extents: Extents
  }

  /// The operations that the logits need, in an order in which they can be computed.
  package var lines: [Line] {
    var isNeeded = [Bool](repeating: false, count: values.count)
    isNeeded[values.count - 1] = true
    for node in nodes.reversed() where isNeeded[node.output] {
      for input in node.inputs { isNeeded[input] = true }
    }
    return nodes.filter { isNeeded[$0.output] }.map { node in
      Line(
        name: node.name, operation: Self.text(node.operation), inputs: node.inputs,
        output: node.output, extents: values[node.output])
    }
  }

  private static func text(_ operation: Operation) -> String {
    switch operation {
    case .product(let convolution, _):
      let geometry = convolution.geometry
      if geometry.height * geometry.width == 1, geometry.kernel == 1 { return "dense" }
      return window("convolution", geometry.kernel, geometry.kernel, geometry.stride)
    case .affine: return "affine"
    case .activation(let function):
      return switch function {
      case .relu: "ReLU"
      case .leakyReLU(let slope): "leaky ReLU \(slope)"
      case .silu: "SiLU"
      case .sigmoid: "sigmoid"
      case .clip(let lower, let upper): "clip to \(lower)…\(upper)"
      case .gelu: "GELU"
      }
    case .sum: return "sum"
    case .other(let operation):
      return switch operation {
      case let pooling as Pooling:
        window(
          pooling.kind == .maximum ? "maximum" : "mean", pooling.window.height,
          pooling.window.width, pooling.window.rowStride)
      case let depthwise as DepthwiseConvolution:
        window(
          "depthwise convolution", depthwise.window.height, depthwise.window.width,
          depthwise.window.rowStride)
      case is ChannelNormalization: "layer normalisation"
      case is ElementwiseProduct: "product"
      case is Arrangement: "rearrangement"
      default: "\(type(of: operation))"
      }
    }
  }

  private static func window(_ name: String, _ height: Int, _ width: Int, _ stride: Int) -> String {
    "\(height)×\(width) \(name)\(stride == 1 ? "" : ", stride \(stride)")"
  }
}
