import Foundation
import Reporting
import Statistics
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
    let dots = DotPlot(
      title: hostile, axis: Axis(hostile), conditions: [hostile],
      groups: [.init(hostile, rows: [.init(hostile, [.init(1)])])],
      references: [.init(0.5, hostile)])
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
          content: [
            .figure(line, caption: hostile), .figure(dots), .figure(grid, caption: hostile),
            .panels([line, line], caption: hostile),
            .details(hostile, [.lead(hostile), .table(Table(columns: ["a"], rows: [["b"]]))]),
          ]),
        .init(title: "Provenance", content: [.keyValues([.init(hostile, hostile)])]),
      ])
  }

  @Test("Is well-formed whatever the texts, and shows them as they are")
  func wellFormed() throws {
    let html = try report().render()
    let reader = MarkupReader(html)
    #expect(reader.isWellFormed)
    // The page's own, and none from a text.
    #expect(reader.elements["script"] == 1)
    #expect(reader.text.contains("<script>alert(\"&\")</script> 'λ' \\u{1B}"))
    // Three pictures, each for wide and for narrow screens, and two small ones for both.
    #expect(reader.attributes.filter { $0["class"] == "mi" }.count == 8)
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

  @Test("A first column that repeats itself is said once, above its rows; any other stays a column")
  func groups() {
    func html(_ names: [String]) -> String {
      HTMLReport(
        title: "t",
        sections: [
          .init(
            title: "s",
            content: [
              .table(
                Table(
                  columns: ["network", "defence", "n"],
                  rows: names.map { [Table.Cell($0), "x", "1"] }))
            ])
        ]
      ).render()
    }
    let grouped = html(["a", "a", "b", "b"])
    #expect(grouped.contains("<th scope=\"rowgroup\" colspan=\"2\"><small>network</small> a</th>"))
    #expect(!grouped.contains("<td>a</td>") && !grouped.contains(">network</th>"))
    let bodies = grouped.components(separatedBy: "<tbody>").dropFirst()
    #expect(bodies.map { $0.components(separatedBy: "<td>x</td>").count - 1 } == [2, 2])
    for names in [["a", "b", "a", "b"], ["a", "a", "a", "a"], ["a", "a", "b", "c"]] {
      #expect(!html(names).contains("rowgroup"), "\(names)")
    }
  }

  @Test("A share in a cell is drawn with its interval, on a line from 0 to 1")
  func estimates() {
    let cell = Table.Cell("25", estimate: .init(0.25, Interval(lower: 0.125, upper: 0.5)))
    let html = HTMLReport(
      title: "t",
      sections: [.init(title: "s", content: [.table(Table(columns: ["a"], rows: [[cell]]))])]
    ).render()
    #expect(html.contains("d=\"M12.5 4H50\"") && html.contains("d=\"M25 0V8\""))
  }

  @Test("Every figure and table is a file too, under the number that the page gives it")
  func files() throws {
    let names = try report().files().map(\.name)
    #expect(
      names == [
        "table-1.csv", "figure-1.svg", "figure-1.csv", "figure-2.svg", "figure-2.csv",
        "figure-3.svg", "figure-4-1.svg", "figure-4-1.csv", "figure-4-2.svg", "figure-4-2.csv",
        "table-2.csv",
      ])
    for file in try report().files() where file.name.hasSuffix("svg") {
      #expect(MarkupReader(file.text).isWellFormed)
    }
  }

  @Test("What has to be opened is numbered behind what is seen, on the page and in the files")
  func openedLast() throws {
    let table = Table(columns: ["a"], rows: [["x"]])
    let plot = LinePlot(x: Axis("x"), y: Axis("y"), series: [])
    let report = HTMLReport(
      title: "t",
      summary: [
        .details(
          "d",
          [
            .table(table, caption: "first closed"),
            .details("e", [.table(table, caption: "second closed")]),
          ])
      ],
      sections: [
        .init(
          title: "s",
          content: [.table(table, caption: "first seen"), .figure(plot, caption: "seen")]),
        .init(
          title: "u",
          content: [
            .details(
              "f", [.table(table, caption: "third closed"), .figure(plot, caption: "closed")]),
            .table(table, caption: "second seen"),
          ]),
      ])
    let html = report.render()
    for label in [
      "Table 1</b> first seen", "Table 2</b> second seen", "Table 3</b> first closed",
      "Table 4</b> second closed", "Table 5</b> third closed", "Figure 1</b> seen",
      "Figure 2</b> closed",
    ] { #expect(html.contains(label), "\(label)") }
    #expect(
      report.files().map(\.name).filter { $0.hasPrefix("table") }
        == [3, 4, 1, 5, 2].map { "table-\($0).csv" })
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
