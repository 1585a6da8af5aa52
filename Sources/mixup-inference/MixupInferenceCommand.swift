import ArgumentParser
import Foundation
import Reporting

/// The command line: one file per verb, which parses, calls a library and prints.
@main
struct MixupInferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mixup-inference",
    abstract: "Benchmarks and tests Mixup Inference (Pang, Xu and Zhu, ICLR 2020).",
    discussion: """
      Mixup Inference mixes an input with clean images when it is classified and averages the \
      predictions. `reproduce` shows, on real images, what that defends against and what breaks it; \
      `verify` checks the theory behind it; `profile` shows where the time goes.

      Results go to standard output or files, progress to standard error; every verb takes --json, --quiet and \
      --verbose. Tables are as wide as the terminal, or 80 columns, or $COLUMNS; colour is for terminals alone, never \
      says what words do not, and goes with NO_COLOR.

      The exit status is 64 for \
      wrong usage, 65 for wrong data, 74 when a file cannot be read or written, and 1 when `verify` \
      finds a theorem that fails. SIGINT (Ctrl-C), SIGTERM and SIGHUP let long work end after what is in hand, \
      with status 75 and a line that says what is kept; a second one, half a second later or more, ends it at once.

      Completion in a shell: source <(mixup-inference --generate-completion-script bash), or zsh, or fish.
      """,
    // The text has the digest of the whole program, for which no other verb should wait.
    version: CommandLine.arguments.contains("--version") ? Version.text : Version.number,
    subcommands: [
      Reproduce.self, Train.self, Evaluate.self, Submit.self, Certify.self, Merge.self, Report.self,
      Attack.self, Verify.self, Profile.self, Inspect.self, Export.self, Quantize.self,
      Compare.self,
      Doctor.self,
    ])

  /// Runs a verb, and ends with one line and the right status where it cannot.
  static func main() {
    occupyStandardDescriptors()
    var command: any ParsableCommand
    let width = ProcessInfo.processInfo.environment["COLUMNS"]
    makeRoomForHelp()
    let words = words(of: CommandLine.arguments.dropFirst())
    if let option = repeated(in: words) {
      fail(
        .usage("\(option) stands twice, and one value would be dropped; give it once"))
    }
    do { command = try parseAsRoot(words) } catch {
      if exitCode(for: error).isSuccess { tell(error) }
      let verbs = configuration.subcommands.map { "\($0)".lowercased() }
      if let first = words.first, !first.hasPrefix("-"), !(verbs + ["help"]).contains(first) {
        let meant = suggestion(for: first, among: verbs)
        fail(.usage("there is no verb \(first); \(meant)see `mixup-inference --help`"))
      }
      let verb = words.first(where: verbs.contains)
      let help = ["mixup-inference", verb, "--help"].compactMap(\.self).joined(separator: " ")
      fail(.usage("\(message(for: error)); see `\(help)`"))
    }
    let common = (command as? any Verb)?.common
    // What is no verb shows help when it is run.
    if common != nil {
      if let width { setenv("COLUMNS", width, 1) } else { unsetenv("COLUMNS") }
    }
    common?.begin(CommandLine.arguments)
    do {
      try command.run()
      common?.end()
      // Printed lines wait in a buffer; a full disk shows only now.
      guard fflush(nil) == 0 else { throw Failure.output() }
    } catch {
      // --help is a command whose run ends with a clean exit; a verb may choose its own status.
      if exitCode(for: error).isSuccess { tell(error) }
      if error is ExitCode { exit(withError: error) }
      fail(Failure(error))
    }
  }

  /// The words of a command line where a negative number is always a value, since no option is called like
  /// one: "--threshold -0.2" is "--threshold=-0.2".
  private static func words(of arguments: some Sequence<String>) -> [String] {
    arguments.reduce(into: []) { words, word in
      let isNegative =
        word.hasPrefix("-")
        && (word.dropFirst().first.map { $0.isNumber || $0 == "." } == true || Double(word) != nil)
      if let option = words.last, isNegative, option.hasPrefix("--"), !option.contains("=") {
        words[words.count - 1] = "\(option)=\(word)"
      } else {
        words.append(word)
      }
    }
  }

  /// Options that take one value each time they stand; all others stand once.
  private static let repeatable: Set = [
    "--defence", "--attack", "--reading", "--other-reading", "--sbatch",
  ]

  /// The first option that stands twice, of those that take one value.
  private static func repeated(in words: [String]) -> String? {
    var seen = Set<String>()
    return words.filter { $0.hasPrefix("--") }
      .map { String($0.prefix { $0 != "=" }) }
      .first { !repeatable.contains($0) && !seen.insert($0).inserted }
  }

  /// Opens standard input, output and error where whoever started the program has closed them, so that no file that
  /// is opened later gets their number and what is printed with it. Nothing can be written there.
  private static func occupyStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The system gives the lowest number that is free.
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// Lets ArgumentParser lay its texts out for a terminal of at least 40 columns: in a narrower one it leaves out what
  /// options are for, or, built for debugging, traps.
  private static func makeRoomForHelp() {
    setenv("COLUMNS", "\(max(TextStyle.of(STDOUT_FILENO).columns, 40))", 1)
  }

  /// Prints what was asked for in place of work: help, or the version.
  private static func tell(_ request: any Error) -> Never {
    print(fullMessage(for: request))
    guard fflush(nil) == 0 else { fail(.output()) }
    Foundation.exit(EX_OK)
  }

  private static func fail(_ failure: Failure) -> Never {
    let line = Printout("mixup-inference: \(failure.message)").text(.of(STDERR_FILENO))
    writeToStandardError("\(line)\n")
    Foundation.exit(failure.status)
  }
}
