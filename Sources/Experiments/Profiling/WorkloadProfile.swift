import Foundation
import Workloads

extension ProfileReport {
  /// Profiles a workload.
  ///
  /// - Parameters:
  ///   - seconds: for how long the work is repeated. It is done once before, unmeasured, to warm up, and at
  ///     least once measured.
  /// - Throws: what the work or the profiler throws.
  package init(
    of workload: Workload, title: String, circumstances: String, seconds: Double
  ) throws {
    _ = try workload.run()
    let (executions, run) = try Profiler.run {
      let end = ContinuousClock.now + .seconds(seconds)
      var count = 0
      repeat {
        _ = try workload.run()
        count += 1
      } while ContinuousClock.now < end
      return count
    }
    self.init(title: title, circumstances: circumstances, run: run, executions: executions)
  }

  /// A profile in a form for JSON.
  package struct Record: Encodable, Sendable {
    package struct Function: Encodable, Sendable {
      package var name: String
      package var ownSamples: Int
      package var totalSamples: Int
    }

    package struct Heap: Encodable, Sendable {
      package var allocations: Int?
      package var allocatedBytes: Int?
      package var liveBytesBefore: Int?
      package var liveBytesAfter: Int?
      package var peakResidentBytes: Int?
    }

    package var work: String
    package var kernelSet: String
    package var threads: Int
    package var seconds: Double
    package var executions: Int
    package var samples: Int
    package var functions: [Function]
    package var heap: Heap
    package var forwardPass: LayerReport.Record
  }

  /// The record of this profile beside the layers of the network's forward pass.
  package func record(kernelSet: String, threads: Int, layers: LayerReport) -> Record {
    Record(
      work: title, kernelSet: kernelSet, threads: threads, seconds: run.seconds,
      executions: executions, samples: run.stacks.samples,
      functions: run.stacks.functions.map {
        Record.Function(name: $0.name, ownSamples: $0.own, totalSamples: $0.total)
      },
      heap: Record.Heap(
        allocations: run.heap.allocations, allocatedBytes: run.heap.allocatedBytes,
        liveBytesBefore: run.heap.liveBytes?.before, liveBytesAfter: run.heap.liveBytes?.after,
        peakResidentBytes: run.heap.peakResidentBytes),
      forwardPass: layers.record)
  }
}
