import ArgumentParser
import Experiments
import Foundation
import Kernels

/// How much of the machine to use.
struct MachineOptions: ParsableArguments {
  @Option(help: "Threads; as many as there are processors unless given.")
  var threads: Int?

  @Option(
    help:
      "Kernel set: \(KernelSet.allCases.map(\.rawValue).joined(separator: ", ")); the widest unless given."
  )
  var kernels: String?

  @Option(help: "File for a profile of the run, to be read with google-pprof.")
  var profile: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); give a number from 1 to 1024")
    }
  }

  /// Runs the work, with the profiler if it was asked for.
  func profiled<Result>(_ work: () throws -> Result) throws -> Result {
    try Profiler.run(writingTo: profile.map { URL(filePath: $0) }, work)
  }

  func workers() -> WorkerPool {
    WorkerPool(threadCount: threads ?? WorkerPool.availableProcessors)
  }

  func kernelSet() throws -> KernelSet { try Self.kernelSet(kernels) }

  /// The set of that name, or the widest without one.
  static func kernelSet(_ kernels: String?) throws -> KernelSet {
    guard let kernels else { return .best }
    let names = KernelSet.available.map(\.rawValue).joined(separator: ", ")
    guard let set = KernelSet(rawValue: kernels), set.isAvailable else {
      throw Failure.usage(
        "kernel set \(kernels) does not run here; --kernels takes one of \(names)")
    }
    return set
  }
}
