import Classification
import Kernels
import NeuralNetwork

extension Importer {
  /// Operators that may be the next part of a function that is written as several.
  private static let parts: Set = [
    "Add", "Cast", "Clip", "Div", "Dropout", "Expand", "Identity", "Max", "Mul", "Neg", "Pow",
    "ReduceMean",
    "Sqrt", "Sub", "Where",
  ]

  /// What an operator makes; nil for a result that is not computed.
  ///
  /// - Throws: `Unsupported`.
  mutating func results(of node: Operands) throws -> [Value?] {
    guard node.node.domain.isEmpty else { throw Unsupported() }
    var node = node
    if !Self.parts.contains(node.node.operation) {
      for (place, value) in node.values.enumerated() {
        if case .inner(let inner) = value { node.values[place] = .view(try computed(inner, node)) }
      }
    }
    switch node.node.operation {
    // Layers.
    case "Conv": return [.view(try convolution(node))]
    case "Gemm": return [.view(try gemm(node))]
    case "MatMul": return [.view(try matrixProduct(node))]
    case "BatchNormalization": return [.view(try batchNormalization(node))]
    case "LayerNormalization": return [.view(try layerNormalization(node))]
    case "InstanceNormalization", "GroupNormalization":
      return [.view(try groupNormalization(node))]
    case "MaxPool": return [.view(try pooling(node, isMaximum: true))]
    case "AveragePool": return [.view(try pooling(node, isMaximum: false))]
    case "GlobalAveragePool", "GlobalMaxPool":
      return [.view(try globalPooling(node, isMaximum: node.node.operation == "GlobalMaxPool"))]
    case "ReduceMean": return [try reduceMean(node)]
    // One number at a time.
    case "Relu": return [.view(try activation(.relu, of: node))]
    case "LeakyRelu":
      return [.view(try activation(.leakyReLU(slope: node.float("alpha") ?? 0.01), of: node))]
    case "PRelu": return [.view(try parametricReLU(node))]
    case "Sigmoid": return [.view(try activation(.sigmoid, of: node))]
    case "Tanh": return [.view(try hyperbolicTangent(view(node, 0), node))]
    case "Elu":
      return [.view(try activation(.elu(scale: node.float("alpha") ?? 1), of: node))]
    case "Celu": return [.view(try continuousELU(node))]
    case "Selu": return [.view(try scaledELU(node))]
    case "Softplus": return [.view(try activation(.softplus, of: node))]
    case "Mish": return [.view(try mish(node))]
    case "Clip": return [try clip(node)]
    case "HardSigmoid":
      return [
        .view(
          try hardSigmoid(
            view(node, 0), slope: node.float("alpha") ?? 0.2, shift: node.float("beta") ?? 0.5, node
          ))
      ]
    case "HardSwish":
      let x = try view(node, 0)
      return [.view(try product(x, hardSigmoid(x, slope: 1 / 6, shift: 0.5, node), node))]
    case "Swish":
      return [.view(try swish(node))]
    case "Gelu": return [.view(try gelu(node))]
    case "Erf": return [try errorFunction(node)]
    case "ReduceL2": return [try length(node)]
    case "LpNormalization": return [.view(try unitLength(node))]
    case "Greater": return [.inner(try comparison(node))]
    case "Sqrt", "Neg", "Pow", "Add", "Sub", "Mul", "Div": return [try arithmetic(node)]
    // Other ways through memory.
    case "Identity": return [try node.value(0)]
    case "Dropout": return [try dropout(node)]
    case "Cast", "CastLike": return [try cast(node)]
    case "Reshape": return [try reshape(node)]
    case "Flatten": return [try flatten(node)]
    case "Squeeze", "Unsqueeze": return [try squeeze(node)]
    case "Transpose": return [try transpose(node)]
    case "Slice": return [try slice(node)]
    case "Split": return try split(node)
    case "Gather": return [try gather(node)]
    case "Concat": return [try concatenation(node)]
    case "Pad": return [.view(try padding(node))]
    case "Expand": return [try expand(node)]
    // Shapes.
    case "Constant": return [try constant(node)]
    case "Shape": return [try shape(node)]
    case "ConstantOfShape": return [try constantOfShape(node)]
    case "Where":
      if case .inner(.exceeds(let view, let threshold)) = try node.value(0) {
        return [.view(try softplus(where: view, exceeds: threshold, node))]
      }
      return [.integers(try wholeNumbers(node))]
    case "Max": return [try maximum(node)]
    case "Size", "Range", "Equal", "Min", "Mod", "ReduceProd":
      return [.integers(try wholeNumbers(node))]
    default: throw Unsupported()
    }
  }

  /// The images, or an inner part that is computed after all.
  mutating func view(_ node: Operands, _ place: Int) throws -> View {
    switch try node.value(place) {
    case .view(let view): return view
    case .inner(let inner): return try computed(inner, node)
    case .floats, .integers: throw Unsupported("of numbers that the image has no part in")
    }
  }

  /// What is given, as after training: a network that goes on to drop values, which operator set 12 has an input for, would
  /// be another one without.
  private func dropout(_ node: Operands) throws -> Value {
    let draws = try node.has(2) && node.list(2) != [0]
    let dropsNothing = try node.has(1) && node.vector(1, count: 1) == [0]
    guard !draws || dropsNothing else {
      throw Unsupported("that draws at every pass (training_mode)")
    }
    return try node.value(0)
  }

  // MARK: Layers

  /// Stored weights.
  ///
  /// - Throws: `Unsupported` for values that no Float32 holds.
  mutating func weights(_ node: Operands, _ place: Int) throws -> (values: [Float], shape: [Int]) {
    let tensor = try node.floats(place)
    guard let values = tensor.floats() else {
      throw Unsupported("with weights beyond 32-bit floating point")
    }
    if !tensor.name.isEmpty { parameters[tensor.name] = tensor.count }
    return (values, tensor.shape)
  }

  /// out = W x over the channels of every pixel; `weights` is [O, C].
  mutating func dense(
    _ value: Int, _ weights: [Float], outputs: Int, bias: [Float]?, _ name: String
  ) throws -> Int {
    let extents = graph.values[value]
    try Self.check([extents.height, extents.width, outputs])
    return graph.product(
      name,
      try Self.layer(
        weights, [outputs, extents.channels, 1, 1], bias: bias,
        ConvolutionGeometry(height: extents.height, width: extents.width, kernel: 1)), of: value)
  }

  mutating func gemm(_ node: Operands) throws -> View {
    let view = try view(node, 0)
    guard try node.integer("transA") ?? 0 == 0 else { throw Unsupported("of a transposed input") }
    guard view.rank == 2, view.hasBatch else {
      throw Unsupported("of \(view.rank) dimensions, not [N, C]")
    }
    let (stored, shape) = try weights(node, 1)
    guard shape.count == 2 else { throw Unsupported("with weights of the shape \(shape)") }
    let isTransposed = try node.integer("transB") ?? 0 != 0
    let (inputs, outputs) = isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    guard inputs == view.count else {
      throw Unsupported("with weights of the shape \(shape) on \(view.count) numbers")
    }
    var values = isTransposed ? stored : Grid(stored, shape: shape).transposed([1, 0]).elements
    if let alpha = try node.float("alpha"), alpha != 1 { values = values.map { $0 * alpha } }
    var bias: [Float]?
    if node.has(2) {
      let (stored, shape) = try weights(node, 2)
      guard shape.dropLast().allSatisfy({ $0 == 1 }),
        let row = Grid(stored, shape: [stored.count]).broadcast(to: [outputs])
      else { throw Unsupported("with a bias of the shape \(shape) for \(outputs) outputs") }
      let beta = try node.float("beta") ?? 1
      bias = beta == 1 ? row.elements : row.elements.map { $0 * beta }
    }
    let value = try placed(view, pixels: [], channels: [0], node.name)
    return View(
      value: try dense(value, values, outputs: outputs, bias: bias, node.name),
      parts: rows([outputs]), hasBatch: true)
  }

  /// A product with a stored matrix: of the last dimension with one on the right, or of the last but one with one
  /// on the left.
  mutating func matrixProduct(_ node: Operands) throws -> View {
    let isLeft = if case .floats = try node.value(0) { true } else { false }
    let view = try view(node, isLeft ? 1 : 0)
    let (stored, shape) = try weights(node, isLeft ? 0 : 1)
    let axis = view.parts.count - (isLeft ? 2 : 1)
    guard shape.count == 2, axis >= 0, shape[isLeft ? 1 : 0] == view.parts[axis].extent else {
      throw Unsupported("of \(view.extents) with a matrix of the shape \(shape)")
    }
    let outputs = shape[isLeft ? 0 : 1]
    let matrix = isLeft ? stored : Grid(stored, shape: shape).transposed([1, 0]).elements
    let others = view.parts.indices.filter { $0 != axis }
    let value = try dense(
      placed(view, pixels: others, channels: [axis], node.name), matrix, outputs: outputs,
      bias: nil,
      node.name)
    return View(
      value: value,
      parts: Self.parts(
        pixels: others, channels: [axis], view.extents.replacing(axis, with: outputs)),
      hasBatch: view.hasBatch)
  }

  /// The dimensions of a value that was made by `placed` and has such extents now.
  static func parts(pixels: [Int], channels: [Int], _ extents: [Int]) -> [Part] {
    let order = pixels + channels
    var parts = rows(extents)
    for (place, part) in zip(order, rows(order.map { extents[$0] })) { parts[place] = part }
    return parts
  }

  /// x · scale + shift; both are broadcast to the view's shape.
  ///
  /// The affine map of an affine map is one, which is what the graph gets.
  mutating func affine(
    _ view: View, scale: Grid<Double>, shift: Grid<Double>, _ name: String
  ) throws -> View {
    var view = try whole(view, name)
    guard let scales = inMemoryOrder(scale, for: view), let shifts = inMemoryOrder(shift, for: view)
    else {
      throw Unsupported(
        "of \(view.extents) with numbers of the shape \(scale.elements.count > shift.elements.count ? scale.shape : shift.shape)"
      )
    }
    var channels = graph.values[view.value].channels
    func repeats(_ numbers: [Double]) -> Bool {
      numbers.indices.allSatisfy { numbers[$0] == numbers[$0 % channels] }
    }
    if !repeats(scales) || !repeats(shifts) {
      if view.parts.count > 1, channels != view.parts[0].extent,
        [scale, shift].allSatisfy({ $0.varies(onlyAlong: 0, of: view.extents) })
      {
        // One for every channel of the model's, which lie elsewhere in memory.
        return try affine(byChannels(view, name), scale: scale, shift: shift, name)
      }
      // A number for every float: then each is a channel.
      channels = view.count
      view.value = try under(Extents(height: 1, width: 1, channels: channels), view.value, name)
    }
    let step = AffineMap(
      source: view.value, scale: Array(scales[..<channels]), shift: Array(shifts[..<channels]))
    var map = step
    if let inner = affine[view.value]?.whole {
      map.source = inner.source
      for channel in 0..<channels {
        map.shift[channel] += map.scale[channel] * inner.shift[channel]
        map.scale[channel] *= inner.scale[channel]
      }
    }
    view.value = graph.affine(
      name, scale: Self.vector(map.scale), shift: Self.vector(map.shift), of: map.source)
    affine[view.value] = (step, map)
    return view
  }

  static func vector(_ numbers: [Double]) -> Tensor {
    var tensor = Tensor(uninitialized: [numbers.count])
    for (place, number) in numbers.enumerated() { tensor[place] = Float(number) }
    return tensor
  }

  static func tensor(_ numbers: [Float], _ shape: [Int]) throws -> Tensor {
    do { return try Tensor(numbers, shape: shape) } catch { throw Unsupported("\(error)") }
  }

  static func layer(
    _ weights: [Float], _ shape: [Int], bias: [Float]?, _ geometry: ConvolutionGeometry
  ) throws -> Convolution {
    let layer = Convolution(
      inputChannels: shape[1], outputChannels: shape[0], geometry: geometry, hasBias: bias != nil)
    layer.weight.value = try tensor(weights, shape)
    if let bias { layer.bias?.value = try tensor(bias, [shape[0]]) }
    return layer
  }
}

extension [Int] {
  func replacing(_ place: Int, with value: Int) -> [Int] {
    var result = self
    result[place] = value
    return result
  }
}
