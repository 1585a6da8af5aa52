import ArgumentParser
import Experiments

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what this machine can do, what is used of it, and what is missing.")

  func run() throws {
    show(MachineReport().text)
  }
}
