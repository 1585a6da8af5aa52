import Foundation
import Statistics

/// How the values along one direction of a plot are named.
package struct Axis: Sendable {
  /// How a value is written.
  package enum Format: Sendable {
    case number
    /// Shares of 1 as percentages.
    case percent
  }

  /// A place on an axis with its name, such as 8/255 and "8/255".
  package struct Tick: Sendable, Equatable {
    package var value: Double
    package var label: String

    package init(_ value: Double, _ label: String) {
      self.value = value
      self.label = label
    }
  }

  package var title: String
  /// The values shown; nil to cover the data.
  package var range: ClosedRange<Double>?
  /// Where to put ticks; nil for round numbers.
  package var ticks: [Tick]?
  package var format: Format

  package init(
    _ title: String, range: ClosedRange<Double>? = nil, ticks: [Tick]? = nil,
    format: Format = .number
  ) {
    self.title = title
    self.range = range
    self.ticks = ticks
    self.format = format
  }

  /// The value for a tooltip or a bar's label.
  func text(_ value: Double) -> String {
    switch format {
    case .percent: percent(value)
    case .number:
      abs(value) >= 1e6 || (value != 0 && abs(value) < 1e-3)
        ? String(format: "%.3g", value) : trimmed(value, decimals: abs(value) < 10 ? 3 : 1)
    }
  }

  func text(_ value: Double, _ interval: Interval?) -> String {
    text(value) + (interval.map { " [\(text($0.lower)), \(text($0.upper))]" } ?? "")
  }

  /// The range and the ticks to show for data of the given extent.
  package func layout(data: ClosedRange<Double>, about count: Int) -> (ClosedRange<Double>, [Tick])
  {
    if let ticks {
      let places = ticks.map(\.value).filter(\.isFinite)
      let low = min(data.lowerBound, places.min() ?? data.lowerBound)
      let high = max(data.upperBound, places.max() ?? data.upperBound)
      let shown = range ?? low...high
      return (Self.widened(shown), ticks.filter { shown.contains($0.value) })
    }
    var covered = range ?? data
    if format == .percent, covered.lowerBound == covered.upperBound, 0...1 ~= covered.lowerBound {
      // Of a constant share nothing beyond 0 and 100%.
      covered = max(0, covered.lowerBound - 0.05)...min(1, covered.upperBound + 0.05)
    }
    let round = RoundTicks(covering: covered, about: count)
    let ticks = round.values.map { Tick($0, round.label($0, format)) }
    guard let range else { return (Self.widened(round.range), ticks) }
    // A step's millionth more, so that a bound that is itself a round number keeps its tick.
    let slack = round.step * 1e-6
    return (
      Self.widened(range),
      ticks.filter { (range.lowerBound - slack...range.upperBound + slack).contains($0.value) }
    )
  }

  private static func widened(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
    range.lowerBound < range.upperBound ? range : range.lowerBound - 0.5...range.upperBound + 0.5
  }
}

/// Round numbers m·10^k with m in {1, 2, 2.5, 5}·ℤ that cover a range.
package struct RoundTicks: Sendable, Equatable {
  /// The ticks, increasing; the first is at most the range's lower bound (up to a billionth of a
  /// step), the last at least its upper one.
  package let values: [Double]
  /// The distance between two ticks.
  package let step: Double
  private let exponent: Int

  /// About `count` ticks, never more than three times as many.
  package init(covering range: ClosedRange<Double>, about count: Int) {
    let limit = 1e290
    var low = max(-limit, min(limit, range.lowerBound))
    var high = max(-limit, min(limit, range.upperBound))
    if !range.lowerBound.isFinite || !range.upperBound.isFinite { (low, high) = (0, 1) }
    // Closer than this, neighbouring ticks are no longer different numbers.
    let smallest = max(abs(low), abs(high)) * 1e-10
    if high - low <= max(smallest, 1e-290) {
      // A constant is shown in the middle of a tenth of it, so that ticks stay short numbers.
      let room = low == 0 && high == 0 ? 0.5 : max(max(abs(low), abs(high)) / 20, 1e-280)
      (low, high) = (low - room, high + room)
    }
    let raw = (high - low) / Double(max(count, 1))
    var exponent = Int(log10(raw).rounded(.down))
    let fraction = raw / pow(10, Double(exponent))
    let multiple: Double
    switch fraction {
    case ...1.0000001: multiple = 1
    case ...2.0000001: multiple = 2
    // 2.5 is 25 of the next smaller power, so that every tick is a whole multiple of a power.
    case ...2.5000001: (multiple, exponent) = (25, exponent - 1)
    case ...5.0000001: multiple = 5
    default: (multiple, exponent) = (1, exponent + 1)
    }
    // One correctly rounded operation per tick: 3 · 0.1 would be 0.30000000000000004.
    let power = pow(10, Double(abs(exponent)))
    let isFraction = exponent < 0
    func tick(_ index: Double) -> Double {
      isFraction ? index * multiple / power : index * multiple * power
    }
    step = tick(1)
    self.exponent = exponent
    let first = (low / step + 1e-9).rounded(.down)
    let last = (high / step - 1e-9).rounded(.up)
    values = (0...Int(last - first)).map { tick(first + Double($0)) }
  }

  /// From the first tick to the last.
  package var range: ClosedRange<Double> { (values.first ?? 0)...(values.last ?? 1) }

  /// The shortest text that tells a tick from its neighbours.
  package func label(_ value: Double, _ format: Axis.Format = .number) -> String {
    switch format {
    case .percent: return fixed(value * 100, decimals: max(0, -exponent - 2)) + "%"
    case .number:
      if exponent < -6 || abs(value) >= 1e9 { return "\(value)" }
      if abs(value) >= 10_000, exponent >= 0 { return grouped(Int(value)) }
      return fixed(value, decimals: max(0, -exponent))
    }
  }
}
