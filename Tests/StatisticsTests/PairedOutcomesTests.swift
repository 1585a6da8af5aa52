import Foundation
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

private func paired(_ table: [Int]) -> PairedOutcomes {
  PairedOutcomes(both: table[0], onlyFirst: table[1], onlySecond: table[2], neither: table[3])
}

/// log C(n, k) − n log 2, summed over k: the definition of the test, without the beta function.
private func binomialHalf(atMost k: Int, of n: Int) -> Double {
  var sum = 0.0
  for i in 0...k {
    let logCount = lgamma(Double(n + 1)) - lgamma(Double(i + 1)) - lgamma(Double(n - i + 1))
    sum += exp(logCount - Double(n) * log(2))
  }
  return sum
}

@Suite("Two classifiers on the same examples")
struct PairedOutcomesTests {
  @Test("p-values are statsmodels', intervals Newcombe's")
  func golden() throws {
    let golden = try Golden.read()
    #expect(golden.mcnemar.count == 12 && golden.newcombe.count == 12)
    for known in golden.mcnemar {
      // Both sum logarithms of factorials below 10⁴·log 10⁴ ≈ 10⁵, so 10⁵ · 2⁻⁵³ ≈ 10⁻¹¹ is lost.
      #expect(abs(paired(known.table).pValue - known.p) <= 1e-11 * known.p + 1e-15)
    }
    for known in golden.newcombe {
      let ours = paired(known.table).differenceInterval()
      // A square root takes the rounding of Wilson's ends, 10⁻¹⁵ or so, to 10⁻⁷·⁵ where the root is 0.
      #expect(abs(ours.lower - known.interval.lower) < 1e-7, "\(known.table)")
      #expect(abs(ours.upper - known.interval.upper) < 1e-7, "\(known.table)")
    }
  }

  @Test("p-values are the chances of the definition; swapping the classifiers mirrors everything")
  func properties() async {
    let count = Generator<Int>.integer(in: 0..<60)
    await check("swapping mirrors", count, count, count, count) { a, b, c, d in
      let (one, other) = (paired([a, b, c, d]), paired([a, c, b, d]))
      #expect(one.pValue == other.pValue && 0 < one.pValue && one.pValue <= 1)
      #expect(one.first == other.second && one.count == a + b + c + d)
      let definition = min(1, 2 * binomialHalf(atMost: min(b, c), of: b + c))
      #expect(abs(one.pValue - definition) < 1e-12)
      #expect(abs(one.pValueOfLess - binomialHalf(atMost: b, of: b + c)) < 1e-12)
      let (interval, mirrored) = (one.differenceInterval(), other.differenceInterval())
      #expect(-1 <= interval.lower && interval.upper <= 1)
      #expect(abs(interval.lower + mirrored.upper) < 1e-12)
      try assume(one.count > 0)
      #expect(interval.contains(one.difference) && one.difference == -other.difference)
      let wider = one.differenceInterval(confidence: 0.99)
      #expect(wider.lower <= interval.lower && interval.upper <= wider.upper)
    }
  }

  @Test("outcomes are counted in pairs")
  func counting() {
    let first = [true, true, false, false, true]
    let second = [true, false, true, false, true]
    #expect(
      PairedOutcomes(first, second)
        == PairedOutcomes(both: 2, onlyFirst: 1, onlySecond: 1, neither: 1))
    #expect(PairedOutcomes([], []).pValue == 1)
    #expect(PairedOutcomes([], []).differenceInterval() == Interval(lower: -1, upper: 1))
  }

  // Simulated: pairs of outcomes of two classifiers that are right together more often than by chance.
  @Test(
    "the interval covers the true difference about as often as it says; the test keeps its level")
  func calibration() {
    var (covered, rejected, runs) = (0, 0, 0)
    for run in 0..<2000 {
      var random = RandomStream(RandomKey(seed: 5, purpose: .test, example: run))
      let laws = [[0.55, 0.2, 0.1], [0.7, 0.15, 0.15], [0.3, 0.05, 0.25]]
      let law = laws[run % 3]
      var counts = [0, 0, 0, 0]
      for _ in 0..<100 {
        let u = random.uniformDouble()
        let ends = [law[0], law[0] + law[1], law[0] + law[1] + law[2]]
        counts[ends.firstIndex { u < $0 } ?? 3] += 1
      }
      let outcome = paired(counts)
      runs += 1
      covered += outcome.differenceInterval().contains(law[1] - law[2]) ? 1 : 0
      if run % 3 == 1 { rejected += outcome.pValue <= 0.05 ? 1 : 0 }
    }
    let coverage = Double(covered) / Double(runs)
    // Newcombe's own study finds 0.93 to 0.97 at this size; 2000 runs give a standard error of 0.005.
    #expect(0.92 < coverage && coverage < 0.98, "\(coverage)")
    // The exact test is conservative: at most 5% of 667 runs, and three standard errors of 0.0085.
    #expect(Double(rejected) / 667 < 0.05 + 3 * 0.0085, "\(rejected)")
  }

  @Test("Holm's p-values are statsmodels'")
  func holmGolden() throws {
    let golden = try Golden.read().holm
    #expect(golden.count == 3)
    for known in golden {
      #expect(known.raw.count == known.adjusted.count && !known.raw.isEmpty)
      for (ours, theirs) in zip(holmAdjusted(known.raw), known.adjusted) {
        #expect(abs(ours - theirs) < 1e-15)
      }
    }
  }

  @Test("Holm's p-values keep the order, are no smaller, and know nothing of the places")
  func holm() async {
    let family = Generator.array(of: Generator<Double>.double(in: 0...1), count: 0...12)
    await check("Holm", family) { (raw: [Double]) in
      let adjusted = holmAdjusted(raw)
      #expect(zip(raw, adjusted).allSatisfy { $0 <= $1 && $1 <= 1 })
      #expect(holmAdjusted(raw.reversed()) == adjusted.reversed())
      for i in raw.indices {
        for j in raw.indices where raw[i] <= raw[j] { #expect(adjusted[i] <= adjusted[j]) }
      }
    }
  }
}
