import PropertyChecks
import PropertyTesting
import Reporting
import Statistics
import Testing

@Suite("Text of foreign files, wherever it is shown")
struct ForeignTextTests {
  /// What could steer a terminal, or hide or reverse what stands beside it.
  private static func steers(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  /// Any text, often with the characters that matter.
  private static let text = Generator<String>.oneOf(
    .string(of: .character, count: 0...20),
    .string(
      of: .oneOf(
        .element(of: [
          "\u{1B}", "\u{9B}", "\u{202E}", "\u{200D}", "\u{7F}", "\r", "\r\n", "\t", "\u{2028}",
        ]),
        .character), count: 0...20))

  @Test("a terminal, Markdown, a page and a drawing get no character that could steer them")
  func nothingSteers() async {
    await check("shown, not sent", Self.text) { (text: String) in
      func expectNone(_ shown: String, but allowed: Set<Unicode.Scalar> = []) {
        #expect(!shown.unicodeScalars.contains { Self.steers($0) && !allowed.contains($0) })
      }
      expectNone(text.printable)
      expectNone(text.printableLines, but: ["\n"])
      let table = Table(columns: [text], rows: [[Table.Cell(text)]])
      expectNone(table.plain(), but: ["\n"])
      expectNone(table.markdown(), but: ["\n"])
      // Lines and tabs are space in a page.
      expectNone(escaped(text), but: ["\n", "\r", "\t"])
    }
  }

  @Test("what steers nothing is shown as it is")
  func keeps() {
    for text in ["", "ŷ ≤ λ 😀 é", "a\\u{1B}", "名前"] {
      #expect(text.printable == text && text.printableLines == text)
    }
    #expect("a\u{1B}[31m\nb".printable == "a\\u{1B}[31m\\u{A}b")
    #expect("a\u{1B}\nb\n".printableLines == "a\\u{1B}\nb\n")
  }
}
