import Classification
import MixupInference
import Reporting
import Robustness
import Statistics
import Training

extension JobResult {
  /// "43.2 [38.0, 48.6]", in per cent.
  var cell: Table.Cell {
    Table.Cell(
      interval(accuracy.value, accuracy.interval, decimals: 1, scale: 100),
      estimate: Table.Estimate(accuracy.value, accuracy.interval))
  }
}

extension [JobResult] {
  /// The result of a defence under an attack.
  subscript(_ defence: DefenceName, _ attack: AttackDescription) -> JobResult? {
    first { $0.job.defence.name == defence && $0.job.attack == attack }
  }

  /// MI-OL beside the network alone, on the same images under the same attack.
  func otherLabelPairs(_ attack: AttackDescription) -> PairedOutcomes? {
    guard let bare = self[.none, attack], let defended = self[.otherLabel, attack] else {
      return nil
    }
    return PairedOutcomes(defended.outcomes.map(\.isCorrect), bare.outcomes.map(\.isCorrect))
  }
}

extension Reproduction.NetworkResult {
  /// What was measured without an attack: on the whole test set where that was done.
  var cleanTable: [JobResult] { whole.isEmpty ? table : whole }
}

extension ReproductionReport {
  func epsilon(_ network: Reproduction.NetworkResult) -> Epsilon {
    settings.figureEpsilon(network.method)
  }

  /// The columns of the table at one radius.
  private func attacks(_ epsilon: Epsilon) -> [(title: String, attack: AttackDescription)] {
    [("clean", .none)] + settings.attacks(epsilon).map { (attackTitle($0), $0) }
  }

  /// "adaptive PGD-50".
  func attackTitle(_ attack: AttackDescription) -> String {
    let kind =
      attack.name.isAdaptive ? "adaptive" : attack.name == .pgd ? "oblivious" : "targeted"
    return "\(kind) PGD-\(attack.steps ?? 0)"
  }

  /// A row for every defence on every network, behind the names of both.
  private func rows(
    _ cells: (Reproduction.NetworkResult, DefenceName) -> [Table.Cell]?
  ) -> [[Table.Cell]] {
    results.networks.flatMap { network in
      settings.defences(of: network.method).compactMap { defence in
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
        let clean = network.cleanTable
        let alone = clean[.none, .none]
        return [
          Table.Cell(network.method.title), Table.Cell(network.architecture),
          alone?.cell ?? "–", clean[.otherLabel, .none]?.cell ?? "–",
          Table.Cell("\(alone?.outcomes.count ?? 0)"), Table.Cell(network.recipe ?? "not known"),
        ]
      })
  }

  /// What settings are called in tables.
  private static let words = ["lambda": "λ", "lambdaPredicted": "λ of MI-PL"]

  var matchedTable: Table {
    Table(
      columns: ["network", "defence", "setting", "clean, validation"],
      rows: rows { network, defence in
        guard let matched = network.chosen.matched.first(where: { $0.defence.name == defence })
        else {
          return nil
        }
        let setting = matched.defence.parameters.filter { $0.key != "draws" }
          .map { (Self.words[$0.key] ?? $0.key, $0.value) }.sorted { $0.0 < $1.0 }
          .map { "\($0.0) \($0.1)" }.joined(separator: ", ")
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
        attacks.map { column in
          var cell = network.table[defence, column.attack]?.cell ?? "–"
          if column.attack.name.isAdaptive { cell.emphasis = .strong }
          return cell
        }
      })
  }

  /// The paper's figures beside ours; nil if nothing was measured at the paper's radius and steps.
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
        "network", "ε", "λ", "drop of F_ŷ", "drop of the largest", "larger when attacked", "clean",
        "attacked",
      ],
      rows: results.networks.flatMap { network in
        settings.epsilons.compactMap { epsilon -> [Table.Cell]? in
          guard let detection = detection(network, epsilon) else { return nil }
          return [
            Table.Cell(network.method.title), Table.Cell("\(epsilon)"),
            Table.Cell(network.chosen.detector?.parameters["lambda"] ?? "–"),
          ]
            + DetectionStatistic.allCases.map { statistic in
              guard let area = detection.area(statistic.rawValue) else { return "–" }
              return Table.Cell(interval(area.value, area.interval()))
            } + [
              detection.larger(DetectionStatistic.confidenceDrop.rawValue).map {
                Table.Cell(
                  interval($0.value, $0.wilsonInterval(), decimals: 0, scale: 100, unit: "%"))
              } ?? "–",
              Table.Cell("\(detection.clean.count)"), Table.Cell("\(detection.attacked.count)"),
            ]
        }
      })
  }

  /// MI-PL's statistics on clean images and on those that oblivious PGD misled, which the bare network
  /// classified correctly before and wrongly after.
  func detection(_ network: Reproduction.NetworkResult, _ epsilon: Epsilon) -> Detection? {
    let attack = settings.oblivious(epsilon)
    guard let clean = network.detection[.predictedLabel, .none],
      let attacked = network.detection[.predictedLabel, attack],
      let bare = network.table[.none, attack], let before = network.table[.none, .none]
    else { return nil }
    let fooled = Set(bare.outcomes.successes(over: before.outcomes).map(\.index))
    return Detection(
      clean: clean.outcomes, attacked: attacked.outcomes.filter { fooled.contains($0.index) })
  }

  /// Forward passes and time of a decision, for every defence.
  var costTable: Table {
    Table(
      columns: ["network", "defence", "forward passes", "µs of a thread"],
      rows: rows { network, defence in
        network.table[defence, .none].map { result in
          let decisions =
            result.isRandomized ? result.scoringDraws + settings.selectionDraws : 1
          let times = (result.cost?.secondsByBlock ?? []).sorted()
          func microseconds(_ seconds: Double) -> String {
            fixed(1e6 * seconds / Double(decisions), decimals: 0)
          }
          let spread =
            times.count < 2
            ? "" : " (\(microseconds(times[0])) to \(microseconds(times[times.count - 1])))"
          return [
            Table.Cell("\(result.forwardPassesPerDecision)"),
            Table.Cell(
              times.isEmpty ? "–" : microseconds(times[times.count / 2]) + spread),
          ]
        }
      })
  }

  /// Accuracy over ε on validation images.
  func sweepTable(_ rule: RadiusRule) -> Table {
    Table(
      columns: ["network", "defence"] + rule.radii.map { "\($0)" },
      rows: sweepRows(rule).map { method, defence, accuracies in
        [Table.Cell(method.title), Table.Cell(defence.sweepTitle)]
          + accuracies.map { fixed(100 * $0.accuracy.value, decimals: 1) }.map { Table.Cell($0) }
      })
  }

  /// The results of every network and defence of the sweep, by rising radius.
  func sweepRows(
    _ rule: RadiusRule
  ) -> [(method: TrainingMethod, defence: DefenceDescription, results: [JobResult])] {
    results.sweep.flatMap { sweep in
      [DefenceDescription.none, settings.sweptDefence].map { defence in
        (
          sweep.method, defence,
          rule.radii.compactMap {
            sweep.results[defence.name, settings.oblivious($0, steps: rule.steps)]
          }
        )
      }
    }
  }

  /// What a threshold below zero means, where one was chosen; begins with a space.
  var thresholdText: String {
    results.networks.contains { ($0.chosen.tuning?.threshold.value ?? 0) < 0 }
      ? " A threshold below 0 has MI-Combined answer as MI-PL only where mixing raises the confidence by more than that."
      : ""
  }

  /// The rule by which settings were chosen, in words.
  var choiceText: String {
    switch settings.choice {
    case .dearest(let cost):
      "Of each defence the setting that pays most and at most \(percent(cost, decimals: 0)) of clean "
        + "accuracy on validation images."
    case .mostRobust(let cost):
      "λ and threshold are chosen on validation images: among the values that cost at most "
        + "\(percent(cost, decimals: 0)) clean accuracy, the one of highest accuracy under oblivious "
        + "PGD-\(settings.radius?.steps ?? settings.referenceSteps). The detector's λ is that of the "
        + "largest area under the ROC curve."
    }
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
    _ name: AttackName, _ network: Reproduction.NetworkResult, draws: Int
  ) -> AttackDescription {
    AttackDescription(
      name, epsilon: epsilon(network), steps: settings.publishedSteps, draws: draws)
  }
}

extension DefenceDescription {
  /// The name in the table of radii. It tells λ, which has its usual value there and was not chosen.
  var sweepTitle: String { parameters["lambda"].map { "\(name.title), λ = \($0)" } ?? name.title }
}
