import Classification
import KernelTables
import NeuralNetwork

/// A part of a function that a model writes as several operators, and the graph as one.
enum Inner {
  /// factor · x^power · (erf(x / √2) + summand): of x·Φ(x), where the factor is ½ and both others 1.
  case errorFunction(of: View, factor: Double, power: Int, summand: Int)
  /// Over one dimension, which is then 1 wide, or gone.
  case mean(of: View, axis: Int, keepsDimension: Bool)
  /// x − mean(x).
  case centred(View, axis: Int)
  /// (x − mean(x))².
  case squared(View, axis: Int)
  /// mean((x − mean(x))²) + ε.
  case variance(View, axis: Int, epsilon: Double)
  /// The root of a variance.
  case deviation(View, axis: Int, epsilon: Double)
  /// max(‖x‖₂, floor) over one dimension, which is then 1 wide.
  case length(of: View, axis: Int, floor: Float)
  /// Which numbers are above another.
  case exceeds(View, threshold: Float)
}

extension Importer {
  // MARK: One number at a time

  mutating func activation(_ function: Activation, of node: Operands) throws -> View {
    try activation(function, of: view(node, 0), node.name)
  }

  mutating func activation(_ function: Activation, of view: View, _ name: String) throws -> View {
    let view = try whole(view, name)
    var result = view
    result.value = graph.activation(name, function, of: view.value)
    applied[result.value] = AppliedFunction(function: function, source: view.value)
    return result
  }

  /// tanh(x) = 2 · sigmoid(2x) − 1.
  mutating func hyperbolicTangent(_ view: View, _ node: Operands) throws -> View {
    let doubled = try scaled(view, by: 2, node.name)
    return try scaled(
      activation(.sigmoid, of: doubled, node.name), by: 2, plus: -1, node.name)
  }

  /// With slopes that differ, relu(x) − slope · relu(−x).
  mutating func parametricReLU(_ node: Operands) throws -> View {
    let stored = try node.floats(1)
    guard let slopes = stored.floats(), let slope = slopes.first else {
      throw Unsupported("without slopes")
    }
    if slopes.allSatisfy({ $0 == slope }) {
      return try activation(.leakyReLU(slope: slope), of: node)
    }
    if !stored.name.isEmpty { parameters[stored.name] = stored.count }
    let x = try whole(view(node, 0), node.name)
    let below = try activation(.relu, of: scaled(x, by: -1, node.name), node.name)
    return try sum(
      activation(.relu, of: x, node.name),
      affine(
        below, scale: Grid(slopes.map { -Double($0) }, shape: stored.shape),
        shift: Grid([0], shape: []), node.name), node.name)
  }

  /// α · elu(x / α) with an ELU of scale 1.
  mutating func continuousELU(_ node: Operands) throws -> View {
    let alpha = try node.float("alpha") ?? 1
    guard alpha > 0, alpha.isFinite else { throw Unsupported("with alpha = \(alpha)") }
    let inner = try scaled(view(node, 0), by: 1 / Double(alpha), node.name)
    return try scaled(
      activation(.elu(scale: 1), of: inner, node.name), by: Double(alpha), node.name)
  }

  /// γ · elu(x); the standard's numbers are those for which activations keep mean 0 and variance 1.
  mutating func scaledELU(_ node: Operands) throws -> View {
    let scale = try node.float("alpha") ?? 1.673_263_192_176_818_847_656_25
    let gamma = try node.float("gamma") ?? 1.050_701_022_148_132_324_218_75
    return try scaled(activation(.elu(scale: scale), of: node), by: Double(gamma), node.name)
  }

  /// x · tanh(softplus(x)).
  mutating func mish(_ node: Operands) throws -> View {
    let x = try whole(view(node, 0), node.name)
    let gate = try hyperbolicTangent(activation(.softplus, of: x, node.name), node)
    return try product(x, gate, node)
  }

  /// x · sigmoid(αx).
  mutating func swish(_ node: Operands) throws -> View {
    let alpha = try node.float("alpha") ?? 1
    guard alpha.isFinite else { throw Unsupported("with alpha = \(alpha)") }
    let x = try whole(view(node, 0), node.name)
    let inner = try alpha == 1 ? x : scaled(x, by: Double(alpha), node.name)
    return try product(x, activation(.sigmoid, of: inner, node.name), node)
  }

  mutating func clip(_ node: Operands) throws -> Value {
    let lower = try node.float("min", orInput: 1) ?? -.infinity
    let upper = try node.float("max", orInput: 2) ?? .infinity
    guard lower <= upper else { throw Unsupported("from \(lower) to \(upper)") }
    switch try node.value(0) {
    case .floats(let tensor):
      return .floats(try Self.computed(tensor) { min(max($0, lower), upper) })
    case .inner(.length(let x, let axis, let floor))
    where upper >= .greatestFiniteMagnitude && lower < .infinity:
      return .inner(.length(of: x, axis: axis, floor: max(floor, lower)))
    default: break
    }
    if lower == 0, upper >= .greatestFiniteMagnitude {
      return .view(try activation(.relu, of: node))
    }
    return .view(try activation(.clip(lower: lower, upper: upper), of: node))
  }

  /// The larger of whole numbers, or of a length and a stored number.
  func maximum(_ node: Operands) throws -> Value {
    if node.has(0), node.has(1), !node.has(2) {
      switch (try node.value(0), try node.value(1)) {
      case (.inner(.length(let x, let axis, let floor)), .floats(let stored)),
        (.floats(let stored), .inner(.length(let x, let axis, let floor))):
        guard stored.count == 1, let number = stored.floats()?.first, number.isFinite else {
          throw Unsupported("of a length and several numbers")
        }
        return .inner(.length(of: x, axis: axis, floor: max(floor, number)))
      case (.floats(let a), .floats(let b)): return .floats(try Self.computed("Max", a, b))
      default: break
      }
    }
    return .integers(try wholeNumbers(node))
  }

  /// The length over one dimension.
  func length(_ node: Operands) throws -> Value {
    guard try node.integer("keepdims") ?? 1 != 0, let axes = try node.list("axes", orInput: 1),
      axes.count == 1
    else { throw Unsupported("over other than one dimension, which stays") }
    switch try node.value(0) {
    case .view(let view):
      let axis = try node.axis(axes[0], ofImagesIn: view)
      return .inner(.length(of: view, axis: axis, floor: 0))
    case .floats(let tensor):
      let axis = try node.axis(axes[0], rank: tensor.shape.count)
      guard tensor.count <= 1 << 20, let values = tensor.floats() else {
        throw Unsupported("of too many stored numbers")
      }
      var shape = tensor.shape
      let behind = shape[(axis + 1)...].reduce(1, *)
      let row = behind * shape[axis]
      shape[axis] = 1
      var squares = [Double](repeating: 0, count: shape.reduce(1, *))
      for (place, value) in values.enumerated() {
        squares[place / row * behind + place % behind] += Double(value) * Double(value)
      }
      return .floats(ONNXTensor(squares.map { Float($0.squareRoot()) }, shape: shape))
    case .integers, .inner:
      throw Unsupported("of something other than numbers of the image or of the file")
    }
  }

  /// x / ‖x‖₂, and 0 where that is 0.
  mutating func unitLength(_ node: Operands) throws -> View {
    guard try node.integer("p") ?? 2 == 2 else { throw Unsupported("with p other than 2") }
    let view = try view(node, 0)
    let axis = try node.axis(node.integer("axis") ?? -1, ofImagesIn: view)
    return try divided(view, byLengthOver: axis, floor: .leastNormalMagnitude, node.name)
  }

  private mutating func divided(
    _ view: View, byLengthOver axis: Int, floor: Float, _ name: String
  ) throws -> View {
    let pixels = view.parts.indices.filter { $0 != axis }
    let value = try placed(view, pixels: pixels, channels: [axis], name)
    return View(
      value: graph.lengthNormalization(name, floor: floor, of: value),
      parts: Self.parts(pixels: pixels, channels: [axis], view.extents), hasBatch: view.hasBatch)
  }

  mutating func hardSigmoid(
    _ view: View, slope: Float, shift: Float, _ node: Operands
  ) throws -> View {
    try activation(
      .clip(lower: 0, upper: 1),
      of: scaled(view, by: Double(slope), plus: Double(shift), node.name), node.name)
  }

  mutating func gelu(_ node: Operands) throws -> View {
    switch try node.text("approximate") ?? "none" {
    case "none": return try activation(.gelu, of: node)
    case "tanh":
      // ½x · (1 + tanh(u)) = x · sigmoid(2u) with u = √(2/π) · (x + 0.044715 x³).
      let x = try whole(view(node, 0), node.name)
      let cube = try product(product(x, x, node), x, node)
      let inner = try sum(x, scaled(cube, by: 0.044715, node.name), node.name)
      let factor = 2 * (2 / Double.pi).squareRoot()
      return try product(
        x, activation(.sigmoid, of: scaled(inner, by: factor, node.name), node.name), node)
    case let other: throw Unsupported("with approximate = \(other)")
    }
  }

  private mutating func scaled(
    _ view: View, by scale: Double, plus shift: Double = 0, _ name: String
  ) throws -> View {
    try affine(view, scale: Grid([scale], shape: []), shift: Grid([shift], shape: []), name)
  }

  /// Which numbers are above a stored one.
  func comparison(_ node: Operands) throws -> Inner {
    guard case .view(let view) = try node.value(0), case .floats(let stored) = try node.value(1),
      stored.count == 1, let threshold = stored.floats()?.first
    else { throw Unsupported("of something other than the image's numbers and a stored one") }
    return .exceeds(view, threshold: threshold)
  }

  /// x where βx is above a threshold, and softplus(βx) / β elsewhere, as PyTorch's exporter writes it; from 20 on
  /// both are the same number.
  func softplus(where view: View, exceeds threshold: Float, _ node: Operands) throws -> View {
    let other = Unsupported("of something other than a softplus and what it is of")
    guard case .view(let x) = try node.value(1), case .view(let y) = try node.value(2),
      threshold >= 20,
      [x, y].allSatisfy({ $0.parts == view.parts && $0.hasBatch == view.hasBatch })
    else { throw other }
    let softplus = AppliedFunction(function: .softplus, source: view.value)
    if x.value == view.value, applied[y.value] == softplus { return y }
    guard let inner = affine[view.value]?.step, let outer = affine[y.value]?.step,
      inner.source == x.value, applied[outer.source] == softplus, let beta = inner.factor,
      let share = outer.factor, abs(beta * share - 1) < 1e-6
    else { throw other }
    return y
  }

  // MARK: Arithmetic

  mutating func arithmetic(_ node: Operands) throws -> Value {
    let operation = node.node.operation
    let first = try node.value(0)
    if ["Sqrt", "Neg"].contains(operation) {
      switch first {
      case .floats(let tensor):
        return .floats(
          try Self.computed(tensor) { operation == "Neg" ? -$0 : $0.squareRoot() })
      case .integers: return .integers(try wholeNumbers(node))
      case .inner(.variance(let view, let axis, let epsilon)) where operation == "Sqrt":
        return .inner(.deviation(view, axis: axis, epsilon: epsilon))
      case .view, .inner:
        guard operation == "Neg" else { throw Unsupported("of the image's numbers") }
        return .view(try scaled(view(node, 0), by: -1, node.name))
      }
    }
    let second = try node.value(1)
    switch (first, second) {
    case (.integers, .integers): return .integers(try wholeNumbers(node))
    case (.floats(let a), .floats(let b)): return .floats(try Self.computed(operation, a, b))
    case (.integers, _), (_, .integers): throw Unsupported("of whole numbers and others")
    case (.inner(let inner), .floats(let constant)):
      if let result = try followed(inner, operation, constant, isFirst: true, node.name) {
        return result
      }
    case (.floats(let constant), .inner(let inner)):
      if let result = try followed(inner, operation, constant, isFirst: false, node.name) {
        return result
      }
    case (.view(let a), .inner(let inner)):
      if let result = try followed(a, operation, inner, isFirst: true, node.name) { return result }
    case (.inner(let inner), .view(let a)):
      if let result = try followed(a, operation, inner, isFirst: false, node.name) { return result }
    case (.inner(.centred(let x, let axis)), .inner(.deviation(let y, let other, let epsilon)))
    where operation == "Div" && x == y && axis == other:
      return .view(
        try normalized(x, over: [axis], scale: nil, shift: nil, epsilon: Float(epsilon), node.name))
    case (.inner(.centred(let x, let axis)), .inner(.centred(let y, let other)))
    where operation == "Mul" && x == y && axis == other:
      return .inner(.squared(x, axis: axis))
    default: break
    }
    switch (first, second) {
    case (_, .floats(let constant)):
      return .view(try arithmetic(view(node, 0), operation, constant, node))
    case (.floats(let constant), _):
      let view = try view(node, 1)
      switch operation {
      case "Add", "Mul": return .view(try arithmetic(view, operation, constant, node))
      case "Sub":
        return .view(try arithmetic(scaled(view, by: -1, node.name), "Add", constant, node))
      default: throw Unsupported("of a number by the image's")
      }
    default:
      let (a, b) = (try view(node, 0), try view(node, 1))
      switch operation {
      case "Add": return .view(try sum(a, b, node.name))
      case "Sub": return .view(try sum(a, scaled(b, by: -1, node.name), node.name))
      case "Mul": return .view(try product(a, b, node))
      default: throw Unsupported("of two values that depend on the image")
      }
    }
  }

  /// The images' numbers and stored ones.
  private mutating func arithmetic(
    _ view: View, _ operation: String, _ constant: ONNXTensor, _ node: Operands
  ) throws -> View {
    guard let floats = constant.floats() else {
      throw Unsupported("with weights beyond 32-bit floating point")
    }
    if !constant.name.isEmpty { parameters[constant.name] = constant.count }
    let numbers = Grid(floats.map(Double.init), shape: constant.shape)
    let (zero, one) = (Grid([0.0], shape: []), Grid([1.0], shape: []))
    func each(_ function: (Double) -> Double) -> Grid<Double> { numbers.map(function) }
    switch operation {
    case "Add": return try affine(view, scale: one, shift: numbers, node.name)
    case "Sub": return try affine(view, scale: one, shift: each { -$0 }, node.name)
    case "Mul": return try affine(view, scale: numbers, shift: zero, node.name)
    case "Div": return try affine(view, scale: each { 1 / $0 }, shift: zero, node.name)
    case "Pow":
      switch numbers.elements {
      case [1]: return view
      case [2]: return try product(view, view, node)
      case [3]: return try product(product(view, view, node), view, node)
      default: throw Unsupported("with an exponent other than 2 or 3")
      }
    default: throw Unsupported()
    }
  }

  /// Two views under one shape, each a whole value of the graph with the same order in memory.
  private mutating func aligned(_ views: (View, View), _ name: String) throws -> (View, View) {
    let (a, b) = (try whole(views.0, name), try whole(views.1, name))
    if a.parts == b.parts {
      var other = b
      other.value = try under(graph.values[a.value], b.value, name)
      return (a, other)
    }
    return (try byChannels(a, name), try byChannels(b, name))
  }

  mutating func sum(_ a: View, _ b: View, _ name: String) throws -> View {
    var (result, other) = try aligned(Self.broadcast(Self.ranked(a, b)), name)
    result.value = graph.sum(name, of: result.value, and: other.value)
    return result
  }

  mutating func product(_ a: View, _ b: View, _ node: Operands) throws -> View {
    let (a, b) = try Self.ranked(a, b)
    if let result = try scaledPixels(a, b, node.name) ?? scaledPixels(b, a, node.name) {
      return result
    }
    var (result, other) = try aligned(Self.broadcast((a, b)), node.name)
    // x · sigmoid(x).
    for (x, y) in [(result.value, other.value), (other.value, result.value)]
    where applied[y] == AppliedFunction(function: .sigmoid, source: x) {
      result.value = graph.activation(node.name, .silu, of: x)
      return result
    }
    result.value = graph.times(node.name, of: result.value, and: other.value)
    return result
  }

  /// Every pixel of a times the same numbers, which are all that b has; nil where they are others. Both have as many
  /// dimensions.
  private mutating func scaledPixels(_ a: View, _ b: View, _ name: String) throws -> View? {
    guard a.parts.count == 3, b.parts.count == 3, a.count > b.count,
      let channel = (0..<3).first(where: {
        b.parts[$0].extent == a.parts[$0].extent && b.count == a.parts[$0].extent
      })
    else { return nil }
    let pixels = (0..<3).filter { $0 != channel }
    let value = graph.times(
      name, of: try placed(a, pixels: pixels, channels: [channel], name),
      and: try placed(b, pixels: pixels, channels: [channel], name))
    return View(
      value: value, parts: Self.parts(pixels: pixels, channels: [channel], a.extents),
      hasBatch: a.hasBatch)
  }

  /// Two views of as many dimensions under the shape to which both are broadcast, as NumPy does.
  private static func broadcast(_ views: (View, View)) throws -> (View, View) {
    let (a, b) = views
    guard let extents = broadcastShape(a.extents, b.extents) else {
      throw Unsupported("of \(a.extents) and \(b.extents)")
    }
    return (try a.repeated(to: extents), try b.repeated(to: extents))
  }

  /// Two views of as many dimensions, both with one for the images or neither.
  private static func ranked(_ a: View, _ b: View) throws -> (View, View) {
    /// The first with what the second has more.
    func fitted(_ view: View, to other: View) throws -> View {
      var view = view
      var missing = other.parts.count - view.parts.count
      if !view.hasBatch, other.hasBatch {
        // Without a dimension for images there is one image; a first one that is 1 wide stands for it.
        if missing == -1, view.parts[0].extent == 1 {
          view.parts.removeFirst()
          missing = 0
        }
        guard missing >= 0 else { throw Unsupported("of \(a.extents) and \(b.extents)") }
      } else if view.hasBatch, missing > 0 {
        // Dimensions meet from behind, so that of the images would meet another.
        throw Unsupported("of \(a.extents) and \(b.extents)")
      }
      view.parts.insert(
        contentsOf: [Part](repeating: Part(extent: 1, stride: 0), count: max(0, missing)), at: 0)
      view.hasBatch = view.hasBatch || other.hasBatch
      return view
    }
    if a.hasBatch {
      let b = try fitted(b, to: a)
      return (try fitted(a, to: b), b)
    }
    let a = try fitted(a, to: b)
    return (a, try fitted(b, to: a))
  }

  // MARK: Stored numbers

  private static func computed(
    _ tensor: ONNXTensor, _ function: (Float) -> Float
  ) throws -> ONNXTensor {
    guard tensor.count <= 1 << 20, let values = tensor.floats() else {
      throw Unsupported("of too many stored numbers")
    }
    return ONNXTensor(values.map(function), shape: tensor.shape).named(after: tensor)
  }

  private static func computed(
    _ operation: String, _ a: ONNXTensor, _ b: ONNXTensor
  ) throws -> ONNXTensor {
    guard let shape = broadcastShape(a.shape, b.shape),
      shape.reduce(1, { $0 > 1 << 20 ? $0 : $0 * max($1, 1) }) <= 1 << 20, let x = a.floats(),
      let y = b.floats(),
      let x = Grid(x, shape: a.shape).broadcast(to: shape),
      let y = Grid(y, shape: b.shape).broadcast(to: shape)
    else { throw Unsupported("of stored numbers of the shapes \(a.shape) and \(b.shape)") }
    let function: (Float, Float) -> Float
    switch operation {
    case "Add": function = (+)
    case "Sub": function = (-)
    case "Mul": function = (*)
    case "Div": function = (/)
    case "Max": function = { max($0, $1) }
    default: throw Unsupported("of stored numbers")
    }
    return ONNXTensor(zip(x.elements, y.elements).map(function), shape: shape)
      .named(after: b).named(after: a)
  }

  // MARK: Functions in several operators

  mutating func errorFunction(_ node: Operands) throws -> Value {
    let view = try view(node, 0)
    // Written in 32 bits, in one way or another.
    guard let map = affine[view.value]?.step, let factor = map.factor,
      abs(factor - 0.5.squareRoot()) < 1e-6, view.goesThroughAll(count(view.value)),
      count(map.source) == count(view.value)
    else { throw Unsupported("of something other than x / √2, as GELU has it") }
    var x = view
    x.value = map.source
    return .inner(.errorFunction(of: x, factor: 1, power: 0, summand: 0))
  }

  /// An inner part and stored numbers; nil if that is no inner part.
  private mutating func followed(
    _ inner: Inner, _ operation: String, _ constant: ONNXTensor, isFirst: Bool, _ name: String
  ) throws -> Value? {
    guard constant.count == 1, let number = constant.floats()?.first.map(Double.init) else {
      return nil
    }
    switch (inner, operation) {
    case (.errorFunction(let x, let factor, let power, 0), "Add") where number == 1:
      return completed(x, factor: factor, power: power, summand: 1, name)
    case (.errorFunction(let x, let factor, let power, let summand), "Mul"):
      return completed(x, factor: factor * number, power: power, summand: summand, name)
    case (.errorFunction(let x, let factor, let power, let summand), "Div") where isFirst:
      return completed(x, factor: factor / number, power: power, summand: summand, name)
    case (.centred(let x, let axis), "Pow") where isFirst && number == 2:
      return .inner(.squared(x, axis: axis))
    case (.variance(let x, let axis, let epsilon), "Add"):
      return .inner(.variance(x, axis: axis, epsilon: epsilon + number))
    case (.variance(let x, let axis, let epsilon), "Pow") where isFirst && number == 0.5:
      return .inner(.deviation(x, axis: axis, epsilon: epsilon))
    default: return nil
    }
  }

  /// The images' numbers and an inner part; nil if that is no inner part.
  private mutating func followed(
    _ a: View, _ operation: String, _ inner: Inner, isFirst: Bool, _ name: String
  ) throws -> Value? {
    switch (inner, operation) {
    case (.errorFunction(let x, let factor, 0, let summand), "Mul"):
      if a == x { return completed(x, factor: factor, power: 1, summand: summand, name) }
      var source = a
      guard let map = affine[a.value]?.step, let scale = map.factor else { return nil }
      source.value = map.source
      return source == x
        ? completed(x, factor: factor * scale, power: 1, summand: summand, name) : nil
    case (.mean(let x, let axis, true), "Sub") where isFirst && a == x:
      return .inner(.centred(x, axis: axis))
    case (.length(let x, let axis, let floor), "Div") where isFirst && a == x:
      return .view(try divided(x, byLengthOver: axis, floor: floor, name))
    default: return nil
    }
  }

  private mutating func completed(
    _ x: View, factor: Double, power: Int, summand: Int, _ name: String
  ) -> Value {
    guard factor == 0.5, power == 1, summand == 1 else {
      return .inner(.errorFunction(of: x, factor: factor, power: power, summand: summand))
    }
    var result = x
    result.value = graph.activation(name, .gelu, of: x.value)
    return .view(result)
  }

  /// An inner part that something else than its function uses.
  mutating func computed(_ inner: Inner, _ node: Operands) throws -> View {
    switch inner {
    case .mean(let x, let axis, let keeps):
      return try mean(of: x, over: [axis], keepsDimensions: keeps, node.name)
    case .errorFunction: throw Unsupported("of an error function (Erf) outside of GELU")
    case .exceeds: throw Unsupported("of a comparison outside of softplus")
    case .length:
      throw Unsupported("of a length (ReduceL2) that does not divide what it is the length of")
    case .centred(let x, let axis), .squared(let x, let axis), .variance(let x, let axis, _),
      .deviation(let x, let axis, _):
      throw Unsupported(
        "of a part of a layer normalisation, over dimension \(axis) of \(x.extents)")
    }
  }

  mutating func reduceMean(_ node: Operands) throws -> Value {
    let keeps = try node.integer("keepdims") ?? 1 != 0
    let said = try node.list("axes", orInput: 1)
    if case .inner(.squared(let x, let axis)) = try node.value(0), keeps,
      let said, said.count == 1, try node.axis(said[0], rank: x.rank) == axis + x.firstOfImage
    {
      return .inner(.variance(x, axis: axis, epsilon: 0))
    }
    let view = try view(node, 0)
    guard let said, !said.isEmpty else { throw Unsupported("over everything") }
    let axes = try said.map { try node.axis($0, ofImagesIn: view) }
    guard Set(axes).count == axes.count else { throw Unsupported("twice over one dimension") }
    if axes.count == 1 { return .inner(.mean(of: view, axis: axes[0], keepsDimension: keeps)) }
    return .view(try mean(of: view, over: axes, keepsDimensions: keeps, node.name))
  }

  private mutating func mean(
    of view: View, over axes: [Int], keepsDimensions: Bool, _ name: String
  ) throws -> View {
    let others = view.parts.indices.filter { !axes.contains($0) }
    let value = graph.mean(
      name, of: try placed(view, pixels: axes.sorted(), channels: others, name))
    let extents = others.map { view.extents[$0] }
    var parts = rows(extents)
    if keepsDimensions {
      for axis in axes.sorted() { parts.insert(Part(extent: 1, stride: 0), at: axis) }
    }
    return View(value: value, parts: parts, hasBatch: view.hasBatch)
  }
}
