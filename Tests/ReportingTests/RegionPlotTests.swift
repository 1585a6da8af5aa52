import Reporting
import Testing

@Suite("Region plots")
struct RegionPlotTests {
  private let plot = RegionPlot(
    title: "Where", x: Axis("λ", range: 0...1), y: Axis("p", range: 0...4),
    pale: "nothing", kinds: ["one", "two", "unused"],
    cells: [["nothing", "one", "one"], ["two", "two", "one"]],
    curves: [.init("border", [(0.1, 0.5), (0.9, 3), (0.5, 9)])])

  @Test("the picture is well-formed, names the kinds it shows, and draws runs as one rectangle")
  func content() {
    for width in [240.0, 760] {
      let svg = plot.svg(width: width)
      #expect(MarkupReader(svg).isWellFormed)
      for word in ["Where", "one", "two", "border", "λ", "p", "nothing"] {
        #expect(svg.contains(word))
      }
      #expect(!svg.contains("unused") && !svg.contains("nan") && !svg.contains("inf"))
    }
    // Two runs of "one": the last two cells of the lower row, the last of the upper one.
    let path = plot.svg(width: 760).split(separator: "<path").first { $0.contains("<title>one") }
    #expect(path?.split(separator: "\"")[1].count { $0 == "Z" } == 2)
  }

  @Test("without cells or inside points there is still a picture")
  func empty() {
    let empty = RegionPlot(x: Axis("a"), y: Axis("b"), pale: "nothing", kinds: [], cells: [])
    #expect(MarkupReader(empty.svg(width: 360)).isWellFormed)
  }
}
