import Foundation
import Statistics
import Testing

private typealias Curve = ReceiverOperatingCharacteristic

/// Random scores with many ties: a few dozen of them on a coarse grid, some of them zeros of both
/// signs.
private func scores(_ random: inout RandomStream) -> [Double] {
  let steps = 1 + random.integer(below: 20)
  return (0...random.integer(below: 40)).map { _ in
    (random.standardNormal() * Double(steps)).rounded() / Double(steps)
  }
}

/// The definition of the area: over all pairs, 1 for a positive above a negative, ½ for a tie.
private func pairwiseArea(negatives: [Double], positives: [Double]) -> Double {
  let wins = positives.map { positive in
    negatives.map { positive > $0 ? 1 : positive == $0 ? 0.5 : 0 }.reduce(0, +)
  }
  return wins.reduce(0, +) / Double(negatives.count * positives.count)
}

/// P72, P73, P74 and P77.
@Suite("A receiver operating characteristic says how well a score separates")
struct ReceiverOperatingCharacteristicTests {
  @Test("the area is SciPy's Mann–Whitney statistic over the number of pairs")
  func golden() throws {
    let golden = try Golden.read().mannWhitney
    #expect(golden.count == 4)
    for known in golden {
      let curve = try Curve(negatives: known.negatives, positives: known.positives)
      #expect(curve.areaUnderCurve == known.area)
    }
  }

  @Test(
    "the area is that over all pairs, and that under the curve", arguments: 0..<200 as Range<UInt64>
  )
  func definitions(seed: UInt64) throws {
    var random = stream(1000 + seed)
    let (negatives, positives) = (scores(&random), scores(&random))
    let curve = try Curve(negatives: negatives, positives: positives)
    // Sums of halves are exact, so both are the same quotient.
    #expect(
      curve.areaUnderCurve == pairwiseArea(negatives: negatives, positives: positives))
    let trapezoids = zip(curve.points, curve.points.dropFirst()).map { left, right in
      (right.falsePositiveRate - left.falsePositiveRate)
        * (left.truePositiveRate + right.truePositiveRate) / 2
    }
    // At most 80 terms that sum to at most 1, with a few roundings each.
    #expect(abs(trapezoids.reduce(0, +) - curve.areaUnderCurve) <= 320 * 0x1p-53)
  }

  @Test("each point counts the scores that reach its threshold", arguments: 0..<50 as Range<UInt64>)
  func points(seed: UInt64) throws {
    var random = stream(2000 + seed)
    let (negatives, positives) = (scores(&random), scores(&random))
    let points = try Curve(negatives: negatives, positives: positives).points
    let thresholds = Set(negatives + positives).sorted(by: >)
    #expect(points.map(\.threshold) == thresholds.prefix(1) + thresholds)
    for point in points.dropFirst() {
      let flagged = { (scores: [Double]) in
        Double(scores.count { $0 >= point.threshold }) / Double(scores.count)
      }
      #expect(point.falsePositiveRate == flagged(negatives))
      #expect(point.truePositiveRate == flagged(positives))
    }
    for (higher, lower) in zip(points, points.dropFirst()) {
      #expect(higher.falsePositiveRate <= lower.falsePositiveRate)
      #expect(higher.truePositiveRate <= lower.truePositiveRate)
    }
    #expect(points.first?.falsePositiveRate == 0 && points.first?.truePositiveRate == 0)
    #expect(points.last?.falsePositiveRate == 1 && points.last?.truePositiveRate == 1)
  }

  @Test(
    "the area keeps under increasing maps, duplication and reordering, and turns with the sign",
    arguments: 0..<100 as Range<UInt64>)
  func invariance(seed: UInt64) throws {
    var random = stream(3000 + seed)
    let (negatives, positives) = (scores(&random), scores(&random))
    let curve = try Curve(negatives: negatives, positives: positives)
    let area = curve.areaUnderCurve

    // On a grid as coarse as 1/20 the map stays strictly increasing in floating point.
    let map = { (scores: [Double]) in scores.map { exp($0) + $0 } }
    #expect(
      try Curve(negatives: map(negatives), positives: map(positives)).areaUnderCurve == area)
    #expect(
      try Curve(negatives: negatives + negatives, positives: positives).areaUnderCurve == area)
    #expect(
      try Curve(negatives: negatives, positives: positives + positives).areaUnderCurve == area)

    var (otherNegatives, otherPositives) = (negatives, positives)
    otherNegatives.shuffle(using: &random)
    otherPositives.shuffle(using: &random)
    #expect(try Curve(negatives: otherNegatives, positives: otherPositives) == curve)

    // Two quotients of integers that sum to 1, each rounded once.
    let negated = try Curve(negatives: negatives.map(-), positives: positives.map(-))
    #expect(abs(negated.areaUnderCurve - (1 - area)) <= 0x1p-53)
    let swapped = try Curve(negatives: positives, positives: negatives)
    #expect(abs(swapped.areaUnderCurve - (1 - area)) <= 0x1p-53)
    #expect(swapped.areaUnderCurve == negated.areaUnderCurve)
  }

  @Test("normal scores d apart have area Φ(d/√2)", arguments: [-1, 0, 0.5, 2])
  func normalShift(distance: Double) throws {
    var random = stream(130)
    let n = 20_000
    let negatives = (0..<n).map { _ in random.standardNormal() }
    let positives = (0..<n).map { _ in random.standardNormal() + distance }
    let area = try Curve(negatives: negatives, positives: positives).areaUnderCurve
    // One score moves the area by 1/n at most, so McDiarmid's bound at 10⁻⁹ is
    // √(ln(2/10⁻⁹)(1/n + 1/n)/2), √2 times that of a mean of n.
    let bound = 2.0.squareRoot() * samplingBound(n)
    #expect(abs(area - standardNormalCDF(distance / 2.0.squareRoot())) < bound)
  }

  @Test("zeros of either sign tie, and the largest scores do not overflow")
  func edges() throws {
    #expect(try Curve(negatives: [0.0], positives: [-0.0]).areaUnderCurve == 0.5)
    let largest = Double.greatestFiniteMagnitude
    #expect(try Curve(negatives: [-largest], positives: [largest]).areaUnderCurve == 1)
  }

  @Test("empty sets and scores that are not finite are refused")
  func errors() {
    #expect(throws: ROCError.empty(negatives: 0, positives: 1)) {
      try Curve(negatives: [], positives: [1])
    }
    #expect(throws: ROCError.empty(negatives: 1, positives: 0)) {
      try Curve(negatives: [1], positives: [])
    }
    #expect(throws: ROCError.notFinite(.infinity)) {
      try Curve(negatives: [1], positives: [1, .infinity])
    }
    #expect(throws: ROCError.self) { try Curve(negatives: [1, 2, .nan], positives: [1]) }
  }
}
