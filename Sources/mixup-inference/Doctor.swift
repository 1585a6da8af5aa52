import ArgumentParser
import Experiments
import Foundation
import Kernels

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what this machine can do, what is used of it, and what is missing.")

  func run() throws {
    let report = MachineReport()
    print(report.text)
    if !report.isReady { throw ExitCode(EX_UNAVAILABLE) }
  }
}
