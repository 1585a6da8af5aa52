import Classification

extension Checkpoint {
  /// What the network computes in evaluation.
  ///
  /// - Throws: `StateError` if the checkpoint's tensors do not fit.
  public func graph() throws -> NetworkGraph {
    let problems = StateError.problems(of: tensors, for: architecture.stateShapes)
    guard problems.isEmpty else { throw StateError(problems: problems) }
    return NetworkGraph(architecture, tensors: tensors)
  }
}
