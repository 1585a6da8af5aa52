import ArgumentParser
import Classification
import Experiments
import Foundation
import Robustness

/// Which defences and attacks, on how many images.
struct PlanOptions: ParsableArguments {
  @Option(help: "\(names(DefenceName.allCases)); may be repeated. Usually none.")
  var defence: [String] = []

  @Option(
    help: """
      \(AttackName.known.map(\.name).joined(separator: ", ")); "adaptive-" in front if the attacker knows the \
      defence (published, published-repaired and evasion need it), "frozen-" if also the random draws on which it \
      is judged, "transfer-" if it searches on the network of --other; may be repeated. Usually none.
      """)
  var attack: [String] = []

  @Option(
    help: "Norm in which a perturbation is measured: \(names(PerturbationBudget.Norm.allCases)).")
  var norm: String?

  @Option(help: "Radius of the attack on the pixel scale, such as 8/255 or 0.15.")
  var epsilon: String?

  @Option(help: "Steps of the attack; usually \(AttackDescription.usual("steps")).")
  var steps: String?

  @Option(
    help: "Length of a step on the pixel scale, as --epsilon; max(ε/4, 2.5 ε/steps) unless given.")
  var stepSize: String?

  @Option(
    help: """
      What pgd maximises: \(names(AttackLoss.allCases)); usually \(AttackDescription.usual("loss")).
      """)
  var loss: String?

  @Option(help: "Momentum of pgd, from 0 to 1.")
  var momentum: String?

  @Option(
    help: """
      Whether pgd and apgd start at a random place in the ball, or if false at the image itself; usually true.
      """)
  var randomStart: String?

  @Option(
    help: """
      In which order pgd-every-class, apgd-t and fab-t try the other classes: \
      \(names(TargetSchedule.Order.allCases)), the nearest to first order first, which takes a gradient for every \
      class; usually label.
      """)
  var targetOrder: String?

  @Option(help: "How many of the other classes they try; all unless given.")
  var targets: String?

  @Option(
    help: """
      Steps running, each on fresh draws, on which a randomised defence is misled before pgd or apgd leaves an image \
      alone: fewer passes, and hardly a weaker attack. Without it every image gets all steps.
      """)
  var patience: String?

  @Option(
    help: """
      Predictions of an image that an attack without gradients may ask for; usually \
      \(AttackDescription.usual("queries")).
      """)
  var queries: String?

  @Option(
    help: """
      Random directions from whose differences spsa estimates a gradient; usually \
      \(AttackDescription.usual("directions")).
      """)
  var directions: String?

  @Option(
    help: """
      How far from an image spsa asks for predictions, on the pixel scale; usually \
      \(AttackDescription.usual("probe")).
      """)
  var probe: String?

  @Option(help: "Independent starts of the attack, of which the best counts; usually 1.")
  var restarts: String?

  @Option(
    name: .customLong("lambda"),
    help:
      "λ: the share of the input itself in a mixture; usually \(DefenceDescription.usual("lambda"))."
  )
  var lambda: String?

  @Option(name: .customLong("lambda-pl"), help: "λ of MI-PL, where it is to differ.")
  var predictedLabelLambda: String?

  @Option(
    help: """
      Threshold of detection: a smaller drop of confidence counts as clean; usually \
      \(DefenceDescription.usual("threshold")).
      """)
  var threshold: String?

  @Option(
    help: """
      Standard deviation of gaussian and radius of uniform, on the pixel scale; largest angle of rotation, \
      in degrees; usually \
      \(DefenceDescription.usual("strength")).
      """)
  var strength: String?

  @Option(
    help: """
      Share of the pixels that are made black; usually \(DefenceDescription.usual("share")).
      """)
  var share: String?

  @Option(
    help: """
      Least and largest side, in pixels, of the random square of a crop or resize, such as 24,32; unless \
      given from three quarters of the image's shorter side to all of it.
      """)
  var sides: String?

  @Option(
    help: "Bits that are kept of a pixel's value; usually \(DefenceDescription.usual("bits")).")
  var bits: String?

  @Option(
    help: """
      N: random mixtures or changes of an input that are averaged for a decision; usually \
      \(usualSampleCount).
      """)
  var draws: String?

  @Option(
    help: """
      Random draws of the defence that an adaptive attack averages for a gradient; usually \
      \(AttackDescription.usualDraws).
      """)
  var attackDraws: String?

  @Option(
    help: """
      What an adaptive attack averages over these draws: \(names(GradientAverage.allCases)); usually \
      probabilities.
      """)
  var average: String?

  @Option(
    help: """
      Decisions of a randomised defence that score an image; usually \(EvaluationPlan().scoringDraws).
      """)
  var scores: Int?

  @Option(
    help: """
      Decisions by which the worst attack on an image is chosen, 0 for no choice; usually \
      \(EvaluationPlan().selectionDraws).
      """)
  var selections: Int?

  @Option(help: "File with the plan, JSON, in place of the options about defences and attacks.")
  var plan: String?

  @Option(help: "Test images, from the first; all unless given.")
  var count: Int?

  @Option(help: "Seed of everything random; usually \(EvaluationPlan().seed).")
  var seed: UInt64?

  /// The values that were given for settings of attacks and defences, by flag. Which flags an attack or a
  /// defence has stands beside its type; only here is an option matched with a flag.
  private var settings: [(flag: String, text: String?)] {
    [
      ("norm", norm), ("epsilon", epsilon), ("steps", steps), ("step-size", stepSize),
      ("loss", loss), ("momentum", momentum), ("random-start", randomStart),
      ("target-order", targetOrder),
      ("targets", targets), ("patience", patience),
      ("queries", queries), ("directions", directions),
      ("probe", probe), ("restarts", restarts),
      ("lambda", lambda), ("lambda-pl", predictedLabelLambda), ("threshold", threshold),
      ("strength", strength), ("share", share), ("sides", sides), ("bits", bits), ("draws", draws),
      ("attack-draws", attackDraws), ("average", average),
    ]
  }

  /// The plan that the options, or the file in their place, describe.
  func evaluationPlan() throws -> EvaluationPlan {
    var plan = EvaluationPlan()
    if let file = self.plan {
      let given =
        [
          ("defence", defence.first), ("attack", attack.first),
          ("scores", scores.map { "\($0)" }), ("selections", selections.map { "\($0)" }),
        ] + settings
      if let flag = given.first(where: { $0.1 != nil })?.0 {
        throw Failure.usage("--\(flag) is said by the plan; leave it out here, or change the file")
      }
      plan = try planFile(file)
    } else {
      var flags = GivenFlags(settings)
      if !defence.isEmpty {
        plan.defences = try defence.map {
          try DefenceDescription(named($0, "--defence"), from: &flags)
        }
      }
      if !attack.isEmpty {
        plan.attacks = try attack.map {
          try AttackDescription(named($0, "--attack"), from: &flags)
        }
      }
      if let flag = flags.untaken {
        throw Failure.usage(
          "--\(flag) says nothing here: none of the given defences and attacks has it; leave it out"
        )
      }
      plan.scoringDraws = scores ?? plan.scoringDraws
      plan.selectionDraws = selections ?? plan.selectionDraws
    }
    plan.count = count ?? plan.count
    plan.seed = seed ?? plan.seed
    try plan.check()
    return plan
  }

  private func planFile(_ path: String) throws -> EvaluationPlan {
    let bytes: Data
    do { bytes = try Data(contentsOf: URL(filePath: path)) } catch {
      throw Failure.file("cannot read the plan \"\(path)\"; check the path")
    }
    return try EvaluationPlan(json: bytes, file: path)
  }

}

/// What an option names.
///
/// - Throws: `Failure` for a name that is unknown.
func named<Name: RawRepresentable<String> & CaseIterable>(
  _ text: String, _ option: String
) throws -> Name {
  guard let name = Name.allCases.first(where: { $0.rawValue == text }) else {
    let meant = suggestion(for: text, among: Name.allCases.map(\.rawValue))
    throw Failure.usage("\(option) \(text) is unknown; \(meant)it takes \(names(Name.allCases))")
  }
  return name
}

func names<Name: RawRepresentable<String>>(_ all: some Sequence<Name>) -> String {
  all.map(\.rawValue).joined(separator: ", ")
}
