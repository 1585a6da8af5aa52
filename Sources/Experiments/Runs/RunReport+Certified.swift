import Reporting
import Robustness
import Statistics

/// What certificates prove, beside what attacks left.
extension RunReport {
  /// A certified accuracy and an attack on the same network on the same ball.
  struct Bounds {
    var certified: MeasuredRun.CertifiedAccuracy
    var row: CertificationRecord.Row
    /// What the strongest attack within that radius left of the network behind its best defence.
    var attacked: EvaluationRecord

    var sentence: String {
      func share(_ value: Double, _ range: Interval) -> String {
        interval(value, range, decimals: 1, scale: 100, unit: "%")
      }
      let proven = share(row.certifiedAccuracy, row.interval)
      let left = share(attacked.accuracy, attacked.interval)
      let sentence =
        "Within l2 \(trimmed(row.radius, decimals: 4)), \(certified.model) smoothed by \(certified.defence.title) is "
        + "certified right on \(proven) of \(certified.count) images; behind \(attacked.defence.rawValue)"
        + (certified.defence.lambda == nil ? "" : ", without that noise")
        + ", \(attacked.attack.rawValue) leaves \(left) of \(attacked.n)"
      if attacked.interval.upper < row.interval.lower {
        return sentence
          + (attacked.defence == .none
            ? ": what is certified is more than the network alone keeps."
            : ": less than is certified, so that they are not the same defence, or one figure is wrong.")
      }
      if attacked.interval.lower > row.interval.upper {
        return sentence + ": what lies between is neither proven nor broken."
      }
      return sentence + ": whether they differ is not decided."
    }
  }

  /// All certificates, with the file of each.
  private var certificates: [(name: String, curve: MeasuredRun.CertifiedAccuracy)] {
    runs.flatMap { run in run.certificates.map { (run.name, $0) } }
  }

  /// The certificates that have an attack of the same radius in ℓ2 on the same network beside them.
  var bounds: [Bounds] {
    certificates.flatMap { _, curve in
      curve.radii.compactMap { row -> Bounds? in
        let own = attacks(on: curve).filter { $0.epsilon?.doubleValue == row.radius }
        let smoothed = own.filter { $0.defence.rawValue == curve.defence.name }
        return (smoothed.isEmpty ? own : smoothed).min { $0.accuracy < $1.accuracy }
          .map { Bounds(certified: curve, row: row, attacked: $0) }
      }
    }
  }

  /// Attacks in ℓ2 on the network of certificates.
  private func attacks(on curve: MeasuredRun.CertifiedAccuracy) -> [EvaluationRecord] {
    runs.flatMap(\.records).filter {
      $0.norm == .l2 && $0.provenance?.checkpoint == curve.checkpoint && $0.dataset == curve.dataset
    }
  }

  /// What attacks in ℓ2 left, defence by defence, over the radius.
  private var empirical: [LinePlot.Series] {
    let found = certificates.flatMap { attacks(on: $0.curve) }
    return unique(found.map(\.defence)).map { defence in
      let own = found.filter { $0.defence == defence }
      let radii = Set(own.compactMap { $0.epsilon?.doubleValue }).sorted()
      return LinePlot.Series(
        "\(defence.rawValue), under the strongest attack",
        radii.compactMap { radius in
          own.filter { $0.epsilon?.doubleValue == radius }.min { $0.accuracy < $1.accuracy }
            .map { LinePlot.Point(x: radius, y: $0.accuracy, interval: $0.interval) }
        }, isDashed: true)
    }
  }

  /// Whether runs have attacks, of which none is on the network of certificates and in their norm.
  private var attacksElsewhere: Bool {
    empirical.isEmpty && runs.contains { $0.records.contains { $0.norm != nil } }
  }

  /// What does not let certificates be quoted, or leaves that open.
  var certificateWarnings: [String] {
    let found = certificates
    let unchecked = found.filter { $0.curve.sanity == nil }.map(\.name)
    return found.compactMap { name, curve -> String? in
      guard let sanity = curve.sanity, sanity.outcome == .failed else { return nil }
      return "\(name): do not quote its certificates: \(sanity.evidence)"
    }
      + (unchecked.isEmpty
        ? []
        : [
          "\(unchecked.joined(separator: ", ")): not checked; certify --sanity 50 attacks certified images within their "
            + "radii"
        ])
  }

  /// On what the certificates rest, file by file.
  var certificateProvenance: [HTMLReport.Content] {
    certificates.map { name, curve in
      .keyValues([
        HTMLReport.KeyValue("file", name), HTMLReport.KeyValue("network", curve.model),
        HTMLReport.KeyValue("network's content", MeasuredRun.short(curve.checkpoint)),
        HTMLReport.KeyValue("data set", curve.dataset),
        HTMLReport.KeyValue("images", "\(curve.count)"),
        HTMLReport.KeyValue("smoothed by", curve.defence.title),
        HTMLReport.KeyValue("votes", curve.votes.rawValue),
        HTMLReport.KeyValue(
          "draws of each law",
          curve.rule == "fixed"
            ? "\(curve.drawLimit)" : "as many as the radii need, \(curve.drawLimit) at most"),
        HTMLReport.KeyValue("seed", "\(curve.seed)"),
        HTMLReport.KeyValue("kernel set", curve.kernelSet),
        HTMLReport.KeyValue(
          "certificates attacked",
          curve.sanity.map { "\($0.outcome.rawValue): \($0.evidence)" } ?? "no"),
      ])
    }
  }

  var certified: [HTMLReport.Section] {
    let found = certificates
    guard !found.isEmpty else { return [] }
    return [
      HTMLReport.Section(
        title: "Certified accuracy over the radius",
        content: [
          .figure(
            LinePlot(
              x: Axis("Radius in ℓ2, pixel scale"),
              y: Axis("Certified and right", range: 0...1, format: .percent),
              series: found.map { name, curve in
                LinePlot.Series(
                  bounds.isEmpty ? name : "\(name), certified",
                  curve.radii.map {
                    LinePlot.Point(x: $0.radius, y: $0.certifiedAccuracy, interval: $0.interval)
                  })
              } + empirical),
            caption:
              "Images whose true class no change within the radius can alter, with 95% intervals over images; each "
              + "certificate is false with probability α at most."
              + (empirical.isEmpty
                ? (attacksElsewhere
                  ? " Attacks of these runs are measured in another norm or on another network, and bound nothing here."
                  : "")
                : " Beside them what the strongest attack measured here left: the truth for this network behind a defence "
                  + "lies below that, and for the smoothed network above what is certified.")),
          .table(
            Table(
              columns: [
                "run", "model", "smoothed by", "α", "radius", "certified", "undecided", "n",
              ],
              rows: found.flatMap { name, curve in
                curve.radii.map { row in
                  [
                    Table.Cell(name), Table.Cell(curve.model),
                    Table.Cell(curve.defence.title),
                    Table.Cell("\(curve.level)"), Table.Cell(trimmed(row.radius, decimals: 4)),
                    Table.Cell(
                      interval(row.certifiedAccuracy, row.interval, decimals: 1, scale: 100),
                      estimate: Table.Estimate(row.certifiedAccuracy, row.interval)),
                    Table.Cell("\(row.undecided)"), Table.Cell("\(curve.count)"),
                  ]
                }
              }),
            caption:
              "In %, with 95% intervals. Images that the draws did not decide are lost power, not errors."
          ),
        ])
    ]
  }
}
