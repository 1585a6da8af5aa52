import Reporting
import Statistics
import Testing

@Suite("Text and numbers in markup")
struct MarkupTests {
  @Test("What means something to XML is escaped and what XML cannot hold is shown by its number")
  func escaping() {
    #expect(escaped("a<b> & \"c\" 'd'\n") == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\n")
    #expect(escaped("\u{0}\u{1B}\u{FFFE}\u{202E}ŷ😀") == "\\u{0}\\u{1B}\\u{FFFE}\\u{202E}ŷ😀")
  }

  @Test("Numbers carry no noise")
  func numbers() {
    #expect(trimmed(0.1 + 0.2, decimals: 2) == "0.3")
    #expect(trimmed(100, decimals: 2) == "100")
    #expect(trimmed(-0.001, decimals: 2) == "0")
    #expect(fixed(-0.04, decimals: 1) == "0.0")
    #expect(percent(0.4398) == "44.0%")
    #expect(percent(1, decimals: 0) == "100%")
    #expect(interval(0.123, Interval(lower: -0.001, upper: 0.2)) == "0.12 [0.00, 0.20]")
    #expect(
      interval(0.5, Interval(lower: 0.25, upper: 1), decimals: 1, scale: 100, unit: "%")
        == "50.0% [25.0, 100.0]")
    #expect(grouped(-1_234_567) == "-1,234,567")
    #expect(grouped(999) == "999")
    #expect(grouped(.min) == "-9,223,372,036,854,775,808")
  }
}
