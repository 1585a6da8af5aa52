import Statistics

/// What can be wrong with a synthetic model or the numbers put into an equation.
public enum TheoryError: ExplainedError, Equatable {
  case classCount(Int, least: Int)
  case dimension(Int, least: Int)
  case emptyClass(Int, classCount: Int)
  case label(Int, classCount: Int)
  case length(name: String, expected: Int, found: Int)
  case notFinite(name: String, Double)
  case contradiction(anchor: Int)
  case sampleCount(Int)
  case parameter(name: String, value: Double, range: String)

  /// `.usage` for a setting, `.data` for points, labels and values that make no model.
  public var cause: ErrorCause {
    switch self {
    case .classCount, .dimension, .sampleCount, .parameter: .usage
    case .emptyClass, .label, .length, .notFinite, .contradiction: .data
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .classCount(let count, let least):
      "the model has \(count) classes; it needs \(least) at least"
    case .dimension(let dimension, let least):
      "the points have \(dimension) dimensions; so many classes need \(least) at least"
    case .emptyClass(let label, let classCount):
      "class \(label) of \(classCount) has no anchor; give every class one"
    case .label(let label, let classCount):
      "a label is \(label); labels are 0 to \(classCount - 1)"
    case .length(let name, let expected, let found):
      "\(name) has \(found) values; expected \(expected)"
    case .notFinite(let name, let value):
      "\(name) is \(value); give finite numbers"
    case .contradiction(let anchor):
      """
      anchor \(anchor) is an affine combination of other anchors whose classes give it another \
      value; no affine map is one-hot at all of them: move it, or add dimensions
      """
    case .sampleCount(let count): "the number of executions N is \(count); it must be 1 at least"
    case .parameter(let name, let value, let range):
      "the \(name) is \(value); it must be \(range)"
    }
  }
}
