import Reporting
import Statistics
import Testing

@Suite("Text tables")
struct TableTests {
  let table = Table(
    columns: ["model", "ε", "ŷ %"],
    rows: [
      ["mixup", "8/255", Table.Cell("43.98", .strong)], ["a|b *x* <i>", "–", "7.1 [5, 9.25]"],
      ["正則化"],
    ])

  @Test("A terminal shows aligned columns, numbers on the right")
  func plain() {
    #expect(
      table.plain() == """
        model            ε            ŷ %
        ───────────  ─────  ─────────────
        mixup        8/255          43.98
        a|b *x* <i>      –  7.1 [5, 9.25]
        正則化

        """)
  }

  @Test("Markdown is aligned as source, escaped, and bold where emphasised")
  func markdown() {
    #expect(
      table.markdown() == """
        | model             |     ε |           ŷ % |
        | ----------------- | ----: | ------------: |
        | mixup             | 8/255 |     **43.98** |
        | a\\|b \\*x\\* &lt;i> |     – | 7.1 [5, 9.25] |
        | 正則化            |       |               |

        """)
  }

  // Expected values from Python: sum of 2 for east_asian_width W or F, 0 for Mn/Me/Cf, else 1; the
  // emoji sequences as terminals show them.
  @Test(
    "The width of a text is that of its terminal cells",
    arguments: [
      ("abc", 3), ("×λεŷ", 4), ("y\u{302}", 1), ("ℓ∞", 2), ("正則化", 6), ("한국", 4), ("ｆｕ", 4),
      ("e\u{301}\u{327}", 1), ("✓✗", 2), ("😀", 2), ("👩‍👩‍👧", 2), ("✔\u{FE0F}", 2), ("", 0),
    ])
  func width(text: String, expected: Int) {
    #expect(displayWidth(text) == expected)
  }

  @Test("All lines of a Markdown table are equally wide and have equally many bars")
  func rectangular() {
    var stream = RandomStream(RandomKey(seed: 2, purpose: .test))
    let alphabet = Array("ab1 .|*\\ελ×正😀\n\u{1B}ŷ%")
    for _ in 0..<200 {
      func text() -> String {
        let letters = (0..<Int.random(in: 0...6, using: &stream)).compactMap { _ in
          alphabet.randomElement(using: &stream)
        }
        return String(letters)
      }
      let columns = Int.random(in: 1...4, using: &stream)
      let table = Table(
        columns: (0..<columns).map { _ in text() },
        rows: (0..<Int.random(in: 0...4, using: &stream)).map { _ in
          (0..<Int.random(in: 0...5, using: &stream)).map { _ in
            Table.Cell(text(), Bool.random(using: &stream) ? .none : .good)
          }
        })
      let lines = table.markdown().split(separator: "\n").map(String.init)
      #expect(lines.count == table.rows.count + 2)
      #expect(Set(lines.map(displayWidth)).count == 1)
      let bars = lines.map { line in
        let plain = line.replacing("\\\\", with: "").replacing("\\|", with: "")
        return plain.filter { $0 == "|" }.count
      }
      #expect(Set(bars) == [table.width + 1])
      #expect(!table.plain().unicodeScalars.contains("\u{1B}"))
      #expect(table.plain().split(separator: "\n").allSatisfy { $0.last != " " })
    }
  }

  @Test("A column of numbers stands on the right, one with a word does not, unless told otherwise")
  func alignment() {
    func side(_ cells: Table.Cell...) -> Table.Alignment {
      Table(columns: ["c"], rows: cells.map { [$0] }).alignment(of: 0)
    }
    #expect(side("1", "2.5%", "−3") == .right)
    #expect(side("8/255", "–", "") == .right)
    #expect(side("1", "none") == .left)
    #expect(side("–", "") == .left)
    #expect(
      Table(columns: ["c"], rows: [["x"]], alignments: [0: .right]).alignment(of: 0) == .right)
  }
}
