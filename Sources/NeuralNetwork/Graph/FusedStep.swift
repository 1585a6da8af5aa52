import Classification

/// Operations of a graph that a kernel does in one go: out = activation(core(in) + addend).
struct FusedStep: Sendable {
  /// What is done before addend and activation.
  enum Core: Sendable {
    /// W ∗ in + bias.
    case product(FrozenConvolution, bias: Tensor)
    /// in · scale + shift, with one number per channel.
    case affine(scale: Tensor, shift: Tensor)
    /// Anything else; neither addend nor ReLU follow it.
    case other(any NetworkOperator)
  }

  /// The name of its first operation.
  var name: String
  var core: Core
  /// Values of the graph, by number; one if the core is a product or an affine map.
  var inputs: [Int]
  var addend: Int?
  var relu = false
  var output: Int
}

extension NetworkGraph {
  /// The graph's operations in as few steps as kernels can do them.
  ///
  /// An affine map that alone uses a product goes into its weights and bias; a sum goes into a product or an affine
  /// map that it alone uses, of two the later one, as then the other is there already; and a ReLU into whatever it
  /// alone uses; another activation into an affine map. What is left of them becomes a step of its own: a ReLU or a
  /// sum is one of scale 1 and shift 0.
  func fused() -> [FusedStep] {
    let nodes = neededNodes
    var users = [Int](repeating: 0, count: values.count)
    users[values.count - 1] = 1
    for input in nodes.flatMap(\.inputs) { users[input] += 1 }
    var steps: [FusedStep] = []
    /// The step that makes a value, if its value is used once.
    func onlyUsed(_ value: Int) -> Int? {
      users[value] == 1 ? steps.lastIndex { $0.output == value } : nil
    }
    func identity(_ node: Node, addend: Int? = nil, relu: Bool = false) -> FusedStep {
      let channels = values[node.output].channels
      return FusedStep(
        name: node.name,
        core: .affine(
          scale: Tensor(repeating: 1, shape: [channels]), shift: Tensor(shape: [channels])),
        inputs: [node.inputs[0]], addend: addend, relu: relu, output: node.output)
    }
    for node in nodes {
      switch node.operation {
      case .product(let convolution, let bias):
        steps.append(
          FusedStep(
            name: node.name,
            core: .product(
              convolution, bias: bias ?? Tensor(shape: [values[node.output].channels])),
            inputs: node.inputs, output: node.output))
      case .affine(let scale, let shift):
        if let place = onlyUsed(node.inputs[0]), !steps[place].relu, steps[place].addend == nil,
          case .product(let convolution, let bias) = steps[place].core
        {
          steps[place].core = .product(
            convolution.scaled(by: scale), bias: zip(zip(bias, scale, *), shift, +))
          steps[place].output = node.output
        } else {
          steps.append(
            FusedStep(
              name: node.name, core: .affine(scale: scale, shift: shift), inputs: node.inputs,
              output: node.output))
        }
      case .activation(.relu):
        if let place = onlyUsed(node.inputs[0]), !steps[place].relu, steps[place].takesMore {
          steps[place].relu = true
          steps[place].output = node.output
        } else {
          steps.append(identity(node, relu: true))
        }
      case .activation(let function):
        let extents = values[node.output]
        if let place = onlyUsed(node.inputs[0]), !steps[place].relu, steps[place].addend == nil,
          case .affine(let scale, let shift) = steps[place].core
        {
          steps[place].core = .other(
            Activated(function, scale: scale, shift: shift, extents: extents))
          steps[place].output = node.output
        } else {
          steps.append(
            FusedStep(
              name: node.name, core: .other(Activated(function, extents: extents)),
              inputs: node.inputs, output: node.output))
        }
      case .sum:
        let (a, b) = (node.inputs[0], node.inputs[1])
        let places = [a, b].compactMap(onlyUsed).filter {
          !steps[$0].relu && steps[$0].addend == nil && steps[$0].takesMore
        }
        if a != b, let place = places.max(),
          isThere(a == steps[place].output ? b : a, before: place, steps)
        {
          steps[place].addend = a == steps[place].output ? b : a
          steps[place].output = node.output
        } else {
          steps.append(identity(node, addend: b))
        }
      case .other(let operation):
        steps.append(
          FusedStep(
            name: node.name, core: .other(operation), inputs: node.inputs, output: node.output))
      }
    }
    return steps
  }

  /// Whether a value is the image, or made by a step before a place.
  private func isThere(_ value: Int, before place: Int, _ steps: [FusedStep]) -> Bool {
    value == 0 || steps[..<place].contains { $0.output == value }
  }
}

extension FusedStep {
  /// Whether addend and ReLU can follow the core.
  fileprivate var takesMore: Bool { if case .other = core { false } else { true } }
}
