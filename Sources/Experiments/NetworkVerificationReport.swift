import MixupInference
import Reporting
import Statistics

/// What was measured on a network, as text and as sections of a page.
struct NetworkVerificationReport: Sendable {
  let results: NetworkVerification.Results

  init(_ results: NetworkVerification.Results) { self.results = results }

  /// RIC and DG by both routes.
  var conditionTable: Table {
    Table(
      columns: [
        "rule", "λ", "ΔF_y", "−ΔF_ŷ", "ΔF_y via G", "−ΔF_ŷ via G", "−DG", "RIC holds on",
      ],
      rows: results.points.map { point in
        let share = point.satisfied.wilsonInterval()
        return [
          Table.Cell(point.rule.title), Table.Cell(trimmed(Double(point.ratio), decimals: 3)),
          cell(point.trueLabelMargin), cell(point.predictedLabelMargin),
          cell(point.trueLabelMarginViaG), cell(point.predictedLabelMarginViaG),
          cell(point.detectionMargin),
          Table.Cell(
            point.satisfied.trials == 0
              ? "–"
              : "\(percent(point.satisfied.value, decimals: 0)) "
                + "[\(fixed(100 * share.lower, decimals: 0)), \(fixed(100 * share.upper, decimals: 0))]"
          ),
        ]
      })
  }

  /// A mean with its interval, marked where the interval decides.
  private func cell(_ mean: BoundedMean) -> Table.Cell {
    guard mean.count > 0 else { return "–" }
    return Table.Cell(
      interval(mean.value, mean.interval),
      mean.interval.lower > 0 ? .good : mean.interval.upper < 0 ? .bad : .none)
  }

  /// For a terminal.
  var text: String {
    """
    \(results.name): \(introduction)

    \(conditionTable.plain())
    \(LinearityReport.introduction)

    \(linearity.table.plain())
    \(findings.map { "- \($0)" }.joined(separator: "\n"))
    """
  }

  private var linearity: LinearityReport {
    LinearityReport([.init(name: results.name, linearity: results.linearity)])
  }

  private var introduction: String {
    "\(results.adversarialCount) of \(results.imageCount) images are classified rightly before and "
      + "wrongly after oblivious PGD-\(results.settings.steps) with ε = "
      + "\(results.settings.epsilon.description), and are measured; N = "
      + "\(results.settings.sampleCount). A positive number satisfies its condition; "
      + "95% intervals."
  }

  /// What the intervals decide, in sentences.
  var findings: [String] {
    PartnerLabel.allCases.map { rule in
      let points = results.points.filter { $0.rule == rule }
      func places(_ test: (NetworkVerification.Point) -> Bool) -> String {
        let ratios = points.filter(test).map { trimmed(Double($0.ratio), decimals: 3) }
        return ratios.isEmpty ? "at no λ" : "at λ = \(ratios.joined(separator: ", "))"
      }
      let holds = places {
        $0.trueLabelMargin.interval.lower > 0 && $0.predictedLabelMargin.interval.lower > 0
      }
      let fails = places {
        $0.trueLabelMargin.interval.upper < 0 || $0.predictedLabelMargin.interval.upper < 0
      }
      let gap = places { $0.detectionMargin.interval.lower > 0 }
      return
        "\(results.name), \(rule.title): RIC holds on average \(holds) and fails \(fails); the detection gap is on "
        + "the right side \(gap); elsewhere the intervals do not decide."
    } + linearity.findings
  }

  /// For a page.
  var sections: [HTMLReport.Section] {
    [
      HTMLReport.Section(
        title: "RIC and DG on \(results.name)",
        content: [
          .paragraph(introduction),
          .table(
            conditionTable,
            caption:
              "Means with 95% empirical Bernstein intervals; the last column with Wilson's."),
          .list(findings),
        ]
          + PartnerLabel.allCases.map {
            .figure(
              plot($0),
              caption:
                "\($0.title): the direct route and the one through G; above 0 the condition holds.")
          }),
      linearity.section,
    ]
  }

  private func plot(_ rule: PartnerLabel) -> LinePlot {
    let points = results.points.filter { $0.rule == rule }
    func series(
      _ name: String, _ value: (NetworkVerification.Point) -> BoundedMean, dashed: Bool = false
    ) -> LinePlot.Series {
      LinePlot.Series(
        name,
        points.map {
          LinePlot.Point(
            x: Double($0.ratio), y: value($0).value, interval: dashed ? nil : value($0).interval)
        }, isDashed: dashed)
    }
    return LinePlot(
      x: Axis("λ", range: 0...1), y: Axis("Margin"),
      series: [
        series("ΔF_y", \.trueLabelMargin), series("−ΔF_ŷ", \.predictedLabelMargin),
        series("ΔF_y via G", \.trueLabelMarginViaG, dashed: true),
        series("−ΔF_ŷ via G", \.predictedLabelMarginViaG, dashed: true),
      ])
  }
}
