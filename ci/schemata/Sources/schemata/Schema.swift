import SwiftParser
import SwiftSyntax

/// A file in which several edits are there at once.
///
/// A body becomes `if activeEdit == 17 { the edited body } else { the body }`, an expression
/// `activeEdit == 17 ? (the edited one) : (the one)`, after R. Untch, A. Offutt and M. Harrold,
/// *Mutation analysis using mutant schemata*, ISSTA 1993.
struct Schema {
  /// Where an edit stands in the text: the lines of its own branch, and those of all branches.
  struct Place {
    let edit: Int
    let own: ClosedRange<Int>
    var all: ClosedRange<Int>
  }

  private(set) var text: [UInt8] = []
  private(set) var places: [Place] = []
  /// The edits that no body and no first value contains.
  private(set) var leftOut: [Int] = []

  private let source: [UInt8]
  private var line = 1

  init(_ source: [UInt8], edits: [Edit]) {
    self.source = source
    let sites = SiteFinder.sites(in: Self.parse(source[...]))
    var groups: [(site: Site, edits: [Edit])] = []
    for edit in edits {
      // The innermost, which begins last.
      guard let site = sites.filter({ $0.contains(edit) }).max(by: { $0.start < $1.start })
      else {
        leftOut.append(edit.number)
        continue
      }
      groups.append((site, [edit]))
    }
    groups = Self.merged(groups)
    guard !groups.isEmpty else {
      text = source
      return
    }
    add("import CActiveEdit\n")
    var end = 0
    for (site, edits) in groups {
      add(source[end..<site.range.lowerBound])
      add(edits, at: site)
      end = site.range.upperBound
    }
    add(source[end...])
  }

  private static func parse(_ text: ArraySlice<UInt8>) -> SourceFileSyntax {
    Parser.parse(source: String(decoding: text, as: UTF8.self))
  }

  /// The groups from the first to the last in the file. One that is inside another joins it.
  private static func merged(
    _ groups: [(site: Site, edits: [Edit])]
  ) -> [(site: Site, edits: [Edit])] {
    var result: [(site: Site, edits: [Edit])] = []
    for group in groups.sorted(by: { $0.site.start < $1.site.start }) {
      if let last = result.last, group.site.start < last.site.range.upperBound {
        result[result.count - 1].edits += group.edits
      } else {
        result.append(group)
      }
    }
    return result
  }

  private mutating func add(_ edits: [Edit], at site: Site) {
    let first = line
    let firstPlace = places.count
    for edit in edits {
      add(site.isBody ? " if activeEdit == \(edit.key) {" : "activeEdit == \(edit.key) ? (")
      let start = line
      let end = site.range.upperBound - edit.range.count + edit.replacement.count
      addBranch(edit.applied(to: source)[site.range.lowerBound..<end], of: site)
      places.append(Place(edit: edit.number, own: start...line, all: start...line))
      add(site.isBody ? "} else " : ") : ")
    }
    add(site.isBody ? "{" : "(")
    addBranch(source[site.range], of: site)
    add(site.isBody ? "} " : ")")
    for place in firstPlace..<places.count { places[place].all = first...line }
  }

  /// Adds what stands between the braces, or parentheses, of a branch: on lines of its own, so that
  /// the line of an error says which branch it is in.
  private mutating func addBranch(_ branch: ArraySlice<UInt8>, of site: Site) {
    add("\n")
    let statements = site.mayBeValue ? Self.parse(branch).statements : []
    if statements.isValue {
      let start = statements.positionAfterSkippingLeadingTrivia.utf8Offset
      add(branch.prefix(start))
      add("return ")
      add(branch.dropFirst(start))
    } else {
      add(branch)
    }
    add("\n")
  }

  private mutating func add(_ piece: String) { add(Array(piece.utf8)[...]) }

  private mutating func add(_ piece: ArraySlice<UInt8>) {
    text += piece
    line += piece.count { $0 == UInt8(ascii: "\n") }
  }
}

extension Site {
  fileprivate var start: Int { range.lowerBound }

  fileprivate func contains(_ edit: Edit) -> Bool {
    range.lowerBound <= edit.range.lowerBound && edit.range.upperBound <= range.upperBound
  }
}
