import Statistics

extension Table {
  /// A floating table for LaTeX in the style of the package booktabs, which a document with
  /// `\usepackage{booktabs}` takes by `\input`; emphasised cells are bold. It compiles with pdfLaTeX and its
  /// successors.
  ///
  /// - Parameters:
  ///   - caption: what stands above it, as text.
  ///   - label: the name for `\ref`, of letters, digits, ":" and "-".
  package func latex(caption: String, label: String) -> String {
    let sides = (0..<width).map { alignment(of: $0) == .left ? "l" : "r" }
    func line(_ cells: [String]) -> String {
      let text = cells.joined(separator: " & ")
      // Behind the end of a row TeX takes a bracket or star for an option of it.
      return "    \(text.hasPrefix("[") || text.hasPrefix("*") ? "{}" : "")\(text) \\\\\n"
    }
    let lines = rows.indices.map { row in
      line(
        (0..<width).map { column in
          let cell = cell(row: row, column: column)
          let text = latexText(typeset(cell.text))
          return cell.emphasis == .none || text.isEmpty ? text : "\\textbf{\(text)}"
        })
    }
    return """
      \\begin{table}
        \\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}
        \\caption{\(latexText(caption))}
        \\label{\(label)}
        \\begin{tabular}{\(sides.joined())}
          \\toprule
      \(line(columns.map(latexText)))    \\midrule
      \(lines.joined())    \\bottomrule
        \\end{tabular}
      \\end{table}

      """
  }
}

/// Text as LaTeX sets it letter by letter: what means something to TeX is escaped, signs of formulas are set as
/// such, and what its usual fonts lack stands there by its number, "U+6B63". What would steer a terminal is first
/// written as `printable` does.
package func latexText(_ text: String) -> String {
  var result = ""
  var last: Unicode.Scalar?
  for scalar in text.printable.unicodeScalars {
    // Two of these become one sign: the dashes of a command's flags a longer dash.
    if scalar == last, "-,'".unicodeScalars.contains(scalar) { result += "{}" }
    result += latexWords[scalar] ?? latexLetter(scalar)
    last = scalar
  }
  return result
}

private func latexLetter(_ scalar: Unicode.Scalar) -> String {
  if scalar.isASCII || latexLetters.contains(scalar) { return String(scalar) }
  let digits = String(scalar.value, radix: 16, uppercase: true)
  return "\\texttt{U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)}"
}

/// Letters with accents that LaTeX composes in every font encoding.
private let latexLetters = Set(
  "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ".unicodeScalars)

/// What stands for a character that means something to TeX, or that is a sign of formulas.
private let latexWords: [Unicode.Scalar: String] = [
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#",
  "_": "\\_", "%": "\\%", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
  "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "`": "\\textasciigrave{}",
  "\"": "\\texttt{\\char34}", "–": "\\textendash{}", "—": "\\textemdash{}", "−": "$-$",
  "ε": "$\\varepsilon$", "λ": "$\\lambda$", "σ": "$\\sigma$", "α": "$\\alpha$",
  "ℓ": "$\\ell$", "∞": "$\\infty$", "±": "$\\pm$", "×": "$\\times$", "≤": "$\\leq$",
  "≥": "$\\geq$", "≈": "$\\approx$", "·": "$\\cdot$", "ŷ": "\\^{y}",
]
