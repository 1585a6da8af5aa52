import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

extension ReproductionReport {
  // MARK: Training

  /// Accuracy on validation images after every epoch, of the networks whose curves are known.
  var learningPlot: LinePlot {
    LinePlot(
      x: Axis("Epoch"), y: Axis("Validation accuracy", format: .percent),
      series: results.networks.compactMap { network in
        network.curve.map { curve in
          LinePlot.Series(
            network.method.title,
            curve.epochs.map {
              LinePlot.Point(
                x: Double($0.epoch), y: $0.validation.value,
                interval: $0.validation.wilsonInterval())
            }, uncertainty: .band)
        }
      })
  }

  // MARK: Figure 2

  /// What the letters mean and where the conditions hold, then the figures of every network.
  var conditions: [HTMLReport.Content] {
    let measured = results.networks.compactMap { network in
      network.conditions.map { (network, $0) }
    }
    return [
      .paragraph(
        "The paper explains mixup inference by two conditions on what mixing does to a network's confidence. Here both "
          + "are measured, on images that are classified rightly until oblivious "
          + "PGD-\(measured.first?.1.settings.steps ?? 0) attacks them: "
          + listed(
            measured.map {
              "\($0.1.adversarialCount) of the first \($0.1.imageCount) on the \($0.0.method.title) network"
            })
          + ". Whoever knows of the defence chooses his change of the image by what mixing does to it, and of him the "
          + "conditions say nothing."),
      .list(
        NetworkVerificationReport.verdicts(measured.map(\.1))
          + [NetworkVerificationReport.derivation(measured.map(\.1))]),
      NetworkVerificationReport.glossary,
      .table(
        NetworkVerificationReport.verdictTable(measured.map(\.1)),
        caption: NetworkVerificationReport.verdictCaption),
    ]
      + measured.enumerated().flatMap { place, entry in
        conditionFigures(entry.0, entry.1, isFirst: place == 0)
      }
  }

  /// The six panels of Figure 2, the place among exact models, then both routes to the condition.
  private func conditionFigures(
    _ network: Reproduction.NetworkResult, _ conditions: NetworkVerification.Results, isFirst: Bool
  ) -> [HTMLReport.Content] {
    let report = NetworkVerificationReport(conditions)
    let figure: [HTMLReport.Content] = [
      .heading("The \(network.method.title) network"),
      .panels(
        PartnerLabel.allCases.flatMap { panels(conditions, $0) },
        caption:
          isFirst
          ? "As the paper's Figure 2. Left, the confidence of mixtures in the true class y; middle, that in the class ŷ "
            + "that the attack led to; bands are 95% intervals. Right, ΔG: how much of the attack's effect G mixing takes "
            + "back, the sign of y turned so that more is better. Where both curves are above their bounds, equations (12) "
            + "and (15) of the paper, RIC holds, if the network is linear between images, as the paper presumes. MI-PL's "
            + "two bounds are the same line."
          : "The same of the \(network.method.title) network."),
    ]
    return figure
      + (NetworkRegion(conditions, seed: settings.seed)?.content(isFirst: isFirst) ?? []) + [
        .details(
          "Every λ, and the condition by both routes",
          [.paragraph(report.introduction), report.table, report.routes])
      ]
  }

  private func panels(
    _ found: NetworkVerification.Results, _ rule: PartnerLabel
  ) -> [LinePlot] {
    let points = found.points.filter { $0.rule == rule }
    func series(
      _ name: String, _ curve: (NetworkVerification.Curves) -> BoundedMean
    ) -> LinePlot.Series {
      LinePlot.Series(
        name,
        points.map {
          let mean = curve($0.curves)
          return LinePlot.Point(x: $0.lambda.doubleValue, y: mean.value, interval: mean.interval)
        }, uncertainty: .band)
    }
    func confidences(_ title: String, _ series: [LinePlot.Series]) -> LinePlot {
      LinePlot(
        title: "\(rule.title): \(title)", x: Axis("λ", range: 0...1), y: Axis(title, range: 0...1),
        series: series)
    }
    return [
      confidences(
        "F_y",
        [
          series("clean") { $0.cleanTrueLabel },
          series("attacked") { $0.adversarialTrueLabel },
        ]),
      confidences(
        "F_ŷ",
        [
          series("clean") { $0.cleanPredictedLabel },
          series("attacked") { $0.adversarialPredictedLabel },
        ]),
      effectPlot(points, rule),
    ]
  }

  /// The panels on the right: ΔG_y and ΔG_ŷ by way of G, with the bounds of equations (12) and (15).
  private func effectPlot(
    _ points: [NetworkVerification.Point], _ rule: PartnerLabel
  ) -> LinePlot {
    func bounds(_ lambda: MixingRatio) -> RobustnessImprovingCondition.Thresholds {
      RobustnessImprovingCondition.thresholds(
        rule, lambda: lambda.doubleValue, classCount: results.dataset.classCount)
    }
    func series(
      _ name: String, boundOf bounded: Int? = nil, _ value: (NetworkVerification.Point) -> Double
    ) -> LinePlot.Series {
      LinePlot.Series(
        name, points.map { LinePlot.Point(x: $0.lambda.doubleValue, y: value($0)) },
        isDashed: bounded != nil, relative: bounded)
    }
    return LinePlot(
      title: "\(rule.title): ΔG", x: Axis("λ", range: 0...1), y: Axis("ΔG"),
      series: [
        // ΔF_y = bound_y − E[G_y(δ) − G_y(λδ)], and the panel shows the negative of the decay.
        series("ΔG_y") { $0.trueLabelMarginViaG.value - bounds($0.lambda).trueLabel },
        series("ΔG_ŷ") { $0.predictedLabelMarginViaG.value + bounds($0.lambda).predictedLabel },
        series("bound of y", boundOf: 0) { -bounds($0.lambda).trueLabel },
        series("bound of ŷ", boundOf: 1) { bounds($0.lambda).predictedLabel },
      ])
  }

  // MARK: Figure 3

  /// The ROC curve of MI-PL's detector on every network that has one, at the radius of its figures.
  var rocPlot: LinePlot {
    .roc(
      curves: results.networks.compactMap { network in
        guard let detection = detection(network, epsilon(network)) else { return nil }
        guard let curve = detection.curve(DetectionStatistic.confidenceDrop.rawValue) else {
          return nil
        }
        return (
          network.method.title,
          curve.points.map { ($0.falsePositiveRate, $0.truePositiveRate) }
        )
      })
  }

  /// Accuracy under oblivious PGD against clean accuracy, a curve for every defence.
  func tradeOffPlot(_ network: Reproduction.NetworkResult) -> LinePlot {
    let sweep = network.tradeOff
    func accuracy(_ defence: DefenceDescription, attacked: Bool) -> Double? {
      sweep.first {
        $0.job.defence == defence && ($0.job.attack.budget != nil) == attacked
      }?.accuracy.value
    }
    return LinePlot(
      x: Axis("Clean accuracy", format: .percent),
      y: Axis("Under oblivious PGD-\(settings.referenceSteps)", format: .percent),
      series: settings.defences(of: network.method).map { name in
        LinePlot.Series(
          name.title,
          sweep.map(\.job).filter { $0.defence.name == name && $0.attack.budget == nil }
            .compactMap { job in
              guard let clean = accuracy(job.defence, attacked: false),
                let attacked = accuracy(job.defence, attacked: true)
              else { return nil }
              return LinePlot.Point(x: clean, y: attacked)
            })
      })
  }

  // MARK: Figure 4

  /// Accuracy of MI-OL over the attacker's executions, beside the attacker who does not know of it and
  /// the network alone.
  func publishedPlot(_ network: Reproduction.NetworkResult) -> LinePlot {
    let draws = settings.publishedDraws
    func point(_ draws: Int, _ accuracy: (value: Double, interval: Interval)) -> LinePlot.Point {
      LinePlot.Point(x: Double(draws), y: accuracy.value, interval: accuracy.interval)
    }
    let curves = publishedAttacks.map { name, title in
      LinePlot.Series(
        title,
        draws.compactMap { count in
          network.published[.otherLabel, publishedAttack(name, network, draws: count)].map {
            point(count, $0.accuracy)
          }
        })
    }
    let oblivious = settings.oblivious(epsilon(network))
    let levels = [
      ("who does not know of MI-OL", network.published[.otherLabel, oblivious]),
      ("network alone", network.table[.none, oblivious]),
    ].compactMap { name, result in
      result.map { result in
        LinePlot.Series(
          name,
          [draws.first, draws.last].compactMap(\.self).map {
            LinePlot.Point(x: Double($0), y: result.accuracy.value)
          }, isDashed: true, showsMarkers: false)
      }
    }
    return LinePlot(
      x: Axis("Executions of the attacker"), y: Axis("Accuracy", range: 0...1, format: .percent),
      series: curves + levels)
  }

  // MARK: Digits

  /// What each defence keeps when nobody attacks, against who does not know of it, and against who does, at
  /// the radius of each network's figures.
  var accuracyPlot: DotPlot {
    DotPlot(
      axis: Axis("Images classified correctly", range: 0...1, format: .percent),
      conditions: [
        "clean", "attacker who does not know", "attacker who knows",
      ],
      groups: results.networks.map { network in
        let radius = epsilon(network)
        let attacks = [.none, settings.oblivious(radius), settings.adaptive(radius)]
        return DotPlot.Group(
          "\(network.method.title) network, ε = \(radius)",
          rows: settings.defences(of: network.method).map { defence in
            DotPlot.Row(
              defence.title,
              attacks.map { attack in
                network.table[defence, attack].map {
                  DotPlot.Value($0.accuracy.value, interval: $0.accuracy.interval)
                }
              })
          })
      },
      references: [
        DotPlot.Reference(1 / Double(results.dataset.classCount), "guessing")
      ])
  }

  func sweepPlot(_ rule: RadiusRule) -> LinePlot {
    LinePlot(
      x: Axis("ε on the pixel scale"), y: Axis("Accuracy", range: 0...1, format: .percent),
      series: sweepRows(rule).map { method, defence, results in
        LinePlot.Series(
          "\(method.title), \(defence.name.title)",
          results.map {
            LinePlot.Point(
              x: $0.job.attack.epsilon?.doubleValue ?? 0, y: $0.accuracy.value,
              interval: $0.accuracy.interval)
          }, isDashed: defence != .none)
      },
      markings: settings.epsilons.map { LinePlot.Marking(x: $0.doubleValue, label: "chosen") })
  }

  func tuningPlot(_ tuning: Tuning) -> LinePlot {
    func series(
      _ name: String, _ choice: Tuning.Choice<MixingRatio>,
      _ value: (Tuning.Trial<MixingRatio>) -> Double, _ dashed: Bool
    ) -> LinePlot.Series {
      LinePlot.Series(
        name, choice.trials.map { LinePlot.Point(x: $0.value.doubleValue, y: value($0)) },
        isDashed: dashed)
    }
    return LinePlot(
      x: Axis("λ"), y: Axis("Accuracy", range: 0...1, format: .percent),
      series: [
        series("MI-PL, clean", tuning.predictedLabel, \.clean, false),
        series("MI-PL, attacked", tuning.predictedLabel, \.adversarial, true),
        series("MI-OL, clean", tuning.otherLabel, \.clean, false),
        series("MI-OL, attacked", tuning.otherLabel, \.adversarial, true),
      ])
  }

  /// The gallery of a network: images clean and attacked, the change, a mixture, and what the defences say.
  func pictures(_ network: Reproduction.NetworkResult) -> ImageGrid? {
    guard !network.pictures.isEmpty else { return nil }
    let radius = Float(epsilon(network).doubleValue)
    func row(
      _ title: String, _ cell: (Reproduction.Picture) -> (values: [Float], caption: String)?
    ) -> ImageGrid.Row {
      ImageGrid.Row(
        title,
        cells: network.pictures.compactMap { picture in
          guard let (values, caption) = cell(picture),
            let image = try? ImageGrid.Image(
              width: picture.width, height: values.count / max(picture.width, 1), values: values)
          else { return nil }
          return ImageGrid.Cell(image, caption: caption)
        })
    }
    let rows = [
      row("clean") { ($0.clean, "\($0.label)") },
      row("attacked") { ($0.adversarial, "") },
      row("the change") { picture in
        // ±ε fills the range from black to white.
        (zip(picture.clean, picture.adversarial).map { 0.5 + ($1 - $0) / (2 * radius) }, "")
      },
      row("mixed, in MI-OL") { picture in picture.mixed.map { ($0, "") } },
    ]
    let defences = network.pictures.first?.answers.map(\.defence) ?? []
    return ImageGrid(
      rows: rows.filter { !$0.cells.isEmpty },
      remarks: defences.enumerated().map { place, defence in
        ImageGrid.Remark(
          defence,
          network.pictures.map { picture in
            let answer = picture.answers[place]
            return (
              "\(answer.prediction), \(percent(answer.confidence, decimals: 0))",
              answer.prediction == picture.label ? .right : .wrong
            )
          })
      })
  }
}
