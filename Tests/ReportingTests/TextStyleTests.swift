import Reporting
import Testing

@Suite("How text looks where it goes")
struct TextStyleTests {
  @Test("colour is for terminals, NO_COLOR takes it away and CLICOLOR_FORCE brings it")
  func colour() {
    func isColoured(_ columns: Int?, _ environment: [String: String]) -> Bool {
      TextStyle(terminalColumns: columns, environment: environment).isColoured
    }
    #expect(isColoured(80, [:]) && !isColoured(nil, [:]))
    #expect(!isColoured(80, ["NO_COLOR": "1"]) && isColoured(80, ["NO_COLOR": ""]))
    #expect(isColoured(nil, ["CLICOLOR_FORCE": "1"]) && !isColoured(nil, ["CLICOLOR_FORCE": "0"]))
    #expect(!isColoured(nil, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]))
    #expect(!isColoured(80, ["TERM": "dumb"]))
  }

  @Test("tables are as wide as the terminal, as COLUMNS says, or 80 columns")
  func columns() {
    func columns(_ columns: Int?, _ environment: [String: String] = [:]) -> Int {
      TextStyle(terminalColumns: columns, environment: environment).columns
    }
    #expect(columns(nil) == 80 && columns(0) == 80 && columns(20) == 20 && columns(200) == 200)
    #expect(columns(200, ["COLUMNS": "60"]) == 60 && columns(nil, ["COLUMNS": "60"]) == 60)
    for wrong in ["", "0", "-3", "many", "99999999999999999999"] {
      #expect(columns(120, ["COLUMNS": wrong]) == 120)
    }
  }

  @Test("prose is broken for a terminal alone, at words, and commands never")
  func prose() {
    let text: Printout = "- one two three\n\(code: "one two three four")"
    #expect(text.text() == "- one two three\none two three four")
    let style = TextStyle(columns: 10, breaksProse: true)
    #expect(text.text(style) == "- one two\n  three\none two three four")
  }

  @Test("tables stand in prose, and what would steer a terminal is shown by its number")
  func printout() {
    let table = Table(columns: ["n"], rows: [["1"]])
    let text: Printout = "a\u{1B}b\n\(table)c \(7)"
    #expect(text.text() == "a\\u{1B}b\nn\n─\n1\nc 7")
    #expect(Printout.lines(["a", "b"]) == "a\nb")
    #expect(
      Printout("DO NOT QUOTE this").text(TextStyle(columns: 80, isColoured: true))
        == "\u{1B}[31mDO NOT QUOTE this\u{1B}[0m")
  }
}
