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
        "Mixup Inference (Pang, Xu and Zhu, ICLR 2020) mixes an image with clean ones when it is classified, and "
          + "averages the predictions. MI-OL takes clean images of other classes than the predicted one, MI-PL such of "
          + "that class, and MI-Combined one or the other for each image. Here \(results.networks.count) networks are "
          + "attacked alone and behind it: "
          + results.networks.map { "\($0.method.title), trained on \($0.method.trainingImages)" }
          .joined(separator: "; ")
          + ". Images are the first \(results.testCount) test images of \(results.dataset.name), of "
          + "\(results.dataset.imageShape) pixels and \(results.dataset.classCount) classes; the attacker either does not "
          + "know of the defence or knows all but its draws.")
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
          "What is left of each defence, with 95% intervals over images; at the right the figure for the attacker who "
          + "knows. Who does not know makes \(attackTitle(settings.oblivious(radius))), projected gradient descent through the "
          + "network alone. Who knows makes \(attackTitle(settings.adaptive(radius))): also through the whole defence, and "
          + "the better of both counts for each image. A stronger attack can only leave less: read it as an upper bound."
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
    func pairs(_ attack: AttackDescription) -> PairedOutcomes? {
      guard let bare = network.table[.none, attack],
        let defended = network.table[.otherLabel, attack]
      else { return nil }
      return PairedOutcomes(defended.outcomes.map(\.isCorrect), bare.outcomes.map(\.isCorrect))
    }
    let radius = epsilon(network)
    guard let oblivious = pairs(settings.oblivious(radius)),
      let adaptive = pairs(settings.adaptive(radius))
    else { return nil }
    return (oblivious, adaptive)
  }

  /// "On the mixup network, against an attacker who does not know of it, MI-OL adds 34.4 points [30.2, 38.6] …", and where
  /// what is left against the other is no more than guessing, that.
  private func answer(_ network: Reproduction.NetworkResult) -> String? {
    guard let (oblivious, adaptive) = gains(network) else { return nil }
    var answer =
      "On the \(network.method.title) network, against an attacker who does not know of it, MI-OL "
      + "\(Self.change(oblivious)); against one who does, it \(Self.change(adaptive))"
    let guessing = 1 / Double(results.dataset.classCount)
    if let left = network.table[.otherLabel, settings.adaptive(epsilon(network))]?.accuracy,
      left.interval.lower <= guessing
    {
      let share = interval(
        left.value, left.interval, decimals: 1, scale: 100, unit: "%")
      answer +=
        ". What is left then, \(share), "
        + (left.interval.upper < guessing ? "is less than" : "cannot be told from")
        + " guessing, \(percent(guessing, decimals: 0))"
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
      ("behind MI-OL, not attacked", .otherLabel, AttackDescription(.none)),
      ("\(network.method.title) network alone, attacked", .none, settings.oblivious(radius)),
      ("behind MI-OL, if the attacker does not know", .otherLabel, settings.oblivious(radius)),
      ("behind MI-OL, if the attacker knows", .otherLabel, settings.adaptive(radius)),
    ]
    return figures.compactMap { label, defence, attack in
      network.table[defence, attack].map {
        let range = $0.accuracy.interval
        return HTMLReport.KeyFigure(
          percent($0.accuracy.value), label,
          detail:
            "\(fixed(100 * range.lower, decimals: 1)) to \(fixed(100 * range.upper, decimals: 1))% of "
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
    let undecided = checked.flatMap { network, report in
      report.verdicts.filter { $0.outcome == .undecided }.map {
        "\($0.claim) (\(network.method.title))"
      }
    }
    let sanity =
      checked.isEmpty
      ? "The sanity suite, which asks whether the attacks work at all, was not run."
      : checked.allSatisfy(\.1.failures.isEmpty)
        ? "No check of the sanity suite failed, on \(checked[0].1.count) images of each network that it was run on"
          + (undecided.isEmpty ? "." : "; not decided: \(undecided.joined(separator: "; ")).")
        : "The sanity suite found faults: figures that failed are not to be quoted."
    return
      "Intervals are for the choice of images alone: of each kind one network was trained, and how far others are from "
      + "it was not measured here. \(sanity)"
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
    case .adversarial: "attacked images"
    case .interpolatedAdversarial: "mixtures of attacked images and of clean ones"
    }
  }
}
