import Foundation
import Reporting
import Testing

@Suite("The HTML report")
struct HTMLReportTests {
  private let hostile = "<script>alert(\"&\")</script> 'λ' \u{1B}"

  private func report() throws -> HTMLReport {
    let image = try ImageGrid.Image(width: 1, height: 1, values: [0.5])
    let grid = ImageGrid(
      title: hostile, columns: [hostile],
      rows: [.init(hostile, cells: [.init(image, caption: hostile)])])
    let line = LinePlot(
      title: hostile, x: Axis(hostile), y: Axis(hostile),
      series: [.init(hostile, [.init(x: 0, y: 1)])], markings: [.init(x: 0, label: hostile)])
    let bar = BarPlot(
      title: hostile, axis: Axis(hostile), groups: [hostile], series: [.init(hostile, [.init(1)])])
    return HTMLReport(
      title: hostile, subtitle: hostile,
      summary: [.paragraph(hostile), .keyFigures([.init(hostile, hostile, detail: hostile)])],
      sections: [
        .init(
          title: hostile,
          content: [
            .list([hostile]), .note(hostile), .code(hostile),
            .table(
              Table(
                columns: [hostile, "n"],
                rows: [[Table.Cell(hostile, .bad), Table.Cell("1", .good)], [], ["a", "2", "c"]]),
              caption: hostile),
          ]),
        .init(
          title: "Figures",
          content: [.figure(line, caption: hostile), .figure(bar), .figure(grid, caption: hostile)]),
        .init(title: "Provenance", content: [.keyValues([.init(hostile, hostile)])]),
      ])
  }

  @Test("Is well-formed whatever the texts, and shows them as they are")
  func wellFormed() throws {
    let html = try report().render()
    let reader = MarkupReader(html)
    #expect(reader.isWellFormed)
    #expect(reader.elements["script"] == nil)
    #expect(reader.text.contains("<script>alert(\"&\")</script> 'λ' \u{FFFD}"))
    // Three pictures, each for wide and for narrow screens.
    #expect(reader.attributes.filter { $0["class"] == "mi" }.count == 6)
    #expect(try html == report().render())
  }

  @Test("Needs nothing from outside the file")
  func selfContained() throws {
    let html = try report().render()
    let reader = MarkupReader(html)
    #expect(reader.isWellFormed)
    for attributes in reader.attributes {
      #expect(attributes["src"] == nil && attributes["style"] == nil)
      #expect(attributes["href"]?.hasPrefix("#section-") ?? true)
      #expect(!attributes.keys.contains { $0.hasPrefix("on") })
    }
    let own = html.replacing("http://www.w3.org/2000/svg", with: "")
    for outside in ["http:", "https:", "url(", "@import", "<link"] {
      #expect(!own.contains(outside))
    }
  }

  @Test("Every row of a table has every column, on the right side and highlighted where asked")
  func tables() {
    let table = Table(columns: ["a", "n"], rows: [["x", Table.Cell("1", .good)], ["y"]])
    let html = HTMLReport(
      title: "t", sections: [.init(title: "s", content: [.table(table, caption: "c")])]
    ).render()
    #expect(html.contains("<b>Table 1</b> c"))
    #expect(html.contains("<tr><td>x</td><td class=\"number good\">1</td></tr>"))
    #expect(html.contains("<tr><td>y</td><td class=\"number\"></td></tr>"))
    #expect(html.contains("<th scope=\"col\" class=\"number\">n</th>"))
  }

  @Test("Figures and tables are numbered through, and links lead to sections that exist")
  func numbering() throws {
    let html = try report().render()
    for label in ["Table 1", "Figure 1", "Figure 2", "Figure 3"] {
      #expect(html.contains("<b>\(label)</b>"))
    }
    let reader = MarkupReader(html)
    let targets = reader.attributes.compactMap { $0["href"]?.dropFirst() }.map(String.init)
    #expect(targets.count == 3)
    #expect(Set(targets).isSubset(of: reader.attributes.compactMap { $0["id"] }))
  }
}
