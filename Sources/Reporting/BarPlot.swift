import Statistics

/// Groups of horizontal bars with interval whiskers: long names stay readable and nothing overlaps,
/// on a wide page and on a telephone.
package struct BarPlot: Drawing {
  /// One bar in every group; nil where nothing was measured.
  package struct Series: Sendable {
    package var name: String
    package var values: [Value?]

    package init(_ name: String, _ values: [Value?]) {
      self.name = name
      self.values = values
    }
  }

  /// The length of a bar, and the interval it may end in.
  package struct Value: Sendable {
    package var value: Double
    package var interval: Interval?

    package init(_ value: Double, interval: Interval? = nil) {
      self.value = value
      self.interval = interval
    }
  }

  package var title: String
  package var axis: Axis
  package var groups: [String]
  package var series: [Series]

  package init(title: String = "", axis: Axis, groups: [String], series: [Series]) {
    self.title = title
    self.axis = axis
    self.groups = groups
    self.series = series
  }

  package func svg(width: Double) -> String {
    var canvas = Canvas(width: width)
    let barHeight = 15.0
    let pitch = 19.0
    let isWide = canvas.width >= 520
    let nameWidth =
      isWide
      ? min(190, groups.map { textWidth($0) }.max() ?? 0)
      : 0
    let values = series.flatMap(\.values).compactMap { $0 }.filter(\.value.isFinite)
    let ends = values.flatMap { value in
      [value.value] + (finite(value.interval).map { [$0.lower, $0.upper] } ?? [])
    }
    // A bar says its value by its length, so it starts at zero.
    let data = min(0, ends.min() ?? 0)...max(ends.max() ?? 1, 0)
    let labelWidth = (values.map { textWidth(axis.text($0.value), size: 12) }.max() ?? 0) + 8
    let left = Canvas.padding + (isWide ? nameWidth + 12 : 0)
    let right = canvas.width - Canvas.padding - labelWidth
    let (range, ticks) = axis.layout(data: data, about: max(2, Int((right - left) / 80)))
    func across(_ value: Double) -> Double {
      let clamped = min(max(value, range.lowerBound), range.upperBound)
      return left + (right - left) * (clamped - range.lowerBound)
        / (range.upperBound - range.lowerBound)
    }

    var y = canvas.heading(title, y: Canvas.padding - 4)
    if series.contains(where: { !$0.name.isEmpty }) {
      y = canvas.legend(series.enumerated().map { ($1.name, .square($0)) }, y: y)
    }
    for line in wrapped(axis.title, width: canvas.innerWidth) {
      y += 18
      canvas.text(line, x: Canvas.padding, y: y, ink: .text(0.72))
    }
    y += 24
    var labelEnd = -Double.infinity
    for tick in ticks {
      let half = textWidth(tick.label) / 2
      let centre = max(half + 2, across(tick.value))
      guard centre - half >= labelEnd + 8 else { continue }
      labelEnd = centre + half
      canvas.text(tick.label, x: centre, y: y, anchor: .middle, ink: .text(0.72))
    }
    let top = y + 8
    y = top

    var bars = Canvas(width: width)
    for (place, group) in groups.enumerated() {
      y += 8
      let lines = wrapped(group, width: isWide ? nameWidth : canvas.innerWidth, isBold: !isWide)
      if !isWide {
        for line in lines {
          y += 17
          bars.text(line, x: Canvas.padding, y: y - 4, isBold: true)
        }
        y += 3
      }
      let height = max(pitch * Double(series.count), isWide ? 17 * Double(lines.count) : 0)
      if isWide {
        for (row, line) in lines.enumerated() {
          let middle = y + height / 2 - 17 * (Double(lines.count) / 2 - Double(row) - 0.5)
          bars.text(line, x: left - 12, y: middle + 4.5 - 2, anchor: .end)
        }
      }
      var barTop = y + (height - pitch * Double(series.count)) / 2
      for (index, one) in series.enumerated() {
        defer { barTop += pitch }
        let middle = barTop + barHeight / 2
        guard place < one.values.count, let value = one.values[place], value.value.isFinite else {
          bars.text("not measured", x: across(0) + 6, y: middle + 4, size: 12, ink: .text(0.6))
          continue
        }
        let (from, to) = (across(min(0, value.value)), across(max(0, value.value)))
        let name = one.name.isEmpty ? group : "\(group), \(one.name)"
        bars.path(
          "M\(coordinate(from)) \(coordinate(barTop))H\(coordinate(to))v\(coordinate(barHeight))"
            + "H\(coordinate(from))Z",
          fill: .series(index), tip: "\(name): \(axis.text(value.value, value.interval))")
        var labelStart = to
        if let interval = finite(value.interval) {
          let (low, high) = (across(interval.lower), across(interval.upper))
          let (a, b) = (coordinate(middle - 4), coordinate(middle + 4))
          let whisker =
            "M\(coordinate(low)) \(a)V\(b)M\(coordinate(high)) \(a)V\(b)"
            + "M\(coordinate(low)) \(coordinate(middle))H\(coordinate(high))"
          bars.path(whisker, stroke: .card, thickness: 3.6)
          bars.path(whisker, stroke: .text(1), thickness: 1.4)
          labelStart = max(to, high)
        }
        bars.text(axis.text(value.value), x: labelStart + 6, y: middle + 4, size: 12)
      }
      y += height
    }

    for tick in ticks {
      let place = across(tick.value)
      canvas.line(place, top, place, y + 4, ink: .text(tick.value == 0 ? 0.55 : 0.14))
    }
    canvas.append(bars.body)
    let names = series.map(\.name).filter { !$0.isEmpty }
    return canvas.document(
      height: y + Canvas.padding, title: title,
      description: "\(axis.title) for \(groups.joined(separator: "; "))"
        + (names.isEmpty ? "" : ", by \(names.joined(separator: ", "))"))
  }

  private func finite(_ interval: Interval?) -> Interval? {
    interval.flatMap { $0.lower.isFinite && $0.upper.isFinite ? $0 : nil }
  }
}
