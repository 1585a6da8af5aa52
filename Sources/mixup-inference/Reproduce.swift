import ArgumentParser
import Datasets
import Experiments
import Foundation
import Reporting

struct Reproduce: Verb {
  static let configuration = CommandConfiguration.verb(
    "Trains, defends, attacks and reports: on embedded digits, or the paper's tables on CIFAR.",
    """
    On the digits it trains a network plainly, with mixup and with interpolated adversarial training; \
    chooses the attack's radius and the defences' parameters on validation images; then measures every \
    network behind every defence on clean images, and under PGD by an attacker who does not know the \
    defence (oblivious) and by one who does (adaptive).

    On CIFAR it makes the paper's Table 2 (or 3) at 1, 2, 4 and 8/255 with a column for an attacker who \
    knows the defence, and Figures 2, 3 and 4, from four networks: those of --checkpoints (plain, mixup, \
    at, interpolated-at .safetensors), or new ones.

    --scale quick only shows that everything works; standard takes minutes on the digits and hours on \
    CIFAR; paper takes as many images, epochs and steps as the paper, on the digits all test images. \
    --estimate says how long it takes here, and stops. Writes index.html, its figures and their numbers, \
    results.md, results.json, results.csv and checkpoints. A run that was interrupted goes on where it ended, \
    unless --fresh.
    """,
    examples: [
      "reproduce --scale quick --output report",
      "reproduce --dataset cifar10 --data cifar-10-batches-bin \\\n--checkpoints fixtures/cifar10 --estimate",
    ], isLong: true)

  @OptionGroup var dataset: DatasetOptions

  @Option(help: "\(PaperScale.allCases.map(\.rawValue).joined(separator: ", ")).")
  var scale = PaperScale.standard.rawValue

  @Option(help: "Test images under attack, from the first; unless given as many as the scale says.")
  var count: Int?

  @Option(help: "Folder with trained networks, METHOD.safetensors, used in place of training.")
  var checkpoints: String?

  @Option(help: "Folder for the report, checkpoints and finished stages.")
  var output = "report"

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Flag(help: "Only say how long it will take.")
  var estimate = false

  @Flag(help: "Do not use the finished stages of an earlier run.")
  var fresh = false

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var profile: ProfileOptions

  func run() throws {
    guard let scale = PaperScale(rawValue: scale) else {
      let names = PaperScale.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("scale \(self.scale) is unknown; --scale takes one of \(names)")
    }
    if let count, !(1...1_000_000 ~= count) {
      throw Failure.usage("--count is \(count); give a number of images")
    }
    let folder = URL(filePath: output)
    try [common.json].check(
      inputs: [dataset.file],
      others: Reproduction.files(in: folder) + profile.files)
    let set = try dataset.described()
    var settings = try Reproduction.Settings(scale, for: set)
    settings.seed = seed
    settings.kernels = try machine.kernelSet()
    settings.imageCount = count ?? settings.imageCount
    let models = try checkpoints.map { try networks(in: $0, for: set, settings.methods) } ?? [:]
    let reproduction = try Reproduction(
      settings, on: try dataset.load(set, seed: seed), named: set, models: models,
      folder: folder, reusesStages: !fresh, workers: machine.workers(),
      progress: common.progress(
        advice:
          "what is finished is kept in \(output); run the same command again, without --fresh, to go on"
      ))
    if estimate {
      let estimate = try reproduction.estimate()
      try common.write(estimate.parts)
      return common.say(estimate)
    }
    let results = try profile.profiled("reproduce", machine) { try reproduction.run() }
    let report = ReproductionReport(results)
    try report.page.write(to: folder)
    try AtomicFile.write(report.markdown, to: folder.appending(path: "results.md"))
    let records = try report.records()
    try AtomicFile.write(try records.json(), to: folder.appending(path: "results.json"))
    try AtomicFile.write(records.csv, to: folder.appending(path: "results.csv"))
    try common.json?.write(records.json())
    common.say(report)
    let page = folder.appending(path: "index.html").relativePath
    common.say(
      """

      Written: \(page), figures/, results.md, results.json, results.csv, checkpoints/, evaluation/
      """)
  }

  /// The networks of a folder.
  private func networks(
    in folder: String, for dataset: Dataset, _ methods: [TrainingMethod]
  ) throws -> [TrainingMethod: CheckpointModel] {
    try Dictionary(
      uniqueKeysWithValues: methods.map { method in
        let file = URL(filePath: folder).appending(path: "\(method.rawValue).safetensors")
        let checkpoint = try checkpointFile(file.relativePath, images: dataset.imageShape)
        let recipe = try checkpoint.checkpoint().recipe
        if let recipe, !method.isMethod(of: recipe) || recipe.seed != seed {
          throw Failure.data(
            "\(file.relativePath) was trained otherwise than its name and --seed \(seed) say "
              + "(\(recipe)); name files for their training, and give its seed, or validation images would be "
              + "training images")
        }
        let curve: LearningCurve?
        do { curve = try TrainingRun.curve(beside: file) } catch {
          throw Failure.data("the curve beside \(file.relativePath): \(error)")
        }
        return (
          method,
          try CheckpointModel(name: method.rawValue, checkpoint, curve: curve)
        )
      })
  }
}
