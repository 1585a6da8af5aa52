import ArgumentParser
import Foundation
import Kernels
import NeuralNetwork
import Workloads

/// Our side of the comparison: does one work as often as it is told.
@main
struct Contestant: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Does the works of the benchmarks when told to by lines on standard input.",
    discussion: """
      prepare WORK   →  ready            WORK is KIND/NETWORK/SIZE, as in forward/resNet20/30
      run COUNT      →  seconds S        for all COUNT executions together
      output FILE    →  written COUNT    one execution's result, as so many float32
      machine        →  machine BITS RATE PROCESSOR   width of our vectors; multiply-adds a second in registers,
                                            float32; the processor's name
      Anything wrong is answered with "error" and one line. The end of input ends the process.
      """)

  @Argument(help: "Folder with the networks and images that all contestants share.")
  var folder: String

  @Option(help: "Threads that share a batch.")
  var threads = WorkerPool.availableProcessors

  @Option(
    help: "Kernel set: \(KernelSet.allCases.map(\.rawValue).joined(separator: ", ")).",
    transform: { name in
      guard let kernels = KernelSet(rawValue: name), kernels.isAvailable else {
        throw ValidationError("no kernel set \(name) here; see --help")
      }
      return kernels
    })
  var kernels = KernelSet.best

  @Flag(help: "Compute forward passes and decisions in int8, calibrated on the pool's images.")
  var int8 = false

  @Option(
    parsing: .upToNextOption,
    help: "Make the folder's files for these networks and leave, such as --write resNet8 resNet20.")
  var write: [String] = []

  func run() throws {
    let shared = SharedFiles(folder: URL(filePath: folder, directoryHint: .isDirectory))
    let execution = Execution(kernels: kernels, workers: WorkerPool(threadCount: threads))
    guard write.isEmpty else { return try shared.write(write, on: execution) }

    var work: Workload?
    while let line = readLine() {
      do {
        print(try answer(to: line, work: &work, from: shared, on: execution))
      } catch {
        print("error \(String(describing: error).split(whereSeparator: \.isNewline).joined())")
      }
      fflush(nil)
    }
  }

  private func answer(
    to line: String, work: inout Workload?, from shared: SharedFiles, on execution: Execution
  ) throws -> String {
    let words = line.split(separator: " ", maxSplits: 1).map(String.init)
    switch (words.first, words.last) {
    case ("prepare", let name?) where words.count == 2:
      work = try shared.workload(named: name, int8: int8, on: execution)
      return "ready \(kernels.rawValue)"
    case ("run", let count?):
      guard let work, let count = Int(count), count > 0 else { break }
      // What other processes have put to sleep or out of the caches does not count.
      if count > 1 { _ = try work.run() }
      let elapsed = try ContinuousClock().measure {
        for _ in 0..<count { _ = try work.run() }
      }
      return "seconds \(elapsed / .seconds(1))"
    case ("each", let count?):
      guard let work, let count = Int(count), count > 0 else { break }
      if count > 1 { _ = try work.run() }
      let times = try (0..<count).map { _ in
        try ContinuousClock().measure { _ = try work.run() } / .seconds(1)
      }
      return "times \(times.map { "\($0)" }.joined(separator: " "))"
    case ("machine", _): return machine
    case ("output", let path?) where words.count == 2:
      guard let work else { break }
      let output = try work.output()
      try output.withUnsafePointer {
        try Data(bytes: $0, count: 4 * output.count).write(to: URL(filePath: path))
      }
      return "written \(output.count)"
    default: break
    }
    throw ValidationError("cannot do \"\(line)\" now; see --help")
  }

  /// The width of the vectors that are used, what one thread makes with them in registers, as the best of some tries, and
  /// the name of the processor.
  private var machine: String {
    var rate = 0.0
    for _ in 0..<20 {
      var count = 0
      let elapsed = ContinuousClock().measure {
        let made = kernels.fastest.multiplyAdds(rounds: 200_000, factor: 1e-9)
        count = made.sum.isNaN ? 0 : made.count
      }
      rate = max(rate, Double(count) / (elapsed / .seconds(1)))
    }
    let bits =
      switch kernels {
      case .avx512: 512
      case .avx2: 256
      case .openBLAS, .reference: 0
      }
    return "machine \(bits) \(rate) \(Processor.name)"
  }
}
