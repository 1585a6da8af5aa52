import ArgumentParser
import Datasets
import Experiments
import Foundation
import MixupInference
import NeuralNetwork
import Reporting
import Robustness

struct Verify: Verb {
  static let configuration = CommandConfiguration.verb(
    "Checks the paper's equations on exact models, and measures them on a network.",
    """
    Builds random models F = H + G: H is affine and gives every clean point its own class with \
    certainty, G is what an attack adds. On them it compares the paper's Table 1, its Robustness \
    Improving Condition (RIC) and its Detection Gap (DG) with what mixing really does. Ends with \
    status 1 if an equation fails that is a theorem. Whether RIC and DG hold for the chosen G is a \
    finding.

    With --model or --model-command, also measures RIC, DG and the linearity between images on a trained network, \
    with intervals; the attack is PGD by an attacker who does not know of the defence.
    """,
    examples: [
      "verify --family power --exponent 1 --lambdas 0.3,0.5,0.9",
      "verify --model mixup.safetensors --epsilon 3/20 --output page \\\n--json verify.json",
    ], isLong: true, statuses: ["1 a theorem fails"])

  @Option(help: "L, the number of classes.")
  var classes = 10

  @Option(help: "D, the dimension of the points; at least L−1.")
  var dimension = 16

  @Option(
    help:
      "Form of the attack's effect G: \(SyntheticScenario.Family.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var family = SyntheticScenario.Family.power.rawValue

  @Option(help: "p: half of the attack has its effect divided by 2ᵖ.")
  var exponent = 2.0

  @Option(help: "g: the confidence that the attack takes from the true label, above 0 up to 1.")
  var strength = 0.9

  @Option(help: "λ with commas between: 0.2,0.5,0.8.")
  var lambdas = "0.2,0.4,0.5,0.6,0.8"

  @Option(help: "N: mixtures of a decision where mixup inference is sampled.")
  var draws = 30

  @Option(help: "Random models to try.")
  var models = 20

  @OptionGroup var subject: SubjectOptions

  @OptionGroup var dataset: DatasetOptions

  @Option(help: "Radius of the attack on the network, on the pixel scale.")
  var epsilon = "3/20"

  @Option(help: "Steps of the attack on the network.")
  var steps = 10

  @Option(help: "Test images of the network, from the first.")
  var count = 500

  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1

  @Option(help: "Folder for the page index.html and the picture region.svg.")
  var output: String?

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var profile: ProfileOptions

  func run() throws {
    guard let family = SyntheticScenario.Family(rawValue: family) else {
      let names = SyntheticScenario.Family.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("--family \(family) is unknown; it takes \(names)")
    }
    for (name, value) in [("--steps", steps), ("--count", count)] where value < 1 {
      throw Failure.usage("\(name) is \(value); it must be 1 at least")
    }
    for (name, value, most) in [
      ("--models", models, 100_000), ("--draws", draws, 100_000), ("--classes", classes, 1000),
      ("--dimension", dimension, 10_000),
    ] where value > most {
      throw Failure.usage("\(name) is \(value); it must be \(most) at most")
    }
    var settings = Verification.Settings()
    settings.scenario.classCount = classes
    settings.scenario.dimension = dimension
    settings.scenario.family = family
    settings.scenario.exponent = exponent
    settings.scenario.strength = strength
    settings.lambdas = try mixingRatios()
    settings.sampleCount = draws
    settings.modelCount = models
    settings.seed = seed
    let page = output.map { URL(filePath: $0).appending(path: "index.html") }
    let picture = output.map { URL(filePath: $0).appending(path: "region.svg") }
    let pages = [page, picture].compactMap(\.self)
    try [common.json].check(
      inputs: [subject.model, dataset.file], others: pages + profile.files, data: dataset.data)
    for file in pages { try AtomicFile.check(file) }

    let progress = common.progress(advice: Interruption.nothingIsKept)
    let (results, report) = try profile.profiled("verify", machine) {
      let results = try Verification(settings).run(until: progress.interruption)
      return (results, VerificationReport(results, network: try measured(progress)))
    }
    if let page { try AtomicFile.write(Data(report.html.utf8), to: page) }
    if let picture {
      try AtomicFile.write(Data(report.regionPlot.svg(width: 760).utf8), to: picture)
    }
    try common.json?.write(report.json())
    common.say(report)
    // Only a theorem that fails is a failure; whether a condition holds is a finding.
    if !results.isSound { throw ExitCode(1) }
  }

  private func mixingRatios() throws -> [MixingRatio] {
    try lambdas.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let lambda = try? MixingRatio(String($0)) else {
        throw Failure.usage(
          "--lambdas is \(lambdas); give numbers from 0 to 1 with commas between: 0.2,1/3")
      }
      return lambda
    }
  }

  /// What was measured on the network that is given; nil if none is.
  private func measured(_ progress: ProgressReporter) throws -> NetworkVerification.Results? {
    let set = try dataset.described()
    guard let model = try subject.load(for: set.imageShape) else { return nil }
    guard model.hasGradient else {
      throw Failure.data(
        "verify follows the gradient of the network, and \(model.name) gives none; evaluate it with "
          + "an attack that needs predictions only")
    }
    var settings = NetworkVerification.Settings()
    settings.lambdas = try mixingRatios()
    settings.sampleCount = draws
    settings.epsilon = try Epsilon(epsilon)
    settings.steps = steps
    settings.seed = seed
    let data = try dataset.load(set, seed: seed)
    let images = data.test[0..<min(count, data.test.count)]
    try model.check(images)
    let execution = try machine.execution()
    let network = try model.classifier(on: execution)
    return try NetworkVerification(
      settings: settings, workers: execution.workers, progress: progress
    ).run(
      network, named: model.name, on: images, pool: try SamplePool(data.training))
  }
}
