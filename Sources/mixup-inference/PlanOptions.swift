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
      defence (as published, published-repaired and evasion must), "transfer-" if the network of --other is \
      attacked; may be repeated. Usually none.
      """)
  var attack: [String] = []

  @Option(help: "Measure of a perturbation: \(names(PerturbationBudget.Norm.allCases)).")
  var norm: String?

  @Option(help: "Radius of the attack on the pixel scale, such as 8/255 or 0.15.")
  var epsilon: String?

  @Option(help: "Steps of the attack; usually \(AttackDescription.usual("steps")).")
  var steps: String?

  @Option(help: "Length of a step, as --epsilon; max(ε/4, 2.5 ε/steps) unless given.")
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
      Predictions that an attack without gradients may ask for; usually \(AttackDescription.usual("queries")).
      """)
  var queries: String?

  @Option(
    help: """
      Differences from which spsa guesses a gradient; usually \(AttackDescription.usual("directions")).
      """)
  var directions: String?

  @Option(
    help: """
      How far from an image spsa asks, on the pixel scale; usually \(AttackDescription.usual("probe")).
      """)
  var probe: String?

  @Option(help: "Independent starts of the attack, of which the best counts; usually 1.")
  var restarts: String?

  @Option(
    name: .customLong("lambda"),
    help:
      "λ: the share of the input itself in a mixture; usually \(DefenceDescription.usual("lambda"))."
  )
  var ratio: String?

  @Option(name: .customLong("lambda-pl"), help: "λ of MI-PL, where it is to differ.")
  var predictedLabelRatio: String?

  @Option(help: "Detection threshold; usually \(DefenceDescription.usual("threshold")).")
  var threshold: String?

  @Option(
    help: """
      Pixel scale σ of gaussian, radius of uniform, degrees of rotation; usually \
      \(DefenceDescription.usual("strength")).
      """)
  var strength: String?

  @Option(
    help: """
      Share of the pixels that are made black; usually \(DefenceDescription.usual("share")).
      """)
  var share: String?

  @Option(
    help: "Least and largest side of a random square, 24,32; from three quarters unless given.")
  var sides: String?

  @Option(help: "Bits of a value; usually \(DefenceDescription.usual("bits")).")
  var bits: String?

  @Option(help: "N: executions for a decision; usually \(usualSampleCount).")
  var draws: String?

  @Option(
    help: """
      Executions for each gradient of an adaptive attack; usually \(AttackDescription.usualDraws).
      """)
  var attackDraws: String?

  @Option(
    help: """
      What the attacker of a defence averages: \(names(GradientAverage.allCases)); usually probabilities.
      """)
  var average: String?

  @Option(
    help: """
      Draws that score an image of a randomised defence; usually \(EvaluationPlan().scoringDraws).
      """)
  var scores: Int?

  @Option(
    help: """
      Draws that choose the worst attack on an image, 0 for no choice; usually \
      \(EvaluationPlan().selectionDraws).
      """)
  var selections: Int?

  @Option(help: "File with the plan, JSON, in place of the options about defences and attacks.")
  var plan: String?

  @Option(help: "Test images, from the first; all unless given.")
  var count: Int?

  @Option(help: "Seed of everything random; usually \(EvaluationPlan().seed).")
  var seed: UInt64?

  /// What attacks and defences are told, by flag. They know their flags; here alone an option becomes one.
  private var settings: [(flag: String, text: String?)] {
    [
      ("norm", norm), ("epsilon", epsilon), ("steps", steps), ("step-size", stepSize),
      ("loss", loss), ("momentum", momentum), ("queries", queries), ("directions", directions),
      ("probe", probe), ("restarts", restarts),
      ("lambda", ratio), ("lambda-pl", predictedLabelRatio), ("threshold", threshold),
      ("strength", strength), ("share", share), ("sides", sides), ("bits", bits), ("draws", draws),
      ("attack-draws", attackDraws), ("average", average),
    ]
  }

  /// What the options, or the file that stands for them, ask for.
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

  private func named<Name: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ option: String
  ) throws -> Name {
    guard let name = Name.allCases.first(where: { $0.rawValue == text }) else {
      throw Failure.usage("\(option) \(text) is unknown; it takes \(names(Name.allCases))")
    }
    return name
  }
}

private func names<Name: RawRepresentable<String>>(_ all: some Sequence<Name>) -> String {
  all.map(\.rawValue).joined(separator: ", ")
}
