import Classification
import Foundation
import Kernels
import MixupInference
import Reporting
import Robustness
import Statistics

/// The paper's Robustness Improving Condition (RIC, equation (10)), its Detection Gap (DG, (11)) and the
/// linearity between images, measured on a network: findings with intervals, none of which must hold.
///
/// y is the true label, ŷ the prediction for the adversarial image, ΔF_k what mixing adds to the confidence
/// in class k, and G what the attack adds to it.
package struct NetworkVerification: Sendable {
  /// What is measured: the network's attack, λ and numbers of draws.
  package struct Settings: Codable, Hashable, Sendable {
    package var lambdas: [MixingRatio] = [0.2, 0.4, 0.5, 0.6, 0.8]
    /// N.
    package var sampleCount = 30
    package var epsilon = Epsilon.zero
    /// Steps of PGD on the true labels, by an attacker who does not know of the defence.
    package var steps = 10
    /// Pairs of images, within classes and between classes each, on which linearity is measured.
    package var pairCount = 1000
    /// λ at which linearity is compared with RIC, example by example.
    package var comparedLambda: MixingRatio = 0.5
    /// Partners of an image for that.
    package var partnerCount = 10
    package var seed: UInt64 = 1

    package init() {}
  }

  /// RIC and DG under one rule at one λ: means over the adversarial images, with 95% intervals.
  package struct Point: Codable, Hashable, Sendable {
    package var rule: PartnerLabel
    package var lambda: MixingRatio
    /// ΔF_y and −ΔF_ŷ measured on adversarial images, equation (10).
    package var trueLabelMargin: BoundedMean
    package var predictedLabelMargin: BoundedMean
    /// The same by way of G, as Figure 2 has it.
    package var trueLabelMarginViaG: BoundedMean
    package var predictedLabelMarginViaG: BoundedMean
    /// −DG, equation (11) with the sign of a margin: each image against itself before the attack.
    package var detectionMargin: BoundedMean
    /// Images on which both halves of RIC hold.
    package var satisfied: Proportion
    package var curves: Curves
    /// What of the attack's effect is left at λδ; nil in what was kept before it was measured.
    package var growth: Growth?

    /// What the intervals say of RIC on average: that it holds if both lie above 0, that it does not if one
    /// lies below. Either statement is wrong with probability at most 5%. "Holds" is wrong only if the
    /// interval of a mean that is not above 0 lies above it: 2.5%. "Does not hold" is wrong only if one of
    /// the two lies below 0 although its mean does not: 2.5% for each.
    package var condition: Verdict {
      if lambda == 1 { return .doesNotHold }
      let halves = [trueLabelMargin, predictedLabelMargin].map(Verdict.init)
      return halves.contains(.doesNotHold)
        ? .doesNotHold : halves == [.holds, .holds] ? .holds : .notDecided
    }

    /// Whether a half of RIC holds by one route, direct or through G, and does not hold by the other.
    package var routesDisagree: Bool {
      [(trueLabelMargin, trueLabelMarginViaG), (predictedLabelMargin, predictedLabelMarginViaG)]
        .contains { direct, viaG in
          let verdicts = [Verdict(direct), Verdict(viaG)]
          return !verdicts.contains(.notDecided) && verdicts[0] != verdicts[1]
        }
    }

    /// What the interval says of the detection gap.
    package var detection: Verdict { lambda == 1 ? .doesNotHold : Verdict(detectionMargin) }
  }

  /// The effect of an attack on the confidence in the true class, at its whole length and at the part λ of it: means over
  /// the adversarial images, with 97.5% intervals, which hold both at once with 95% at least.
  package struct Growth: Codable, Hashable, Sendable {
    /// g = −G_y(δ).
    package var strength: BoundedMean
    /// G_y(λδ) − G_y(δ), which is g(1−λᵖ) where G is a power law of exponent p.
    package var decay: BoundedMean
    /// L.
    package var classCount: Int

    package init(strength: BoundedMean, decay: BoundedMean, classCount: Int) {
      self.strength = strength
      self.decay = decay
      self.classCount = classCount
    }

    /// The exponent p of the power law that decays as much at λ: p = ln(1 − decay/g) / ln λ, with an interval from the
    /// outer ends of both, so with 95% at least. An end is 0 where nothing need have decayed, and ∞ where nothing need be
    /// left; nil where g may be 0, where there is no image, and at λ of 0 or 1.
    package func exponent(at lambda: MixingRatio) -> (value: Double, interval: Interval)? {
      guard strength.count > 0, strength.interval.lower > 0, strength.interval.upper <= 1,
        lambda != 0, lambda != 1
      else { return nil }
      func exponent(_ share: Double) -> Double {
        share <= 0 ? 0 : share >= 1 ? .infinity : log1p(-share) / log(lambda.doubleValue)
      }
      let low = decay.interval.lower
      let high = decay.interval.upper
      // A negative decay is smallest over the smallest g.
      let ends = (
        exponent(low / (low < 0 ? strength.interval.lower : strength.interval.upper)),
        exponent(high / (high < 0 ? strength.interval.upper : strength.interval.lower))
      )
      return (exponent(decay.value / strength.value), Interval(lower: ends.0, upper: ends.1))
    }
  }

  /// Whether a condition, that the mean of a margin is above 0, holds by the interval for that mean.
  package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
    /// The interval lies above 0.
    case holds
    /// It lies below 0, or λ = 1, where mixing changes nothing.
    case doesNotHold = "does not hold"
    /// The interval has 0 inside: there is no evidence for either.
    case notDecided = "not decided"

    init(_ mean: BoundedMean) {
      self =
        mean.interval.lower > 0 ? .holds : mean.interval.upper < 0 ? .doesNotHold : .notDecided
    }
  }

  /// The curves of Figure 2 at one λ: means of F_MI over the images; ŷ is the adversarial prediction,
  /// also on the clean image, whose partners are chosen by its own.
  package struct Curves: Codable, Hashable, Sendable {
    package var cleanTrueLabel: BoundedMean
    package var adversarialTrueLabel: BoundedMean
    package var cleanPredictedLabel: BoundedMean
    package var adversarialPredictedLabel: BoundedMean
  }

  /// How the distance from linearity goes together with the RIC margin, image by image.
  package struct Comparison: Codable, Hashable, Sendable {
    package var rule: PartnerLabel
    /// The rank correlation between two numbers of every image: the mean distance of F from the straight
    /// line to its partners, and the RIC margin min(ΔF_y, −ΔF_ŷ). Nil if there is none.
    package var correlation: RankCorrelation?

    package init(rule: PartnerLabel, correlation: RankCorrelation?) {
      self.rule = rule
      self.correlation = correlation
    }
  }

  /// How far a network is from linear between images, and how that goes together with RIC.
  package struct Linearity: Keepable, Hashable, Sendable {
    package var measurement: LinearityMeasurement
    package var comparisons: [Comparison]

    package var isSound: Bool {
      Believable.count ~= measurement.pairCount
        && measurement.points.flatMap { [$0.withinClasses, $0.betweenClasses] }.allSatisfy {
          // A distance of two laws in ℓ1.
          isSoundMean($0, in: 0...2)
        }
        && comparisons.compactMap(\.correlation).allSatisfy {
          -1...1 ~= $0.coefficient && Believable.count ~= $0.count
        }
    }

    package init(measurement: LinearityMeasurement, comparisons: [Comparison]) {
      self.measurement = measurement
      self.comparisons = comparisons
    }
  }

  /// What was found.
  package struct Results: Keepable, Sendable {
    package var name: String
    package var settings: Settings
    package var imageCount: Int
    /// Images classified rightly before the attack and wrongly after it, as equation (2) presupposes.
    package var adversarialCount: Int
    package var points: [Point]
    package var linearity: Linearity

    package init(
      name: String, settings: Settings, imageCount: Int, adversarialCount: Int, points: [Point],
      linearity: Linearity
    ) {
      self.name = name
      self.settings = settings
      self.imageCount = imageCount
      self.adversarialCount = adversarialCount
      self.points = points
      self.linearity = linearity
    }

    package var isSound: Bool {
      Believable.count ~= imageCount && 0...imageCount ~= adversarialCount && linearity.isSound
        && points.allSatisfy { point in
          let margins = [
            point.trueLabelMargin, point.predictedLabelMargin, point.trueLabelMarginViaG,
            point.predictedLabelMarginViaG, point.detectionMargin,
          ]
          let curves = [
            point.curves.cleanTrueLabel, point.curves.adversarialTrueLabel,
            point.curves.cleanPredictedLabel, point.curves.adversarialPredictedLabel,
          ]
          // By way of G a margin is shifted by less than 1 from [−2, 2].
          let growth = point.growth.map { [$0.strength, $0.decay] } ?? []
          return point.satisfied.trials == adversarialCount
            && growth.allSatisfy { isSoundMean($0, in: -3...3) }
            && point.growth.map { 2...Believable.count.upperBound ~= $0.classCount } ?? true
            && margins.allSatisfy { isSoundMean($0, in: -3...3) }
            && curves.allSatisfy { isSoundMean($0, in: 0...1) }
        }
    }
  }

  var settings: Settings
  var workers: WorkerPool
  var progress: ProgressReporter

  package init(settings: Settings, workers: WorkerPool, progress: ProgressReporter) {
    self.settings = settings
    self.workers = workers
    self.progress = progress
  }

  /// Measures everything.
  ///
  /// - Parameters:
  ///   - images: the images to attack and to measure linearity on.
  ///   - pool: where mixing partners come from.
  package func run(
    _ base: some DifferentiableClassifier, named name: String, on images: LabelledImages,
    pool: SamplePool
  ) throws -> Results {
    let lambdas = settings.lambdas
    let stage = progress.stage(
      "measure \(name)", total: images.count * (2 + 2 * lambdas.count), unit: "images",
      work: passes(of: images.count).work)
    let (clean, adversarial) = try attacked(base, images) { try stage.advance(by: $0) }
    var points: [Point] = []
    for lambda in lambdas {
      let before = try decisions(base, on: clean, pool: pool, lambda: lambda)
      try stage.advance(by: images.count)
      let after = try decisions(base, on: adversarial, pool: pool, lambda: lambda)
      try stage.advance(by: images.count)
      points += PartnerLabel.allCases.map { rule in
        point(rule, lambda, before, after, labels: clean.labels, base.classCount)
      }
    }
    let results = Results(
      name: name, settings: settings, imageCount: images.count, adversarialCount: clean.count,
      points: points,
      linearity: Linearity(
        measurement: try measurement(base, on: images),
        comparisons: try comparisons(base, clean, adversarial, pool: pool)))
    stage.finish()
    return results
  }

  // MARK: Parts

  /// The images that are classified correctly before oblivious PGD and wrongly after it, as equation (2)
  /// presupposes, in both states.
  private func attacked(
    _ base: some DifferentiableClassifier, _ images: LabelledImages,
    _ advance: @escaping @Sendable (Int) throws -> Void
  ) throws -> (clean: LabelledImages, adversarial: LabelledImages) {
    let evaluation = Evaluation(seed: settings.seed, on: workers)
    let before = try evaluation.run(base, on: images) { try advance($0.outcomes.count) }
    let after = try evaluation.run(
      base, on: images,
      under: Threat(
        ProjectedGradientDescent(steps: settings.steps), within: .linf(settings.epsilon),
        through: base)
    ) { try advance($0.outcomes.count) }
    let chosen = images.positions(of: after.outcomes.successes(over: before.outcomes))
    return (images[chosen], after.images[chosen])
  }

  /// F, and F_MI under both rules, of every image.
  private func decisions(
    _ base: some DifferentiableClassifier, on images: LabelledImages, pool: SamplePool,
    lambda: MixingRatio
  ) throws -> [MixupDecision] {
    let mixing = Mixing(lambda: lambda, sampleCount: settings.sampleCount)
    let defence = try MixupInference(
      base, pool: pool,
      rule: .combined(predictedLabel: mixing, otherLabel: mixing, threshold: 0))
    return try blocks(images.count) { positions in
      let part = images[positions]
      return try defence.decisions(
        of: part.pixels,
        draws: Draws(seed: settings.seed, purpose: .score, examples: part.indices))
    }
  }

  private func blocks<Value: Sendable>(
    _ count: Int, _ body: @Sendable (Range<Int>) throws -> [Value]
  ) throws -> [Value] {
    let size = 8
    return try workers.map(count: (count + size - 1) / size) { block in
      try progress.interruption.check()
      return try body(block * size..<min((block + 1) * size, count))
    }.flatMap(\.self)
  }

  private func point(
    _ rule: PartnerLabel, _ lambda: MixingRatio, _ before: [MixupDecision],
    _ after: [MixupDecision],
    labels: [Int], _ classCount: Int
  ) -> Point {
    let routes = zip(labels, zip(before, after)).map { label, pair in
      Self.route(rule, lambda, label, pair.0, pair.1, classCount)
    }
    // F_MI and F are in [0, 1] up to rounding, so each change is in [−1, 1].
    func mean(
      _ values: [Double], within width: Double, shift: Double = 0, confidence: Double = 0.95
    ) -> BoundedMean {
      let range = shift - width...shift + width
      return BoundedMean(
        values.map { min(max($0, range.lowerBound), range.upperBound) }, in: range,
        confidence: confidence)
    }
    func confidence(_ values: [Double]) -> BoundedMean {
      BoundedMean(values.map { min(max($0, 0), 1) }, in: 0...1)
    }
    let c = rule == .predicted ? 0 : 1 - lambda.doubleValue
    return Point(
      rule: rule, lambda: lambda,
      trueLabelMargin: mean(routes.map(\.directCondition.trueLabelChange), within: 1),
      predictedLabelMargin: mean(
        routes.map { -$0.directCondition.predictedLabelChange }, within: 1),
      trueLabelMarginViaG: mean(
        routes.map(\.condition.trueLabelChange), within: 2, shift: -c),
      predictedLabelMarginViaG: mean(
        routes.map { -$0.condition.predictedLabelChange }, within: 2,
        shift: -c / Double(classCount - 1)),
      detectionMargin: mean(
        routes.map { route in
          // The clean image's own ŷ is y.
          DetectionGap.detectionMargin(
            adversarialChange: route.directCondition.predictedLabelChange,
            cleanChange: confidenceChange(
              mixed: route.cleanMixed.trueLabel, unmixed: route.clean.trueLabel))
        }, within: 2),
      satisfied: Proportion(
        routes.map { route in
          var condition = route.directCondition
          // F_MI is a mean of N floats up to 1: N roundings of the sum, one of the quotient and one of F.
          condition.rounding = Double(settings.sampleCount + 2) * 0x1p-24
          return condition.holds
        }),
      curves: Curves(
        cleanTrueLabel: confidence(routes.map(\.cleanMixed.trueLabel)),
        adversarialTrueLabel: confidence(routes.map(\.adversarialMixed.trueLabel)),
        cleanPredictedLabel: confidence(routes.map(\.cleanMixed.predictedLabel)),
        adversarialPredictedLabel: confidence(routes.map(\.adversarialMixed.predictedLabel))),
      growth: Growth(
        strength: mean(routes.map { -$0.trueLabelEffect }, within: 1, confidence: 0.975),
        decay: mean(
          routes.map { $0.trueLabelEffectMixed - $0.trueLabelEffect }, within: 3,
          confidence: 0.975),
        classCount: classCount))
  }

  private static func route(
    _ rule: PartnerLabel, _ lambda: MixingRatio, _ label: Int, _ before: MixupDecision,
    _ after: MixupDecision, _ classCount: Int
  ) -> PerturbationRoute {
    func confidences(_ values: [Float]?) -> PerturbationRoute.Confidences {
      PerturbationRoute.Confidences(
        trueLabel: Double(values?[label] ?? 0),
        predictedLabel: Double(values?[after.predicted] ?? 0))
    }
    func mixed(_ decision: MixupDecision) -> [Float]? {
      // Mixed with a share of 0 every image stays what it is, and its average is F but for rounding.
      lambda == 1
        ? decision.clean
        : rule == .predicted ? decision.predictedLabelAverage : decision.otherLabelAverage
    }
    return PerturbationRoute(
      rule: rule, lambda: lambda.doubleValue, classCount: classCount,
      clean: confidences(before.clean),
      cleanMixed: confidences(mixed(before)), adversarial: confidences(after.clean),
      adversarialMixed: confidences(mixed(after)))
  }

  private func measurement(
    _ base: some DifferentiableClassifier, on images: LabelledImages
  ) throws -> LinearityMeasurement {
    try LinearityMeasurement(
      base, on: images, lambdas: (0...10).map { MixingRatio($0, over: 10) },
      pairCount: settings.pairCount,
      seed: settings.seed)
  }

  /// The distance between a clean image's mixtures and the line to its partners, against the RIC
  /// margin of the same image under attack.
  private func comparisons(
    _ base: some DifferentiableClassifier, _ clean: LabelledImages, _ adversarial: LabelledImages,
    pool: SamplePool
  ) throws -> [Comparison] {
    let lambda = settings.comparedLambda
    let decisions = try decisions(base, on: adversarial, pool: pool, lambda: lambda)
    return try PartnerLabel.allCases.map { rule in
      let margins = zip(clean.labels, decisions).map { label, decision -> Double in
        let mixed =
          rule == .predicted ? decision.predictedLabelAverage : decision.otherLabelAverage
        return RobustnessImprovingCondition(
          unmixed: decision.clean.map(Double.init), mixed: (mixed ?? []).map(Double.init),
          trueLabel: label, predictedLabel: decision.predicted
        ).margin
      }
      let distances = try blocks(clean.count) { positions in
        try positions.map { position in
          let image = clean[[position]]
          let partners = (0..<settings.partnerCount).map { number in
            pool.draw(
              rule, predicted: clean.labels[position],
              key: RandomKey(
                seed: settings.seed, purpose: .measure, example: clean.indices[position],
                step: 1, draw: number)
            ).position
          }
          let repeated = image.pixels[[Int](repeating: 0, count: partners.count)]
          let found = try LinearityMeasurement.distances(
            base, first: repeated, second: pool.images.pixels[partners], lambdas: [lambda],
            draws: Draws(
              seed: settings.seed, purpose: .measure,
              examples: [Int](repeating: clean.indices[position], count: partners.count)))
          return found[0].reduce(0, +) / Double(partners.count)
        }
      }
      return Comparison(rule: rule, correlation: RankCorrelation(distances, margins))
    }
  }
}

/// Whether a mean that was kept is one of some values in a range.
private func isSoundMean(_ mean: BoundedMean, in range: ClosedRange<Double>) -> Bool {
  Believable.count ~= mean.count && range ~= mean.value && range ~= mean.interval.lower
    && range ~= mean.interval.upper
}
