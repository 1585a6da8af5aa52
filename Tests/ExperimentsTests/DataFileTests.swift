import Classification
import Datasets
import Experiments
import Foundation
import Kernels
import MixupInference
import Reporting
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("What an evaluation writes for other programs")
struct DataFileTests {
  /// A result of random answers, where class 1 of 3 is right.
  private func result(
    draws: Int, seed: UInt64 = 1, count: Int = 12,
    change: (inout EvaluationJob) throws -> Void = { _ in }
  ) throws -> JobResult {
    var job = EvaluationJob(
      model: "m", dataset: "digits", split: .test, indices: IndexRanges(Array(0..<count)),
      pool: nil,
      defence: DefenceDescription(
        MixupInferenceRule.otherLabel(Mixing(lambda: 0.6, sampleCount: 30))),
      attack: AttackDescription(.adaptivePGD, epsilon: Epsilon(8, over: 255), steps: 5),
      circumstances: EvaluationJob.Circumstances(
        checkpoint: "c", normalization: nil, seed: seed, kernelSet: .reference,
        planProfile: .throughput, scoringDraws: draws, selectionDraws: 4))
    try change(&job)
    var stream = RandomStream(RandomKey(seed: 3, purpose: .test))
    let outcomes = (0..<count).map { n in
      EvaluationResult.Outcome(
        index: n, label: 1, predictions: (0..<draws).map { _ in stream.integer(below: 3) },
        selectionMisses: stream.integer(below: 5), distance: Double(n) / 255)
    }
    return JobResult(
      job: job, isRandomized: draws > 1, forwardPassesPerDecision: 31, outcomes: outcomes,
      cost: JobResult.Cost(
        passes: PassMeter.Count(forward: 3, backward: 2), seconds: 1, secondsByBlock: []),
      images: (0..<count).map { OutcomeFile.Example(index: $0, image: "identity \($0)") })
  }

  /// The objects of JSON lines.
  private func objects(_ lines: String) throws -> [[String: Any]] {
    try lines.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  /// Whether a number is as near to another as Foundation reads it, which is a few units off.
  private func isNear(_ value: Any?, _ expected: Double) -> Bool {
    (value as? Double).map { abs($0 - expected) <= 8 * expected.ulp } ?? false
  }

  @Test("The page about these files has every column and its unit, in their order, and no other")
  func documented() throws {
    let page = try String(
      contentsOf: Fixtures.folder.appending(path: "../docs/files.md"), encoding: .utf8)
    func rows(_ title: String) throws -> [String] {
      let parts = page.components(separatedBy: "\n## \(title)\n")
      let part = try #require(parts.count == 2 ? parts[1] : nil)
      let section = part.components(separatedBy: "\n## ")[0]
      return section.split(separator: "\n").compactMap {
        $0.firstMatch(of: /^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$/).map { "\($0.1), \($0.2)" }
      }
    }
    #expect(
      try rows("Records") == EvaluationRecord.columns.columns.map { "\($0.name), \($0.unit)" })
    #expect(try rows("Images") == ImageRow.columns.columns.map { "\($0.name), \($0.unit)" })
  }

  @Test("Rows that were measured otherwise differ, in the records' file and in that of images")
  func settings() throws {
    func defence(_ lambda: MixingRatio, _ draws: Int) -> DefenceDescription {
      DefenceDescription(MixupInferenceRule.otherLabel(Mixing(lambda: lambda, sampleCount: draws)))
    }
    func attack(
      _ change: @escaping (inout AttackDescription) -> Void
    ) -> (inout EvaluationJob) -> Void {
      { change(&$0.attack) }
    }
    let changes: [(name: String, change: (inout EvaluationJob) -> Void)] = [
      ("nothing", { _ in }), ("model", { $0.circumstances.checkpoint = "d" }),
      ("seed", { $0.circumstances.seed = 2 }), ("kernels", { $0.circumstances.kernelSet = .avx2 }),
      ("λ", { $0.defence = defence(0.5, 30) }), ("N", { $0.defence = defence(0.6, 29) }),
      (
        "norm",
        {
          $0.attack = AttackDescription(
            .adaptivePGD, norm: .l2, epsilon: Epsilon(8, over: 255), steps: 5)
        }
      ),
      ("ε", attack { $0.epsilon = Epsilon(4, over: 255) }), ("steps", attack { $0.steps = 6 }),
      ("α", attack { $0.set("stepSize", Epsilon(1, over: 255)) }),
      ("restarts", attack { $0.set("restarts", 2) }),
      ("loss", attack { $0.set("loss", AttackLoss.margin) }),
      ("momentum", attack { $0.set("momentum", Float(0.5)) }),
      (
        "draws of the attacker",
        {
          $0.attack = AttackDescription(
            .adaptivePGD, epsilon: Epsilon(8, over: 255), steps: 5, draws: 3)
        }
      ),
      (
        "average",
        {
          $0.attack = AttackDescription(
            .adaptivePGD, epsilon: Epsilon(8, over: 255), steps: 5, average: .losses)
        }
      ),
      (
        "knowledge",
        {
          $0.attack = AttackDescription(
            AttackName(.pgd, .draws), epsilon: Epsilon(8, over: 255), steps: 5)
        }
      ),
    ]
    var (records, images) = (Set<String>(), Set<String>())
    for (name, change) in changes {
      let summary = try EvaluationSummary([try result(draws: 3, change: change)])
      #expect(records.insert(EvaluationRecord.columns.csv(summary.records)).inserted, "\(name)")
      #expect(images.insert(ImageRow.columns.csv(summary.imageRows)).inserted, "\(name)")
    }
  }

  @Test("Every row has its numbers as columns of their own, with the usual length of a step")
  func parameters() throws {
    let summary = try EvaluationSummary([try result(draws: 3)])
    let row = try #require(objects(EvaluationRecord.columns.jsonLines(summary.records)).first)
    #expect(row["lambda"] as? Double == 0.6 && row["draws"] as? Int == 30)
    #expect(row["steps"] as? Int == 5 && row["restarts"] as? Int == 1)
    #expect(row["attackDraws"] as? Int == 10 && row["average"] as? String == "probabilities")
    #expect(
      row["epsilon"] as? String == "8/255" && isNear(row["epsilonOnPixelScale"], 8.0 / 255))
    // max(ε/4, 2.5 ε/5), to the rounding of a float.
    let step = try #require(row["stepSizeOnPixelScale"] as? Double)
    #expect(abs(step - 4.0 / 255) < 1e-8)
    #expect(row["schema"] as? Int == 3 && row["threadSeconds"] as? Double == 1)
    #expect((row["program"] as? String)?.count == 64)
    var given = try result(draws: 3)
    given.job.attack.set("stepSize", try Epsilon("1/3"))
    let other = try EvaluationSummary([given]).records[0]
    #expect(other.stepSize == 1.0 / 3)
  }

  @Test("Rows of images add up to the records, and name image, answers and distance")
  func images() throws {
    for draws in [1, 2, 3, 8] {
      let summary = try EvaluationSummary([try result(draws: draws)])
      let rows = try objects(ImageRow.columns.jsonLines(summary.imageRows))
      let record = summary.records[0]
      #expect(rows.count == record.n)
      #expect(rows.reduce(0) { $0 + ($1["rightDraws"] as? Int ?? 0) } == record.correct)
      let majority = rows.count { $0["majorityAnswer"] as? Int == 1 }
      #expect(majority == record.repeated?.majority ?? record.correct)
      let always = rows.count { $0["rightDraws"] as? Int == draws }
      #expect(always == record.repeated?.always ?? record.correct)
      for (n, row) in rows.enumerated() {
        let outcome = summary.results[0].outcomes[n]
        #expect(row["index"] as? Int == n && row["image"] as? String == "identity \(n)")
        #expect(row["label"] as? Int == 1 && row["scoringDraws"] as? Int == draws)
        #expect(row["firstAnswer"] as? Int == outcome.predictions[0])
        #expect(isNear(row["distanceOnPixelScale"], Double(n) / 255))
        #expect(row["norm"] as? String == "linf" && row["attack"] as? String == "adaptive-pgd")
        // Nobody is predicted more often.
        let answer = try #require(row["majorityAnswer"] as? Int)
        func votes(_ label: Int) -> Int { outcome.predictions.count { $0 == label } }
        #expect((0..<3).allSatisfy { votes($0) <= votes(answer) })
      }
    }
  }

  @Test("A table for LaTeX says in its caption which command with which seed made it")
  func latex() throws {
    let summary = try EvaluationSummary([
      try result(draws: 3), try result(draws: 3) { $0.attack = AttackDescription(.none) },
    ])
    let table = summary.latex(command: [
      "/somewhere/mixup-inference", "evaluate", "--model", "a b_c",
    ])
    #expect(table.contains("made by: mixup-inference evaluate -{}-model 'a b\\_c'."))
    #expect(table.contains("seed 1, kernel set reference") && table.contains("mean over 3 draws"))
    // The same in both rows.
    #expect(table.contains("; model m, n 12; seed"))
    let accuracy = summary.table.cell(row: 0, column: 5).text.replacing("%", with: "\\%")
    #expect(table.contains(" \(accuracy) & "))
  }

  /// An entry of the network alone, or of a random defence, under attacks of one ball.
  private func entry(
    _ attacks: [AttackName], draws: Int = 1, count: Int = 12, dataset: String = "cifar10"
  ) throws -> RobustBenchEntry {
    try RobustBenchEntry(
      EvaluationSummary(
        attacks.map { attack in
          try result(draws: draws, count: count) {
            $0.dataset = dataset
            if draws == 1 { $0.defence = DefenceDescription(.none) }
            $0.attack = AttackDescription(attack, epsilon: Epsilon(8, over: 255))
          }
        }
      ).records)
  }

  @Test(
    "RobustBench's entry has its fields, with what was measured alone, and says what is missing")
  func robustBench() throws {
    let standard = try #require(AttackName(rawValue: "autoattack"))
    let whole = try entry([.none, standard, .pgd], count: 10_000)
    let object = try #require(try objects(whole.json).first)
    // Of `ModelInfo` in robustbench 1.1.1; "external" stands in the files themselves.
    let known = [
      "link", "name", "authors", "additional_data", "number_forward_passes", "dataset", "venue",
      "architecture", "eps", "clean_acc", "reported", "autoattack_acc", "external",
    ]
    #expect(whole.fields.map(\.name) == known && Set(object.keys) == Set(known))
    #expect(object["number_forward_passes"] as? Int == 31 && object["eps"] as? String == "8/255")
    #expect(object["dataset"] as? String == "cifar10")
    let right = try EvaluationSummary([try result(draws: 1, count: 10_000)]).records[0].correct
    for name in ["clean_acc", "autoattack_acc", "external"] {
      #expect(object[name] as? String == fixed(Double(right) / 100, decimals: 2))
    }
    for name in ["link", "name", "authors", "additional_data", "venue", "architecture", "reported"]
    {
      #expect(object[name] is NSNull && whole.text.contains(name))
    }
    #expect(whole.obstacles.isEmpty)
    // What was not measured is not there.
    let partial = try objects(try entry([.pgd]).json)[0]
    #expect(partial["clean_acc"] is NSNull && partial["autoattack_acc"] is NSNull)
    #expect(try entry([.pgd]).obstacles.count == 2)
  }

  @Test("What RobustBench does not take is said, and what no entry can be of is refused")
  func notForRobustBench() throws {
    let standard = try #require(AttackName(rawValue: "adaptive-autoattack"))
    let known = AttackName(.pgd, .draws)
    let random = try entry([standard, known], draws: 3, count: 10_000)
    #expect(random.obstacles.contains { $0.contains("without randomness") })
    #expect(try objects(random.json)[0]["autoattack_acc"] is NSNull)
    // Who knows the draws is no attacker.
    #expect(try objects(try entry([known], draws: 3).json)[0]["external"] is NSNull)
    #expect(try entry([.pgd], dataset: "digits").text.contains("12 of digits"))
    #expect(throws: PlanError.self) { try entry([.none]) }
    func plan(_ defences: [DefenceName], _ radii: [String]) throws -> EvaluationPlan {
      EvaluationPlan(
        defences: defences.map { DefenceDescription($0) },
        attacks: try radii.map { AttackDescription(.pgd, epsilon: try Epsilon($0)) })
    }
    #expect(throws: PlanError.self) {
      try plan([.none, .otherLabel], ["1/8"]).checkForRobustBench()
    }
    #expect(throws: PlanError.self) { try plan([.none], ["1/8", "1/4"]).checkForRobustBench() }
    try plan([.none], ["1/8"]).checkForRobustBench()
  }
}
