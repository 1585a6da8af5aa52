import MixupInference
import Reporting
import Statistics

/// What was measured on a network, as text and as sections of a page.
package struct NetworkVerificationReport: Sendable, Reported {
  let results: NetworkVerification.Results

  init(_ results: NetworkVerification.Results) { self.results = results }

  /// RIC and DG by both routes.
  var conditionTable: Table {
    Table(
      columns: [
        "rule", "λ", "ΔF_y", "−ΔF_ŷ", "ΔF_y via G", "−ΔF_ŷ via G", "−DG", "RIC on average",
        "RIC holds on",
      ],
      rows: results.points.map { point in
        let share = point.satisfied.wilsonInterval()
        return [
          Table.Cell(point.rule.title), Table.Cell(trimmed(point.lambda.doubleValue, decimals: 3)),
          cell(point.trueLabelMargin), cell(point.predictedLabelMargin),
          cell(point.trueLabelMarginViaG), cell(point.predictedLabelMarginViaG),
          cell(point.detectionMargin),
          Table.Cell(
            point.condition.rawValue,
            point.condition == .holds ? .good : point.condition == .doesNotHold ? .bad : .none),
          Table.Cell(
            point.satisfied.trials == 0
              ? "–"
              : "\(point.satisfied.successes) of \(point.satisfied.trials), "
                + interval(point.satisfied.value, share, decimals: 1, scale: 100, unit: "%")),
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
  package var printout: Printout {
    """
    \(results.name): \(introduction)

    \(conditionTable)
    \(LinearityReport.introduction)

    \(linearity.table)
    \(findings.map { "- \($0)" }.joined(separator: "\n"))
    """
  }

  private var linearity: LinearityReport {
    LinearityReport([.init(name: results.name, linearity: results.linearity)])
  }

  var introduction: String {
    "\(results.adversarialCount) of \(results.imageCount) images are classified rightly before and "
      + "wrongly after oblivious PGD-\(results.settings.steps) with ε = "
      + "\(results.settings.epsilon.description), and are measured; N = "
      + "\(results.settings.sampleCount). A mean satisfies its condition if it is positive; 95% "
      + "intervals, each by itself."
  }

  /// What the intervals decide, in sentences, and what they do not.
  var findings: [String] { conditionFindings + linearity.findings }

  /// Those about RIC and DG.
  var conditionFindings: [String] {
    guard results.adversarialCount > 0 else {
      return ["\(results.name): no image to measure RIC and DG on."]
    }
    return PartnerLabel.allCases.map { rule in
      let points = results.points.filter { $0.rule == rule }
      func places(
        _ verdict: (NetworkVerification.Point) -> NetworkVerification.Verdict
      ) -> String {
        NetworkVerification.Verdict.allCases.compactMap { value in
          let lambdas = Self.runs(
            of: points.map(\.lambda), where: points.map { verdict($0) == value })
          return lambdas.isEmpty
            ? nil : "\(value.rawValue) at λ = \(lambdas.joined(separator: ", "))"
        }.joined(separator: "; ")
      }
      return
        "\(results.name), \(rule.title): measured directly, RIC on average \(places(\.condition)). That mixing tells "
        + "attacked images from clean ones as the paper's detector needs it on average \(places(\.detection))."
    } + remarks
  }

  /// The chosen ones of several λ, runs of three and more by their ends: "0.1, 0.4 to 0.9".
  package static func runs(of lambdas: [MixingRatio], where isChosen: [Bool]) -> [String] {
    var runs: [[MixingRatio]] = []
    var wasChosen = false
    for (lambda, isChosen) in zip(lambdas, isChosen) {
      if isChosen, wasChosen {
        runs[runs.count - 1].append(lambda)
      } else if isChosen {
        runs.append([lambda])
      }
      wasChosen = isChosen
    }
    return runs.flatMap { run in
      let texts = run.map { trimmed($0.doubleValue, decimals: 3) }
      return texts.count < 3 ? texts : ["\(texts[0]) to \(texts[texts.count - 1])"]
    }
  }

  /// Explanations of verdicts that a reader may ask about.
  private var remarks: [String] {
    let verdicts = results.points.flatMap { [$0.condition, $0.detection] }
    var remarks: [String] = []
    if verdicts.contains(.notDecided) {
      remarks.append(
        "Not decided: the interval has 0 inside, and says neither that the mean is above 0 nor that it is not."
      )
    }
    if results.points.contains(where: { $0.lambda == 1 }) {
      remarks.append("At λ = 1 mixing changes nothing: every margin is 0, and no condition holds.")
    }
    return remarks
  }

  /// For a page.
  var sections: [HTMLReport.Section] {
    [
      HTMLReport.Section(
        title: "RIC and DG on \(results.name)",
        content: [
          .paragraph(introduction), table, .list(conditionFindings), routes,
        ] + (NetworkRegion(results)?.content ?? [])),
      linearity.section,
    ]
  }

  /// The margins as numbers.
  var table: HTMLReport.Content {
    .table(
      conditionTable,
      caption:
        "Means with 95% intervals, by betting: valid for every law, each by itself; the last column with Wilson's."
    )
  }

  /// The margins over λ by both routes, a panel for each rule.
  var routes: HTMLReport.Content {
    .panels(
      PartnerLabel.allCases.map(plot),
      caption:
        "\(PartnerLabel.allCases.map(\.title).joined(separator: " and ")): margins by the direct route, and by "
        + "the one through G; above 0 the condition holds.")
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
            x: $0.lambda.doubleValue, y: value($0).value,
            interval: dashed ? nil : value($0).interval)
        }, isDashed: dashed)
    }
    return LinePlot(
      title: rule.title, x: Axis("λ", range: 0...1), y: Axis("Margin"),
      series: [
        series("ΔF_y", \.trueLabelMargin), series("−ΔF_ŷ", \.predictedLabelMargin),
        series("ΔF_y via G", \.trueLabelMarginViaG, dashed: true),
        series("−ΔF_ŷ via G", \.predictedLabelMarginViaG, dashed: true),
      ])
  }
}
