import Statistics
import Testing

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
