import MixupInference
import Robustness

extension AttackName {
  /// The attacks that plans, records and commands can name, in the order in which help lists them. Their
  /// settings stand beside their types.
  package static let known: [Search] = [
    .none,
    Search("noise", UniformNoise()),
    Search("fgsm", FastGradientSign()),
    .pgd,
    .targetedPGD,
    Search("pgd-every-class", descent(.everyClass)),
    Search("apgd-ce", AutoPGD()),
    Search("apgd-dlr", AutoPGD(loss: .logitsRatio)),
    Search("apgd-t", AutoPGD(loss: .logitsRatio, objective: .everyClass)),
    Search("cw", CarliniWagner()),
    Search("fmn", FastMinimumNorm()),
    Search("ddn", DecoupledDirectionNorm()),
    Search("square", SquareAttack()),
    Search("spsa", SPSA()),
    Search("fab", FastAdaptiveBoundary()),
    Search("fab-t", FastAdaptiveBoundary(objective: .everyClass)),
    Search("ensemble", Ensemble()),
    Search("autoattack", AutoAttack()),
    .published,
    .publishedRepaired,
    Search("evasion", PlannedDetectorEvasion(descent(.untargeted))),
  ]

  /// The names of those that look for the nearest image that misleads.
  package static var nearest: String {
    known.filter { $0.usual?.findsNearest == true }.map(\.name).joined(separator: ", ")
  }

  /// PGD with the settings that it has where a plan gives none.
  fileprivate static func descent(_ objective: AttackObjective) -> ProjectedGradientDescent {
    ProjectedGradientDescent(steps: 50, objective: objective)
  }
}

extension AttackName.Search {
  package static let none = Self("none", nil)
  package static let pgd = Self("pgd", AttackName.descent(.untargeted))
  package static let targetedPGD = Self("pgd-targeted", AttackName.descent(.targeted))
  /// The adaptive attack that was published with mixup inference; only an attacker who knows that defence
  /// can run it.
  package static let published = Self("published", PlannedPublishedAttack())
  /// The published attack with two faults mended: labels and scale; see `PublishedAdaptiveAttack`.
  package static let publishedRepaired = Self(
    "published-repaired", PlannedPublishedAttack(isRepaired: true))
}
