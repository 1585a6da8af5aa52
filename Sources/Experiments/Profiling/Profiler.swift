import Foundation
import Kernels
import Reporting
import Statistics

/// What was measured of a run: where its time went, and what it did with memory.
package struct SampledRun: Sendable {
  /// Where the processor time went, from the run's own outermost function on.
  package var stacks: FoldedStacks
  package var heap: HeapSummary
  /// Wall-clock time.
  package var seconds: Double
  /// Seconds of processor time between samples.
  package var period: Double
  /// Whether the program's own functions have names.
  package var hasSymbols: Bool
}

/// The sampling profiler of gperftools, which is loaded for the first run.
package enum Profiler {
  // As in `gperftools/profiler.h`.
  private typealias Start = @Sendable @convention(c) (UnsafePointer<CChar>) -> CInt
  private typealias Stop = @Sendable @convention(c) () -> Void

  private static let loaded: (functions: (start: Start, stop: Stop)?, problem: MissingLibrary?) = {
    do throws(MissingLibrary) {
      let library = try LoadedLibrary(
        LoadedLibrary.Source(
          name: "gperftools' profiler", file: "libprofiler.so.0", package: "libgoogle-perftools4"))
      let start = try library.function("ProfilerStart", as: Start.self)
      return ((start, try library.function("ProfilerStop", as: Stop.self)), nil)
    } catch { return (nil, error) }
  }()

  /// Why profiles cannot be made here; nil if they can.
  package static var problem: MissingLibrary? { loaded.problem }

  /// Runs `body` and says where its time went.
  ///
  /// Samples are taken about a hundred times a second of processor time, from all threads. There is
  /// one profiler in a process, so one run at a time.
  ///
  /// - Throws: `MissingLibrary` without gperftools, `ProfilerError` if a profile is being made already or there is no room for one, and
  ///   what `body` throws.
  @inline(never)
  package static func run<Result>(
    _ body: () throws -> Result
  ) throws -> (result: Result, run: SampledRun) {
    if let problem { throw problem }
    guard let profiler = loaded.functions else { throw ProfilerError() }
    let descriptor = try temporaryFile()
    defer { close(descriptor) }
    // The file has no name any more, so nothing is left of it whatever happens.
    guard profiler.start("/proc/self/fd/\(descriptor)") != 0 else { throw ProfilerError() }
    let start = ContinuousClock.now
    let result: Result
    let heap: HeapSummary
    do { (result, heap) = try HeapSummary.measuring(body) } catch {
      quietly(profiler.stop)
      throw error
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    quietly(profiler.stop)
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    try file.seek(toOffset: 0)
    let profile = try CPUProfile(try file.readToEnd() ?? Data())
    var symbolizer = Symbolizer(profile.mappings)
    return (
      result,
      SampledRun(
        stacks: trimmed(symbolizer.stacks(of: profile)), heap: heap, seconds: seconds,
        period: 1e-6 * Double(profile.period), hasSymbols: programHasSymbols)
    )
  }

  /// Whether this program still has the names of its functions.
  package static var programHasSymbols: Bool {
    ELFSymbols(path: "/proc/self/exe")?.isComplete ?? false
  }

  private static func temporaryFile() throws -> Int32 {
    var name = Array("\(NSTemporaryDirectory())/profile-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else {
      throw FileWriteError(path: NSTemporaryDirectory(), code: errno)
    }
    unlink(name)
    return descriptor
  }

  /// Ends the profile. Standard error is closed meanwhile to a message of gperftools, which does not belong
  /// there.
  private static func quietly(_ stop: Stop) {
    let standardError = dup(STDERR_FILENO)
    let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
    if standardError >= 0, nowhere >= 0 { dup2(nowhere, STDERR_FILENO) }
    stop()
    if standardError >= 0, nowhere >= 0 { dup2(standardError, STDERR_FILENO) }
    for descriptor in [standardError, nowhere] where descriptor >= 0 { close(descriptor) }
  }

  private static let ownFrames = [
    "Experiments.Profiler.run", "Experiments.HeapSummary.measuring",
    "Experiments.ProfileReport.init",
  ]

  /// The stacks without the frames outside of the run: those that lead to `run` on the calling thread, and
  /// those by which the C library starts the other threads.
  private static func trimmed(_ stacks: FoldedStacks) -> FoldedStacks {
    FoldedStacks(
      stacks.stacks.map { stack in
        var frames = stack.frames[...]
        if let here = frames.lastIndex(where: ownFrames.contains) { frames = frames[(here + 1)...] }
        frames = frames.drop { $0.hasPrefix("libc.") }
        // What starts and ends the run is sampled too.
        if frames.isEmpty { frames = stack.frames.suffix(1) }
        return FoldedStacks.Stack(Array(frames), samples: stack.samples)
      })
  }
}

/// The profiler could not be started.
package struct ProfilerError: ExplainedError {
  /// `.usage`: the environment asks for another profile.
  package var cause: ErrorCause { .usage }

  package var description: String {
    "the profiler cannot start: the process is being profiled already; unset CPUPROFILE"
  }
}
