import Foundation
import Reporting

/// A profile for readers: functions in which the time went, flame graph, folded stacks, memory.
package struct ProfileReport: Sendable, Reported {
  /// What ran: "decision/resNet20/30".
  package let title: String
  /// How it ran: kernel set, threads.
  package let circumstances: String
  package let run: SampledRun
  /// How often the work was done.
  package let executions: Int

  package init(title: String, circumstances: String, run: SampledRun, executions: Int = 1) {
    self.title = title
    self.circumstances = circumstances
    self.run = run
    self.executions = executions
  }

  // MARK: Text

  /// What was measured.
  package var summary: String {
    var text = String(format: "%@, %.1f s", circumstances, run.seconds)
    if executions > 1 {
      text += String(
        format: ", %d executions of %.4g ms", executions, 1000 * run.seconds / Double(executions))
    }
    text += String(
      format: "; %d samples, one every %.0f ms of processor time.", run.stacks.samples,
      1000 * run.period)
    if !run.hasSymbols {
      text += " The program was stripped, so its functions have no names; build it again."
    }
    return text
  }

  /// The functions that ran most, with their own shares and those with what they called.
  package func functions(most count: Int = 20) -> Table {
    let samples = Double(max(run.stacks.samples, 1))
    return Table(
      columns: ["function", "self %", "total %", "samples"],
      rows: run.stacks.functions.filter { $0.own > 0 }.prefix(count).map {
        [
          Table.Cell($0.name), Table.Cell(fixed(100 * Double($0.own) / samples, decimals: 1)),
          Table.Cell(fixed(100 * Double($0.total) / samples, decimals: 1)), "\($0.own)",
        ]
      })
  }

  /// Summary, functions and memory.
  package var printout: Printout {
    """
    \(title): \(summary)
    Self is the function's own time, total that with what it called. Closures, specialised and \
    inlined code count as the function in which they stand.

    \(functions())
    \(run.heap.text(executions: executions))

    """
  }

  // MARK: Picture

  package var flameGraph: FlameGraph {
    FlameGraph(
      title: "Where the time goes: \(title)",
      notes: [
        summary,
        "A box stands on its caller and is as wide as its share of the time; what ran has nothing "
          + "on top. Threads stand side by side; left to right is no order of time.",
      ],
      stacks: run.stacks, groups: Self.groups.map(\.name), group: Self.group)
  }

  /// Modules by what they are for, as the beginnings of their names.
  private static let groups: [(name: String, modules: [String])] = [
    ("kernels", ["Kernels", "libopenblas"]),
    ("network", ["NeuralNetwork"]),
    ("mixup inference, attacks", ["MixupInference", "Robustness"]),
    (
      "training, experiments",
      [
        "Training", "Experiments", "Workloads", "Datasets", "Statistics", "Reporting", "mixup",
        "ArgumentParser",
      ]
    ),
    (
      "Swift's libraries",
      ["Swift", "Synchronization", "Foundation", "_", "libswift", "libFoundation"]
    ),
    ("system", []),
  ]

  @Sendable private static func group(_ function: String) -> Int {
    groups.firstIndex { $0.modules.contains(where: function.hasPrefix) } ?? groups.count - 1
  }

  // MARK: Files

  /// The names of the files that `write` makes.
  private enum File: String, CaseIterable {
    case stacks = "stacks.folded"
    case flameGraph = "flamegraph.svg"
    case text = "profile.txt"
  }

  /// The files that `write` makes in a folder.
  package static func files(in folder: URL) -> [URL] {
    File.allCases.map { folder.appending(path: $0.rawValue) }
  }

  /// Finds out before long work whether a profile can be made, and whether `write` will be able to write its files.
  ///
  /// - Throws: the errors that these would throw.
  package static func check(_ folder: URL) throws {
    if let problem = Profiler.problem { throw problem }
    for file in files(in: folder) { try AtomicFile.check(file) }
  }

  /// Writes `stacks.folded`, `flamegraph.svg` and `profile.txt` into a folder.
  ///
  /// - Parameter layers: the report on layers, which `profile.txt` gets too.
  package func write(to folder: URL, layers: String? = nil) throws(FileWriteError) {
    for file in File.allCases {
      let content =
        switch file {
        case .stacks: run.stacks.text
        case .flameGraph: flameGraph.svg(width: 1200)
        case .text: text + (layers.map { "\n\($0)" } ?? "")
        }
      try AtomicFile.write(content, to: folder.appending(path: file.rawValue))
    }
  }
}
