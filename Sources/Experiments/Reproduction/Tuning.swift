import Classification
import Kernels
import MixupInference
import NeuralNetwork
import Robustness
import Statistics

/// The choice of λ, of the detection threshold and of the detector's λ, on validation images only.
package struct Tuning: Keepable, Hashable, Sendable {
  /// One value that was tried, with its accuracies on the validation images.
  package struct Trial<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    package var value: Value
    package var clean: Double
    package var adversarial: Double

    package init(value: Value, clean: Double, adversarial: Double) {
      self.value = value
      self.clean = clean
      self.adversarial = adversarial
    }
  }

  /// The trials and the value chosen.
  package struct Choice<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    package var value: Value
    package var trials: [Trial<Value>]

    /// Whether the value loses no more clean accuracy than is allowed; if it loses more, so do all others.
    package var isReached: Bool

    /// The choice of the rule among trials.
    ///
    /// - Precondition: there are trials.
    package init(_ trials: [Trial<Value>], cleanBaseline: Double, rule: ChoosingRule) {
      self.trials = trials
      let choice = rule.choice(
        of: trials.map { .init(clean: $0.clean, adversarial: $0.adversarial) },
        baseline: cleanBaseline)
      value = trials[choice?.place ?? 0].value
      isReached = choice?.isReached ?? false
    }
  }

  /// One λ of the detector, with the area under its ROC curve: clean validation images against the
  /// adversarial ones that the network gets wrong; nil where there are none.
  package struct DetectionTrial: Codable, Hashable, Sendable {
    package var lambda: MixingRatio
    package var areaUnderCurve: Double?
  }

  /// λ of MI-PL as a detector: that of the largest area, the first among equals.
  package var detectionLambda: MixingRatio
  package var detectionTrials: [DetectionTrial]
  /// λ of MI-PL, λ of MI-OL, and the threshold of MI-Combined between the two.
  package var predictedLabel: Choice<MixingRatio>
  package var otherLabel: Choice<MixingRatio>
  package var threshold: Choice<Float>

  package var isSound: Bool {
    func isSound(_ choice: Choice<some Any>) -> Bool {
      !choice.trials.isEmpty
        && choice.trials.allSatisfy {
          Believable.share ~= $0.clean && Believable.share ~= $0.adversarial
        }
    }
    return isSound(predictedLabel) && isSound(otherLabel) && isSound(threshold)
      && threshold.value.isFinite
      && detectionTrials.compactMap(\.areaUnderCurve).allSatisfy { Believable.share ~= $0 }
  }

  /// Mixup inference under a defence's name with the chosen values and N mixtures in each branch; nil for
  /// other defences.
  package func rule(_ defence: DefenceName, sampleCount: Int) -> MixupInferenceRule? {
    let predicted = Mixing(lambda: predictedLabel.value, sampleCount: sampleCount)
    let other = Mixing(lambda: otherLabel.value, sampleCount: sampleCount)
    return switch defence {
    case .predictedLabel: .predictedLabel(predicted)
    case .otherLabel: .otherLabel(other)
    case .combined:
      .combined(predictedLabel: predicted, otherLabel: other, threshold: threshold.value)
    default: nil
    }
  }

  /// Tunes a network's defence.
  ///
  /// - Parameters:
  ///   - clean: validation images.
  ///   - adversarial: the same images after oblivious PGD on the bare network.
  ///   - advance: called after each of `runCount(lambdas:)` evaluations; what it throws ends the work.
  package init(
    _ base: NetworkClassifier, pool: SamplePool, clean: LabelledImages,
    adversarial: LabelledImages, lambdas: [MixingRatio], sampleCount: Int, rule: ChoosingRule,
    seed: UInt64,
    workers: WorkerPool, advance: @Sendable () throws -> Void
  ) throws {
    /// Whether the averages of MI-PL and MI-OL classify an input correctly, and the detector's statistic.
    struct Verdict: Sendable {
      var gap: Float
      var predictedIsCorrect: Bool
      var otherIsCorrect: Bool
    }
    func verdicts(
      _ images: LabelledImages, predicted: MixingRatio, other: MixingRatio
    ) throws -> [Verdict] {
      let defence = try MixupInference(
        base, pool: pool,
        rule: .combined(
          predictedLabel: Mixing(lambda: predicted, sampleCount: sampleCount),
          otherLabel: Mixing(lambda: other, sampleCount: sampleCount), threshold: 0))
      let blockSize = 8
      let blocks = try workers.map(count: (images.count + blockSize - 1) / blockSize) { block in
        let part = images[block * blockSize..<min((block + 1) * blockSize, images.count)]
        let decisions = try defence.decisions(
          of: part.pixels, draws: Draws(seed: seed, purpose: .tune, examples: part.indices))
        return zip(decisions, part.labels).map { decision, label in
          Verdict(
            gap: decision.value(of: .confidenceDrop),
            predictedIsCorrect: firstMaximum(decision.predictedLabelAverage) == label,
            otherIsCorrect: firstMaximum(decision.otherLabelAverage) == label)
        }
      }
      try advance()
      return blocks.flatMap(\.self)
    }
    func share(_ verdicts: [Verdict], _ isCorrect: (Verdict) -> Bool) -> Double {
      Double(verdicts.count(where: isCorrect)) / Double(max(verdicts.count, 1))
    }

    let draws = Draws(seed: seed, purpose: .tune, examples: clean.indices)
    func isCorrect(_ images: Pixels) throws -> [Bool] {
      zip(try base.predictions(of: images, draws: draws), clean.labels).map(==)
    }
    let wasCorrect = try isCorrect(clean.pixels)
    let baseline = Double(wasCorrect.count { $0 }) / Double(max(clean.count, 1))
    // What was wrong before is no success of the attack.
    let isFooled = zip(wasCorrect, try isCorrect(adversarial.pixels)).map { $0 && !$1 }
    var (predictedTrials, otherTrials) = ([Trial<MixingRatio>](), [Trial<MixingRatio>]())
    detectionTrials = []
    for lambda in lambdas {
      // One run serves both rules, as their draws are independent of each other.
      let onClean = try verdicts(clean, predicted: lambda, other: lambda)
      let onAdversarial = try verdicts(adversarial, predicted: lambda, other: lambda)
      predictedTrials.append(
        Trial(
          value: lambda, clean: share(onClean, \.predictedIsCorrect),
          adversarial: share(onAdversarial, \.predictedIsCorrect)))
      otherTrials.append(
        Trial(
          value: lambda, clean: share(onClean, \.otherIsCorrect),
          adversarial: share(onAdversarial, \.otherIsCorrect)))
      let fooled = zip(onAdversarial, isFooled).filter(\.1).map { Double($0.0.gap) }
      detectionTrials.append(
        DetectionTrial(
          lambda: lambda,
          areaUnderCurve: fooled.isEmpty
            ? nil
            : try ReceiverOperatingCharacteristic(
              negatives: onClean.map { Double($0.gap) }, positives: fooled
            ).areaUnderCurve))
    }
    let largestArea = detectionTrials.compactMap(\.areaUnderCurve).max()
    detectionLambda =
      detectionTrials.first { $0.areaUnderCurve == largestArea }?.lambda ?? 0.5
    predictedLabel = Choice(
      predictedTrials, cleanBaseline: baseline, rule: rule)
    otherLabel = Choice(otherTrials, cleanBaseline: baseline, rule: rule)

    let onClean = try verdicts(
      clean, predicted: predictedLabel.value, other: otherLabel.value)
    let onAdversarial = try verdicts(
      adversarial, predicted: predictedLabel.value, other: otherLabel.value)
    threshold = Choice(
      Self.thresholds.map { threshold in
        func isCorrect(_ verdict: Verdict) -> Bool {
          verdict.gap < threshold ? verdict.predictedIsCorrect : verdict.otherIsCorrect
        }
        return Trial(
          value: threshold, clean: share(onClean, isCorrect),
          adversarial: share(onAdversarial, isCorrect))
      }, cleanBaseline: baseline, rule: rule)
  }

  /// How often `advance` is called.
  package static func runCount(lambdas: [MixingRatio]) -> Int { 2 * lambdas.count + 2 }

  private static let thresholds: [Float] = (-4...16).map { Float($0) * 0.05 }
}

/// The position of the largest value; the first among equals, −1 without values.
private func firstMaximum(_ values: [Float]?) -> Int {
  guard let values, let largest = values.max() else { return -1 }
  return values.firstIndex(of: largest) ?? -1
}
