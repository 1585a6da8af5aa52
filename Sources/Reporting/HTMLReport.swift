import Foundation

/// A report as one HTML file: no external resources, light, dark and on paper. It is complete without its script, which
/// sorts tables, hides series and switches between light and dark.
package struct HTMLReport: Sendable {
  /// A name and its value.
  package struct KeyValue: Sendable, Equatable {
    package var key: String
    package var value: String

    package init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// A number that carries the story, what it is, and how sure it is.
  package struct KeyFigure: Sendable, Equatable {
    package var value: String
    package var label: String
    package var detail: String

    package init(_ value: String, _ label: String, detail: String = "") {
      self.value = value
      self.label = label
      self.detail = detail
    }
  }

  /// A piece of a section. Texts are plain: everything is escaped.
  package enum Content: Sendable {
    case paragraph(String)
    /// What the reader should take away if nothing else.
    case lead(String)
    case list([String])
    /// The title of what follows in its section.
    case heading(String)
    /// A remark set apart, such as a limitation that the reader must not miss.
    case note(String)
    case keyFigures([KeyFigure])
    case table(Table, caption: String = "")
    case figure(any Drawing, caption: String = "")
    /// Small pictures beside each other, as many as the page is wide enough for.
    case panels([any Drawing], caption: String = "")
    /// Content that is shown when the reader opens it.
    indirect case details(String, [Content])
    /// Provenance: what was run, with what, where.
    case keyValues([KeyValue])
    case code(String)
  }

  /// Content under a heading.
  package struct Section: Sendable {
    package var title: String
    package var content: [Content]

    package init(title: String, content: [Content] = []) {
      self.title = title
      self.content = content
    }
  }

  package var title: String
  package var subtitle: String
  /// What comes before the first section.
  package var summary: [Content]
  package var sections: [Section]

  package init(
    title: String, subtitle: String = "", summary: [Content] = [], sections: [Section] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.summary = summary
    self.sections = sections
  }

  /// The file's text: HTML that is well-formed XML too.
  package func render() -> String {
    var numbers = Numbers(content)
    var body = "<header>\n<h1>\(markup(title))</h1>\n"
    if !subtitle.isEmpty { body += "<p class=\"subtitle\">\(markup(subtitle))</p>\n" }
    body += "</header>\n"
    body += summary.map { html($0, &numbers) }.joined()
    if sections.count > 2 {
      let links = sections.enumerated().map { index, section in
        "<li><a href=\"#section-\(index + 1)\">\(markup(section.title))</a></li>"
      }
      body += "<nav aria-label=\"Contents\"><ul>\(links.joined())</ul></nav>\n"
    }
    for (index, section) in sections.enumerated() {
      body += "<section id=\"section-\(index + 1)\">\n<h2>\(markup(section.title))</h2>\n"
      body += section.content.map { html($0, &numbers) }.joined()
      body += "</section>\n"
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'; \
      script-src 'sha256-\(Self.scriptHash)'; base-uri 'none'; form-action 'none'"/>
      <title>\(escaped(title))</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      <main>
      \(body)</main>
      <script>\(Self.script)</script>
      </body>
      </html>

      """
  }

  /// Every figure as a picture by itself, and every figure and table as comma-separated values, under the numbers
  /// that they have on the page.
  package func files() -> [(name: String, text: String)] {
    var numbers = Numbers(content)
    return content.flatMap { Self.files(of: $0, &numbers) }
  }

  private var content: [Content] { summary + sections.flatMap(\.content) }

  /// Writes the page, index.html, and its files, in figures.
  ///
  /// - Throws: `FileWriteError`.
  package func write(to folder: URL) throws(FileWriteError) {
    try AtomicFile.write(render(), to: folder.appending(path: "index.html"))
    for file in files() {
      try AtomicFile.write(file.text, to: folder.appending(path: "figures/\(file.name)"))
    }
  }

  private static func files(
    of content: Content, _ numbers: inout Numbers
  ) -> [(name: String, text: String)] {
    func picture(_ drawing: any Drawing, _ name: String) -> [(name: String, text: String)] {
      [("\(name).svg", drawing.svg(width: 760))]
        + (drawing.csv.map { [("\(name).csv", $0)] } ?? [])
    }
    switch content {
    case .figure(let drawing, _):
      return picture(drawing, "figure-\(numbers.next(\.figures))")
    case .panels(let drawings, _):
      let number = numbers.next(\.figures)
      return drawings.enumerated().flatMap {
        picture($0.element, "figure-\(number)-\($0.offset + 1)")
      }
    case .table(let table, _): return [("table-\(numbers.next(\.tables)).csv", table.csv)]
    case .details(_, let content):
      return numbers.closed { numbers in content.flatMap { files(of: $0, &numbers) } }
    default: return []
    }
  }

  /// The numbers of figures and tables: of what the reader sees at once from 1 on, and behind these of what he has to
  /// open, so that nobody looks for a figure 1.
  private struct Numbers {
    struct Count {
      var figures = 0
      var tables = 0
    }

    private var seen = Count()
    private var opened = Count()
    private var isInside = false

    init(_ content: [Content]) {
      for part in content {
        switch part {
        case .figure, .panels: opened.figures += 1
        case .table: opened.tables += 1
        default: break
        }
      }
    }

    mutating func next(_ kind: WritableKeyPath<Count, Int>) -> Int {
      let count: WritableKeyPath<Numbers, Count> = isInside ? \.opened : \.seen
      self[keyPath: count][keyPath: kind] += 1
      return self[keyPath: count][keyPath: kind]
    }

    /// Numbers what has to be opened.
    mutating func closed<Result>(_ body: (inout Numbers) -> Result) -> Result {
      let wasInside = isInside
      isInside = true
      defer { isInside = wasInside }
      return body(&self)
    }
  }

  private func html(_ content: Content, _ numbers: inout Numbers) -> String {
    switch content {
    case .paragraph(let text): return "<p>\(markup(text))</p>\n"
    case .lead(let text): return "<p class=\"lead\">\(markup(text))</p>\n"
    case .note(let text): return "<p class=\"note\">\(markup(text))</p>\n"
    case .heading(let text): return "<h3>\(markup(text))</h3>\n"
    case .code(let text):
      return "<pre><code>\(escaped(text))</code></pre>\n"
    case .list(let items):
      return "<ul>\n\(items.map { "<li>\(markup($0))</li>\n" }.joined())</ul>\n"
    case .keyFigures(let figures):
      let cells = figures.map { figure in
        let detail = figure.detail.isEmpty ? "" : "<small>\(markup(figure.detail))</small>"
        return "<div><dt>\(markup(figure.label))\(detail)</dt>"
          + "<dd>\(markup(figure.value))</dd></div>\n"
      }
      return "<dl class=\"key-figures\">\n\(cells.joined())</dl>\n"
    case .keyValues(let pairs):
      let rows = pairs.map {
        "<tr><th scope=\"row\">\(markup($0.key))</th><td>\(markup($0.value))</td></tr>\n"
      }
      return "<div class=\"scroll\" tabindex=\"0\"><table class=\"facts\">\n<tbody>\n"
        + "\(rows.joined())</tbody>\n</table></div>\n"
    case .table(let table, let caption):
      return html(table, caption: Self.label("Table", numbers.next(\.tables), caption))
    case .figure(let drawing, let caption):
      // Two drawings: scaling one down to a telephone would make its text unreadable.
      return """
        <figure>
        <div class="wide">\(drawing.svg(width: 760))</div>
        <div class="narrow">\(drawing.svg(width: 360))</div>
        <figcaption>\(Self.label("Figure", numbers.next(\.figures), caption))</figcaption>
        </figure>

        """
    case .panels(let drawings, let caption):
      return """
        <figure>
        <div class="panels">\(drawings.map { $0.svg(width: 300) }.joined())</div>
        <figcaption>\(Self.label("Figure", numbers.next(\.figures), caption))</figcaption>
        </figure>

        """
    case .details(let title, let content):
      return "<details>\n<summary>\(markup(title))</summary>\n"
        + numbers.closed { numbers in content.map { html($0, &numbers) }.joined() } + "</details>\n"
    }
  }

  private static func label(_ kind: String, _ number: Int, _ caption: String) -> String {
    "<b>\(kind) \(number)</b>" + (caption.isEmpty ? "" : " \(markup(caption))")
  }

  private func html(_ table: Table, caption: String) -> String {
    let sides = (0..<table.width).map { table.alignment(of: $0) == .right ? "number" : "" }
    func classes(_ names: [String]) -> String {
      let named = names.filter { !$0.isEmpty }
      return named.isEmpty ? "" : " class=\"\(named.joined(separator: " "))\""
    }
    // A first column that says the same word row after row says it once, above them.
    let groups = Self.groups(of: table)
    let columns = groups == nil ? 0..<table.width : 1..<table.width
    let titles = columns.map { column in
      let title = column < table.columns.count ? table.columns[column] : ""
      return "<th scope=\"col\"\(classes([sides[column]]))>\(markup(title))</th>"
    }
    func html(_ row: Int) -> String {
      let cells = columns.map { column in
        let cell = table.cell(row: row, column: column)
        let emphasis =
          switch cell.emphasis {
          case .none: ""
          case .strong: "strong"
          case .good: "good"
          case .bad: "bad"
          }
        // Short texts stay on one line, long ones wrap at a readable width.
        let side = sides[column].isEmpty && cell.text.count > 26 ? "long" : sides[column]
        return "<td\(classes([side, emphasis]))>\(markup(cell.text))"
          + (cell.estimate.map(Self.drawing(of:)) ?? "") + "</td>"
      }
      return "<tr>\(cells.joined())</tr>\n"
    }
    let bodies = (groups ?? [(nil, table.rows.indices)]).map { name, rows in
      let heading = name.map { name in
        "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"\(columns.count)\">"
          + "<small>\(markup(table.columns.first ?? ""))</small> \(markup(name))</th></tr>\n"
      }
      return "<tbody>\n\(heading ?? "")\(rows.map(html).joined())</tbody>"
    }
    return """
      <figure class="table">
      <figcaption>\(caption)</figcaption>
      <div class="scroll" tabindex="0"><table>
      <thead><tr>\(titles.joined())</tr></thead>
      \(bodies.joined(separator: "\n"))
      </table></div>
      </figure>

      """
  }

  /// The rows by what their first column says, where that is at most half as many texts as rows, each in one
  /// run; nil elsewhere.
  private static func groups(of table: Table) -> [(name: String?, rows: Range<Int>)]? {
    var groups: [(name: String?, rows: Range<Int>)] = []
    for row in table.rows.indices {
      let cell = table.cell(row: row, column: 0)
      guard cell.emphasis == .none, cell.estimate == nil else { return nil }
      if let last = groups.last, last.name == cell.text {
        groups[groups.count - 1].rows = last.rows.lowerBound..<row + 1
      } else {
        groups.append((cell.text, row..<row + 1))
      }
    }
    let isWorth = table.width > 2 && groups.count > 1 && 2 * groups.count <= table.rows.count
    return isWorth && Set(groups.map(\.name)).count == groups.count ? groups : nil
  }

  /// A share and its interval on a line from 0 to 1.
  private static func drawing(of estimate: Table.Estimate) -> String {
    func place(_ share: Double) -> Double { 100 * min(max(share, 0), 1) }
    let (from, to) = (place(estimate.interval.lower), place(estimate.interval.upper))
    let middle = place(estimate.value)
    return
      "<svg class=\"estimate\" viewBox=\"-2 0 104 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      + "<path class=\"track\" d=\"M0 4H100\"/>"
      + "<path class=\"range\" d=\"M\(coordinate(from)) 4H\(coordinate(to))\"/>"
      + "<path class=\"mark\" d=\"M\(coordinate(middle)) 0V8\"/></svg>"
  }

  private static let dark = """
    --ink: #e6e8eb; --soft: #a2abb5; --page: #0f1114; --card: #181b20; --line: #30353c; \
    --accent: #56b4e9; --good: #12382c; --bad: #4a2412; --strong: #12324a;
    """

  // No "<" or "&" in here, so that the file stays well-formed XML.
  private static let style = """
    :root { --ink: #1d2126; --soft: #59616b; --page: #f6f7f8; --card: #ffffff; --line: #d9dde2;
      --accent: #0072b2; --good: #e0f2ea; --bad: #fde6da; --strong: #e3f0f8; }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
    main { max-width: 50rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
    h1 { font-size: clamp(1.75rem, 1.2rem + 2.5vw, 2.6rem); line-height: 1.15; margin: 0;
      letter-spacing: -0.015em; text-wrap: balance; }
    h2 { font-size: 1.45rem; line-height: 1.25; margin: 3.25rem 0 0.75rem; padding-top: 1.1rem;
      border-top: 1px solid var(--line); letter-spacing: -0.01em; text-wrap: balance; }
    h3 { font-size: 1.15rem; line-height: 1.3; margin: 2.5rem 0 0.5rem; text-wrap: balance; }
    sub { font-size: 0.75em; line-height: 0; }
    .name { white-space: nowrap; }
    .subtitle { font-size: 1.2rem; line-height: 1.45; color: var(--soft); margin: 0.6rem 0 0; }
    header { margin-bottom: 1.75rem; }
    p, li { max-width: 42rem; text-wrap: pretty; overflow-wrap: break-word; }
    p { margin: 0 0 1rem; }
    a { color: var(--accent); }
    nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.3rem 1.4rem; padding: 0;
      margin: 1.75rem 0 0; font-size: 0.95rem; }
    .note { border-left: 3px solid #d55e00; padding: 0.1rem 0 0.1rem 0.9rem; }
    .lead { font-size: 1.3rem; line-height: 1.45; font-weight: 600; max-width: 46rem;
      letter-spacing: -0.005em; }
    .key-figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
      gap: 1.25rem 1.5rem; margin: 2rem 0; }
    .key-figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
    .key-figures dd { margin: 0; font-size: 2.1rem; font-weight: 650; line-height: 1.15;
      letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
    .key-figures dt { font-size: 0.95rem; line-height: 1.4; margin-top: 0.2rem; }
    .key-figures small { display: block; color: var(--soft); font-size: 0.875rem; }
    figure { margin: 1.75rem 0 2.25rem; }
    figcaption { font-size: 0.925rem; line-height: 1.5; color: var(--soft); max-width: 42rem;
      margin-top: 0.6rem; text-wrap: pretty; }
    figcaption b { color: var(--ink); margin-right: 0.25rem; }
    .table figcaption { margin: 0 0 0.5rem; }
    figure svg { display: block; max-width: 100%; height: auto; }
    .panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0.75rem;
      align-items: end; width: min(62rem, 100vw - 3rem); position: relative; left: 50%; transform: translateX(-50%); }
    .panels svg { border: 1px solid var(--line); border-radius: 8px; width: 100%; }
    .mi .off { display: none; }
    .mi .key[role] { cursor: pointer; }
    .mi .key[aria-pressed=false] { opacity: 0.4; text-decoration: line-through; }
    header { position: relative; }
    button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer;
      text-align: inherit; }
    .theme { position: absolute; right: 0; top: -1.9rem; font-size: 0.875rem; color: var(--soft);
      border: 1px solid var(--line); border-radius: 6px; padding: 0.1rem 0.6rem; }
    th button::after { content: " ↕"; color: var(--soft); font-weight: 400; }
    th[aria-sort=ascending] button::after { content: " ↑"; }
    th[aria-sort=descending] button::after { content: " ↓"; }
    button:focus-visible, .key:focus-visible, summary:focus-visible { outline: 2px solid var(--accent);
      outline-offset: 2px; }
    details { margin: 1rem 0 2rem; }
    summary { cursor: pointer; color: var(--accent); }
    tr.group th { padding-top: 0.9rem; font-weight: 650; }
    tr.group small { color: var(--soft); font-weight: 400; font-size: 0.8rem; margin-right: 0.25rem; }
    .estimate { display: block; width: 100%; min-width: 5.5rem; height: 0.4rem; margin-top: 0.2rem;
      overflow: visible; }
    .estimate path { fill: none; stroke: var(--line); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
    .estimate .range { stroke: var(--accent); stroke-width: 3; }
    .estimate .mark { stroke: var(--ink); stroke-width: 2; }
    .wide, .narrow { border: 1px solid var(--line); border-radius: 8px; overflow: hidden;
      width: fit-content; max-width: 100%; }
    .narrow { display: none; }
    .table .scroll { width: max-content; min-width: 100%; max-width: min(64rem, 100vw - 3rem);
      position: relative; left: 50%; transform: translateX(-50%); }
    .scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px;
      background: var(--card); }
    table { border-collapse: collapse; width: 100%; font-size: 0.925rem; line-height: 1.4;
      font-variant-numeric: tabular-nums; }
    th, td { padding: 0.5rem 0.85rem; text-align: left; vertical-align: baseline; }
    thead th { font-weight: 600; border-bottom: 1px solid var(--soft); vertical-align: bottom; }
    tbody tr + tr > * { border-top: 1px solid var(--line); }
    td { white-space: nowrap; }
    td.long { white-space: normal; min-width: 13rem; }
    .number { text-align: right; }
    td.strong { background: var(--strong); font-weight: 650; }
    td.good { background: var(--good); font-weight: 650; }
    td.bad { background: var(--bad); font-weight: 650; }
    .facts th { font-weight: 500; color: var(--soft); white-space: nowrap; width: 1%; }
    .facts td { white-space: normal; overflow-wrap: anywhere; }
    pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--line);
      border-radius: 8px; padding: 0.85rem 1rem; font-size: 0.875rem; line-height: 1.5;
      margin: 1rem 0 1.5rem; }
    code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
    @media screen and (max-width: 40rem) {
      main { padding: 1.75rem 1rem 3rem; }
      .wide { display: none; }
      .narrow { display: block; }
      .facts th { white-space: normal; width: 35%; }
      th, td { padding: 0.45rem 0.6rem; }
    }
    @media screen and (prefers-color-scheme: dark) { :root:not([data-theme=light]) { \(dark) } }
    @media screen { :root[data-theme=dark] { \(dark) }
      \(Palette.dark(below: ":root[data-theme=dark]")) }
    @media print {
      :root { --page: #ffffff; }
      @page { margin: 18mm 16mm; }
      body { font-size: 10.5pt; }
      main { max-width: none; padding: 0; }
      nav, .theme { display: none; }
      th button::after { content: ""; }
      .panels { width: auto; left: 0; transform: none; grid-template-columns: 1fr 1fr; }
      h2, h3 { break-after: avoid; }
      figure, tr, pre { break-inside: avoid; }
      .scroll, .table .scroll { overflow: visible; width: auto; max-width: none; transform: none;
        left: 0; }
      td, td.long { white-space: normal; min-width: 0; }
      th, td { padding: 0.3rem 0.4rem; }
      table { font-size: 0.8rem; }
      .estimate { min-width: 3rem; }
      td.strong, td.good, td.bad { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
    }
    """
}
