import Foundation
import Reporting
import Robustness
import Statistics

/// A page about result files: what each defence keeps, whether that can be believed, and how runs differ.
package struct RunReport: Sendable {
  let runs: [MeasuredRun]
  private let evaluations: [MeasuredRun]
  /// Every later run that has a figure of the first, beside it.
  private let comparisons: [RunComparison]
  private let effort: EffortCurves

  package init(_ runs: [MeasuredRun]) {
    self.runs = runs
    let evaluations = runs.filter { !$0.records.isEmpty }
    self.evaluations = evaluations
    comparisons = evaluations.dropFirst().map { RunComparison(evaluations[0], $0) }
      .filter { !$0.rows.isEmpty }
    effort = EffortCurves(evaluations.flatMap(\.records))
  }

  /// What the runs are called.
  package var names: [String] { runs.map(\.name) }

  private var theories: [NetworkVerification.Results] { runs.compactMap(\.theory) }

  package var page: HTMLReport {
    var sections = (isAboutEffort ? [] : comparisons.map(section)) + evaluations.map(figures)
    if !isAboutEffort, let effort = effort.section { sections.append(effort) }
    sections += certified
    for theory in theories { sections += NetworkVerificationReport(theory).sections }
    sections.append(provenance)
    return HTMLReport(
      title: title, subtitle: runs.map(\.name).joined(separator: ", "), summary: opening,
      sections: sections)
  }

  /// Whether the runs are points of curves, and not two states of one thing: nothing was attacked alike in two of them.
  private var isAboutEffort: Bool {
    evaluations.count > 1 && !effort.curves.isEmpty && !comparisons.contains(where: \.isAttacked)
  }

  /// What the runs answer.
  private var title: String {
    guard evaluations.isEmpty else {
      if isAboutEffort, let question = effort.question { return question }
      return comparisons.isEmpty
        ? "How much does each defence keep under attack?" : "What changed between these runs?"
    }
    return theories.count == runs.count
      ? "Do the conditions of mixup inference hold on this network?"
      : "Within which radius can no attack change a prediction?"
  }

  private func figures(of run: MeasuredRun) -> HTMLReport.Section {
    HTMLReport.Section(
      title: "Every figure of \(run.name)",
      content: (isAboutEffort ? [picture(of: run)] : []) + [
        .table(
          table(run),
          caption:
            "Accuracy in % with its 95% interval over images. Against none: the difference to the network alone on "
            + "the same images by one prediction each, with Newcombe's interval.")
      ])
  }

  private var provenance: HTMLReport.Section {
    HTMLReport.Section(
      title: "Provenance",
      content: evaluations.map { run in
        .keyValues(
          [HTMLReport.KeyValue("file", run.name)]
            + MeasuredRun.properties.map { HTMLReport.KeyValue($0.name, run.values($0.value)) })
      } + certificateProvenance)
  }

  // MARK: Opening

  /// What the page says first.
  package var findings: [String] {
    // Files without a common figure are parts of one answer.
    let whole = MeasuredRun(name: "", records: evaluations.flatMap(\.records))
    let answers =
      isAboutEffort
      ? effort.sentences
      : comparisons.isEmpty
        ? answers(whole)
        : comparisons.filter(\.isAttacked).map(answer) + effort.sentences
          + comparisons.filter { !$0.isAttacked }.map(answer)
    let conditions = theories.flatMap { NetworkVerificationReport($0).conditionFindings }
    return answers + bounds.map(\.sentence) + conditions
  }

  private var opening: [HTMLReport.Content] {
    let sentences = findings
    let rest = sentences.dropFirst()
    return sentences.prefix(1).map { .lead($0) } + (rest.isEmpty ? [] : [.list(Array(rest))])
      + (isAboutEffort ? effort.figures : evaluations.map(picture(of:)))
      + warnings.map { .note($0) }
  }

  private func picture(of run: MeasuredRun) -> HTMLReport.Content {
    .figure(
      plot(run),
      caption:
        "\(run.name): what is left of each defence, with 95% intervals over images; the number at the right is of "
        + "the last attack in the legend. A stronger attack can only leave less.")
  }

  /// What leaves least of a defence within a ball.
  private struct Floor {
    var model: String
    var defence: String
    var record: EvaluationRecord
  }

  private func floors(_ run: MeasuredRun) -> [(ball: String, floors: [Floor])] {
    let titles = Titles(run.records)
    let attacked = run.records.filter { $0.norm != nil }
    return unique(attacked.map(\.ball)).map { ball in
      let inBall = attacked.filter { $0.ball == ball }
      let defences = unique(inBall.map { [$0.model, titles.defence($0)] })
      let floors = defences.compactMap { names in
        inBall.filter { [$0.model, titles.defence($0)] == names }
          .min { $0.accuracy < $1.accuracy }
          .map { Floor(model: names[0], defence: names[1], record: $0) }
      }
      return (ball, floors.sorted { $0.record.accuracy > $1.record.accuracy })
    }
  }

  /// For every ball what keeps most under the attack that leaves it least, beside the bare network.
  private func answers(_ run: MeasuredRun) -> [String] {
    floors(run).flatMap { ball, floors in
      unique(floors.map(\.model)).compactMap { model -> String? in
        let own = floors.filter { $0.model == model }
        guard let best = own.first else { return nil }
        var sentence =
          "Within \(ball), under the strongest attack measured here, \(model) keeps most with \(best.defence): "
          + text(best.record)
        guard
          let second = own.dropFirst().first(where: { $0.record.defence == .none })
            ?? own.dropFirst().first
        else {
          return "Within \(ball) the strongest attack measured here leaves \(model)"
            + (best.record.defence == .none ? "" : " with \(best.defence)")
            + " \(text(best.record))."
        }
        sentence += "; with \(second.defence) it keeps \(text(second.record))"
        let isApart = best.record.interval.lower > second.record.interval.upper
        return sentence + (isApart ? "." : ": which keeps more is not decided.")
      }
    }
  }

  private func text(_ record: EvaluationRecord) -> String {
    "\(interval(record.accuracy, record.interval, decimals: 1, scale: 100, unit: "%")) of \(record.n) images "
      + "(\(record.attack.rawValue))"
  }

  /// How many figures moved between two runs.
  private func answer(_ comparison: RunComparison) -> String {
    let rows = comparison.rows
    let higher = rows.count { $0.interval.lower > 0 }
    let lower = rows.count { $0.interval.upper < 0 }
    return
      "Of \(rows.count) figures that both have, \(comparison.second.name) is above \(comparison.first.name) in "
      + "\(higher) and below it in \(lower); \(rows.count - higher - lower) are not decided. Of equal ones, "
      + "one in twenty would be told apart by chance."
  }

  /// What must not be missed: figures that are not to be quoted, and that nobody checked.
  private var warnings: [String] {
    let unchecked = evaluations.filter { run in
      run.records.contains { $0.norm != nil } && run.records.allSatisfy { $0.sanity == nil }
    }
    return evaluations.flatMap { run -> [String] in
      let titles = Titles(run.records)
      let failed = run.records.filter { $0.sanity?.isPassed == false }
      return unique(
        failed.map {
          "\(run.name): do not quote \(titles.defence($0)): the sanity suite \($0.sanity?.rawValue ?? "")"
        } + run.records.flatMap { $0.images?.warnings ?? [] }.map { "\(run.name): \($0)" })
    }
      + (unchecked.isEmpty
        ? []
        : [
          "\(unchecked.map(\.name).joined(separator: ", ")): not checked; evaluate --sanity 50 asks whether these figures "
            + "can be believed"
        ]) + certificateWarnings
  }

  // MARK: Parts

  /// Attacks that a picture can show apart.
  private static let shownAttacks = 6

  private func plot(_ run: MeasuredRun) -> DotPlot {
    let titles = Titles(run.records)
    // The number beside a row is that of the last, so clean images come first.
    let clean = run.records.filter { $0.norm == nil }
    let attacked = run.records.filter { $0.norm != nil }
    let names = unique((clean + attacked).map(titles.attack))
    let isMany = names.count > Self.shownAttacks
    // Where there are too many, the clean images and the worst of all say most.
    let first = names.filter { !isMany || $0 == "none" || $0 == "worst" }
    let shown = first + names.filter { !first.contains($0) }.prefix(Self.shownAttacks - first.count)
    let attacks = names.filter(shown.contains)
    let groups = unique(run.records.map { [$0.model, $0.norm == nil ? "" : $0.ball] })
    let balls = groups.filter { !$0[1].isEmpty }
    return DotPlot(
      axis: Axis("Images classified correctly", range: 0...1, format: .percent),
      conditions: attacks.map { $0 == AttackName.none.rawValue ? "clean" : $0 },
      groups: (balls.isEmpty ? groups : balls).map { group in
        let own = run.records.filter {
          $0.model == group[0] && ($0.norm == nil || $0.ball == group[1])
        }
        return DotPlot.Group(
          group.filter { !$0.isEmpty }.joined(separator: ", "),
          rows: unique(own.map(titles.defence)).map { defence in
            DotPlot.Row(
              defence,
              attacks.map { attack in
                own.first { titles.defence($0) == defence && titles.attack($0) == attack }
                  .map { DotPlot.Value($0.accuracy, interval: $0.interval) }
              })
          })
      })
  }

  private func table(_ run: MeasuredRun) -> Table {
    let titles = Titles(run.records)
    return Table(
      columns: [
        "model", "defence", "attack", "norm", "ε", "accuracy", "majority vote", "always",
        "against none", "n",
      ],
      rows: run.records.map { record in
        func share(_ count: Int?) -> Table.Cell {
          count.map { Table.Cell(fixed(100 * Double($0) / Double(record.n), decimals: 1)) } ?? "–"
        }
        return [
          Table.Cell(record.model), Table.Cell(titles.defence(record)),
          Table.Cell(titles.attack(record)), Table.Cell(record.norm?.rawValue ?? "–"),
          Table.Cell(record.epsilon?.description ?? "–"), cell(record),
          share(record.repeated?.majority), share(record.repeated?.always),
          record.comparison.map {
            Table.Cell(interval($0.difference, $0.interval, decimals: 1, scale: 100))
          } ?? "–", Table.Cell("\(record.n)"),
        ]
      })
  }

  private func cell(_ record: EvaluationRecord) -> Table.Cell {
    Table.Cell(
      interval(record.accuracy, record.interval, decimals: 1, scale: 100),
      estimate: Table.Estimate(record.accuracy, record.interval))
  }

  private func section(_ comparison: RunComparison) -> HTMLReport.Section {
    let rows = comparison.rows
    let titles = Titles(comparison.first.records)
    let changes = comparison.changes
    let isPaired = rows.contains { $0.pairs != nil }
    let provenance: [HTMLReport.Content] =
      changes.isEmpty
      ? []
      : [
        .table(
          Table(
            columns: ["", comparison.first.name, comparison.second.name],
            rows: changes.map {
              [Table.Cell($0.name), Table.Cell($0.first), Table.Cell($0.second)]
            }),
          caption: "What changed in provenance.")
      ]
    let accuracy: HTMLReport.Content =
      .table(
        Table(
          columns: [
            "model", "defence", "attack", "ball", comparison.first.name, comparison.second.name,
            "difference",
            "pairs",
          ],
          rows: rows.map { row in
            let emphasis: Table.Emphasis =
              row.interval.lower > 0 ? .good : row.interval.upper < 0 ? .bad : .none
            return [
              Table.Cell(row.first.model), Table.Cell(titles.defence(row.first)),
              Table.Cell(titles.attack(row.first)),
              Table.Cell(row.first.norm == nil ? "–" : row.first.ball), cell(row.first),
              cell(row.second),
              Table.Cell(
                interval(row.difference, row.interval, decimals: 1, scale: 100), emphasis),
              Table.Cell(row.pairs.map { "\($0)" } ?? "–"),
            ]
          }),
        caption:
          "Accuracy in %, and the difference with a 95% interval: "
          + (isPaired
            ? "Newcombe's for the same images, by their first answers, where files of images pair them; else that "
              + "for images drawn anew, which is wider."
            : "that for images drawn anew, which is wider than it had to be for the same images. With the files of "
              + "--per-image of both runs images are compared one by one.")
          + (comparison.unmatched > 0
            ? " \(comparison.unmatched) figures stand in one run only." : ""))
    return HTMLReport.Section(
      title: "\(comparison.second.name) beside \(comparison.first.name)",
      content: [
        .paragraph(
          changes.isEmpty
            ? "Both rest on the same network, images, seed and program."
            : "What they rest on differs in \(changes.map(\.name).joined(separator: ", ")).")
      ] + provenance + [accuracy])
  }

  /// What records are called: by the settings in which they differ from others of their name.
  private struct Titles {
    var records: [EvaluationRecord]

    init(_ records: [EvaluationRecord]) { self.records = records }

    func defence(_ record: EvaluationRecord) -> String {
      EvaluationSummary.title(
        record.defence.rawValue, record.provenance?.defenceParameters ?? [:],
        among: records.filter { $0.model == record.model && $0.defence == record.defence }
          .map { $0.provenance?.defenceParameters ?? [:] })
    }

    func attack(_ record: EvaluationRecord) -> String {
      EvaluationSummary.title(
        record.attack.rawValue, record.provenance?.attackParameters ?? [:],
        among: records.filter { $0.attack == record.attack && $0.ball == record.ball }
          .map { $0.provenance?.attackParameters ?? [:] })
    }
  }
}

extension EvaluationRecord {
  /// "linf 3/20".
  var ball: String {
    [norm?.rawValue, epsilon?.description].compactMap(\.self).joined(separator: " ")
  }
}

/// Every value once, in the order of its first place.
func unique<T: Hashable>(_ values: [T]) -> [T] {
  var seen = Set<T>()
  return values.filter { seen.insert($0).inserted }
}
