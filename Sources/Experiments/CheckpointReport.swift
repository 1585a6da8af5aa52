import Foundation
import NeuralNetwork
import Reporting

/// What is in a safetensors file, and which network that is.
package struct CheckpointReport: Sendable {
  /// What is said about the file as a whole, in the order of the report.
  package let findings: [(name: String, value: String)]
  /// One row per tensor, in the order of the file.
  package let table: Table

  /// Reads a file's bytes. A file that holds no network of a kind that can be built is no error.
  ///
  /// - Throws: `SafetensorsError` for damaged bytes.
  package init(_ data: Data, named name: String) throws(SafetensorsError) {
    let header = try SafetensorsHeader(data)
    var findings = [
      (name: "file", value: name), ("bytes", "\(data.count)"), ("SHA-256", sha256(data)),
    ]
    findings += Self.network(data, header)
    findings += header.metadata.sorted { $0.key < $1.key }
      .map { (name: "metadata \(Self.oneLine($0.key))", value: Self.oneLine($0.value)) }
    self.findings = findings
    table = Table(
      columns: ["tensor", "type", "shape", "values"],
      rows: header.entries.map { entry in
        let shape = entry.shape.map(String.init).joined(separator: "×")
        return [
          Table.Cell(Self.oneLine(entry.name)), Table.Cell(entry.type.rawValue),
          Table.Cell(shape.isEmpty ? "–" : shape), Table.Cell("\(entry.shape.reduce(1, *))"),
        ]
      }, alignments: [0: .left, 2: .right])
  }

  /// The report for a terminal.
  package var text: String {
    let lines = findings.map { "\($0.name): \($0.value)" }
    return (lines + ["", table.plain()]).joined(separator: "\n")
  }

  private static func network(
    _ data: Data, _ header: SafetensorsHeader
  ) -> [(name: String, value: String)] {
    let shapes = Dictionary(
      header.entries.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    let isOwn = header.metadata["architecture"] != nil
    var scale: String?
    let checkpoint: Checkpoint
    do {
      do { checkpoint = try Checkpoint(data) } catch CheckpointError.noNormalization {
        // Any will do to see whether the tensors fit.
        let channels = try ResNet.Architecture(recognizing: shapes, height: 32, width: 32)
          .imageShape.channels
        checkpoint = try Checkpoint(data, normalization: .plusMinusOne(channels: channels))
        scale = "not in the file; give --mean and --std to `evaluate`"
      }
    } catch { return [("network", "not recognised: \(error)")] }
    let architecture = checkpoint.architecture
    let normalization = checkpoint.normalization
    func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
    var findings = [
      (name: "network", value: architecture.description),
      ("parameters", "\(ResNet(architecture).state.parameterCount)"),
      (
        "images",
        isOwn
          ? "\(architecture.imageShape)"
          : "\(architecture.imageShape.channels) channels, extents not in the file"
      ),
      (
        "normalization",
        scale
          ?? "mean \(list(normalization.mean)), standard deviation "
          + list(normalization.standardDeviation)
      ),
    ]
    if !isOwn, let naming = StateNaming(of: shapes.keys) {
      let plain = StateNaming(style: naming.style, isParallel: false)
      let names = ["fc_dense", "downsample"].map(plain.name).joined(separator: ", ")
      let prefix = naming.isParallel ? ", module. in front" : ""
      findings.append(("names", "\(names)\(prefix) (\(naming.style.rawValue))"))
    }
    return findings
  }

  /// Text from a file, without line ends and what else could steer a terminal.
  private static func oneLine(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }
}
