import Classification
import MixupInference
import Reporting
import Robustness
import Statistics
import Training

extension JobResult {
  /// "43.2 [38, 48]", in per cent.
  var cell: Table.Cell {
    let (value, interval) = accuracy
    return Table.Cell(
      "\(fixed(100 * value, decimals: 1)) [\(fixed(100 * interval.lower, decimals: 0)), "
        + "\(fixed(100 * interval.upper, decimals: 0))]")
  }
}

extension [JobResult] {
  /// The result of a defence under an attack.
  subscript(_ defence: DefenceName, _ attack: AttackDescription) -> JobResult? {
    first { $0.job.defence.name == defence && $0.job.attack == attack }
  }
}

extension PaperReport {
  var fewestSteps: Int { settings.steps.min() ?? 10 }

  func epsilon(_ network: PaperReproduction.NetworkResult) -> Epsilon {
    settings.figureEpsilon(network.method)
  }

  /// The columns of the table at one radius.
  private func attacks(_ epsilon: Epsilon) -> [(title: String, attack: AttackDescription)] {
    [("clean", AttackDescription(.none))]
      + settings.steps.map {
        ("PGD-\($0)", AttackDescription(.pgd, epsilon: epsilon, steps: $0))
      }
      + settings.steps.map {
        (
          "targeted PGD-\($0)",
          AttackDescription(AttackName(.targetedPGD), epsilon: epsilon, steps: $0)
        )
      } + [("adaptive PGD-\(settings.adaptiveSteps)", settings.adaptive(epsilon))]
  }

  /// Every defence on every network.
  private func rows(
    _ cells: (PaperReproduction.NetworkResult, DefenceName) -> [Table.Cell]?
  ) -> [[Table.Cell]] {
    results.networks.flatMap { network in
      network.method.defences.compactMap { defence in
        cells(network, defence).map {
          [Table.Cell(network.method.title), Table.Cell(defence.title)] + $0
        }
      }
    }
  }

  var networkTable: Table {
    Table(
      columns: ["network", "architecture", "alone", "behind MI-OL", "images", "recipe"],
      rows: results.networks.map { network in
        let clean = AttackDescription(.none)
        let alone = network.whole[.none, clean]
        return [
          Table.Cell(network.method.title), Table.Cell(network.architecture),
          alone?.cell ?? "–", network.whole[.otherLabel, clean]?.cell ?? "–",
          Table.Cell("\(alone?.outcomes.count ?? 0)"), Table.Cell(network.recipe ?? "not known"),
        ]
      })
  }

  var matchedTable: Table {
    Table(
      columns: ["network", "defence", "setting", "clean, validation"],
      rows: rows { network, defence in
        guard let matched = network.matched.first(where: { $0.defence.name == defence }) else {
          return nil
        }
        let setting = matched.defence.parameters.filter { $0.key != "draws" }.asList
          .joined(separator: ", ")
        return [
          Table.Cell(setting.isEmpty ? "–" : setting),
          Table.Cell(
            "\(percent(matched.accuracy)) of \(matched.count)"
              + (matched.isReached ? "" : ", less than asked for")),
        ]
      })
  }

  func accuracyTable(_ epsilon: Epsilon) -> Table {
    let attacks = attacks(epsilon)
    return Table(
      columns: ["network", "defence"] + attacks.map(\.title),
      rows: rows { network, defence in
        attacks.map { network.table[defence, $0.attack]?.cell ?? "–" }
      })
  }

  /// Nil without the paper's radius or steps.
  var comparisonTable: Table? {
    guard let published,
      let epsilon = settings.epsilons.first(where: { $0.description == PublishedTable.epsilon }),
      settings.steps == PublishedTable.steps
    else { return nil }
    let attacks = attacks(epsilon)
    return Table(
      columns: ["network", "defence"] + attacks.map(\.title),
      rows: rows { network, defence in
        guard let row = published[network.method, defence] else { return nil }
        let theirs: [Double?] = [row.clean] + row.untargeted.map { $0 } + row.targeted
        return zip(
          theirs.map { $0.map { fixed($0, decimals: 1) } ?? "≤ 1" } + [nil], attacks
        ).map { theirs, column in
          let ours = network.table[defence, column.attack].map {
            fixed(100 * $0.accuracy.value, decimals: 1)
          }
          return Table.Cell([theirs, ours ?? "–"].compactMap(\.self).joined(separator: " / "))
        }
      })
  }

  var detectionTable: Table {
    Table(
      columns: [
        "network", "ε", "λ", "drop of F_ŷ (paper)", "drop of maxima (code)", "clean", "adversarial",
      ],
      rows: results.networks.flatMap { network in
        settings.epsilons.compactMap { epsilon -> [Table.Cell]? in
          guard let detection = detection(network, epsilon) else { return nil }
          return [
            Table.Cell(network.method.title), Table.Cell("\(epsilon)"),
            Table.Cell(detection.lambda),
          ]
            + DetectionStatistic.allCases.map { statistic in
              guard let area = detection.area(statistic) else { return "–" }
              return Table.Cell(interval(area.value, area.interval()))
            } + [
              Table.Cell("\(detection.clean.count)"), Table.Cell("\(detection.attacked.count)"),
            ]
        }
      })
  }

  /// What MI-PL sees of clean images and of those that oblivious PGD misled: the bare network was right
  /// before and is wrong now.
  struct Detection {
    var lambda: String
    var clean: [EvaluationResult.Outcome]
    var attacked: [EvaluationResult.Outcome]

    func scores(
      _ statistic: DetectionStatistic
    ) -> (negatives: [Double], positives: [Double]) {
      func values(_ outcomes: [EvaluationResult.Outcome]) -> [Double] {
        outcomes.compactMap { $0.statistics?[statistic.rawValue] }
      }
      return (values(clean), values(attacked))
    }

    /// Nil where there is nothing to tell apart.
    func area(_ statistic: DetectionStatistic) -> AreaUnderCurve? {
      let (negatives, positives) = scores(statistic)
      return try? AreaUnderCurve(negatives: negatives, positives: positives)
    }
  }

  func detection(
    _ network: PaperReproduction.NetworkResult, _ epsilon: Epsilon
  ) -> Detection? {
    let attack = AttackDescription(.pgd, epsilon: epsilon, steps: fewestSteps)
    guard let clean = network.table[.predictedLabel, AttackDescription(.none)],
      let attacked = network.table[.predictedLabel, attack],
      let bare = network.table[.none, attack],
      let before = network.table[.none, AttackDescription(.none)]
    else { return nil }
    let fooled = Set(bare.outcomes.successes(over: before.outcomes).map(\.index))
    return Detection(
      lambda: clean.job.defence.parameters["lambda"] ?? "–", clean: clean.outcomes,
      attacked: attacked.outcomes.filter { fooled.contains($0.index) })
  }

  /// Figure 4 as numbers.
  var publishedTable: Table {
    Table(
      columns: ["network", "ε", "attack"] + settings.publishedDraws.map { "\($0)" },
      rows: results.networks.filter { !$0.published.isEmpty }.flatMap { network in
        publishedAttacks.map { name, title in
          [
            Table.Cell(network.method.title), Table.Cell("\(epsilon(network))"),
            Table.Cell(title),
          ]
            + settings.publishedDraws.map {
              network.published[.otherLabel, publishedAttack(name, network, draws: $0)]?.cell ?? "–"
            }
        }
      })
  }

  var publishedAttacks: [(AttackName, title: String)] {
    [
      (AttackName(.published, .defence), "as published"),
      (AttackName(.publishedRepaired, .defence), "repaired: true labels, λ-scaled"),
      (.adaptivePGD, "PGD through the defence"),
    ]
  }

  func publishedAttack(
    _ name: AttackName, _ network: PaperReproduction.NetworkResult, draws: Int
  ) -> AttackDescription {
    AttackDescription(
      name, epsilon: epsilon(network), steps: settings.publishedSteps, draws: draws)
  }
}
