import Classification
import Statistics

/// A tensor that training changes, with the gradient of the loss. A class because a layer and the
/// optimiser share it.
public final class Parameter {
  /// The present values.
  public var value: Tensor
  /// ∂loss/∂value of the last backward pass; zeros before.
  public package(set) lazy var gradient = Tensor(shape: value.shape)

  /// A tensor that starts with the given values.
  public init(_ value: Tensor) { self.value = value }
}

/// A tensor that belongs to a network's state but has no gradient, such as a running mean.
public final class StateBuffer {
  /// The present values.
  public var value: Tensor

  /// A tensor that starts with the given values.
  public init(_ value: Tensor) { self.value = value }
}

/// The parameters and buffers of a network under the dotted paths that PyTorch gives them.
public struct NetworkState {
  /// What training changes.
  public package(set) var parameters: [(path: String, parameter: Parameter)] = []
  /// What training updates without a gradient.
  public package(set) var buffers: [(path: String, buffer: StateBuffer)] = []

  package init() {}

  /// The number of trainable values.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.parameter.value.count } }

  /// All tensors by path.
  public var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (path, parameter) in parameters { tensors[path] = parameter.value }
    for (path, buffer) in buffers { tensors[path] = buffer.value }
    return tensors
  }

  /// Replaces every tensor. Nothing is changed unless all fit.
  ///
  /// - Throws: `StateError` that lists every missing, unused and mis-shaped tensor.
  public func load(_ tensors: [String: Tensor]) throws(StateError) {
    let problems = StateError.problems(of: tensors, for: self.tensors.mapValues(\.shape))
    guard problems.isEmpty else { throw StateError(problems: problems) }
    for (path, parameter) in parameters { parameter.value = tensors[path] ?? parameter.value }
    for (path, buffer) in buffers { buffer.value = tensors[path] ?? buffer.value }
  }
}

/// Tensors that do not fit a network.
public struct StateError: ExplainedError, Equatable {
  /// One entry per tensor.
  public var problems: [String]

  /// An error that lists them.
  package init(problems: [String]) { self.problems = problems }

  /// Why tensors are not the state of a network whose tensors have these shapes: what is missing, of
  /// another shape, not finite, a variance below zero or not part of the network.
  static func problems(
    of tensors: [String: Tensor], for shapes: [String: [Int]]
  ) -> [String] {
    var problems: [String] = []
    for (path, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      guard let found = tensors[path] else {
        problems.append("\(path) is missing")
        continue
      }
      if found.shape != shape {
        problems.append("\(path) has shape \(found.shape), not \(shape)")
      }
      if found.withUnsafePointer({ p in (0..<found.count).contains { !p[$0].isFinite } }) {
        problems.append("\(path) holds a value that is not finite")
      } else if path.hasSuffix("running_var"), found.values.contains(where: { $0 < 0 }) {
        problems.append("\(path) holds a variance below zero")
      }
    }
    for path in tensors.keys.sorted() where shapes[path] == nil {
      problems.append("\(path) is not part of the network")
    }
    return problems
  }

  /// What is wrong and what to do, in one line: the first problems, and how many more there are.
  public var description: String {
    let shown = problems.prefix(12).map(\.printable).joined(separator: "; ")
    let more = problems.count - 12
    return "the tensors do not fit the network: \(shown)" + (more > 0 ? "; and \(more) more" : "")
  }
}
