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
      #expect(area.value == curve.areaUnderCurve)
      let mapped = try AreaUnderCurve(
        negatives: negatives.map { exp($0) }, positives: positives.map { exp($0) })
      #expect(mapped.value == area.value && mapped.variance == area.variance)
      let turned = try AreaUnderCurve(
        negatives: negatives.map { -$0 }, positives: positives.map { -$0 })
      #expect(abs(turned.value + area.value - 1) < 1e-13)
      #expect(abs(turned.variance - area.variance) < 1e-13)
      let interval = area.interval()
      #expect(0 <= interval.lower && interval.upper <= 1 && interval.contains(area.value))
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

  // One more example could lie above all or below: of 20 beside 30 that is known as well as from 1/(1/20² + 1/30²) pairs.
  @Test("scores that are all equal tell nothing apart, and that not for certain")
  func equal() throws {
    let area = try AreaUnderCurve(
      negatives: Array(repeating: 1, count: 30), positives: Array(repeating: 1, count: 20))
    #expect(area.value == 0.5 && area.variance == 0)
    let pairs = 1 / (1 / 400 + 1 / 900.0)
    let half = 0.5 * (3.841459 / (pairs + 3.841459)).squareRoot()
    #expect(abs(area.interval().lower - (0.5 - half)) < 1e-7)
    #expect(abs(area.interval().upper - (0.5 + half)) < 1e-7)
  }

  // Nothing is known of the law of one positive: it may score above every negative, or below.
  @Test("one positive among many negatives says little, however many they are")
  func onePositive() throws {
    for n in [10, 100, 1000, 10_000] {
      let area = try AreaUnderCurve(
        negatives: (0..<n).map(Double.init), positives: [Double(n) / 2 - 0.5])
      #expect(area.value == 0.5)
      // Wilson's interval of one trial, with z² = 3.8415: ½ ± ½√(z²/(1 + z²)).
      #expect(abs(area.interval().lower - 0.0546) < 1e-4)
      #expect(abs(area.interval().upper - 0.9454) < 1e-4)
    }
  }
}
