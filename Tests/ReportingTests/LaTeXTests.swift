import PropertyChecks
import PropertyTesting
import Reporting
import Statistics
import Testing

/// What TeX sets for a text, character by character, read without the code that writes it; nil if TeX would not
/// take it for text.
private func set(_ latex: String) -> String? {
  let commands: [(String, String)] = [
    (#"\textbackslash{}"#, "\\"), (#"\textasciitilde{}"#, "~"), (#"\textasciicircum{}"#, "^"),
    (#"\textless{}"#, "<"), (#"\textgreater{}"#, ">"), (#"\textbar{}"#, "|"),
    (#"\textasciigrave{}"#, "`"), (#"\textendash{}"#, "–"), (#"\textemdash{}"#, "—"),
    (#"\texttt{\char34}"#, "\""), (#"\{"#, "{"), (#"\}"#, "}"), (#"\$"#, "$"), (#"\&"#, "&"),
    ("\\#", "#"), (#"\_"#, "_"), (#"\%"#, "%"), ("$-$", "−"), (#"$\varepsilon$"#, "ε"),
    (#"$\lambda$"#, "λ"), (#"$\sigma$"#, "σ"), (#"$\alpha$"#, "α"), (#"$\ell$"#, "ℓ"),
    (#"$\infty$"#, "∞"), (#"$\pm$"#, "±"), (#"$\times$"#, "×"), (#"$\leq$"#, "≤"),
    (#"$\geq$"#, "≥"), (#"$\approx$"#, "≈"), (#"$\cdot$"#, "·"), (#"\^{y}"#, "ŷ"),
  ]
  var rest = Substring(latex)
  var result = ""
  while let first = rest.unicodeScalars.first {
    if let (command, text) = commands.first(where: { rest.hasPrefix($0.0) }) {
      rest.removeFirst(command.count)
      result += text
    } else if let number = rest.prefixMatch(of: /\\texttt\{U\+([0-9A-F]{4,6})\}/) {
      guard let scalar = UInt32(number.1, radix: 16).flatMap(Unicode.Scalar.init) else {
        return nil
      }
      rest = rest[number.range.upperBound...]
      result.unicodeScalars.append(scalar)
    } else if rest.hasPrefix("{}") {
      rest.removeFirst(2)
    } else if "\\{}$&#_%~^<>|\"".unicodeScalars.contains(first)
      || !(first.isASCII || ("À"..."ÿ").contains(first))
    {
      return nil
    } else {
      rest = Substring(rest.unicodeScalars.dropFirst())
      result.unicodeScalars.append(first)
    }
  }
  return result
}

@Suite("Tables for LaTeX")
struct LaTeXTests {
  @Test("Every character of a text is set, or stands there by its number")
  func characters() async {
    await check("texts", .string()) { text in
      let shown = set(latexText(text))
      #expect(shown.map { Array($0.unicodeScalars) } == Array(text.printable.unicodeScalars))
    }
    await check(
      "what means something to TeX",
      .string(of: .element(of: Array(##"\{}$&#_%~^<>|`"'-,[]*–−ελσαℓ∞±×≤≥≈·ŷéß正"##)))
    ) {
      #expect(set(latexText($0)) == $0)
    }
  }

  @Test("No two characters become one sign, as the dashes of a flag would")
  func ligatures() {
    #expect(latexText("--sanity") == "-{}-sanity" && latexText(",,''") == ",{},'{}'")
    #expect(!latexText("?`!`<<>>").contains("?`"))
  }

  @Test("A table is a float with rules, escaped cells and as many columns as it says")
  func table() {
    let table = Table(
      columns: ["a_b", "ε"],
      rows: [[Table.Cell("50%", .strong), "[1, 2]"], ["[x]"], ["*", "8/255"]])
    #expect(
      table.latex(caption: "seed 1; --x", label: "tab:t") == #"""
        \begin{table}
          \centering\footnotesize\setlength{\tabcolsep}{3pt}
          \caption{seed 1; -{}-x}
          \label{tab:t}
          \begin{tabular}{lr}
            \toprule
            a\_b & $\varepsilon$ \\
            \midrule
            \textbf{50\%} & [1, 2] \\
            {}[x] &  \\
            {}* & 8/255 \\
            \bottomrule
          \end{tabular}
        \end{table}

        """#)
  }

  @Test("Columns that say the same in every row are told once, and every other cell stays")
  func repetition() async {
    await check(
      "tables", .array(of: .array(of: .element(of: ["a", "b"]), count: 3...3), count: 0...4)
    ) { rows in
      let table = Table(columns: ["x", "y", "z"], rows: rows.map { $0.map { Table.Cell($0) } })
      let (short, common) = table.withoutRepetition(in: ["x", "y"])
      #expect(short.rows.count == rows.count)
      #expect(Set(short.columns).isDisjoint(with: common.map(\.column)))
      #expect(short.columns.count + common.count == 3 && short.columns.last == "z")
      for (row, texts) in rows.enumerated() {
        for (name, text) in zip(table.columns, texts) {
          let place = short.columns.firstIndex(of: name)
          let found = place.map { short.cell(row: row, column: $0).text }
          #expect(found ?? common.first { $0.column == name }?.text == text)
        }
      }
      if rows.count < 2 { #expect(common.isEmpty) }
    }
  }
}
