import ArgumentParser
import Classification
import Experiments
import Foundation
import Robustness

/// Which defences and attacks, on how many images.
struct PlanOptions: ParsableArguments {
  @Option(
    help: "\(DefenceName.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated.")
  var defence: [String] = ["none"]

  @Option(
    help: """
      \(AttackName.Search.allCases.map(\.rawValue).joined(separator: ", ")); "adaptive-" in front if the \
      attacker knows the defence (as published, published-repaired and evasion must), "transfer-" if the \
      network of --other is attacked; may be repeated.
      """)
  var attack: [String] = ["none"]

  @Option(help: "Measure of a perturbation: linf, l2.")
  var norm: String?

  @Option(help: "Radius of the attack on the pixel scale, such as 8/255 or 0.15.")
  var epsilon: String?

  @Option(help: "Steps of the attack; 50 of pgd, 100 of apgd, 1000 of cw unless given.")
  var steps: Int?

  @Option(help: "Length of a step, as --epsilon; max(ε/4, 2.5 ε/steps) unless given.")
  var stepSize: String?

  @Option(
    help: "What pgd maximises: \(AttackLoss.allCases.map(\.rawValue).joined(separator: ", ")).")
  var loss: String?

  @Option(help: "Momentum of pgd, from 0 to 1.")
  var momentum: Float?

  @Option(help: "Predictions that noise (10,000) and square (5000) may ask for.")
  var queries: Int?

  @Option(help: "Independent starts of the attack, of which the best counts.")
  var restarts = 1

  @Option(name: .customLong("lambda"), help: "λ: the share of the input itself in a mixture.")
  var ratio: Float = 0.5

  @Option(name: .customLong("lambda-pl"), help: "λ of MI-PL, where it is to differ.")
  var predictedLabelRatio: Float?

  @Option(help: "Detection threshold of mi-combined.")
  var threshold: Float = 0.2

  @Option(
    help: "Pixel scale σ of gaussian (0.05), radius of uniform (0.1), degrees of rotation (20).")
  var strength: Float?

  @Option(
    help: "Least and largest side of a random square, 24,32; from three quarters unless given.")
  var sides: String?

  @Option(help: "Bits of a value for bit-depth (4).")
  var bits: Int?

  @Option(help: "N: executions for a decision.")
  var draws = 30

  @Option(help: "Executions for each gradient of an adaptive attack.")
  var attackDraws = 10

  @Option(
    help:
      "What the attacker of a defence averages: \(GradientAverage.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var average: String?

  @Option(help: "Draws that score an image of a randomised defence.")
  var scores = 20

  @Option(help: "Draws that choose the worst attack on an image; 0: no choice.")
  var selections = 5

  @Option(help: "File with the plan, JSON, in place of the options about defences and attacks.")
  var plan: String?

  @Option(help: "Test images, from the first; all unless given.")
  var count: Int?

  @Option(help: "Seed of everything random.")
  var seed: UInt64?

  /// What the options, or the file that stands for them, ask for.
  func evaluationPlan() throws -> EvaluationPlan {
    if plan != nil, let option = Self.inPlan.first(where: Self.isGiven) {
      throw Failure.usage("\(option) is said by the plan; leave it out here, or change the file")
    }
    let plan = try self.plan.map(planFile) ?? planOfOptions()
    try plan.check()
    return plan
  }

  /// Options that a plan's file stands for.
  private static let inPlan = [
    "--defence", "--attack", "--norm", "--epsilon", "--steps", "--step-size", "--loss",
    "--momentum",
    "--queries", "--restarts", "--lambda", "--lambda-pl", "--threshold", "--strength", "--sides",
    "--bits",
    "--draws", "--attack-draws", "--average", "--scores", "--selections",
  ]

  private static func isGiven(_ option: String) -> Bool {
    CommandLine.arguments.contains { $0 == option || $0.hasPrefix("\(option)=") }
  }

  private func planOfOptions() throws -> EvaluationPlan {
    let norm: PerturbationBudget.Norm? = try norm.map { try named($0, "--norm") }
    let loss: AttackLoss? = try loss.map { try named($0, "--loss") }
    let average: GradientAverage? = try average.map { try named($0, "--average") }
    let names: [AttackName] = try attack.map { try named($0, "--attack") }
    let sides = try sides.map { text in
      try text.split(separator: ",", omittingEmptySubsequences: false).map {
        guard let side = Int($0) else {
          throw Failure.usage("--sides is \(text); give two numbers with a comma: 24,32")
        }
        return side
      }
    }
    func description(
      _ name: AttackName, norm: PerturbationBudget.Norm?, epsilon: String?
    ) throws -> AttackDescription {
      guard name != .none else { return AttackDescription(.none) }
      let measure = AttackDescription(name, norm: norm).norm
      return AttackDescription(
        name, norm: norm, epsilon: try epsilon.map { try Epsilon($0, norm: measure) }, steps: steps,
        stepSize: try stepSize.map { try Epsilon($0, norm: measure) }, restarts: restarts,
        loss: loss, momentum: momentum, queries: queries, draws: attackDraws, average: average)
    }
    // An option that nothing asks for is not used, but is not allowed to be nonsense either. A radius that no
    // attack measures may be any length.
    let isMeasured = names.contains { $0 != .none }
    let radius = isMeasured ? "0" : epsilon ?? "0"
    try EvaluationPlan(
      defences: [
        DefenceDescription(
          .combined, lambda: ratio, lambdaPredicted: predictedLabelRatio, threshold: threshold,
          draws: draws), DefenceDescription(.cropAndPad, sides: sides),
      ],
      attacks: [
        try description(.adaptivePGD, norm: isMeasured ? norm : norm ?? .l2, epsilon: radius),
        try description(AttackName(.noise), norm: norm ?? .l2, epsilon: "0"),
      ]
    ).check()
    return EvaluationPlan(
      count: count, seed: seed ?? 1, scoringDraws: scores, selectionDraws: selections,
      defences: try defence.map {
        DefenceDescription(
          try named($0, "--defence"),
          lambda: $0 == DefenceName.predictedLabel.rawValue
            ? predictedLabelRatio ?? ratio : ratio,
          lambdaPredicted: predictedLabelRatio, threshold: threshold, strength: strength,
          sides: sides, bits: bits, draws: draws)
      },
      attacks: try names.map { try description($0, norm: norm, epsilon: epsilon) })
  }

  private func planFile(_ path: String) throws -> EvaluationPlan {
    let bytes: Data
    do { bytes = try Data(contentsOf: URL(filePath: path)) } catch {
      throw Failure.file("cannot read the plan \"\(path)\"; check the path")
    }
    var plan = try EvaluationPlan(json: bytes, file: path)
    plan.count = count ?? plan.count
    plan.seed = seed ?? plan.seed
    return plan
  }

  private func named<Name: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ option: String
  ) throws -> Name {
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("\(option) \(text) is unknown; it takes \(names)")
    }
    return name
  }
}
