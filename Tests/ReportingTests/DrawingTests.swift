import Foundation
import Reporting
import Statistics
import Testing

@Suite("Pictures")
struct DrawingTests {
  static let widths = [320.0, 360, 480, 760]
  static let words = [
    "MI-OL", "mixup & <co>", "λ = 0.6", "interpolated adversarial training", "ŷ", "\"none\"", "ε",
    "attack through the defence",
  ]

  private func phrase(_ stream: inout RandomStream) -> String {
    (0..<Int.random(in: 1...3, using: &stream))
      .compactMap { _ in Self.words.randomElement(using: &stream) }.joined(separator: " ")
  }

  private func randomLinePlot(_ stream: inout RandomStream) -> LinePlot {
    let isPercent = Bool.random(using: &stream)
    let scale = isPercent ? 1 : pow(10, Double.random(in: -4...5, using: &stream))
    let ratios = [0.0, 1, 2, 4, 8, 16].map { Axis.Tick($0 / 255, $0 == 0 ? "0" : "\(Int($0))/255") }
    let hasTicks = Bool.random(using: &stream)
    let joins: [LinePlot.Join] = [.lines, .steps, .none]
    let series = (0..<Int.random(in: 0...8, using: &stream)).map { _ in
      let points = (0..<Int.random(in: 0...30, using: &stream)).map { index in
        let y = Double.random(in: -0.2...1.2, using: &stream) * scale
        let x = hasTicks ? ratios[index % ratios.count].value : Double(index)
        let bad = Double.random(in: 0...1, using: &stream) < 0.05
        return LinePlot.Point(
          x: x, y: bad ? .nan : y,
          interval: Bool.random(using: &stream)
            ? Interval(lower: y - 0.1 * scale, upper: bad ? .infinity : y + 0.1 * scale) : nil)
      }
      return LinePlot.Series(
        phrase(&stream), points, join: joins.randomElement(using: &stream) ?? .lines,
        uncertainty: Bool.random(using: &stream) ? .band : .whiskers,
        isDashed: Bool.random(using: &stream))
    }
    var plot = LinePlot(
      title: Bool.random(using: &stream) ? phrase(&stream) : "",
      x: Axis(phrase(&stream), ticks: hasTicks ? ratios : nil),
      y: Axis(
        phrase(&stream), range: Bool.random(using: &stream) ? 0...scale : nil,
        format: isPercent ? .percent : .number),
      series: series,
      markings: (0..<Int.random(in: 0...3, using: &stream)).map { _ in
        .init(
          x: Double.random(in: 0...(hasTicks ? 16.0 / 255 : 30), using: &stream),
          label: phrase(&stream))
      },
      diagonal: Bool.random(using: &stream) ? "chance" : nil)
    plot.isSquare = Bool.random(using: &stream)
    return plot
  }

  private func randomDotPlot(_ stream: inout RandomStream) -> DotPlot {
    let conditions = Int.random(in: 0...7, using: &stream)
    let groups = (0..<Int.random(in: 0...3, using: &stream)).map { _ in
      let rows = (0..<Int.random(in: 0...4, using: &stream)).map { _ in
        let values = (0..<Int.random(in: 0...conditions, using: &stream)).map { _ in
          let value = Double.random(in: 0...1, using: &stream)
          let bad = Double.random(in: 0...1, using: &stream) < 0.05
          return Bool.random(using: &stream)
            ? DotPlot.Value(
              bad ? .nan : value,
              interval: Interval(lower: value - 0.05, upper: bad ? .infinity : value + 0.05)) : nil
        }
        return DotPlot.Row(phrase(&stream), values)
      }
      return DotPlot.Group(Bool.random(using: &stream) ? phrase(&stream) : "", rows: rows)
    }
    return DotPlot(
      title: phrase(&stream),
      axis: Axis(
        phrase(&stream), range: Bool.random(using: &stream) ? 0...1 : nil,
        format: Bool.random(using: &stream) ? .percent : .number),
      conditions: (0..<conditions).map { _ in phrase(&stream) }, groups: groups,
      references: (0..<Int.random(in: 0...2, using: &stream)).map { _ in
        DotPlot.Reference(Double.random(in: 0...1, using: &stream), phrase(&stream))
      })
  }

  private func randomImageGrid(_ stream: inout RandomStream) throws -> ImageGrid {
    let columns = Int.random(in: 0...11, using: &stream)
    let side = Int.random(in: 1...9, using: &stream)
    return try ImageGrid(
      title: phrase(&stream),
      columns: (0..<columns).map { _ in Self.words.randomElement(using: &stream) ?? "" },
      rows: (0..<Int.random(in: 0...3, using: &stream)).map { _ in
        try ImageGrid.Row(
          phrase(&stream),
          cells: (0..<Int.random(in: 0...columns, using: &stream)).map { _ in
            let channels = Bool.random(using: &stream) ? 1 : 3
            let values = (0..<channels * side * side).map { _ in
              Float.random(in: -0.2...1.2, using: &stream)
            }
            return ImageGrid.Cell(
              try ImageGrid.Image(width: side, height: side, values: values),
              caption: "3 (98.7%)", verdict: .wrong)
          })
      },
      remarks: (0..<Int.random(in: 0...2, using: &stream)).map { _ in
        ImageGrid.Remark(
          phrase(&stream),
          (0..<Int.random(in: 0...columns, using: &stream)).map { _ in ("8, 25%", .right) })
      })
  }

  /// Well-formed, every number finite, all text inside the picture and none upon another.
  private func check(_ drawing: any Drawing, _ comment: Comment) {
    for width in Self.widths {
      let svg = drawing.svg(width: width)
      let reader = MarkupReader(svg)
      #expect(reader.isWellFormed, comment)
      #expect(!svg.contains("nan") && !svg.contains("inf\""), comment)
      #expect(svg == drawing.svg(width: width), comment)
      let size = reader.attributes.first
      #expect(!reader.labels.isEmpty, comment)
      let right = size?["width"].flatMap(Double.init) ?? 0
      let bottom = size?["height"].flatMap(Double.init) ?? 0
      #expect(right <= width && bottom > 0, comment)
      for (index, label) in reader.labels.enumerated() {
        // Half a pixel for coordinates rounded to hundredths and for letters' own side bearings.
        #expect(label.left >= -0.5 && label.right <= right + 0.5, "\(label.text), \(width)")
        #expect(label.top >= 0 && label.bottom <= bottom, "\(label.text), \(width)")
        if let other = reader.labels[..<index].first(where: label.overlaps) {
          Issue.record("'\(label.text)' upon '\(other.text)' at width \(width)")
        }
      }
      for line in reader.attributes where line["stroke-dasharray"] == "5 3" {
        let ends = (line["d"] ?? "").split { "ML ".contains($0) }.compactMap { Double($0) }
        guard ends.count == 4 else {
          Issue.record("no line: \(line)")
          continue
        }
        let struck = reader.labels.first {
          $0.left < ends[0] && ends[0] < $0.right && $0.top < ends[3] && ends[1] < $0.bottom
        }
        #expect(struck == nil, "'\(struck?.text ?? "")' is struck out at width \(width)")
      }
    }
  }

  @Test("Line plots are well-formed and their texts never touch", arguments: 0..<30)
  func linePlots(seed: Int) {
    var stream = RandomStream(RandomKey(seed: 4, purpose: .test, example: seed))
    check(randomLinePlot(&stream), "line plot \(seed)")
  }

  @Test("Dot plots are well-formed and their texts never touch", arguments: 0..<30)
  func dotPlots(seed: Int) {
    var stream = RandomStream(RandomKey(seed: 5, purpose: .test, example: seed))
    check(randomDotPlot(&stream), "dot plot \(seed)")
  }

  @Test(
    "A mark of a dot plot stands where its value is between the ticks, and its whisker ends at the interval"
  )
  func marks() throws {
    let plot = DotPlot(
      axis: Axis("share", range: 0...1), conditions: ["a", "b"],
      groups: [
        .init(
          "g",
          rows: [
            .init("r", [.init(0), .init(1)]),
            .init("s", [.init(0.25, interval: Interval(lower: 0, upper: 1)), nil]),
          ])
      ])
    let svg = plot.svg(width: 600)
    /// Where the circle or square begins that a tip names.
    func place(_ tip: String) throws -> Double {
      let line = try #require(svg.split(separator: "\n").first { $0.contains("<title>\(tip)") })
      let start = try #require(line.split(separator: "M").dropFirst().first)
      return try #require(Double(start.prefix { !" L".contains($0) }))
    }
    let (zero, quarter) = (try place("g, r, a: 0"), try place("g, s, a: 0.25 [0, 1]"))
    // A circle starts 4 to the left of its centre, a square 0.88 · 4.
    let one = try place("g, r, b: 1") + 0.88 * 4 - 4
    // Rounded to hundredths, each of the three.
    #expect(abs(quarter - zero - (one - zero) / 4) <= 0.02)
    let whisker = try #require(
      svg.split(separator: "\n").first { $0.contains("stroke-opacity=\"0.55\"") })
    let ends = whisker.split(separator: "\"")[1].split { "ML".contains($0) }
      .compactMap { Double($0.split(separator: " ")[0]) }
    #expect(ends.count == 2 && abs(ends[0] - zero - 4) <= 0.02 && abs(ends[1] - one - 4) <= 0.02)
  }

  @Test("The data of a figure are its numbers, digit for digit, also beyond its axes")
  func data() {
    let value = 0.1 + 0.2
    let line = LinePlot(
      x: Axis("λ", range: 0...0.5), y: Axis("F"),
      series: [
        .init("a", [.init(x: 1, y: value, interval: Interval(lower: 0.1, upper: 0.7))]),
        .init("b", [.init(x: 2, y: 3)]),
      ])
    #expect(
      line.csv
        == "series,λ,F,lower,upper\na,1.0,0.30000000000000004,0.1,0.7\nb,2.0,3.0,,\n")
    let dots = DotPlot(
      axis: Axis("share"), conditions: ["c", "d"],
      groups: [.init("g", rows: [.init("r, s", [.init(value), nil])])])
    #expect(
      dots.csv
        == "group,row,condition,share,lower,upper\ng,\"r, s\",c,0.30000000000000004,,\n")
  }

  @Test("Image grids are well-formed and their texts never touch", arguments: 0..<20)
  func imageGrids(seed: Int) throws {
    var stream = RandomStream(RandomKey(seed: 6, purpose: .test, example: seed))
    check(try randomImageGrid(&stream), "image grid \(seed)")
  }

  @Test("Flame graphs are well-formed and their texts never touch", arguments: 0..<20)
  func flameGraphs(seed: Int) {
    var stream = RandomStream(RandomKey(seed: 7, purpose: .test, example: seed))
    check(
      FlameGraphTests.graph(FlameGraphTests.randomStacks(&stream)), "flame graph \(seed)")
  }

  @Test("A curve goes through its points at the places the ticks say")
  func places() throws {
    let plot = LinePlot(
      x: Axis("x", range: 0...2), y: Axis("y", range: 0...1),
      series: [.init("", [.init(x: 0, y: 0), .init(x: 1, y: 1), .init(x: 2, y: 0.5)])])
    let svg = plot.svg(width: 400)
    let curve = svg.split(separator: "\n").first { $0.contains("stroke-width=\"2.25\"") }
    let numbers = (curve?.split(separator: "\"")[1] ?? "").split { "ML ".contains($0) }
      .compactMap { Double($0) }
    try #require(numbers.count == 6)
    // Equal steps to the right; half the height comes back down. Rounded to hundredths.
    #expect(abs((numbers[2] - numbers[0]) - (numbers[4] - numbers[2])) <= 0.02)
    #expect(abs((numbers[1] + numbers[3]) / 2 - numbers[5]) <= 0.02)
    #expect(numbers[3] < numbers[5] && numbers[5] < numbers[1])
  }

  @Test("A broken curve has no marks, but of one point alone a mark is all that there is")
  func onePoint() {
    func svg(_ points: [LinePlot.Point], showsMarkers: Bool?) -> String {
      LinePlot(
        x: Axis("x"), y: Axis("y"),
        series: [.init("", points, isDashed: true, showsMarkers: showsMarkers)]
      ).svg(width: 400)
    }
    let points: [LinePlot.Point] = [.init(x: 0, y: 1), .init(x: 1, y: 2)]
    #expect(svg([points[0]], showsMarkers: nil) == svg([points[0]], showsMarkers: true))
    #expect(svg(points, showsMarkers: nil) == svg(points, showsMarkers: false))
    #expect(svg(points, showsMarkers: true) != svg(points, showsMarkers: false))
  }

  @Test(
    "A curve about the same thing as another one has its colour, in the frame and in the legend")
  func relative() {
    let points: [LinePlot.Point] = [
      .init(x: 0, y: 0, interval: Interval(lower: 0, upper: 1)), .init(x: 1, y: 1),
    ]
    func colours(relative: Int?) -> [Int] {
      let svg = LinePlot(
        x: Axis("x"), y: Axis("y"),
        series: [.init("a", points), .init("b", points, showsMarkers: true, relative: relative)]
      ).svg(width: 400)
      let body = svg.components(separatedBy: "</style>")[1]
      return [0, 1].map { colour in
        ["class=\"f\(colour)\"", "class=\"s\(colour)\""].reduce(0) {
          $0 + body.components(separatedBy: $1).count - 1
        }
      }
    }
    let (own, shared) = (colours(relative: nil), colours(relative: 0))
    // Line, mark and sample in the legend, whisker.
    #expect(own[0] == own[1] && own[1] >= 5)
    #expect(shared == [own[0] + own[1], 0])
  }

  @Test("A ROC curve stays narrow on a wide page, and has a line of chance and no tips")
  func roc() {
    let plot = LinePlot.roc(curves: [("ΔF", [(0, 0), (0, 0.5), (0.5, 1), (1, 1)])])
    let reader = MarkupReader(plot.svg(width: 760))
    let texts = reader.labels.map(\.text)
    #expect(texts.contains("chance") && texts.contains("ΔF"))
    #expect(texts.contains("False positive rate") && texts.contains("True positive rate"))
    #expect(reader.attributes.first?["width"] == "480")
    #expect(reader.elements["title"] == nil)
  }

  @Test("A step curve only moves right and up")
  func steps() {
    let plot = LinePlot(
      x: Axis("x"), y: Axis("y"),
      series: [.init("", [.init(x: 0, y: 0), .init(x: 1, y: 1), .init(x: 2, y: 2)], join: .steps)])
    let curve = plot.svg(width: 400).split(separator: "\n").first {
      $0.contains("stroke-width=\"2.25\"")
    }
    #expect(curve?.filter { $0 == "H" }.count == 2 && curve?.filter { $0 == "V" }.count == 2)
    #expect(curve?.contains("L") == false)
  }

  @Test("An image's pixels keep their place and their colour")
  func pixels() throws {
    let grey = try ImageGrid.Image(width: 3, height: 2, values: [0, 0, 1, 0.5, 2, -1])
    let svg = ImageGrid(rows: [.init(cells: [.init(grey)])]).svg(width: 300)
    // 0.5 · 255 = 127.5 rounds away from zero to 128 = 0x80; 2 and −1 are clamped.
    #expect(svg.contains("<path fill=\"#000000\" d=\"M0 0h2v1h-2zM2 1h1v1h-1z\"/>"))
    #expect(svg.contains("<path fill=\"#808080\" d=\"M0 1h1v1h-1z\"/>"))
    #expect(svg.contains("<path fill=\"#ffffff\" d=\"M2 0h1v1h-1zM1 1h1v1h-1z\"/>"))
    let colour = try ImageGrid.Image(width: 1, height: 1, values: [1, 0.2, .nan])
    #expect(
      ImageGrid(rows: [.init(cells: [.init(colour)])]).svg(width: 300).contains("#ff3300"))
  }

  @Test(
    "Values that do not fill an image are refused", arguments: [(0, 1, 0), (2, 2, 3), (2, 2, 8)])
  func badImage(width: Int, height: Int, count: Int) {
    #expect(throws: ImageError(width: width, height: height, values: count)) {
      try ImageGrid.Image(
        width: width, height: height, values: [Float](repeating: 0, count: count))
    }
  }
}
