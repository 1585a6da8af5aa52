import Datasets
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Training
import Workloads

/// The results of a reproduction as text, tables, records and a page.
package struct ReproductionReport: Sendable, Reported {
  package let results: Reproduction.Results

  package init(_ results: Reproduction.Results) { self.results = results }

  var settings: Reproduction.Settings { results.settings }
  var published: PublishedTable? { PublishedTable(results.dataset) }

  /// One record for every defence under every attack of the tables and figures.
  package func records() throws -> [EvaluationRecord] {
    try results.networks.flatMap { network in
      let table = Set(network.table.map(\.job.defence))
      return try [
        network.table, network.detection.filter { !table.contains($0.job.defence) },
        network.whole, network.tradeOff, network.published,
      ].flatMap { try EvaluationSummary($0, sanity: network.sanity).records }
    }
  }

  private var title: String { "Mixup Inference on \(results.dataset.name)" }

  /// The command that makes the same figures, given the same checkpoints.
  private var command: String {
    let images =
      switch results.dataset.source {
      case .atHand: ""
      case .folder: "--data FOLDER --checkpoints FOLDER "
      }
    return "mixup-inference reproduce --dataset \(results.dataset.name) \(images)"
      + "--scale \(settings.scale.rawValue) --count \(results.testCount) --seed \(settings.seed) "
      + "--kernels \(settings.kernels.rawValue)"
  }

  /// What the figures were measured with.
  var settingsText: String {
    "First \(results.testCount) test images of \(results.dataset.name). A defence decides by the mean over N = "
      + "\(settings.decisionDraws) mixtures, and is scored on \(settings.scoringDraws) such decision"
      + (settings.scoringDraws == 1 ? "" : "s")
      + " for each image. Attacks are PGD in ℓ∞, know the true labels, begin at random and take steps of "
      + "max(ε/4, 2.5 ε/steps). Of the adaptive attack, image by image the better counts of PGD-\(settings.adaptiveSteps) "
      + "through the network and through the defence, there with \(settings.attackDraws) executions for a gradient. Seed "
      + "\(settings.seed), kernel set \(settings.kernels.rawValue)."
  }

  // MARK: Sections

  /// A part of the report. The case decides its title and its content.
  package enum Section: Hashable, Sendable {
    /// The verdicts of the sanity suite.
    case sanity
    /// The main table at a radius.
    case accuracy(Epsilon)
    case besidePaper
    case claims
    /// RIC and DG, Figure 2.
    case conditions
    case linearity
    case detection
    case tradeOff
    case publishedAttacks
    case pictures
    case radius
    case settings
    case networks
    case cost
    case provenance
  }

  /// The parts that this report has, in the order of the page.
  package var sections: [Section] {
    func has(_ part: Reproduction.Part) -> Bool { settings.parts.contains(part) }
    func isTold(_ fact: (Reproduction.NetworkResult) -> Bool) -> Bool {
      results.networks.contains(where: fact)
    }
    let isTrainingKnown = isTold { $0.curve != nil }
    return (isTold { !$0.sanity.isEmpty } ? [.sanity] : [])
      + settings.epsilons.map { .accuracy($0) }
      + (comparisonTable == nil ? [] : [.besidePaper]) + (has(.claims) ? [.claims] : [])
      + (isTold { $0.conditions != nil } ? [.conditions, .linearity] : [])
      + [.detection] + (has(.tradeOff) ? [.tradeOff] : [])
      + (has(.published) ? [.publishedAttacks] : [])
      + (isTold { !$0.pictures.isEmpty } ? [.pictures] : [])
      + (settings.radius == nil ? [] : [.radius]) + [.settings]
      + (has(.whole) || isTrainingKnown ? [.networks] : []) + [.cost, .provenance]
  }

  package func title(of section: Section) -> String {
    switch section {
    case .sanity: "Can these figures be believed?"
    case .accuracy(let epsilon): "Accuracy at ε = \(epsilon)"
    case .networks: "Networks"
    case .radius: "The choice of ε"
    case .settings: "Settings of the defences"
    case .besidePaper: "Beside the paper's Table \(published?.number ?? 0)"
    case .claims: "What agrees"
    case .detection: "Detection by MI-PL (Figure 3 a of the paper)"
    case .tradeOff: "Clean accuracy against robustness (Figure 3 b of the paper)"
    case .publishedAttacks: "Adaptive attacks on MI-OL (Figure 4 of the paper)"
    case .conditions: "Do the conditions of the paper hold on these networks?"
    case .linearity: "How linear the networks are between images"
    case .pictures: "Attacked images"
    case .cost: "Cost of a decision"
    case .provenance: "Provenance"
    }
  }

  func content(of section: Section) -> [HTMLReport.Content] {
    switch section {
    case .sanity:
      results.networks.flatMap { network in
        network.sanity.map { report in
          .details(
            "What was checked of \(report.defence.name.title) on the \(network.method.title) network",
            [
              .table(
                report.table,
                caption:
                  "On \(report.count) images. Not decided: it came out against what should be so, by so few images that this "
                  + "may be chance.")
            ])
        }
      }
    case .networks:
      [.table(networkTable, caption: "Clean accuracy, and how the networks were trained.")]
        + (results.networks.contains { $0.curve != nil }
          ? [.figure(learningPlot, caption: "How the trainings went, on validation images.")] : [])
    case .radius:
      settings.radius.map { rule in
        [
          .table(
            sweepTable(rule),
            caption:
              "Accuracy in % on validation images under oblivious PGD-\(rule.steps). ε is the "
              + "smallest radius at which it leaves the \(rule.method.title) network alone at most "
              + "\(percent(rule.left, decimals: 0)) of them: \(settings.epsilons[0]). λ is not yet chosen here, and images are "
              + "others than in the tables of accuracy, so figures differ from those."),
          .figure(
            sweepPlot(rule),
            caption: "These accuracies, with 95% intervals over \(results.validationCount) images."),
        ]
      } ?? []
    case .settings:
      [.table(matchedTable, caption: choiceText + thresholdText)]
        + results.networks.compactMap { network in
          network.chosen.tuning.map {
            .figure(
              tuningPlot($0),
              caption:
                "The values of λ that were tried on \(network.method.title), on validation images; attacked by oblivious "
                + "PGD-\(settings.radius?.steps ?? settings.referenceSteps) at ε = \(epsilon(network))."
            )
          }
        }
    case .accuracy(let epsilon):
      [
        .table(
          accuracyTable(epsilon),
          caption:
            "Accuracy in % on the first \(results.testCount) test images, with its 95% interval over images."
        )
      ]
        + (epsilon == settings.epsilons[0]
          ? [.details("How it was attacked and decided", [.paragraph(settingsText)])] : [])
    case .besidePaper:
      comparisonTable.map {
        [
          .table(
            $0,
            caption:
              "The paper's figure / ours, ε = \(PublishedTable.epsilon); the last column is ours "
              + "alone.")
        ]
      } ?? []
    case .claims:
      [
        .table(
          agreementTable,
          caption:
            "Differences of accuracy on the same images, first draw, with Newcombe's interval; "
            + "\"yes\" and \"no\" where it excludes 0.")
      ]
    case .detection:
      [
        .table(
          detectionTable,
          caption:
            "Area under the ROC curve by which a statistic tells images that oblivious PGD-\(settings.referenceSteps) "
            + "misled from all clean ones, with 95% intervals: what mixing takes from F_ŷ, as the paper has it, or from the "
            + "largest probability, as its code. Larger when attacked: of the misled images the share whose F_ŷ drops more "
            + "attacked than clean, each beside itself, with Wilson's interval."
        ),
        .figure(rocPlot, caption: "ROC curves of MI-PL's statistic, the drop of F_ŷ."),
      ]
    case .tradeOff:
      results.networks.filter { settings.hasCombinedRule($0.method) }.map {
        .figure(
          tradeOffPlot($0), caption: "Every setting of every defence on \($0.method.title).")
      }
    case .publishedAttacks:
      [
        .table(
          publishedTable,
          caption: "Accuracy over the attacker's executions, PGD-\(settings.publishedSteps), "
            + "\(settings.figureImageCount) images.")
      ]
        + results.networks.filter { !$0.published.isEmpty }.map {
          .figure(
            publishedPlot($0),
            caption:
              "MI-OL on \($0.method.title), ε = \(epsilon($0)), on the first \(settings.figureImageCount) images "
              + "alone; over all images the table of accuracies has other figures.")
        }
    case .conditions: conditions
    case .linearity: linearity.content
    case .pictures:
      results.networks.filter { !$0.pictures.isEmpty }.enumerated().compactMap { place, network in
        pictures(network).map {
          .figure(
            $0,
            caption: place > 0
              ? "The same of the \(network.method.title) network."
              : "The \(network.method.title) network: the first images on which oblivious "
                + "PGD-\(settings.referenceSteps) misled it. The change is drawn so that grey is none and black and white "
                + "are ε; below it the first of the mixtures that MI-OL answers from, and what every defence says of the "
                + "attacked image, with the probability that it gives its answer."
          )
        }
      }
    case .cost:
      [
        .table(
          costTable,
          caption:
            "On clean images, in the time of one thread: the median of the blocks of images that were measured "
            + "together, and, in parentheses, the fastest and the slowest. What else the machine did is in it."
        )
      ]
    case .provenance:
      [
        .keyValues(provenance), .paragraph("To make the same figures:"), .code(command),
        .paragraph("To cite the defence:"), .code(Self.citation),
      ]
    }
  }

  /// The tables of a section that the texts for terminal and repository have too: those that the reader of
  /// the page need not open.
  private func tables(of section: Section) -> [(table: Table, caption: String)] {
    content(of: section).compactMap {
      if case .table(let table, let caption) = $0 { (table, caption) } else { nil }
    }
  }

  func network(_ method: TrainingMethod) -> Reproduction.NetworkResult? {
    results.networks.first { $0.method == method }
  }

  /// The title of a section in front of a sentence.
  private func headline(of section: Section) -> String {
    let title = title(of: section)
    return title.hasSuffix("?") ? title : "\(title)."
  }

  /// The report for a terminal.
  package var printout: Printout {
    .lines(
      [Printout("\(settingsText)\n")]
        + sections.flatMap { section in
          tables(of: section).map { part -> Printout in
            "\(headline(of: section)) \(part.caption)\n\n\(part.table)"
          }
        } + [Printout(findings.map { "- \($0)" }.joined(separator: "\n"))])
  }

  /// For a repository: the same bytes on every machine with the kernel set, so without times.
  package var markdown: String {
    "# \(title)\n\nMade by\n\n```sh\n\(command)\n```\n\n\(settingsText)\n\n"
      + sections.filter { $0 != .cost }.flatMap { section in
        tables(of: section).map {
          "## \(title(of: section))\n\n\($0.caption)\n\n\($0.table.markdown())"
        }
      }.joined(separator: "\n")
      + "\n## Findings\n\n" + findings.map { "- \($0)" }.joined(separator: "\n") + "\n"
  }

  /// The report as one page without external resources.
  package var page: HTMLReport {
    HTMLReport(
      title: "Does Mixup Inference protect a network from an attacker who knows of it?",
      subtitle: title, summary: opening,
      sections: sections.map { section in
        // What the table of accuracies says in words the page has said at its beginning.
        var findings = findings(of: section)
        if case .accuracy = section { findings = [] }
        return HTMLReport.Section(
          title: title(of: section),
          content: (findings.isEmpty ? [] : [.list(findings)]) + content(of: section))
      })
  }

  private var provenance: [HTMLReport.KeyValue] {
    [
      HTMLReport.KeyValue("Measured", settingsText),
      HTMLReport.KeyValue(
        "Images",
        "\(results.trainingCount) training (and mixing partners), \(results.validationCount) "
          + "validation, \(results.testCount) test"),
      HTMLReport.KeyValue("Processor", Processor.name),
      HTMLReport.KeyValue(
        "Wall-clock time of this run",
        "\(duration(results.seconds)), without what an earlier one had finished"),
    ]
      + results.networks.flatMap {
        [
          HTMLReport.KeyValue("Architecture of \($0.method.title)", $0.architecture),
          HTMLReport.KeyValue("Identity of \($0.method.title)", $0.checkpoint),
        ]
      }
  }

  // MARK: Findings

  /// What the figures say, computed from them: one sentence per finding, flattering or not.
  package var findings: [String] {
    // What is said of every network in the same words is said once.
    unique(sections.flatMap(findings(of:)) + warnings)
  }

  /// The findings that a section's figures say.
  private func findings(of section: Section) -> [String] {
    switch section {
    case .sanity:
      results.networks.flatMap { network in
        network.sanity.map { report in
          "\(network.method.title), \(report.defence.name.title) under \(attackTitle(report.attack)), on "
            + "\(report.count) images: "
            + (report.failures.isEmpty
              ? "no check of the sanity suite failed."
              : "checks of the sanity suite failed. Do not quote its figures.")
            + report.claims(.failed, "Not so") + report.claims(.undecided, "Not decided")
        }
      }
    case .accuracy(let radius):
      results.networks.filter { epsilon($0) == radius }.compactMap(gain)
    case .linearity: linearity.findings
    case .detection: detectors
    case .networks: results.networks.compactMap(cleanChange)
    case .cost: passes.map { [$0] } ?? []
    default: []
    }
  }

  /// By how much MI-OL changes accuracy where nobody attacks, on the same images.
  private func cleanChange(_ network: Reproduction.NetworkResult) -> String? {
    network.cleanTable.otherLabelPairs(.none).map {
      "\(network.method.title), on clean images: MI-OL \(Self.change($0))."
    }
  }

  /// How many forward passes a decision of each defence takes; nil if none was measured.
  private var passes: String? {
    guard let network = results.networks.first else { return nil }
    var defences: [Int: [String]] = [:]
    for defence in settings.defences(of: network.method) where defence != .none {
      guard let result = network.table[defence, .none] else { continue }
      defences[result.forwardPassesPerDecision, default: []].append(defence.title)
    }
    guard !defences.isEmpty else { return nil }
    return "Where the network alone takes one forward pass for a decision, "
      + listed(
        defences.sorted { $0.key < $1.key }.map { count, names in
          "\(listed(names)) \(names.count == 1 ? "takes" : "take") \(count)"
        }) + "."
  }

  /// By how much MI-OL changes accuracy against the oblivious attack, and against the adaptive one, each against the same
  /// attack on the network alone, on the same images.
  private func gain(_ network: Reproduction.NetworkResult) -> String? {
    let epsilon = epsilon(network)
    guard let bare = network.table[.none, settings.oblivious(epsilon)]?.accuracy,
      let oblivious = network.table[.otherLabel, settings.oblivious(epsilon)]?.accuracy,
      let adaptive = network.table[.otherLabel, settings.adaptive(epsilon)]?.accuracy,
      let changes = gains(network)
    else { return nil }
    return
      "\(network.method.title): MI-OL takes accuracy under oblivious PGD-\(settings.referenceSteps) from "
      + "\(percent(bare.value)) to \(percent(oblivious.value)), and the adaptive attack leaves "
      + "\(percent(adaptive.value)); beside the network alone it \(Self.change(changes.oblivious)) under the former and "
      + "\(Self.change(changes.adaptive)) under the latter."
  }

  /// How well MI-PL tells attacked images from clean ones.
  private var detectors: [String] {
    let areas = results.networks.compactMap { network in
      detection(network, epsilon(network))?.area(DetectionStatistic.confidenceDrop.rawValue)
        .map { (name: network.method.title, value: $0.value, range: $0.interval()) }
    }
    guard !areas.isEmpty else { return [] }
    func remark(_ isMeant: (Interval) -> Bool, _ text: String) -> [String] {
      let names = areas.filter { isMeant($0.range) }.map(\.name)
      return names.isEmpty ? [] : ["On \(listed(names)) \(text)."]
    }
    return [
      "As a detector of attacked images, the drop of F_ŷ under MI-PL has an AUC of "
        + listed(areas.map { "\(interval($0.value, $0.range)) on \($0.name)" }) + "."
    ]
      + remark(
        { $0.upper < 0.5 },
        "that is worse than a coin: mixing lowers F_ŷ less on attacked images than on clean ones. The statistic tells "
          + "them apart there, but the other way round than MI-Combined takes it")
      + remark(
        { $0.lower <= 0.5 && $0.upper >= 0.5 }, "whether that is better than a coin is not decided"
      )
  }

  /// Signs that an attack was too weak to be quoted.
  package var warnings: [String] {
    results.networks.flatMap { network in
      settings.defences(of: network.method).compactMap { defence -> String? in
        let epsilon = epsilon(network)
        guard let oblivious = network.table[defence, settings.oblivious(epsilon)]?.accuracy,
          let adaptive = network.table[defence, settings.adaptive(epsilon)]?.accuracy,
          adaptive.interval.lower > oblivious.interval.upper
        else { return nil }
        return
          "Warning: on \(network.method.title) with \(defence.title) the adaptive attack is weaker "
          + "than the oblivious one; do not quote its figure."
      }
    }
  }

  private var linearity: LinearityReport {
    LinearityReport(
      results.networks.compactMap { network in
        network.conditions.map { .init(name: network.method.title, linearity: $0.linearity) }
      })
  }
}
