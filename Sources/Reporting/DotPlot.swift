import Statistics

/// Shares on one common scale, a line for each thing that is compared and a mark for each condition that it was
/// measured under (Cleveland's dot plot): what is to be compared stands below each other, and nothing suggests that an
/// axis has to start at 0.
package struct DotPlot: Drawing {
  /// Where a mark stands, and the interval it may stand in.
  package struct Value: Sendable {
    package var value: Double
    package var interval: Interval?

    package init(_ value: Double, interval: Interval? = nil) {
      self.value = value
      self.interval = interval
    }
  }

  /// One thing that is compared.
  package struct Row: Sendable {
    package var name: String
    /// One for each condition, in their order; nil where nothing was measured.
    package var values: [Value?]

    package init(_ name: String, _ values: [Value?]) {
      self.name = name
      self.values = values
    }
  }

  /// Rows under a heading.
  package struct Group: Sendable {
    package var name: String
    package var rows: [Row]

    package init(_ name: String = "", rows: [Row]) {
      self.name = name
      self.rows = rows
    }
  }

  /// A value to compare all marks with, such as what guessing would reach.
  package struct Reference: Sendable {
    package var value: Double
    package var name: String

    package init(_ value: Double, _ name: String) {
      self.value = value
      self.name = name
    }
  }

  package var title: String
  package var axis: Axis
  /// What the marks of a row stand for, in their order. Of the last one the row also shows the number.
  package var conditions: [String]
  package var groups: [Group]
  package var references: [Reference]

  package init(
    title: String = "", axis: Axis, conditions: [String], groups: [Group],
    references: [Reference] = []
  ) {
    self.title = title
    self.axis = axis
    self.conditions = conditions
    self.groups = groups
    self.references = references
  }

  package var csv: String? {
    DataTable(names: ["group", "row", "condition", axis.title, "lower", "upper"]).csv(
      groups.flatMap { group in
        group.rows.flatMap { row in
          zip(conditions, row.values).compactMap { condition, value in
            value.map { value in
              [.text(group.name), .text(row.name), .text(condition)]
                + DataValue.measured(value.value, value.interval)
            }
          }
        }
      })
  }

  package func svg(width: Double) -> String {
    var canvas = Canvas(width: width)
    var y = canvas.heading(title, y: Canvas.padding - 4)
    y = canvas.legend(
      conditions.enumerated().compactMap { index, name in
        name.isEmpty
          ? nil
          : (
            index == conditions.count - 1 ? "\(name) (numbers at the right)" : name,
            .point(index, ink: .series(index), Marker.series(index))
          )
      }, y: y)
    for line in wrapped(axis.title, width: canvas.innerWidth) {
      y += 18
      canvas.text(line, x: Canvas.padding, y: y, ink: .text(0.72))
    }
    let frame = frame(on: canvas)
    y = drawReferences(frame, y: y + 4, on: &canvas)
    y += 20
    var labelEnd = -Double.infinity
    for tick in frame.ticks {
      let half = textWidth(tick.label) / 2
      let centre = max(half + 2, min(canvas.width - half - 2, frame.across(tick.value)))
      guard centre - half >= labelEnd + 8 else { continue }
      labelEnd = centre + half
      canvas.text(tick.label, x: centre, y: y, anchor: .middle, ink: .text(0.72))
    }
    let top = y + 8
    var marks = Canvas(width: width)
    var bands: [ClosedRange<Double>] = []
    y = draw(frame, y: top, on: &marks, bands: &bands)
    for tick in frame.ticks {
      let place = frame.across(tick.value)
      canvas.line(place, top, place, y + 4, ink: .text(0.14))
    }
    for reference in visibleReferences(frame) {
      let place = frame.across(reference.value)
      for band in [top - 4...top + 4] + bands {
        canvas.line(
          place, band.lowerBound, place, band.upperBound, ink: .text(0.6), dash: "5 3")
      }
    }
    canvas.append(marks.body)
    let names = groups.flatMap { group in
      group.rows.map { group.name.isEmpty ? $0.name : "\(group.name), \($0.name)" }
    }
    return canvas.document(
      height: y + Canvas.padding, title: title,
      description: "\(axis.title) of \(names.joined(separator: "; "))"
        + (conditions.isEmpty ? "" : ", by \(conditions.joined(separator: ", "))"))
  }

  // MARK: Places

  private struct Frame {
    var isWide: Bool
    var nameWidth, left, right: Double
    var range: ClosedRange<Double>
    var ticks: [Axis.Tick]

    func across(_ value: Double) -> Double {
      let clamped = min(max(value, range.lowerBound), range.upperBound)
      return left + (right - left) * (clamped - range.lowerBound)
        / (range.upperBound - range.lowerBound)
    }
  }

  /// From one lane of marks to the next, so that the whiskers of two conditions never cover each other.
  private static let pitch = 9.0
  private static let radius = 4.0

  private func frame(on canvas: Canvas) -> Frame {
    let rows = groups.flatMap(\.rows)
    let isWide = canvas.width >= 520
    let nameWidth = isWide ? min(200, rows.map { textWidth($0.name) }.max() ?? 0) : 0
    let values = rows.flatMap(\.values).compactMap(\.self).filter(\.value.isFinite)
    let ends =
      values.flatMap { value in
        [value.value] + (finite(value.interval).map { [$0.lower, $0.upper] } ?? [])
      } + references.map(\.value).filter(\.isFinite)
    let last = rows.compactMap { number(of: $0) }.map { textWidth($0, size: 12, isBold: true) }
    let left = Canvas.padding + Self.radius + (isWide ? nameWidth + 12 : 0)
    let right = canvas.width - Canvas.padding - Self.radius - (last.max() ?? 0) - 6
    let (range, ticks) = axis.layout(
      data: (ends.min() ?? 0)...(ends.max() ?? 1), about: max(2, Int((right - left) / 80)))
    return Frame(
      isWide: isWide, nameWidth: nameWidth, left: left, right: right, range: range, ticks: ticks)
  }

  private func finite(_ interval: Interval?) -> Interval? {
    interval.flatMap { $0.lower.isFinite && $0.upper.isFinite ? $0 : nil }
  }

  /// The number that stands at the end of a row; nil if the last condition was not measured.
  private func number(of row: Row) -> String? {
    guard !conditions.isEmpty, row.values.count >= conditions.count,
      let value = row.values[conditions.count - 1], value.value.isFinite
    else { return nil }
    return axis.text(value.value)
  }

  private func visibleReferences(_ frame: Frame) -> [Reference] {
    references.filter { frame.range.contains($0.value) }
  }

  // MARK: Parts

  /// The names of the references, each on a line of its own above its place; the new y.
  private func drawReferences(_ frame: Frame, y: Double, on canvas: inout Canvas) -> Double {
    var y = y
    for reference in visibleReferences(frame) {
      y += 16
      let text = shortened(reference.name, width: canvas.innerWidth, size: 12)
      let width = textWidth(text, size: 12)
      let start = min(frame.across(reference.value), canvas.width - Canvas.padding - width)
      canvas.text(text, x: max(Canvas.padding, start), y: y, size: 12, ink: .text(0.72))
    }
    return y
  }

  /// All groups from `y` on; the new y.
  ///
  /// - Parameter bands: where there are marks from top to bottom, and no words among them, which a line would strike out.
  private func draw(
    _ frame: Frame, y: Double, on canvas: inout Canvas, bands: inout [ClosedRange<Double>]
  ) -> Double {
    var y = y
    for (place, group) in groups.enumerated() {
      y += place == 0 ? 4 : 10
      for line in wrapped(group.name, width: canvas.innerWidth, isBold: true) {
        y += 18
        canvas.text(line, x: Canvas.padding, y: y - 4, isBold: true)
      }
      for row in group.rows {
        let above = y
        y = draw(row, of: group, frame, y: y, on: &canvas)
        guard hasMarks(row) else { continue }
        let band = (frame.isWide ? above : y - rowHeight(row, frame) - 2)...y
        if let last = bands.last, last.upperBound == band.lowerBound {
          bands[bands.count - 1] = last.lowerBound...y
        } else {
          bands.append(band)
        }
      }
    }
    return y
  }

  private func hasMarks(_ row: Row) -> Bool {
    row.values.prefix(conditions.count).contains { $0?.value.isFinite == true }
  }

  /// The height of all lanes of marks of a row.
  private var lanesHeight: Double { Self.pitch * Double(max(conditions.count, 1)) }

  /// The height of a row's marks, and of its name where that stands beside them.
  private func rowHeight(_ row: Row, _ frame: Frame) -> Double {
    max(lanesHeight, 17 * Double(frame.isWide ? max(nameLines(row, frame).count, 1) : 1))
  }

  /// A row's name beside its marks.
  private func nameLines(_ row: Row, _ frame: Frame) -> [String] {
    wrapped(row.name, width: frame.nameWidth)
  }

  private func draw(
    _ row: Row, of group: Group, _ frame: Frame, y: Double, on canvas: inout Canvas
  ) -> Double {
    // On a narrow picture a name stands above its marks, and nearer to them than to those of the row before.
    var y = y + (frame.isWide ? 5 : 10)
    let lines =
      frame.isWide ? nameLines(row, frame) : wrapped(row.name, width: canvas.innerWidth)
    if !frame.isWide {
      for line in lines {
        y += 17
        canvas.text(line, x: Canvas.padding, y: y - 4)
      }
      y += 2
    }
    let height = rowHeight(row, frame)
    if frame.isWide {
      for (index, line) in lines.enumerated() {
        let middle = y + height / 2 - 17 * (Double(lines.count) / 2 - Double(index) - 0.5)
        canvas.text(
          line, x: Canvas.padding + frame.nameWidth, y: middle + 4.5, anchor: .end)
      }
    }
    if !hasMarks(row) {
      canvas.text(
        shortened("not measured", width: frame.right - frame.left, size: 12), x: frame.left,
        y: y + height / 2 + 4, size: 12, ink: .text(0.6))
    }
    for (index, value) in zip(conditions.indices, row.values) {
      guard let value, value.value.isFinite else { continue }
      let lane = y + (height - lanesHeight) / 2 + Self.pitch * (Double(index) + 0.5)
      let name = [group.name, row.name, conditions[index]].filter { !$0.isEmpty }
        .joined(separator: ", ")
      canvas.group(series: index) { canvas in
        if let interval = finite(value.interval) {
          canvas.line(
            frame.across(interval.lower), lane, frame.across(interval.upper), lane,
            ink: .series(index, opacity: 0.55), thickness: 2.5)
        }
        canvas.path(
          Marker.series(index).path(x: frame.across(value.value), y: lane, radius: Self.radius),
          fill: .series(index), tip: "\(name): \(axis.text(value.value, value.interval))")
      }
    }
    if let number = number(of: row) {
      canvas.text(
        number, x: canvas.width - Canvas.padding, y: y + height / 2 + 4, size: 12, anchor: .end,
        isBold: true)
    }
    return y + height
  }
}
