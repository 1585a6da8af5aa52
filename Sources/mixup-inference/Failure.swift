import Datasets
import Experiments
import Foundation
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Training

/// Why a verb could not do its work: one line, and the status of sysexits.h.
struct Failure: Error {
  var message: String
  var status: Int32

  /// Something wrong on the command line.
  static func usage(_ message: String) -> Failure { Failure(message: message, status: EX_USAGE) }
  /// Something wrong inside a file.
  static func data(_ message: String) -> Failure { Failure(message: message, status: EX_DATAERR) }
  /// A file that cannot be read or written.
  static func file(_ message: String) -> Failure { Failure(message: message, status: EX_IOERR) }

  private init(message: String, status: Int32) {
    // A file's own words may be part of it, and must not steer the terminal.
    self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ").printable
    self.status = status
  }

  /// The failure that an error of the libraries means.
  init(_ error: any Error) {
    self =
      switch error {
      case let failure as Failure: failure
      case is MixupInferenceError, is EpsilonError, is SettingError, is NormalizationError,
        is MixupError,
        is TheoryError, is RandomizedInputError:
        .usage("\(error)")
      case is ReadingError: .usage("\(error)")
      case AttackError.setting, TrainingError.batch, TrainingError.padding, is TrainingRunError:
        .usage("\(error)")
      case let error as PlanError where !error.isAboutData: .usage("\(error)")
      case is FileWriteError: .file("\(error)")
      case let error as DatasetError where error.isAboutFiles: .file("\(error)")
      case let error as CocoaError: .file(error.localizedDescription)
      default: .data("\(error)")
      }
  }
}
