import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Robustness
import Statistics
import Testing

@Suite("Noise behind mixing certifies half-spaces as far as is true, and no farther")
struct NoisyMixedHalfSpaceTests {
  /// λ, σ, b and partners from whole numbers: hundredths, and sixteenths for what lies on the line.
  private static func model(
    _ lambda: Int, _ noise: Int, _ bias: Int, _ partners: [[Int]]
  ) throws -> NoisyMixedHalfSpace {
    try NoisyMixedHalfSpace(
      lambda: Double(lambda) / 100, noise: Double(noise) / 100, bias: Double(bias) / 16,
      partners: partners.map { $0.map { Double($0) / 16 } })
  }

  private static let partners = Generator<[[Int]]>.array(
    of: .array(of: .integer(in: -64...64), count: 1...4), count: 1...5)

  @Test(
    "a certificate under the partners of every label never exceeds the distance to the first loss")
  func sound() async {
    await check(
      "certified ≤ true", .integer(in: 1...100), .integer(in: 5...200), .integer(in: -40...40),
      Self.partners, .integer(in: -200...200)
    ) { lambda, noise, bias, partners, place in
      let model = try Self.model(lambda, noise, bias, partners)
      let t = Double(place) / 16
      let (certified, distance) = (model.certifiedRadius(at: t), model.distance(from: t))
      // Φ rounds to 1 beyond 8.3 standard deviations, where Φ⁻¹ is infinite; Φ and its inverse are good to
      // 10⁻¹² of a deviation where Φ is below 1 − 10⁻⁴, and beyond that to 2⁻⁵³ over the density.
      let deviation = model.noise / model.lambda
      let z = certified / deviation
      guard abs(z) < 6 else { return }
      let tolerance =
        1e-11 * (1 + abs(t) + deviation) + deviation * 0x1p-50 * exp(max(z, 0) * z / 2)
      #expect(certified <= max(distance, 0) + tolerance, "\(certified) against \(distance)")
      // Under one law certificate and majority go together.
      let isMajority = partners.indices.allSatisfy { model.probability(at: t, law: $0) > 0.5 }
      #expect(certified <= tolerance || isMajority)
    }
  }

  @Test("it is the distance where all partners of the worst label lie on one level")
  func tight() async {
    await check(
      "certified = true", .integer(in: 1...100), .integer(in: 5...200), .integer(in: -40...40),
      .array(of: .integer(in: -64...64), count: 1...5), .integer(in: -200...200)
    ) { lambda, noise, bias, levels, place in
      let model = try Self.model(lambda, noise, bias, levels.map { [$0, $0] })
      let t = Double(place) / 16
      let deviation = model.noise / model.lambda
      let (certified, distance) = (model.certifiedRadius(at: t), model.distance(from: t))
      guard abs(distance) < 5 * deviation else { return }
      // An error of a rounding in Φ is one of 2⁻⁵³ √(2π) exp(z²/2) ≤ 8·10⁻¹¹ in its inverse at z = 5.
      #expect(abs(certified - distance) <= 1e-9 * (deviation + abs(t) + 1))
    }
  }

  @Test("it is loose where partners lie apart: the mean of Φ is a sum of two steps")
  func loose() throws {
    let model = try NoisyMixedHalfSpace(
      lambda: 0.5, noise: 0.1, bias: 0, partners: [[-2, 2, 2]])
    // Two of three partners carry class 1 to t = −2 and beyond; the share is ⅔ almost everywhere before.
    #expect(model.distance(from: 0) > 1.8)
    #expect(model.certifiedRadius(at: 0) < 0.1)
  }

  @Test("a certificate for the predicted label alone is wrong once the attacker changes that label")
  func otherLabelsMatter() throws {
    let model = try NoisyMixedHalfSpace(
      lambda: 0.5, noise: 0.2, bias: 0, partners: [[-3], [1]])
    let alone = try NoisyMixedHalfSpace(lambda: 0.5, noise: 0.2, bias: 0, partners: [[1]])
    // Label 1 is predicted for t > 0 and mixes with an image of its own side.
    #expect(alone.certifiedRadius(at: 0.5) > 1.4)
    // At t = −0.1, a change of 0.6, label 0 is predicted, whose partner carries the mixture to class 0.
    #expect(model.probability(at: -0.1, law: 0) < 1e-6)
    #expect(model.certifiedRadius(at: 0.5) < 0)
  }

  @Test("noise of σ behind a share of λ certifies σ/λ Φ⁻¹(p)")
  func formula() {
    #expect(mixedRadius(probability: 0.5, noise: 0.25, lambda: 0.5) == 0)
    #expect(
      mixedRadius(probability: 0.8, noise: 0.25, lambda: 0.5)
        == certifiedRadius(probability: 0.8, standardDeviation: 0.5))
    for radius in [0, 0.1, 0.5, 1.5] {
      let p = probabilityNeeded(radius: radius, standardDeviation: 0.5)
      #expect(abs(certifiedRadius(probability: p, standardDeviation: 0.5) - radius) <= 1e-12)
    }
  }

  @Test("numbers that make no model are refused")
  func refused() {
    for (lambda, noise, partners) in [
      (0, 1, [[1]]), (1.5, 1, [[1]]), (.nan, 1, [[1]]), (0.5, 0, [[1]]), (0.5, .infinity, [[1]]),
      (0.5, 1, []), (0.5, 1, [[1], []]),
    ] as [(Double, Double, [[Double]])] {
      #expect(throws: TheoryError.self) {
        try NoisyMixedHalfSpace(lambda: lambda, noise: noise, bias: 0, partners: partners)
      }
    }
  }
}
