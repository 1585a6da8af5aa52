import Statistics
import Testing

@Suite("Means of bounded values")
struct BoundedMeanTests {
  @Test(
    "the mean comes with the interval of bets on the values, and no values with the whole range")
  func values() {
    let values = (0..<1000).map { Double($0 % 4) / 4 }
    let mean = BoundedMean(values, in: 0...1, confidence: 0.9)
    #expect(mean.value == 0.375 && mean.count == 1000)
    #expect(mean.interval == bettingInterval(of: values, in: 0...1, confidence: 0.9))
    #expect(mean.interval.contains(0.375) && !mean.interval.contains(0.5))
    #expect(BoundedMean([], in: -1...3).value == 1)
    #expect(BoundedMean([], in: -1...3).interval == Interval(lower: -1, upper: 3))
    #expect(BoundedMean([2, 2], in: 2...2).interval == Interval(lower: 2, upper: 2))
  }
}
