import Statistics

/// Curves over a common axis: accuracy against ε, a statistic against λ, a ROC curve.
package struct LinePlot: Drawing {
  /// A measured value, with the interval it may lie in.
  package struct Point: Sendable {
    package var x: Double
    package var y: Double
    package var interval: Interval?

    package init(x: Double, y: Double, interval: Interval? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  /// How the points of a series are joined.
  package enum Join: Sendable {
    case lines
    /// Right, then up, as an empirical distribution or a ROC curve steps.
    case steps
    case none
  }

  /// How the intervals of a series are drawn.
  package enum Uncertainty: Sendable {
    case band
    case whiskers
  }

  /// Points that belong together.
  package struct Series: Sendable {
    package var name: String
    package var points: [Point]
    package var join: Join
    package var uncertainty: Uncertainty
    /// For what was computed rather than measured.
    package var isDashed: Bool
    /// Whether each point gets a mark; nil where there are few enough to see.
    package var showsMarkers: Bool?
    /// The series of the plot whose colour it has, where both are about one thing; nil for a colour of its own.
    package var relative: Int?

    package init(
      _ name: String, _ points: [Point], join: Join = .lines,
      uncertainty: Uncertainty = .whiskers, isDashed: Bool = false, showsMarkers: Bool? = nil,
      relative: Int? = nil
    ) {
      self.relative = relative
      self.showsMarkers = showsMarkers
      self.name = name
      self.points = points
      self.join = join
      self.uncertainty = uncertainty
      self.isDashed = isDashed
    }
  }

  /// A vertical line at a value of the horizontal axis, with its name above.
  package struct Marking: Sendable {
    package var x: Double
    package var label: String

    package init(x: Double, label: String) {
      self.x = x
      self.label = label
    }
  }

  package var title: String
  package var x: Axis
  package var y: Axis
  package var series: [Series]
  package var markings: [Marking]
  /// A thin line from corner to corner with its name in the legend, such as "chance".
  package var diagonal: String?
  /// Whether both axes are equally long, for quantities of one kind.
  package var isSquare = false

  package init(
    title: String = "", x: Axis, y: Axis, series: [Series], markings: [Marking] = [],
    diagonal: String? = nil
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
    self.markings = markings
    self.diagonal = diagonal
  }

  /// ROC curves: the share of adversarial images found against that of clean images accused.
  ///
  /// - Parameter curves: the corners from (0, 0) to (1, 1). Joined by straight lines they are steps,
  ///   and slant where scores tie, so that the area seen is the AUC.
  package static func roc(
    title: String = "",
    curves: [(name: String, points: [(falsePositiveRate: Double, truePositiveRate: Double)])]
  ) -> LinePlot {
    var plot = LinePlot(
      title: title, x: Axis("False positive rate", range: 0...1, format: .percent),
      y: Axis("True positive rate", range: 0...1, format: .percent),
      series: curves.map { curve in
        Series(
          curve.name,
          curve.points.map { Point(x: $0.falsePositiveRate, y: $0.truePositiveRate) },
          showsMarkers: false)
      }, diagonal: "chance")
    plot.isSquare = true
    return plot
  }

  package var csv: String? {
    DataTable(names: ["series", x.title, y.title, "lower", "upper"]).csv(
      series.flatMap { one in
        one.points.map { point in
          [.text(one.name), .number(point.x)] + DataValue.measured(point.y, point.interval)
        }
      })
  }

  package func svg(width: Double) -> String {
    let width = isSquare ? min(width, 480) : width
    var canvas = Canvas(width: width)
    let frame = drawFrame(on: &canvas)
    var curves = Canvas(width: width)
    for (index, one) in series.enumerated() {
      let points = finitePoints(of: one)
      if one.uncertainty == .band {
        curves.group(series: index) { drawBand(points, index, frame, on: &$0) }
      }
    }
    for (index, one) in series.enumerated() where one.join != .none {
      curves.group(series: index) {
        $0.path(
          frame.outline(finitePoints(of: one), one.join, shift: shift(of: index, frame)),
          stroke: ink(index), thickness: 2.25, dash: dash(of: index))
      }
    }
    // Three pixels more than the frame: a curve along an axis keeps its full thickness.
    let (left, top) = (frame.left - 3, frame.top - 3)
    let (across, down) = (frame.right - frame.left + 6, frame.bottom - frame.top + 6)
    canvas.append(
      """
      <svg x="\(coordinate(left))" y="\(coordinate(top))" width="\(coordinate(across))" \
      height="\(coordinate(down))" viewBox="\(coordinate(left)) \(coordinate(top)) \
      \(coordinate(across)) \(coordinate(down))">
      \(curves.body)</svg>
      """)
    for index in series.indices {
      canvas.group(series: index) { drawPoints(index, frame, on: &$0) }
    }
    let names = series.map(\.name).filter { !$0.isEmpty }
    return canvas.document(
      height: frame.height, title: title,
      description: "\(y.title) by \(x.title)"
        + (names.isEmpty ? "" : ": \(names.joined(separator: ", "))"))
  }

  // MARK: Frame

  /// Where the data stand on the picture.
  private struct Frame {
    var left, right, top, bottom, height: Double
    var x, y: ClosedRange<Double>

    /// Points at the ends of the axis stay clear of the labels.
    static let inset = 10.0

    func across(_ value: Double) -> Double {
      left + Self.inset + (right - left - 2 * Self.inset)
        * ((value - x.lowerBound) / (x.upperBound - x.lowerBound))
    }

    func down(_ value: Double) -> Double {
      bottom - (bottom - top) * ((value - y.lowerBound) / (y.upperBound - y.lowerBound))
    }

    func outline(_ points: [Point], _ join: Join, shift: Double) -> String {
      var result = ""
      for point in points {
        let (px, py) = (coordinate(across(point.x) + shift), coordinate(down(point.y)))
        switch join {
        case _ where result.isEmpty: result = "M\(px) \(py)"
        case .steps: result += "H\(px)V\(py)"
        case .lines, .none: result += "L\(px) \(py)"
        }
      }
      return result
    }
  }

  private func drawFrame(on canvas: inout Canvas) -> Frame {
    let points = series.flatMap(finitePoints(of:))
    let xs = points.map(\.x) + markings.map(\.x).filter(\.isFinite)
    let ys = points.flatMap { point in
      [point.y] + (point.interval.map { [$0.lower, $0.upper].filter(\.isFinite) } ?? [])
    }
    let plotHeight = isSquare ? canvas.width * 0.8 : min(330, max(200, canvas.width * 0.46))
    let (yRange, yTicks) = y.layout(
      data: (ys.min() ?? 0)...(ys.max() ?? 1), about: Int(plotHeight / 45))

    var cursor = canvas.heading(title, y: Canvas.padding - 4)
    cursor = canvas.legend(legendItems, y: cursor)
    for line in wrapped(y.title, width: canvas.innerWidth) {
      cursor += 18
      canvas.text(line, x: Canvas.padding, y: cursor, ink: .text(0.72))
    }

    let labelWidth = yTicks.map { textWidth($0.label) }.max() ?? 0
    let left = Canvas.padding + labelWidth + 8
    let right = canvas.width - Canvas.padding - 10
    let (xRange, xTicks) = x.layout(
      data: (xs.min() ?? 0)...(xs.max() ?? 1), about: max(2, Int((right - left) / 90)))
    var frame = Frame(
      left: left, right: right, top: 0, bottom: 0, height: 0, x: xRange, y: yRange)
    let labels = markingRows(frame, in: canvas)
    cursor += 6 + 17 * Double((labels.map(\.row).max() ?? -1) + 1)
    frame.top = cursor + 8
    frame.bottom = frame.top + plotHeight

    for tick in yTicks {
      let height = frame.down(tick.value)
      let isBase = tick.value == 0
      canvas.line(left, height, right, height, ink: .text(isBase ? 0.55 : 0.14))
      canvas.text(
        tick.label, x: left - 8, y: height + 4.5, anchor: .end, ink: .text(0.72))
    }
    if !yTicks.contains(where: { $0.value == 0 }) {
      canvas.line(left, frame.bottom, right, frame.bottom, ink: .text(0.55))
    }
    let rows = drawTicks(xTicks, frame, on: &canvas)
    frame.height = frame.bottom + 6 + 17 * Double(max(rows, 1))
    for line in wrapped(x.title, width: canvas.innerWidth) {
      frame.height += 18
      canvas.text(line, x: (left + right) / 2, y: frame.height, anchor: .middle, ink: .text(0.72))
    }
    frame.height += Canvas.padding

    if diagonal != nil {
      canvas.line(
        frame.across(xRange.lowerBound), frame.bottom, frame.across(xRange.upperBound), frame.top,
        ink: .text(0.5), dash: "3 4")
    }
    for label in labels {
      let place = frame.across(label.marking.x)
      func base(_ row: Int) -> Double { frame.top - 8 - 17 * Double(row) }
      let y = base(label.row)
      // The line makes room for labels of others below.
      let others = labels.filter {
        let end = $0.start + textWidth($0.marking.label, size: 12)
        return $0.row < label.row && $0.start - 2 < place && place < end + 2
      }
      var upper = y + 1
      for row in others.map(\.row).sorted(by: >) {
        canvas.line(place, upper, place, base(row) - 14, ink: .text(0.6), dash: "5 3")
        upper = base(row) + 1
      }
      canvas.line(place, upper, place, frame.bottom, ink: .text(0.6), dash: "5 3")
      canvas.text(label.marking.label, x: label.start, y: y - 3, size: 12)
    }
    return frame
  }

  private var legendItems: [(name: String, swatch: Swatch)] {
    var items: [(name: String, swatch: Swatch)] = series.indices.compactMap { index in
      let one = series[index]
      guard !one.name.isEmpty else { return nil }
      let marker = showsMarkers(one) ? Marker.series(index) : nil
      return one.join == .none
        ? (one.name, .point(index, ink: ink(index), Marker.series(index)))
        : (one.name, .line(index, ink: ink(index), marker: marker, dash: dash(of: index)))
    }
    if let diagonal { items.append((diagonal, .reference)) }
    return items
  }

  /// The labels of the x axis, on a second row where they would touch; the number of rows.
  private func drawTicks(_ ticks: [Axis.Tick], _ frame: Frame, on canvas: inout Canvas) -> Int {
    var ends = [-Double.infinity, -Double.infinity]
    var rows = 0
    for tick in ticks.sorted(by: { $0.value < $1.value }) {
      let place = frame.across(tick.value)
      canvas.line(place, frame.bottom, place, frame.bottom + 5, ink: .text(0.55))
      let half = textWidth(tick.label) / 2
      // At the picture's edge a label moves inwards rather than being cut.
      let centre = max(half + 4, min(canvas.width - half - 4, place))
      guard let row = ends.firstIndex(where: { centre - half >= $0 + 7 }) else { continue }
      ends[row] = centre + half
      rows = max(rows, row + 1)
      canvas.text(
        tick.label, x: centre, y: frame.bottom + 20 + 17 * Double(row), anchor: .middle,
        ink: .text(0.72))
    }
    return rows
  }

  /// Where the name of a vertical line stands: its left end, and its row above the frame.
  private struct Label {
    var marking: Marking
    var line, start, end: Double
    var row: Int

    /// Whether two names touch, or the line of the higher one runs through the lower one.
    func collides(with other: Label) -> Bool {
      if row == other.row { return start < other.end + 8 && other.start < end + 8 }
      let (lower, higher) = row < other.row ? (self, other) : (other, self)
      return (lower.start - 3...lower.end + 3).contains(higher.line)
    }
  }

  /// The names of the vertical lines, on as few rows as they need to stay apart.
  private func markingRows(_ frame: Frame, in canvas: Canvas) -> [Label] {
    let visible = markings.filter { frame.x.contains($0.x) }.sorted { $0.x < $1.x }
    func candidates(_ marking: Marking, rows: Int) -> [Label] {
      let text = shortened(marking.label, width: canvas.innerWidth, size: 12)
      let width = textWidth(text, size: 12)
      let line = frame.across(marking.x)
      return (0..<rows).flatMap { row in
        let starts: [Double] = [line - width / 2, line + 2, line - width - 2]
        return starts.map { wanted in
          let start = max(Canvas.padding, min(canvas.width - Canvas.padding - width, wanted))
          return Label(
            marking: Marking(x: marking.x, label: text), line: line, start: start,
            end: start + width, row: row)
        }
      }
    }
    func place(_ rest: ArraySlice<Marking>, beside placed: [Label], rows: Int) -> [Label]? {
      guard let next = rest.first else { return placed }
      for label in candidates(next, rows: rows) where !placed.contains(where: label.collides) {
        if let all = place(rest.dropFirst(), beside: placed + [label], rows: rows) { return all }
      }
      return nil
    }
    // The search is exponential; nobody can read more lines than this anyway.
    if visible.count <= 4 {
      for rows in 1...max(visible.count, 1) {
        if let labels = place(visible[...], beside: [], rows: rows) { return labels }
      }
    }
    return visible.enumerated().compactMap { index, marking in
      candidates(marking, rows: visible.count).first { $0.row == visible.count - 1 - index }
    }
  }

  // MARK: Data

  private func finitePoints(of one: Series) -> [Point] {
    one.points.filter { $0.x.isFinite && $0.y.isFinite }
  }

  // More marks than this run together, and the curve says it better; one point is no curve.
  private func showsMarkers(_ one: Series) -> Bool {
    one.join == .none || finitePoints(of: one).count == 1
      || one.showsMarkers ?? (one.join == .lines && !one.isDashed && one.points.count <= 24)
  }

  private func ink(_ index: Int, opacity: Double = 1) -> Canvas.Ink {
    .series(series[index].relative ?? index, opacity: opacity)
  }

  /// How the line of a series is broken: what has no marks is told from the others without colour too.
  private func dash(of index: Int) -> String? {
    let one = series[index]
    if !one.isDashed, showsMarkers(one) { return index >= Palette.light.count ? "8 4" : nil }
    let alike = series[..<index].count { $0.isDashed == one.isDashed && !showsMarkers($0) }
    let dashes = one.isDashed ? Self.brokenDashes : Self.plainDashes
    return dashes[alike % dashes.count]
  }

  private static let brokenDashes = ["2 4", "2 4 7 4", "2 2 2 8", "5 5"]
  private static let plainDashes = [nil, "12 3", "12 3 3 3", "20 3"]

  /// Whiskers of several series at the same place stand beside each other.
  private func shift(of index: Int, _ frame: Frame) -> Double {
    let withWhiskers = series.indices.filter { place in
      series[place].uncertainty == .whiskers && series[place].join == .lines
        && series[place].points.contains { $0.interval != nil }
    }
    guard let rank = withWhiskers.firstIndex(of: index) else { return 0 }
    let step = min(3, 14 / Double(withWhiskers.count))
    return (Double(rank) - Double(withWhiskers.count - 1) / 2) * step
  }

  private func drawBand(_ points: [Point], _ index: Int, _ frame: Frame, on canvas: inout Canvas) {
    let edges = points.compactMap { point in
      point.interval.flatMap { interval in
        interval.lower.isFinite && interval.upper.isFinite
          ? (x: point.x, lower: interval.lower, upper: interval.upper) : nil
      }
    }
    guard edges.count > 1 else { return }
    let upper = edges.map { Point(x: $0.x, y: $0.upper) }
    let lower = edges.reversed().map { Point(x: $0.x, y: $0.lower) }
    canvas.path(
      frame.outline(upper + lower, .lines, shift: 0) + "Z", fill: ink(index, opacity: 0.18))
  }

  private func drawPoints(_ index: Int, _ frame: Frame, on canvas: inout Canvas) {
    let one = series[index]
    let shift = shift(of: index, frame)
    for point in finitePoints(of: one) where frame.x.contains(point.x) {
      let across = frame.across(point.x) + shift
      if one.uncertainty == .whiskers, let interval = point.interval,
        interval.lower.isFinite, interval.upper.isFinite,
        interval.upper >= frame.y.lowerBound, interval.lower <= frame.y.upperBound
      {
        let upper = frame.down(min(interval.upper, frame.y.upperBound))
        let lower = frame.down(max(interval.lower, frame.y.lowerBound))
        let (a, b) = (coordinate(across - 3.5), coordinate(across + 3.5))
        canvas.path(
          "M\(a) \(coordinate(upper))H\(b)M\(a) \(coordinate(lower))H\(b)"
            + "M\(coordinate(across)) \(coordinate(upper))V\(coordinate(lower))",
          stroke: ink(index), thickness: 1.4)
      }
      guard showsMarkers(one), frame.y.contains(point.y) else { continue }
      let place = x.ticks?.first { $0.value == point.x }?.label ?? x.text(point.x)
      let name = one.name.isEmpty ? "" : "\(one.name): "
      canvas.path(
        Marker.series(index).path(x: across, y: frame.down(point.y), radius: 4),
        fill: ink(index), tip: "\(name)\(y.text(point.y, point.interval)) at \(place)")
    }
  }
}
