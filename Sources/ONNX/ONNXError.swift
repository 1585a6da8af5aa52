import Statistics

/// Why an ONNX file cannot be read as a network.
package enum ONNXError: ExplainedError, Equatable {
  /// The bytes are no model in the format.
  case damaged(String)
  /// Values that lie in another file are not there.
  case externalData(String)
  /// The model is one, but no classifier of images.
  case network(String)
  /// Everything in the model that cannot be computed, each with its nodes.
  case unsupported([String])

  /// What is wrong and what to do, in one line.
  package var description: String {
    switch self {
    case .damaged(let problem):
      "the file is no whole ONNX model: \(problem); copy it again or export it anew"
    case .externalData(let problem):
      "\(problem); put the file of weights that was exported with the model beside it, or export with the "
        + "weights inside (external_data=False)"
    case .network(let problem): problem
    case .unsupported(let problems):
      "\(problems.count == 1 ? "one thing" : "\(problems.count) things") in the network cannot be computed "
        + "here: \(problems.joined(separator: "; ")); export it without, in evaluation mode, or use "
        + "another program through --model-command"
    }
  }
}
