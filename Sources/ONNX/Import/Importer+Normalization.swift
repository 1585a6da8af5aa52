import Classification
import NeuralNetwork

extension Importer {
  mutating func batchNormalization(_ node: Operands) throws -> View {
    let view = try view(node, 0)
    guard try node.integer("training_mode") ?? 0 == 0 else {
      throw Unsupported("with the statistics of the batch (training_mode)")
    }
    guard try node.integer("spatial") ?? 1 == 1 else { throw Unsupported("with spatial = 0") }
    guard view.hasBatch, let channels = view.parts.first?.extent else {
      throw Unsupported("of \(view.rank) dimensions, not [N, C, …]")
    }
    var tensors: [[Double]] = []
    for place in 1...4 {
      let (values, _) = try weights(node, place)
      guard values.count == channels else {
        throw Unsupported("with \(values.count) numbers for \(channels) channels")
      }
      tensors.append(values.map(Double.init))
    }
    let epsilon = Double(try node.float("epsilon") ?? 1e-5)
    let scale = zip(tensors[0], tensors[3]).map { $0 / ($1 + epsilon).squareRoot() }
    let shift = zip(tensors[1], zip(tensors[2], scale)).map { $0 - $1.0 * $1.1 }
    let shape = [channels] + view.parts.dropFirst().map { _ in 1 }
    return try affine(
      view, scale: Grid(scale, shape: shape), shift: Grid(shift, shape: shape), node.name)
  }

  mutating func layerNormalization(_ node: Operands) throws -> View {
    let view = try view(node, 0)
    let first = try node.axis(node.integer("axis") ?? -1, ofImagesIn: view)
    let axes = Array(first..<view.parts.count)
    let shape = Array(view.extents[first...])
    let count = shape.reduce(1, *)
    let scale = try weights(node, 1).values
    let shift = node.has(2) ? try weights(node, 2).values : nil
    guard scale.count == count, shift.map({ $0.count == count }) != false else {
      throw Unsupported("with \(scale.count) numbers for \(count) channels")
    }
    let epsilon = try node.float("epsilon") ?? 1e-5
    guard first == 0, axes.count > 1 else {
      return try normalized(
        view, over: axes, scale: scale, shift: shift, epsilon: epsilon, node.name)
    }
    // Over whole images: one group, whose numbers stay where they are.
    let one = [Float](repeating: 1, count: view.extents[0])
    return try affine(
      grouped(view, groups: 1, scale: one, shift: one.map { _ in 0 }, epsilon, node.name),
      scale: Grid(scale.map(Double.init), shape: shape),
      shift: shift.map { Grid($0.map(Double.init), shape: shape) } ?? Grid([0], shape: []),
      node.name)
  }

  /// Over all pixels and the channels of a group; where it is of instances, every channel is a group.
  mutating func groupNormalization(_ node: Operands) throws -> View {
    let view = try view(node, 0)
    guard view.hasBatch, view.parts.count > 1 else {
      throw Unsupported("of \(view.rank) dimensions, not [N, C, …]")
    }
    let channels = view.extents[0]
    let isOfGroups = node.node.operation == "GroupNormalization"
    let groups = isOfGroups ? try node.integer("num_groups") ?? 0 : channels
    guard groups > 0, channels.isMultiple(of: groups) else {
      throw Unsupported("of \(channels) channels in \(groups) groups")
    }
    // Version 18 of the operator has a number for every group, version 21 one for every channel.
    let (scale, shift) = (try weights(node, 1).values, try weights(node, 2).values)
    let count = isOfGroups && node.operatorSet < 21 ? groups : channels
    guard scale.count == count, shift.count == count else {
      throw Unsupported("with \(scale.count) numbers for \(count) channels")
    }
    let epsilon = try node.float("epsilon") ?? 1e-5
    // Groups are written as instances too, each reshaped to one channel.
    if !isOfGroups, let origin = origin(of: view), origin.extents[0].isMultiple(of: channels) {
      let result = try grouped(
        origin, groups: channels, scale: scale, shift: shift, epsilon, node.name)
      return try reshaped(result, to: view.extents, node.name)
    }
    return try grouped(
      view, groups: groups, scale: scale, shift: shift, epsilon, node.name)
  }

  /// Normalisation over groups of the first dimension's entries and all of the others.
  ///
  /// - Parameter scale, shift: for every entry of the first dimension, or for as many that follow each other.
  private mutating func grouped(
    _ view: View, groups: Int, scale: [Float], shift: [Float], _ epsilon: Float, _ name: String
  ) throws -> View {
    var result = try byChannels(view, name)
    let channels = view.extents[0]
    func each(_ numbers: [Float]) throws -> Tensor {
      try Self.tensor((0..<channels).map { numbers[$0 * numbers.count / channels] }, [channels])
    }
    result.value = graph.groupNormalization(
      name, groups: groups, scale: try each(scale), shift: try each(shift), epsilon: epsilon,
      of: result.value)
    return result
  }

  /// Layer normalisation over some dimensions, whose numbers are in the order of the model's.
  mutating func normalized(
    _ view: View, over axes: [Int], scale: [Float]?, shift: [Float]?, epsilon: Float, _ name: String
  ) throws -> View {
    let pixels = view.parts.indices.filter { !axes.contains($0) }
    let value = try placed(view, pixels: pixels, channels: axes, name)
    let channels = graph.values[value].channels
    return View(
      value: graph.channelNormalization(
        name, scale: try Self.tensor(scale ?? [Float](repeating: 1, count: channels), [channels]),
        shift: try Self.tensor(shift ?? [Float](repeating: 0, count: channels), [channels]),
        epsilon: epsilon, of: value),
      parts: Self.parts(pixels: pixels, channels: axes, view.extents), hasBatch: view.hasBatch)
  }
}
