import Classification
import Experiments
import Foundation
import MixupInference
import Reporting
import Robustness
import Statistics
import Testing

@Suite("A page of result files")
struct RunReportTests {
  /// The network alone and behind MI-OL under one attack, of 40 images; `right` are those that MI-OL answers rightly.
  private func summary(
    right: Set<Int>, bare: Int = 4, seed: UInt64 = 1, checkpoint: String = "c", steps: Int = 5,
    norm: PerturbationBudget.Norm = .linf, epsilon: Epsilon = Epsilon(8, over: 255),
    isClean: Bool = false
  ) throws -> EvaluationSummary {
    let attack =
      isClean
      ? AttackDescription(.none)
      : AttackDescription(.adaptivePGD, norm: norm, epsilon: epsilon, steps: steps)
    func result(_ defence: DefenceDescription, _ isRight: (Int) -> Bool) -> JobResult {
      JobResult(
        job: EvaluationJob(
          model: "net", dataset: "digits", split: .test, indices: IndexRanges(Array(0..<40)),
          pool: nil, defence: defence, attack: attack,
          circumstances: EvaluationJob.Circumstances(
            checkpoint: checkpoint, normalization: nil, seed: seed, kernelSet: .reference,
            planProfile: .throughput, scoringDraws: 1, selectionDraws: 0)),
        isRandomized: defence.name != .none, forwardPassesPerDecision: 1,
        outcomes: (0..<40).map {
          EvaluationResult.Outcome(index: $0, label: 1, predictions: [isRight($0) ? 1 : 0])
        }, cost: nil,
        images: (0..<40).map { OutcomeFile.Example(index: $0, image: "image \($0)") })
    }
    let defence = DefenceDescription(
      MixupInferenceRule.otherLabel(Mixing(lambda: 0.6, sampleCount: 30)))
    return try EvaluationSummary([result(.none) { $0 < bare }, result(defence, right.contains)])
  }

  private func records(_ summary: EvaluationSummary, _ name: String) throws -> (
    name: String, data: Data
  ) { (name, try summary.json()) }

  private func images(_ summary: EvaluationSummary, _ name: String) -> (name: String, data: Data) {
    (name, Data(ImageRow.columns.jsonLines(summary.imageRows).utf8))
  }

  @Test("Records are read from an array and from lines alike")
  func formats() throws {
    let summary = try summary(right: Set(0..<20))
    let runs = try MeasuredRun.read([
      records(summary, "a"), ("b", try summary.records.jsonLines()),
    ])
    #expect(runs.map(\.name) == ["a", "b"])
    #expect(runs[0].records == summary.records && runs[1].records == summary.records)
  }

  @Test(
    "Runs are compared image by image where their images are known, whatever the order of the files"
  )
  func paired() throws {
    let (a, b) = (try summary(right: Set(0..<20)), try summary(right: Set(2..<26), seed: 2))
    let files = [
      try records(a, "a"), try records(b, "b"), images(b, "b images"), images(a, "a images"),
    ]
    for order in [files, [files[0], files[3], files[1], files[2]]] {
      let runs = try MeasuredRun.read(order)
      let rows = RunComparison(runs[0], runs[1]).rows
      #expect(rows.count == 2 && rows.allSatisfy { $0.pairs == 40 })
      // 18 right in both, 2 in the first alone, 6 in the second alone.
      let expected = PairedOutcomes(both: 18, onlyFirst: 6, onlySecond: 2, neither: 14)
      #expect(rows[1].difference == expected.difference)
      #expect(rows[1].interval == expected.differenceInterval())
      #expect(rows[0].difference == 0)
    }
  }

  @Test("Without the images the interval is that for images drawn anew, and wider")
  func unpaired() throws {
    let (a, b) = (try summary(right: Set(0..<20)), try summary(right: Set(2..<26), seed: 2))
    let runs = try MeasuredRun.read([records(a, "a"), records(b, "b"), images(a, "a images")])
    let row = try #require(RunComparison(runs[0], runs[1]).rows.last)
    let (p, q) = (Proportion(successes: 24, trials: 40), Proportion(successes: 20, trials: 40))
    #expect(row.pairs == nil && row.difference == 24.0 / 40 - 0.5)
    #expect(
      row.interval
        == differenceInterval(p.value, p.wilsonInterval(), q.value, q.wilsonInterval()))
    let paired = PairedOutcomes(both: 18, onlyFirst: 6, onlySecond: 2, neither: 14)
      .differenceInterval()
    #expect(row.interval.lower < paired.lower && row.interval.upper > paired.upper)
  }

  @Test("What changed is told, and nothing else; other settings are no pair")
  func changes() throws {
    let a = try summary(right: Set(0..<20))
    func changes(_ b: EvaluationSummary) throws -> [String] {
      let runs = try MeasuredRun.read([records(a, "a"), records(b, "b")])
      return RunComparison(runs[0], runs[1]).changes.map(\.name)
    }
    #expect(try changes(a) == [])
    #expect(try changes(summary(right: [1], seed: 2)) == ["seed"])
    #expect(
      try changes(summary(right: [1], seed: 2, checkpoint: "d")) == ["network's content", "seed"])
  }

  // The number beside a row is that of the last condition in the legend, and must not be the accuracy on clean images.
  @Test("Clean images stand first in a picture, whatever the order of the records")
  func pictureOrder() throws {
    let lines =
      try summary(right: [1]).records.jsonLines()
      + summary(right: Set(0..<38), isClean: true).records.jsonLines()
    let page = RunReport(try MeasuredRun.read([("a", lines)])).page.render()
    let picture = try #require(page.components(separatedBy: "<figure").dropFirst().first)
    let (clean, attacked) = (
      try #require(picture.firstRange(of: ">clean<")),
      try #require(picture.firstRange(of: ">adaptive-pgd (numbers at the right)<"))
    )
    #expect(clean.lowerBound < attacked.lowerBound)
    #expect(picture.contains(">2.5%<") && !picture.contains(">95.0%<"))
  }

  @Test("Of runs that rest on the same no table says what changed")
  func nothingChanged() throws {
    let a = try summary(right: Set(0..<20))
    func page(_ b: EvaluationSummary) throws -> String {
      RunReport(try MeasuredRun.read([records(a, "a"), records(b, "b")])).page.render()
    }
    #expect(try !page(a).contains("What changed in provenance"))
    #expect(try page(summary(right: [1], seed: 2)).contains("What changed in provenance"))
  }

  @Test(
    "Files that differ in the effort of the attack alone are a curve, and the page says whether it had ended"
  )
  func effort() throws {
    func page(_ right: [Int]) throws -> String {
      let files = try zip([5, 20, 80], right).map { steps, right in
        try records(summary(right: Set(0..<right), steps: steps), "\(steps)")
      }
      return RunReport(try MeasuredRun.read(files)).page.render()
    }
    let falling = try page([38, 30, 4])
    #expect(
      falling.contains("<h1>Does more effort of the attack leave less?</h1>")
        && falling.contains("it was still falling"))
    // Clean images, all that two of the files share, are no answer.
    #expect(!falling.contains("figures that both have"))
    #expect(
      falling.contains(
        "mi-ol under adaptive-pgd within linf 8/255: 95.0% [83.5, 98.6] at steps = 5"))
    #expect(
      try page([38, 30, 29]).contains("the last step of effort changed anything is not decided"))
    #expect(try page([4, 4, 38]).contains("do not quote it"))
    // The bare network keeps four images throughout.
    #expect(try !page([4, 4, 4]).contains("it was still falling"))
    let one = RunReport(try MeasuredRun.read([records(summary(right: [1]), "a")])).page.render()
    #expect(one.contains("<h1>How much does each defence keep under attack?</h1>"))
  }

  /// A record of `certify` at radius ½ of the network with this content.
  private func certificates(_ correct: Int, checkpoint: String = "c") throws -> Data {
    let share = Proportion(successes: correct, trials: 40)
    let row: [String: Any] = [
      "radius": 0.5, "correct": correct, "wrong": 0, "refuted": 0, "undecided": 40 - correct,
      "certifiedAccuracy": share.value,
      "interval": [share.wilsonInterval().lower, share.wilsonInterval().upper],
    ]
    return try JSONSerialization.data(withJSONObject: [
      "schema": 1, "model": "net", "checkpoint": checkpoint, "dataset": "digits",
      "defence": ["name": "gaussian", "sigma": 0.25], "votes": "hard", "rule": "sequence",
      "drawLimit": 1000, "level": 0.001, "seed": 1, "kernelSet": "reference", "radii": [row],
      "images": [[String: Int]](repeating: [:], count: 40),
    ])
  }

  @Test(
    "Certificates stand beside attacks on the same network within the same radius, and beside no others"
  )
  func certifiedBesideEmpirical() throws {
    func findings(
      _ certified: Int, _ left: Int, checkpoint: String = "c",
      norm: PerturbationBudget.Norm = .l2, epsilon: Epsilon = Epsilon(1, over: 2)
    ) throws -> String {
      let attacked = try summary(
        right: Set(0..<left), bare: left, norm: norm, epsilon: epsilon)
      let runs = try MeasuredRun.read([
        records(attacked, "a"), ("c", certificates(certified, checkpoint: checkpoint)),
      ])
      return RunReport(runs).findings.joined(separator: "\n")
    }
    #expect(try findings(4, 36).contains("neither proven nor broken"))
    #expect(try findings(18, 20).contains("whether they differ is not decided"))
    #expect(try findings(36, 4).contains("what is certified is more than the network alone keeps"))
    for other in [
      try findings(4, 36, checkpoint: "d"), try findings(4, 36, norm: .linf),
      try findings(4, 36, epsilon: Epsilon(1, over: 4)),
    ] {
      #expect(!other.contains("certified"))
    }
  }

  private func lead(_ report: RunReport) -> String {
    report.page.render().components(separatedBy: "<p class=\"lead\">").last?
      .components(separatedBy: "</p>")[0] ?? ""
  }

  @Test(
    "The first sentence says what keeps most, and that it is not decided where intervals overlap")
  func answer() throws {
    func lead(_ right: Int) throws -> String {
      self.lead(RunReport(try MeasuredRun.read([records(summary(right: Set(0..<right)), "a")])))
    }
    // Of 40 images 30 and 4: Wilson's intervals are [59.8, 85.8] and [4.0, 23.1].
    let clear = try lead(30)
    #expect(
      clear.contains("Within linf 8/255")
        && clear.contains("keeps most with mi-ol: 75.0% [59.8, 85.8]"))
    #expect(
      clear.contains("with none it keeps 10.0% [4.0, 23.1]") && !clear.contains("not decided"))
    let close = try lead(6)
    #expect(close.contains("mi-ol: 15.0%") && close.hasSuffix("which keeps more is not decided."))
    let worse = try lead(1)
    #expect(
      worse.contains("keeps most with none: 10.0%") && worse.contains("with mi-ol it keeps 2.5%"))
  }

  @Test("Between runs it says how many figures moved, and marks no figure that chance explains")
  func moved() throws {
    let a = try summary(right: Set(0..<20))
    let report = RunReport(
      try MeasuredRun.read([
        records(a, "a"), records(summary(right: Set(0..<39), bare: 5, seed: 2), "b"),
      ]))
    let first = lead(report)
    #expect(first.contains("Of 2 figures that both have, b is above a in 1 and below it in 0"))
    #expect(first.contains("; 1 are not decided."))
    let html = report.page.render()
    #expect(html.contains("class=\"number good\">47.5 [") && !html.contains("number bad"))
    #expect(html.contains("2.5 [") && html.contains("not checked"))
  }

  @Test("Certified accuracy is drawn over the radius")
  func certificates() throws {
    let json = """
      {"schema": 1, "model": "net", "checkpoint": "c", "dataset": "digits", "level": 0.001,
      "defence": {"name": "mi-ol", "lambda": 0.6, "sigma": 0.25}, "votes": "hard", "rule": "sequence", "drawLimit": 1000,
      "seed": 1, "kernelSet": "avx2", "images": [{}, {}], "radii": [{"radius": 0.5, "correct": 1, "wrong": 0,
      "refuted": 1, "undecided": 0, "certifiedAccuracy": 0.5, "interval": [0.1, 0.9]}]}
      """
    let report = RunReport(try MeasuredRun.read([("c.json", Data(json.utf8))]))
    let html = report.page.render()
    #expect(
      html.contains("Certified accuracy over the radius") && html.contains("50.0 [10.0, 90.0]"))
    for text in [
      "mi-ol, lambda 0.6, sigma 0.25", "as many as the radii need, 1000 at most", "kernel set",
      "c.json: not checked; certify --sanity 50",
    ] { #expect(html.contains(text), "\(text)") }
    for (outcome, text) in [
      ("failed", "do not quote its certificates: 9 of 9"), ("passed", "passed: 9 of 9"),
    ] {
      let sanity = """
        "sanity": {"name": "certificates", "claim": "hold", "outcome": "\(outcome)", "evidence": "9 of 9"}, "seed"
        """
      let checked = json.replacing("\"seed\"", with: sanity)
      let page = RunReport(try MeasuredRun.read([("c.json", Data(checked.utf8))])).page.render()
      #expect(page.contains(text) && !page.contains("not checked"))
      #expect(page.contains("do not quote") == (outcome == "failed"))
    }
    let newer = json.replacing("\"schema\": 1", with: "\"schema\": 2").replacing(
      "0.9]}", with: "0.9], \"draws\": {\"median\": 62, \"mean\": 628.5, \"most\": 10000}}")
    #expect(RunReport(try MeasuredRun.read([("c.json", Data(newer.utf8))])).page.render() == html)
    for (old, new, text) in [
      ("\"correct\": 1", "\"correct\": 3", "are no accuracies"),
      ("\"schema\": 1", "\"schema\": 3", "schema 3, this version reads 2"),
      ("\"sigma\": 0.25", "\"sigma\": -1", "a noise of -1.0"),
    ] {
      let strange = json.replacing(old, with: new)
      #expect {
        try MeasuredRun.read([("c.json", Data(strange.utf8))])
      } throws: { error in
        error is RunError && "\(error)".contains(text)
      }
    }
  }

  @Test("What is no result is an error that names the file")
  func unreadable() throws {
    let summary = try summary(right: [1])
    let strange = try self.summary(right: [1], checkpoint: "other")
    let line = try #require(
      String(decoding: images(summary, "i").data, as: UTF8.self).split(separator: "\n").first)
    let wrong: [[(name: String, data: Data)]] = [
      [("f", Data())], [("f", Data(" \n".utf8))], [("f", Data("model,defence\n".utf8))],
      [("f", Data("[]".utf8))], [("f", Data("[{}]".utf8))], [("f", Data("{}".utf8))],
      [("f", Data("{\"schema\": 9}".utf8))], [("f", Data("[1".utf8))],
      [try records(summary, "a"), ("f", Data((line + "\n{\"firstAnswer\": 1}").utf8))],
      [try records(summary, "a"), images(strange, "f")], [("f", Data([0xFF, 0xFE, 0x5B]))],
    ]
    for files in wrong {
      let error = #expect(throws: RunError.self) { try MeasuredRun.read(files) }
      #expect(try #require(error).description.hasPrefix("f"), "\(error?.description ?? "")")
    }
    #expect(throws: RunError.noRecords) { try MeasuredRun.read([images(summary, "f")]) }
  }
}
