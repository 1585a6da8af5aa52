import Foundation
import TestSupport
import Testing

/// Which tests there are, and what is wrong with a specification that cites them.
private struct Citations {
  /// The names of files without ".swift", and for each the functions that are tests, as often as there are.
  var tests: [String: [String]] = [:]

  /// The tests of a source that is laid out as `ci/format` does: below an attribute its arguments are
  /// indented further or closed by a bracket, and the next line declares the function.
  mutating func add(_ source: String, file: String) {
    var functions: [String] = []
    var indentation: Int?
    for line in source.split(separator: "\n") {
      var text = line.drop { $0 == " " }
      let depth = line.count - text.count
      if text == "@Test" || text.hasPrefix("@Test(") || text.hasPrefix("@Test ") {
        indentation = depth
        // The function may stand on the same line.
        guard let place = text.firstRange(of: /^@Test (?=(.* )?func )/) else { continue }
        text = text[place.upperBound...]
      } else if let below = indentation, depth > below || text.hasPrefix(")") || text.hasPrefix("]")
      {
        continue
      }
      if indentation != nil, let match = text.firstMatch(of: /^(?:[a-z]+ )*func (\w+)/) {
        functions.append(String(match.1))
      }
      indentation = nil
    }
    tests[file, default: []] += functions
  }

  /// Every row's number and cells, without those of headers.
  private func row(_ line: Substring) -> (number: String, cells: [String])? {
    guard line.hasPrefix("| ") else { return nil }
    let cells = line.dropFirst(2).dropLast().components(separatedBy: " | ").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    return cells[0].hasPrefix("|") ? nil : (cells[0], cells)
  }

  /// What a citation lacks; nil if there is one such test.
  private func fault(of citation: String) -> String? {
    guard let match = citation.wholeMatch(of: /(\w+)\.(\w+)/) else {
      return "\"\(citation)\" is no File.function"
    }
    guard let functions = tests[String(match.1)] else { return "there is no \(match.1).swift" }
    switch functions.count(where: { $0 == match.2 }) {
    case 0: return "\(match.1).swift has no test \(match.2)"
    case 1: return nil
    case let count: return "\(match.1).swift has \(count) tests \(match.2)"
    }
  }

  /// One line for everything wrong, and how many rows there are.
  func check(_ specification: String) -> (rows: Int, problems: [String]) {
    var problems: [String] = []
    var numbers: [String] = []
    var rows = 0
    for line in specification.split(separator: "\n") {
      var place = "\"\(line.prefix(40))\""
      if let row = row(line) {
        rows += 1
        place = row.number
        numbers.append(row.number)
        if row.number.wholeMatch(of: /[PN][0-9]+/) == nil {
          problems.append("\(place): no number")
        }
        problems += row.cells[row.cells.count - 1].components(separatedBy: ", ").compactMap {
          fault(of: $0).map { "\(place): \($0)" }
        }
      } else {
        // Of a remark without a test.
        numbers += line.matches(of: /\(([PN][0-9]+)[:)]/).map { String($0.1) }
      }
      // No \b, which does not see the point of "Tests.function" as the end of a word.
      problems += line.matches(of: /`(\w+Tests(?:[^\w`][^`]*)?)`/).compactMap {
        fault(of: String($0.1)).map { "\(place): \($0)" }
      }
    }
    let counts = Dictionary(numbers.map { ($0, 1) }, uniquingKeysWith: +)
    problems += counts.filter { $0.value > 1 }.keys.sorted().map { "\($0) stands more than once" }
    return (rows, problems)
  }
}

@Suite("The specification")
struct SpecificationTests {
  private static let root = Fixtures.folder.appending(path: "..").standardizedFileURL

  @Test("has every number once, and cites tests that there are")
  func citations() throws {
    var citations = Citations()
    let tests = Self.root.appending(path: "Tests")
    for path in try FileManager.default.subpathsOfDirectory(atPath: tests.path).sorted()
    where path.hasSuffix(".swift") {
      let file = tests.appending(path: path)
      citations.add(
        try String(contentsOf: file, encoding: .utf8),
        file: file.deletingPathExtension().lastPathComponent)
    }
    let specification = try String(
      contentsOf: Self.root.appending(path: "SPECIFICATION.md"), encoding: .utf8)
    let (rows, problems) = citations.check(specification)
    // That the rows are seen at all: all lines of tables but the two of each head.
    let lines = specification.split(separator: "\n").filter { $0.hasPrefix("|") }
    #expect(rows == lines.count - 2 * lines.count { $0.hasPrefix("|---") })
    #expect(rows > 100)
    #expect(problems == [])
  }

  @Test("is read so that every wrong citation and every doubled number is told")
  func plantedFaults() {
    var citations = Citations()
    citations.add(
      """
      struct RightTests {
        @Test("a name (\\(1)) of @Test func wrong() {}", arguments: [1])
        private func named(_ n: Int) {}

        @Test(
          "over several lines",
          arguments: [
            (1, 2)
          ], [3])
        mutating func wide() async throws {}

        @Test func short() {}

        // func helper() is none:
        func helper() {}

        @Test("none of these")
        struct Inner {
          func inner() {}
        }
        func behind() {}

        @Test func twice() {}
        @Test func twice() {}
      }
      """, file: "RightTests")
    citations.add("@Test\nfunc other() {}", file: "OtherTests")
    #expect(
      citations.tests == [
        "RightTests": ["named", "wide", "short", "twice", "twice"], "OtherTests": ["other"],
      ])

    let sound = """
      # A specification

      Like `RightTests.named`, not like `named` or `Tests`.

      | | kind | statement | test |
      |---|---|---|---|
      | P1 | T | max(\\|a\\|, \\|b\\|) | RightTests.named |
      | P2 | B, S | see `OtherTests.other` | RightTests.wide, OtherTests.other |

      | | statement | test |
      |---|---|---|
      | N1 | nothing | RightTests.short |

      And remarks (N2: none), (N3).
      """
    #expect(citations.check(sound).rows == 3 && citations.check(sound).problems == [])

    let right = "| RightTests.wide, OtherTests.other |"
    for (old, new, problem) in [
      (right, "| RightTests.wide, MissingTests.other |", "P2: there is no MissingTests.swift"),
      (right, "| OtherTests.wide |", "P2: OtherTests.swift has no test wide"),
      (right, "| RightTests.helper |", "P2: RightTests.swift has no test helper"),
      (right, "| RightTests.inner |", "P2: RightTests.swift has no test inner"),
      (right, "| RightTests.twice |", "P2: RightTests.swift has 2 tests twice"),
      (right, "| RightTests |", "P2: \"RightTests\" is no File.function"),
      (right, "| `RightTests.wide` |", "P2: \"`RightTests.wide`\" is no File.function"),
      (right, "| |", "P2: \"\" is no File.function"),
      ("| RightTests.short |", "| RightTests.long |", "N1: RightTests.swift has no test long"),
      ("`OtherTests.other`", "`OtherTests.wide`", "P2: OtherTests.swift has no test wide"),
      ("`OtherTests.other`", "`OtherTests`", "P2: \"OtherTests\" is no File.function"),
      (
        "`RightTests.named`", "`MissingTests.named`",
        "\"Like `MissingTests.named`, not like `nam\": there is no MissingTests.swift"
      ),
      ("| P2 |", "| P1 |", "P1 stands more than once"),
      ("| P2 |", "| N1 |", "N1 stands more than once"),
      ("(N2:", "(N1:", "N1 stands more than once"),
      ("| P2 |", "| Q2 |", "Q2: no number"),
    ] {
      let wrong = sound.replacingOccurrences(of: old, with: new)
      #expect(citations.check(wrong).problems == [problem], "\(new)")
    }
  }
}
