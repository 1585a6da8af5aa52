import Classification
import Experiments
import Foundation
import MixupInference
import Reporting
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("Summaries of an evaluation")
struct EvaluationSummaryTests {
  /// A job's result from what was predicted on each scoring draw, where 1 is the true class of every
  /// image, and how often the selection draws were wrong.
  private func result(
    _ attack: AttackName, _ defence: DefenceName = .none, model: String = "m",
    predictions: [[Int]], misses: [Int]? = nil, selectionDraws: Int = 4,
    norm: PerturbationBudget.Norm? = nil, epsilon: String = "8/255", lambda: MixingRatio? = nil,
    other: String? = nil
  ) throws -> JobResult {
    let job = EvaluationJob(
      model: model, dataset: "digits", split: .test,
      indices: IndexRanges(Array(predictions.indices)), pool: nil,
      defence: lambda.map {
        DefenceDescription(MixupInferenceRule.otherLabel(Mixing(lambda: $0, sampleCount: 30)))
      } ?? DefenceDescription(defence),
      attack: AttackDescription(attack, norm: norm, epsilon: try Epsilon(epsilon), steps: 5),
      circumstances: EvaluationJob.Circumstances(
        checkpoint: "c", normalization: .plusMinusOne(channels: 1), other: other, seed: 1,
        kernelSet: .reference, planProfile: .throughput, scoringDraws: predictions[0].count,
        selectionDraws: selectionDraws))
    let outcomes = predictions.indices.map {
      EvaluationResult.Outcome(
        index: $0, label: 1, predictions: predictions[$0], selectionMisses: misses?[$0] ?? 0)
    }
    return JobResult(
      job: job, isRandomized: defence != .none, forwardPassesPerDecision: 1,
      outcomes: outcomes,
      cost: JobResult.Cost(
        passes: PassMeter.Count(forward: 3, backward: 2), seconds: 1, secondsByBlock: []))
  }

  private func record(
    _ summary: EvaluationSummary, _ attack: String, _ defence: DefenceName = .none
  ) throws -> EvaluationRecord {
    try #require(
      summary.records.first { $0.attack.rawValue == attack && $0.defence == defence })
  }

  @Test("On a network the worst of several attacks is broken where any of them broke it")
  func worstOfDeterministic() throws {
    var stream = RandomStream(RandomKey(seed: 1, purpose: .test))
    for _ in 0..<50 {
      let names: [AttackName] = [.none, .pgd, AttackName(.targetedPGD)]
      let predictions = names.map { _ in (0..<12).map { _ in [stream.integer(below: 3)] } }
      let summary = try EvaluationSummary(
        zip(names, predictions).map { try result($0, predictions: $1) })
      let worst = try record(summary, "worst")
      let always = (0..<12).count { n in predictions.allSatisfy { $0[n] == [1] } }
      #expect(worst.correct == always)
      #expect(worst.brokenBy?.values.reduce(0, +) == 12 - always)
      #expect(summary.records.map(\.attack.rawValue) == ["none", "pgd", "pgd-targeted", "worst"])
      #expect(worst.provenance?.forwardPasses == 9 && worst.provenance?.backwardPasses == 6)
    }
  }

  @Test("On a randomised defence the choice is made on selection draws, never on those that score")
  func winnersCurse() throws {
    // Both attacks do as well as a coin; which was lucky on the scoring draws must not matter.
    let lucky = [[0, 0], [1, 1], [0, 0], [1, 1]]
    let unlucky = [[1, 1], [0, 0], [1, 1], [0, 0]]
    let misses = [[3, 1, 2, 0], [1, 3, 2, 0]]
    let summary = try EvaluationSummary([
      try result(.pgd, .otherLabel, predictions: lucky, misses: misses[0]),
      try result(.adaptivePGD, .otherLabel, predictions: unlucky, misses: misses[1]),
    ])
    let worst = try record(summary, "worst", .otherLabel)
    // The first image is of the first attack, the second of the second; of attacks that are equal over
    // all images the earlier takes those on which they are equal.
    #expect(worst.accuracy == 0.25)
    #expect(worst.brokenBy == ["pgd": 2, "adaptive-pgd": 1])

    // The same with the scores exchanged: the same choice.
    let exchanged = try EvaluationSummary([
      try result(.pgd, .otherLabel, predictions: unlucky, misses: misses[0]),
      try result(.adaptivePGD, .otherLabel, predictions: lucky, misses: misses[1]),
    ])
    let other = try record(exchanged, "worst", .otherLabel)
    #expect(other.brokenBy == worst.brokenBy && other.accuracy == 0.75)
  }

  @Test("There is a worst for every ball, of the attacks in it and the clean image alone")
  func worstOfEveryBall() throws {
    let balls: [(norm: PerturbationBudget.Norm, epsilon: String)] = [
      (.linf, "3/20"), (.linf, "1/100"), (.l2, "3/20"), (.linf, "0.15"),
    ]
    // Whether the image is right, in the order of the balls; the second of the first ball is last.
    let right = [[1, 0, 0, 1, 0], [1, 1, 1, 1, 0], [1, 0, 1, 1, 0], [0, 1, 1, 1, 0]]
    let summary = try EvaluationSummary(
      [try result(.none, predictions: [[1], [1], [1], [1], [0]])]
        + zip(balls, right).enumerated().map { place, part in
          try result(
            place == 3 ? AttackName(.targetedPGD) : .pgd, predictions: part.1.map { [$0] },
            norm: part.0.norm, epsilon: part.0.epsilon)
        })
    let worst = summary.records.filter { $0.attack == .worst }
    #expect(worst.map(\.norm) == [.linf, .linf, .l2])
    #expect(worst.map { $0.epsilon?.description } == ["3/20", "1/100", "3/20"])
    #expect(worst.map(\.correct) == [1, 4, 3])
    // The last image was wrong before any attack.
    #expect(worst[0].brokenBy == ["none": 1, "pgd": 2, "pgd-targeted": 1])
    #expect(worst[1].brokenBy == ["none": 1])
    // No parameter of one of the attacks is told as that of all.
    #expect(worst.allSatisfy { $0.provenance?.attackParameters == [:] && $0.steps == 0 })
    #expect(worst.allSatisfy { $0.provenance?.outcomes == nil })
    for line in ["linf", "l2"] { #expect(summary.table.plain().contains(line)) }
  }

  @Test("An attack from another network belongs to the same worst, and is compared like the others")
  func transfer() throws {
    let transfer = AttackName(.pgd, .otherNetwork)
    let summary = try EvaluationSummary([
      try result(.pgd, predictions: [[1], [0], [1]]),
      try result(transfer, predictions: [[0], [1], [1]], other: "o"),
    ])
    #expect(summary.records.map(\.attack.rawValue) == ["pgd", "transfer-pgd", "worst"])
    #expect(summary.records[2].correct == 1)
    #expect(summary.records[2].provenance?.knowledge.rawValue == "another network; network")
  }

  @Test("A ball that nobody searched who knows the defence is told, no other is")
  func ignorance() throws {
    let transfer = AttackName(.pgd, .otherNetwork)
    func remarks(_ attacks: [AttackName], _ defence: DefenceName) throws -> [String] {
      try EvaluationSummary(
        attacks.map { try result($0, defence, predictions: [[1], [1]], misses: [0, 0]) }
      ).remarks.filter { $0.contains("knows the defence") }
    }
    #expect(try remarks([.pgd, transfer], .otherLabel).count == 1)
    #expect(try remarks([.pgd, .adaptivePGD], .otherLabel).isEmpty)
    #expect(try remarks([.pgd, transfer], .none).isEmpty)
  }

  @Test(
    "Steps that do not lead to the edge of their ball, and a transfer from the network itself, are told"
  )
  func weakByDesign() throws {
    func warning(stepSize: String, other: String? = nil) throws -> String {
      var attacked = try result(.pgd, predictions: [[1], [1]], epsilon: "1/4", other: other)
      // Five steps.
      try attacked.job.attack.set("stepSize", Epsilon(stepSize))
      return try #require(EvaluationSummary([attacked]).warning)
    }
    #expect(
      try warning(stepSize: "1/21").contains(
        "DO NOT QUOTE m, none within linf 1/4 under pgd: 5 steps of 1/21 do not reach 1/4"))
    #expect(try !warning(stepSize: "1/20").contains("reach"))
    #expect(try warning(stepSize: "1/20", other: "c").contains("the network under test itself"))
    #expect(try !warning(stepSize: "1/20", other: "o").contains("itself"))
  }

  @Test("Searches that met no gradient are told before any figure, and stand in record and CSV")
  func blindness() throws {
    func summary(_ blind: Int) throws -> EvaluationSummary {
      var attacked = try result(.pgd, predictions: [[1], [1], [0]])
      attacked.cost?.passes.followed = 3
      attacked.cost?.passes.withoutGradient = blind
      return try EvaluationSummary([try result(.none, predictions: [[1], [1], [1]]), attacked])
    }
    let blind = try summary(2)
    #expect(
      blind.warning?.hasPrefix(
        "DO NOT QUOTE m, none within linf 8/255 under pgd: 2 of 3 searches met no gradient but 0")
        == true)
    #expect(blind.records[1].provenance?.blindSearches == 2 && blind.csv.contains(",3,2,"))
    #expect(try summary(0).warning?.contains("gradient") == false)
  }

  @Test("A worst above one of its attacks says that this is chance, no other does")
  func luck() throws {
    func summary(_ misses: [[Int]]) throws -> EvaluationSummary {
      try EvaluationSummary([
        try result(.pgd, .otherLabel, predictions: [[1, 1], [0, 0]], misses: misses[0]),
        try result(.adaptivePGD, .otherLabel, predictions: [[0, 0], [1, 0]], misses: misses[1]),
      ])
    }
    // On the selection draws the first attack did more to the first image, where it does less here.
    let unlucky = try summary([[4, 4], [3, 3]]).remarks.filter { $0.contains("is chance") }
    #expect(
      unlucky == [
        "m, mi-ol within linf 8/255: worst 50.0% is above adaptive-pgd 25.0% because it was chosen, "
          + "image by image, on other draws than those that score; the difference is chance"
      ])
    #expect(try summary([[3, 4], [4, 3]]).remarks.allSatisfy { !$0.contains("is chance") })
  }

  @Test("Two settings of one defence are told apart in the table, in remarks and in every file")
  func settings() throws {
    let summary = try EvaluationSummary(
      try [0.4, 0.6].flatMap { lambda in
        try [AttackName.pgd, .adaptivePGD].map {
          try result(
            $0, .otherLabel, predictions: [[1, 0], [0, 0]], misses: [1, 1], lambda: lambda)
        }
      })
    #expect(summary.records.count == 6)
    for text in [summary.table.plain(), summary.remarks.joined(), summary.csv] {
      #expect(text.contains("lambda 0.4") && text.contains("lambda 0.6"))
    }
    #expect(!summary.table.plain().contains("draws 30"))
    let rows = summary.csv.split(separator: "\n").dropFirst()
    #expect(Set(rows).count == rows.count)
  }

  @Test(
    "Accuracy and interval are the same numbers in record, JSON, table and CSV: the mean over draws"
  )
  func oneMeaning() throws {
    var stream = RandomStream(RandomKey(seed: 2, purpose: .test))
    let summary = try EvaluationSummary(
      try [DefenceName.none, .otherLabel].flatMap { defence in
        try [AttackName.none, .pgd, .adaptivePGD].map { attack in
          try result(
            attack, defence,
            predictions: (0..<9).map { _ in
              (0..<(defence == .none ? 1 : 7)).map { _ in stream.integer(below: 2) }
            }, misses: (0..<9).map { _ in stream.integer(below: 5) })
        }
      })
    #expect(summary.records.count == 8)
    let records = try [EvaluationRecord](json: summary.records.json())
    #expect(records == summary.records)
    let header = summary.csv.split(separator: "\n")[0].split(separator: ",").map(String.init)
    let rows = summary.csv.split(separator: "\n").dropFirst()
    let table = summary.table
    // A worst is made of several results, and is none of them.
    for record in records where record.attack != .worst {
      let result = try #require(
        summary.results.first {
          $0.job.defence.name == record.defence && record.attack == .named($0.job.attack.name)
        })
      #expect(record.accuracy == result.repeated.mean)
      #expect(record.interval == result.accuracy.interval)
    }
    #expect(rows.count == records.count)
    for (place, (record, row)) in zip(records, rows).enumerated() {
      // No parameter of these holds a comma.
      let fields = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      #expect(fields.count == header.count)
      let values = Dictionary(uniqueKeysWithValues: zip(header, fields))
      #expect(values["accuracy"] == "\(record.accuracy)")
      #expect(values["lower"] == "\(record.interval.lower)")
      // A real number never looks like a whole one, by which readers would choose a column's type: DuckDB 2.0
      // (findings/duckdb-late-decimals.sh) rounds the decimals that come later.
      for column in ["accuracy", "lower", "upper"] {
        #expect(values[column]?.contains { ".e".contains($0) } == true)
      }
      #expect(values["upper"] == "\(record.interval.upper)")
      #expect(values["correct"] == "\(record.correct)")
      func shown(_ column: String) throws -> String {
        table.cell(row: place, column: try #require(table.columns.firstIndex(of: column))).text
      }
      #expect(try shown("accuracy") == percent(record.accuracy))
      #expect(
        try shown("95% interval")
          == "\(fixed(100 * record.interval.lower, decimals: 1))–\(fixed(100 * record.interval.upper, decimals: 1))"
      )
      #expect(record.interval.contains(record.accuracy))
    }
  }

  @Test("Without selection draws, and with a single attack, there is no worst")
  func noWorst() throws {
    let predictions = [[1, 0], [1, 1]]
    let without = try EvaluationSummary([
      try result(.pgd, .otherLabel, predictions: predictions, selectionDraws: 0),
      try result(.adaptivePGD, .otherLabel, predictions: predictions, selectionDraws: 0),
    ])
    #expect(without.records.map(\.attack.rawValue) == ["pgd", "adaptive-pgd"])
    let single = try EvaluationSummary([
      try result(.none, predictions: [[1], [1]]), try result(.pgd, predictions: [[1], [0]]),
    ])
    #expect(single.records.map(\.attack.rawValue) == ["none", "pgd"])
  }

  @Test("Defences are compared with the network on the same images, adjusted for all comparisons")
  func comparisons() throws {
    let network = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0].map { [$0] }
    let better = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0].map { [$0] }
    let worse = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0].map { [$0] }
    let results = [
      try result(.pgd, predictions: network),
      try result(.pgd, .otherLabel, predictions: better),
      try result(.adaptivePGD, .otherLabel, predictions: worse),
      try result(.pgd, .otherLabel, model: "another", predictions: better),
    ]
    let summary = try EvaluationSummary(results)
    func pairs(_ a: [[Int]]) -> PairedOutcomes {
      PairedOutcomes(a.map { $0 == [1] }, network.map { $0 == [1] })
    }
    let first = try #require(record(summary, "pgd", .otherLabel).comparison)
    // An attack that goes through the defence is compared with the same attack on the network.
    let second = try #require(record(summary, "adaptive-pgd", .otherLabel).comparison)
    #expect(first.difference == pairs(better).difference)
    #expect(first.difference > 0 && second.difference < 0)
    let adjusted = holmAdjusted([pairs(better).pValue, pairs(worse).pValue])
    #expect([first.adjustedPValue, second.adjustedPValue] == adjusted)
    #expect(first.adjustedPValue > first.pValue)
    #expect(try record(summary, "pgd").comparison == nil)
    // Of another model there is no undefended network here.
    #expect(summary.records.filter { $0.model == "another" }.allSatisfy { $0.comparison == nil })
  }

  @Test(
    "Detection is told on the images that an attack broke, and on all; paper's and code's statistic"
  )
  func detection() throws {
    let summary = try EvaluationSummary([
      try measured(.none, [true, true, true, false], [0.1, 0.2, 0.3, 0.4]),
      try measured(.pgd, [true, false, false, true], [0.05, 0.35, 0.5, 0.05]),
    ])
    #expect(try record(summary, "none", .otherLabel).detection == nil)
    let found = try #require(record(summary, "pgd", .otherLabel).detection)
    // 0.35 beats three of four clean values, 0.5 all; the code's statistic is the mirror image here.
    #expect(found.aucConfidenceDrop == 7.0 / 8 && found.aucMaximaDrop == 1.0 / 8)
    #expect(found.clean == 4 && found.adversarial == 2)
    #expect(found.aucConfidenceDropOfAll == 7.0 / 16)
    // To flag 95% of the two is to flag both, from 0.35 on, where one clean image of four is.
    #expect(found.falsePositivesAt95 == 0.25)
    let interval = try #require(found.intervalConfidenceDrop)
    #expect(interval.lower <= 7.0 / 8 && interval.upper >= 7.0 / 8)
    #expect(
      summary.remarks.contains {
        $0.contains("area of 0.88") && $0.contains("2 successes, 0.44 of all 4 attacked images")
      })
  }

  /// A result with the detector's statistics.
  private func measured(
    _ attack: AttackName, _ correct: [Bool], _ drops: [Double]
  ) throws -> JobResult {
    var result = try result(
      attack, .otherLabel, predictions: correct.map { [$0 ? 1 : 0] },
      misses: correct.map { _ in 0 })
    for n in drops.indices {
      result.outcomes[n].statistics = ["confidenceDrop": drops[n], "maximaDrop": -drops[n]]
    }
    return result
  }

  @Test("An image that was wrong before the attack is none of its successes")
  func wrongBefore() throws {
    // Of the wrong ones the first two were wrong before; they look as an adversarial image is said to.
    let clean = try measured(
      .none, [false, false, true, true, true], [0.9, 0.8, 0.1, 0.2, 0.3])
    let attacked = try measured(
      .pgd, [false, false, false, true, true], [0.9, 0.8, 0.15, 0.2, 0.3])
    let found = try #require(
      record(EvaluationSummary([clean, attacked]), "pgd", .otherLabel).detection)
    #expect(found.adversarial == 1 && found.clean == 5)
    // 0.15 beats one of five; of the 25 pairs of all 11 are won and four are ties.
    #expect(found.aucConfidenceDrop == 1.0 / 5)
    #expect(abs((found.aucConfidenceDropOfAll ?? 0) - (11 + 4 * 0.5) / 25.0) < 1e-12)
  }

  @Test("An attack of radius 0 has no successes, and the summary says so")
  func nothingToDetect() throws {
    let (correct, drops) = ([false, true, true, false], [0.9, 0.1, 0.2, 0.8])
    let summary = try EvaluationSummary([
      try measured(.none, correct, drops), try measured(.pgd, correct, drops),
    ])
    let found = try #require(record(summary, "pgd", .otherLabel).detection)
    #expect(found.adversarial == 0 && found.aucConfidenceDrop == nil && found.aucMaximaDrop == nil)
    #expect(found.intervalConfidenceDrop == nil && found.falsePositivesAt95 == nil)
    #expect(found.aucConfidenceDropOfAll == 0.5)
    #expect(
      summary.remarks.contains {
        $0.contains("no success to detect") && $0.contains("0.50 of all 4 attacked images")
      }, "\(summary.remarks)")
  }

  @Test("Attacks of one name are told apart by what differs")
  func namesakes() throws {
    var other = try result(.pgd, predictions: [[1], [0]])
    other.job.attack.set("loss", AttackLoss.margin)
    let summary = try EvaluationSummary([try result(.pgd, predictions: [[1], [0]]), other])
    let table = summary.table.plain()
    #expect(table.contains("pgd, loss log-odds") && table.contains("pgd, loss margin"))
    #expect(!table.contains("steps"))
  }

  @Test("A table with commas has one line per record, and quotes what needs it")
  func csv() throws {
    let name = "a \"b\", c"
    let summary = try EvaluationSummary([
      try result(.none, model: name, predictions: [[1], [0]]),
      try result(.pgd, model: name, predictions: [[1], [0]]),
    ])
    let lines = summary.csv.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 4 && lines[3].isEmpty)
    let columns = lines[0].split(separator: ",")
    #expect(lines[1].hasPrefix("\"a \"\"b\"\", c\",none,,none,,digits,test,"))
    for line in lines[1...2] {
      let rest = line.dropFirst("\"a \"\"b\"\", c\"".count)
      #expect(
        rest.split(separator: ",", omittingEmptySubsequences: false).count == columns.count)
    }
    let table = summary.table.plain()
    #expect(table.contains(name) && table.contains("50.0%"))
  }

  @Test("A number of a defence that is none gets into no record")
  func notFinite() throws {
    var odd = try result(.none, predictions: [[1]])
    odd.job.defence = try JSONDecoder().decode(
      DefenceDescription.self, from: Data(#"{"name": "own", "threshold": "inf"}"#.utf8))
    #expect(throws: RecordError.notFinite(field: "threshold")) { try EvaluationSummary([odd]) }
  }

  @Test("A shard without images has no summary, and says so")
  func empty() throws {
    var none = try result(.none, predictions: [[1]])
    none.outcomes = []
    #expect(throws: RecordError.counts(correct: 0, n: 0, scoringDraws: 1)) {
      try EvaluationSummary([none])
    }
  }
}
