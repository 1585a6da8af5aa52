import Classification

extension Checkpoint {
  /// What the network computes in evaluation.
  ///
  /// - Throws: `StateError` if the checkpoint's tensors do not fit.
  public func graph() throws -> NetworkGraph { try network().graph }
}
