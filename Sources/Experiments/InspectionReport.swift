import Reporting

/// What `inspect` says of a file or a data set.
package protocol InspectionReport: Sendable {
  /// The lines about it as a whole, in the order of the report.
  var findings: [(name: String, value: String)] { get }
  /// What it consists of.
  var table: Table { get }
}

extension InspectionReport {
  /// The report for a terminal.
  package var text: String {
    let lines = findings.map { "\($0.name): \($0.value)" }
    return (lines + ["", table.plain()]).joined(separator: "\n")
  }
}
