import Foundation
import Statistics
import Testing

/// x̄ ± √(2V ln(4/α)/n) + 7 ln(4/α)/(3(n − 1)) of draws in [0, 1]. Source: Maurer and Pontil, 2009.
private func empiricalBernsteinWidth(_ draws: [Double]) -> Double {
  let (n, average, logarithm) = (Double(draws.count), mean(draws), log(4 / 0.05))
  let variance = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / (n - 1)
  return 2 * ((2 * variance * logarithm / n).squareRoot() + 7 * logarithm / (3 * (n - 1)))
}

@Suite("Intervals for the mean of bounded draws, by betting")
struct MeanIntervalTests {
  @Test("the ends are NumPy's")
  func golden() throws {
    let golden = try Golden.read().betting
    #expect(golden.count == 24)
    for known in golden {
      let ours = bettingInterval(of: known.values, in: 0...1, confidence: known.confidence)
      // Each end is the root of a sum of up to 300 logarithms, of which one draw of 300 moves the slope;
      // the sums differ by 300 roundings of numbers up to 30, and the confidence by one of 2⁻⁵³ in 10⁻⁹.
      #expect(abs(ours.lower - known.interval.lower) < 1e-7, "\(known.values.count) values")
      #expect(abs(ours.upper - known.interval.upper) < 1e-7, "\(known.values.count) values")
    }
  }

  @Test("where draws vary little it is a fraction of an empirical Bernstein bound, and never wider")
  func width() {
    var random = stream(131)
    for n in [20, 87, 500] {
      func width(_ draw: () -> Double) -> (ours: Double, bernstein: Double) {
        let draws = (0..<n).map { _ in min(max(draw(), 0), 1) }
        let interval = bettingInterval(of: draws, in: 0...1)
        #expect(interval.contains(mean(draws)))
        return (interval.upper - interval.lower, min(1, empiricalBernsteinWidth(draws)))
      }
      let margins = width { 0.597 + 0.042 * random.standardNormal() }
      #expect(margins.ours < margins.bernstein / 3)
      let flat = width { random.uniformDouble() }
      #expect(flat.ours < flat.bernstein)
      // What a normal approximation would give, 2·1.96·σ/√n, has no guarantee, and is not far away.
      #expect(n < 500 || flat.ours < 1.5 * 3.92 * (1.0 / 12 / Double(n)).squareRoot())
    }
  }

  @Test("it scales and mirrors with the range, shrinks with n, and is the range without draws")
  func scaling() {
    var random = stream(132)
    let draws = (0..<500).map { _ in random.uniformDouble() }
    let unit = bettingInterval(of: draws, in: 0...1)
    let scaled = bettingInterval(of: draws.map { 10 * $0 - 5 }, in: -5...5)
    let mirrored = bettingInterval(of: draws.map { 1 - $0 }, in: 0...1)
    // Sums of 500 logarithms up to 1 with a few roundings each, over a slope of about their number times
    // a stake of 1/10.
    #expect(abs(scaled.lower - (10 * unit.lower - 5)) <= 1e-10)
    #expect(abs(scaled.upper - (10 * unit.upper - 5)) <= 1e-10)
    #expect(abs(mirrored.lower - (1 - unit.upper)) <= 1e-11)
    #expect(abs(mirrored.upper - (1 - unit.lower)) <= 1e-11)
    let fewer = bettingInterval(of: Array(draws[..<100]), in: 0...1)
    #expect(unit.upper - unit.lower < fewer.upper - fewer.lower)
    let wider = bettingInterval(of: draws, in: 0...1, confidence: 0.99)
    #expect(wider.lower <= unit.lower && unit.upper <= wider.upper)
    #expect(bettingInterval(of: [], in: 2...3) == Interval(lower: 2, upper: 3))
    // The ends of the range belong to it.
    #expect(bettingInterval(of: [0, 0, 0], in: 0...1).lower == 0)
    #expect(bettingInterval(of: [1, 1, 1], in: 0...1).upper == 1)
  }
}
