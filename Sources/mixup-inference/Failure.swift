import Foundation
import Reporting
import Statistics

/// Why a verb could not do its work: one line for the user, and an exit status from sysexits.h.
struct Failure: Error {
  var message: String
  var status: Int32

  /// Something wrong on the command line.
  static func usage(_ message: String) -> Failure { Failure(message: message, status: EX_USAGE) }
  /// Something wrong inside a file.
  static func data(_ message: String) -> Failure { Failure(message: message, status: EX_DATAERR) }
  /// A file that cannot be read or written.
  static func file(_ message: String) -> Failure { Failure(message: message, status: EX_IOERR) }
  /// Standard output that does not take what is printed, for the reason that `errno` has.
  static func output(_ code: Int32 = errno) -> Failure {
    .file("cannot write standard output: \(String(cString: strerror(code))); send it elsewhere")
  }
  /// Work that was asked to end before it was done.
  private static func unfinished(_ message: String) -> Failure {
    Failure(message: message, status: EX_TEMPFAIL)
  }

  private init(message: String, status: Int32) {
    // The message may quote a file, whose control characters must not reach the terminal.
    self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ").printable
    self.status = status
  }

  /// The failure that an error of the libraries means, about a file.
  init(_ error: any Error, about path: String) {
    self.init(error)
    message = "\(path): ".printable + message
  }

  /// The failure that an error of the libraries means.
  init(_ error: any Error) {
    self =
      switch error {
      case let failure as Failure: failure
      case let error as Interrupted: .unfinished("\(error)")
      case let error as any ExplainedError:
        switch error.cause {
        case .usage: .usage("\(error)")
        case .data: .data("\(error)")
        case .file: .file("\(error)")
        }
      case let error as CocoaError: .file(error.localizedDescription)
      default: .data("\(error)")
      }
  }
}
