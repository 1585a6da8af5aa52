import Foundation
import PropertyChecks
import PropertyTesting
import Reporting
import Testing

/// The fields of comma-separated values, read as RFC 4180 says and without the code that writes them.
private func fields(_ text: String) -> [[String]] {
  var (rows, row, field) = ([[String]](), [String](), "")
  var (isQuoted, isClosing) = (false, false)
  for scalar in text.unicodeScalars {
    if isQuoted, !isClosing {
      if scalar == "\"" { isClosing = true } else { field.unicodeScalars.append(scalar) }
      continue
    }
    if isClosing, scalar == "\"" {
      field.unicodeScalars.append(scalar)
      isClosing = false
      continue
    }
    (isQuoted, isClosing) = (false, false)
    switch scalar {
    case "\"" where field.isEmpty: isQuoted = true
    case ",", "\n":
      row.append(field)
      field = ""
      if scalar == "\n" {
        rows.append(row)
        row = []
      }
    default: field.unicodeScalars.append(scalar)
    }
  }
  #expect(row.isEmpty && field.isEmpty, "the last line has an end")
  return rows
}

/// The text with what `printable` wrote by number in its place again.
private func original(_ text: String) -> String {
  text.replacing(/\\u\{([0-9A-F]+)\}/) { match in
    String(UInt32(match.1, radix: 16).flatMap(Unicode.Scalar.init).map(Character.init) ?? "?")
  }
}

/// A row of the table below. Foundation's `JSONSerialization` reads doubles a few units off.
private struct Object: Decodable {
  var name: String?
  var other: Double?

  enum CodingKeys: String, CodingKey {
    case name
    case other = "other, \"name\""
  }
}

@Suite("Files for other programs")
struct DataTableTests {
  private let table = DataTable<[DataValue?]>([
    .init("name", "text") { $0[0] }, .init("other, \"name\"", "text") { $0[1] },
  ])

  @Test("Every character of a text is in its field, and no text breaks a row")
  func texts() async {
    await check("texts", .string(), .string()) { a, b in
      // What looks like an escape cannot be told from one.
      guard !a.contains("\\"), !b.contains("\\") else { return }
      let csv = table.csv([[.text(a), .text(b)]])
      let rows = fields(csv)
      #expect(rows.count == 2 && csv.split(separator: "\n").count == 2)
      #expect(rows[0] == ["name", "other, \"name\""])
      for (text, field) in zip([a, b], rows[1]) {
        let bare = field.hasPrefix("'") && !text.hasPrefix("'") ? String(field.dropFirst()) : field
        #expect(Array(original(bare).unicodeScalars) == Array(text.unicodeScalars))
      }
    }
  }

  @Test("No text is a formula to a spreadsheet, and no number is touched")
  func formulas() async {
    await check(
      "texts behind a sign", .element(of: ["=", "+", "-", "@", "＝", "\t=", "\r-"]), .string()
    ) {
      sign, rest in
      let field = fields(table.csv([[.text(sign + rest), .text(rest)]]))[1][0]
      #expect(field.first.map { !"=+-@＝\t\r".contains($0) } == true)
    }
    #expect(fields(table.csv([[.number(-0.5), .count(-3)]]))[1] == ["-0.5", "-3"])
    #expect(fields(table.csv([[.text("-0.5"), .text("a=b")]]))[1] == ["'-0.5", "a=b"])
  }

  @Test("What would steer a terminal is shown by its number")
  func controls() {
    let text = "\u{1B}]0;x\u{7}\r\n\u{202E}a\u{2028}"
    let (csv, json) = (table.csv([[.text(text), nil]]), table.jsonLines([[.text(text), nil]]))
    #expect(csv.hasSuffix("\n\\u{1B}]0;x\\u{7}\\u{D}\\u{A}\\u{202E}a\\u{2028},\n"))
    #expect(json.hasPrefix(#"{"name":"\u001b]0;x\u0007\u000d\u000a\u202ea\u2028","#))
  }

  @Test("A quote is doubled also where a combining mark hangs on it")
  func combining() {
    let text = "a\"\u{301}b,\u{301}c"
    #expect(
      Array(fields(table.csv([[.text(text), .text("d")]]))[1][0].unicodeScalars)
        == Array(text.unicodeScalars))
  }

  @Test("JSON lines are objects that a reader of JSON takes, with the same values")
  func lines() async throws {
    await check("texts and numbers", .string(), .double(of: Set(FloatingPointClass.allCases))) {
      text, number in
      let lines = table.jsonLines([[.text(text), .number(number)], [nil, .count(7)]])
        .split(separator: "\n")
      #expect(lines.count == 2)
      let objects = try lines.map { try JSONDecoder().decode(Object.self, from: Data($0.utf8)) }
      let first = objects[0].name.map { Array($0.unicodeScalars) }
      #expect(first == Array(text.unicodeScalars))
      #expect(objects[0].other == (number.isFinite ? number : nil))
      #expect(objects[1].name == nil && objects[1].other == 7)
    }
  }

  @Test("Real numbers are told from whole ones, exactly, and what is no number is no value")
  func numbers() async {
    await check("numbers", .double(of: Set(FloatingPointClass.allCases)), .integer()) {
      number, seed in
      let row = fields(table.csv([[.number(number), .seed(seed)]]))[1]
      #expect(row[1] == "\(seed)")
      if number.isFinite {
        #expect(Double(row[0]) == number && row[0].contains { ".e".contains($0) })
      } else {
        #expect(row[0].isEmpty)
      }
    }
  }
}
