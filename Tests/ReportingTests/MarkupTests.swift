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
    #expect(
      [[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed) == ["", "a", "a and b", "a, b and c"])
    #expect(grouped(.min) == "-9,223,372,036,854,775,808")
  }

  @Test(
    "A number below zero has a minus, what is no number keeps its hyphen",
    arguments: [
      ("-0.2", "−0.2"), ("-0.15 [-0.26, -0.03]", "−0.15 [−0.26, −0.03]"), ("PGD-50", "PGD-50"),
      ("2026-11-28", "2026-11-28"), ("1e-05", "1e-05"), ("--count 5", "--count 5"),
      ("a - 5", "a - 5"),
      ("threshold -0.2", "threshold −0.2"), ("(-1)", "(−1)"), ("-x", "-x"), ("-", "-"), ("", ""),
    ])
  func minus(_ text: String, _ expected: String) { #expect(typeset(text) == expected) }

  @Test("No line ends within the name of an attack or a defence")
  func names() {
    let html = HTMLReport(
      title: "t", summary: [.paragraph("MI-OL, PGD-50 & APGD-CE: a-b, A - B, well-known X-")]
    ).render()
    #expect(
      html.contains(
        "<p><span class=\"name\">MI-OL</span>, <span class=\"name\">PGD-50</span> &amp; "
          + "<span class=\"name\">APGD-CE</span>: a-b, A - B, well-known X-</p>"))
    #expect(html.contains(".name { white-space: nowrap; }"))
  }

  @Test(
    "The class of a probability stands below the line, on the page and in pictures, and no other letter does"
  )
  func subscripts() throws {
    let text = "ΔF_y, −ΔF_ŷ via G_k, F_yes, num_y, F_max <F_y"
    let html = HTMLReport(title: "t", summary: [.paragraph(text)]).render()
    #expect(
      html.contains(
        "<p>ΔF<sub>y</sub>, −ΔF<sub>ŷ</sub> via G<sub>k</sub>, F_yes, num_y, F_max &lt;F<sub>y</sub></p>"
      ))
    let svg = LinePlot(
      x: Axis("λ"), y: Axis(text), series: [.init("F_y at λ", [.init(x: 0, y: 1)])]
    ).svg(width: 760)
    let reader = MarkupReader(svg)
    #expect(reader.isWellFormed)
    // Who stands behind a subscript is back on the line.
    let drops = reader.attributes.compactMap { $0["dy"].flatMap(Double.init) }
    #expect(!drops.isEmpty && drops.contains { $0 > 0 } && drops.contains { $0 < 0 })
    #expect(svg.contains(">y</tspan><tspan dy=\"-"))
  }
}
