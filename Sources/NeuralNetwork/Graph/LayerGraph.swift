import Classification
import KernelTables
import Kernels

/// A network as layers with parameters, in an order in which they can be computed: what is trained, and what a
/// `NetworkGraph` is made from.
///
/// Value 0 is the image on the network's own scale; every layer makes one new value, [N, H, W, C].
package struct LayerGraph {
  enum Layer {
    case convolution(Convolution)
    /// A convolution whose weights stay as they are.
    case fixed(Convolution)
    case normalization(BatchNormalization)
    case activation(Activation)
    /// The sum of two values.
    case sum
    case dense(Dense)
    /// Anything without parameters and with one input.
    case operation(any GraphOperator)
  }

  private struct Node {
    /// Such as "2.0.conv1", for profiles.
    var name: String
    var layer: Layer
    var inputs: [Int]
  }

  /// Layers that are computed in one go: out = activation(layer(in) + addend).
  private struct Step {
    var layer: Layer
    var inputs: [Int]
    var addend: Int?
    var relu = false
    var output: Int
  }

  /// The extents of every value, by number.
  private(set) var values: [NetworkGraph.Extents]
  private let imageShape: ImageShape
  private var nodes: [Node] = []

  init(imageShape: ImageShape) {
    self.imageShape = imageShape
    values = NetworkGraph(imageShape: imageShape).values
  }

  /// Adds a layer; returns the number of its value.
  mutating func add(_ name: String, _ layer: Layer, of inputs: Int...) -> Int {
    let input = values[inputs[0]]
    let extents =
      switch layer {
      case .convolution(let layer), .fixed(let layer):
        NetworkGraph.Extents(
          height: layer.geometry.outputHeight, width: layer.geometry.outputWidth,
          channels: layer.outputChannels)
      case .normalization, .activation, .sum: input
      case .dense(let layer):
        NetworkGraph.Extents(height: 1, width: 1, channels: layer.weight.value.shape[0])
      case .operation(let operation): operation.extents
      }
    values.append(extents)
    nodes.append(Node(name: name, layer: layer, inputs: inputs))
    return values.count - 1
  }

  /// Adds an operation that fits the value.
  mutating func add(_ name: String, _ operation: (any GraphOperator)?, of input: Int) -> Int {
    guard let operation else { preconditionFailure("\(name) does not fit its input") }
    return add(name, .operation(operation), of: input)
  }

  /// What the layers compute in evaluation, with their present parameters.
  var graph: NetworkGraph {
    var graph = NetworkGraph(imageShape: imageShape)
    for node in nodes {
      let input = node.inputs[0]
      switch node.layer {
      case .convolution(let layer), .fixed(let layer):
        _ = graph.product(node.name, layer, of: input)
      case .normalization(let layer):
        let (scale, shift) = layer.foldedForEvaluation()
        _ = graph.affine(node.name, scale: scale, shift: shift, of: input)
      case .activation(let function): _ = graph.activation(node.name, function, of: input)
      case .dense(let layer): _ = graph.product(node.name, layer.convolution, of: input)
      case .sum: _ = graph.sum(node.name, of: input, and: node.inputs[1])
      case .operation(let operation): _ = graph.add(node.name, operation, [input])
      }
    }
    return graph
  }

  /// The layers in as few steps as can be: a sum, and then a ReLU, goes into the normalisation that it alone uses.
  private func steps() -> [Step] {
    var users = [Int](repeating: 0, count: values.count)
    for input in nodes.flatMap(\.inputs) { users[input] += 1 }
    var steps: [Step] = []
    /// The normalisation that makes a value, if its value is used once and no ReLU stands behind it.
    func normalization(_ value: Int) -> Int? {
      guard users[value] == 1, let place = steps.lastIndex(where: { $0.output == value }),
        case .normalization = steps[place].layer, !steps[place].relu
      else { return nil }
      return place
    }
    for (index, node) in nodes.enumerated() {
      let output = index + 1
      switch node.layer {
      case .sum:
        let (a, b) = (node.inputs[0], node.inputs[1])
        // The other term has to be there already, so only the step made last can take it.
        if let place = normalization(a), place == steps.count - 1, steps[place].addend == nil {
          steps[place].addend = b
          steps[place].output = output
        } else {
          steps.append(Step(layer: node.layer, inputs: node.inputs, output: output))
        }
      case .activation(.relu):
        if let place = normalization(node.inputs[0]) {
          steps[place].relu = true
          steps[place].output = output
        } else {
          fallthrough
        }
      default: steps.append(Step(layer: node.layer, inputs: node.inputs, output: output))
      }
    }
    return steps
  }

  // MARK: Passes

  /// What the backward pass needs of a forward pass.
  package struct Cache: Sendable {
    /// By number; only those that a step makes.
    fileprivate var values: [Int: Tensor]
    /// By the number of their value.
    fileprivate var normalizations: [Int: BatchNormalization.Cache] = [:]
  }

  /// Images [N, H, W, C] → the value that was made last.
  package func forward(
    _ images: Tensor, mode: Mode, on execution: Execution
  ) -> (output: Tensor, cache: Cache) {
    var cache = Cache(values: [0: images])
    func value(_ number: Int) -> Tensor {
      guard let value = cache.values[number] else { preconditionFailure("computed too late") }
      return value
    }
    for step in steps() {
      let input = value(step.inputs[0])
      let output: Tensor
      switch step.layer {
      case .convolution(let layer), .fixed(let layer):
        output = layer.forward(input, on: execution)
      case .normalization(let layer):
        let result = layer.forward(
          input, adding: step.addend.map(value), relu: step.relu, mode: mode, on: execution)
        output = result.output
        cache.normalizations[step.output] = result.cache
      case .dense(let layer): output = layer.forward(input, on: execution)
      case .sum: output = zip(input, value(step.inputs[1]), +)
      case .activation(let function):
        output = Activated(function, extents: values[step.output]).forward(input, on: execution)
      case .operation(let operation): output = operation.forward(input, on: execution)
      }
      cache.values[step.output] = output
    }
    return (value(values.count - 1), cache)
  }

  /// Sets the gradients of all parameters; returns that of the images if wanted.
  ///
  /// - Parameter gradient: that of the value that was made last.
  package func backward(
    _ gradient: Tensor, cache: Cache, wantsInputGradient: Bool, on execution: Execution
  ) -> Tensor? {
    var gradients = [values.count - 1: gradient]
    func add(_ gradient: Tensor?, to value: Int) {
      guard let gradient else { return }
      gradients[value] = gradients[value].map { zip(gradient, $0, +) } ?? gradient
    }
    for step in steps().reversed() {
      let place = step.inputs[0]
      guard let gradient = gradients.removeValue(forKey: step.output),
        let input = cache.values[place]
      else { continue }
      switch step.layer {
      case .convolution(let layer):
        // What other layers contribute is added while the product is stored.
        gradients[place] = layer.backward(
          gradient, input: input, adding: gradients[place],
          wantsInputGradient: place > 0 || wantsInputGradient, on: execution)
      case .fixed(let layer):
        gradients[place] = layer.inputGradient(gradient, adding: gradients[place], on: execution)
      case .normalization(let layer):
        guard let cache = cache.normalizations[step.output] else { continue }
        let result = layer.backward(
          gradient, cache: cache, wantsAddendGradient: step.addend != nil, on: execution)
        if let addend = step.addend { add(result.addend, to: addend) }
        add(result.input, to: place)
      case .dense(let layer): add(layer.backward(gradient, input: input, on: execution), to: place)
      case .sum:
        add(gradient, to: step.inputs[1])
        add(gradient, to: place)
      case .activation(let function):
        add(
          Activated(function, extents: values[step.output])
            .backward(gradient, input: input, on: execution), to: place)
      case .operation(let operation):
        add(operation.backward(gradient, input: input, on: execution), to: place)
      }
    }
    return gradients[0]
  }
}

extension NetworkOperator {
  /// Of an operator with one input: [N, H, W, C] → its value.
  fileprivate func forward(_ input: Tensor, on execution: Execution) -> Tensor {
    let images = input.shape[0]
    var output = Tensor(
      uninitialized: [images, extents.height, extents.width, extents.channels])
    let (inputSize, outputSize) = (input.rowCount, output.rowCount)
    output.withUnsafeMutablePointer { output in
      nonisolated(unsafe) let output = output
      execution.forEachBlock(of: images) { _, images in
        input.withUnsafePointer { input in
          run(
            Operands(input + images.lowerBound * inputSize), images: images.count,
            kernels: execution.kernels, to: output + images.lowerBound * outputSize)
        }
      }
    }
    return output
  }

  /// ∂loss/∂output → ∂loss/∂input.
  fileprivate func backward(
    _ gradient: Tensor, input: Tensor, on execution: Execution
  ) -> Tensor {
    var result = Tensor(shape: input.shape)
    let (inputSize, outputSize) = (input.rowCount, gradient.rowCount)
    result.withUnsafeMutablePointer { result in
      nonisolated(unsafe) let result = result
      execution.forEachBlock(of: input.shape[0]) { _, images in
        input.withUnsafePointer { input in
          gradient.withUnsafePointer { gradient in
            addGradient(
              ofInput: 0, gradient + images.lowerBound * outputSize,
              inputs: Operands(input + images.lowerBound * inputSize), images: images.count,
              kernels: execution.kernels, to: result + images.lowerBound * inputSize)
          }
        }
      }
    }
    return result
  }
}
