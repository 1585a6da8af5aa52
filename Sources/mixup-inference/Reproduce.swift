import ArgumentParser
import Experiments
import Foundation
import Reporting

struct Reproduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains three models on embedded digits, defends, attacks and reports.",
    discussion: """
      Trains a network plainly, with mixup and with interpolated adversarial training; chooses the \
      attack's radius by a sweep and the defences' parameters on validation images; then measures \
      every model under every defence on clean images and under oblivious and adaptive PGD.

      By default on the first 500 test images, with 30 executions for a decision and 10 for each \
      gradient of an attacker who knows the defence; --full takes all 1,797 test images. Writes \
      index.html, results.json and the checkpoints. Finished stages are used again unless --fresh.
      """)

  @Option(help: "Folder for the report, checkpoints and finished stages.")
  var output = "report"

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Flag(help: "Take all test images.")
  var full = false

  @Flag(help: "Do not use the finished stages of an earlier run.")
  var fresh = false

  @OptionGroup var machine: MachineOptions
  @OptionGroup var profile: ProfileOptions

  func run() throws {
    var settings = Reproduction.Settings()
    settings.seed = seed
    settings.kernels = try machine.kernelSet()
    if full { settings.testCount = nil }
    let folder = URL(filePath: output)
    let reproduction = try Reproduction(
      settings: settings, folder: folder, reusesStages: !fresh, workers: machine.workers(),
      progress: ProgressReporter())
    let results = try profile.profiled("reproduce", machine) { try reproduction.run() }
    let report = ReproductionReport(results)
    try AtomicFile.write(Data(report.html.utf8), to: folder.appending(path: "index.html"))
    try AtomicFile.write(try report.records().json(), to: folder.appending(path: "results.json"))
    print(report.text)
    print(
      "\nWritten: \(folder.appending(path: "index.html").relativePath), results.json, checkpoints/")
  }
}
