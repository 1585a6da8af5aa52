import MixupInference
import Reporting
import Statistics

/// Whether networks are linear between images, in tables, sentences and a figure.
struct LinearityReport: Sendable {
  /// One network's measurement.
  struct Entry: Sendable {
    var name: String
    var linearity: NetworkVerification.Linearity
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
        "network", "within classes, λ\u{A0}=\u{A0}½", "between classes, λ\u{A0}=\u{A0}½",
        "rank correlation, RIC of MI-PL", "rank correlation, RIC of MI-OL",
      ],
      rows: entries.map { entry in
        let middle = entry.linearity.measurement.points.first { $0.lambda == 0.5 }
        return [Table.Cell(entry.name)]
          + [middle?.withinClasses, middle?.betweenClasses].map { mean in
            mean.map { Table.Cell(interval($0.value, $0.interval)) } ?? "–"
          }
          + PartnerLabel.allCases.map { rule in
            let found = entry.linearity.comparisons.first { $0.rule == rule }?.correlation
            return found.map { Table.Cell(interval($0.coefficient, $0.interval)) } ?? "–"
          }
      })
  }

  /// What the numbers say.
  var findings: [String] {
    entries.map { entry in
      var sentence = "\(entry.name):"
      if let middle = entry.linearity.measurement.points.first(where: { $0.lambda == 0.5 }) {
        sentence +=
          " half-way between two images the prediction lies on average "
          + "\(fixed(middle.betweenClasses.value, decimals: 2)), of at most 2, from the line between their predictions if "
          + "they are of two classes, and \(fixed(middle.withinClasses.value, decimals: 2)) if of one"
      }
      for comparison in entry.linearity.comparisons {
        guard let found = comparison.correlation else { continue }
        let rule = comparison.rule.title
        sentence +=
          found.interval.upper < 0
          ? "; images where it lies farther have a smaller RIC margin under \(rule)"
          : found.interval.lower > 0
            ? "; images where it lies farther have a larger RIC margin under \(rule)"
            : "; whether that goes with the RIC margin under \(rule) is not decided"
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
          entry.linearity.measurement.points.map {
            LinePlot.Point(
              x: $0.lambda.doubleValue, y: $0.betweenClasses.value,
              interval: $0.betweenClasses.interval)
          }, uncertainty: .band)
      }
        + entries.map { entry in
          LinePlot.Series(
            "\(entry.name), within",
            entry.linearity.measurement.points.map {
              LinePlot.Point(x: $0.lambda.doubleValue, y: $0.withinClasses.value)
            }, isDashed: true)
        })
  }

  /// For a page.
  var section: HTMLReport.Section {
    HTMLReport.Section(
      title: "Is the network linear between images?", content: content + [.list(findings)])
  }

  /// What the section says, but for the findings.
  var content: [HTMLReport.Content] {
    [
      .paragraph(
        "Mixup inference rests on predictions that change linearly between clean images. "
          + "The rank correlation is Spearman's, image by image, between an "
          + "image's mean distance to the line (λ = ½, partners as the rule draws them) and its "
          + "RIC margin min(ΔF_y, −ΔF_ŷ) under oblivious PGD."),
      .figure(
        plot,
        caption:
          "Mean distance to the line between two images; bands are 95% intervals, by betting."
      ),
      .table(table, caption: Self.introduction),
    ]
  }
}
