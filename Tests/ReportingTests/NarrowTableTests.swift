import PropertyChecks
import PropertyTesting
import Reporting
import Testing

@Suite("Tables that are too wide")
struct NarrowTableTests {
  /// Words and numbers of all widths, as cells have them.
  private static let text = Generator<String>.oneOf(
    .element(of: ["", "–", "12.3%", "+33.9 (+31.8 to +36.2)", "8/255"]),
    .string(
      of: .element(of: Array("abcdefghij  λ正😀")), count: 0...40))

  /// Holds a table of some titles and rows to something, at any width.
  private func checkTables(
    _ name: String, _ holds: @escaping @Sendable (Table, Int) -> Void
  ) async {
    await check(
      name, .array(of: Self.text, count: 1...6),
      .array(of: .array(of: Self.text, count: 0...6), count: 0...4), .integer(in: 2...200)
    ) { (columns: [String], rows: [[String]], width: Int) in
      holds(Table(columns: columns, rows: rows.map { $0.map { Table.Cell($0, .good) } }), width)
    }
  }

  @Test("no line is wider than it may be, and none ends in a blank")
  func fits() async {
    await checkTables("fits") { table, columns in
      let text = table.plain(TextStyle(columns: columns))
      for line in text.split(separator: "\n") {
        #expect(displayWidth(String(line)) <= columns && line.last != " ", "\(line)")
      }
    }
  }

  @Test("every character of every cell is there, whatever the width")
  func keeps() async {
    await checkTables("keeps") { table, columns in
      let text = table.plain(TextStyle(columns: columns))
      func counts(_ text: String) -> [Character: Int] {
        text.filter { $0 != " " && $0 != "\n" && $0 != "─" }
          .reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      let (table, common) = table.withoutRepetition(in: Set(table.columns))
      let shown = counts(text)
      let cells = table.rows.indices.flatMap { row in
        (0..<table.width).map { table.cell(row: row, column: $0).text }
      }
      for (character, count) in counts((cells + common.map(\.text)).joined()) {
        #expect(shown[character, default: 0] >= count, "\(character)")
      }
    }
  }

  @Test("colour adds nothing but itself")
  func colour() async {
    await checkTables("colour") { table, columns in
      let coloured = table.plain(TextStyle(columns: columns, isColoured: true))
      #expect(
        coloured.replacing(/\u{1B}\[[0-9]+m/, with: "") == table.plain(TextStyle(columns: columns)))
    }
  }

  @Test(
    "titles give way first, then what all rows say, then words, then the table is divided, then rows are lists"
  )
  func order() {
    let table = Table(
      columns: ["model", "what was done", "accuracy, in %", "95% interval"],
      rows: [["net", "a long attack", "41.7", "30.1–54.3"], ["net", "none", "95.0", "86.3–98.3"]])
    #expect(
      table.plain(TextStyle(columns: 42)) == """
                              accuracy,        95%
        model  what was done       in %   interval
        ─────  ─────────────  ─────────  ─────────
        net    a long attack       41.7  30.1–54.3
        net    none                95.0  86.3–98.3

        """)
    #expect(
      table.plain(TextStyle(columns: 36)) == """
        in all rows: model net
                       accuracy,         95%
        what was done       in %    interval
        ─────────────  ─────────  ──────────
        a long attack       41.7   30.1–54.3
        none                95.0   86.3–98.3

        """)
    #expect(
      table.plain(TextStyle(columns: 30)) == """
        in all rows: model net
        what was  accuracy,        95%
        done           in %   interval
        ────────  ─────────  ─────────
        a long         41.7  30.1–54.3
        attack
        none           95.0  86.3–98.3

        """)
    #expect(
      table.plain(TextStyle(columns: 20)) == """
        in all rows: model
        net
        what was   accuracy,
        done            in %
        ─────────  ─────────
        a long          41.7
        attack
        none            95.0

        what was         95%
        done        interval
        ─────────  ─────────
        a long     30.1–54.3
        attack
        none       86.3–98.3

        """)
    #expect(
      table.plain(TextStyle(columns: 14)).hasPrefix(
        "in all rows:\nmodel net\nwhat was done:\na long attack\naccuracy, in\n%: 41.7\n95% interval:\n30.1–54.3\n\n"
      ))
  }
}
