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
    let first = try node.axis(node.integer("axis") ?? -1, rank: view.rank) - (view.hasBatch ? 1 : 0)
    guard view.parts.indices ~= first else { throw Unsupported("over the images") }
    let axes = Array(first..<view.parts.count)
    let count = axes.reduce(1) { $0 * view.extents[$1] }
    let scale = try weights(node, 1).values
    let shift = node.has(2) ? try weights(node, 2).values : nil
    guard scale.count == count, shift.map({ $0.count == count }) != false else {
      throw Unsupported("with \(scale.count) numbers for \(count) channels")
    }
    return try normalized(
      view, over: axes, scale: scale, shift: shift, epsilon: node.float("epsilon") ?? 1e-5,
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
    // Before version 21 the numbers were the groups', which nobody had meant.
    let (scale, shift) = (try weights(node, 1).values, try weights(node, 2).values)
    let count = isOfGroups && node.operatorSet < 21 ? groups : channels
    guard scale.count == count, shift.count == count else {
      throw Unsupported("with \(scale.count) numbers for \(count) channels")
    }
    func ofEveryChannel(_ numbers: [Float]) -> Grid<Double> {
      Grid(
        (0..<channels).map { Double(numbers[$0 * count / channels]) },
        shape: [channels] + view.parts.dropFirst().map { _ in 1 })
    }
    let apart = try reshaped(
      view, to: [groups, channels / groups] + view.extents.dropFirst(), node.name)
    let normal = try normalized(
      apart, over: Array(1..<apart.parts.count), scale: nil, shift: nil,
      epsilon: node.float("epsilon") ?? 1e-5, node.name)
    return try affine(
      reshaped(normal, to: view.extents, node.name), scale: ofEveryChannel(scale),
      shift: ofEveryChannel(shift), node.name)
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
