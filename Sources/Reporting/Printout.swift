import Statistics

/// What is said to a person, prose and tables, laid out only where it is known what it is to look like.
///
/// It is written as a string in which tables stand as such: "What was measured:\n\(table)". A table begins and ends on
/// a line of its own. Characters that could steer a terminal are shown by their number, wherever they come from.
package struct Printout: Sendable, Equatable, ExpressibleByStringInterpolation {
  fileprivate enum Piece: Sendable, Equatable {
    case prose(String)
    case table(Table)
    /// Whose lines are never broken.
    case code(String)
  }

  private var pieces: [Piece]

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var pieces: [Piece] = []

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) { append(literal) }
    package mutating func appendInterpolation(_ text: String) { append(text) }
    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      append("\(value)")
    }
    package mutating func appendInterpolation(_ table: Table) { pieces.append(.table(table)) }
    package mutating func appendInterpolation(code: String) { pieces.append(.code(code)) }
    package mutating func appendInterpolation(_ printout: Printout) {
      for piece in printout.pieces {
        if case .prose(let text) = piece { append(text) } else { pieces.append(piece) }
      }
    }

    /// Prose is one piece as far as it goes, so that lines are whole.
    private mutating func append(_ text: String) {
      if case .prose(let before) = pieces.last {
        pieces[pieces.count - 1] = .prose(before + text)
      } else if !text.isEmpty {
        pieces.append(.prose(text))
      }
    }
  }

  package init(stringLiteral text: String) { self.init(text) }
  package init(_ text: String) { pieces = [.prose(text)] }
  package init(stringInterpolation: StringInterpolation) { pieces = stringInterpolation.pieces }

  /// Several, one below the other.
  package static func lines(_ parts: [Printout]) -> Printout {
    parts.dropFirst().reduce(parts.first ?? "") { "\($0)\n\($1)" }
  }

  /// The text as it looks.
  package func text(_ style: TextStyle = .file) -> String {
    pieces.map { piece in
      switch piece {
      case .prose(let text):
        text.split(separator: "\n", omittingEmptySubsequences: false)
          .map { style.prose(String($0).printable) }.joined(separator: "\n")
      case .table(let table): table.plain(style)
      case .code(let text): text.printableLines
      }
    }.joined()
  }
}

/// What is shown as a printout.
package protocol Reported {
  var printout: Printout { get }
}

extension Reported {
  /// The report as it stands in a file.
  package var text: String { printout.text() }
}

extension TextStyle {
  /// What a line of prose may begin with that nobody is to overlook.
  private static let alarms = ["DO NOT QUOTE", "warning", "Warning", "mixup-inference: "]

  /// A line of prose, in lines of the terminal where it is for one.
  func prose(_ line: String) -> String {
    let isAlarm = Self.alarms.contains { line.hasPrefix($0) }
    let bullet = line.hasPrefix("- ") && breaksProse ? "- " : ""
    let rest = String(line.dropFirst(bullet.count))
    let lines = breaksProse ? broken(rest, at: max(1, columns - bullet.count)) : [rest]
    return bullet
      + lines.map { painted($0, isAlarm ? .bad : .none) }
      .joined(separator: "\n" + String(repeating: " ", count: bullet.count))
  }
}
