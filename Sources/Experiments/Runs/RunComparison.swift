import Robustness
import Statistics

/// Two runs side by side: what was measured in both, and what else they differ in.
package struct RunComparison: Sendable {
  package let first: MeasuredRun
  package let second: MeasuredRun

  /// One defence under one attack in both.
  package struct Row: Sendable {
    package var first: EvaluationRecord
    package var second: EvaluationRecord
    /// Accuracy in the second less that in the first, with a 95% interval.
    package var difference: Double
    package var interval: Interval
    /// Images that were compared one by one, by their first answers; nil where the files do not have them, and the
    /// interval is that for images drawn anew, which is wider.
    package var pairs: Int?
  }

  /// What stands in both, in the order of the first. Networks have to be called alike, unless each run has one only.
  package let rows: [Row]

  package init(_ first: MeasuredRun, _ second: MeasuredRun) {
    self.first = first
    self.second = second
    let isOneEach = [first, second].allSatisfy { Set($0.records.map(\.model)).count == 1 }
    rows = first.records.compactMap { a in
      second.records.first { b in
        a.setting == b.setting && (isOneEach || a.model == b.model)
          && a.images?.identity == b.images?.identity
      }.map { Self.row(a, of: first, $0, of: second) }
    }
  }

  /// Whether anything under attack stands in both.
  var isAttacked: Bool { rows.contains { $0.first.norm != nil } }

  private static func row(
    _ a: EvaluationRecord, of first: MeasuredRun, _ b: EvaluationRecord, of second: MeasuredRun
  ) -> Row {
    let (before, after) = (first.images[a.row] ?? [:], second.images[b.row] ?? [:])
    let common = before.keys.filter { after[$0] != nil }
    guard !common.isEmpty else {
      return Row(
        first: a, second: b, difference: b.accuracy - a.accuracy,
        interval: differenceInterval(b.accuracy, b.interval, a.accuracy, a.interval))
    }
    let outcomes = PairedOutcomes(
      common.map { after[$0] == true }, common.map { before[$0] == true })
    return Row(
      first: a, second: b, difference: outcomes.difference,
      interval: outcomes.differenceInterval(), pairs: common.count)
  }

  /// How many figures stand in one run only.
  package var unmatched: Int {
    first.records.count + second.records.count - 2 * rows.count
  }

  /// What the runs rest on where they differ: what it is called, and what each has.
  package var changes: [(name: String, first: String, second: String)] {
    MeasuredRun.properties.compactMap { name, value in
      let (a, b) = (first.values(value), second.values(value))
      return a == b ? nil : (name, a, b)
    }
  }
}

extension MeasuredRun {
  /// What figures rest on besides defence and attack.
  static let properties: [(name: String, value: @Sendable (EvaluationRecord) -> String?)] = [
    ("network", { $0.model }),
    ("network's content", { $0.provenance.map { short($0.checkpoint) } }),
    ("data set", { $0.dataset }), ("split", { $0.split.rawValue }), ("images", { "\($0.n)" }),
    ("images' content", { ($0.provenance?.examples?.identity).map(short) }),
    ("mixing pool", { $0.provenance?.pool }), ("seed", { "\($0.seed)" }),
    ("scoring draws", { "\($0.scoringDraws)" }), ("kernel set", { $0.kernelSet.rawValue }),
    ("plan profile", { ($0.provenance?.planProfile).map { "\($0)" } }),
    ("process", { $0.provenance?.process?.command }),
    ("program", { ($0.provenance?.program).map(short) }),
  ]

  /// All values that its records have of a property.
  func values(_ value: (EvaluationRecord) -> String?) -> String {
    let found = unique(records.compactMap(value))
    return found.isEmpty ? "–" : found.joined(separator: ", ")
  }

  /// The beginning of a digest, which tells it from others.
  static func short(_ digest: String) -> String {
    digest.count > 16 ? "\(digest.prefix(12))…" : digest
  }
}
