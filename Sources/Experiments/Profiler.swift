import CProfiler
import Foundation
import Reporting

/// The sampling profiler of gperftools, which `google-pprof` reads.
package enum Profiler {
  /// Runs `body` and writes where its time went to `file`; without a file just runs it.
  ///
  /// Samples are taken about a hundred times a second of processor time, from all threads.
  ///
  /// - Throws: `FileWriteError` if the file cannot be written, and what `body` throws; the file then
  ///   holds what was sampled until then.
  package static func run<Result>(
    writingTo file: URL?, _ body: () throws -> Result
  ) throws -> Result {
    guard let file else { return try body() }
    try AtomicFile.check(file)
    guard ProfilerStart(file.path(percentEncoded: false)) != 0 else {
      throw FileWriteError(path: file.relativePath, code: EIO)
    }
    defer { ProfilerStop() }
    return try body()
  }
}
