import Foundation
import Reporting
import Statistics
import Testing

@Suite("Ticks at round numbers")
struct AxisTests {
  @Test("Cover every range, increase evenly, and have different labels")
  func cover() {
    var stream = RandomStream(RandomKey(seed: 3, purpose: .test))
    for _ in 0..<2000 {
      let scale = pow(10, Double.random(in: -12...12, using: &stream))
      let low = Double.random(in: -1...1, using: &stream) * scale
      let span =
        Bool.random(using: &stream)
        ? scale : abs(low) * pow(10, Double.random(in: -8...0, using: &stream))
      let high = low + span
      let count = Int.random(in: 1...12, using: &stream)
      let ticks = RoundTicks(covering: low...high, about: count)
      let slack = ticks.step * 1e-6
      #expect(ticks.range.lowerBound <= low + slack && ticks.range.upperBound >= high - slack)
      #expect(ticks.values.count <= 3 * count + 2, "\(low)...\(high)")
      #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy(<))
      for format in [Axis.Format.number, .percent] where scale > 1e-5 && scale < 1e5 {
        #expect(Set(ticks.values.map { ticks.label($0, format) }).count == ticks.values.count)
      }
    }
  }

  @Test(
    "Are the numbers a person would choose",
    arguments: [
      (0.0, 1.0, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
      (0, 1, 4, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
      (0.03, 47, 5, ["0", "10", "20", "30", "40", "50"]),
      (-3, 3, 3, ["-4", "-2", "0", "2", "4"]),
      (0, 20_000, 4, ["0", "5000", "10,000", "15,000", "20,000"]),
      (0.1, 0.3, 2, ["0.1", "0.2", "0.3"]),
    ])
  func labels(low: Double, high: Double, count: Int, expected: [String]) {
    let ticks = RoundTicks(covering: low...high, about: count)
    #expect(ticks.values.map { ticks.label($0) } == expected)
  }

  @Test("Percentages have as many decimals as they need")
  func percentages() {
    let coarse = RoundTicks(covering: 0...1, about: 5)
    #expect(
      coarse.values.map { coarse.label($0, .percent) } == [
        "0%", "20%", "40%", "60%", "80%", "100%",
      ])
    let fine = RoundTicks(covering: 0.98...1, about: 4)
    #expect(
      fine.values.map { fine.label($0, .percent) } == [
        "98.0%", "98.5%", "99.0%", "99.5%", "100.0%",
      ])
  }

  @Test(
    "Exist for ranges without extent or end",
    arguments: [
      0.0...0, 5...5, 1e300...1e300, -Double.infinity...Double.infinity,
      -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude, 1...1.0000000000000002,
      0 ... .leastNonzeroMagnitude,
    ])
  func degenerate(range: ClosedRange<Double>) {
    let ticks = RoundTicks(covering: range, about: 5)
    #expect((2...17).contains(ticks.values.count))
    #expect(ticks.values.allSatisfy { $0.isFinite })
  }

  @Test(
    "Of a constant are short numbers around it", arguments: [0.976, 1, 0, 0.5, 0.1, 97.6, 1e-5])
  func constant(value: Double) {
    for format in [Axis.Format.number, .percent] {
      let (range, ticks) = Axis("", format: format).layout(data: value...value, about: 5)
      #expect(range.contains(value) && ticks.count >= 2)
      for tick in ticks {
        #expect(tick.label.count <= (value < 0.001 ? 10 : 6), "\(tick.label)")
        if format == .percent, value <= 1 { #expect(0...1 ~= tick.value) }
      }
      #expect(Set(ticks.map(\.label)).count == ticks.count)
    }
  }
}
