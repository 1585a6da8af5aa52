import Foundation
import Statistics

/// A picture that can be drawn at any width, so that its text keeps its size on a narrow screen.
package protocol Drawing: Sendable {
  /// A complete SVG image: no external resources, light and dark colours, text that reads at the
  /// width it was drawn for.
  ///
  /// - Parameter width: in CSS pixels; at least 240.
  func svg(width: Double) -> String

  /// What is drawn, digit for digit as comma-separated values, for whoever draws it again; nil for what is not
  /// made of numbers.
  var csv: String? { get }
}

extension Drawing {
  package var csv: String? { nil }
}

extension DataValue {
  /// A measured value with its interval, as the last three columns of a figure's data.
  static func measured(_ value: Double, _ interval: Interval?) -> [DataValue?] {
    [.number(value)] + [interval?.lower, interval?.upper].map { $0.map { .number($0) } }
  }
}

/// The colours of data series. Blue, vermilion and green lead because they differ in lightness and
/// stay apart under every common colour vision deficiency (after Okabe and Ito, 2008); shape and
/// dash say the same thing again.
enum Palette {
  static let light = ["#0072B2", "#D55E00", "#00845F", "#A8408A", "#B07A00", "#5B6470"]
  static let dark = ["#56B4E9", "#FF8A4A", "#2CC495", "#E38AC4", "#E6B422", "#A9B3BF"]

  /// For a picture by itself and for one on a page: dark where the system is, unless the page says otherwise.
  static let style =
    ".mi text{font-variant-numeric:tabular-nums}"
    + "@media screen and (prefers-color-scheme:dark){:root.mi{color:\(ink)}"
    + "\(dark(below: ":root:not([data-theme=light])"))}"

  private static let ink = "#e6e8eb"

  /// The dark colours of pictures below what a selector names.
  static func dark(below selector: String) -> String {
    let series = dark.enumerated().map { index, colour in
      "\(selector) .f\(index){fill:\(colour)}\(selector) .s\(index){stroke:\(colour)}"
    }
    return
      "\(selector) .mi{color:\(ink)}\(selector) .fc{fill:#181b20}\(selector) .sc{stroke:#181b20}"
      + "\(selector) .fw{fill:#FF8A4A}"
      + series.joined()
  }
}

/// Collects the elements of an SVG image from top to bottom.
struct Canvas {
  enum Anchor: String {
    case start, middle, end
  }

  enum Ink: Equatable {
    /// The colour of text, more or less strong.
    case text(Double)
    case series(Int, opacity: Double = 1)
    /// The colour of text that reports a failure: that of the second series, as dark as letters need it.
    case wrong
    /// The background, to keep a thin line apart from what it crosses.
    case card
  }

  static let textSize = 13.0
  static let padding = 14.0

  let width: Double
  private(set) var body = ""

  init(width: Double) {
    self.width = max(width, 240)
  }

  /// The width between the paddings.
  var innerWidth: Double { width - 2 * Self.padding }

  mutating func append(_ markup: String) {
    body += markup + "\n"
  }

  mutating func text(
    _ text: String, x: Double, y: Double, size: Double = textSize, anchor: Anchor = .start,
    ink: Ink = .text(1), isBold: Bool = false
  ) {
    let place = "x=\"\(coordinate(x))\" y=\"\(coordinate(y))\""
    let start = anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
    let weight = isBold ? " font-weight=\"600\"" : ""
    // Not every browser knows `baseline-shift`, so who stands behind a subscript goes up again.
    let drop = size / 4
    var depth = 0.0
    let pieces = TextPiece.pieces(of: typeset(text)).map { piece in
      let wanted = piece.isSubscript ? drop : 0
      defer { depth = wanted }
      guard piece.isSubscript || depth != wanted else { return escaped(piece.text) }
      let small = piece.isSubscript ? " font-size=\"\(coordinate(0.75 * size))\"" : ""
      return "<tspan dy=\"\(coordinate(wanted - depth))\"\(small)>\(escaped(piece.text))</tspan>"
    }
    append(
      "<text \(place) font-size=\"\(coordinate(size))\"\(start)\(weight)\(Self.fill(ink))>"
        + "\(pieces.joined())</text>")
  }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, ink: Ink, thickness: Double = 1,
    dash: String? = nil
  ) {
    path(
      "M\(coordinate(x1)) \(coordinate(y1))L\(coordinate(x2)) \(coordinate(y2))", stroke: ink,
      thickness: thickness, dash: dash)
  }

  mutating func path(
    _ d: String, stroke ink: Ink, thickness: Double = 1, dash: String? = nil
  ) {
    let dashes = dash.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    append(
      "<path d=\"\(d)\" fill=\"none\"\(Self.stroke(ink)) stroke-width=\"\(coordinate(thickness))\""
        + " stroke-linejoin=\"round\"\(dashes)/>")
  }

  mutating func path(_ d: String, fill ink: Ink, tip: String? = nil) {
    let open = "<path d=\"\(d)\"\(Self.fill(ink))"
    append(open + (tip.map { "><title>\(escaped($0))</title></path>" } ?? "/>"))
  }

  /// What belongs to a series, so that a page can hide it.
  mutating func group(series index: Int, _ draw: (inout Canvas) -> Void) {
    append("<g class=\"series\" data-series=\"\(index)\">")
    draw(&self)
    append("</g>")
  }

  /// The whole image.
  func document(height: Double, title: String, description: String) -> String {
    let size = "width=\"\(coordinate(width))\" height=\"\(coordinate(height))\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" class="mi" \(size) \
      viewBox="0 0 \(coordinate(width)) \(coordinate(height))" role="img" \
      aria-label="\(escaped(title.isEmpty ? description : "\(title). \(description)"))" \
      color="#1d2126" \
      font-family="system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif">
      <style>\(Palette.style)</style>
      <rect width="100%" height="100%" rx="6"\(Self.fill(.card))/>
      \(body)</svg>

      """
  }

  static func fill(_ ink: Ink) -> String { paint(ink, "fill", "f") }
  static func stroke(_ ink: Ink) -> String { paint(ink, "stroke", "s") }

  private static func paint(_ ink: Ink, _ attribute: String, _ style: String) -> String {
    let (colour, opacity): (String, Double)
    switch ink {
    case .card:
      (colour, opacity) = (" class=\"\(style)c\" \(attribute)=\"#ffffff\"", 1)
    case .wrong: (colour, opacity) = (" class=\"\(style)w\" \(attribute)=\"#B34600\"", 1)
    case .text(let strength): (colour, opacity) = (" \(attribute)=\"currentColor\"", strength)
    case .series(let index, let strength):
      let place = index % Palette.light.count
      (colour, opacity) = (
        " class=\"\(style)\(place)\" \(attribute)=\"\(Palette.light[place])\"", strength
      )
    }
    return opacity == 1
      ? colour : colour + " \(attribute)-opacity=\"\(trimmed(opacity, decimals: 2))\""
  }
}

/// A length in a picture: hundredths of a pixel are finer than any screen.
func coordinate(_ value: Double) -> String { trimmed(value, decimals: 2) }

/// The width of a text in pixels, a little generous: nobody knows the reader's font.
package func textWidth(_ text: String, size: Double = Canvas.textSize, isBold: Bool = false)
  -> Double
{
  let units = text.reduce(0.0) { total, character in
    switch character {
    case "i", "j", "l", "t", "f", "r", "I", ".", ",", ":", ";", "'", "|", "!", "(", ")", "[", "]",
      "/", " ", "-":
      total + 0.36
    case "m", "w", "M", "W", "%", "@", "—": total + 0.92
    default:
      total + (displayWidth(String(character)) == 2 ? 1.05 : character.isUppercase ? 0.7 : 0.59)
    }
  }
  return units * size * (isBold ? 1.17 : 1)
}

/// A text in lines that fit a width; a word that is wider than that is cut.
func wrapped(
  _ text: String, width: Double, size: Double = Canvas.textSize, isBold: Bool = false
) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(whereSeparator: \.isWhitespace) {
    let longer = line.isEmpty ? String(word) : "\(line) \(word)"
    if textWidth(longer, size: size, isBold: isBold) <= width {
      line = longer
      continue
    }
    if !line.isEmpty { lines.append(line) }
    line = shortened(String(word), width: width, size: size, isBold: isBold)
  }
  return line.isEmpty ? lines : lines + [line]
}

/// A text cut with an ellipsis where it is wider than there is room.
func shortened(
  _ text: String, width: Double, size: Double = Canvas.textSize, isBold: Bool = false
) -> String {
  guard textWidth(text, size: size, isBold: isBold) > width else { return text }
  var cut = text
  while cut.count > 1, textWidth(cut + "…", size: size, isBold: isBold) > width {
    cut.removeLast()
  }
  return cut + "…"
}

/// How one series is told from the others in a legend.
enum Swatch {
  case square(Int)
  case point(Int, ink: Canvas.Ink, Marker)
  case line(Int, ink: Canvas.Ink, marker: Marker?, dash: String?)
  /// A mark upon the colours of others.
  case mark(Marker)
  /// A thin line that is no data.
  case reference

  /// The series that is told by it; nil of what is no data.
  var series: Int? {
    switch self {
    case .square(let index), .point(let index, _, _), .line(let index, _, _, _): index
    case .reference, .mark: nil
    }
  }
}

/// The shapes of data points, one for every colour and shifted by one where colours repeat.
enum Marker: Int, CaseIterable {
  case circle, square, triangle, diamond, wedge, cross

  static func series(_ index: Int) -> Marker {
    allCases[(index + index / Palette.light.count) % allCases.count]
  }

  /// The outline around a centre; all shapes look equally large.
  func path(x: Double, y: Double, radius r: Double) -> String {
    func polygon(_ corners: [(Double, Double)]) -> String {
      "M"
        + corners.map { "\(coordinate(x + $0.0 * r)) \(coordinate(y + $0.1 * r))" }
        .joined(separator: "L") + "Z"
    }
    switch self {
    case .circle:
      let arc = "a\(coordinate(r)) \(coordinate(r)) 0 1 0 "
      return "M\(coordinate(x - r)) \(coordinate(y))\(arc)\(coordinate(2 * r)) 0"
        + "\(arc)\(coordinate(-2 * r)) 0Z"
    case .square: return polygon([(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)])
    case .triangle: return polygon([(0, -1.2), (1.15, 0.85), (-1.15, 0.85)])
    case .diamond: return polygon([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)])
    case .wedge: return polygon([(0, 1.2), (1.15, -0.85), (-1.15, -0.85)])
    case .cross:
      let (arm, end) = (0.4, 1.2)
      return polygon([
        (-arm, -end), (arm, -end), (arm, -arm), (end, -arm), (end, arm), (arm, arm), (arm, end),
        (-arm, end),
        (-arm, arm), (-end, arm), (-end, -arm), (-arm, -arm),
      ])
    }
  }
}

extension Canvas {
  /// The title, wrapped, from `y` on; the new y.
  mutating func heading(_ title: String, y: Double) -> Double {
    var y = y
    for line in wrapped(title, width: innerWidth, size: 16, isBold: true) {
      y += 20
      text(line, x: Self.padding, y: y, size: 16, isBold: true)
    }
    return title.isEmpty ? y : y + 8
  }

  /// The legend in as many rows as it needs, from `y` on; the new y.
  mutating func legend(_ items: [(name: String, swatch: Swatch)], y: Double) -> Double {
    guard !items.isEmpty else { return y }
    var x = Self.padding
    var y = y + 16
    for (name, swatch) in items {
      let mark =
        switch swatch {
        case .square, .point, .mark: 18.0
        case .line, .reference: 32.0
        }
      let label = shortened(name, width: innerWidth - mark)
      let needed = mark + textWidth(label)
      if x > Self.padding, x + needed > width - Self.padding {
        x = Self.padding
        y += 20
      }
      append("<g class=\"key\"\(swatch.series.map { " data-series=\"\($0)\"" } ?? "")>")
      switch swatch {
      case .square(let index):
        path(Marker.square.path(x: x + 6, y: y - 4.5, radius: 6.5), fill: .series(index))
      case .mark(let marker):
        path(marker.path(x: x + 6, y: y - 4.5, radius: 4.5), fill: .text(1))
      case .point(_, let ink, let marker):
        path(marker.path(x: x + 6, y: y - 4.5, radius: 4.5), fill: ink)
      case .reference:
        line(x, y - 4.5, x + 25, y - 4.5, ink: .text(0.5), dash: "3 4")
      case .line(_, let ink, let marker, let dash):
        line(x, y - 4.5, x + 25, y - 4.5, ink: ink, thickness: 2.25, dash: dash)
        if let marker {
          path(marker.path(x: x + 12.5, y: y - 4.5, radius: 4), fill: ink)
        }
      }
      text(label, x: x + mark, y: y)
      append("</g>")
      x += needed + 20
    }
    return y + 8
  }
}
