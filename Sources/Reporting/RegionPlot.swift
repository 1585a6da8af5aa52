import Statistics

/// Where in a plane which of several things holds: every cell of a grid has one of a few kinds, which are called
/// by their descriptions.
package struct RegionPlot<Kind: Hashable & CustomStringConvertible & Sendable>: Drawing {
  /// A line over the cells, such as a computed border; without a name it is not in the legend.
  package struct Curve: Sendable {
    package var name: String
    package var points: [(x: Double, y: Double)]

    package init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }

  /// Something that was measured, as marks in the plane.
  package struct Places: Sendable {
    package var name: String
    /// With intervals of y, whose ends may lie beyond the plane.
    package var points: [(x: Double, y: Double, interval: Interval)]

    package init(_ name: String, _ points: [(x: Double, y: Double, interval: Interval)]) {
      self.name = name
      self.points = points
    }
  }

  package var title: String
  package var x: Axis
  package var y: Axis
  /// The kind that is left pale.
  package var pale: Kind
  /// The others, in the order of their colours.
  package var kinds: [Kind]
  /// The kind of every cell, [row][column] from the lower left, all cells equally large.
  package var cells: [[Kind]]
  package var curves: [Curve]
  package var places: [Places] = []

  /// - Parameters:
  ///   - x: with the range that the columns fill; 0...1 if it has none.
  ///   - y: with the range that the rows fill; 0...1 if it has none.
  package init(
    title: String = "", x: Axis, y: Axis, pale: Kind, kinds: [Kind], cells: [[Kind]],
    curves: [Curve] = []
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.pale = pale
    self.kinds = kinds
    self.cells = cells
    self.curves = curves
  }

  package var csv: String? {
    let (xRange, yRange) = (x.range ?? 0...1, y.range ?? 0...1)
    func middle(_ range: ClosedRange<Double>, _ place: Int, of count: Int) -> DataValue {
      let share = (Double(place) + 0.5) / Double(count)
      return .number(range.lowerBound + (range.upperBound - range.lowerBound) * share)
    }
    return DataTable(names: [x.title, y.title, "kind"]).csv(
      cells.enumerated().flatMap { row, kinds in
        kinds.enumerated().map { column, kind in
          [
            middle(xRange, column, of: kinds.count), middle(yRange, row, of: cells.count),
            .text(kind.description),
          ]
        }
      })
  }

  package func svg(width: Double) -> String {
    var canvas = Canvas(width: width)
    let found = Set(cells.joined())
    let used = kinds.enumerated().filter { found.contains($0.element) }
    let shades: [(kind: Kind, ink: Canvas.Ink)] =
      (found.contains(pale) ? [(pale, .text(0.06))] : [])
      + used.map { ($0.element, .series($0.offset, opacity: 0.7)) }
    var cursor = canvas.heading(title, y: Canvas.padding - 4)
    cursor = canvas.legend(
      used.map { ($0.element.description, .square($0.offset)) }
        + curves.filter { !$0.name.isEmpty }.map { ($0.name, .reference) }
        + places.indices.map { (places[$0].name, .mark(Self.marker($0))) },
      y: cursor)
    if found.contains(pale) {
      for line in wrapped("Pale: \(pale)", width: canvas.innerWidth) {
        cursor += 18
        canvas.text(line, x: Canvas.padding, y: cursor, ink: .text(0.72))
      }
    }
    for line in wrapped(y.title, width: canvas.innerWidth) {
      cursor += 18
      canvas.text(line, x: Canvas.padding, y: cursor, ink: .text(0.72))
    }

    let height = min(380, max(220, canvas.width * 0.55))
    let (xRange, yRange) = (x.range ?? 0...1, y.range ?? 0...1)
    let yTicks = y.layout(data: yRange, about: Int(height / 45)).1
    let left = Canvas.padding + (yTicks.map { textWidth($0.label) }.max() ?? 0) + 8
    let right = canvas.width - Canvas.padding - 10
    let (top, bottom) = (cursor + 16, cursor + 16 + height)
    func across(_ value: Double) -> Double {
      left + (right - left) * (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
    }
    func down(_ value: Double) -> Double {
      bottom - height * (value - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
    }

    for (kind, ink) in shades {
      canvas.path(
        outline(of: kind, left: left, right: right, top: top, bottom: bottom), fill: ink,
        tip: kind.description)
    }
    for tick in yTicks {
      let place = down(tick.value)
      canvas.line(left - 4, place, left, place, ink: .text(0.55))
      canvas.text(tick.label, x: left - 8, y: place + 4.5, anchor: .end, ink: .text(0.72))
    }
    for tick in x.layout(data: xRange, about: max(2, Int((right - left) / 90))).1 {
      let place = across(tick.value)
      canvas.line(place, bottom, place, bottom + 5, ink: .text(0.55))
      let half = textWidth(tick.label) / 2
      canvas.text(
        tick.label, x: max(half + 4, min(canvas.width - half - 4, place)), y: bottom + 20,
        anchor: .middle, ink: .text(0.72))
    }
    for curve in curves {
      let inside = curve.points.filter { xRange.contains($0.x) && yRange.contains($0.y) }
      guard let first = inside.first else { continue }
      let d = inside.dropFirst().reduce(
        "M\(coordinate(across(first.x))) \(coordinate(down(first.y)))"
      ) { $0 + "L\(coordinate(across($1.x))) \(coordinate(down($1.y)))" }
      // Pale below dark, to be seen on every colour.
      canvas.path(d, stroke: .card, thickness: 4)
      canvas.path(d, stroke: .text(1), thickness: 1.5, dash: "3 4")
    }
    for (number, place) in places.enumerated() {
      // Of one λ the marks stand beside each other.
      let shift = 5 * (Double(number) - Double(places.count - 1) / 2)
      for point in place.points where xRange.contains(point.x) {
        draw(
          point, at: across(point.x) + shift, in: yRange, down, number, tip: place.name, &canvas)
      }
    }
    var end = bottom + 23
    for line in wrapped(x.title, width: canvas.innerWidth) {
      end += 18
      canvas.text(line, x: (left + right) / 2, y: end, anchor: .middle, ink: .text(0.72))
    }
    return canvas.document(
      height: end + Canvas.padding, title: title,
      description: "\(y.title) by \(x.title): "
        + shades.map(\.kind.description).joined(separator: ", "))
  }

  private static func marker(_ number: Int) -> Marker { number == 0 ? .circle : .square }

  /// A mark with its whisker; an end beyond the plane is an arrow at its border, and so is a mark there.
  private func draw(
    _ point: (x: Double, y: Double, interval: Interval), at x: Double,
    in range: ClosedRange<Double>, _ down: (Double) -> Double, _ number: Int, tip: String,
    _ canvas: inout Canvas
  ) {
    func inside(_ value: Double) -> Double {
      min(max(value, range.lowerBound), range.upperBound)
    }
    let (low, high) = (down(inside(point.interval.lower)), down(inside(point.interval.upper)))
    canvas.line(x, low, x, high, ink: .card, thickness: 4)
    canvas.line(x, low, x, high, ink: .text(1), thickness: 1.5)
    for (end, beyond, step) in [
      (high, point.interval.upper > range.upperBound, 5.0),
      (low, point.interval.lower < range.lowerBound, -5.0),
    ] where beyond {
      canvas.path(
        "M\(coordinate(x - 4)) \(coordinate(end + step))L\(coordinate(x)) \(coordinate(end))"
          + "L\(coordinate(x + 4)) \(coordinate(end + step))", stroke: .text(1), thickness: 1.5)
    }
    guard range.contains(point.y) else { return }
    let marker = Self.marker(number)
    canvas.path(marker.path(x: x, y: down(point.y), radius: 6.5), fill: .card)
    canvas.path(
      marker.path(x: x, y: down(point.y), radius: 4.5), fill: .text(1),
      tip: "\(tip): \(trimmed(point.x, decimals: 3)), \(trimmed(point.y, decimals: 2))")
  }

  /// The cells of one kind, runs of them in a row as one rectangle.
  private func outline(
    of kind: Kind, left: Double, right: Double, top: Double, bottom: Double
  ) -> String {
    var result = ""
    for (row, kinds) in cells.enumerated() {
      let high = bottom - (bottom - top) * Double(row + 1) / Double(cells.count)
      let low = bottom - (bottom - top) * Double(row) / Double(cells.count)
      var column = 0
      while column < kinds.count {
        guard kinds[column] == kind else {
          column += 1
          continue
        }
        var end = column + 1
        while end < kinds.count, kinds[end] == kind { end += 1 }
        let start = left + (right - left) * Double(column) / Double(kinds.count)
        let stop = left + (right - left) * Double(end) / Double(kinds.count)
        result +=
          "M\(coordinate(start)) \(coordinate(low))V\(coordinate(high))"
          + "H\(coordinate(stop))V\(coordinate(low))Z"
        column = end
      }
    }
    return result
  }
}
