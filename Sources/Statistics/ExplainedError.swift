/// Where the cause of an error lies, and so what its reader has to change.
public enum ErrorCause: Sendable {
  /// In what was asked for: an argument, a setting, an option.
  case usage
  /// In what was given: the content of a file, images, labels, what a model answers.
  case data
  /// In a file that cannot be read or written.
  case file
}

/// An error that says in one line what is wrong, where, and what to do, and where its cause lies. The
/// command's exit status follows from the cause.
public protocol ExplainedError: Error, CustomStringConvertible {
  /// Where its cause lies; `.data` by default.
  var cause: ErrorCause { get }
}

extension ExplainedError {
  /// `.data`, unless a type says otherwise.
  public var cause: ErrorCause { .data }
}
