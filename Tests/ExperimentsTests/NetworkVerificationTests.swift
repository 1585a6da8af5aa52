import Classification
import Experiments
import Foundation
import Kernels
import MixupInference
import PropertyChecks
import PropertyTesting
import Reporting
import Robustness
import Statistics
import TestSupport
import Testing

@Suite("RIC, DG and linearity on a network")
struct NetworkVerificationTests {
  private let shape = ImageShape(channels: 1, height: 3, width: 3)

  private func measure(
    _ model: some DifferentiableClassifier, threads: Int, seed: UInt64 = 1
  ) throws -> NetworkVerification.Results {
    var settings = NetworkVerification.Settings()
    settings.lambdas = [0.5, 1]
    settings.sampleCount = 4
    settings.epsilon = try Epsilon("2/5")
    settings.steps = 5
    settings.pairCount = 50
    settings.partnerCount = 3
    settings.seed = seed
    // Labelled by the model itself, so that clean images are classified rightly.
    let random = try randomImages(60, shape: shape, classCount: 3, seed: 1)
    let labels = try model.predictions(
      of: random.pixels, draws: Draws(seed: 1, purpose: .test, examples: random.indices))
    let images = try LabelledImages(pixels: random.pixels, labels: labels, classCount: 3)
    return try NetworkVerification(
      settings: settings, workers: WorkerPool(threadCount: threads),
      progress: ProgressReporter(output: .init(columns: nil, write: { _ in }))
    ).run(model, named: "toy", on: images, pool: try SamplePool(images))
  }

  @Test("at λ = 1 every margin is 0, at λ = ½ the routes differ, and threads change nothing")
  func measures() throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3)
    let results = try measure(model, threads: 1)
    #expect(results.adversarialCount > 30 && results.imageCount == 60)
    for point in results.points {
      #expect(point.satisfied.trials == results.adversarialCount)
      guard point.lambda == 1 else { continue }
      #expect(point.satisfied.successes == 0)
      #expect(point.condition == .doesNotHold && point.detection == .doesNotHold)
      // F_MI is the average of N times the same numbers.
      for mean in [
        point.trueLabelMargin, point.predictedLabelMargin, point.detectionMargin,
        point.trueLabelMarginViaG, point.predictedLabelMarginViaG,
      ] {
        #expect(abs(mean.value) <= 1e-6 && mean.interval.contains(0))
      }
    }
    let middle = results.points.filter { $0.lambda == 0.5 }
    #expect(middle.contains { abs($0.trueLabelMargin.value - $0.trueLabelMarginViaG.value) > 0.01 })
    #expect(middle.contains { $0.satisfied.successes > 0 })
    let other = try measure(model, threads: 2)
    #expect(other.points == results.points)
    #expect(other.linearity == results.linearity)
    #expect(
      results.linearity.comparisons.allSatisfy { $0.correlation?.count == results.adversarialCount }
    )
  }

  // Ĝ and the condition are linear in the four curves, so their means say it as well as the images do.
  @Test("the curves of Figure 2 give the margins by way of G")
  func curves() throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3)
    let points = try measure(model, threads: 1).points
    for rule in PartnerLabel.allCases {
      let own = points.filter { $0.rule == rule }
      let (mixed, whole) = (own[0].curves, own[1].curves)
      #expect(own[1].lambda == 1)
      // Attacked images have lost y for ŷ.
      #expect(whole.cleanTrueLabel.value > whole.adversarialTrueLabel.value)
      #expect(whole.cleanPredictedLabel.value < whole.adversarialPredictedLabel.value)
      func confidences(_ y: BoundedMean, _ predicted: BoundedMean) -> PerturbationRoute.Confidences
      {
        PerturbationRoute.Confidences(trueLabel: y.value, predictedLabel: predicted.value)
      }
      let route = PerturbationRoute(
        rule: rule, lambda: 0.5, classCount: 3,
        clean: confidences(whole.cleanTrueLabel, whole.cleanPredictedLabel),
        cleanMixed: confidences(mixed.cleanTrueLabel, mixed.cleanPredictedLabel),
        adversarial: confidences(whole.adversarialTrueLabel, whole.adversarialPredictedLabel),
        adversarialMixed: confidences(
          mixed.adversarialTrueLabel, mixed.adversarialPredictedLabel))
      // Floats of a softmax, averaged.
      #expect(abs(route.condition.trueLabelChange - own[0].trueLabelMarginViaG.value) <= 1e-6)
      #expect(
        abs(-route.condition.predictedLabelChange - own[0].predictedLabelMarginViaG.value) <= 1e-6)
    }
  }

  /// Results at one λ whose margins are these values on every image in turn.
  private func results(
    _ y: [Double], _ predicted: [Double], gap: [Double]
  ) throws -> NetworkVerification.Results {
    var results = try measure(
      LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3), threads: 2)
    results.points.removeAll { $0.lambda == 1 || $0.rule == .other }
    results.points[0].trueLabelMargin = BoundedMean(y, in: -1...1)
    results.points[0].predictedLabelMargin = BoundedMean(predicted, in: -1...1)
    results.points[0].detectionMargin = BoundedMean(gap, in: -2...2)
    return results
  }

  // At λ = 1 nothing decays on any image, so the interval is known.
  @Test("the two intervals behind an exponent hold with 97.5% each, so that both do with 95%")
  func joint() throws {
    let measured = try measure(
      LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3), threads: 2)
    let points = measured.points.filter { $0.lambda == 1 }
    #expect(points.count == PartnerLabel.allCases.count)
    for point in points {
      let decay = try #require(point.growth?.decay)
      try #require(decay.count > 1)
      let zeros = [Double](repeating: 0, count: decay.count)
      #expect(decay == BoundedMean(zeros, in: -3...3, confidence: 0.975))
    }
  }

  @Test(
    "an attack that is a power law has the exponent of it at every λ, and RIC as its growth condition says"
  )
  func exponents() async throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3)
    let measured = try measure(model, threads: 2)
    await check(
      "exponents", .double(in: 0.05...1), .double(in: 0.2...5), .integer(in: 1...19)
    ) { (strength: Double, exponent: Double, twentieths: Int) in
      let lambda = MixingRatio(twentieths, over: 20)
      let decay = strength * (1 - pow(lambda.doubleValue, exponent))
      // Of many equal numbers the interval is narrow.
      func mean(_ value: Double, _ range: ClosedRange<Double>) -> BoundedMean {
        BoundedMean([Double](repeating: value, count: 2000), in: range)
      }
      let growth = NetworkVerification.Growth(
        strength: mean(strength, -1...1), decay: mean(decay, -3...3), classCount: 3)
      guard let found = growth.exponent(at: lambda) else {
        // Only where g may be 0, or beyond 1.
        #expect(growth.strength.interval.lower <= 0 || growth.strength.interval.upper > 1)
        return
      }
      // d and g are sums of 2000 numbers, each with 2000 roundings of 2⁻⁵³ at most, so d/g ≤ 1 is off by 4003 · 2⁻⁵³;
      // ln(1 − d/g) then by that over λᵖ, and p by that over |ln λ|.
      let left = pow(lambda.doubleValue, exponent)
      let rounding = 4003 * 0x1p-53 / (left * abs(log(lambda.doubleValue)))
      #expect(abs(found.value - exponent) <= 2 * rounding + 0x1p-50 * exponent)
      #expect(found.interval.lower <= exponent && exponent <= found.interval.upper)
      var network = measured
      network.points = network.points.prefix(1).map {
        var point = $0
        point.lambda = lambda
        point.growth = growth
        return point
      }
      guard let region = NetworkRegion(network) else {
        #expect(Bool(false), "it has a place")
        return
      }
      func isSaid(_ verdict: NetworkVerification.Verdict) -> Bool {
        !region.lambdas(network.points[0].rule, verdict).isEmpty
      }
      let condition = try? GrowthCondition(
        strength: growth.strength.value, exponent: exponent, rule: network.points[0].rule,
        classCount: 3)
      // Whoever is decided is decided rightly.
      if isSaid(.holds) { #expect(condition?.holds(at: lambda.doubleValue) == true) }
      if isSaid(.doesNotHold) { #expect(condition?.holds(at: lambda.doubleValue) == false) }
      #expect(
        NetworkVerification.Verdict.allCases.count { isSaid($0) } == 1, "it is said once")
    }
  }

  @Test("a file of verify with a network is read, and its page shows where the network stands")
  func page() throws {
    let model = LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3)
    let measured = try measure(model, threads: 2)
    var settings = Verification.Settings()
    settings.modelCount = 1
    let synthetic = try Verification(settings).run()
    let file = try VerificationReport(synthetic, network: measured).json()
    let page = RunReport(try MeasuredRun.read([("v", file)])).page.render()
    #expect(page.contains("Do the conditions of mixup inference hold on this network?"))
    #expect(page.contains("RIC of a power law") && page.contains("Robustness improving condition"))
    #expect(throws: RunError.self) {
      try MeasuredRun.read([("v", VerificationReport(synthetic).json())])
    }
  }

  @Test(
    "the table of verdicts has every λ under its verdict, rule by rule and condition by condition")
  func verdictTable() throws {
    let measured = try measure(
      LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3), threads: 2)
    let table = NetworkVerificationReport.verdictTable([measured])
    for rule in PartnerLabel.allCases {
      let points = measured.points.filter { $0.rule == rule }
      for (condition, verdicts) in [
        ("RIC", points.map(\.condition)), ("DG < 0", points.map(\.detection)),
      ] {
        let row = try #require(
          table.rows.first { $0[1].text == rule.title && $0[2].text == condition })
        let expected = NetworkVerification.Verdict.allCases.map { verdict in
          let own = zip(points, verdicts).filter { $0.1 == verdict }
            .map { trimmed($0.0.lambda.doubleValue, decimals: 3) }
          return own.isEmpty ? "–" : own.joined(separator: ", ")
        }
        #expect(row[3...].map(\.text) == expected)
      }
    }
  }

  // Half of the confidence taken from models that are sure of clean images misleads none of them.
  @Test(
    "where models are not misled there is no picture of where they satisfy the conditions, and words say why"
  )
  func noRegion() throws {
    var network = try measure(
      LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3), threads: 2)
    func figures(_ strength: Double) throws -> (figures: Int, words: Bool) {
      for place in network.points.indices {
        network.points[place].growth = NetworkVerification.Growth(
          strength: BoundedMean([Double](repeating: strength, count: 2000), in: -1...1),
          decay: BoundedMean([Double](repeating: strength / 2, count: 2000), in: -3...3),
          classCount: 3)
      }
      let content = try #require(NetworkRegion(network)).content()
      return (
        content.count { if case .figure = $0 { true } else { false } },
        content.contains {
          if case .paragraph(let text) = $0 {
            text.contains("misleads none of them")
          } else {
            false
          }
        }
      )
    }
    #expect(try figures(0.4) == (0, true) && figures(0.9) == (1, false))
  }

  @Test("says of a network's exponents whether one of them would do at every λ")
  func heights() throws {
    var network = try measure(
      LinearSoftmax(imageShape: shape, classCount: 3, seed: 4, scale: 3), threads: 2)
    network.points = network.points.filter { $0.lambda == 1 }.flatMap { point in
      [MixingRatio(1, over: 4), MixingRatio(3, over: 4)].map {
        var point = point
        point.lambda = $0
        return point
      }
    }
    func caption(decay: (Double) -> Double) throws -> String {
      for place in network.points.indices {
        let share = decay(network.points[place].lambda.doubleValue)
        network.points[place].growth = NetworkVerification.Growth(
          strength: BoundedMean([Double](repeating: 0.9, count: 2000), in: -1...1),
          decay: BoundedMean([Double](repeating: 0.9 * share, count: 2000), in: -3...3),
          classCount: 3)
      }
      return try #require(NetworkRegion(network)).content().map {
        if case .figure(_, let caption) = $0 { caption } else { "" }
      }.joined()
    }
    let lawful = try caption { 1 - $0 * $0 }
    #expect(lawful.contains("under MI-PL p\u{A0}=") && lawful.contains("under MI-OL p\u{A0}="))
    #expect(!lawful.contains("no p lies"))
    // Half of the effect at every λ is another exponent at each.
    #expect(
      try caption { _ in 0.5 }.components(separatedBy: "no p lies in all whiskers").count == 3)
  }

  @Test("tells where the route through G comes to the opposite of what is measured")
  func derivation() throws {
    let (above, below) = ([Double](repeating: 0.2, count: 87), [Double](repeating: -0.2, count: 87))
    let between = (0..<87).map { $0 % 2 == 0 ? 0.53 : -0.47 }
    func said(_ direct: [Double], _ viaG: [Double]) throws -> String {
      var results = try results(direct, direct, gap: direct)
      results.points = [results.points[0]]
      results.points[0].trueLabelMarginViaG = BoundedMean(viaG, in: -1...1)
      results.points[0].predictedLabelMarginViaG = BoundedMean(direct, in: -1...1)
      return NetworkVerificationReport.derivation([results])
    }
    let lambda = try #require(results(above, above, gap: above).points.first).lambda.doubleValue
    for (direct, viaG) in [(above, below), (below, above)] {
      #expect(
        try said(direct, viaG).contains(
          "under MI-PL at λ = \(trimmed(lambda, decimals: 3)), where the network"))
    }
    for (direct, viaG) in [(above, above), (above, between), (between, below), (between, between)] {
      #expect(try said(direct, viaG).hasSuffix("seen nowhere."))
    }
  }

  @Test("what an interval with 0 inside says is that nothing is decided")
  func verdicts() throws {
    let (above, below) = ([Double](repeating: 0.2, count: 87), [Double](repeating: -0.2, count: 87))
    // Means of 0.03 with a spread that 87 images do not settle.
    let between = (0..<87).map { $0 % 2 == 0 ? 0.53 : -0.47 }
    for (y, predicted, verdict) in [
      (above, above, NetworkVerification.Verdict.holds), (above, below, .doesNotHold),
      (below, above, .doesNotHold), (above, between, .notDecided), (between, below, .doesNotHold),
      (between, between, .notDecided), ([], [], .notDecided),
    ] {
      #expect(try results(y, predicted, gap: y).points[0].condition == verdict)
    }
    for (gap, verdict) in [
      (above, NetworkVerification.Verdict.holds), (below, .doesNotHold), (between, .notDecided),
    ] {
      #expect(try results(above, above, gap: gap).points[0].detection == verdict)
    }
  }

  // As on CIFAR-10's mixup network: every one of 87 margins positive, mean 0.194, standard error 0.009.
  @Test("margins that are all well above 0 decide, in words and in counts")
  func wording() throws {
    var random = RandomStream(RandomKey(seed: 1, purpose: .test))
    let margins = (0..<87).map { _ in 0.194 + 0.084 * (2 * random.uniformDouble() - 1) }
    var found = try results(margins, margins, gap: margins.map { $0 - 0.19 })
    found.points[0].satisfied = Proportion(successes: 87, trials: 87)
    let synthetic = try Verification(.init()).run()
    let report = VerificationReport(synthetic, network: found)
    let text = report.printout.text(TextStyle(columns: 200))
    #expect(text.contains("MI-PL: measured directly, RIC on average holds at λ = 0.5."))
    #expect(text.contains("as the paper's detector needs it on average not decided at λ = 0.5."))
    #expect(text.contains("87 of 87, 100.0% [95.8, 100.0]"))
    #expect(text.contains("Not decided: the interval has 0 inside"))
    #expect(!text.contains("at no λ"))
  }
}
