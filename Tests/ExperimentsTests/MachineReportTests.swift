import Classification
import Experiments
import Kernels
import Testing

@Suite("The report on the machine")
struct MachineReportTests {
  private func value(_ name: String) throws -> String {
    try #require(MachineReport().findings.first { $0.name == name }?.value)
  }

  @Test("names the kernel set, threads and OpenBLAS core that are used")
  func names() throws {
    #expect(try value("kernel set").hasPrefix(KernelSet.best.rawValue))
    #expect(try value("threads") == "\(WorkerPool.availableProcessors)")
    #expect(try value("OpenBLAS core") == OpenBLAS.coreName)
    #expect(
      try value("kernel sets that run here")
        == KernelSet.available.map(\.rawValue).joined(separator: ", "))
    #expect(
      try value("vector units").contains("AVX2 + FMA \(KernelSet.avx2.isAvailable ? "yes" : "no")"))
  }

  @Test(
    "is a line for each finding with its value in one column; what is missing has a remedy")
  func text() throws {
    let report = MachineReport()
    let lines = report.text.split(separator: "\n")
    #expect(lines.count == report.findings.count)
    let width = try #require(report.findings.map(\.name.count).max())
    for (line, finding) in zip(lines, report.findings) {
      #expect(line.hasPrefix(finding.name))
      #expect(line.dropFirst(width + 2).hasPrefix(finding.value))
      #expect(finding.value.contains("missing") == (finding.remedy != nil))
    }
  }

  @Test("says the remedy of what is missing, and of nothing else")
  func remedy() {
    let report = MachineReport(findings: [
      .init(name: "threads", value: "2"), .init(name: "names", value: "missing", remedy: "make"),
    ])
    #expect(report.text == "threads  2\nnames    missing; mend with: make")
  }
}
