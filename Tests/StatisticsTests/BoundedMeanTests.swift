import Statistics
import Testing

@Suite("Means of bounded values")
struct BoundedMeanTests {
  @Test("the interval is that of the empirical Bernstein bound")
  func formula() {
    // n = 4, mean ½, V = 1/3, R = 1, α = 0.05: √(2/3·ln 80/4) + 7 ln 80/9 is above ½ by far.
    let few = BoundedMean([0, 1, 0, 1], in: 0...1)
    #expect(few.value == 0.5 && few.interval == Interval(lower: 0, upper: 1))
    // n = 1000 halves: V = 0.25·1000/999; ln 80 = 4.382026634673881.
    let many = BoundedMean((0..<1000).map { Double($0 % 2) }, in: 0...1)
    let radius =
      (2 * (250.0 / 999) * 4.382026634673881 / 1000).squareRoot()
      + 7 * 4.382026634673881 / (3 * 999)
    #expect(abs(many.interval.upper - 0.5 - radius) <= 1e-12)
    #expect(abs(0.5 - many.interval.lower - radius) <= 1e-12)
    #expect(BoundedMean([], in: -1...3).value == 1)
    #expect(BoundedMean([2], in: -1...3).interval == Interval(lower: -1, upper: 3))
  }

  @Test("the interval holds the expectation as often as it says, and shrinks as 1/n without spread")
  func coverage() {
    var missed = 0
    for trial in 0..<2000 {
      var stream = RandomStream(RandomKey(seed: 11, purpose: .test, draw: trial))
      let values = (0..<60).map { _ in stream.uniformDouble() < 0.1 ? 1.0 : 0 }
      missed += BoundedMean(values, in: 0...1, confidence: 0.9).interval.contains(0.1) ? 0 : 1
    }
    // At most 10% by the theorem; 2000 trials stay below 0.1 + √(ln 10⁹/4000) but for 10⁻⁹.
    #expect(Double(missed) / 2000 <= 0.1 + 0.072)
    let constant = BoundedMean([Double](repeating: 0.5, count: 10_001), in: 0...2)
    #expect(abs(constant.interval.upper - 0.5 - 14 * 4.382026634673881 / 30_000) <= 1e-12)
  }
}

@Suite("Rank correlation")
struct RankCorrelationTests {
  @Test("known values, with ties, and the same under every increasing map")
  func values() throws {
    // d = (0, −1, 1, −1, 1): 1 − 6·4/(5·24) = 0.8.
    let simple = try #require(RankCorrelation([1, 2, 3, 4, 5], [1, 3, 2, 5, 4]))
    #expect(abs(simple.coefficient - 0.8) <= 1e-15)
    #expect(simple.interval.contains(0.8) && simple.interval.upper <= 1)
    // Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4): 4.5/√(4.5·5).
    let tied = try #require(RankCorrelation([0, 7, 7, 9], [-3, 1, 2, 100]))
    #expect(abs(tied.coefficient - 4.5 / (4.5 * 5).squareRoot()) <= 1e-15)
    let mapped = try #require(RankCorrelation([0, 49, 49, 81], [-27, 1, 8, 1e6]))
    #expect(mapped == tied)
    #expect(RankCorrelation([1, 2, 3, 4], [4, 3, 2, 1])?.coefficient == -1)
    #expect(RankCorrelation([1, 1, 1, 1], [4, 3, 2, 1]) == nil)
    #expect(RankCorrelation([1, 2, 3], [4, 3, 2]) == nil)
  }

  @Test("independent values are found uncorrelated about as often as the interval says")
  func coverage() throws {
    var missed = 0
    for trial in 0..<1000 {
      var stream = RandomStream(RandomKey(seed: 12, purpose: .test, draw: trial))
      let (a, b) = (
        (0..<40).map { _ in stream.uniformDouble() }, (0..<40).map { _ in stream.uniformDouble() }
      )
      missed += try #require(RankCorrelation(a, b)).interval.contains(0) ? 0 : 1
    }
    // 5% by construction, approximately: a little more than 10⁻⁹ of Hoeffding's bound on top.
    #expect(Double(missed) / 1000 <= 0.05 + 0.11)
    #expect(missed > 10)
  }
}
