import Classification
import Datasets
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import TestSupport
import Testing
import Training

@Suite("The paper's tables, in small")
struct PaperReproductionTests {
  private static let shape = Dataset.digits.imageShape
  private static let silent = ProgressReporter(output: .init(columns: nil, write: { _ in }))

  private static func settings() throws -> Reproduction.Settings {
    var settings = try Reproduction.Settings(paper: .quick)
    settings.imageCount = 2
    settings.decisionDraws = 1
    settings.attackDraws = 1
    settings.adaptiveSteps = 1
    settings.steps = [1]
    settings.epsilons = [try Epsilon("8/255")]
    settings.figureEpsilons = [settings.epsilons[0], settings.epsilons[0]]
    // Two of one class, for linearity within it.
    settings.figureImageCount = 11
    settings.publishedDraws = [1]
    settings.publishedSteps = 1
    settings.sanityCount = 1
    settings.kernels = .openBLAS
    return settings
  }

  private static func data() throws -> DatasetSplit {
    DatasetSplit(
      training: try randomImages(20, shape: shape, classCount: 10, seed: 1),
      validation: try randomImages(3, shape: shape, classCount: 10, seed: 2, firstIndex: 20),
      test: try randomImages(11, shape: shape, classCount: 10, seed: 3, firstIndex: 23))
  }

  private static func model(_ method: TrainingMethod) -> CheckpointModel {
    let network = ResNet(.resNet8(shape, classCount: 10))
    network.initialize(seed: method.isOdd ? 1 : 2)
    return CheckpointModel(
      name: method.rawValue,
      checkpoint: Checkpoint(network, normalization: .plusMinusOne(channels: 1)),
      digest: "\(method.rawValue)")
  }

  private func run(
    in folder: URL, _ settings: Reproduction.Settings? = nil, given: Bool = true,
    threads: Int = 2
  ) throws -> ReproductionReport {
    let models = TrainingMethod.allCases.map { ($0, Self.model($0)) }
    return ReproductionReport(
      try Reproduction(
        settings ?? Self.settings(), on: Self.data(), named: .digits,
        models: given ? Dictionary(uniqueKeysWithValues: models) : [:], folder: folder,
        workers: WorkerPool(threadCount: threads), progress: Self.silent,
        recipe: { method in
          var recipe = try method.recipe(for: .cifar10, seed: 1, scale: .quick)
          recipe.epochs = 1
          recipe.batchSize = 10
          recipe.augmentation = nil
          return recipe
        }
      ).run())
  }

  /// Outcomes of a run, without times.
  private func timeless(_ report: ReproductionReport) throws -> [String] {
    String(decoding: try report.records().json(), as: UTF8.self).split(separator: "\n")
      .map(String.init).filter { !$0.contains("\"seconds") }
  }

  @Test("has every defence under every attack; goes on after a cut, on any number of threads")
  func endToEnd() throws {
    try withTemporaryFolder { folder in
      let report = try run(in: folder)
      // Without the paper's three lengths of PGD there is no table beside the paper's.
      #expect(!report.markdown.contains("Beside the paper"))
      // Nor are the curves of given networks known.
      #expect(!report.page.render().contains("How the trainings went"))
      #expect(
        report.markdown.contains("## Accuracy at ε = 8/255")
          && report.page.render().contains("<h3>The interpolated AT network</h3>"))
      let records = try report.records()
      // 2 + 2 + 8 + 8 rows with four columns.
      #expect(
        Set(records.map { "\($0.model) \($0.defence) \($0.attack)" }).count
          >= 20 * 4)
      // Figures without a value would be a dash.
      let table = try #require(
        report.markdown.components(separatedBy: "## Accuracy at ε = 8/255").last
      )
      .components(separatedBy: "## ")[0]
      #expect(table.split(separator: "\n").count >= 22 && !table.contains("| – "))

      let markdown = report.markdown
      let expected = try timeless(report)
      let outcomes = folder.appending(path: "evaluation/outcomes")
      let files = try FileManager.default.contentsOfDirectory(atPath: outcomes.path).sorted()
      for (place, name) in files.enumerated() where place % 3 == 0 {
        try FileManager.default.removeItem(at: outcomes.appending(path: name))
      }
      try FileManager.default.removeItem(at: folder.appending(path: "stages/settings-mixup.json"))
      let again = try run(in: folder, threads: 1)
      #expect(again.markdown == markdown)
      #expect(try timeless(again) == expected)
    }
  }

  @Test("trains what is not given, uses it again, and says before how long it will take")
  func training() throws {
    try withTemporaryFolder { folder in
      let report = try run(in: folder, given: false)
      let files = TrainingMethod.allCases.map {
        folder.appending(path: "checkpoints/\($0.rawValue).safetensors")
      }
      let before = try files.map { try Data(contentsOf: $0) }
      #expect(Set(before).count == 4)
      #expect(report.page.render().contains("How the trainings went"))
      for bytes in before { #expect(try Checkpoint(bytes).notes["recipe"] != nil) }
      // A network that is trained anew would be another file.
      func dates() throws -> [Date] {
        try files.map { file in
          let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
          return try #require(attributes[.modificationDate] as? Date)
        }
      }
      let written = try dates()
      let again = try run(in: folder, given: false)
      #expect(again.markdown == report.markdown)
      #expect(try dates() == written)
    }
    let given = Dictionary(
      uniqueKeysWithValues: TrainingMethod.allCases.map { ($0, Self.model($0)) })
    func parts(_ models: [TrainingMethod: CheckpointModel]) throws -> [ReproductionEstimate
      .Part]
    {
      try Reproduction(
        Self.settings(),
        on: DatasetSplit(
          training: randomImages(256, shape: Self.shape, classCount: 10, seed: 1),
          validation: randomImages(1, shape: Self.shape, classCount: 10, seed: 2),
          test: randomImages(2, shape: Self.shape, classCount: 10, seed: 3)),
        named: .digits, models: models, folder: FileManager.default.temporaryDirectory,
        workers: WorkerPool(threadCount: 1), progress: Self.silent
      ).estimate().parts
    }
    let all = try parts([:])
    #expect(all.count == 5 && all.allSatisfy { $0.seconds > 0 && $0.seconds.isFinite })
    #expect(try parts(given).map(\.name) == ["evaluation"])
  }

  @Test("the passes that are told before are those that the jobs took or left out, to the last one")
  func passes() throws {
    try withTemporaryFolder { folder in
      var settings = try Self.settings()
      settings.methods = [.plain]
      settings.parts = []
      settings.steps = [1, 2]
      settings.epsilons.append(try Epsilon("2/255"))
      settings.adaptiveSteps = 3
      settings.attackDraws = 2
      settings.decisionDraws = 3
      settings.choice = .dearest(cost: 1)
      let reproduction = try Reproduction(
        settings, on: Self.data(), named: .digits, models: [.plain: Self.model(.plain)],
        folder: folder, workers: WorkerPool(threadCount: 2), progress: Self.silent)
      let told = try reproduction.passes()
      let networks = try reproduction.run().networks
      // Images that were found without knowledge of a defence count with the network alone, which came first: the
      // records count their search for each defence, as if it had been made again.
      let table = networks[0].table
      let took = table.reduce(PassMeter.Count()) { sum, result in
        let isFoundBefore =
          result.job.defence.defence != nil && result.job.attack.budget != nil
          && result.job.attack.draws == nil
        let counted =
          isFoundBefore
          ? table.first {
            $0.job.defence == result.job.defence && $0.job.attack.budget == nil
          } : result
        return sum + (counted?.cost?.passes ?? PassMeter.Count())
      }
      // The three validation images by the network alone, as the baseline and as a candidate, and by
      // five settings of MI-OL with three mixtures of the image each and its own prediction where needed.
      let perDecision = networks[0].table.filter { $0.job.attack.budget == nil }
        .map(\.forwardPassesPerDecision)
      #expect(told.backward == took.backward && took.backward > 0)
      #expect(took.spared > 0)
      #expect(
        told.forward == took.forward + took.spared + 3 * (2 * perDecision[0] + 5 * perDecision[1]))
    }
  }

  @Test("networks for other classes or images are an error before anything else")
  func strangers() throws {
    func reproduction(_ architecture: ResNet.Architecture) throws -> Reproduction {
      let network = ResNet(architecture)
      let checkpoint = Checkpoint(
        network, normalization: .plusMinusOne(channels: architecture.imageShape.channels))
      return try Reproduction(
        Self.settings(), on: Self.data(), named: .digits,
        models: [.mixup: CheckpointModel(name: "mixup", checkpoint: checkpoint, digest: "")],
        folder: FileManager.default.temporaryDirectory, workers: WorkerPool(threadCount: 1),
        progress: Self.silent)
    }
    #expect(throws: AttackError.classCount(model: 5, data: 10)) {
      try reproduction(.resNet8(Self.shape, classCount: 5))
    }
    let colour = ImageShape(channels: 3, height: 8, width: 8)
    #expect(throws: ClassifierError.imageShape(expected: colour, found: Self.shape)) {
      try reproduction(.resNet8(colour, classCount: 10))
    }
    _ = try reproduction(.resNet8(Self.shape, classCount: 10))
  }

  @Test("the recipes of the full scale are the paper's")
  func recipes() throws {
    for method in TrainingMethod.allCases {
      let recipe = try method.recipe(for: .cifar10, seed: 1, scale: .paper)
      #expect(recipe.epochs == 200 && recipe.batchSize == 64 && recipe.weightDecay == 0)
      let first = recipe.schedule.rate(step: 0, stepsPerEpoch: 10, totalSteps: 2000)
      #expect(first == (method == .interpolatedAdversarial ? 0.1 : 0.01))
      let last = recipe.schedule.rate(step: 1999, stepsPerEpoch: 10, totalSteps: 2000)
      #expect(abs(last / first - 0.01) < 1e-6)
    }
    let architecture = PaperScale.paper.architecture(Dataset.cifar10.imageShape, 10)
    #expect(ResNet(architecture).state.parameterCount == 4_752_586)
  }
}

extension TrainingMethod {
  fileprivate var isOdd: Bool { self == .plain || self == .adversarial }
}
