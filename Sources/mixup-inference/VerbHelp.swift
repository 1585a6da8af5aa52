import ArgumentParser
import Foundation

extension CommandConfiguration {
  /// The description of a verb, which ends for every verb in examples and exit statuses.
  ///
  /// - Parameters:
  ///   - examples: command lines without the program's name, each at work in the tests.
  ///   - isLong: whether it ends early when it is asked to.
  ///   - statuses: what others than the usual mean.
  static func verb(
    _ abstract: String, _ discussion: String, examples: [String], isLong: Bool = false,
    statuses: [String] = []
  ) -> CommandConfiguration {
    let commands = examples.map { "  mixup-inference \($0.replacing("\n", with: "\n      "))" }
    let all =
      ["0 done"] + statuses
      + [
        "\(EX_USAGE) wrong usage", "\(EX_DATAERR) wrong data",
        "\(EX_IOERR) a file cannot be read or written",
      ]
      + (isLong ? ["\(EX_TEMPFAIL) asked to end (Ctrl-C) before it was done"] : [])
    return CommandConfiguration(
      abstract: abstract,
      discussion: """
        \(discussion)

        Examples:
        \(commands.joined(separator: "\n"))

        Exit status: \(all.joined(separator: "; ")).
        """)
  }
}
