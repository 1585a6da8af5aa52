import Foundation
import Kernels
import Reporting
import Workloads

/// What the machine can do, what of that is used, and what is missing.
package struct MachineReport: Sendable, Reported {
  /// One line of the report.
  package struct Finding: Sendable, Encodable {
    package var name: String
    package var value: String
    /// The command that mends it, if something is missing.
    package var remedy: String?

    package init(name: String, value: String, remedy: String? = nil) {
      self.name = name
      self.value = value
      self.remedy = remedy
    }
  }

  package let findings: [Finding]

  /// A report of what was found.
  package init(findings: [Finding]) { self.findings = findings }

  /// Looks at the machine.
  package init() {
    var findings: [Finding] = []
    func add(_ name: String, _ value: String, remedy: String? = nil) {
      findings.append(Finding(name: name, value: value, remedy: remedy))
    }
    add("processor", Processor.name)
    let features = [("AVX2 + FMA", KernelSet.avx2), ("AVX-512", .avx512)]
      .map { "\($0) \($1.isAvailable ? "yes" : "no")" }
    add("vector units", features.joined(separator: ", "))
    add(
      "kernel set",
      KernelSet.best.rawValue + (KernelSet.simd == nil ? " (no SIMD set runs here)" : ""))
    add(
      "int8",
      KernelSet.best.hasByteInstruction
        ? "by the instruction for products of bytes (VNNI)"
        : "without the instruction for products of bytes (VNNI): slower than float32")
    add("kernel sets that run here", KernelSet.available.map(\.rawValue).joined(separator: ", "))
    func add(_ name: String, _ value: String?, neededBy users: String, _ problem: MissingLibrary?) {
      add(name, value ?? "missing (only \(users) it)", remedy: problem?.remedy)
    }
    add(
      "OpenBLAS core", OpenBLAS.coreName, neededBy: "--kernels openblas needs", OpenBLAS.problem)
    let profiler = Profiler.problem
    add("profiler", profiler == nil ? "found" : nil, neededBy: "profiles need", profiler)
    add("threads", "\(WorkerPool.availableProcessors)")
    let hasSymbols = Profiler.programHasSymbols
    add(
      "names of functions", hasSymbols ? "found" : "missing (only profiles need them)",
      remedy: hasSymbols ? nil : "swift build -c release")
    for (place, advice) in Surroundings().advice.enumerated() {
      add(place == 0 ? "what would be faster" : "", advice)
    }
    self.findings = findings
  }

  /// The report for a terminal.
  package var printout: Printout {
    let width = findings.map(\.name.count).max() ?? 0
    let lines = findings.map { finding in
      let name = finding.name.padding(toLength: width, withPad: " ", startingAt: 0)
      return "\(name)  \(finding.value)" + (finding.remedy.map { "; mend with: \($0)" } ?? "")
    }
    return Printout(lines.joined(separator: "\n"))
  }
}
