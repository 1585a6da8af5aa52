import Foundation
import Kernels
import TestSupport
import Testing

@Suite("mixup-inference profile")
struct ProfileTests {
  private struct Report: Decodable {
    struct Layer: Decodable {
      var layer: String
      var algorithm: String
      var multiplyAdds: Int
      var products: Int
      var seconds: Double
      var rooflineShare: Double
    }
    struct Pass: Decodable {
      var images: Int
      var seconds: Double
      var peakGigaflops: Double
      var layers: [Layer]
    }
    struct Function: Decodable {
      var name: String
      var ownSamples: Int
      var totalSamples: Int
    }
    struct Heap: Decodable {
      var allocations: Int?
      var liveBytesBefore: Int?
      var peakResidentBytes: Int
    }
    var work: String
    var kernelSet: String
    var threads: Int
    var executions: Int
    var samples: Int
    var functions: [Function]
    var heap: Heap
    var forwardPass: Pass
  }

  @Test("JSON names every layer with its algorithm, and times that add up")
  func json() throws {
    let report = try profiled("forward", seconds: "0.001").forwardPass
    #expect(report.images == 2 && report.peakGigaflops > 0)
    #expect(
      report.layers.map(\.layer) == [
        "input", "stem", "1.0.conv1", "1.0.conv2", "2.0.shortcut", "2.0.conv1", "2.0.conv2",
        "3.0.shortcut", "3.0.conv1", "3.0.conv2", "mean", "dense",
      ])
    // By hand: (3n − 2)² taps meet an n×n image, (3n/2 − 1)² with stride 2, whatever the algorithm.
    let byHand =
      (3 * 16 + 2 * 16 * 16) * 94 * 94 + 16 * 32 * (256 + 47 * 47) + 32 * 32 * 46 * 46
      + 32 * 64 * (64 + 23 * 23) + 64 * 64 * 22 * 22 + 64 * 10
    #expect(report.layers.reduce(0) { $0 + $1.multiplyAdds } == byHand)
    #expect(report.layers.allSatisfy { $0.products <= $0.multiplyAdds || $0.products == 0 })
    let total = report.layers.reduce(0) { $0 + $1.seconds }
    #expect(abs(total - report.seconds) <= 1e-9 * total)
    #expect(report.layers.allSatisfy { $0.seconds > 0 && $0.rooflineShare >= 0 })
  }

  /// Profiles two images on one thread and looks at the files.
  private func profiled(_ work: String, seconds: String) throws -> Report {
    try withTemporaryFolder { folder in
      let result = try Command().run(
        [
          "profile", "--work", work, "--architecture", "resNet8", "--batch", "2", "--rounds", "2",
          "--seconds", seconds, "--threads", "1", "--json", "-", "--quiet", "--output",
          folder.path(percentEncoded: false),
        ])
      #expect(result.status == 0 && result.error.isEmpty, "\(result.error)")
      let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
      #expect(try names(in: folder) == ["flamegraph.svg", "profile.txt", "stacks.folded"])
      func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      }
      let counts = try text("stacks.folded").split(separator: "\n").compactMap {
        $0.split(separator: " ").last.flatMap { Int($0) }
      }
      #expect(counts.reduce(0, +) == report.samples)
      #expect(try text("flamegraph.svg").contains("\(report.samples) samples"))
      #expect(try text("profile.txt").contains("kernel set \(report.kernelSet), 1 thread,"))
      return report
    }
  }

  @Test(
    "every work is done on its kernels", arguments: ["forward", "decision", "attack", "training"])
  func works(work: String) throws {
    let report = try profiled(work, seconds: "0.5")
    #expect(report.work == "\(work)/resNet8/2" && report.threads == 1 && report.executions > 0)
    #expect(report.kernelSet == KernelSet.best.rawValue)
    #expect(report.functions.reduce(0) { $0 + $1.ownSamples } == report.samples)
    // Half a second of a machine that is busy otherwise is some samples at least; these networks
    // do little but products.
    let kernels = report.functions.filter { $0.name.hasPrefix("Kernels") && $0.ownSamples > 0 }
    #expect(report.samples > 0 && !kernels.isEmpty)
    #expect(report.functions.contains { $0.name.hasPrefix("Workloads.Workload.") })
    // A build with a sanitizer counts neither.
    #expect((report.heap.liveBytesBefore ?? 0 > 0) == (report.heap.allocations != nil))
    #expect(report.heap.peakResidentBytes > 0)
  }

  @Test("every other verb can be profiled too")
  func otherVerb() throws {
    try withTemporaryFolder { folder in
      let path = folder.path(percentEncoded: false)
      let result = try Command().run(["verify", "--profile", path])
      #expect(result.status == 0)
      #expect(try names(in: folder) == ["flamegraph.svg", "profile.txt", "stacks.folded"])
      let text = try String(contentsOf: folder.appending(path: "profile.txt"), encoding: .utf8)
      #expect(text.hasPrefix("mixup-inference verify: kernel set \(KernelSet.best.rawValue), "))
    }
  }

  @Test("a stripped program can be profiled, and says why its functions have no names")
  func stripped() throws {
    try withTemporaryFolder { folder in
      // The table of all functions is a section of kind 2; without a kind nobody finds it.
      var program = try Data(contentsOf: Command.built)
      func number<Number: FixedWidthInteger>(_ offset: Int, _: Number.Type) -> Int {
        program.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
      }
      let (start, size) = (number(40, UInt64.self), number(58, UInt16.self))
      for section in 0..<number(60, UInt16.self)
      where number(start + section * size + 4, UInt32.self) == 2 {
        program.replaceSubrange(
          start + section * size + 4..<start + section * size + 8, with: [0, 0, 0, 0])
      }
      let copy = folder.appending(path: "mixup-inference")
      try writeProgram(program, to: copy)
      let result = try Command(executable: copy).run(
        [
          "profile", "--architecture", "resNet8", "--batch", "2", "--rounds", "1", "--seconds",
          "0.2", "--output", folder.path(percentEncoded: false),
        ])
      #expect(result.status == 0)
      #expect(result.output.contains("The program was stripped"))
      let doctor = try Command(executable: copy).run(["doctor"])
      #expect(doctor.output.contains("missing (only profiles need them)"))
    }
  }

  @Test("the table has a line for every layer and says on what it was measured")
  func table() throws {
    let result = try withTemporaryFolder { folder in
      try Command().run(
        [
          "profile", "--architecture", "resNet8", "--batch", "1", "--rounds", "1", "--plan",
          "latency", "--kernels", "openblas", "--seconds", "0.001", "--output",
          folder.path(percentEncoded: false),
        ])
    }
    #expect(result.status == 0)
    #expect(result.output.contains("resNet8, 1 images, one thread, kernel set openblas"))
    #expect(result.output.hasPrefix("forward/resNet8/1: kernel set openblas, "))
    #expect(!result.output.contains("stripped"))
    let lines = result.output.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("3.0.conv2") && $0.contains("direct") })
    #expect(lines.last?.hasPrefix("all") == true)
  }
}
