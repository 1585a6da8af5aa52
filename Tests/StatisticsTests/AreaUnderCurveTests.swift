import Foundation
import Statistics
import Testing

@Suite("The area under a curve and how sure it is")
struct AreaUnderCurveTests {
  @Test("area and rate are scikit-learn's, the variance that of the definition over all pairs")
  func golden() throws {
    let golden = try Golden.read().delong
    #expect(golden.count == 3)
    for known in golden {
      let area = try AreaUnderCurve(negatives: known.negatives, positives: known.positives)
      // Sums of 200 terms below 1, a few roundings each.
      #expect(abs(area.value - known.area) < 1e-13)
      #expect(abs(area.variance - known.variance) < 1e-13)
      let curve = try ReceiverOperatingCharacteristic(
        negatives: known.negatives, positives: known.positives)
      let point = curve.point(atTruePositiveRate: 0.95)
      #expect(point.falsePositiveRate == known.falsePositiveRate && point.truePositiveRate >= 0.95)
    }
  }

  @Test("increasing maps change nothing; turning the score round mirrors the area")
  func invariance() throws {
    for seed in 0..<100 as Range<UInt64> {
      var random = RandomStream(RandomKey(seed: seed, purpose: .test))
      func scores(_ shift: Double) -> [Double] {
        (0...(1 + random.integer(below: 30))).map { _ in
          (4 * (random.standardNormal() + shift)).rounded() / 4
        }
      }
      let (negatives, positives) = (scores(0), scores(0.5))
      let area = try AreaUnderCurve(negatives: negatives, positives: positives)
      let curve = try ReceiverOperatingCharacteristic(negatives: negatives, positives: positives)
      #expect(abs(area.value - curve.areaUnderCurve) < 1e-13)
      let mapped = try AreaUnderCurve(
        negatives: negatives.map { exp($0) }, positives: positives.map { exp($0) })
      #expect(mapped.value == area.value && mapped.variance == area.variance)
      let turned = try AreaUnderCurve(
        negatives: negatives.map { -$0 }, positives: positives.map { -$0 })
      #expect(abs(turned.value + area.value - 1) < 1e-13)
      #expect(abs(turned.variance - area.variance) < 1e-13)
      let interval = area.interval()
      #expect(0 <= interval.lower && interval.upper <= 1 && interval.contains(area.value))
      let same = area.difference(from: area)
      #expect(same.value == 0 && same.variance < 1e-15)
    }
  }

  @Test("samples that do not overlap give an interval of their number, not of width 0")
  func separated() throws {
    let area = try AreaUnderCurve(negatives: [1, 2, 3], positives: [4, 5, 6, 7])
    #expect(area.value == 1 && area.variance == 0)
    #expect(area.interval() == Proportion(successes: 3, trials: 3).wilsonInterval())
    #expect(throws: ROCError.self) { try AreaUnderCurve(negatives: [], positives: [1]) }
    #expect(throws: ROCError.self) { try AreaUnderCurve(negatives: [.nan], positives: [1]) }
  }

  // Normal scores 1 apart: the area is Φ(1/√2) = 0.7602.
  @Test("DeLong's interval and the bootstrap's cover the true area about as often as they say")
  func calibration() throws {
    let truth = 0.76024993890652326
    var (covered, bootstrapped) = (0, 0)
    for run in 0..<1000 {
      var random = RandomStream(RandomKey(seed: 3, purpose: .test, example: run))
      let negatives = (0..<40).map { _ in random.standardNormal() }
      let positives = (0..<40).map { _ in random.standardNormal() + 1 }
      let area = try AreaUnderCurve(negatives: negatives, positives: positives)
      covered += area.interval().contains(truth) ? 1 : 0
      guard run < 200 else { continue }
      // Pairs of one negative and one positive are drawn together, as an image and its attacked version.
      let interval = try bootstrapInterval(examples: 40, resamples: 200, seed: UInt64(run)) {
        try AreaUnderCurve(
          negatives: $0.map { negatives[$0] }, positives: $0.map { positives[$0] }
        ).value
      }
      bootstrapped += try #require(interval).contains(truth) ? 1 : 0
    }
    // Three standard errors (0.007 and 0.015) around 95%, and what 40 examples cost the approximation.
    #expect(925...975 ~= covered, "\(covered)")
    #expect(175...199 ~= bootstrapped, "\(bootstrapped)")
  }

  @Test("the bootstrap depends on its seed alone, and one example leaves nothing to vary")
  func bootstrap() {
    let values = (0..<30).map { Double($0 * $0 % 17) }
    func interval(_ seed: UInt64, _ count: Int = 30) -> Interval? {
      bootstrapInterval(examples: count, resamples: 400, seed: seed) { positions in
        positions.reduce(0) { $0 + values[$1] } / Double(positions.count)
      }
    }
    #expect(interval(1) == interval(1) && interval(1) != interval(2))
    #expect(interval(1)?.contains(values.reduce(0, +) / 30) == true)
    #expect(interval(1, 1) == Interval(lower: 0, upper: 0) && interval(1, 0) == nil)
    #expect(bootstrapInterval(examples: 3, seed: 1) { _ in .nan } == nil)
  }
}
