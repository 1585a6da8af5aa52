import Classification
import Datasets
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import ProcessModel
import Reporting
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("Evaluations of a model that a process answers for")
struct CommandModelTests {
  private static let silent = ProgressReporter(output: .init(columns: nil, write: { _ in }))

  /// A linear model of the digits behind noise that follows from the seed. It ends before an answer if a
  /// file says after how many.
  private static let noisy = """
    import os
    rows = np.random.default_rng(3).standard_normal((10, 64)).astype(np.float32)
    left = int(open("limit").read()) if os.path.exists("limit") else -1
    def model(images, seeds, tracked):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        seen = images.reshape(-1, 64) + np.float32(0.2) * process_model.noise(seeds, (64,))
        # Each image by itself: a product of matrices may round otherwise for another number of rows.
        hidden = np.tanh(np.stack([rows @ image for image in seen]))
        def gradient(outputs):
            return np.stack([row @ rows for row in outputs * (1 - hidden**2)])
        return hidden, gradient
    process_model.serve(
        model, shape=(1, 8, 8), classes=10, name="noisy", randomised=True, batch=16,
        gradients=not os.path.exists("blind"))
    """

  private func digits() throws -> DatasetSplit {
    try DatasetSplit(
      trainingFile: Digits.training()[0..<210], test: Digits.test(), validationCount: 10, seed: 1)
  }

  private func plan(_ attacks: [AttackName] = [.none, .pgd, .adaptivePGD]) throws -> EvaluationPlan
  {
    let epsilon = try Epsilon("1/8")
    return EvaluationPlan(
      count: 70, seed: 3, scoringDraws: 3, selectionDraws: 2,
      attacks: attacks.map { AttackDescription($0, epsilon: epsilon, steps: $0 == .none ? nil : 2) }
    )
  }

  private func run(
    _ model: CommandModel, _ plan: EvaluationPlan, store: URL? = nil, threads: Int = 1
  ) throws -> (run: EvaluationRun, results: [JobResult]) {
    let run = EvaluationRun(
      plan: plan, store: store,
      execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: threads)),
      progress: Self.silent)
    return (run, try run.run(model, on: digits(), dataset: .digits))
  }

  private func model(in folder: URL, _ program: String = noisy) throws -> CommandModel {
    try CommandModel(command: PythonModel.command(program, in: folder), limit: .seconds(60))
  }

  @Test(
    "that is randomised have the same outcomes on any number of threads, and say what was measured")
  func randomised() throws {
    try withTemporaryFolder { folder in
      let model = try self.model(in: folder)
      let (run, one) = try self.run(model, plan())
      let (_, two) = try self.run(self.model(in: folder), plan(), threads: 4)
      #expect(one.map(\.outcomes) == two.map(\.outcomes))
      #expect(one.map { $0.cost?.passes } == two.map { $0.cost?.passes })
      #expect(one.allSatisfy { $0.isRandomized && $0.outcomes[0].predictions.count == 3 })
      // The attacker who knows the model follows the mean of ten draws, besides a draw at a time.
      let (single, adaptive) = (one[1].cost?.passes, one[2].cost?.passes)
      #expect((single?.backward, adaptive?.backward) == (2 * 70, 2 * 70 + 2 * 10 * 70))
      let summary = try run.summary(of: one, model, on: digits(), sanityCount: nil)
      let provenance = try #require(summary.records[2].provenance)
      #expect(provenance.process?.declaredIdentity.hasPrefix("sha256 ") == true)
      #expect(provenance.process?.batchDifference == 0)
      #expect(provenance.checkpointFile == nil && provenance.planProfile == nil)
      #expect(summary.records[2].attackDraws == 10)
      #expect(summary.records[2].repeated != nil)
      #expect(summary.text.contains("noisy: computed by the process \"cd "))
      let read = try [EvaluationRecord](json: summary.json())
      #expect(read == summary.records)
    }
  }

  @Test(
    "that is randomised are checked by the sanity suite, and no check is missing for want of a network"
  )
  func sanity() throws {
    try withTemporaryFolder { folder in
      var plan = try self.plan([.adaptivePGD])
      plan.count = 12
      let model = try self.model(in: folder)
      let (run, results) = try self.run(model, plan)
      let reports = try run.sanity(of: model, on: digits(), results: results, count: 12)
      let verdicts = try #require(reports.first).verdicts
      func outcome(_ name: String) -> SanityVerdict.Outcome? {
        verdicts.first { $0.name == name }?.outcome
      }
      for name in ["labels", "randomness", "batch", "gradient", "slope", "radius 0"] {
        #expect(outcome(name) == .passed, "\(name)")
      }
      #expect(
        verdicts.filter { $0.outcome == .skipped }.map(\.name) == ["oblivious", "transfer"])
    }
  }

  @Test("whose process ends in the middle keep what was measured, and go on there")
  func store() throws {
    try withTemporaryFolder { folder in
      let store = folder.appending(path: "store")
      let limit = folder.appending(path: "limit")
      let whole = try run(model(in: folder), plan()).results
      // Enough for the clean images and a block under attack.
      try Data("60".utf8).write(to: limit)
      let error = #expect(throws: ProcessModelError.self) {
        try run(model(in: folder), plan(), store: store)
      }
      #expect(error?.problem == .ended("ended with status 9"))
      let kept = try names(in: store.appending(path: "outcomes"))
      #expect(!kept.isEmpty)
      try FileManager.default.removeItem(at: limit)
      let rest = try run(model(in: folder), plan(), store: store).results
      #expect(rest.map(\.outcomes) == whole.map(\.outcomes))
      #expect(rest.map(\.job) == whole.map(\.job))
      // Some are not measured again: a process that can answer nothing new gives all.
      try Data("20".utf8).write(to: limit)
      let again = try run(model(in: folder), plan(), store: store).results
      #expect(again.map(\.outcomes) == whole.map(\.outcomes))
    }
  }

  @Test("without gradients refuse attacks that follow one, by name, before anything is measured")
  func withoutGradients() throws {
    try withTemporaryFolder { folder in
      try Data().write(to: folder.appending(path: "blind"))
      let model = try self.model(in: folder)
      for attack in [AttackName.pgd, .adaptivePGD] {
        let store = folder.appending(path: "store")
        let error = #expect(throws: PlanError.self) {
          try self.run(model, self.plan([.none, attack]), store: store)
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix("\(attack.rawValue) follows the gradient, and noisy gives none"))
        #expect(text.contains("noise, square, spsa"))
        #expect(!FileManager.default.fileExists(atPath: store.path(percentEncoded: false)))
      }
      var plan = try self.plan([.none])
      let square = try #require(AttackName(rawValue: "adaptive-square"))
      var attack = AttackDescription(square, epsilon: try Epsilon("1/8"))
      attack.set("queries", 5)
      plan.attacks.append(attack)
      plan.count = 12
      let (run, results) = try self.run(model, plan)
      #expect(results[1].cost?.passes.backward == 0)
      let reports = try run.sanity(of: model, on: digits(), results: results, count: 12)
      let skipped = try #require(reports.first).verdicts.filter { $0.outcome == .skipped }
      #expect(skipped.contains { $0.name == "gradient" && $0.evidence.contains("no gradient") })
    }
  }

  @Test("have another identity when the command, or what the process says of itself, is another")
  func identity() throws {
    try withTemporaryFolder { folder in
      let program = """
        def model(images, seeds, tracked):
            return images.reshape(-1, 64)[:, :10], None
        process_model.serve(model, shape=(1, 8, 8), classes=10, name="NAME", gradients=False)
        """
      func digest(_ name: String, _ suffix: String = "") throws -> String {
        let command = try PythonModel.command(program.replacing("NAME", with: name), in: folder)
        return try CommandModel(command: command + suffix, limit: .seconds(60)).digest
      }
      let first = try digest("a")
      #expect(try digest("a") == first)
      #expect(try digest("b") != first)
      #expect(try digest("a", " 0.5") != first)
    }
  }

  @Test("of images or classes of another kind are refused")
  func shapes() throws {
    try withTemporaryFolder { folder in
      let program = """
        def model(images, seeds, tracked):
            return images.reshape(-1, 75)[:, :10], None
        process_model.serve(model, shape=(3, 5, 5), classes=10, name="colour", gradients=False)
        """
      #expect(throws: ClassifierError.self) { try run(model(in: folder, program), plan([.none])) }
      let few = program.replacing("3, 5, 5", with: "1, 8, 8").replacing("75", with: "64")
        .replacing("10", with: "7")
      #expect(throws: AttackError.classCount(model: 7, data: 10)) {
        try run(model(in: folder, few), plan([.none]))
      }
    }
  }
}
