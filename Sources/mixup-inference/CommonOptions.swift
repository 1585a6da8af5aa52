import ArgumentParser
import Foundation
import Kernels
import Reporting

/// A verb of the command line: what it does stands in its `run`, how it speaks in its `common`.
protocol Verb: ParsableCommand {
  var common: CommonOptions { get }
}

/// What every verb takes.
struct CommonOptions: ParsableArguments {
  @Option(
    help: """
      File for what was found, JSON; records of evaluations a line each if its name ends in .jsonl; - for standard \
      output, and the text for people then goes to standard error.
      """)
  var json: Destination?

  @Flag(
    name: [.customShort("q"), .long],
    help: "No progress, and no text for people where a result goes to standard output.")
  var quiet = false

  @Flag(
    name: [.customShort("v"), .long],
    help: "Say on standard error which program runs with what, and what it took.")
  var verbose = false

  func validate() throws {
    guard !(quiet && verbose) else {
      throw ValidationError("--quiet and --verbose contradict each other; give one of them")
    }
  }

  /// Who tells how far long work is, and ends it when somebody asks for that.
  ///
  /// - Parameter advice: what is kept then, and how the work goes on.
  func progress(advice: String) -> ProgressReporter {
    ProgressReporter(
      output: quiet ? .silent : .standardError, interruption: .signals(advice: advice))
  }

  /// Prints text for people on standard output, or on standard error if a result goes to standard output.
  ///
  /// - Parameter results: where the verb puts results besides `json`.
  func say(_ printout: Printout, beside results: [Destination?] = []) {
    let isTaken = ([json] + results).contains { $0?.isStandardOutput == true }
    guard !(isTaken && quiet) else { return }
    var text = printout.text(.of(isTaken ? STDERR_FILENO : STDOUT_FILENO))
    while text.hasSuffix("\n\n") { text.removeLast() }
    if !text.hasSuffix("\n") { text += "\n" }
    if isTaken {
      writeToStandardError(text)
    } else {
      print(text, terminator: "")
    }
  }

  func say(_ report: some Reported, beside results: [Destination?] = []) {
    say(report.printout, beside: results)
  }

  /// Writes what was found to the file of `--json`, if there is one: keys sorted, a line break at the end.
  func write(_ found: @autoclosure () throws -> some Encodable) throws {
    guard let json else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try json.write(encoder.encode(found()) + Data("\n".utf8))
  }

  // MARK: What --verbose says

  /// Says which program is run, and in which circumstances.
  func begin(_ words: [String]) {
    guard verbose else { return }
    note(Version.line)
    note("command: \(words.map(\.asWord).joined(separator: " "))")
    note(
      "kernel set \(KernelSet.best.rawValue), \(WorkerPool.availableProcessors) processors, "
        + "unless the command says otherwise")
  }

  /// Says what it took.
  func end() {
    guard verbose else { return }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    let processor = seconds(usage.ru_utime) + seconds(usage.ru_stime)
    // Linux counts in KiB.
    let memory = fixed(Double(usage.ru_maxrss) / 1024, decimals: 0)
    note(
      "took \(duration(secondsSinceStart())), \(duration(processor)) of processors, \(memory) MiB of memory at most"
    )
  }

  private func note(_ line: String) {
    writeToStandardError("mixup-inference: \(line.printable)\n")
  }
}

/// Seconds since this process was started.
func secondsSinceStart() -> Double {
  // The 22nd field, behind the name in brackets, which may hold blanks: ticks since the machine was started.
  guard let status = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
    let end = status.lastIndex(of: ")"),
    let ticks = Double(status[end...].split(separator: " ").dropFirst(20).first ?? "")
  else { return 0 }
  var now = timespec()
  clock_gettime(CLOCK_BOOTTIME, &now)
  let seconds = Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  return max(0, seconds - ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
}
