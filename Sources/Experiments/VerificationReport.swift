import Classification
import Foundation
import MixupInference
import Reporting

/// What a verification found, as text, as JSON and as a page.
package struct VerificationReport: Sendable, Reported {
  let results: Verification.Results
  /// What was measured on a network, if one was given.
  let network: NetworkVerification.Results?

  package init(_ results: Verification.Results, network: NetworkVerification.Results? = nil) {
    self.results = results
    self.network = network
  }

  private struct Document: Encodable {
    var synthetic: Verification.Results
    var network: NetworkVerification.Results?
  }

  /// Everything that was found, as JSON.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return try encoder.encode(Document(synthetic: results, network: network))
  }

  // MARK: Tables

  /// The identities, with the largest deviation from each.
  package var theoremTable: Table {
    Table(
      columns: ["must hold", "equation", "deviation", "allowed", "verdict"],
      rows: results.theorems.map { finding in
        [
          Table.Cell(finding.claim), Table.Cell(finding.equation),
          Table.Cell(scientific(finding.measured)), Table.Cell(scientific(finding.bound)),
          Table.Cell(finding.verdict.rawValue, finding.verdict == .holds ? .none : .bad),
        ]
      }, alignments: [1: .left])
  }

  /// RIC and DG, λ by λ.
  package var conditionTable: Table {
    Table(
      columns: ["condition", "equation", "λ", "measured", "bound", "margin", "verdict"],
      rows: results.conditions.map { finding in
        [
          Table.Cell(finding.claim), Table.Cell(finding.equation),
          Table.Cell(finding.lambda.map { trimmed($0, decimals: 4) } ?? "–"),
          Table.Cell(fixed(finding.measured, decimals: 3)),
          Table.Cell(fixed(finding.bound, decimals: 3)),
          Table.Cell(signed(finding.margin)),
          Table.Cell(finding.verdict.title, finding.verdict == .satisfied ? .good : .none),
        ]
      }, alignments: [1: .left])
  }

  /// MI-OL on clean inputs.
  package var failureTable: Table {
    Table(
      columns: ["λ", "N → ∞", "fails with N = \(results.settings.sampleCount)"],
      rows: results.failures.map {
        [
          Table.Cell(trimmed($0.lambda, decimals: 4)),
          Table.Cell($0.keepsLabel ? "keeps the label" : "loses the label"),
          Table.Cell(
            $0.probability == 0 || $0.probability >= 1e-3
              ? trimmed($0.probability, decimals: 4) : scientific($0.probability)),
        ]
      })
  }

  private func scientific(_ value: Double) -> String {
    value == 0 || value == 1 ? fixed(value, decimals: 0) : String(format: "%.1e", value)
  }

  private func signed(_ value: Double) -> String {
    let text = fixed(value, decimals: 3)
    return value >= 0.0005 ? "+" + text : text
  }

  // MARK: Sentences

  /// The models in a line.
  private var modelText: String {
    let settings = results.settings
    let scenario = settings.scenario
    return
      "\(settings.modelCount) random models of \(scenario.classCount) classes in "
      + "\(scenario.dimension) dimensions; G \(scenario.family.rawValue), "
      + "p = \(trimmed(scenario.exponent, decimals: 3)), "
      + "g = \(trimmed(scenario.strength, decimals: 3)); N = \(settings.sampleCount); "
      + "seed \(settings.seed)."
  }

  /// What else the reader should know of the models.
  private var remarks: [String] {
    var remarks: [String] = []
    if results.attackedCount < results.settings.modelCount {
      remarks.append(
        "The attack changes the label on \(results.attackedCount) of \(results.settings.modelCount) "
          + "models only; the others break equation (2), and Table 1, RIC and DG leave them out.")
    }
    if !results.staysOnSimplex {
      remarks.append(
        "F = H + G leaves the simplex at some mixtures: such a G belongs to no network with a "
          + "softmax.")
    }
    for critical in results.criticalLambdas {
      remarks.append(
        critical.lambda.map {
          "RIC under \(critical.rule.title) holds for λ from \(trimmed($0, decimals: 4)) up to 1."
        } ?? "RIC under \(critical.rule.title) does not hold just below λ = 1.")
    }
    let failed = results.theorems.filter { $0.verdict == .fails }
    remarks.append(
      failed.isEmpty
        ? "All \(results.theorems.count) identities hold, to within rounding and, where they are sampled, chance."
        : "\(failed.count) of \(results.theorems.count) identities FAIL: "
          + failed.map(\.claim).joined(separator: "; ") + ".")
    return remarks
  }

  /// For a terminal.
  package var printout: Printout {
    let own: Printout = """
      Mixup Inference on synthetic models F = H + G. \(modelText)

      \(theoremTable)
      \(conditionTable)
      MI-OL on clean inputs of the ideal model.

      \(failureTable)
      \(remarks.map { "- \($0)" }.joined(separator: "\n"))
      """
    return network.map { "\(own)\n\n\(NetworkVerificationReport($0).printout)" } ?? own
  }

  // MARK: Page

  /// Where RIC and DG hold over λ and the growth exponent.
  package var regionPlot: RegionPlot<Verification.Conditions> {
    let found = Set(results.region.cells.joined()).subtracting([[]])
    let scenario = results.settings.scenario
    let exponents = results.region.exponents
    var curves: [RegionPlot<Verification.Conditions>.Curve] = []
    if scenario.family == .power, scenario.spread == 0 {
      curves = PartnerLabel.allCases.map { rule in
        .init(
          // One entry in the legend for both borders.
          rule == .predicted ? "computed border, g(1−λᵖ) = c(1−λ)" : "",
          Self.border(rule, scenario, exponents))
      }
    }
    return RegionPlot(
      x: Axis("λ", range: 0...1),
      y: Axis("p: of an attack shrunk by λ, λᵖ of its effect is left", range: exponents),
      pale: [], kinds: found.sorted { $0.rawValue < $1.rawValue }, cells: results.region.cells,
      curves: curves)
  }

  /// The places with g(1−λᵖ) = c(1−λ), by rising λ: found for λ in equal steps where the line is flat, and for p where
  /// it is steep.
  private static func border(
    _ rule: PartnerLabel, _ scenario: SyntheticScenario.Settings, _ exponents: ClosedRange<Double>
  ) -> [(x: Double, y: Double)] {
    func condition(_ exponent: Double) -> GrowthCondition? {
      try? GrowthCondition(
        strength: scenario.strength, exponent: exponent, rule: rule,
        classCount: scenario.classCount)
    }
    let flat = (1..<200).map { Double($0) / 200 }.compactMap { lambda in
      condition(1)?.criticalExponent(at: lambda).map { (x: lambda, y: $0) }
    }
    let steep = (0...200).compactMap { step -> (x: Double, y: Double)? in
      let exponent =
        exponents.lowerBound
        + Double(step) / 200 * (exponents.upperBound - exponents.lowerBound)
      guard let range = condition(exponent)?.favourableLambdas else { return nil }
      // One end is a root; the other is an end of all λ.
      let root = range.lower > 0 ? range.lower : range.upper
      return root < 1 ? (x: root, y: exponent) : nil
    }
    return (flat + steep).filter { exponents.contains($0.y) }.sorted { $0.x < $1.x }
  }

  /// The margin of both halves of RIC, as in Figure 2's right panels.
  private var marginPlot: LinePlot {
    let findings = Dictionary(grouping: results.conditions) { $0.condition?.title ?? $0.claim }
    return LinePlot(
      x: Axis("λ", range: 0...1), y: Axis("Margin: positive where the condition holds"),
      series: findings.sorted { $0.key < $1.key }.map { title, findings in
        let points = findings.map { LinePlot.Point(x: $0.lambda ?? 0, y: $0.margin) }
        return LinePlot.Series(title, points.sorted { $0.x < $1.x })
      })
  }

  /// The findings as one page without external resources.
  package var html: String {
    var sections = [
      HTMLReport.Section(
        title: "Where the conditions hold",
        content: [
          .figure(
            regionPlot,
            caption:
              "Measured on exact models that differ in the growth exponent only; the dotted borders are computed."
          ),
          .figure(
            marginPlot,
            caption:
              "Margins, means over the models. With one strength for y and ŷ, RIC-PL's two halves and DG are the same number."
          ),
          .table(
            conditionTable,
            caption:
              "RIC and DG. A margin above 0 satisfies the condition; −DG is the gap with the sign of a margin."
          ),
        ]),
      HTMLReport.Section(
        title: "What must hold",
        content: [
          .table(
            theoremTable,
            caption:
              "The largest deviation from each identity, beside what rounding (or, for sampling, chance of one in a billion) allows."
          )
        ]),
      HTMLReport.Section(
        title: "MI-OL on clean inputs",
        content: [
          .table(
            failureTable,
            caption:
              "The probability that N draws give another label as much as the own one: a multinomial law."
          )
        ]),
    ]
    if let network { sections += NetworkVerificationReport(network).sections }
    return HTMLReport(
      title: "Mixup Inference, verified",
      subtitle: "The paper's equations on models where they can be computed exactly",
      summary: [.paragraph(modelText), .list(remarks)], sections: sections
    ).render()
  }
}

extension Verification.Finding.Verdict {
  /// How tables say it.
  var title: String {
    switch self {
    case .holds, .satisfied: "holds"
    case .fails: "FAILS"
    case .unsatisfied: "does not hold"
    case .mixed: "on some models"
    }
  }
}
