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
    Search("square", SquareAttack()),
    Search("spsa", SPSA()),
    Search("ensemble", Ensemble()),
    .published,
    .publishedRepaired,
    Search("evasion", PlannedDetectorEvasion(descent(.untargeted))),
  ]

  /// PGD as plans have it that say no more.
  fileprivate static func descent(_ objective: AttackObjective) -> ProjectedGradientDescent {
    ProjectedGradientDescent(steps: 50, objective: objective)
  }
}

extension AttackName.Search {
  package static let none = Self("none", nil)
  package static let pgd = Self("pgd", AttackName.descent(.untargeted))
  package static let targetedPGD = Self("pgd-targeted", AttackName.descent(.targeted))
  /// As published with mixup inference; of one who knows the defence only.
  package static let published = Self("published", PlannedPublishedAttack())
  /// The same with true labels and the right scale.
  package static let publishedRepaired = Self(
    "published-repaired", PlannedPublishedAttack(isRepaired: true))
}
