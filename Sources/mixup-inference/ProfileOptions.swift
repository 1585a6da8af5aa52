import ArgumentParser
import Experiments
import Foundation

/// Whether to profile a verb.
struct ProfileOptions: ParsableArguments {
  @Option(
    name: .customLong("profile"),
    help: "Folder for a profile of the run: flame graph, folded stacks, functions and memory.")
  var folder: String?

  /// The files of the profile; none unless it was asked for.
  var files: [URL] {
    folder.map { ProfileReport.files(in: URL(filePath: $0, directoryHint: .isDirectory)) } ?? []
  }

  /// Runs the work, with the profiler if it was asked for.
  ///
  /// - Throws: what the work throws; `FileWriteError` or `ProfilerError` before the work, if the profile
  ///   could not be made or written.
  func profiled<Result>(
    _ verb: String, _ machine: MachineOptions, _ work: () throws -> Result
  ) throws -> Result {
    guard let folder else { return try work() }
    let url = URL(filePath: folder, directoryHint: .isDirectory)
    try ProfileReport.check(url)
    let circumstances = try machine.circumstances()
    let (result, run) = try Profiler.run(work)
    try ProfileReport(
      title: "mixup-inference \(verb)", circumstances: circumstances, run: run
    ).write(to: url)
    return result
  }
}
