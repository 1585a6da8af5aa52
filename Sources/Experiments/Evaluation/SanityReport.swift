import Classification
import Datasets
import Foundation
import Reporting
import Robustness

/// The sanity suite's verdicts on one defence under the attack that left fewest images right.
package struct SanityReport: Sendable, Keepable, Equatable {
  package var model: String
  package var defence: DefenceDescription
  /// The attack that left fewest images right.
  package var attack: AttackDescription
  /// Images that it was checked on.
  package var count: Int
  package var verdicts: [SanityVerdict]

  package var isSound: Bool {
    defence.isSound && attack.isSound && Believable.count ~= count && !verdicts.isEmpty
  }

  /// The names of the checks that failed.
  package var failures: [String] {
    verdicts.filter { $0.outcome == .failed }.map(\.name)
  }

  /// What the checks of an outcome ask, and what was seen, behind a word for it; nothing where none has that outcome.
  func claims(_ outcome: SanityVerdict.Outcome, _ word: String) -> String {
    let claims = verdicts.filter { $0.outcome == outcome }.map { "\($0.claim) (\($0.evidence))" }
    return claims.isEmpty ? "" : " \(word): \(claims.joined(separator: "; "))."
  }

  /// What it comes to.
  package var summary: Summary {
    let undecided = verdicts.filter { $0.outcome == .undecided }.map(\.name)
    return failures.isEmpty
      ? Summary(isPassed: true, count: count, checks: undecided)
      : Summary(isPassed: false, count: count, checks: failures)
  }

  /// Whether all checks were passed, on how many images: "passed on 50 images", with those that these did not
  /// decide; or "failed on 50 images: " with those that failed.
  package struct Summary: Codable, Sendable, Equatable {
    package var isPassed: Bool
    package var count: Int
    /// The names of the checks that failed, or, where none did, of those that are not decided.
    package var checks: [String]
  }

  /// Whether the report is about the row of a job in the table. A row of one attack is meant if it is the
  /// attack that was checked; the row "worst" is meant if that attack searched the same ball.
  func isAbout(_ job: EvaluationJob, isWorst: Bool) -> Bool {
    model == job.model && defence == job.defence
      && (isWorst ? attack.budget == job.attack.budget : attack == job.attack)
  }

  /// The verdicts as a table for a terminal.
  package var table: Table {
    Table(
      columns: ["check", "what should be so", "verdict", "evidence"],
      rows: verdicts.map {
        [
          Table.Cell($0.name), Table.Cell($0.claim), Table.Cell($0.outcome.rawValue),
          Table.Cell($0.evidence),
        ]
      })
  }
}

extension SanityReport.Summary: RawRepresentable, CustomStringConvertible {
  package init?(rawValue: String) {
    let form = /(passed|failed) on (\d+) images?(?:(?:, which do not decide)?: (.+))?/
    guard let parts = rawValue.wholeMatch(of: form)?.output, let count = Int(parts.2) else {
      return nil
    }
    self.init(
      isPassed: parts.1 == "passed", count: count,
      checks: parts.3.map { String($0).components(separatedBy: ", ") } ?? [])
    guard self.rawValue == rawValue else { return nil }
  }

  package var rawValue: String {
    "\(isPassed ? "passed" : "failed") on \(count) image\(count == 1 ? "" : "s")"
      + (checks.isEmpty
        ? "" : (isPassed ? ", which do not decide: " : ": ") + checks.joined(separator: ", "))
  }

  package var description: String { rawValue }

  /// The same, to be read behind "the sanity suite".
  package var sentence: String {
    guard isPassed, !checks.isEmpty else { return rawValue }
    return "failed in no check on \(count) image\(count == 1 ? "" : "s"), and did not decide: "
      + checks.joined(separator: ", ")
  }
}

extension EvaluationRun {
  /// Runs the sanity suite on the first images, for every defence under the attack that left fewest
  /// images right. Defences that were not attacked have no report.
  package func sanity(
    of model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    results: [JobResult], count: Int
  ) throws -> [SanityReport] {
    let setting = try Setting(
      plan, model, other, on: data, images: self.images?.images, execution: execution)
    let images = setting.images[0..<min(count, setting.images.count)]
    // The images of a file are checked against the data set's, as a file cannot confirm itself.
    let originals = self.images.map { $0.originals?[0..<images.count] } ?? images
    let defences = plan.defences.map { $0.resolved(for: setting.base.imageShape) }
    let dryRun = DryRun(of: plan, on: data, base: setting.base, seenBy: progress)
    return try defences.compactMap { defence in
      let attacked = results.filter {
        // Who knows the draws is no attacker against whom a defence is to be quoted.
        $0.job.defence == defence && $0.job.attack.budget != nil && $0.job.knowledge != .draws
      }
      guard let worst = attacked.min(by: { $0.repeated.mean < $1.repeated.mean }),
        let budget = worst.job.attack.budget
      else { return nil }
      let attack = worst.job.attack
      // The labels by which the images were scored, found by index.
      let scored = Dictionary(
        worst.outcomes.map { ($0.index, $0.label) }, uniquingKeysWith: { first, _ in first })
      let measured = try LabelledImages(
        pixels: images.pixels, labels: images.indices.map { scored[$0] ?? -1 },
        classCount: images.classCount, indices: images.indices)
      let target = try setting.target(of: defence)
      let selections = max(1, plan.selectionDraws)
      var suite = SanitySuite(
        classifier: target.classifier, network: setting.base,
        isDefended: defence.defence != nil, examples: measured, originals: originals,
        budget: budget,
        search: {
          attack.multiplied(by: $0).onNetwork.search(selections: selections)
        },
        threat: { budget, effort in
          let attack = attack.multiplied(by: effort)
          return try target.threat(
            attack, oblivious: setting.oblivious(attack), within: budget, selections: selections)
        },
        other: setting.other, seed: plan.seed, forEach: execution.workers.forEach)
      suite.isAdaptive =
        defence.defence == nil
        ? attack.name.knowledge != .otherNetwork : attack.name.isAdaptive
      let title = "check \(defence.name.rawValue) under \(attack.name.rawValue)"
      let passes = try? dryRun?.passesOfSanity(
        EvaluationPlan(
          scoringDraws: plan.scoringDraws, selectionDraws: plan.selectionDraws,
          defences: [defence], attacks: [attack]), images: images.count)
      let stage = progress.stage(
        title, total: SanitySuite.names.count, unit: "checks", work: passes?.work ?? 0)
      let verdicts = try suite.run { _ in try stage.advance() }
      stage.finish()
      return SanityReport(
        model: model.name, defence: defence, attack: attack, count: images.count,
        verdicts: verdicts)
    }
  }
}
