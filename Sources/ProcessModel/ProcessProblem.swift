import Statistics

/// What can be wrong with a process that is asked for predictions.
package enum ProcessProblem: Error, Equatable {
  /// It could not be started; why.
  case start(String)
  /// It ended, or was ended; how.
  case ended(String)
  /// It did not answer in time.
  case silent(limit: Duration)
  /// It wrote something else than a message; the bytes.
  case text([UInt8])
  /// It wrote a message of another kind than was asked for.
  case kind(expected: UInt32, found: UInt32)
  /// Its answer has another number of bytes; what was asked for.
  case length(expected: String, bytes: UInt64, found: UInt64)
  /// What it says of itself cannot be; what is wrong.
  case hello(String)
  /// It answered before it had read the question.
  case early
  /// It says that it cannot answer; its words.
  case refused(String)
  /// What it answers is not what it says of itself; what is wrong and what to do.
  case contradiction(String)
}

extension ProcessProblem: CustomStringConvertible {
  /// What is wrong and what to do, as the end of a sentence about the process.
  package var description: String {
    switch self {
    case .start(let reason): "cannot be started: \(reason)"
    case .ended(let how): "\(how) before it answered"
    case .silent(let limit):
      "did not answer within \(limit); give it more time, or look where it waits"
    case .text(let bytes):
      "wrote \"\(oneLine(bytes))\" to its standard output, which is for answers alone; "
        + "send what is for people to standard error"
    case .kind(let expected, let found):
      "answered a message of kind \(found), not \(expected); look at the kinds of the protocol"
    case .length(let expected, let bytes, let found):
      "answered \(found) bytes where \(expected) take \(bytes); look at the shape of what it returns"
    case .hello(let problem): "says of itself what cannot be: \(problem)"
    case .early: "answered before it had read the question; read all of a message first"
    case .refused(let words): "says: \(words)"
    case .contradiction(let problem): problem
    }
  }
}

/// An error of a process: which it is, what is wrong, and the last that it wrote to standard error.
package struct ProcessModelError: ExplainedError, Equatable {
  /// The command that started it.
  package var command: String
  package var problem: ProcessProblem
  /// Its last lines of standard error.
  package var lastLines: String

  /// `.data`: the fault is what the process answers, or that it does not.
  package var cause: ErrorCause { .data }

  /// What is wrong and what to do, in one line.
  package var description: String { "\(subject(command)) \(problem)\(ending(lastLines))" }
}

/// "the process "python3 serve.py"".
func subject(_ command: String) -> String { "the process \"\(command)\"" }

/// The last lines of standard error, as the end of a sentence.
func ending(_ lastLines: String) -> String {
  lastLines.isEmpty
    ? "; it wrote nothing to standard error"
    : "; its standard error ends: \(lastLines)"
}

/// Bytes as text on one line, with a space for every character that is none to see.
func oneLine(_ bytes: some Sequence<UInt8>) -> String {
  String(
    String.UnicodeScalarView(
      String(decoding: Array(bytes), as: UTF8.self).unicodeScalars.map {
        switch $0.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
          .unassigned:
          " "
        default: $0
        }
      })
  ).split(separator: " ").joined(separator: " ")
}
