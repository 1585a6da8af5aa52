import Classification
import Foundation
import Statistics
import Synchronization

/// Whether certificates can be believed: images that were certified within a radius are attacked within it, and
/// what was certified is asked whether it still names the class.
///
/// The attack is PGD in ℓ2 through the mean over some draws of the smoothed classifier itself. A certificate counts
/// as broken if the smoothed classifier's own draws at the image that was found, of purpose `.score`, show by a
/// sequence at level α that the class has less than half under the law that answers there. A sound certificate
/// is false with probability α at most, and one that holds is judged broken with probability α at most; so
/// of n images more are broken than chance allows if as many or more of n are with probability below 1%
/// where each is with 2α.
public struct CertificateCheck: Sendable {
  /// What was certified.
  public var smoothed: any SmoothedClassifier
  /// How: its level, votes and seed.
  public var certification: Certification
  /// Steps of the attack.
  public var steps = 20
  /// Draws of its gradients.
  public var attackDraws = 32
  /// The most draws that judge an image.
  public var judgingDraws = 10_000
  /// Runs the images.
  public var forEach: ForEach

  /// A check of certificates.
  public init(
    of smoothed: any SmoothedClassifier, by certification: Certification,
    forEach: @escaping ForEach = oneAfterTheOther
  ) {
    self.smoothed = smoothed
    self.certification = certification
    self.forEach = forEach
  }

  /// The verdict on certificates of these images, those without a radius among them.
  ///
  /// - Parameter finished: called after every image.
  /// - Throws: what attack, classifier and `finished` throw.
  public func verdict(
    on certificates: [Certificate], of examples: LabelledImages,
    finished: @Sendable () throws -> Void = {}
  ) throws -> SanityVerdict {
    let claims = zip(certificates, 0..<examples.count).filter { ($0.0.radius ?? 0) > 0 }
    let state = Mutex((broken: 0, failure: (any Error)?.none))
    forEach(claims.count) { place in
      guard state.withLock({ $0.failure == nil }) else { return }
      do {
        let (certificate, position) = claims[place]
        let isBroken = try isBroken(certificate, examples[position..<position + 1])
        state.withLock { $0.broken += isBroken ? 1 : 0 }
        try finished()
      } catch {
        state.withLock { $0.failure = $0.failure ?? error }
      }
    }
    let (broken, failure) = state.withLock(\.self)
    if let failure { throw failure }
    let outcome: SanityVerdict.Outcome
    if claims.isEmpty {
      outcome = .skipped
    } else if broken == 0 {
      outcome = .passed
    } else {
      // P(X ≥ k) of Binomial(n, p) is I_p(k, n − k + 1).
      let n = examples.count
      let chance = incompleteBeta(
        2 * certification.level, Double(broken), Double(n - broken + 1))
      outcome = chance < 0.01 ? .failed : .undecided
    }
    return SanityVerdict(
      name: "certificates", claim: "no certified prediction changes within its radius",
      outcome: outcome,
      evidence: claims.isEmpty
        ? "no image is certified within a radius above 0"
        : "\(broken) of \(claims.count) certificates broken, of \(examples.count) images at α = "
          + "\(certification.level)")
  }

  private func isBroken(_ certificate: Certificate, _ example: LabelledImages) throws -> Bool {
    // Rounded down, so that the attack stays within what was certified.
    let steps = Int(((certificate.radius ?? 0) * 1e6).rounded(.down))
    guard steps > 0 else { return false }
    // The attack leads away from the certified class, right or wrong.
    let target = try LabelledImages(
      pixels: example.pixels, labels: [certificate.candidate], classCount: example.classCount,
      indices: example.indices)
    let budget = PerturbationBudget.l2(Epsilon(steps, over: 1_000_000))
    let found = try ProjectedGradientDescent(steps: self.steps).search(
      target, within: budget,
      through: SmoothedSurrogate(smoothed, drawCount: attackDraws), seed: certification.seed)
    let image = try PerturbationBall(center: example.pixels, budget: budget).projection(of: found)
    return try certification.isRefuted(
      certificate.candidate, at: image, example: certificate.index, by: smoothed,
      limit: judgingDraws)
  }
}

extension Certification {
  /// Whether draws of purpose `.score` show that a class has less than half at an image, under the law that
  /// answers there.
  func isRefuted(
    _ label: Int, at image: Pixels, example: Int, by smoothed: any SmoothedClassifier, limit: Int
  ) throws -> Bool {
    let law = try smoothed.laws(
      of: image, draws: Draws(seed: seed, purpose: .score, examples: [example]))[0]
    let sampler = Sampler(
      smoothed: smoothed, image: image, example: example, law: law, seed: seed, purpose: .score,
      largestBatch: largestBatch)
    var tally = Tally(votes, thresholds: [0.5])
    var draws = 0
    var isRefuted = false
    try sampler.forEachAnswer(limit: limit, votes: votes, of: label) { value in
      tally.add(value)
      draws += 1
      guard Self.isLook(draws) || draws == limit else { return true }
      switch tally.evidence.verdict(on: 0.5, level: level) {
      case .below:
        isRefuted = true
        return false
      case .atLeast: return false
      case .open: return true
      }
    }
    return isRefuted
  }
}
