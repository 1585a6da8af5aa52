import Kernels

/// An operation of networks that is neither a product nor an affine map: what it computes, and its derivative.
///
/// Values are [images, H, W, C]. An operator knows the extents of its inputs since it was made. An image's result
/// depends on that image alone. Nothing is allocated while it runs.
protocol NetworkOperator: Sendable {
  /// The extents of the value that it makes.
  var extents: NetworkGraph.Extents { get }

  /// Multiply-adds for one image.
  var multiplyAdds: Int { get }

  /// Writes the value for some images.
  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>)

  /// Whether the gradient depends on the inputs; where it does not, `addGradient` must not read them.
  var gradientReadsInputs: Bool { get }

  /// Adds the gradient with respect to one input.
  ///
  /// - Parameters:
  ///   - place: which input.
  ///   - gradient: ∂loss/∂output.
  ///   - inputs: what `run` was given.
  ///   - sum: to which ∂loss/∂input is added.
  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>)
}

extension NetworkOperator {
  var multiplyAdds: Int { 0 }
  var gradientReadsInputs: Bool { true }
}

/// An operator that stands in graphs, and is not made by fusing alone.
protocol GraphOperator: NetworkOperator {
  /// What it computes, for whoever does it elsewhere.
  var described: NetworkGraph.Described { get }
}

/// Where the inputs of an operator begin.
struct Operands {
  private enum Memory {
    case slots([Int], of: Workspace, firstImage: Int, tape: Tape?)
    case one(UnsafePointer<Float>)
  }

  private let memory: Memory

  /// Activations of a plan, by slot in the order of the inputs.
  init(_ slots: [Int], in workspace: Workspace, firstImage: Int, tape: Tape?) {
    memory = .slots(slots, of: workspace, firstImage: firstImage, tape: tape)
  }

  /// The only input.
  init(_ input: UnsafePointer<Float>) { memory = .one(input) }

  subscript(place: Int) -> UnsafePointer<Float> {
    switch memory {
    case .slots(let slots, let workspace, let firstImage, let tape):
      UnsafePointer(workspace.activation(slots[place], firstImage, tape))
    case .one(let input): input
    }
  }
}
