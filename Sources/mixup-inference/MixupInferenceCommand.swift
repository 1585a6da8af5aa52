import ArgumentParser
import Foundation

/// The command line: one file per verb, which parses, calls a library and prints.
@main
struct MixupInferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mixup-inference",
    abstract: "Benchmarks and tests Mixup Inference (Pang, Xu and Zhu, ICLR 2020).",
    discussion: """
      Mixup Inference mixes an input with clean images when it is classified and averages the \
      predictions. `reproduce` shows, on real images, what that defends against and what breaks it.

      Results go to standard output or files, progress to standard error. The exit status is 64 for \
      wrong usage, 65 for wrong data and 74 when a file cannot be read or written.
      """,
    subcommands: [Reproduce.self, Train.self, Evaluate.self, Verify.self, Doctor.self])

  /// Runs a verb, and ends with one line and the right status where it cannot.
  static func main() {
    do {
      var command = try parseAsRoot()
      do {
        try command.run()
      } catch let error where !isParserError(error) {
        let failure = Failure(error)
        FileHandle.standardError.write(Data("mixup-inference: \(failure.message)\n".utf8))
        Foundation.exit(failure.status)
      }
    } catch { Self.exit(withError: error) }
  }

  private static func isParserError(_ error: any Error) -> Bool {
    error is CleanExit || error is ExitCode || error is ValidationError
  }
}
