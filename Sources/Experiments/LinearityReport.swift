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

  /// What the numbers say of all networks.
  var findings: [String] { distances + PartnerLabel.allCases.compactMap(correlations) }

  /// How far predictions half-way between images lie from the line.
  private var distances: [String] {
    let middles = entries.compactMap { entry in
      entry.linearity.measurement.points.first { $0.lambda == 0.5 }.map { (entry.name, $0) }
    }
    guard !middles.isEmpty else { return [] }
    func told(_ mean: (LinearityMeasurement.Point) -> BoundedMean) -> String {
      listed(middles.map { "\(fixed(mean($0.1).value, decimals: 2)) on \($0.0)" })
    }
    return [
      "Half-way between two images of two classes the prediction lies on average \(told(\.betweenClasses)), of at most 2, "
        + "from the line between their predictions; of one class, \(told(\.withinClasses))."
    ]
  }

  /// Whether that goes together with RIC; nil if no network has a correlation under the rule.
  private func correlations(_ rule: PartnerLabel) -> String? {
    let found = entries.compactMap { entry in
      entry.linearity.comparisons.first { $0.rule == rule }?.correlation.map { (entry.name, $0) }
    }
    func places(_ isMeant: (Interval) -> Bool) -> String? {
      let names = found.filter { isMeant($0.1.interval) }.map(\.0)
      return names.isEmpty ? nil : listed(names)
    }
    let parts = [
      places { $0.upper < 0 }.map { "a smaller RIC margin on \($0)" },
      places { $0.lower > 0 }.map { "a larger RIC margin on \($0)" },
    ].compactMap(\.self)
    let open = places { $0.lower <= 0 && $0.upper >= 0 }
      .map { "whether it goes with the RIC margin on \($0) is not decided" }
    let known =
      parts.isEmpty
      ? nil : "images where the prediction lies farther from the line have \(listed(parts))"
    let sentence = [known, open].compactMap(\.self).joined(separator: "; ")
    return sentence.isEmpty ? nil : "Under \(rule.title), \(sentence)."
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
        + entries.enumerated().map { place, entry in
          LinePlot.Series(
            "\(entry.name), within",
            entry.linearity.measurement.points.map {
              LinePlot.Point(x: $0.lambda.doubleValue, y: $0.withinClasses.value)
            }, isDashed: true, relative: place)
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
          "Mean distance to the line between two images of two classes, with bands of 95% intervals, by betting, and, dashed in the "
          + "same colours, of one class."
      ),
      .table(table, caption: Self.introduction),
    ]
  }
}
