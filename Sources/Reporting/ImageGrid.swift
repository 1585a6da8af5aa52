import Statistics

/// Small images side by side, such as digits before and after an attack, drawn pixel by pixel.
package struct ImageGrid: Drawing {
  /// Pixels in [0, 1], [C, H, W] row-major, with one channel (grey) or three (red, green, blue).
  package struct Image: Sendable {
    package let width: Int
    package let height: Int
    package let values: [Float]

    /// Checked pixels.
    ///
    /// - Throws: `ImageError` unless there are one or three values for every pixel.
    package init(width: Int, height: Int, values: [Float]) throws(ImageError) {
      // Sides are bounded first: a product of absurd ones would overflow.
      guard (1...4096).contains(width), (1...4096).contains(height),
        [1, 3].contains(where: { values.count == $0 * width * height })
      else { throw ImageError(width: width, height: height, values: values.count) }
      self.width = width
      self.height = height
      self.values = values
    }

    /// The colour of a pixel as six hexadecimal digits; NaN is black.
    fileprivate func colour(row: Int, column: Int) -> String {
      let plane = width * height
      let place = row * width + column
      let stride = values.count == plane ? 0 : plane
      return (0..<3).map { channel in
        let value = values[place + channel * stride]
        let byte = value.isNaN ? 0 : Int((min(max(value, 0), 1) * 255).rounded())
        return (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
    }
  }

  /// What a caption reports.
  package enum Verdict: Sendable {
    case none, right, wrong
  }

  /// An image with what is written under it.
  package struct Cell: Sendable {
    package var image: Image
    package var caption: String
    package var verdict: Verdict

    package init(_ image: Image, caption: String = "", verdict: Verdict = .none) {
      self.image = image
      self.caption = caption
      self.verdict = verdict
    }
  }

  /// Cells from left to right under the column titles.
  package struct Row: Sendable {
    package var title: String
    package var cells: [Cell]

    package init(_ title: String = "", cells: [Cell]) {
      self.title = title
      self.cells = cells
    }
  }

  /// What somebody says of each column's images, below them.
  package struct Remark: Sendable {
    package var title: String
    package var texts: [(text: String, verdict: Verdict)]

    package init(_ title: String, _ texts: [(text: String, verdict: Verdict)]) {
      self.title = title
      self.texts = texts
    }
  }

  package var title: String
  package var columns: [String]
  package var rows: [Row]
  package var remarks: [Remark]

  package init(
    title: String = "", columns: [String] = [], rows: [Row], remarks: [Remark] = []
  ) {
    self.title = title
    self.columns = columns
    self.rows = rows
    self.remarks = remarks
  }

  /// The grid; columns that find no room follow below, as a second grid.
  package func svg(width: Double) -> String {
    var canvas = Canvas(width: width)
    var y = canvas.heading(title, y: Canvas.padding - 4)
    let gap = 14.0
    let count = max(
      columns.count, rows.map(\.cells.count).max() ?? 0, remarks.map(\.texts.count).max() ?? 0)
    let room = max(1, Int((canvas.innerWidth + gap) / (72 + gap)))
    let blocks = max(1, (count + room - 1) / room)
    let perBlock = max(1, (count + blocks - 1) / blocks)
    let side = min(112, (canvas.innerWidth + gap) / Double(perBlock) - gap)

    for start in stride(from: 0, to: count, by: perBlock) {
      let block = start..<min(start + perBlock, count)
      func x(_ column: Int) -> Double {
        Canvas.padding + Double(column - start) * (side + gap)
      }
      let titles = block.map { column in
        column < columns.count ? wrapped(columns[column], width: side, isBold: true) : []
      }
      let tallest = titles.map(\.count).max() ?? 0
      for (column, lines) in zip(block, titles) {
        for (row, line) in lines.enumerated() {
          canvas.text(
            line, x: x(column), y: y + 17 * Double(tallest - lines.count + row + 1), isBold: true)
        }
      }
      y += 17 * Double(tallest) + (tallest > 0 ? 6 : 0)
      for row in rows {
        for line in wrapped(row.title, width: canvas.innerWidth) {
          y += 18
          canvas.text(line, x: Canvas.padding, y: y, ink: .text(0.72))
        }
        y += 8
        var bottom = y
        for column in block where column < row.cells.count {
          let end = draw(row.cells[column], x: x(column), y: y, side: side, on: &canvas)
          bottom = max(bottom, end)
        }
        y = bottom + 6
      }
      for remark in remarks {
        for line in wrapped(remark.title, width: canvas.innerWidth) {
          y += 18
          canvas.text(line, x: Canvas.padding, y: y, ink: .text(0.72))
        }
        var bottom = y
        for column in block where column < remark.texts.count {
          let (text, verdict) = remark.texts[column]
          bottom = max(
            bottom, caption(text, verdict, x: x(column), y: y, side: side, on: &canvas))
        }
        y = bottom + 4
      }
      y += 8
    }
    return canvas.document(
      height: y + Canvas.padding - 8, title: title,
      description: "\(rows.map(\.cells.count).reduce(0, +)) images"
        + (columns.isEmpty ? "" : ": \(columns.joined(separator: ", "))"))
  }

  private func draw(
    _ cell: Cell, x: Double, y: Double, side: Double, on canvas: inout Canvas
  ) -> Double {
    let image = cell.image
    let height = side * Double(image.height) / Double(image.width)
    let tip = cell.caption.isEmpty ? "" : "<title>\(escaped(cell.caption))</title>"
    canvas.append(
      """
      <svg x="\(coordinate(x))" y="\(coordinate(y))" width="\(coordinate(side))" \
      height="\(coordinate(height))" viewBox="0 0 \(image.width) \(image.height)" \
      preserveAspectRatio="none" shape-rendering="crispEdges">\(tip)\(Self.pixels(of: image))</svg>
      <rect x="\(coordinate(x))" y="\(coordinate(y))" width="\(coordinate(side))" \
      height="\(coordinate(height))" fill="none" stroke="currentColor" stroke-opacity="0.25"/>
      """)
    return caption(
      cell.caption, cell.verdict, x: x, y: y + height, side: side, on: &canvas)
  }

  /// A text under an image, from `y` on; the new y.
  private func caption(
    _ text: String, _ verdict: Verdict, x: Double, y: Double, side: Double,
    on canvas: inout Canvas
  ) -> Double {
    let (mark, ink): (String, Canvas.Ink) =
      switch verdict {
      case .none: ("", .text(1))
      case .right: ("✓ ", .series(2))
      case .wrong: ("✗ ", .wrong)
      }
    var bottom = y
    for line in wrapped(mark + text, width: side, size: 12) {
      bottom += 16
      canvas.text(line, x: x, y: bottom, size: 12, ink: ink)
    }
    return bottom
  }

  /// One path for every colour, made of the runs of equal pixels in each row.
  private static func pixels(of image: Image) -> String {
    var runs: [String: String] = [:]
    for row in 0..<image.height {
      var column = 0
      while column < image.width {
        let colour = image.colour(row: row, column: column)
        var end = column + 1
        while end < image.width, image.colour(row: row, column: end) == colour { end += 1 }
        runs[colour, default: ""] += "M\(column) \(row)h\(end - column)v1h-\(end - column)z"
        column = end
      }
    }
    // In order, so that equal images are equal text.
    return runs.sorted { $0.key < $1.key }
      .map { "<path fill=\"#\($0.key)\" d=\"\($0.value)\"/>" }.joined()
  }
}

/// Pixel values that do not fill their image.
package struct ImageError: ExplainedError, Equatable {
  package var width, height, values: Int

  package init(width: Int, height: Int, values: Int) {
    self.width = width
    self.height = height
    self.values = values
  }

  package var description: String {
    "\(values) values do not fill an image of \(width)×\(height); give one or three per pixel "
      + "and sides of 1 to 4096"
  }
}
