import Classification
import Foundation
import MixupInference
import Robustness
import Statistics
import Synchronization
import TestSupport
import Testing

private let shape = ImageShape(channels: 1, height: 2, width: 3)
private let plane = LinearSoftmax(imageShape: shape, classCount: 2, seed: 5, scale: 2)

/// w₁ − w₀, b₁ − b₀ and ‖w₁ − w₀‖ of the plane.
private let difference: (weights: [Double], bias: Double, norm: Double) = {
  let weights = zip(plane.weights[1], plane.weights[0]).map { Double($0) - Double($1) }
  return (
    weights, Double(plane.bias[1]) - Double(plane.bias[0]),
    weights.reduce(0) { $0 + $1 * $1 }.squareRoot()
  )
}()

/// w · x + b of the plane over ‖w‖: how far an image is on the side of class 1.
private func place(of image: [Float]) -> Double {
  zip(difference.weights, image).reduce(difference.bias) { $0 + $1.0 * Double($1.1) }
    / difference.norm
}

private func rows(_ images: LabelledImages) -> [[Float]] {
  let values = images.pixels.tensor.values
  return (0..<images.count).map { Array(values[$0 * shape.count..<($0 + 1) * shape.count]) }
}

/// An image of grey but for a step along w, so that `place` is what is asked for, as often as asked for, each
/// time under another index.
private func copies(_ count: Int, at wanted: Double) throws -> LabelledImages {
  let grey = Array(repeating: Float(0.5), count: shape.count)
  let step = wanted - place(of: grey)
  let image = zip(grey, difference.weights).map { $0 + Float(step * $1 / difference.norm) }
  return try LabelledImages(
    pixels: Pixels(
      Tensor(
        Array(repeating: image, count: count).flatMap(\.self),
        shape: [count, shape.channels, shape.height, shape.width])),
    labels: Array(repeating: 1, count: count), classCount: 2)
}

private func makeCertification(
  level: Double = 1e-6, radii: [Double], votes: Certification.Votes = .hard,
  rule: Certification.Rule = .sequence(limit: 4000), seed: UInt64 = 3
) throws -> Certification {
  try Certification(seed: seed, level: level, radii: radii, votes: votes, rule: rule)
}

@Suite("Certificates of a plane, whose distances are known")
struct CertificationTests {
  let data: LabelledImages

  init() throws { data = try randomImages(40, shape: shape, classCount: 2, seed: 6) }

  @Test(
    "no certified radius is beyond the plane, and no refuted one before it",
    arguments: Certification.Votes.allCases)
  func sound(_ votes: Certification.Votes) throws {
    let radii = [0, 0.05, 0.1, 0.2, 0.3, 0.5]
    let smoothed = try GaussianSmoothing(plane, standardDeviation: 0.25)
    let found = try makeCertification(radii: radii, votes: votes).run(smoothed, on: data)
    #expect(found.map(\.index) == data.indices)
    var decided = 0
    for (certificate, image) in zip(found, rows(data)) {
      let place = place(of: image)
      // With probability 1 − 4·10⁻⁵ none of 40 certificates is false, and no refutation.
      #expect((certificate.radius ?? 0) <= abs(place) + 1e-6)
      #expect(certificate.predicted == nil || certificate.predicted == (place > 0 ? 1 : 0))
      #expect(
        certificate.radius == (certificate.certified > 0 ? radii[certificate.certified - 1] : nil))
      // Means of a smooth model bound the distance, but do not reach it; and a wrong choice of the class, where
      // both have nearly half, costs the certificate.
      if votes == .hard, certificate.candidate == (place > 0 ? 1 : 0),
        certificate.standing < radii.count
      {
        #expect(radii[certificate.standing] >= abs(place) - 1e-6)
      }
      decided += certificate.certified == certificate.standing ? 1 : 0
      #expect(certificate.draws <= 100 + 4000)
    }
    #expect(decided > 10)
    #expect(found.contains { $0.certified >= 4 })
  }

  @Test("no certificate depends on batches, on the order of the work or on the other images")
  func independent() throws {
    let smoothed = try GaussianSmoothing(plane, standardDeviation: 0.25)
    var certification = try makeCertification(level: 0.01, radii: [0, 0.1, 0.25])
    let whole = try certification.run(smoothed, on: data)
    for size in [1, 7, 100] {
      certification.largestBatch = size
      #expect(try certification.run(smoothed, on: data[20..<40]) == Array(whole[20...]))
    }
    let backwards: ForEach = { count, body in for place in (0..<count).reversed() { body(place) } }
    #expect(try certification.run(smoothed, on: data, forEach: backwards) == whole)
    let other = try makeCertification(level: 0.01, radii: [0, 0.1, 0.25], seed: 4).run(
      smoothed, on: data)
    #expect(other != whole)
  }

  @Test("what chooses the class certifies nothing: its draws are others")
  func purposes() throws {
    let spy = Spy(plane)
    let smoothed = try GaussianSmoothing(spy, standardDeviation: 0.25)
    _ = try makeCertification(radii: [0]).run(smoothed, on: data[0..<5])
    let purposes = Set(spy.log.calls.map(\.draws.purpose))
    #expect(purposes == [.select, .certify])
  }

  // A radius just beyond the plane is certified if the sequence is ever wrong, at any of 500 draws.
  @Test(
    "false certificates are no more frequent than α", arguments: Certification.Votes.allCases)
  func falseCertificates(_ votes: Certification.Votes) throws {
    let (level, sigma, count) = (0.05, 0.2, 300)
    let images = try copies(count, at: 0.1)
    var steep = plane
    // Probabilities are nearly votes, so that the bound is nearly reached.
    steep.scale = votes == .mean ? 200 : 1
    let found = try makeCertification(
      level: level, radii: [0.1002], votes: votes, rule: .sequence(limit: 500)
    ).run(try GaussianSmoothing(steep, standardDeviation: sigma), on: images)
    let wrong = Proportion(found.map { $0.certified > 0 })
    // The chance that a right rule fails here is 10⁻⁹.
    #expect(wrong.clopperPearsonInterval(confidence: 1 - 2e-9).lower <= level)
    #expect(wrong.successes > 0, "a bound that is never met shows nothing")
    // Some were refuted by then, rightly or not; the others are undecided, and count for neither.
    #expect(found.contains { $0.standing == 1 && $0.certified == 0 })
  }

  @Test("a fixed number of draws gives the radius of Clopper and Pearson's bound for its votes")
  func fixed() throws {
    let smoothed = try GaussianSmoothing(plane, standardDeviation: 0.25)
    let radii = [0, 0.1, 0.25]
    let found = try makeCertification(level: 0.001, radii: radii, rule: .fixed(count: 500))
      .run(smoothed, on: data)
    for certificate in found {
      #expect(certificate.laws.count == 1 && certificate.selectionDraws == 100)
      #expect(certificate.draws == 600)
      let bound = Proportion(successes: Int(certificate.laws[0].sum), trials: 500)
        .clopperPearsonInterval(confidence: 0.998).lower
      let radius = certifiedRadius(probability: bound, standardDeviation: 0.25)
      #expect(certificate.radius == (radius >= 0 ? radius : nil))
      #expect(certificate.certified == radii.count { $0 <= radius })
      #expect(certificate.standing == 3)
    }
    let means = try makeCertification(
      level: 0.001, radii: radii, votes: .mean, rule: .fixed(count: 500)
    ).run(smoothed, on: data)
    #expect(zip(means, rows(data)).allSatisfy { ($0.radius ?? 0) <= abs(place(of: $1)) + 1e-6 })
    #expect(means.contains { ($0.radius ?? 0) > 0.1 })
  }

  @Test("an image far from every threshold takes few draws, one at a threshold all")
  func draws() throws {
    let smoothed = try GaussianSmoothing(plane, standardDeviation: 0.2)
    let rule = Certification.Rule.sequence(limit: 3000)
    let easy = try makeCertification(level: 0.001, radii: [0.1], rule: rule)
      .run(smoothed, on: copies(5, at: 0.5))
    #expect(easy.allSatisfy { $0.certified == 1 && $0.draws < 120 })
    let hopeless = try makeCertification(level: 0.001, radii: [0.4], rule: rule)
      .run(smoothed, on: copies(5, at: 0.1))
    #expect(hopeless.allSatisfy { $0.standing == 0 && $0.draws < 200 && $0.predicted == nil })
    let border = try makeCertification(level: 0.001, radii: [0.2], rule: rule)
      .run(smoothed, on: copies(5, at: 0.2))
    #expect(border.contains { $0.certified == 0 && $0.standing == 1 && $0.laws[0].draws == 3000 })
    #expect(border[0].verdict(on: 0) == .open && easy[0].verdict(on: 0) == .atLeast)
  }

  @Test(
    "one run tells for every radius what asking for it alone takes",
    arguments: Certification.Votes.allCases, [false, true])
  func drawsAlone(_ votes: Certification.Votes, isMixed: Bool) throws {
    let smoothed: any SmoothedClassifier =
      isMixed
      ? try MixedSmoothing(
        plane, pool: SamplePool(randomImages(12, shape: shape, classCount: 2, seed: 8)),
        partner: .other, lambda: 0.6, noise: 0.2)
      : try GaussianSmoothing(plane, standardDeviation: 0.25)
    let radii = [0, 0.05, 0.1, 0.2, 0.3]
    let rule = Certification.Rule.sequence(limit: 1500)
    let together = try makeCertification(level: 0.01, radii: radii, votes: votes, rule: rule)
      .run(smoothed, on: data)
    var verdicts = Set<ThresholdVerdict>()
    for (place, radius) in radii.enumerated() {
      let alone = try makeCertification(level: 0.01, radii: [radius], votes: votes, rule: rule)
        .run(smoothed, on: data)
      for (alone, together) in zip(alone, together) {
        let (single, among) = (alone.verdict(on: 0), together.verdict(on: place))
        // Of a radius that one law leaves open a smaller one may be refuted under the next, and it with that.
        #expect(single == among || isMixed && single == .open && among == .below)
      }
      #expect(alone.map(\.draws) == together.map { $0.draws(on: place) })
      #expect(alone.allSatisfy { $0.draws(on: 0) == $0.draws })
      verdicts.formUnion(alone.map { $0.verdict(on: 0) })
    }
    #expect(verdicts == [.atLeast, .open, .below])
    #expect(together.contains { $0.draws(on: 0) < $0.draws })
    let fixed = try makeCertification(radii: radii, votes: votes, rule: .fixed(count: 200))
      .run(smoothed, on: data[0..<3])
    #expect(fixed.allSatisfy { $0.draws(on: 0) == $0.draws && $0.draws(on: 4) == $0.draws })
  }

  @Test("behind mixing a certificate holds under the partners of every label")
  func mixed() throws {
    let pool = try SamplePool(randomImages(12, shape: shape, classCount: 2, seed: 8))
    let radii = [0, 0.05, 0.1, 0.2, 0.4]
    for partner in PartnerLabel.allCases {
      let smoothed = try MixedSmoothing(
        plane, pool: pool, partner: partner, lambda: 0.6, noise: 0.2)
      #expect(abs(smoothed.standardDeviation - 0.2 / 0.6) < 1e-12)
      let found = try makeCertification(radii: radii).run(smoothed, on: data)
      let places = rows(pool.images).map(place)
      // P_s by predicted label. The plane's own offset is in `place`, so b is 0 for λ and 1 − λ together.
      let partners = (0..<2).map { s in
        zip(places, pool.images.labels).filter { $0.1 == (partner == .predicted ? s : 1 - s) }
          .map(\.0)
      }
      var certified = 0
      for (certificate, image) in zip(found, rows(data)) {
        // The model is of class 1; class 0 is its mirror image.
        let side: Double = certificate.candidate == 1 ? 1 : -1
        let exact = try NoisyMixedHalfSpace(
          lambda: 0.6, noise: 0.2, bias: 0, partners: partners.map { $0.map { side * $0 } })
        let t = side * place(of: image)
        #expect((certificate.radius ?? 0) <= max(exact.certifiedRadius(at: t), 0) + 1e-6)
        #expect((certificate.radius ?? 0) <= max(exact.distance(from: t), 0) + 1e-6)
        if certificate.standing < radii.count {
          #expect(radii[certificate.standing] >= exact.certifiedRadius(at: t) - 1e-6)
        }
        if certificate.certified > 0 {
          certified += 1
          #expect(certificate.laws.map(\.law).sorted() == [0, 1])
        }
      }
      #expect(certified > 5)
    }
  }

  @Test(
    "an image is mixed with one whose label the rule takes partners of, and with every such one")
  func partners() throws {
    let pool = try SamplePool(randomImages(12, shape: shape, classCount: 2, seed: 8))
    let image = rows(data)[0]
    // Six deviations of noise, which a normal number exceeds once in 10⁹ times, and the roundings of a sum of two
    // products below 1 and of adding the noise.
    let (lambda, noise) = (0.5, 1e-4)
    let tolerance = 6 * noise + 4 * Double(Float.ulpOfOne)
    for partner in PartnerLabel.allCases {
      let smoothed = try MixedSmoothing(
        plane, pool: pool, partner: partner, lambda: MixingRatio(1, over: 2), noise: noise)
      for law in 0..<2 {
        let wanted = zip(rows(pool.images), pool.images.labels)
          .filter { ($0.1 == law) == (partner == .predicted) }.map(\.0)
        var stream = RandomStream(RandomKey(seed: 1, purpose: .test, example: law))
        var found = Set<Int>()
        for _ in 0..<200 {
          var mixture = [Float](repeating: 0, count: shape.count)
          smoothed.draw(image, law: law, from: &stream, into: &mixture)
          let place = wanted.firstIndex { candidate in
            zip(zip(image, candidate), mixture).allSatisfy {
              abs(lambda * Double($0.0) + (1 - lambda) * Double($0.1) - Double($1)) <= tolerance
            }
          }
          found.insert(try #require(place, "\(partner), label \(law)"))
        }
        #expect(found.count == wanted.count)
      }
    }
  }

  @Test("what makes no sense is refused in one line before a model is asked")
  func refused() throws {
    for (level, radii, limit, text) in [
      (0, [0], 100, "α is 0.0"), (0.5, [0], 100, "α is 0.5"), (.nan, [0], 100, "α is nan"),
      (-1, [0], 100, "α is -1"),
      (0.001, [], 100, "the radii are "), (0.001, [0.2, 0.1], 100, "the radii are 0.2,0.1"),
      (0.001, [-1], 100, "the radii are -1.0"), (0.001, [.nan], 100, "the radii are nan"),
      (0.001, [0.1, 0.1], 100, "each above"), (0.001, [0], 0, "the number of draws is 0"),
      (0.001, [0], 20_000_000, "the number of draws is 20000000"),
    ] as [(Double, [Double], Int, String)] {
      #expect {
        try makeCertification(level: level, radii: radii, rule: .sequence(limit: limit))
      } throws: {
        "\($0)".contains(text) && !"\($0)".contains("\n")
      }
    }
    for sigma in [0, -0.1, .nan, .infinity] as [Double] {
      #expect(throws: CertificationError.self) {
        try GaussianSmoothing(plane, standardDeviation: sigma)
      }
    }
    let pool = try SamplePool(randomImages(12, shape: shape, classCount: 2, seed: 8))
    #expect(throws: CertificationError.ratio) {
      try MixedSmoothing(plane, pool: pool, partner: .other, lambda: 0, noise: 0.1)
    }
  }

  @Test(
    "a radius that no draws would show is refused with what it takes, which is exact",
    arguments: Certification.Votes.allCases, [false, true])
  func unreachable(_ votes: Certification.Votes, isFixed: Bool) throws {
    func limited(_ limit: Int, _ radius: Double) throws -> Certification {
      try makeCertification(
        level: 0.001, radii: [radius], votes: votes,
        rule: isFixed ? .fixed(count: limit) : .sequence(limit: limit))
    }
    for radius in [0, 0.2, 0.5] {
      var needed: Int?
      do {
        try limited(1, radius).check(standardDeviation: 0.25)
      } catch {
        let thrown = error as? CertificationError
        guard case .unreachable(_, let count, 1)? = thrown else { throw error }
        needed = count
      }
      let least = try #require(needed)
      try limited(least, radius).check(standardDeviation: 0.25)
      #expect(throws: CertificationError.self) {
        try limited(least - 1, radius).check(standardDeviation: 0.25)
      }
      // A constant model agrees with itself always, and needs as many.
      let found = try limited(least, radius).run(
        try GaussianSmoothing(Certain(), standardDeviation: 0.25), on: data[0..<1])
      #expect(found[0].certified == 1)
      #expect(found[0].laws[0].draws == least)
    }
    #expect {
      try limited(100, 3).check(standardDeviation: 0.25)
    } throws: {
      "\($0)".contains("no number of draws")
    }
  }

  /// Class 1, whatever the image.
  private struct Certain: DifferentiableClassifier {
    let imageShape = shape
    let classCount = 2
    let forwardPassesPerDecision = 1
    let isRandomized = false

    func logits(of images: Pixels, draws: Draws) throws -> Tensor {
      try Tensor(
        (0..<images.count).flatMap { _ in [-Float.infinity, 0] }, shape: [images.count, 2])
    }

    func logitsAndGradient(
      of images: Pixels, draws: Draws, lossGradient: (Tensor) throws -> Tensor
    ) throws -> (logits: Tensor, gradient: Tensor) {
      let logits = try logits(of: images, draws: draws)
      _ = try lossGradient(logits)
      return (logits, images.tensor.map { _ in 0 })
    }
  }

  @Test("looks come after every draw at first, and later a hundredth or less apart")
  func looks() {
    var last = 0
    for n in 1...100_000 where Certification.isLook(n) {
      #expect(n == last + 1 || n - last <= max(1, last / 100))
      last = n
    }
    #expect((1...256).allSatisfy(Certification.isLook))
    #expect(last > 99_000)
  }

  // MARK: The surrogate

  @Test("the surrogate's gradient is the slope of its mean, through noise and through mixing")
  func surrogate() throws {
    let model = TanhMLP(imageShape: shape, classCount: 2, seed: 4)
    let pool = try SamplePool(randomImages(12, shape: shape, classCount: 2, seed: 8))
    for smoothed in [
      try GaussianSmoothing(model, standardDeviation: 0.2),
      try MixedSmoothing(model, pool: pool, partner: .predicted, lambda: 0.5, noise: 0.1),
    ] as [any SmoothedClassifier] {
      let surrogate = SmoothedSurrogate(smoothed, drawCount: 5)
      #expect(surrogate.forwardPassesPerDecision == 5 && surrogate.isRandomized)
      let images = data[0..<3]
      let draws = Draws(seed: 1, purpose: .attack, examples: images.indices)
      func loss(_ pixels: Tensor) throws -> Double {
        let logits = try surrogate.logits(of: Pixels(beyondRange: pixels), draws: draws)
        return (0..<3).reduce(0) { $0 + Double(logits[2 * $1]) }
      }
      let gradient = try surrogate.checkedLogitsAndGradient(of: images.pixels, draws: draws) {
        try Tensor((0..<3).flatMap { _ in [Float(1), 0] }, shape: $0.shape)
      }.gradient
      let step: Float = 1e-2
      for place in 0..<images.pixels.tensor.count {
        var (up, down) = (images.pixels.tensor, images.pixels.tensor)
        up[place] += step
        down[place] -= step
        let slope = try (loss(up) - loss(down)) / (2 * Double(step))
        // Roundings of 10⁻⁶ over a step of 2·10⁻², and a third derivative of some units times the square of
        // the step over 6.
        #expect(abs(slope - Double(gradient[place])) <= 2e-3, "\(slope), \(gradient[place])")
      }
    }
  }

  // MARK: Planted faults

  /// Noise that passes for twice as much.
  private struct Exaggerated: SmoothedClassifier {
    var inner: GaussianSmoothing
    var base: any DifferentiableClassifier { inner.base }
    var standardDeviation: Double { 2 * inner.standardDeviation }
    var inputShare: Float { 1 }
    var lawCount: Int { 1 }

    func laws(of images: Pixels, draws: Draws) throws -> [Int] {
      try inner.laws(of: images, draws: draws)
    }

    func draw(
      _ image: UnsafePointer<Float>, law: Int, from stream: inout RandomStream,
      into result: UnsafeMutablePointer<Float>
    ) { inner.draw(image, law: law, from: &stream, into: result) }
  }

  @Test(
    "certificates that are too large are broken within their radii, and right ones are not",
    arguments: Certification.Votes.allCases)
  func planted(_ votes: Certification.Votes) throws {
    var steep = plane
    steep.scale = 100
    let honest = try GaussianSmoothing(steep, standardDeviation: 0.15)
    func verdict(_ smoothed: any SmoothedClassifier) throws -> SanityVerdict {
      let certification = try makeCertification(
        level: 0.001, radii: [0, 0.05, 0.1, 0.15, 0.2, 0.25], votes: votes)
      let certificates = try certification.run(smoothed, on: data)
      return try CertificateCheck(of: smoothed, by: certification)
        .verdict(on: certificates, of: data)
    }
    let wrong = try verdict(Exaggerated(inner: honest))
    #expect(wrong.outcome == .failed, "\(wrong)")
    let right = try verdict(honest)
    #expect(right.outcome == .passed, "\(right)")
    #expect(right.evidence.hasPrefix("0 of "))
  }

  @Test("without a certificate above radius 0 nothing is checked")
  func nothingToCheck() throws {
    let smoothed = try GaussianSmoothing(plane, standardDeviation: 0.2)
    let certification = try makeCertification(radii: [0])
    let certificates = try certification.run(smoothed, on: data)
    let verdict = try CertificateCheck(of: smoothed, by: certification)
      .verdict(on: certificates, of: data)
    #expect(verdict.outcome == .skipped)
  }
}
