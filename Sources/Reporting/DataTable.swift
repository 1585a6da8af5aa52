import Statistics

/// What stands in a cell of a file that other programs read.
package enum DataValue: Sendable, Equatable {
  /// Words, which may come from outside: a file's name, what a model says of itself.
  case text(String)
  /// A whole number.
  case count(Int)
  /// A seed, which may need all 64 bits.
  case seed(UInt64)
  /// A real number; what is none, an infinity or NaN, is written as no value.
  case number(Double)

  /// The value as both formats have it, but for texts.
  fileprivate func written(_ text: (String) -> String) -> String? {
    switch self {
    case .text(let words): text(words)
    case .count(let count): "\(count)"
    case .seed(let seed): "\(seed)"
    case .number(let number): number.isFinite ? "\(number)" : nil
    }
  }
}

/// Columns under which rows are written for other programs, as comma-separated values or as JSON lines. What
/// people read is a `Table`.
package struct DataTable<Row>: Sendable {
  /// What a column is called, in what its values are measured, and how a row says it.
  package struct Column: Sendable {
    package let name: String
    /// The unit, or what else the values are: "images", "share", "pixel scale", "seconds", "text".
    package let unit: String
    /// The value of a row; nil where it has none.
    package let value: @Sendable (Row) -> DataValue?

    package init(_ name: String, _ unit: String, _ value: @escaping @Sendable (Row) -> DataValue?) {
      self.name = name
      self.unit = unit
      self.value = value
    }
  }

  package let columns: [Column]

  package init(_ columns: [Column]) { self.columns = columns }

  /// One line for every row under a line of names, as RFC 4180 has them but for line ends, which are "\n"; an
  /// empty field where there is no value.
  ///
  /// Equal rows are equal bytes. Numbers are shortest and exact, and a real one always has a point or an
  /// exponent, so that readers which look at the first rows take the column for what it is. Of texts:
  /// - what steers a terminal or ends a line is written by its number, "\u{1B}", so that a row is a line;
  /// - one that begins with `=`, `+`, `-` or `@` has an apostrophe in front, or a spreadsheet would compute it.
  package func csv(_ rows: some Sequence<Row>) -> String {
    rows.reduce(into: line(columns.map { quoted($0.name) })) { text, row in
      text += line(
        columns.map { $0.value(row).flatMap { $0.written(field) } ?? "" })
    }
  }

  private func line(_ fields: [String]) -> String { fields.joined(separator: ",") + "\n" }

  /// One JSON object for every row, with the columns in their order; `null` where there is no value. Equal
  /// rows are equal bytes.
  package func jsonLines(_ rows: some Sequence<Row>) -> String {
    let names = columns.map { json($0.name) }
    return rows.reduce(into: "") { text, row in
      let fields = zip(names, columns).map { name, column in
        "\(name):\(column.value(row).flatMap { $0.written(json) } ?? "null")"
      }
      text += "{\(fields.joined(separator: ","))}\n"
    }
  }
}

extension DataTable<[DataValue?]> {
  /// Rows that are values already, under names.
  init(names: [String]) {
    self.init(
      names.enumerated().map { place, name in
        Column(name, "") { $0.count > place ? $0[place] : nil }
      })
  }
}

/// A text as a field of comma-separated values.
private func field(_ text: String) -> String {
  // Nearly all texts are names and digests, of which a file of images has millions.
  let isPlain =
    text.utf8.allSatisfy {
      UInt8(ascii: "-")..<UInt8(ascii: "=") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "z") ~= $0
    }
    && text.utf8.first != UInt8(ascii: "-")
  return isPlain ? text : quoted(inert(text.printable))
}

/// A text that no spreadsheet takes for a formula, also where it takes full-width signs for the others.
private func inert(_ text: String) -> String {
  text.unicodeScalars.first.map { "=+-@＝＋－＠".unicodeScalars.contains($0) } == true
    ? "'\(text)" : text
}

/// A field of RFC 4180. Scalars are looked at, as a character may be a quote with an accent.
private func quoted(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { ",\"".unicodeScalars.contains($0) }) else {
    return text
  }
  return text.unicodeScalars.reduce(into: "\"") { result, scalar in
    result.unicodeScalars.append(scalar)
    if scalar == "\"" { result.unicodeScalars.append(scalar) }
  } + "\""
}

/// A string of JSON in which whatever could steer a terminal is escaped.
private func json(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "\"") { result, scalar in
    if scalar == "\"" || scalar == "\\" {
      result += "\\\(scalar)"
    } else if String(scalar).printable == String(scalar) {
      result.unicodeScalars.append(scalar)
    } else {
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
  } + "\""
}
