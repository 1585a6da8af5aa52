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
      func places(_ condition: Condition) -> String {
        NetworkVerification.Verdict.allCases.compactMap { verdict in
          let lambdas = lambdas(rule, condition, verdict)
          return lambdas.isEmpty
            ? nil : "\(verdict.rawValue) at λ = \(lambdas.joined(separator: ", "))"
        }.joined(separator: "; ")
      }
      return
        "\(results.name), \(rule.title): measured directly, RIC on average \(places(.robustness)). That mixing tells "
        + "attacked images from clean ones as the paper's detector needs it on average \(places(.detection))."
    } + remarks
  }

  /// What is judged on average over images at every λ.
  private enum Condition: String, CaseIterable {
    case robustness = "RIC"
    case detection = "DG < 0"

    func verdict(_ point: NetworkVerification.Point) -> NetworkVerification.Verdict {
      switch self {
      case .robustness: point.condition
      case .detection: point.detection
      }
    }
  }

  /// The λ at which a condition comes to a verdict.
  private func lambdas(
    _ rule: PartnerLabel, _ condition: Condition, _ verdict: NetworkVerification.Verdict
  ) -> [String] {
    let points = results.points.filter { $0.rule == rule }
    return Self.runs(
      of: points.map(\.lambda),
      where: points.map { condition.verdict($0) == verdict })
  }

  /// The letters of the theory, for who has not read the paper.
  static let glossary: HTMLReport.Content = .keyValues([
    .init(
      "y, ŷ",
      "The true class of an image, and the class that the network names: of an attacked image another."
    ),
    .init("F_y, F_ŷ", "The probabilities that the network gives them."),
    .init("λ", "The share of an image that a mixture keeps; the rest is a clean image."),
    .init("ΔF_y, ΔF_ŷ", "What averaging over mixtures adds to F_y and F_ŷ."),
    .init(
      "RIC",
      "Robustness improving condition: ΔF_y > 0 and ΔF_ŷ < 0 on attacked images, so that mixing leads back towards the "
        + "true class. The answer need not change yet."),
    .init(
      "DG",
      "Detection gap, ΔF_ŷ of attacked images less that of clean ones. Below 0 mixing takes more of the confidence in the "
        + "answer where an image was attacked, which betrays it."),
    .init(
      "G",
      "What the attack's change of an image does to F. Mixing shrinks the change by the factor λ; for a network that is "
        + "linear between images the paper derives RIC from how much of G is then left."),
  ])

  /// At which λ the conditions hold on networks.
  package static func verdictTable(_ networks: [NetworkVerification.Results]) -> Table {
    Table(
      columns: ["network", "rule", "condition"]
        + NetworkVerification.Verdict.allCases.map { "\($0.rawValue) at λ" },
      rows: networks.flatMap { network in
        let report = NetworkVerificationReport(network)
        let region = NetworkRegion(network)
        return PartnerLabel.allCases.flatMap { rule in
          func row(
            _ condition: String, _ lambdas: (NetworkVerification.Verdict) -> [String]
          ) -> [Table.Cell] {
            [Table.Cell(network.name), Table.Cell(rule.title), Table.Cell(condition)]
              + NetworkVerification.Verdict.allCases.map { verdict in
                let found = lambdas(verdict)
                return Table.Cell(found.isEmpty ? "–" : found.joined(separator: ", "))
              }
          }
          return Condition.allCases.map { condition in
            row(condition.rawValue) { report.lambdas(rule, condition, $0) }
          }
            + (region.map { region in
              [row("RIC of a power law") { region.lambdas(rule, $0) }]
            } ?? [])
        }
      })
  }

  static let verdictCaption =
    "RIC holds where the 95% intervals of both ΔF_y and −ΔF_ŷ, means over images, lie above 0, and DG < 0 where that of −DG "
    + "does; a condition does not hold where one of them lies below 0, and elsewhere is not decided; every λ by itself. At λ = 1 mixing "
    + "changes nothing and no condition holds; at λ = 0 nothing of the image is left, so that RIC is of no use there. RIC of a "
    + "power law: whether it would hold if the attack's effect shrank like λᵖ, with the p that was seen at that λ."

  /// Where the conditions hold between λ = 0 and 1, rule by rule, in a sentence for each condition.
  static func verdicts(_ networks: [NetworkVerification.Results]) -> [String] {
    Condition.allCases.map { condition in
      let rules = PartnerLabel.allCases.map { rule in
        let places = networks.compactMap { network -> String? in
          let points = network.points.filter { $0.rule == rule }
          let lambdas = runs(
            of: points.map(\.lambda),
            where: points.map {
              $0.lambda != 0 && $0.lambda != 1 && condition.verdict($0) == .holds
            })
          return lambdas.isEmpty
            ? nil : "on \(network.name) at λ = \(lambdas.joined(separator: ", "))"
        }
        return
          "under \(rule.title) \(places.isEmpty ? "nowhere" : listed(places))"
      }
      return
        "Between λ = 0 and 1, \(condition.rawValue) is seen to hold \(rules.joined(separator: ", "))."
    }
  }

  /// Where the route through G, which presumes that the network is linear between images, comes to the opposite of what is
  /// measured directly: what lies between the two is the bend of mixing clean images.
  package static func derivation(_ networks: [NetworkVerification.Results]) -> String {
    let places = networks.flatMap { network in
      PartnerLabel.allCases.compactMap { rule -> String? in
        let points = network.points.filter { $0.rule == rule }
        let lambdas = runs(of: points.map(\.lambda), where: points.map(\.routesDisagree))
        return lambdas.isEmpty
          ? nil : "on \(network.name) under \(rule.title) at λ = \(lambdas.joined(separator: ", "))"
      }
    }
    return
      "The paper derives RIC from G, for a network that is linear between images. That comes to the opposite of what is seen "
      + (places.isEmpty
        ? "nowhere." : listed(places) + ", where the network is not linear enough for it.")
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
          .paragraph(introduction), Self.glossary,
          .table(Self.verdictTable([results]), caption: Self.verdictCaption), routes,
        ] + (NetworkRegion(results)?.content() ?? []) + [table]),
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
        "\(listed(PartnerLabel.allCases.map(\.title))): margins by the direct route, and by "
        + "the one through G; above 0 the condition holds.")
  }

  private func plot(_ rule: PartnerLabel) -> LinePlot {
    let points = results.points.filter { $0.rule == rule }
    func series(
      _ name: String, _ value: (NetworkVerification.Point) -> BoundedMean,
      otherRouteTo direct: Int? = nil
    ) -> LinePlot.Series {
      LinePlot.Series(
        name,
        points.map {
          LinePlot.Point(
            x: $0.lambda.doubleValue, y: value($0).value,
            interval: direct == nil ? value($0).interval : nil)
        }, isDashed: direct != nil, relative: direct)
    }
    return LinePlot(
      title: rule.title, x: Axis("λ", range: 0...1), y: Axis("Margin"),
      series: [
        series("ΔF_y", \.trueLabelMargin), series("−ΔF_ŷ", \.predictedLabelMargin),
        series("ΔF_y via G", \.trueLabelMarginViaG, otherRouteTo: 0),
        series("−ΔF_ŷ via G", \.predictedLabelMarginViaG, otherRouteTo: 1),
      ])
  }
}
