import Classification
import Foundation
import Statistics
import Synchronization

/// Decides, image by image, within which radii in ℓ2 no perturbation changes the prediction of a smoothed
/// classifier.
///
/// What is certified is the classifier of infinitely many draws that abstains unless a class has more than half,
/// not a mean over some draws. A class is chosen first, on draws of purpose `.select`, which certify
/// nothing. Then draws of purpose `.certify` show whether its mean h is at least Φ(r/s), under every law that
/// an attacker could cause (`SmoothedClassifier`): the radius r is certified if it is under all, and refuted if
/// under one it is not.
///
/// With `Rule.sequence` the draws of a law end as soon as every radius is decided, by a sequence that holds at
/// every number of draws and for all radii together. So a false certificate of any radius has probability
/// at most α, for every image, however many laws there are: for a false one the law of the smallest mean has to
/// be wrong. The same is true of refuting. It is looked after every draw up to the 256th, and then after
/// every 2^⌊log₂(n/128)⌋ draws. As this depends on the number of the draw alone, no result depends on batches or
/// threads.
public struct Certification: Sendable, Hashable {
  /// What a draw says of a class.
  public enum Votes: String, Sendable, Codable, CaseIterable {
    /// 1 if F names it, else 0.
    case hard
    /// The probability that F gives it.
    case mean
  }

  /// How many draws of every law there are.
  public enum Rule: Sendable, Hashable, Codable {
    /// As many as the questions need, but no more than a limit.
    case sequence(limit: Int)
    /// A number that is fixed before, and a bound for that number alone: Clopper and Pearson's for votes, the
    /// betting interval's lower end for probabilities. As Cohen et al. certify.
    case fixed(count: Int)

    /// The most draws.
    public var limit: Int {
      switch self {
      case .sequence(let draws), .fixed(let draws): draws
      }
    }
  }

  /// Names the random numbers.
  public let seed: UInt64
  /// α.
  public let level: Double
  /// The radii in question, rising; 0 asks whether the prediction abstains.
  public let radii: [Double]
  /// What a draw says.
  public let votes: Votes
  /// How many draws there are.
  public let rule: Rule
  /// The most draws that choose the class; a sequence ends sooner where one is well ahead.
  public static let selectionDraws = 100
  /// The largest batch given to F; no result depends on it.
  package var largestBatch = 256

  /// A certification.
  ///
  /// - Throws: `CertificationError` for what makes no sense.
  public init(
    seed: UInt64, level: Double, radii: [Double], votes: Votes = .hard, rule: Rule
  ) throws(CertificationError) {
    guard level > 0, level < 0.5 else { throw .level(level) }
    guard 1...64 ~= radii.count, radii.allSatisfy({ $0 >= 0 && $0.isFinite }),
      zip(radii, radii.dropFirst()).allSatisfy(<)
    else { throw .radii(radii) }
    guard 1...Self.mostDraws ~= rule.limit else { throw .draws(rule.limit) }
    self.seed = seed
    self.level = level
    self.radii = radii
    self.votes = votes
    self.rule = rule
  }

  private static let mostDraws = 10_000_000

  // MARK: What can be shown at all

  /// - Throws: `CertificationError.unreachable` for a radius that not even draws which all agree would show.
  public func check(standardDeviation: Double) throws(CertificationError) {
    try CertificationError.check(noise: standardDeviation)
    for radius in radii {
      let threshold = probabilityNeeded(radius: radius, standardDeviation: standardDeviation)
      guard threshold < 1, isShown(threshold, agreeing: rule.limit) else {
        throw .unreachable(
          radius: radius, needed: threshold < 1 ? drawsNeeded(threshold) : nil, draws: rule.limit)
      }
    }
  }

  /// The smallest number of draws that, if all agree, show a mean of at least `threshold`; nil above ten
  /// million.
  private func drawsNeeded(_ threshold: Double) -> Int? {
    // Of n ones no bound at all is above α^(1/n).
    guard -Double(Self.mostDraws) * log(threshold) >= -log(level) else { return nil }
    var (low, high) = (0, 1)
    while !isShown(threshold, agreeing: high) {
      guard high < Self.mostDraws else { return nil }
      (low, high) = (high, min(2 * high, Self.mostDraws))
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isShown(threshold, agreeing: middle) { high = middle } else { low = middle }
    }
    return high
  }

  private func isShown(_ threshold: Double, agreeing count: Int) -> Bool {
    let needed = -log(level)
    switch (rule, votes) {
    case (.sequence, .hard):
      let votes = VoteSequence(Proportion(successes: count, trials: count))
      return votes.logEvidence(above: threshold) >= needed
    case (.sequence, .mean):
      return MeanSequence.logEvidence(ofOnes: count, above: threshold) >= needed
    case (.fixed, _):
      return lowerBound(of: Array(repeating: 1, count: count)) >= threshold
    }
  }

  // MARK: Running

  /// Certifies every example.
  ///
  /// - Parameter finished: called after every image with its certificate and the seconds it took; never at once
  ///   from two threads.
  /// - Throws: `CertificationError.unreachable`; `AttackError.classCount`; what F and `finished` throw.
  public func run(
    _ smoothed: any SmoothedClassifier, on examples: LabelledImages,
    forEach: @escaping ForEach = oneAfterTheOther,
    finished: @Sendable (Certificate, Double) throws -> Void = { _, _ in }
  ) throws -> [Certificate] {
    try check(standardDeviation: smoothed.standardDeviation)
    guard smoothed.base.classCount == examples.classCount else {
      throw AttackError.classCount(model: smoothed.base.classCount, data: examples.classCount)
    }
    try examples.checkIndices()
    let state = Mutex(
      (found: [Certificate?](repeating: nil, count: examples.count), failure: (any Error)?.none))
    forEach(examples.count) { place in
      guard state.withLock({ $0.failure == nil }) else { return }
      do {
        let start = ContinuousClock.now
        let certificate = try self.certificate(of: examples[place..<place + 1], by: smoothed)
        try state.withLock {
          try finished(certificate, (ContinuousClock.now - start) / .seconds(1))
          $0.found[place] = certificate
        }
      } catch {
        state.withLock { $0.failure = $0.failure ?? error }
      }
    }
    let (found, failure) = state.withLock(\.self)
    if let failure { throw failure }
    return found.compactMap(\.self)
  }

  /// - Parameter example: one image.
  private func certificate(
    of example: LabelledImages, by smoothed: any SmoothedClassifier
  ) throws -> Certificate {
    let index = example.indices[0]
    let own = try smoothed.laws(
      of: example.pixels, draws: Draws(seed: seed, purpose: .select, examples: [index]))[0]
    func sampler(_ purpose: Purpose, law: Int) -> Sampler {
      Sampler(
        smoothed: smoothed, image: example.pixels, example: index, law: law, seed: seed,
        purpose: purpose, largestBatch: largestBatch)
    }
    let selection = try candidate(from: sampler(.select, law: own), of: smoothed.base.classCount)
    var certificate = Certificate(
      index: index, label: example.labels[0], candidate: selection.label, certified: radii.count,
      standing: radii.count, radius: nil, selectionDraws: selection.draws, laws: [])
    let thresholds = radii.map {
      probabilityNeeded(radius: $0, standardDeviation: smoothed.standardDeviation)
    }
    var bound = Double.infinity
    // The law that answers for the image itself comes first, then those that an attacker could cause.
    for law in [own] + (0..<smoothed.lawCount).filter({ $0 != own }) {
      guard certificate.certified > 0 else { break }
      let sampler = sampler(.certify, law: law)
      switch rule {
      case .sequence(let limit):
        try decide(&certificate, thresholds, sampler, limit: limit)
      case .fixed(let count):
        let (values, lower) = try lowerBound(sampler, of: certificate.candidate, count: count)
        certificate.laws.append(.init(law: law, draws: count, sum: values))
        bound = min(
          bound,
          certifiedRadius(probability: lower, standardDeviation: smoothed.standardDeviation))
        certificate.certified = min(certificate.certified, thresholds.count { lower >= $0 })
      }
    }
    switch rule {
    case .sequence:
      certificate.radius = certificate.certified > 0 ? radii[certificate.certified - 1] : nil
    case .fixed:
      // What a fixed number does not show is not refuted by it either.
      certificate.radius = certificate.certified > 0 ? bound : nil
    }
    return certificate
  }

  /// Draws of one law until every radius that is still certified is decided.
  private func decide(
    _ certificate: inout Certificate, _ thresholds: [Double], _ sampler: Sampler, limit: Int
  ) throws {
    let ceiling = certificate.certified
    var tally = Tally(votes, thresholds: Array(thresholds[..<ceiling]))
    var (low, high) = (0, ceiling)
    var decided = [Int?](repeating: nil, count: ceiling)
    var draws = 0
    try sampler.forEachAnswer(limit: limit, votes: votes, of: certificate.candidate) { value in
      tally.add(value)
      draws += 1
      guard Self.isLook(draws) || draws == limit else { return true }
      let needed = -log(level)
      while low < high, tally.evidence.logEvidence(above: thresholds[low]) >= needed {
        decided[low] = draws
        low += 1
      }
      while low < high, tally.evidence.logEvidence(below: thresholds[high - 1]) >= needed {
        high -= 1
        decided[high] = draws
      }
      return low < high
    }
    certificate.laws.append(
      .init(law: sampler.law, draws: draws, sum: tally.sum, decided: decided))
    if high < ceiling { certificate.standing = high }
    certificate.certified = low
  }

  /// Whether it is looked after n draws.
  package static func isLook(_ n: Int) -> Bool {
    // 2^⌊log₂(n/128)⌋ by the place of the highest bit.
    n <= 256 || n % (1 << (Int.bitWidth - 1 - (n / 128).leadingZeroBitCount)) == 0
  }

  private func lowerBound(
    _ sampler: Sampler, of candidate: Int, count: Int
  ) throws -> (sum: Double, lower: Double) {
    var values: [Double] = []
    values.reserveCapacity(count)
    try sampler.forEachAnswer(limit: count, votes: votes, of: candidate) {
      values.append($0)
      return true
    }
    return (values.reduce(0, +), lowerBound(of: values))
  }

  /// The bound of a fixed number of draws, at level α.
  private func lowerBound(of values: [Double]) -> Double {
    // Both intervals leave half of what they may miss to either side.
    let confidence = 1 - 2 * level
    return votes == .hard
      ? Proportion(successes: Int(values.reduce(0, +)), trials: values.count)
        .clopperPearsonInterval(confidence: confidence).lower
      : bettingInterval(of: values, in: 0...1, confidence: confidence).lower
  }

  /// The class that F names most often. Any choice is valid; a wrong one costs the certificate.
  private func candidate(
    from sampler: Sampler, of classCount: Int
  ) throws -> (label: Int, draws: Int) {
    var counts = Array(repeating: 0, count: classCount)
    var draws = 0
    var label = 0
    try sampler.forEachLabel(limit: Self.selectionDraws) { named in
      counts[named] += 1
      draws += 1
      if counts[named] > counts[label] || counts[named] == counts[label] && named < label {
        label = named
      }
      guard case .sequence = rule else { return true }
      let second = counts.enumerated().reduce(0) {
        $1.offset == label ? $0 : max($0, $1.element)
      }
      // The leader against the runner-up, at the level at which the certificate will hold.
      let duel = VoteSequence(
        Proportion(successes: counts[label], trials: counts[label] + second))
      return duel.logEvidence(above: 0.5) < log(Double(max(classCount - 1, 1)) / level)
    }
    return (label, draws)
  }
}

/// What the draws of one law have said of a class.
struct Tally {
  private var votes = VoteSequence()
  private var means: MeanSequence
  private let kind: Certification.Votes
  private(set) var sum = 0.0

  init(_ kind: Certification.Votes, thresholds: [Double]) {
    self.kind = kind
    means = MeanSequence(thresholds: kind == .mean ? thresholds : [])
  }

  mutating func add(_ value: Double) {
    sum += value
    if kind == .hard { votes.add(value == 1) } else { means.add(value) }
  }

  var evidence: any ThresholdEvidence { kind == .hard ? votes : means }
}
