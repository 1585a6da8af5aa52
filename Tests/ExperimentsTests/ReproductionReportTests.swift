import Datasets
import Experiments
import Foundation
import Reporting
import Robustness
import Statistics
import Testing

@Suite("The report of a reproduction")
struct ReproductionReportTests {
  /// Correct images of 100 under none and under MI-OL, by condition.
  private struct Counts {
    var bare = 10
    var oblivious = 60
    var adaptive = 35
    var area: Double? = 0.75
    /// Half the width of the area's interval.
    var margin = 0.1
  }

  private func results(
    _ models: [TrainingMethod: Counts] = [:], linearity: String = ""
  ) throws -> Reproduction.Results {
    let models = try Reproduction.methods.map { try model($0, models[$0] ?? Counts()) }
    let points = Reproduction.methods.flatMap { model in
      ["none", "mi-ol"].map { defence in
        """
        {"model": "\(model.rawValue)", "defence": "\(defence)", "epsilon": "3/20",
         "outcome": {"successes": 4, "trials": 100}}
        """
      }
    }
    var settings = Reproduction.Settings()
    settings.epsilons = ["3/20"]
    settings.seed = 11
    let json = """
      {"settings": \(String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)),
       "testCount": 100, "trainingCount": 3323, "seconds": 12.5,
       "sweep": {"points": [\(points.joined(separator: ","))], "chosen": "3/20"},
       "models": [\(models.joined(separator: ","))],
       "linearity": [\(linearity)]}
      """
    return try JSONDecoder().decode(Reproduction.Results.self, from: Data(json.utf8))
  }

  private func model(_ model: TrainingMethod, _ counts: Counts) throws -> String {
    func choice(_ value: Double) -> String {
      """
      {"value": \(value), "trials": [{"value": \(value), "clean": 0.97, "adversarial": 0.5}]}
      """
    }
    let cells = DefenceName.ofMixup.flatMap { defence in
      Reproduction.Condition.allCases.map { condition in
        let correct =
          switch condition {
          case .clean: 97
          case .oblivious10, .oblivious50: defence == .none ? counts.bare : counts.oblivious
          case .adaptive50: defence == .none ? counts.bare : counts.adaptive
          }
        return """
          {"defence": "\(defence.rawValue)", "condition": "\(condition.rawValue)",
           "outcome": {"successes": \(correct), "trials": 100},
           "forwardPassesPerDecision": 31, "secondsPerDecision": 0.00025}
          """
      }
    }
    let area = counts.area.map { "\"confidenceDrop\": \($0), \"maximaDrop\": \($0)" } ?? ""
    let ends = counts.area.map { "[\($0 - counts.margin), \($0 + counts.margin)]" }
    let intervals = ends.map { "\"confidenceDrop\": \($0), \"maximaDrop\": \($0)" } ?? ""
    let pixels = "[\(Array(repeating: "0.5", count: 64).joined(separator: ","))]"
    return """
      {"model": "\(model.rawValue)", "cells": [\(cells.joined(separator: ","))],
       "tuning": {"detectionRatio": 0.6, "detectionTrials": [],
        "predictedLabel": \(choice(0.7)), "otherLabel": \(choice(0.4)),
        "threshold": \(choice(0.15))},
       "detection": {"cleanCount": 100, "adversarialCount": 90, "areas": {\(area)},
        "intervals": {\(intervals)}, "curve": [
        {"threshold": 1, "falsePositiveRate": 0, "truePositiveRate": 0},
        {"threshold": 0, "falsePositiveRate": 1, "truePositiveRate": 1}]},
       "pictures": [{"label": 3, "prediction": 8, "clean": \(pixels), "adversarial": \(pixels)}]}
      """
  }

  @Test("says how far each network is from linear, and which way that goes with RIC")
  func linearity() throws {
    func mean(_ value: Double) -> String {
      "{\"value\": \(value), \"count\": 50, \"interval\": [\(value - 0.05), \(value + 0.05)]}"
    }
    func comparison(_ rule: String, _ value: Double) -> String {
      """
      {"rule": "\(rule)", "correlation": {"coefficient": \(value), "count": 50,
       "interval": [\(value - 0.2), \(value + 0.2)]}}
      """
    }
    let entry = """
      {"model": "mixup", "found": {
       "measurement": {"pairCount": 50, "points": [
        {"ratio": 0.5, "withinClasses": \(mean(0.125)), "betweenClasses": \(mean(0.75))}]},
       "comparisons": [\(comparison("predicted", 0.4)), \(comparison("other", -0.3))]}}
      """
    let report = ReproductionReport(try results(linearity: entry))
    let sentence = try #require(report.findings.first { $0.contains("half-way") })
    #expect(
      sentence
        == "mixup: half-way between two classes the prediction misses the line by 0.75 of 2 on "
        + "average, within a class by 0.12; the less linear an image, the larger its RIC margin "
        + "under MI-PL; the less linear an image, the smaller its RIC margin under MI-OL.")
    #expect(
      report.text.contains("0.75 [0.70, 0.80]") && report.text.contains("-0.30 [-0.50, -0.10]"))
    #expect(report.html.contains("Is the network linear between images?"))
    #expect(report.html.contains("0.75 [0.70, 0.80]"))
  }

  private func findings(_ counts: Counts) throws -> [String] {
    ReproductionReport(try results([.mixup: counts])).findings.filter { $0.hasPrefix("mixup: ") }
  }

  @Test("has a record for every cell, which can be read again")
  func records() throws {
    let report = ReproductionReport(try results())
    let records = try report.records()
    #expect(records.count == 3 * 4 * 4)
    #expect(try [EvaluationRecord](json: records.json()) == records)
    #expect(Set(records.map { "\($0.model) \($0.defence) \($0.attack)" }).count == 48)
    for record in records {
      #expect(record.n == 100 && record.seed == 11 && record.dataset == "digits")
      #expect(record.interval.lower <= record.accuracy && record.accuracy <= record.interval.upper)
      #expect((record.epsilon == nil) == (record.attack == "none"))
      #expect((record.steps == 0) == (record.attack == "none"))
      #expect((record.draws == nil) == (record.defence == "none"))
      #expect((record.threshold == 0.15) == (record.defence == "mi-combined"))
      #expect(
        record.lambda
          == ["none": nil, "mi-pl": 0.7, "mi-ol": 0.4, "mi-combined": 0.4][
            record.defence, default: nil])
      #expect(
        (record.attackDraws != nil)
          == (record.attack == "adaptive-pgd-50" && record.defence != "none"))
      #expect(
        (record.detection != nil) == (record.attack == "pgd-50" && record.defence == "mi-pl"))
    }
  }

  @Test("shows every model under every defence and condition, with interval and settings")
  func text() throws {
    let text = ReproductionReport(try results()).text
    let lines = text.split(separator: "\n")
    for model in Reproduction.methods {
      for defence in ["none", "MI-PL, λ = 0.7", "MI-OL, λ = 0.4", "MI-Combined, threshold 0.15"] {
        let line = try #require(
          lines.first { $0.hasPrefix(model.title) && $0.contains(defence) },
          "\(model.title), \(defence)")
        // 97 of 100: Wilson's 95% interval is 91.5 to 99.0.
        #expect(line.contains("97.0 [91.5, 99.0]"))
      }
    }
    for condition in Reproduction.Condition.allCases { #expect(text.contains(condition.title)) }
    for words in ["First 100 test images", "ε = 3/20", "seed 11", "30 executions", "250"] {
      #expect(text.contains(words), "\(words)")
    }
  }

  @Test("is a page with the same findings")
  func page() throws {
    let report = ReproductionReport(try results())
    let html = report.html
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("</html>"))
    for model in Reproduction.methods { #expect(html.contains(model.title)) }
    for title in ["Accuracy", "The choice of ε", "Tuning", "Detection", "Cost", "Provenance"] {
      #expect(html.contains(title), "\(title)")
    }
    #expect(html.contains("adaptive attack leaves 35.0%"))
  }

  // Shares of the gain from 10% to 60%.
  @Test(
    "says which share of a gain survives the adaptive attack",
    arguments: [(35, "50% of the gain"), (60, "100% of the gain"), (10, "0% of the gain")])
  func survivingShare(_ adaptive: Int, _ words: String) throws {
    let sentence = try #require(try findings(Counts(adaptive: adaptive)).first)
    #expect(sentence.contains("from 10.0% to 60.0%") && sentence.contains(words))
  }

  @Test("does not call it a negative share where the attack leaves less than without defence")
  func belowBare() throws {
    let sentence = try #require(try findings(Counts(adaptive: 2)).first)
    #expect(sentence.contains("leaves 2.0%; 0% of the gain"))
  }

  // Wilson's intervals of 10 and 14 of 100 overlap: 5.5–17.4 and 8.5–22.1.
  @Test("gives no share of a gain that may be chance, nor of a loss", arguments: [14, 10, 3])
  func chance(_ oblivious: Int) throws {
    let sentence = try #require(try findings(Counts(oblivious: oblivious, adaptive: 3)).first)
    #expect(sentence.hasSuffix("the change is within chance.") || oblivious < 10)
    #expect(!sentence.contains("of the gain"))
  }

  @Test("tells a detector that is worse than a coin, and leaves out one that was not measured")
  func detector() throws {
    let good = try findings(Counts(area: 0.75))
    #expect(good.contains { $0.hasSuffix("an AUC of 0.75 [0.65, 0.85].") })
    let bad = try findings(Counts(area: 0.25))
    #expect(bad.contains { $0.contains("an AUC of 0.25 [0.15, 0.35], worse than a coin") })
    // An interval with ½ inside says neither.
    for area in [0.45, 0.55] {
      let unsure = try findings(Counts(area: area))
      #expect(
        unsure.contains { $0.hasSuffix("; whether it is better than a coin is not decided.") })
    }
    #expect(try !findings(Counts(area: nil)).contains { $0.contains("AUC") })
    #expect(ReproductionReport(try results([.plain: Counts(area: nil)])).text.contains("–"))
  }

  @Test("warns of an adaptive attack that is weaker than the oblivious one beyond chance")
  func warnings() throws {
    let honest = ReproductionReport(try results())
    #expect(honest.warnings.isEmpty)
    let weak = ReproductionReport(
      try results([.plain: Counts(oblivious: 30, adaptive: 70)]))
    #expect(weak.warnings.count == 3)
    #expect(weak.warnings.allSatisfy { $0.hasPrefix("Warning: on plain with MI-") })
    #expect(weak.findings.suffix(3) == weak.warnings[...])
    // 30 and 40 of 100 are within chance of each other.
    let close = ReproductionReport(try results([.plain: Counts(oblivious: 30, adaptive: 40)]))
    #expect(close.warnings.isEmpty)
  }
}
