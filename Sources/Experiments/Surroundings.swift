import Foundation
import Kernels
import Reporting

/// What of a machine and of this program's build decides how fast it is, besides the processor itself.
package struct Surroundings: Sendable {
  /// Whether the program was built for debugging.
  package var isDebugBuild: Bool
  /// Processors that the machine has, and those that this process may use.
  package var processors, usable: Int
  /// Runnable threads of the whole machine, the mean over a minute; nil where the system does not say.
  package var load: Double?
  /// What chooses the clock rate, such as "powersave"; nil where that is not told.
  package var governor: String?
  /// Whether the processor has AVX-512, and whether AVX2.
  package var hasAVX512, hasAVX2: Bool
  /// For which processor OpenBLAS computes, nil where there is none, and whether the environment chose it.
  package var openBLAS: String?
  package var isOpenBLASChosen: Bool

  package init(
    isDebugBuild: Bool, processors: Int, usable: Int, load: Double?, governor: String?,
    hasAVX512: Bool, hasAVX2: Bool, openBLAS: String?, isOpenBLASChosen: Bool
  ) {
    self.isDebugBuild = isDebugBuild
    self.processors = processors
    self.usable = usable
    self.load = load
    self.governor = governor
    self.hasAVX512 = hasAVX512
    self.hasAVX2 = hasAVX2
    self.openBLAS = openBLAS
    self.isOpenBLASChosen = isOpenBLASChosen
  }

  /// Those of this process.
  package init() {
    func line(_ path: String) -> String? {
      (try? String(contentsOfFile: path, encoding: .utf8))?
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    #if DEBUG
      isDebugBuild = true
    #else
      isDebugBuild = false
    #endif
    processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    usable = WorkerPool.availableProcessors
    load = line("/proc/loadavg")?.split(separator: " ").first.flatMap { Double($0) }
    governor = line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    hasAVX512 = KernelSet.avx512.isAvailable
    hasAVX2 = KernelSet.avx2.isAvailable
    openBLAS = OpenBLAS.coreName
    isOpenBLASChosen = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"] != nil
  }

  /// What would make this program faster here, the surest first; a sentence if there is nothing.
  package var advice: [String] {
    let found: [String?] = [
      isDebugBuild ? "built for debugging: swift build -c release" : nil,
      usable < processors
        ? "\(usable) of \(processors) processors may be used: affinity, the control group or Slurm hold the others back"
        : nil,
      load.flatMap { load in
        load > 1.25 * Double(processors)
          ? "others use the machine: \(fixed(load, decimals: 1)) threads want to run on \(processors) processors"
          : nil
      },
      governor == "powersave"
        ? "the clock rate is held down: cpupower frequency-set --governor performance" : nil,
      isOpenBLASChosen
        ? openBLAS.map { "OPENBLAS_CORETYPE chooses \($0) for OpenBLAS: leave it unset" } : nil,
      hasAVX512
        ? nil
        : hasAVX2
          ? "a processor with AVX-512 would do more in a step; this one has none"
          : "a processor with AVX2 or AVX-512 would do far more in a step; this one has neither",
    ]
    let advice = found.compactMap(\.self)
    return advice.isEmpty ? ["nothing that this program knows of"] : advice
  }
}
