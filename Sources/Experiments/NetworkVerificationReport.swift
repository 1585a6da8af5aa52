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
    LinearityReport(
      [.init(name: results.name, linearity: results.linearity, comparisons: results.comparisons)])
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
        "\(rule.title): RIC holds on average \(holds) and fails \(fails); the detection gap is on "
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

/// Whether networks are linear between images, in tables, sentences and a figure.
struct LinearityReport: Sendable {
  /// One network's measurement.
  struct Entry: Sendable {
    var name: String
    var linearity: LinearityMeasurement
    var comparisons: [NetworkVerification.Comparison]
  }

  var entries: [Entry]

  init(_ entries: [Entry]) { self.entries = entries }

  static let introduction =
    "Linearity: the mean of ‖F(λx + (1−λ)x′) − λF(x) − (1−λ)F(x′)‖₁ over pairs of clean images, "
    + "0 for a linear network and 2 at most; 95% intervals."

  /// Means at λ = ½ and the correlations.
  var table: Table {
    Table(
      columns: [
        "model", "within classes, λ = ½", "between classes, λ = ½", "rank correlation, RIC MI-PL",
        "rank correlation, RIC MI-OL",
      ],
      rows: entries.map { entry in
        let middle = entry.linearity.points.first { $0.ratio == 0.5 }
        return [Table.Cell(entry.name)]
          + [middle?.withinClasses, middle?.betweenClasses].map { mean in
            mean.map { Table.Cell(interval($0.value, $0.interval)) } ?? "–"
          }
          + PartnerLabel.allCases.map { rule in
            let found = entry.comparisons.first { $0.rule == rule }?.correlation
            return found.map { Table.Cell(interval($0.coefficient, $0.interval)) } ?? "–"
          }
      })
  }

  /// What the numbers say.
  var findings: [String] {
    entries.map { entry in
      var sentence = "\(entry.name):"
      if let middle = entry.linearity.points.first(where: { $0.ratio == 0.5 }) {
        sentence +=
          " half-way between two classes the prediction misses the line by "
          + "\(fixed(middle.betweenClasses.value, decimals: 2)) of 2 on average, within a class by "
          + "\(fixed(middle.withinClasses.value, decimals: 2))"
      }
      for comparison in entry.comparisons {
        guard let found = comparison.correlation else { continue }
        let rule = comparison.rule.title
        sentence +=
          found.interval.upper < 0
          ? "; the less linear an image, the smaller its RIC margin under \(rule)"
          : found.interval.lower > 0
            ? "; the less linear an image, the larger its RIC margin under \(rule)"
            : "; no link with the RIC margin under \(rule) is seen"
      }
      return sentence + "."
    }
  }

  /// The distances over λ.
  var plot: LinePlot {
    LinePlot(
      x: Axis("λ", range: 0...1), y: Axis("Mean distance to the line"),
      series: entries.map { entry in
        LinePlot.Series(
          "\(entry.name), between classes",
          entry.linearity.points.map {
            LinePlot.Point(
              x: Double($0.ratio), y: $0.betweenClasses.value,
              interval: $0.betweenClasses.interval)
          }, uncertainty: .band)
      }
        + entries.map { entry in
          LinePlot.Series(
            "\(entry.name), within",
            entry.linearity.points.map {
              LinePlot.Point(x: Double($0.ratio), y: $0.withinClasses.value)
            }, isDashed: true)
        })
  }

  /// For a page.
  var section: HTMLReport.Section {
    HTMLReport.Section(
      title: "Is the network linear between images?",
      content: [
        .paragraph(
          "Mixup inference rests on predictions that change linearly between clean images. "
            + "\(Self.introduction) The rank correlation is Spearman's, image by image, between an "
            + "image's mean distance to the line (λ = ½, partners as the rule draws them) and its "
            + "RIC margin min(ΔF_y, −ΔF_ŷ) under oblivious PGD."),
        .figure(
          plot,
          caption:
            "Mean distance to the line between two images; bands are 95% empirical Bernstein intervals."
        ),
        .table(table, caption: "At λ = ½, with 95% intervals."), .list(findings),
      ])
  }
}

/// "0.12 [0.10, 0.14]".
private func interval(_ value: Double, _ interval: Interval) -> String {
  "\(fixed(value, decimals: 2)) [\(fixed(interval.lower, decimals: 2)), "
    + "\(fixed(interval.upper, decimals: 2))]"
}
