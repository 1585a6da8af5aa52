import Statistics

/// Rows under named columns, to be shown in a terminal, in Markdown or in an HTML report.
package struct Table: Sendable, Equatable {
  /// On which side of a column its cells stand.
  package enum Alignment: Sendable {
    case left, right
  }

  /// What a cell says beyond its text.
  package enum Emphasis: Sendable {
    case none
    /// What the reader should find first.
    case strong
    /// A result that speaks for what is shown.
    case good
    /// A result that speaks against it.
    case bad
  }

  /// A share of 1 with the interval that it may lie in, to be drawn in its cell where cells can be drawn in.
  package struct Estimate: Sendable, Equatable {
    package var value: Double
    package var interval: Interval

    package init(_ value: Double, _ interval: Interval) {
      self.value = value
      self.interval = interval
    }
  }

  /// One piece of text in a table.
  package struct Cell: Sendable, Equatable, ExpressibleByStringInterpolation {
    package var text: String
    package var emphasis: Emphasis
    package var estimate: Estimate?

    package init(_ text: String, _ emphasis: Emphasis = .none, estimate: Estimate? = nil) {
      self.text = text
      self.emphasis = emphasis
      self.estimate = estimate
    }

    package init(stringLiteral text: String) {
      self.init(text)
    }
  }

  package var columns: [String]
  package var rows: [[Cell]]
  /// Alignments that the caller knows better, by column.
  package var alignments: [Int: Alignment]
  /// How many of the first columns say what a row is about, so that every part of a divided table has them; nil for
  /// those that stand on the left.
  package var keys: Int?

  /// A table whose short rows end in empty cells and whose extra cells have no title.
  ///
  /// - Parameters:
  ///   - alignments: by column; without one, a column of numbers stands on the right.
  ///   - keys: how many of the first columns say what a row is about; those that stand on the left unless given.
  package init(
    columns: [String], rows: [[Cell]] = [], alignments: [Int: Alignment] = [:], keys: Int? = nil
  ) {
    self.columns = columns
    self.rows = rows
    self.alignments = alignments
    self.keys = keys
  }

  /// The number of columns of the widest row.
  package var width: Int { max(columns.count, rows.map(\.count).max() ?? 0) }

  /// The cell at a place, empty where its row is shorter.
  package func cell(row: Int, column: Int) -> Cell {
    column < rows[row].count ? rows[row][column] : ""
  }

  /// The table without those of some columns that say the same in every row, and what these say; of a single row all
  /// stay.
  ///
  /// - Parameter titles: the columns that may go.
  package func withoutRepetition(
    in titles: Set<String>
  ) -> (table: Table, common: [(column: String, text: String)]) {
    guard rows.count > 1 else { return (self, []) }
    func texts(_ column: Int) -> Set<String> {
      Set(rows.indices.map { cell(row: $0, column: column).text })
    }
    let title = { (column: Int) in column < columns.count ? columns[column] : "" }
    let kept = (0..<width).filter { texts($0).count > 1 || !titles.contains(title($0)) }
    return (
      having(kept),
      Set(0..<width).subtracting(kept).sorted().map {
        (title($0), cell(row: 0, column: $0).text)
      }
    )
  }

  /// The table of some of its columns only.
  func having(_ places: [Int]) -> Table {
    Table(
      columns: places.map { $0 < columns.count ? columns[$0] : "" },
      rows: rows.indices.map { row in places.map { cell(row: row, column: $0) } },
      alignments: Dictionary(
        uniqueKeysWithValues: places.enumerated().map { ($0, alignment(of: $1)) }),
      keys: places.count { $0 < keyCount })
  }

  /// How many of the first columns say what a row is about: at least one, and never all.
  var keyCount: Int {
    let onTheLeft = (0..<width).prefix { alignment(of: $0) == .left }.count
    return max(1, min(keys ?? onTheLeft, width - 1))
  }

  /// The side of a column: right if at least one cell is a number and no cell is a word.
  package func alignment(of column: Int) -> Alignment {
    if let chosen = alignments[column] { return chosen }
    let texts = rows.indices.map { cell(row: $0, column: column).text }
    let isNumeric = texts.allSatisfy { $0.allSatisfy(numberCharacters.contains) }
    return isNumeric && texts.contains { $0.contains(where: \.isNumber) } ? .right : .left
  }
}

// What numbers, fractions, percentages, intervals and gaps are written with.
private let numberCharacters = Set("0123456789.,+-−–—/%±×[]()<>≤≥~≈ ")

extension Table {
  /// A GitHub-flavoured Markdown table that is also aligned as source; emphasised cells are bold.
  package func markdown() -> String {
    let titles = columns.map { markdownText($0) }
    let texts = rows.map { row in
      row.map { cell in
        let text = markdownText(cell.text)
        return cell.emphasis == .none || text.isEmpty ? text : "**\(text)**"
      }
    }
    return lines(titles: titles, texts: texts) { width, alignment in
      alignment == .left
        ? String(repeating: "-", count: width) : String(repeating: "-", count: width - 1) + ":"
    }
  }

  /// The texts as comma-separated values.
  package var csv: String {
    DataTable(names: columns).csv(rows.map { $0.map { .text($0.text) } })
  }

  private func lines(
    titles: [String], texts: [[String]], rule: (Int, Alignment) -> String
  ) -> String {
    let all = [titles] + texts
    // Counted once: it looks at every row.
    let columns = 0..<width
    // Markdown asks for at least three dashes under every title.
    let widths = columns.map { column in
      all.map { $0.count > column ? displayWidth($0[column]) : 0 }.reduce(3, max)
    }
    let sides = columns.map(alignment(of:))
    func line(_ cells: [String]) -> String {
      let padded = columns.map { column in
        (column < cells.count ? cells[column] : "").padded(to: widths[column], sides[column])
      }
      return "| " + padded.joined(separator: " | ") + " |\n"
    }
    let rules = columns.map { rule(widths[$0], sides[$0]) }
    return ([titles, rules] + texts).map(line).joined()
  }
}

extension String {
  /// The text with blanks on one side, so that it takes so many cells of a terminal; as it is where it takes more.
  func padded(to width: Int, _ side: Table.Alignment) -> String {
    let padding = String(repeating: " ", count: max(0, width - displayWidth(self)))
    return side == .left ? self + padding : padding + self
  }
}

/// Text on one line: ends of lines and tabs are spaces, and whatever else could steer a terminal is shown by its
/// number.
func singleLine(_ text: String) -> String {
  String(
    String.UnicodeScalarView(
      text.unicodeScalars.map { scalar in
        switch scalar {
        case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": " "
        default: scalar
        }
      })
  ).printable
}

private func markdownText(_ text: String) -> String {
  singleLine(text).reduce(into: "") { result, character in
    switch character {
    case "|", "\\", "*", "`": result += "\\\(character)"
    case "<": result += "&lt;"
    default: result.append(character)
    }
  }
}

/// The number of terminal cells that a text takes: two for East Asian wide characters and emoji,
/// none for combining marks, one for the rest.
package func displayWidth(_ text: String) -> Int {
  text.reduce(0) { total, character in
    guard let first = character.unicodeScalars.first else { return total }
    return total + displayWidth(first, in: character)
  }
}

private func displayWidth(_ scalar: Unicode.Scalar, in character: Character) -> Int {
  switch scalar.properties.generalCategory {
  case .control, .format, .nonspacingMark, .enclosingMark: return 0
  default: break
  }
  // U+FE0F asks for the emoji form of a character that also has a narrow one.
  if scalar.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") {
    return 2
  }
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
    0xA000...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x20000...0x3FFFD:
    return 2
  default: return 1
  }
}
