/// How text is to look where it goes.
package struct TextStyle: Sendable, Equatable {
  /// The most cells that a line of a table takes.
  package var columns: Int
  /// Whether prose is broken into lines too, as a terminal would break it within words.
  package var breaksProse: Bool
  /// Whether colours and bold type may stand beside what words say.
  package var isColoured: Bool

  package init(columns: Int, breaksProse: Bool = false, isColoured: Bool = false) {
    self.columns = max(columns, 1)
    self.breaksProse = breaksProse
    self.isColoured = isColoured
  }

  /// Of what goes into a file or to another program: tables of 80 columns, every sentence in its line, no colour.
  package static let file = TextStyle(columns: 80)

  /// The text as it looks with emphasis.
  func painted(_ text: String, _ emphasis: Table.Emphasis) -> String {
    let code: String? =
      switch emphasis {
      case .none: nil
      case .strong: "1"
      case .good: "32"
      case .bad: "31"
      }
    guard isColoured, let code, !text.isEmpty else { return text }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}

extension Table {
  /// Columns two spaces apart under a rule, no line wider than `style.columns`.
  ///
  /// What does not fit gives way in this order: titles take several lines; columns that say the same in every row are said
  /// once above; words take several lines; the table is divided into tables of fewer columns, each with the `keyCount`
  /// first; rows become lists. Numbers are broken in lists only.
  package func plain(_ style: TextStyle = .file) -> String {
    let whole = Layout(self)
    if let widths = whole.fitting(style.columns, breakingWords: false) {
      return whole.text(widths, style)
    }
    let (table, common) = withoutRepetition(in: Set(columns))
    // Of rows that are all alike something has to stay.
    guard table.width > 0 else { return list(style) }
    let said = common.map { terminalText("\($0.column) \($0.text)") }.filter { !$0.isEmpty }
      .joined(separator: ", ")
    let above = said.isEmpty ? [] : broken("in all rows: \(said)", at: style.columns)
    let texts = table.parts(style.columns)?.compactMap { part in
      Layout(part).fitting(style.columns).map { Layout(part).text($0, style) }
    }
    return above.map { $0 + "\n" }.joined()
      + (texts?.joined(separator: "\n") ?? table.list(style))
  }

  /// Tables of as many columns as fit, each with the keys in front; nil where the keys and one other do not.
  private func parts(_ columns: Int) -> [Table]? {
    guard Layout(self).fitting(columns) == nil else { return [self] }
    let keys = Array(0..<keyCount)
    var parts: [[Int]] = []
    for column in keyCount..<max(width, keyCount) {
      if let last = parts.last, Layout(having(keys + last + [column])).fitting(columns) != nil {
        parts[parts.count - 1].append(column)
      } else if Layout(having(keys + [column])).fitting(columns) != nil {
        parts.append([column])
      } else {
        return nil
      }
    }
    return parts.isEmpty ? nil : parts.map { having(keys + $0) }
  }

  /// A line for every cell, with its title.
  private func list(_ style: TextStyle) -> String {
    rows.indices.map { row in
      (0..<width).flatMap { column -> [String] in
        let cell = cell(row: row, column: column)
        let title = column < columns.count ? columns[column] : ""
        let text = [title, cell.text].map(terminalText).filter { !$0.isEmpty }
          .joined(separator: ": ")
        return broken(text, at: style.columns).map {
          style.painted($0, cell.emphasis) + "\n"
        }
      }.joined()
    }.joined(separator: "\n")
  }
}

/// Where the texts of a table may be broken, and how wide its columns are then.
private struct Layout {
  let table: Table
  let titles: [String]
  let texts: [[String]]
  let sides: [Table.Alignment]
  /// Of every column unbroken.
  let widths: [Int]
  /// With titles broken, and with words broken too.
  private let least: (ofTitles: [Int], ofAll: [Int])

  init(_ table: Table) {
    self.table = table
    let columns = 0..<table.width
    titles = columns.map { $0 < table.columns.count ? terminalText(table.columns[$0]) : "" }
    texts = table.rows.indices.map { row in
      columns.map { terminalText(table.cell(row: row, column: $0).text) }
    }
    sides = columns.map(table.alignment(of:))
    let (titles, texts, sides) = (titles, texts, sides)
    func widest(_ column: Int, _ width: (String) -> Int) -> Int {
      texts.reduce(1) { max($0, width($1[column])) }
    }
    widths = columns.map { max(widest($0, displayWidth), displayWidth(titles[$0])) }
    least = (
      columns.map { max(widest($0, displayWidth), widestWord(titles[$0])) },
      columns.map {
        max(widest($0, sides[$0] == .left ? widestWord : displayWidth), widestWord(titles[$0]))
      }
    )
  }

  private static let gap = 2

  private static func total(_ widths: [Int]) -> Int {
    widths.reduce(0, +) + gap * max(0, widths.count - 1)
  }

  /// Widths of which a line takes no more than so many cells, the widest narrowed first; nil if there are none.
  func fitting(_ columns: Int, breakingWords: Bool = true) -> [Int]? {
    let ways = [(widths, least.ofTitles), (least.ofTitles, least.ofAll)]
    for (most, least) in ways.prefix(breakingWords ? 2 : 1) where Self.total(least) <= columns {
      var widths = most
      while Self.total(widths) > columns {
        let wide = widths.indices.filter { widths[$0] > least[$0] }
        guard let widest = wide.max(by: { widths[$0] < widths[$1] }) else { break }
        widths[widest] -= 1
      }
      return widths
    }
    return nil
  }

  func text(_ widths: [Int], _ style: TextStyle) -> String {
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ") + "\n"
    let strong = titles.map { _ in Table.Emphasis.strong }
    return row(titles, strong, widths, style, isTitle: true) + (widths.isEmpty ? "\n" : rule)
      + texts.indices.map { place in
        let emphases = widths.indices.map { table.cell(row: place, column: $0).emphasis }
        return row(texts[place], emphases, widths, style)
      }.joined()
  }

  /// The lines of a row; titles stand on their rule.
  private func row(
    _ cells: [String], _ emphases: [Table.Emphasis], _ widths: [Int], _ style: TextStyle,
    isTitle: Bool = false
  ) -> String {
    let pieces = zip(cells, widths).map { broken($0, at: $1) }
    let height = max(1, pieces.map(\.count).max() ?? 1)
    return (0..<height).map { line in
      var text = ""
      var blanks = 0
      for column in widths.indices {
        let place = isTitle ? line - (height - pieces[column].count) : line
        let piece = pieces[column].indices.contains(place) ? pieces[column][place] : ""
        let padding = widths[column] - displayWidth(piece)
        if column > 0 { blanks += Self.gap }
        guard !piece.isEmpty else {
          blanks += widths[column]
          continue
        }
        blanks += sides[column] == .right ? padding : 0
        // Blanks at the end of a line are never written.
        text += String(repeating: " ", count: blanks) + style.painted(piece, emphases[column])
        blanks = sides[column] == .left ? padding : 0
      }
      return text + "\n"
    }.joined()
  }
}

/// A cell's text on one line, without blanks at its end.
private func terminalText(_ text: String) -> String {
  var line = singleLine(text)
  while line.last == " " { line.removeLast() }
  return line
}

/// The width of the widest piece between blanks.
private func widestWord(_ text: String) -> Int {
  text.split(separator: " ").reduce(0) { max($0, displayWidth(String($1))) }
}

/// A text in lines of at most so many cells, broken at blanks, and within a word where that alone is wider.
func broken(_ text: String, at columns: Int) -> [String] {
  guard displayWidth(text) > columns else { return [text] }
  var lines: [String] = []
  var line = ""
  var taken = 0
  for word in text.split(separator: " ") {
    let width = displayWidth(String(word))
    if taken > 0, taken + 1 + width <= columns {
      line += " \(word)"
      taken += 1 + width
      continue
    }
    if taken > 0 { lines.append(line) }
    (line, taken) = ("", 0)
    for character in word {
      let width = displayWidth(String(character))
      if taken > 0, taken + width > columns {
        lines.append(line)
        (line, taken) = ("", 0)
      }
      line.append(character)
      taken += width
    }
  }
  return taken > 0 || lines.isEmpty ? lines + [line] : lines
}
