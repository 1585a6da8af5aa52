import Classification
import Foundation
import Statistics

/// Mixup inference, Algorithm 1 of Pang, Xu and Zhu, ICLR 2020:
/// F_MI(x) = 1/N Σ_k F(λx + (1−λ)x_{s,k}), a classifier around a classifier.
///
/// N mixtures of the input x, each with a clean image x_{s,k}, its partner, are given to the classifier
/// F, and their mean is the answer; λ is the share of x. Partners are drawn anew for every input and
/// call, according to the label ŷ = argmax F(x) of the un-mixed input, which is predicted once a call.
/// The logits are log F_MI, computed from the log-probabilities of the draws, so they are finite wherever
/// the base's logits are; at λ = 1 they are the base's log-probabilities to the bit. F_MI jumps where ŷ
/// does.
///
/// A draw depends on its key alone (seed, purpose, example, restart, step, number), or on that of the
/// input's first draw if partners are not independent, so a result depends on neither batch nor thread.
/// Draws for MI-PL have even numbers and those for MI-OL odd ones: the branches of `.combined` are
/// independent of each other, and are the same as those of the single rules.
///
/// The base is taken to be deterministic: a randomised one would get the same random numbers in all N
/// executions.
public struct MixupInference<Base: Classifier>: WrappingClassifier {
  /// F, the classifier inside.
  public let base: Base
  /// The clean images to mix with.
  public let pool: SamplePool
  /// Whose images are mixed in, λ and N: it decides which average is the output.
  public let rule: MixupInferenceRule
  /// How the partners of one input depend on each other.
  public let sampling: PartnerSampling
  /// The largest batch given to the base, but for gradients of many inputs.
  package var imagesInFlight = 128

  /// A defence around `base`.
  ///
  /// - Throws: `MixupInferenceError` if the pool does not fit the base, N is
  ///   below 1 or more than the pool can give without replacement, the threshold is no number, or
  ///   there is no other label to mix with.
  public init(
    _ base: Base, pool: SamplePool, rule: MixupInferenceRule,
    sampling: PartnerSampling = .independent
  ) throws(MixupInferenceError) {
    guard pool.classCount == base.classCount else {
      throw .poolClasses(expected: base.classCount, found: pool.classCount)
    }
    guard pool.images.pixels.imageShape == base.imageShape else {
      throw .poolImageShape(expected: base.imageShape, found: pool.images.pixels.imageShape)
    }
    for mixing in [rule.predictedLabel, rule.otherLabel].compactMap(\.self) {
      guard 1...Self.largestSampleCount ~= mixing.sampleCount else {
        throw .sampleCount(mixing.sampleCount)
      }
    }
    guard rule.otherLabel == nil || base.classCount > 1 else { throw .noOtherLabel }
    if case .combined(_, _, let threshold, _) = rule, threshold.isNaN { throw .threshold }
    for (kind, mixing) in [
      (PartnerLabel.predicted, rule.predictedLabel), (.other, rule.otherLabel),
    ] {
      guard let mixing else { continue }
      let needed = sampling.classSizeNeeded(
        kind, sampleCount: mixing.sampleCount, classCount: base.classCount)
      guard needed <= pool.leastClassSize else {
        throw .poolTooSmall(
          sampleCount: mixing.sampleCount, needed: needed, found: pool.leastClassSize)
      }
    }
    self.base = base
    self.pool = pool
    self.rule = rule
    self.sampling = sampling
  }

  /// The base.
  public var wrapped: any Classifier { base }

  /// 1 + N, or 1 + N_PL + N_OL, the passes of an input that is routed to MI-OL.
  public var forwardPassesPerDecision: Int {
    base.forwardPassesPerDecision * (1 + rule.sampleCount)
  }

  /// Yes: partners are drawn anew for every call.
  public var isRandomized: Bool { true }

  /// The largest N: the logits of all mixtures of an image are in memory at once.
  private static var largestSampleCount: Int { 100_000 }

  /// The same defence with N = `sampleCount` in every branch, as an attacker may simulate it.
  ///
  /// - Throws: `MixupInferenceError.sampleCount` if it is below 1 or above 100,000, and
  ///   `MixupInferenceError.poolTooSmall` if the pool cannot give so many.
  public func withSampleCount(_ sampleCount: Int) throws(MixupInferenceError) -> MixupInference {
    try MixupInference(
      base, pool: pool, rule: rule.withSampleCount(sampleCount), sampling: sampling)
  }

  /// log F_MI, [N, L].
  ///
  /// - Throws: `ClassifierError` unless the images have the base's shape and there is one example for each,
  ///   and what the base throws.
  public func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    let clean = try cleanLogits(of: images, draws: draws)
    return try logits(of: images, cleanLogits: clean, draws: draws)
  }

  /// The base's logits of the un-mixed images, checked.
  private func cleanLogits(of images: Pixels, draws: Draws) throws -> Tensor {
    try check(images, draws)
    return try base.checkedLogits(of: images, draws: draws)
  }

  /// log F_MI, [N, L], from the base's logits of the un-mixed images.
  private func logits(of images: Pixels, cleanLogits: Tensor, draws: Draws) throws -> Tensor {
    let routing = try routing(of: images, cleanLogits: cleanLogits, draws: draws)
    guard var averages = routing.predictedLabelAverages else {
      return try logAverages(of: images, routes: routing.routes, draws: draws)
    }
    let others = routing.routes.filter { $0.partner == .other }
    let otherAverages = try logAverages(of: images, routes: others, draws: draws)
    for (row, route) in others.enumerated() {
      for k in 0..<classCount {
        averages[route.position * classCount + k] = otherAverages[row * classCount + k]
      }
    }
    return averages
  }

  /// What goes into the decision on every image, with all branches of the rule computed.
  ///
  /// For detection, and for tuning a threshold without running the network again.
  ///
  /// - Throws: as `logits(of:draws:)`.
  public func decisions(of images: Pixels, draws: Draws) throws -> [MixupDecision] {
    try decisionsAndLogits(of: images, draws: draws).decisions
  }

  /// The decisions, and `logits(of:draws:)` to the bit, which come with them.
  package func decisionsAndLogits(
    of images: Pixels, draws: Draws
  ) throws -> (decisions: [MixupDecision], logits: Tensor) {
    let clean = softmax(rowsOf: try cleanLogits(of: images, draws: draws))
    let predicted = try argmax(rowsOf: clean)
    func logAverages(_ partner: PartnerLabel, _ mixing: Mixing?) throws -> Tensor? {
      try mixing.map {
        try self.logAverages(
          of: images, routes: routes(partner, $0, predicted: predicted), draws: draws)
      }
    }
    let predictedLabel = try logAverages(.predicted, rule.predictedLabel)
    let otherLabel = try logAverages(.other, rule.otherLabel)
    func row(_ n: Int, of tensor: Tensor) -> [Float] {
      (0..<classCount).map { tensor[n * classCount + $0] }
    }
    func probabilities(_ n: Int, of averages: Tensor?) -> [Float]? {
      averages.map { row(n, of: $0).map { exp($0) } }
    }
    var logits = predictedLabel ?? otherLabel ?? Tensor(shape: [0, classCount])
    let decisions = (0..<images.count).map { n in
      let clean = row(n, of: clean)
      let predictedLabelAverage = probabilities(n, of: predictedLabel)
      let branch = branch(clean: clean, predictedLabelAverage: predictedLabelAverage)
      if branch == .other, let otherLabel {
        logits = logits.replacing([n], with: [n], of: otherLabel)
      }
      return MixupDecision(
        clean: clean, predicted: predicted[n], predictedLabelAverage: predictedLabelAverage,
        otherLabelAverage: probabilities(n, of: otherLabel), branch: branch)
    }
    return (decisions, logits)
  }

  // MARK: Routes

  /// How the image at a position of the batch is mixed: its predicted label, the labels of its partners,
  /// λ and N.
  package struct Route {
    package var position: Int
    package var predicted: Int
    package var partner: PartnerLabel
    package var mixing: Mixing

    package init(position: Int, predicted: Int, partner: PartnerLabel, mixing: Mixing) {
      self.position = position
      self.predicted = predicted
      self.partner = partner
      self.mixing = mixing
    }
  }

  /// One route for every image, in order, and log F_MI-PL of all of them where the rule needs it
  /// to choose.
  package func routing(
    of images: Pixels, draws: Draws
  ) throws -> (routes: [Route], predictedLabelAverages: Tensor?) {
    let clean = try cleanLogits(of: images, draws: draws)
    return try routing(of: images, cleanLogits: clean, draws: draws)
  }

  func routing(
    of images: Pixels, cleanLogits: Tensor, draws: Draws
  ) throws -> (routes: [Route], predictedLabelAverages: Tensor?) {
    let predicted = try argmax(rowsOf: cleanLogits)
    switch rule {
    case .predictedLabel(let mixing):
      return (routes(.predicted, mixing, predicted: predicted), nil)
    case .otherLabel(let mixing):
      return (routes(.other, mixing, predicted: predicted), nil)
    case .combined(let predictedLabel, let otherLabel, _, _):
      var routes = routes(.predicted, predictedLabel, predicted: predicted)
      let averages = try logAverages(of: images, routes: routes, draws: draws)
      let clean = softmax(rowsOf: cleanLogits)
      for n in routes.indices {
        let row = n * classCount..<(n + 1) * classCount
        let average = row.map { exp(averages[$0]) }
        guard branch(clean: row.map { clean[$0] }, predictedLabelAverage: average) == .other
        else { continue }
        routes[n].partner = .other
        routes[n].mixing = otherLabel
      }
      return (routes, averages)
    }
  }

  private func routes(_ partner: PartnerLabel, _ mixing: Mixing, predicted: [Int]) -> [Route] {
    predicted.enumerated().map {
      Route(position: $0.offset, predicted: $0.element, partner: partner, mixing: mixing)
    }
  }

  private func branch(clean: [Float], predictedLabelAverage: [Float]?) -> PartnerLabel {
    switch rule {
    case .predictedLabel: .predicted
    case .otherLabel: .other
    case .combined(_, _, let threshold, let statistic):
      statistic.value(clean: clean, mixed: predictedLabelAverage ?? []) < threshold
        ? .predicted : .other
    }
  }

  // MARK: Mixing and averaging

  /// log F_MI of every route, [routes, L].
  private func logAverages(of images: Pixels, routes: [Route], draws: Draws) throws -> Tensor {
    try base.logAverages(of: executions(of: images, routes: routes, draws: draws))
  }

  /// All mixtures of all routes, x̃ = λx + (1−λ)x_s. Partners are drawn at once, mixtures made when they are
  /// needed.
  package func executions(of images: Pixels, routes: [Route], draws: Draws) -> Executions {
    let width = imageShape.count
    let rows = routes.flatMap { route in
      pool.draw(
        route.mixing.sampleCount, route.partner, predicted: route.predicted, sampling: sampling
      ) { draw in
        let number = 2 * draw + (route.partner == .other ? 1 : 0)
        return draws.key(position: route.position, draw: number)
      }.map { (position: route.position, lambda: route.mixing.lambda.value, partner: $0.position) }
    }
    return Executions(sizes: routes.map(\.mixing.sampleCount), imagesInFlight: imagesInFlight) {
      range in
      var mixed = Tensor(
        uninitialized: [range.count, imageShape.channels, imageShape.height, imageShape.width])
      mixed.withUnsafeMutablePointer { result in
        images.tensor.withUnsafePointer { inputs in
          for (place, row) in rows[range].enumerated() {
            pool.images.pixels.withImage(row.partner) { partner in
              mix(
                row.lambda, inputs + row.position * width, partner, into: result + place * width,
                count: width)
            }
          }
        }
      }
      var mixedDraws = draws
      mixedDraws.examples = rows[range].map { draws.examples[$0.position] }
      // In range because mixing never leaves [0, 1].
      return Executions.Batch(
        images: Pixels(unchecked: mixed), draws: mixedDraws, inputs: mixedDraws.examples)
    }
  }
}

extension MixupInference: SharingClassifier {
  /// The base's logits of the un-mixed images; nil if they depend on the draws.
  package func commonPart(of images: Pixels, naming examples: [Int]) throws -> Tensor? {
    guard !base.isRandomized else { return nil }
    // The seed and the purpose of draws that are not used.
    let clean = try cleanLogits(
      of: images, draws: Draws(seed: 0, purpose: .select, examples: examples))
    spare(-images.count)
    return clean
  }

  /// `logits(of:draws:)` without predicting the un-mixed images again.
  package func logits(of images: Pixels, commonPart: Tensor, draws: Draws) throws -> Tensor {
    try check(images, draws)
    spare(images.count)
    return try logits(of: images, cleanLogits: commonPart, draws: draws)
  }

  /// Takes note of un-mixed images that were not predicted again.
  func spare(_ count: Int) {
    PassMeter.add(PassMeter.Count(spared: count * base.forwardPassesPerDecision))
  }
}

/// What mixup inference found out about one image.
public struct MixupDecision: Sendable, Equatable {
  /// F(x), the probabilities of the un-mixed image.
  public var clean: [Float]
  /// ŷ = argmax F(x).
  public var predicted: Int
  /// F_MI under MI-PL, if the rule has that branch.
  public var predictedLabelAverage: [Float]?
  /// F_MI under MI-OL, if the rule has that branch.
  public var otherLabelAverage: [Float]?
  /// The branch whose average is the output.
  public var branch: PartnerLabel

  /// F_MI(x) of the branch that was taken.
  public var probabilities: [Float] {
    (branch == .predicted ? predictedLabelAverage : otherLabelAverage) ?? clean
  }

  /// A detection statistic, from MI-PL where there is such a branch, else from MI-OL.
  public func value(of statistic: DetectionStatistic) -> Float {
    statistic.value(clean: clean, mixed: predictedLabelAverage ?? otherLabelAverage ?? clean)
  }
}

/// What can be wrong with a mixup inference.
public enum MixupInferenceError: ExplainedError, Equatable {
  case sampleCount(Int)
  case threshold
  case noOtherLabel
  case poolClasses(expected: Int, found: Int)
  case poolImageShape(expected: ImageShape, found: ImageShape)
  case poolTooSmall(sampleCount: Int, needed: Int, found: Int)

  /// `.usage` for a setting, `.data` for a model and a pool that do not fit together.
  public var cause: ErrorCause {
    switch self {
    case .sampleCount, .threshold, .poolTooSmall: .usage
    case .noOtherLabel, .poolClasses, .poolImageShape: .data
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .sampleCount(let count):
      "the number of executions N is \(count); it must be from 1 to 100,000"
    case .threshold:
      "the threshold of the combined rule is not a number; give one, infinities allowed"
    case .noOtherLabel:
      "mixing with other labels needs two classes at least; the model has one"
    case .poolClasses(let expected, let found):
      "the sample pool has \(found) classes, the model \(expected); take the model's training data"
    case .poolImageShape(let expected, let found):
      """
      the sample pool's images are \(found), the model takes \(expected); take the model's training \
      data
      """
    case .poolTooSmall(let sampleCount, let needed, let found):
      """
      N = \(sampleCount) draws without replacement need \(needed) images of every class, the smallest \
      has \(found); take a larger pool or fewer executions
      """
    }
  }
}
