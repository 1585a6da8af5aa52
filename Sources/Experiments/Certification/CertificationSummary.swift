import Foundation
import Reporting
import Robustness
import Statistics

/// What `certify` shows.
package struct CertificationSummary: Sendable, Reported {
  package var record: CertificationRecord
  /// The time that every image took, by index; it depends on the machine, and is no part of the record.
  package var seconds: [Int: Double]

  init(record: CertificationRecord, seconds: [Int: Double]) {
    self.record = record
    self.seconds = seconds
  }

  /// Certified accuracy over the radius, for a terminal.
  package var table: Table {
    let n = record.images.count
    return Table(
      columns: [
        "radius (ℓ2)", "certified accuracy", "95% interval", "certified, wrong", "refuted",
        "undecided", "n",
      ],
      rows: record.radii.map { row in
        [
          Table.Cell("\(row.radius)"), Table.Cell(percent(row.certifiedAccuracy)),
          Table.Cell(range(row.interval)), Table.Cell("\(row.wrong)"),
          Table.Cell(record.rule == "fixed" ? "–" : "\(row.refuted)"),
          Table.Cell("\(row.undecided)"), Table.Cell("\(n)"),
        ]
      }, alignments: [1: .right, 2: .right, 4: .right])
  }

  /// What an image costs, radius by radius as if each were asked for alone, and for all together.
  private var drawsTable: Table {
    func row(_ name: String, _ draws: CertificationRecord.DrawCounts) -> [Table.Cell] {
      [
        Table.Cell(name), Table.Cell(fixed(draws.median, decimals: 1)),
        Table.Cell(fixed(draws.mean, decimals: 1)), Table.Cell("\(draws.most)"),
      ]
    }
    let single = record.radii.compactMap { radius in
      radius.draws.map { row("radius \(radius.radius) alone", $0) }
    }
    return Table(
      columns: ["question", "draws, median", "mean", "most"],
      rows: (record.rule == "fixed" ? [] : single) + [row("all radii", record.draws)],
      alignments: [1: .right, 2: .right])
  }

  /// The table with what has to be said of it.
  package var printout: Printout {
    let verdict =
      record.sanity.map { check in
        let verdict = "\(check.name): \(check.outcome.rawValue), \(check.evidence)"
        return check.outcome == .failed ? "DO NOT QUOTE: \(verdict)" : verdict
      } ?? "not checked: --sanity 50 attacks certified images within their radii"
    var lines = [
      "\(record.model) behind \(record.defence.title): \(record.votes.rawValue) votes, α = "
        + "\(record.level) for each image"
        + (record.lawCount > 1
          ? ", under the partners of each of \(record.lawCount) labels that an attacker could cause"
          : ""),
      "what is certified is the prediction of infinitely many draws, which abstains where no class has more than "
        + "half of them",
      "draws are those of an image, with those that choose the class; their limit is \(record.drawLimit) for each law",
    ]
    if record.examples.training > 0 {
      lines.append(
        "\(record.examples.training) of the images are training images of the data set, to the last bit"
      )
    }
    lines.append(
      "no mean radius is given: a few images that are easy raise it, however many others lose theirs"
    )
    return "\(verdict)\n\(table)\n\(drawsTable)\n\(lines.joined(separator: "\n"))"
  }

  /// The record as JSON.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(record) + Data("\n".utf8)
  }

  /// The table of Cohen et al.: a line for every image, tab-separated. `predict` is −1 where the prediction
  /// abstains or is undecided; `radius` is 0.0 there.
  package var cohenTable: String {
    let rows = record.images.map { image in
      let seconds = seconds[image.index] ?? 0
      let time = String(
        format: "%d:%02d:%09.6f", Int(seconds) / 3600, Int(seconds) / 60 % 60,
        seconds.truncatingRemainder(dividingBy: 60))
      return [
        "\(image.index)", "\(image.label)", "\(image.predicted ?? -1)",
        // Rounded down: what is written is certified too.
        String(format: "%.6f", ((image.radius ?? 0) * 1e6).rounded(.down) / 1e6),
        image.isCorrect ? "1" : "0", time,
      ].joined(separator: "\t")
    }
    return (["idx\tlabel\tpredict\tradius\tcorrect\ttime"] + rows).joined(separator: "\n") + "\n"
  }
}
