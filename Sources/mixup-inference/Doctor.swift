import ArgumentParser
import Experiments

struct Doctor: Verb {
  static let configuration = CommandConfiguration.verb(
    "Says what this machine can do, what is used of it, and what would make it faster.",
    """
    Looks at the processor, at what this program uses of it, and at the system's limits, and names for each what would \
    help, if anything would.
    """,
    examples: [
      "doctor",
      "doctor --json -",
    ])

  @OptionGroup var common: CommonOptions

  func run() throws {
    try [common.json].check()
    let report = MachineReport()
    try common.write(report.findings)
    common.say(report)
  }
}
