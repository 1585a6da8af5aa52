import Datasets
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Synchronization
import TestSupport
import Testing
import Training

@Suite("A reproduction, in small")
struct ReproductionTests {
  private static func settings() throws -> Reproduction.Settings {
    var settings = try Reproduction.Settings(digits: .quick)
    settings.imageCount = 4
    settings.figureImageCount = 20
    settings.decisionDraws = 2
    settings.attackDraws = 1
    settings.steps = [2, 3]
    settings.referenceSteps = 3
    settings.adaptiveSteps = 3
    settings.radius?.radii = [try Epsilon("1/10"), try Epsilon("1/5")]
    settings.lambdas = [0.5, 0.7]
    return settings
  }

  /// Six steps of training, the last with two steps of attack.
  @Sendable private static func recipe(_ model: TrainingMethod) throws -> TrainingRecipe {
    var recipe = try model.recipe(for: .digits, seed: 1)
    recipe.epochs = 1
    recipe.batchSize = 600
    if model == .interpolatedAdversarial {
      recipe.method = .interpolatedAdversarial(alpha: 1, epsilon: try Epsilon("1/5"), steps: 2)
    }
    return recipe
  }

  /// Runs the experiment; returns its results and the lines of its progress.
  private func run(
    in folder: URL, threads: Int = 2
  ) throws -> (results: Reproduction.Results, progress: [String]) {
    let lines = Lines()
    let reproduction = try reproduction(in: folder, WorkerPool(threadCount: threads)) {
      lines.add($0)
    }
    return (try reproduction.run(), lines.all)
  }

  private func reproduction(
    in folder: URL, _ workers: WorkerPool, write: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> Reproduction {
    try Reproduction(
      Self.settings(), on: Dataset.digits.load(validationCount: 10, seed: 1), named: .digits,
      folder: folder, workers: workers,
      progress: ProgressReporter(
        output: ProgressReporter.Output(columns: nil, write: write)), recipe: Self.recipe)
  }

  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock(\.self) }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  /// The records without times.
  private func timeless(_ results: Reproduction.Results) throws -> [String] {
    let json = try ReproductionReport(results).records().json()
    return String(decoding: json, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { !$0.contains("\"seconds") }
  }

  @Test("fills the table, and a second run uses what the first has finished")
  func endToEnd() throws {
    try withTemporaryFolder { folder in
      let methods: [TrainingMethod] = [.plain, .mixup, .interpolatedAdversarial]
      let first = try run(in: folder)
      for network in first.results.networks {
        // Four defences, clean, under PGD of two lengths, and under PGD through the defence.
        #expect(network.table.count == 16 && network.table.allSatisfy { $0.outcomes.count == 4 })
        #expect(network.detection.map(\.outcomes.count) == [4, 4])
        #expect(network.conditions != nil && network.curve != nil)
      }
      #expect(first.results.networks.map(\.method) == methods)
      #expect(first.results.trainingCount == 3813)
      #expect(first.results.sweep.flatMap(\.results).count == 12)
      #expect(first.progress.count { $0.contains("used again") } == 0)
      let told = try reproduction(in: folder, WorkerPool(threadCount: 2)).passes()
      // Which radius the table has is chosen on the way, but not of how many.
      let radii = first.results.networks.flatMap(\.table).compactMap(\.job.attack.epsilon)
      #expect(try Set(radii).count == Self.settings().epsilons.count)
      let measured =
        first.results.networks.flatMap { $0.table + $0.detection }
        + first.results.sweep.flatMap(\.results)
      let took = measured.compactMap(\.cost).map(\.passes.backward).reduce(0, +)
      // No job tells of PGD-10 on ten images before tuning, of PGD-2 on twenty for the conditions, that the
      // detector's PGD-3 on four images may be that of the table, nor of the sanity suite's attacks, of three steps
      // through the network and three through the defence in every check, on each of three networks.
      let sanity = try Self.settings().sanityCount * SanitySuite.names.count * (3 + 3)
      #expect(told.backward >= took && told.backward <= took + 3 * (100 + 40 + 12 + sanity))
      // What is attacked and mixed on validation images is told of no test image.
      #expect(first.results.sweep.flatMap(\.results).allSatisfy { $0.outcomes.count == 10 })
      for method in methods {
        let file = folder.appending(path: "checkpoints/\(method.rawValue).safetensors")
        #expect(try Checkpoint(Data(contentsOf: file)).notes["recipe"] != nil)
      }
      let stages = ["conditions", "pictures", "sanity", "settings"].flatMap { name in
        methods.map { "\(name)-\($0.rawValue).json" }
      }.sorted()
      #expect(try names(in: folder.appending(path: "stages")) == stages)

      let files = try stages.map { try Data(contentsOf: folder.appending(path: "stages/\($0)")) }
      let second = try run(in: folder)
      #expect(try timeless(second.results) == timeless(first.results))
      // Three trainings, and four stages of every network.
      #expect(second.progress.count { $0.contains("used again") } == 15, "\(second.progress)")
      #expect(
        try stages.map { try Data(contentsOf: folder.appending(path: "stages/\($0)")) } == files)

      // A damaged checkpoint and a damaged stage are made anew, on one thread, and come out alike.
      let checkpoint = folder.appending(path: "checkpoints/plain.safetensors")
      let bytes = try Data(contentsOf: checkpoint)
      try bytes.dropLast().write(to: checkpoint)
      try Data("{".utf8).write(to: folder.appending(path: "stages/settings-plain.json"))
      let third = try run(in: folder, threads: 1)
      #expect(third.progress.count { $0.contains("used again") } == 13, "\(third.progress)")
      #expect(try timeless(third.results) == timeless(first.results))
      #expect(try Data(contentsOf: checkpoint) == bytes)
    }
  }
}
