import ArgumentParser
import Datasets
import Experiments
import Foundation
import NeuralNetwork
import Reporting
import Robustness

struct Evaluate: Verb {
  static let configuration = CommandConfiguration.verb(
    "Measures a trained network under defences and attacks.",
    """
    Every defence is measured under every attack, on the first --count test images. An adaptive attack \
    follows the gradient of the whole defence with fresh random numbers at every step; the others know \
    the bare network only. Mixup inference mixes inputs with training images.

    A randomised defence is scored on --scores draws for every image: "accuracy" is that of a single \
    prediction, as the mean over draws, "majority vote" counts images whose class is predicted most often, \
    "always" those that are right on every draw. A frozen attack knows the first of these draws and is \
    judged on it: what it breaks beyond the adaptive one, randomness alone holds up. Intervals are 95%, for the choice of images. "Against none" is the difference to the \
    undefended network on the same images, by one prediction each. "worst" takes, for every radius and image \
    by image, the attack that misled most often on --selections other draws, frozen ones aside.

    --sanity checks the evaluation itself before its figures are shown: labels, random numbers, gradients, \
    whether the attack succeeds where it must, and whether a larger radius, more steps or other attackers \
    find more. Figures that fail are not to be quoted.

    With --store a run that was interrupted goes on where it ended, --shard i/n measures a part, and \
    any number of runs with --shard auto on one --store, begun whenever and on any machines, share the work out \
    among themselves; `merge` puts together what they measured. --plan takes defences and attacks from a file instead: \
    {"defences": [{"name": "mi-ol", "lambda": 0.6}], "attacks": [{"name": "pgd", "epsilon": "8/255"}]}.
    """,
    examples: [
      "evaluate --model report/checkpoints/mixup.safetensors \\\n--defence none --defence mi-ol --attack none --attack adaptive-pgd \\\n--epsilon 3/20",
      "evaluate --model net.onnx --dataset cifar10 \\\n--data cifar-10-batches-bin --attack apgd --epsilon 8/255 \\\n--count 200 --store results --json results.json",
    ], isLong: true)

  @OptionGroup var network: ModelOptions
  @OptionGroup var dataset: DatasetOptions

  @Option(
    help: """
      File of images in place of the test images, safetensors, as `attack` writes it or another tool: images \
      [N, C, H, W] in [0, 1] or bytes, labels, and indices, by which they are compared with the data set's.
      """)
  var images: String?

  @OptionGroup var plan: PlanOptions

  @Option(
    help: """
      Share of clean validation images that defences have to classify correctly: of several settings of one \
      defence only the one that comes nearest to it from above is measured, or the best if all are below.
      """)
  var match: Double?

  @Option(help: "Folder where outcomes are kept as they come, so that a later run goes on there.")
  var store: String?

  @Option(
    help: """
      Which part of the images to measure, such as 2/4; or auto: whatever no other run with the same --store \
      has. Both need --store.
      """)
  var shard: String?

  @Option(
    help: """
      With --shard auto, the most images that are claimed at once, 16 unless given, and fewer where a gradient is dear. The \
      same for all runs.
      """)
  var unit: Int?

  @Option(
    help: """
      With --shard auto, seconds after which a run that shows no life is taken for dead, and others measure \
      what it had; 120 unless given.
      """)
  var lease: Double?

  @Option(
    help: "On how many images the sanity suite checks every defence, under its worst attack.")
  var sanity: Int?

  @Option(
    help: """
      File for the logits that every defence gives the images without an attack, with labels and indices \
      (safetensors); - for standard output.
      """)
  var logits: Destination?

  @Option(
    help: """
      File for what RobustBench's leaderboard says of a model, JSON as in its model_info, of one defence in one \
      ball: what was measured, and null for the rest; - for standard output.
      """)
  var robustbench: Destination?

  @OptionGroup var files: RecordOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var profile: ProfileOptions

  @Flag(
    help: """
      Only say what it will take: measures a few units of every attack, and prints passes, core hours, memory, and \
      how long so many tasks with --shard auto need. Nothing is kept.
      """)
  var estimate = false

  func run() throws {
    let prepared = try prepared()
    if estimate {
      let estimate = try prepared.estimate(unit: unit)
      try common.write(estimate.record)
      return common.say(estimate)
    }
    let (model, other, data) = (prepared.model, prepared.other, prepared.data)
    let run = prepared.run
    if let sharing = prepared.sharing {
      if let task = sharing.task { common.say("this is \(task)") }
      let outcome = try profile.profiled("evaluate", machine) {
        try run.share(sharing, model, other: other, on: data, dataset: prepared.set)
      }
      return common.say("\(outcome)")
    }
    for defence in run.matched { common.say(Printout(defence.text), beside: files.destinations) }
    let results = try profile.profiled("evaluate", machine) {
      try run.run(model, other: other, on: data, dataset: prepared.set)
    }
    let summary = try run.summary(
      of: results, model, other: other, on: data, sanityCount: sanity)
    if run.shard != .whole {
      common.say("part \(run.shard) of the images alone", beside: destinations)
    }
    try summary.publish(files, common, with: [logits, robustbench])
    if let robustbench {
      let entry = try RobustBenchEntry(summary.records)
      try robustbench.write(Data(entry.json.utf8))
      common.say(Printout(entry.text), beside: destinations)
    }
    try logits?.write(run.logits(of: model, on: data, dataset: prepared.set).encoded())
  }

  private var destinations: [Destination?] { files.destinations + [logits, robustbench] }

  /// What was asked for, checked and loaded.
  struct Prepared {
    var run: EvaluationRun
    var model: any EvaluatedModel
    var other: (any EvaluatedModel)?
    var data: DatasetSplit
    var set: Dataset
    var sharing: Sharing?

    /// What it will take.
    ///
    /// - Parameter unit: images in a unit; nil for as many as suit the attack.
    func estimate(unit: Int?) throws -> EvaluationEstimate {
      try run.estimate(
        model, other: other, on: data, dataset: set, unit: unit, started: secondsSinceStart)
    }
  }

  /// - Throws: `Failure` for what does not go together, and what the model's and the data's files throw.
  func prepared() throws -> Prepared {
    var plan = try plan.evaluationPlan()
    if files.wantsCurves { try plan.prepareForCurves() }
    let sharing = try sharing()
    let shard = try sharing == nil ? self.shard.map { try Shard($0) } ?? .whole : .whole
    let isWhole = shard == .whole && sharing == nil
    guard isWhole || store != nil else {
      throw Failure.usage("--shard measures a part; give --store, where `merge` finds it")
    }
    if let match, !(match > 0 && match <= 1) {
      throw Failure.usage("--match is \(match); it is a share of the images, such as 0.95")
    }
    if let sanity, !(1...1_000_000 ~= sanity) {
      throw Failure.usage("--sanity is \(sanity); give a number of images")
    }
    guard sanity == nil || isWhole else {
      throw Failure.usage("--sanity looks at all images; leave --shard out")
    }
    guard logits == nil || isWhole else {
      throw Failure.usage("--logits has all images; leave --shard out")
    }
    let attackers = plan.attacks.filter { $0.budget != nil && $0.name.knowledge != .draws }
    guard sanity == nil || !attackers.isEmpty else {
      throw Failure.usage("--sanity checks defences under an attack; give --attack and --epsilon")
    }
    guard robustbench == nil || isWhole else {
      throw Failure.usage("--robustbench is about all images; leave --shard out")
    }
    if robustbench != nil { try plan.checkForRobustBench() }
    guard sharing == nil || (destinations + [common.json]).allSatisfy({ $0 == nil }) else {
      throw Failure.usage(
        "a run with --shard auto writes no results, as each has a part; give the files to `merge`")
    }
    try files.checkFormat()
    try (destinations + [common.json]).check(
      inputs: network.files + [dataset.file, images, self.plan.plan], others: profile.files,
      stores: [store], data: dataset.data)
    let execution = try machine.execution()
    let set = try dataset.described()
    let model = try network.load(for: set.imageShape)
    let other = try network.loadOther(for: set.imageShape)
    let data = try dataset.load(set, seed: model.splitSeed)
    var run = EvaluationRun(
      plan: plan, images: try images.map { try imageFile($0, of: data) },
      store: store.map { URL(filePath: $0) }, shard: shard, execution: execution,
      progress: common.progress(
        advice: store.map {
          "outcomes so far are kept in \($0); run the same command again to go on"
        } ?? Interruption.nothingIsKept + "; with --store a run goes on where it ended"))
    if let match {
      run.matched = try run.matched(to: match, model, on: data)
      run.plan.defences = run.matched.map(\.defence)
    }
    return Prepared(run: run, model: model, other: other, data: data, set: set, sharing: sharing)
  }
}

extension Evaluate {
  /// How the run shares the work out; nil if it does not.
  fileprivate func sharing() throws -> Sharing? {
    guard shard == "auto" else {
      for (name, isGiven) in [("unit", unit != nil), ("lease", lease != nil)] where isGiven {
        throw Failure.usage("--\(name) is about runs that share the work out; give --shard auto")
      }
      return nil
    }
    return try Sharing(
      task: ArrayTask.of(ProcessInfo.processInfo.environment), unit: unit, lease: lease)
  }
}

extension EvaluationSummary {
  /// Writes the files that were asked for, and prints the table.
  ///
  /// - Parameter others: other results of the verb.
  func publish(
    _ files: RecordOptions, _ common: CommonOptions, with others: [Destination?] = []
  ) throws {
    guard !files.wantsCurves || !curves.isEmpty else { throw PlanError.curves }
    if let file = common.json {
      try file.write(file.format == .jsonLines ? records.jsonLines() : json())
    }
    try files.csv?.write(Data(csv.utf8))
    if let file = files.perImage {
      let rows =
        file.format == .jsonLines
        ? ImageRow.columns.jsonLines(imageRows) : ImageRow.columns.csv(imageRows)
      try file.write(Data(rows.utf8))
    }
    if files.wantsCurves {
      try files.curve?.write(Data(curves.csv.utf8))
      try files.curvePlot?.write(Data(curves.svg.utf8))
    }
    try files.latex?.write(Data(latex(command: CommandLine.arguments).utf8))
    common.say(self, beside: files.destinations + others)
  }
}
