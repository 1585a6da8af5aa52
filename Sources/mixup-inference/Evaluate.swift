import ArgumentParser
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

  @Option(
    help: "Checkpoint (safetensors), or a PyTorch state dict of a network that `inspect` knows.")
  var model: String

  @OptionGroup var dataset: DatasetOptions

  @Option(help: "Means of the network's input normalisation, r,g,b; the checkpoint's unless given.")
  var mean: String?

  @Option(help: "Standard deviations of the same, r,g,b.")
  var std: String?

  @Option(
    help: "\(DefenceName.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated.")
  var defence: [String] = ["none"]

  @Option(
    help: """
      \(AttackName.allCases.map(\.rawValue).joined(separator: ", ")); \
      may be repeated.
      """)
  var attack: [String] = ["none"]

  @Option(help: "Measure of a perturbation: linf, l2.")
  var norm: String?

  @Option(help: "Radius of the attack on the pixel scale, such as 8/255 or 0.15.")
  var epsilon: String?

  @Option(help: "Steps of the attack; 50 of pgd, 100 of apgd, 1000 of cw unless given.")
  var steps: Int?

  @Option(help: "Length of a step, as --epsilon; max(ε/4, 2.5 ε/steps) unless given.")
  var stepSize: String?

  @Option(
    help: "What pgd maximises: \(AttackLoss.allCases.map(\.rawValue).joined(separator: ", ")).")
  var loss: String?

  @Option(help: "Momentum of pgd, from 0 to 1.")
  var momentum: Float?

  @Option(help: "Predictions that noise (10,000) and square (5000) may ask for.")
  var queries: Int?

  @Option(help: "Independent starts of the attack, of which the best counts.")
  var restarts = 1

  @Option(name: .customLong("lambda"), help: "λ: the share of the input itself in a mixture.")
  var ratio: Float = 0.5

  @Option(name: .customLong("lambda-pl"), help: "λ of MI-PL, where it is to differ.")
  var predictedLabelRatio: Float?

  @Option(help: "Detection threshold of mi-combined.")
  var threshold: Float = 0.2

  @Option(help: "N: executions for a decision.")
  var draws = 30

  @Option(help: "Executions for each gradient of an adaptive attack.")
  var attackDraws = 10

  @Option(
    help:
      "What the attacker of a defence averages: \(GradientAverage.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var average: String?

  @Option(help: "Draws that score an image of a randomised defence.")
  var scores = 20

  @Option(help: "Draws that choose the worst attack on an image; 0: no choice.")
  var selections = 5

  @Option(help: "File with the plan, JSON, in place of the options about defences and attacks.")
  var plan: String?

  @Option(help: "Test images, from the first; all unless given.")
  var count: Int?

  @Option(help: "Seed of everything random.")
  var seed: UInt64?

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
    let plan = try self.plan.map(planFile) ?? planOfOptions()
    try plan.check()
    let shard = try self.shard.map { try Shard($0) } ?? .whole
    guard shard == .whole || store != nil else {
      throw Failure.usage("--shard measures a part; give --store, where `merge` finds it")
    }
    if let sanity, !(1...1_000_000 ~= sanity) {
      throw Failure.usage("--sanity is \(sanity); give a number of images")
    }
    guard sanity == nil || shard == .whole else {
      throw Failure.usage("--sanity looks at all images; leave --shard out")
    }
    for file in [json, csv].compactMap(\.self) { try AtomicFile.check(URL(filePath: file)) }
    let kernels = try machine.kernelSet()
    let model = try loadModel()
    let data = try dataset.load(seed: plan.seed)
    let folder = store.map { URL(filePath: $0) }
    let run = EvaluationRun(
      plan: plan, store: folder, shard: shard, kernels: kernels, workers: machine.workers(),
      progress: ProgressReporter())
    let name = try dataset.name()
    let results = try profile.profiled("evaluate", machine) {
      try run.run(model, on: data, dataset: name)
    }
    let reports = try sanity.map {
      try run.sanity(of: model, on: data, results: results, count: $0)
    }
    let summary = try EvaluationSummary(results, sanity: reports ?? [])
    // A part has no records of its own.
    if shard == .whole, let folder { try EvaluationStore(folder).write(summary.records) }
    try summary.publish(json: json, csv: csv)
  }

  private func planOfOptions() throws -> EvaluationPlan {
    let norm: PerturbationBudget.Norm? = try norm.map { try named($0, "--norm") }
    let loss: AttackLoss? = try loss.map { try named($0, "--loss") }
    let average: GradientAverage? = try average.map { try named($0, "--average") }
    let names: [AttackName] = try attack.map { try named($0, "--attack") }
    func description(_ name: AttackName, epsilon: String?) throws -> AttackDescription {
      let measure = AttackDescription(name, norm: norm).norm
      return AttackDescription(
        name, norm: norm, epsilon: try epsilon.map { try Epsilon($0, norm: measure) }, steps: steps,
        stepSize: try stepSize.map { try Epsilon($0, norm: measure) }, restarts: restarts,
        loss: loss, momentum: momentum, queries: queries, draws: attackDraws, average: average)
    }
    // An option that nothing asks for is not used, but is not allowed to be nonsense either.
    try EvaluationPlan(
      defences: [
        DefenceDescription(
          .combined, lambda: ratio, lambdaPredicted: predictedLabelRatio, threshold: threshold,
          draws: draws)
      ],
      attacks: [
        try description(.adaptivePGD, epsilon: epsilon ?? "0"),
        try description(AttackName(.noise), epsilon: epsilon ?? "0"),
      ]
    ).check()
    return EvaluationPlan(
      count: count, seed: seed ?? 1, scoringDraws: scores, selectionDraws: selections,
      defences: try defence.map {
        DefenceDescription(
          try named($0, "--defence"),
          lambda: $0 == DefenceName.predictedLabel.rawValue
            ? predictedLabelRatio ?? ratio : ratio,
          lambdaPredicted: predictedLabelRatio, threshold: threshold, draws: draws)
      },
      attacks: try names.map { try description($0, epsilon: epsilon) })
  }

  private func planFile(_ path: String) throws -> EvaluationPlan {
    let bytes: Data
    do { bytes = try Data(contentsOf: URL(filePath: path)) } catch {
      throw Failure.file("cannot read the plan \"\(path)\"; check the path")
    }
    var plan = try EvaluationPlan(json: bytes, file: path)
    plan.count = count ?? plan.count
    plan.seed = seed ?? plan.seed
    return plan
  }

  private func loadModel() throws -> EvaluationRun.Model {
    // A state dict of other code may know no normalisation of its own.
    let given: Normalization? =
      if let mean, let std {
        try Normalization(
          mean: try numbers(mean, "--mean", []), standardDeviation: try numbers(std, "--std", []))
      } else { nil }
    var (checkpoint, digest) = try checkpointFile(
      model, normalization: given, images: try dataset.name().imageShape
    )
    if mean != nil || std != nil {
      checkpoint.normalization = try Normalization(
        mean: try numbers(mean, "--mean", checkpoint.normalization.mean),
        standardDeviation: try numbers(std, "--std", checkpoint.normalization.standardDeviation))
      guard checkpoint.normalization.mean.count == checkpoint.architecture.imageShape.channels
      else {
        throw Failure.usage(
          "the model's images have \(checkpoint.architecture.imageShape.channels) channels; "
            + "--mean and --std take one number for each")
      }
    }
    return EvaluationRun.Model(
      name: URL(filePath: model).deletingPathExtension().lastPathComponent,
      checkpoint: checkpoint, digest: digest)
  }

  private func numbers(_ text: String?, _ option: String, _ own: [Float]) throws -> [Float] {
    guard let text else { return own }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Float($0) else {
        throw Failure.usage("\(option) is \(text); give numbers with commas between them")
      }
      return number
    }
  }

  private func named<Name: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ option: String
  ) throws -> Name {
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("\(option) \(text) is unknown; it takes \(names)")
    }
    return name
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
