import Classification

extension ResNet {
  /// The network in evaluation, with its present weights; later training does not change it.
  public var graph: NetworkGraph {
    var graph = NetworkGraph(imageShape: architecture.imageShape)
    var activation = graph.relu("stem", of: graph.add("stem", stem, of: 0))
    for (stage, blocks) in stages.enumerated() {
      for (index, block) in blocks.enumerated() {
        activation = graph.add("\(stage + 1).\(index)", block, of: activation)
      }
    }
    _ = graph.product("dense", dense.convolution, of: graph.mean("mean", of: activation))
    return graph
  }
}

extension NetworkGraph {
  fileprivate mutating func add(
    _ name: String, _ layer: ConvolutionNormalization, of input: Int
  ) -> Int {
    let (scale, shift) = layer.normalization.foldedForEvaluation()
    return affine(
      name, scale: scale, shift: shift, of: product(name, layer.convolution, of: input))
  }

  fileprivate mutating func add(_ name: String, _ block: ResidualBlock, of input: Int) -> Int {
    let shortcut =
      switch block.shortcut {
      case .identity: input
      case .projection(let projection): add("\(name).shortcut", projection, of: input)
      case .copy(let copy): product("\(name).shortcut", copy, of: input)
      }
    var activation = input
    for (index, layer) in block.layers.enumerated() {
      let layerName = "\(name).conv\(index + 1)"
      activation = add(layerName, layer, of: activation)
      if index == block.layers.count - 1 {
        activation = sum(layerName, of: activation, and: shortcut)
      }
      activation = relu(layerName, of: activation)
    }
    return activation
  }
}
