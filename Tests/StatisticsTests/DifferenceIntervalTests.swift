import Statistics
import Testing

@Suite("Intervals for differences")
struct DifferenceIntervalTests {
  // Newcombe, Statistics in Medicine 17, 1998, p. 878, table II: 56 of 70 and 48 of 80, and others, by method 10.
  @Test(
    "are those that were published for independent shares",
    arguments: [
      (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090),
      (10, 10, 0, 10, 0.6075, 1.0000), (10, 10, 0, 20, 0.6791, 1.0000),
    ])
  func published(
    _ a: Int, _ n: Int, _ b: Int, _ m: Int, _ lower: Double, _ upper: Double
  ) {
    let (first, second) = (
      Proportion(successes: a, trials: n), Proportion(successes: b, trials: m)
    )
    let found = differenceInterval(
      first.value, first.wilsonInterval(), second.value, second.wilsonInterval())
    // Printed with four decimals.
    #expect(abs(found.lower - lower) <= 0.00005 && abs(found.upper - upper) <= 0.00005, "\(found)")
  }
}
