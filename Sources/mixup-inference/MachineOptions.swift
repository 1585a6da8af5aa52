import ArgumentParser
import Foundation
import Kernels
import NeuralNetwork

/// How much of the machine to use.
struct MachineOptions: ParsableArguments {
  @Option(help: "Threads; as many as there are processors unless given.")
  var threads: Int?

  @Option(
    help:
      "Kernel set: \(KernelSet.allCases.map(\.rawValue).joined(separator: ", ")); the widest unless given."
  )
  var kernels: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); give a number from 1 to 1024")
    }
  }

  func workers() -> WorkerPool {
    WorkerPool(threadCount: threads ?? WorkerPool.availableProcessors)
  }

  /// The set of that name, or the widest without one.
  func kernelSet() throws -> KernelSet {
    guard let kernels else { return .best }
    if kernels == KernelSet.openBLAS.rawValue, let problem = OpenBLAS.problem { throw problem }
    guard let set = KernelSet(rawValue: kernels), set.isAvailable else {
      let names = KernelSet.available.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage(
        "kernel set \(kernels) does not run here; --kernels takes one of \(names)")
    }
    return set
  }

  /// The kernel set on that many threads.
  func execution() throws -> Execution { Execution(kernels: try kernelSet(), workers: workers()) }

  /// The kernel set and the number of threads, as profiles tell them.
  func circumstances() throws -> String {
    let threads = workers().threadCount
    return "kernel set \(try kernelSet().rawValue), \(threads) thread\(threads == 1 ? "" : "s")"
  }
}
