import ArgumentParser
import Datasets
import Experiments
import Foundation
import NeuralNetwork
import Reporting
import Robustness

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a trained network under defences and attacks.",
    discussion: """
      Every pair of the given defences and attacks is measured on the first --count test images. An \
      adaptive attack follows the gradient of the whole defence with fresh randomness; the others know \
      the bare network only. Mixing partners are training images.

      A randomised defence is scored on --scores draws for every image: "accuracy" is the mean, \
      "majority" counts images whose class is predicted most often, "always" those that are right on \
      every draw. Intervals are 95% and count images. "Against none" compares one prediction with that \
      of the undefended network on the same images. "worst" takes, image by image, the attack that did most on \
      --selections other draws.

      --sanity checks the evaluation itself before its figures are shown: labels, randomness, gradients, \
      attacks on what is known, radius, steps, other attackers. Figures that fail are not to be quoted.

      With --store a run that was interrupted goes on where it ended, and --shard i/n measures a part, \
      to be put together by `merge`. --plan takes defences and attacks from a file instead: \
      {"defences": [{"name": "mi-ol", "lambda": 0.6}], "attacks": [{"name": "pgd", "epsilon": "8/255"}]}.

      Example: mixup-inference evaluate --model report/checkpoints/mixup.safetensors \
      --defence none --defence mi-ol --attack none --attack adaptive-pgd --epsilon 3/20
      """)

  @OptionGroup var network: ModelOptions
  @OptionGroup var dataset: DatasetOptions

  @Option(help: "File of images that `attack` wrote, in place of the test images.")
  var images: String?

  @OptionGroup var plan: PlanOptions

  @Option(
    help: """
      Share of clean validation images that defences have to keep right: of several settings of one \
      defence the one that comes nearest is measured.
      """)
  var match: Double?

  @Option(help: "Folder where outcomes are kept as they come.")
  var store: String?

  @Option(help: "Which part of the images to measure, such as 2/4; needs --store.")
  var shard: String?

  @Option(help: "Images on which the sanity suite checks every defence under its worst attack.")
  var sanity: Int?

  @Option(help: "File for the records, a JSON array.")
  var json: String?

  @Option(help: "File for the records, a table with commas.")
  var csv: String?

  @OptionGroup var machine: MachineOptions
  @OptionGroup var profile: ProfileOptions

  func run() throws {
    let plan = try plan.evaluationPlan()
    let shard = try self.shard.map { try Shard($0) } ?? .whole
    guard shard == .whole || store != nil else {
      throw Failure.usage("--shard measures a part; give --store, where `merge` finds it")
    }
    if let match, !(match > 0 && match <= 1) {
      throw Failure.usage("--match is \(match); it is a share of the images, such as 0.95")
    }
    if let sanity, !(1...1_000_000 ~= sanity) {
      throw Failure.usage("--sanity is \(sanity); give a number of images")
    }
    guard sanity == nil || shard == .whole else {
      throw Failure.usage("--sanity looks at all images; leave --shard out")
    }
    for file in [json, csv].compactMap(\.self) { try AtomicFile.check(URL(filePath: file)) }
    let kernels = try machine.kernelSet()
    let name = try dataset.name()
    let model = try network.load(for: name.imageShape)
    let other = try network.loadOther(for: name.imageShape)
    var data = try dataset.load(seed: plan.seed)
    var split = "test"
    if let images {
      let (file, digest) = try imageFile(images, classCount: data.test.classCount)
      data = DatasetSplit(training: data.training, validation: data.validation, test: file)
      split = "file, SHA-256 of its images \(digest)"
    }
    let folder = store.map { URL(filePath: $0) }
    var run = EvaluationRun(
      plan: plan, split: split, store: folder, shard: shard, kernels: kernels,
      workers: machine.workers(),
      progress: ProgressReporter())
    if let match {
      let found = try run.matched(to: match, model, on: data)
      run.plan.defences = found.map(\.defence)
      for defence in found { print(defence.text) }
    }
    let results = try profile.profiled("evaluate", machine) {
      try run.run(model, other: other, on: data, dataset: name)
    }
    let reports = try sanity.map {
      try run.sanity(of: model, other: other, on: data, results: results, count: $0)
    }
    let summary = try EvaluationSummary(results, sanity: reports ?? [])
    // A part has no records of its own.
    if shard == .whole, let folder { try EvaluationStore(folder).write(summary.records) }
    try summary.publish(json: json, csv: csv)
  }
}

extension EvaluationSummary {
  /// Writes the files that were asked for, and prints the table.
  func publish(json: String?, csv: String?) throws {
    if let json { try AtomicFile.write(try records.json(), to: URL(filePath: json)) }
    if let csv { try AtomicFile.write(self.csv, to: URL(filePath: csv)) }
    for report in sanity {
      print("sanity of \(report.defence.name.rawValue) under \(report.attack.name.rawValue):")
      print(report.table.plain())
    }
    if let warning { print(warning) }
    print(table.plain())
    for remark in remarks { print(remark) }
  }
}
