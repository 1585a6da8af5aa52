import Classification
import Experiments
import Kernels
import Testing
import Workloads

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

  @Test("tells apart processors that the system gives one name")
  func processor() {
    let information = """
      processor\t: 0
      vendor_id\t: AuthenticAMD
      cpu family\t: 23
      model\t\t: 1
      model name\t: AMD EPYC: virtual
      processor\t: 1
      cpu family\t: 25
      """
    #expect(
      Processor.name(in: information) == "AMD EPYC: virtual (family 23, model 1)")
    #expect(Processor.name(in: "model name\t: ARMv8 rev 0") == "ARMv8 rev 0")
    #expect(Processor.name(in: "") == "unknown")
  }

  @Test("says where int8 is slower than float32, by what the system says of the processor")
  func int8() throws {
    let flags =
      try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      .split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    let instruction: Substring? =
      switch KernelSet.best {
      case .avx512: "avx512_vnni"
      case .avx2: "avx_vnni"
      case .openBLAS, .reference: nil
      }
    let isThere = instruction.map(flags.contains) ?? false
    #expect(try value("int8").contains("slower than float32") == !isThere)
  }

  @Test(
    "is a line for each finding with its value in one column; what is missing has a remedy")
  func text() throws {
    let report = MachineReport()
    let lines = report.text.split(separator: "\n")
    #expect(lines.count == report.findings.count)
    let width = try #require(report.findings.map(\.name.count).max())
    for (line, finding) in zip(lines, report.findings) {
      #expect(line.hasPrefix(finding.name) || finding.name.isEmpty)
      #expect(line.dropFirst(width + 2).hasPrefix(finding.value))
      #expect(finding.value.contains("missing") == (finding.remedy != nil))
    }
  }

  @Test("says of each thing that slows it down what would help, and of nothing else")
  func advice() {
    let best = Surroundings(
      isDebugBuild: false, processors: 8, usable: 8, load: 10, governor: "performance",
      hasAVX512: true, hasAVX2: true, openBLAS: "SkylakeX", isOpenBLASChosen: false)
    #expect(best.advice == ["nothing that this program knows of"])
    func advice(_ change: (inout Surroundings) -> Void) -> String {
      var other = best
      change(&other)
      return other.advice.count == 1 ? other.advice[0] : ""
    }
    #expect(advice { $0.isDebugBuild = true }.contains("-c release"))
    #expect(advice { $0.usable = 2 }.contains("2 of 8 processors"))
    #expect(advice { $0.load = 10.1 }.contains("10.1 threads"))
    #expect(advice { $0.governor = "powersave" }.contains("cpupower"))
    #expect(advice { $0.isOpenBLASChosen = true }.contains("OPENBLAS_CORETYPE"))
    #expect(advice { $0.hasAVX512 = false }.contains("has none"))
    #expect(
      advice {
        $0.hasAVX512 = false
        $0.hasAVX2 = false
      }.contains("neither"))
  }

  @Test("says the remedy of what is missing, and of nothing else")
  func remedy() {
    let report = MachineReport(findings: [
      .init(name: "threads", value: "2"), .init(name: "names", value: "missing", remedy: "make"),
    ])
    #expect(report.text == "threads  2\nnames    missing; mend with: make")
  }
}
