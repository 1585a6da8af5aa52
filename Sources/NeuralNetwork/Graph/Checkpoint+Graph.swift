import Classification
import Kernels

extension Checkpoint {
  /// What the network computes in evaluation.
  ///
  /// - Throws: `StateError` if the checkpoint's tensors do not fit.
  public func graph() throws -> NetworkGraph {
    guard architecture.block == .preActivation else { return try network().graph }
    let problems = StateError.problems(of: tensors, for: architecture.stateShapes)
    guard problems.isEmpty else { throw StateError(problems: problems) }
    var builder = PreActivation(
      tensors: tensors, graph: NetworkGraph(imageShape: architecture.imageShape))
    builder.build(architecture)
    return builder.graph
  }
}

/// Makes the graph of a pre-activation network from its tensors, which are all there.
private struct PreActivation {
  let tensors: [String: Tensor]
  var graph: NetworkGraph

  mutating func build(_ architecture: ResNet.Architecture) {
    var activation = convolution("stem", "conv1", of: 0)
    for (stage, count) in architecture.blocks.enumerated() {
      for index in 0..<count {
        activation = block(
          "\(stage + 1).\(index)", ResNet.Architecture.path(.preActivation, stage, index),
          stride: stage > 0 && index == 0 ? 2 : 1, of: activation)
      }
    }
    let mean = graph.mean("mean", of: rectified("last", "bn1", of: activation))
    let dense = Dense(
      weight: Parameter(tensor("fc_dense.weight")), bias: Parameter(tensor("fc_dense.bias")))
    _ = graph.product("dense", dense.convolution, of: mean)
  }

  /// x + conv2(relu(bn2(conv1(h)))) with h = relu(bn1(x)), where x is convShortcut(h) if there is one.
  private mutating func block(
    _ name: String, _ path: String, stride: Int, of input: Int
  ) -> Int {
    let first = rectified("\(name).norm", "\(path).bn1", of: input)
    let shortcut =
      tensors["\(path).convShortcut.weight"] == nil
      ? input
      : convolution("\(name).shortcut", "\(path).convShortcut", stride: stride, of: first)
    let inner = convolution("\(name).conv1", "\(path).conv1", stride: stride, of: first)
    let second = rectified("\(name).conv1", "\(path).bn2", of: inner)
    let last = convolution("\(name).conv2", "\(path).conv2", of: second)
    return graph.sum("\(name).conv2", of: last, and: shortcut)
  }

  private mutating func convolution(
    _ name: String, _ path: String, stride: Int = 1, of input: Int
  ) -> Int {
    let (weight, extents) = (tensor("\(path).weight"), graph.values[input])
    let kernel = weight.shape[2]
    return graph.product(
      name,
      Convolution(
        weight: Parameter(weight), bias: nil,
        geometry: ConvolutionGeometry(
          height: extents.height, width: extents.width, kernel: kernel, stride: stride,
          padding: kernel / 2)), of: input)
  }

  /// ReLU behind a batch normalisation.
  private mutating func rectified(_ name: String, _ path: String, of input: Int) -> Int {
    let (scale, shift) = BatchNormalization.folded(
      weight: tensor("\(path).weight"), bias: tensor("\(path).bias"),
      mean: tensor("\(path).running_mean"), variance: tensor("\(path).running_var"))
    return graph.relu(name, of: graph.affine(name, scale: scale, shift: shift, of: input))
  }

  private func tensor(_ path: String) -> Tensor { tensors[path] ?? Tensor(shape: [0]) }
}
