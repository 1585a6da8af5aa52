import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training

/// The results of a reproduction of the paper as text, tables and a page.
package struct PaperReport: Sendable {
  let results: PaperReproduction.Results

  package init(_ results: PaperReproduction.Results) { self.results = results }

  var settings: PaperReproduction.Settings { results.settings }
  var published: PublishedTable? { PublishedTable(results.dataset) }

  /// One record for every defence under every attack of the tables and figures.
  package func records() throws -> [EvaluationRecord] {
    try results.networks.flatMap { network in
      try [network.table, network.whole, network.sweep, network.published].flatMap {
        try EvaluationSummary($0, sanity: network.sanity).records
      }
    }
  }

  private var title: String { "Mixup Inference on \(results.dataset.name)" }

  /// What makes the same figures, given the same checkpoints.
  private var command: String {
    "mixup-inference reproduce --dataset \(results.dataset.name) --data FOLDER --checkpoints FOLDER "
      + "--scale \(results.scale.rawValue) --count \(settings.imageCount) --seed \(settings.seed) "
      + "--kernels \(settings.kernels.rawValue)"
  }

  // MARK: Text

  /// What the figures were measured with.
  var settingsText: String {
    "\(results.dataset.name), first \(settings.imageCount) test images; N = "
      + "\(settings.decisionDraws), \(settings.scoringDraws) scoring draw"
      + (settings.scoringDraws == 1 ? "" : "s")
      + "; PGD with steps of ε/4, true labels; the adaptive "
      + "attack is the better, image by image, of PGD-\(settings.adaptiveSteps) through the network and "
      + "through the defence with \(settings.attackDraws) executions for a gradient; seed "
      + "\(settings.seed), kernel set \(settings.kernels.rawValue). Accuracy in % with its 95% interval "
      + "over images."
  }

  /// Every table under its title, in the order of the page.
  private var tables: [(title: String, caption: String, table: Table)] {
    var tables = [
      (
        "Networks", "Clean accuracy on all test images, and how they were trained.", networkTable
      ),
      (
        "Settings of the defences",
        "Of each defence the setting that pays most and at most "
          + "\(percent(settings.cleanCost, decimals: 0)) of clean accuracy on "
          + "validation images.", matchedTable
      ),
    ]
    for epsilon in settings.epsilons {
      tables.append(("ε = \(epsilon)", settingsText, accuracyTable(epsilon)))
    }
    if let published, let table = comparisonTable {
      tables.append(
        (
          "Beside the paper's Table \(published.number)",
          "The paper's figure / ours, ε = \(PublishedTable.epsilon); the last column is ours alone.",
          table
        ))
    }
    tables.append(
      (
        "What agrees",
        "Differences of accuracy on the same images, first draw, with Newcombe's interval; \"yes\" and "
          + "\"no\" where it excludes 0.", agreementTable
      ))
    tables.append(
      (
        "Figure 3 (a): detection by MI-PL",
        "Area under the ROC curve of clean images against those on which oblivious "
          + "PGD-\(fewestSteps) succeeded, 95% intervals.", detectionTable
      ))
    tables.append(
      (
        "Figure 4: adaptive attacks on MI-OL",
        "Accuracy over the attacker's executions, PGD-\(settings.publishedSteps), "
          + "\(settings.figureImageCount) images.", publishedTable
      ))
    return tables
  }

  /// For a terminal.
  package var text: String {
    tables.map { "\($0.title). \($0.caption)\n\n\($0.table.plain())" }.joined(separator: "\n")
      + "\n" + findings.map { "- \($0)" }.joined(separator: "\n")
  }

  /// For a repository.
  package var markdown: String {
    "# \(title)\n\nMade by\n\n```sh\n\(command)\n```\n\n"
      + tables.map { "## \($0.title)\n\n\($0.caption)\n\n\($0.table.markdown())" }
      .joined(separator: "\n")
      + "\n## Findings\n\n" + findings.map { "- \($0)" }.joined(separator: "\n") + "\n"
  }

  /// What was measured beside the tables, in sentences.
  var findings: [String] {
    results.networks.flatMap { NetworkVerificationReport($0.conditions).findings }
      + results.networks.flatMap { network in
        network.sanity.map {
          "Sanity of \($0.defence.name.title) on \(network.method.title) under "
            + "\($0.attack.name.rawValue), \($0.count) images: \($0.summary)"
            + ($0.failures.isEmpty ? "." : ". Do not quote its figures.")
        }
      }
  }

  // MARK: Page

  /// The report as one page without external resources.
  package var html: String {
    HTMLReport(
      title: title,
      subtitle: "The paper's tables and figures, and an attacker who knows the defence",
      summary: [.paragraph(settingsText), .list(findings)],
      sections: tables.map { title, caption, table in
        HTMLReport.Section(
          title: title,
          content: [.table(table, caption: caption)] + figures(beside: title))
      }
        + results.networks.map { network in
          HTMLReport.Section(
            title: "Figure 2: \(network.method.title)", content: conditionFigures(network))
        }
        + results.networks.flatMap { network in
          network.sanity.map { report in
            HTMLReport.Section(
              title: "Sanity: \(report.defence.name.title) on \(network.method.title)",
              content: [.table(report.table, caption: report.summary)])
          }
        } + [HTMLReport.Section(title: "Provenance", content: [.keyValues(provenance)])]
    ).render()
  }

  private func figures(beside title: String) -> [HTMLReport.Content] {
    if title == "Networks", results.networks.contains(where: { $0.curve != nil }) {
      return [.figure(learningPlot, caption: "How the trainings went, on validation images.")]
    }
    if title.hasPrefix("Figure 3") {
      return [
        .figure(rocPlot, caption: "ROC curves of MI-PL's statistic, the drop of F_ŷ."),
        .figure(
          tradeOffPlot(.mixup),
          caption: "Figure 3 (b) on the mixup network: every setting of every defence."),
        .figure(
          tradeOffPlot(.interpolatedAdversarial),
          caption: "The same on the network of interpolated adversarial training."),
      ]
    }
    guard title.hasPrefix("Figure 4") else { return [] }
    return results.networks.filter { !$0.published.isEmpty }.map {
      .figure(publishedPlot($0), caption: "MI-OL on \($0.method.title), ε = \(epsilon($0)).")
    }
  }

  private var provenance: [HTMLReport.KeyValue] {
    [
      HTMLReport.KeyValue("Command", command),
      HTMLReport.KeyValue(
        "Mixing partners", "\(results.trainingCount) training images, none of them tested"),
      HTMLReport.KeyValue("Processor", MachineReport.processorName),
    ]
      + results.networks.map {
        HTMLReport.KeyValue("Identity of \($0.method.title)", $0.checkpoint)
      }
  }
}
