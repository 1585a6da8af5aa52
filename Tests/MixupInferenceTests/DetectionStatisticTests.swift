import Classification
import Foundation
import MixupInference
import Statistics
import TestSupport
import Testing

@Suite("Detection statistics")
struct DetectionStatisticTests {
  /// A random distribution, uniform on the simplex.
  private func distribution(_ count: Int, _ stream: inout RandomStream) -> [Float] {
    let gaps = (0..<count).map { _ in -log(1 - stream.uniform()) }
    return gaps.map { $0 / gaps.reduce(0, +) }
  }

  @Test("the code's statistic is at most the paper's, and equal iff mixing keeps the label")
  func maximaDropIsTheSmaller() {
    var stream = RandomStream(RandomKey(seed: 1, purpose: .test))
    var kept = 0
    for trial in 0..<5_000 {
      let clean = distribution(2 + trial % 9, &stream)
      let mixed = distribution(2 + trial % 9, &stream)
      let paper = DetectionStatistic.confidenceDrop.value(clean: clean, mixed: mixed)
      let code = DetectionStatistic.maximaDrop.value(clean: clean, mixed: mixed)
      let best = clean.indices.max { clean[$0] < clean[$1] }
      let keepsLabel = best.map { mixed[$0] } == mixed.max()
      // No tolerance: both subtract from the same maximum, and rounding is monotone.
      #expect(code <= paper)
      #expect((code == paper) == keepsLabel)
      kept += keepsLabel ? 1 : 0
    }
    #expect(kept > 500 && kept < 4_500)
  }

  @Test("the statistics are F_ŷ(x) − F_MI,ŷ(x) and max F(x) − max F_MI(x)")
  func values() {
    let clean: [Float] = [0.25, 0.5, 0.25]
    let mixed: [Float] = [0.75, 0.125, 0.125]
    #expect(DetectionStatistic.confidenceDrop.value(clean: clean, mixed: mixed) == 0.375)
    #expect(DetectionStatistic.maximaDrop.value(clean: clean, mixed: mixed) == -0.25)
  }

  @Test("as the threshold rises no rate of detection rises")
  func ratesFallWithTheThreshold() throws {
    let shape = ImageShape(channels: 1, height: 3, width: 3)
    let data = try randomImages(40, shape: shape, classCount: 4, seed: 8)
    let model = LinearSoftmax(imageShape: shape, classCount: 4, seed: 8)
    let draws = Draws(seed: 3, purpose: .score, examples: data.indices)
    var previous = Int.max
    var shares: Set<Int> = []
    for threshold in stride(from: Float(-1), through: 1, by: 0.125) {
      let defence = try MixupInference(
        model, pool: SamplePool(data),
        rule: .combined(
          predictedLabel: Mixing(lambda: 0.5, sampleCount: 3),
          otherLabel: Mixing(lambda: 0.5, sampleCount: 2), threshold: threshold))
      let routed = try defence.decisions(of: data.pixels, draws: draws).count {
        $0.branch == .other
      }
      #expect(routed <= previous)
      previous = routed
      shares.insert(routed)
    }
    #expect(shares.count > 3)
  }
}
