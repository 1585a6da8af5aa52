import Reporting

/// What `inspect` says of a file or a data set.
package protocol InspectionReport: Sendable, Reported {
  /// The lines about it as a whole, in the order of the report.
  var findings: [(name: String, value: String)] { get }
  /// What it consists of.
  var table: Table { get }
}

/// What programs read of an inspection.
package struct InspectionRecord: Encodable, Sendable {
  struct Finding: Encodable, Sendable {
    var name, value: String
  }
  var findings: [Finding]
  /// The rows of the table, by the titles of its columns.
  var parts: [[String: String]]
  var readings: [ReadingTrial.Record]?

  package init(_ report: some InspectionReport, trial: ReadingTrial? = nil) {
    findings = report.findings.map { Finding(name: $0.name, value: $0.value) }
    let table = report.table
    parts = table.rows.indices.map { row in
      Dictionary(
        table.columns.enumerated().map { ($1, table.cell(row: row, column: $0).text) },
        uniquingKeysWith: { first, _ in first })
    }
    readings = trial?.record
  }
}

extension InspectionReport {
  /// The report for a terminal.
  package var printout: Printout {
    let lines = findings.map { "\($0.name): \($0.value)" }
    return "\(lines.joined(separator: "\n"))\n\n\(table)"
  }
}
