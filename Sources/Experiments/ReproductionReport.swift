import Datasets
import Foundation
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics

/// The results of a reproduction as text, as records and as a page.
package struct ReproductionReport: Sendable {
  let results: Reproduction.Results

  package init(_ results: Reproduction.Results) { self.results = results }

  // MARK: Records

  /// One record for every cell of the table.
  package func records() throws -> [EvaluationRecord] {
    try results.models.flatMap { model in
      try model.cells.map { cell in
        let rule = model.tuning.rule(cell.defence, sampleCount: results.settings.decisionDraws)
        let isAttacked = cell.condition != .clean
        let detection = model.detection
        return try EvaluationRecord(
          model: model.model.rawValue, defence: cell.defence.rawValue,
          attack: isAttacked ? cell.condition.rawValue : "none",
          dataset: Dataset.digits.name, split: "test", n: cell.outcome.trials,
          correct: cell.outcome.successes, interval: cell.outcome.wilsonInterval(),
          norm: isAttacked ? PerturbationBudget.Norm.linf.rawValue : nil,
          epsilon: isAttacked ? results.sweep.chosen.description : nil,
          steps: cell.condition.steps, restarts: isAttacked ? results.settings.restarts : 0,
          seed: results.settings.seed, kernelSet: results.settings.kernels.rawValue,
          forwardPassesPerDecision: cell.forwardPassesPerDecision,
          secondsPerDecision: cell.secondsPerDecision,
          lambda: (rule?.otherLabel ?? rule?.predictedLabel).map { decimal($0.ratio) },
          threshold: cell.defence == .combined ? decimal(model.tuning.threshold.value) : nil,
          draws: rule == nil ? nil : results.settings.decisionDraws,
          attackDraws: rule != nil && cell.condition == .adaptive50
            ? results.settings.attackDraws : nil,
          detection: cell.defence == .predictedLabel && cell.condition == .oblivious50
            ? EvaluationRecord.Detection(
              aucConfidenceDrop: detection.areas[DetectionStatistic.confidenceDrop.rawValue],
              aucMaximaDrop: detection.areas[DetectionStatistic.maximaDrop.rawValue],
              clean: detection.cleanCount, adversarial: detection.adversarialCount,
              intervalConfidenceDrop: detection.intervals[
                DetectionStatistic.confidenceDrop.rawValue],
              intervalMaximaDrop: detection.intervals[DetectionStatistic.maximaDrop.rawValue])
            : nil)
      }
    }
  }

  /// A Float as the decimal number that it was written as.
  private func decimal(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

  // MARK: Tables

  /// Models and defences against conditions; accuracy in per cent with its 95% interval.
  package var accuracyTable: Table {
    Table(
      columns: ["model", "defence"] + Reproduction.Condition.allCases.map(\.title),
      rows: results.models.flatMap { model in
        DefenceName.ofMixup.map { defence in
          [Table.Cell(model.model.title), Table.Cell(defenceTitle(defence, model.tuning))]
            + Reproduction.Condition.allCases.map { condition in
              guard let cell = self.cell(model, defence, condition) else { return "–" }
              let interval = cell.outcome.wilsonInterval()
              return Table.Cell(
                "\(fixed(100 * cell.outcome.value, decimals: 1)) "
                  + "[\(fixed(100 * interval.lower, decimals: 1)), "
                  + "\(fixed(100 * interval.upper, decimals: 1))]",
                condition == .adaptive50 ? .strong : .none)
            }
        }
      })
  }

  /// What a decision costs.
  package var costTable: Table {
    Table(
      columns: ["model", "defence", "forward passes", "µs per decision"],
      rows: results.models.flatMap { model in
        DefenceName.ofMixup.compactMap { defence -> [Table.Cell]? in
          guard let cell = self.cell(model, defence, .clean) else { return nil }
          return [
            Table.Cell(model.model.title), Table.Cell(defence.title),
            Table.Cell("\(cell.forwardPassesPerDecision)"),
            Table.Cell(fixed(1e6 * cell.secondsPerDecision, decimals: 0)),
          ]
        }
      })
  }

  /// The area under the ROC curve of both statistics.
  package var detectionTable: Table {
    Table(
      columns: [
        "model", "λ", "AUC, drop of F_ŷ (paper)", "AUC, drop of maxima (code)", "clean",
        "adversarial",
      ],
      rows: results.models.map { model in
        func area(_ statistic: DetectionStatistic) -> Table.Cell {
          Table.Cell(
            model.detection.areas[statistic.rawValue].map { area in
              model.detection.intervals[statistic.rawValue].map { interval(area, $0) }
                ?? fixed(area, decimals: 2)
            } ?? "–")
        }
        return [
          Table.Cell(model.model.title), Table.Cell("\(model.tuning.detectionRatio)"),
          area(.confidenceDrop), area(.maximaDrop), Table.Cell("\(model.detection.cleanCount)"),
          Table.Cell("\(model.detection.adversarialCount)"),
        ]
      })
  }

  private func sweepTable() -> Table {
    Table(
      columns: ["model", "defence"] + results.settings.epsilons,
      rows: Reproduction.methods.flatMap { model in
        [DefenceName.none, .otherLabel].map { defence in
          let points = results.sweep.points.filter { $0.model == model && $0.defence == defence }
          return [
            Table.Cell(model.title),
            Table.Cell(defence == .none ? "none" : "MI-OL, λ = 0.5"),
          ] + points.map { Table.Cell(fixed(100 * $0.outcome.value, decimals: 1)) }
        }
      })
  }

  private func tuningTable() -> Table {
    Table(
      columns: ["model", "parameter", "chosen", "clean", "oblivious PGD-10"],
      rows: results.models.flatMap { model in
        [
          ("λ of MI-PL", model.tuning.predictedLabel), ("λ of MI-OL", model.tuning.otherLabel),
          ("threshold of MI-Combined", model.tuning.threshold),
        ].map { name, choice in
          let trial = choice.trials.first { $0.value == choice.value }
          return [
            Table.Cell(model.model.title), Table.Cell(name), Table.Cell("\(decimal(choice.value))"),
            Table.Cell(trial.map { fixed(100 * $0.clean, decimals: 1) } ?? "–"),
            Table.Cell(trial.map { fixed(100 * $0.adversarial, decimals: 1) } ?? "–"),
          ]
        }
      })
  }

  private func cell(
    _ model: Reproduction.ModelResult, _ defence: DefenceName, _ condition: Reproduction.Condition
  ) -> Reproduction.Cell? {
    model.cells.first { $0.defence == defence && $0.condition == condition }
  }

  private func defenceTitle(_ defence: DefenceName, _ tuning: Tuning) -> String {
    switch defence {
    case .predictedLabel: "MI-PL, λ = \(tuning.predictedLabel.value)"
    case .otherLabel: "MI-OL, λ = \(tuning.otherLabel.value)"
    case .combined: "MI-Combined, threshold \(decimal(tuning.threshold.value))"
    default: defence.title
    }
  }

  private var linearity: LinearityReport {
    LinearityReport(results.linearity.map { .init(name: $0.model.title, linearity: $0.found) })
  }

  // MARK: Findings

  /// What the figures say, computed from them: one sentence per finding, flattering or not.
  package var findings: [String] {
    var sentences: [String] = []
    for model in results.models {
      guard let bare = cell(model, .none, .oblivious50),
        let oblivious = cell(model, .otherLabel, .oblivious50),
        let adaptive = cell(model, .otherLabel, .adaptive50)
      else { continue }
      let (b, o, a) = (bare.outcome.value, oblivious.outcome.value, adaptive.outcome.value)
      var sentence =
        "\(model.model.title): MI-OL changes accuracy under oblivious PGD-50 from \(percent(b)) "
        + "to \(percent(o)), and the adaptive attack leaves \(percent(a))"
      // A share of a gain that may be chance would be a figure without a meaning.
      if oblivious.outcome.wilsonInterval().lower > bare.outcome.wilsonInterval().upper {
        let left = max(0, (a - b) / (o - b))
        sentence += "; \(percent(left, decimals: 0)) of the gain survives"
      } else {
        sentence += "; the change is within chance"
      }
      sentences.append(sentence + ".")
    }
    for model in results.models {
      let statistic = DetectionStatistic.confidenceDrop.rawValue
      guard let area = model.detection.areas[statistic],
        let range = model.detection.intervals[statistic]
      else { continue }
      var sentence =
        "\(model.model.title): MI-PL's statistic tells attacked from clean images with an AUC of "
        + interval(area, range)
      if range.upper < 0.5 {
        sentence += ", worse than a coin, and its reverse would be the detector"
      } else if range.lower <= 0.5 {
        sentence += "; whether it is better than a coin is not decided"
      }
      sentences.append(sentence + ".")
    }
    return sentences + linearity.findings + warnings
  }

  /// Signs that an attack was too weak to be quoted.
  package var warnings: [String] {
    results.models.flatMap { model in
      DefenceName.ofMixup.compactMap { defence -> String? in
        guard let oblivious = cell(model, defence, .oblivious50)?.outcome,
          let adaptive = cell(model, defence, .adaptive50)?.outcome,
          adaptive.wilsonInterval().lower > oblivious.wilsonInterval().upper
        else { return nil }
        return
          "Warning: on \(model.model.title) with \(defence.title) the adaptive attack is weaker "
          + "than the oblivious one; do not quote its figure."
      }
    }
  }

  /// What the figures were measured with, in one sentence each.
  private var settingsText: String {
    let settings = results.settings
    return
      "First \(results.testCount) test images; ε = \(results.sweep.chosen) on the pixel scale; "
      + "\(settings.decisionDraws) executions for a decision, \(settings.attackDraws) for a "
      + "gradient of the adaptive attack; \(settings.restarts) restart"
      + (settings.restarts == 1 ? "" : "s") + "; seed \(settings.seed); "
      + "kernel set \(settings.kernels.rawValue). Accuracy in % with its 95% Wilson interval."
  }

  /// For a terminal.
  package var text: String {
    """
    Mixup Inference on the UCI digits. \(settingsText)

    \(accuracyTable.plain())

    Detection by MI-PL: clean test images against those that oblivious PGD-50 misled.

    \(detectionTable.plain())

    Cost of a decision.

    \(costTable.plain())

    \(LinearityReport.introduction)

    \(linearity.table.plain())

    \(findings.map { "- \($0)" }.joined(separator: "\n"))
    """
  }

  // MARK: Page

  /// The report as one page without external resources.
  package var html: String {
    HTMLReport(
      title: "Mixup Inference, reproduced",
      subtitle: "Handwritten digits, three networks, four defences, and an attacker who knows",
      summary: [
        .paragraph(
          "Mixup Inference (Pang, Xu and Zhu, ICLR 2020) mixes an input with clean images when it "
            + "is classified and averages the predictions. Against an attacker who does not know "
            + "of it, it can look strong. The last column of the first table shows what is left "
            + "when the attacker follows the gradient of the whole defence with fresh randomness."),
        .list(findings), .paragraph(settingsText),
      ],
      sections: [
        HTMLReport.Section(
          title: "Accuracy",
          content: [
            .table(
              accuracyTable,
              caption:
                "Accuracy in % with its 95% Wilson interval. Oblivious attacks see the bare network; adaptive ones the defence."
            ),
            .figure(accuracyPlot, caption: "The same, by model and defence."),
          ]),
        HTMLReport.Section(
          title: "The choice of ε",
          content: [
            .paragraph(
              "ε is the smallest radius of the sweep at which oblivious PGD-10 leaves the "
                + "undefended mixup model at most \(percent(Reproduction.brokenAccuracy, decimals: 0)) "
                + "of the validation images: \(results.sweep.chosen)."),
            .figure(sweepPlot, caption: "Accuracy on validation images under oblivious PGD-10."),
            .table(sweepTable(), caption: "The same in %."),
          ]),
        HTMLReport.Section(
          title: "Tuning",
          content: [
            .paragraph(
              "λ and threshold are chosen on validation images: among the values that cost at "
                + "most \(percent(Tuning.tolerance, decimals: 0)) clean accuracy, the one of "
                + "highest accuracy under oblivious PGD-10. The detector's λ is that of the largest "
                + "area under the ROC curve."),
            .table(
              tuningTable(), caption: "Chosen values, with accuracy in % on validation images."),
          ]
            + results.models.map {
              .figure(tuningPlot($0), caption: "λ on \($0.model.title), validation images.")
            }),
        HTMLReport.Section(
          title: "Detection",
          content: [
            .paragraph(
              "MI-PL's statistics on clean test images against those adversarial ones "
                + "(oblivious PGD-50) on which the bare network was fooled. An area below one half "
                + "means that attacked images keep their label under mixing better than clean ones."
            ),
            .table(detectionTable, caption: "Area under the ROC curve."),
            .figure(
              detectionPlot, caption: "ROC curves of the paper's statistic, the drop of F_ŷ."),
          ]),
        linearity.section,
        HTMLReport.Section(
          title: "Attacked images",
          content: results.models.compactMap { model in
            pictures(model).map {
              .figure(
                $0,
                caption:
                  "\(model.model.title): images on which oblivious PGD-50 fooled the bare network; clean above, attacked below."
              )
            }
          }),
        HTMLReport.Section(
          title: "Cost",
          content: [
            .table(
              costTable,
              caption:
                "Forward passes and wall-clock time of a decision on clean images, all threads at work."
            )
          ]),
        HTMLReport.Section(title: "Provenance", content: [.keyValues(provenance)]),
      ]
    ).render()
  }

  private var accuracyPlot: BarPlot {
    let rows = results.models.flatMap { model in DefenceName.ofMixup.map { (model, $0) } }
    return BarPlot(
      axis: Axis("Accuracy", range: 0...1, format: .percent),
      groups: rows.map { "\($0.0.model.title), \($0.1.title)" },
      series: [Reproduction.Condition.clean, .oblivious50, .adaptive50].map { condition in
        BarPlot.Series(
          condition.title,
          rows.map { model, defence in
            cell(model, defence, condition).map {
              BarPlot.Value($0.outcome.value, interval: $0.outcome.wilsonInterval())
            }
          })
      })
  }

  private var sweepPlot: LinePlot {
    LinePlot(
      x: Axis("ε on the pixel scale"), y: Axis("Accuracy", range: 0...1, format: .percent),
      series: Reproduction.methods.flatMap { model in
        [DefenceName.none, .otherLabel].map { defence in
          LinePlot.Series(
            "\(model.title), \(defence == .none ? "none" : "MI-OL")",
            results.sweep.points.filter { $0.model == model && $0.defence == defence }.map {
              LinePlot.Point(
                x: $0.epsilon.doubleValue, y: $0.outcome.value,
                interval: $0.outcome.wilsonInterval())
            }, isDashed: defence != .none)
        }
      },
      markings: [LinePlot.Marking(x: results.sweep.chosen.doubleValue, label: "chosen")])
  }

  private func tuningPlot(_ model: Reproduction.ModelResult) -> LinePlot {
    func series(
      _ name: String, _ choice: Tuning.Choice, _ value: (Tuning.Trial) -> Double, _ dashed: Bool
    ) -> LinePlot.Series {
      LinePlot.Series(
        name, choice.trials.map { LinePlot.Point(x: decimal($0.value), y: value($0)) },
        isDashed: dashed)
    }
    return LinePlot(
      x: Axis("λ"), y: Axis("Accuracy", range: 0...1, format: .percent),
      series: [
        series("MI-PL, clean", model.tuning.predictedLabel, \.clean, false),
        series("MI-PL, attacked", model.tuning.predictedLabel, \.adversarial, true),
        series("MI-OL, clean", model.tuning.otherLabel, \.clean, false),
        series("MI-OL, attacked", model.tuning.otherLabel, \.adversarial, true),
      ])
  }

  private var detectionPlot: LinePlot {
    .roc(
      curves: results.models.map { model in
        (
          model.model.title,
          model.detection.curve.map { ($0.falsePositiveRate, $0.truePositiveRate) }
        )
      })
  }

  private func pictures(_ model: Reproduction.ModelResult) -> ImageGrid? {
    func row(_ cell: (Reproduction.Picture) -> (values: [Float], caption: String, isRight: Bool))
      -> [ImageGrid.Cell]
    {
      model.pictures.compactMap { picture in
        let (values, caption, isRight) = cell(picture)
        return (try? ImageGrid.Image(width: 8, height: 8, values: values)).map {
          ImageGrid.Cell($0, caption: caption, verdict: isRight ? .right : .wrong)
        }
      }
    }
    guard !model.pictures.isEmpty else { return nil }
    return ImageGrid(rows: [
      ImageGrid.Row("clean", cells: row { ($0.clean, "\($0.label)", true) }),
      ImageGrid.Row(
        "attacked", cells: row { ($0.adversarial, "read as \($0.prediction)", false) }),
    ])
  }

  private var provenance: [HTMLReport.KeyValue] {
    let settings = results.settings
    return [
      HTMLReport.KeyValue("Command", "mixup-inference reproduce --seed \(settings.seed)"),
      HTMLReport.KeyValue("Data", "UCI optical digits, 8×8; Alpaydin and Kaynak (1998), CC BY 4.0"),
      HTMLReport.KeyValue(
        "Images",
        "\(results.trainingCount) training (and pool), \(settings.validationCount) validation, \(results.testCount) test"
      ),
      HTMLReport.KeyValue("Network", "ResNet-8, widths 16, 32, 64, input scale ±1"),
      HTMLReport.KeyValue(
        "Attack",
        "PGD, ℓ∞, true labels, random start, step max(ε/4, 2.5 ε/T), \(settings.restarts) restart(s)"
      ),
      HTMLReport.KeyValue("Seed", "\(settings.seed)"),
      HTMLReport.KeyValue("Kernel set", settings.kernels.rawValue),
      HTMLReport.KeyValue("Processor", MachineReport.processorName),
      HTMLReport.KeyValue("Wall-clock time of this run", duration(results.seconds)),
    ]
  }
}
