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
  private static func settings() -> Reproduction.Settings {
    var settings = Reproduction.Settings()
    settings.testCount = 4
    settings.validationCount = 10
    settings.decisionDraws = 2
    settings.attackDraws = 1
    settings.epsilons = ["1/10", "1/5"]
    settings.ratios = [0.5, 0.7]
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
    in folder: URL, _ settings: Reproduction.Settings = settings(), reusesStages: Bool = true,
    threads: Int = 2
  ) throws -> (results: Reproduction.Results, progress: [String]) {
    let lines = Lines()
    let reproduction = try Reproduction(
      settings: settings, folder: folder, reusesStages: reusesStages,
      workers: WorkerPool(threadCount: threads),
      progress: ProgressReporter(
        output: ProgressReporter.Output(columns: nil) { lines.add($0) }), recipe: Self.recipe)
    return (try reproduction.run(), lines.all)
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
      .filter { !$0.contains("\"secondsPerDecision\"") }
  }

  @Test("fills the table, and a second run uses what the first has finished")
  func endToEnd() throws {
    try withTemporaryFolder { folder in
      let first = try run(in: folder)
      #expect(try ReproductionReport(first.results).records().count == 48)
      for model in first.results.models {
        #expect(model.cells.count == 16 && model.cells.allSatisfy { $0.outcome.trials == 4 })
        #expect(model.detection.cleanCount == 4)
      }
      #expect(first.results.models.map(\.model) == Reproduction.methods)
      #expect(first.results.trainingCount == 3813 && first.results.sweep.points.count == 12)
      #expect(first.progress.count { $0.contains("used again") } == 0)
      for model in Reproduction.methods {
        let file = folder.appending(path: "checkpoints/\(model.rawValue).safetensors")
        #expect(try Checkpoint(Data(contentsOf: file)).notes["recipe"] != nil)
      }
      let stages = [
        "evaluate-interpolated-at.json", "evaluate-mixup.json", "evaluate-plain.json",
        "linearity-interpolated-at.json", "linearity-mixup.json", "linearity-plain.json",
        "sweep.json",
      ]
      #expect(try names(in: folder.appending(path: "stages")) == stages)

      let files = try stages.map { try Data(contentsOf: folder.appending(path: "stages/\($0)")) }
      let second = try run(in: folder)
      #expect(try timeless(second.results) == timeless(first.results))
      // Ten stages: three trainings, the sweep, three evaluations, three times linearity.
      #expect(second.progress.count { $0.contains("used again") } == 10, "\(second.progress)")
      #expect(first.results.linearity.map(\.model) == Reproduction.methods)
      #expect(
        try stages.map { try Data(contentsOf: folder.appending(path: "stages/\($0)")) } == files)

      // A damaged checkpoint and a damaged stage are made anew, on one thread, and come out alike.
      let checkpoint = folder.appending(path: "checkpoints/plain.safetensors")
      let bytes = try Data(contentsOf: checkpoint)
      try bytes.dropLast().write(to: checkpoint)
      try Data("{".utf8).write(to: folder.appending(path: "stages/evaluate-plain.json"))
      let third = try run(in: folder, threads: 1)
      // All ten stages but the two damaged ones.
      #expect(third.progress.count { $0.contains("used again") } == 8, "\(third.progress)")
      #expect(try timeless(third.results) == timeless(first.results))
      #expect(try Data(contentsOf: checkpoint) == bytes)
    }
  }
}
