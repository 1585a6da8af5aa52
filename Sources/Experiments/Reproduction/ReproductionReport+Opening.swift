import MixupInference
import Reporting
import Robustness
import Statistics
import Training

extension ReproductionReport {
  /// What the page says before its first section: the answer with its interval, the figures that it rests on, and one
  /// picture.
  var opening: [HTMLReport.Content] {
    let radius = settings.epsilons[0]
    var content: [HTMLReport.Content] = [
      .paragraph(
        "Mixup Inference (Pang, Xu and Zhu, ICLR 2020) answers for an image with the mean of a network's predictions on "
          + "mixtures of it with clean images. MI-OL (other label) draws clean images of any class but the predicted one, "
          + "MI-PL (predicted label) of that class. MI-Combined answers as MI-PL where mixing lowers the confidence in the "
          + "predicted class by less than a threshold, which the paper takes for the mark of a clean image, and as MI-OL "
          + "elsewhere."
      ),
      .paragraph(
        "Here \(results.networks.count) networks are attacked, alone and behind it: "
          + results.networks.map { "\($0.method.title), trained on \($0.method.trainingImages)" }
          .joined(separator: "; ")
          + ". The attacker may change every pixel by ε at most, where black is 0 and white is 1. He either does not know "
          + "of the defence, or knows all but which clean images it will draw. Images are the first "
          + "\(results.testCount) test images of \(results.dataset.name), of \(results.dataset.imageShape) pixels and "
          + "\(results.dataset.classCount) classes."),
    ]
    if let principal {
      if let answer = answer(principal) { content.append(.lead(answer)) }
      content.append(.keyFigures(keyFigures(principal)))
    }
    let others = results.networks.filter { $0.method != principal?.method }.compactMap(answer)
    if !others.isEmpty { content.append(.paragraph(others.joined(separator: " "))) }
    content.append(
      .figure(
        accuracyPlot,
        caption:
          "Images classified correctly, with 95% intervals over images; the number at the right is of the attacker who "
          + "knows. The attacker who does not know runs projected gradient descent (PGD) through the network alone "
          + "(\(attackTitle(settings.oblivious(radius)))). The one who knows runs it through the whole defence as well "
          + "(\(attackTitle(settings.adaptive(radius)))), and an image counts only if it withstands both; on the network "
          + "alone there is nothing to know, and both are one attack. A stronger attack can only lower these accuracies; what "
          + "MI-OL adds may then be more or less."
      ))
    return content + warnings.map { .note($0) } + [.note(reservations)]
  }

  /// The network that the defence was made for: that trained with mixup, else the first.
  private var principal: Reproduction.NetworkResult? {
    network(.mixup) ?? results.networks.first
  }

  /// What MI-OL adds to the accuracy of a network: image by image, under the attack that does not know of it, and
  /// under the one that does, each against the same attack on the network alone.
  func gains(
    _ network: Reproduction.NetworkResult
  ) -> (oblivious: PairedOutcomes, adaptive: PairedOutcomes)? {
    let radius = epsilon(network)
    guard let oblivious = network.table.otherLabelPairs(settings.oblivious(radius)),
      let adaptive = network.table.otherLabelPairs(settings.adaptive(radius))
    else { return nil }
    return (oblivious, adaptive)
  }

  /// "Hardly. On the mixup network, against an attacker who does not know of it, MI-OL adds 34.4 points [30.2, 38.6] …", and where
  /// what is left against the other is no more than guessing, that.
  private func answer(_ network: Reproduction.NetworkResult) -> String? {
    guard let (oblivious, adaptive) = gains(network) else { return nil }
    let guessing = 1 / Double(results.dataset.classCount)
    let left = network.table[.otherLabel, settings.adaptive(epsilon(network))]?.accuracy
    let isGuessing = left.map { $0.interval.lower <= guessing } ?? false
    let verdict =
      adaptive.differenceInterval().upper < 0
      ? "No"
      : adaptive.differenceInterval().lower <= 0 ? "Not decided" : isGuessing ? "Hardly" : "Partly"
    var answer =
      (network.method == principal?.method ? "\(verdict). " : "")
      + "On the \(network.method.title) network, against an attacker who does not know of it, MI-OL "
      + "\(Self.change(oblivious)); against one who does, it \(Self.change(adaptive))"
    if let left, isGuessing {
      let share = interval(
        left.value, left.interval, decimals: 1, scale: 100, unit: "%")
      answer +=
        ". What is left then, \(share), "
        + (left.interval.upper < guessing ? "is less than" : "cannot be told from")
        + " the \(percent(guessing, decimals: 0)) of always naming one class"
    }
    return answer + "."
  }

  /// "adds 3.4 points [1.0, 5.8] of accuracy", "costs …", or that the interval, Newcombe's, decides neither, for
  /// the end of a sentence.
  static func change(_ pairs: PairedOutcomes) -> String {
    let likely = pairs.differenceInterval()
    func points(_ sign: Double) -> String {
      let (value, range) =
        sign > 0
        ? (pairs.difference, likely)
        : (-pairs.difference, Interval(lower: -likely.upper, upper: -likely.lower))
      return interval(value, range, decimals: 1, scale: 100, unit: " points")
        .replacing(" ", with: "\u{A0}")
    }
    return likely.lower > 0
      ? "adds \(points(1)) of accuracy"
      : likely.upper < 0
        ? "costs \(points(-1)) of accuracy"
        : "changes accuracy by \(points(1)), not decided to be a gain or a loss"
  }

  /// Accuracy of a network alone and behind MI-OL.
  private func keyFigures(_ network: Reproduction.NetworkResult) -> [HTMLReport.KeyFigure] {
    let radius = epsilon(network)
    let figures: [(String, DefenceName, AttackDescription)] = [
      (
        "\(network.method.title) network behind MI-OL, not attacked", .otherLabel,
        AttackDescription(.none)
      ),
      ("\(network.method.title) network alone, attacked", .none, settings.oblivious(radius)),
      (
        "\(network.method.title) network behind MI-OL, the attacker does not know", .otherLabel,
        settings.oblivious(radius)
      ),
      (
        "\(network.method.title) network behind MI-OL, the attacker knows", .otherLabel,
        settings.adaptive(radius)
      ),
    ]
    return figures.compactMap { label, defence, attack in
      network.table[defence, attack].map {
        let range = $0.accuracy.interval
        return HTMLReport.KeyFigure(
          percent($0.accuracy.value), label,
          detail:
            "95% interval \(fixed(100 * range.lower, decimals: 1)) to \(fixed(100 * range.upper, decimals: 1))% of "
            + "\($0.outcomes.count) images, "
            + (attack.budget == nil
              ? "alone \(network.table[.none, attack].map { percent($0.accuracy.value) } ?? "–")"
              : "ε\u{A0}=\u{A0}\(radius)"))
      }
    }
  }

  /// What would make the answer wrong, as far as this page can know.
  private var reservations: String {
    let checked = results.networks.flatMap { network in network.sanity.map { (network, $0) } }
    func count(_ outcome: SanityVerdict.Outcome) -> Int {
      checked.reduce(0) { $0 + $1.1.verdicts.count { $0.outcome == outcome } }
    }
    let (undecided, skipped) = (count(.undecided), count(.skipped))
    let sanity =
      checked.isEmpty
      ? "The sanity suite, which asks whether the attacks work at all, was not run."
      : checked.allSatisfy(\.1.failures.isEmpty)
        ? "No check of the sanity suite failed, on \(checked[0].1.count) images of each network that it was run on"
          + (undecided == 0 ? "" : "; \(undecided) are not decided")
          + (skipped == 0 ? "" : "; \(skipped) could not be made")
          + ". So few images show gross faults only."
        : "The sanity suite found faults: figures that failed are not to be quoted."
    let choice =
      settings.radius.map {
        "ε = \(settings.epsilons[0]) was chosen as the smallest radius that leaves the \($0.method.title) network alone "
          + "at most \(percent($0.left, decimals: 0)) of validation images; at other radii no attacker who knows was tried. "
      } ?? ""
    let tuning =
      results.networks.contains { $0.chosen.tuning != nil }
      ? "The defences' settings were chosen against the attacker who does not know; against the one who does, others "
        + "may be better. " : ""
    return
      "Intervals are for the choice of images alone: of each kind one network was trained, and how far others are from "
      + "it was not measured here, nor what holds for other images than \(results.dataset.name). \(choice)\(tuning)\(sanity)"
  }

  /// The paper that the defence is from.
  static let citation = """
    @inproceedings{pang2020mixup,
      title     = {Mixup Inference: Better Exploiting Mixup to Defend Adversarial Attacks},
      author    = {Pang, Tianyu and Xu, Kun and Zhu, Jun},
      booktitle = {International Conference on Learning Representations},
      year      = {2020}
    }
    """
}

extension TrainingMethod {
  /// What the network sees in training.
  fileprivate var trainingImages: String {
    switch self {
    case .plain: "images as they are"
    case .mixup: "mixtures of two images"
    case .adversarial: "attacked images (adversarial training)"
    case .interpolatedAdversarial:
      "mixtures of two attacked images and of two clean ones (AT: adversarial training)"
    }
  }
}
