import Classification
import Foundation
import NeuralNetwork
import ONNX
import Reporting

/// What is in an ONNX file, and which network that is.
package struct ONNXReport: InspectionReport {
  /// The lines about the file as a whole, in the order of the report.
  package let findings: [(name: String, value: String)]
  /// One row per operation of the network, in the order in which they are done.
  package let table: Table

  /// - Parameter normalization: the scaling in front of the network.
  package init(_ network: ONNXNetwork, named name: String, normalization: Normalization) {
    let isScaled =
      normalization.mean != normalization.mean.map { _ in 0 }
      || normalization.standardDeviation != normalization.mean.map { _ in 1 }
    let graph = network.graph
    let lines = graph.lines
    let format = "ONNX, version \(network.formatVersion), operator set \(network.operatorSet)"
    let producer = network.producer.isEmpty ? "" : ", by \(network.producer.printable)"
    let operators = network.operators.map { "\($0.count) \($0.name.printable)" }
    let batch = network.batch.map {
      "\($0) by the file; images are computed one by one all the same"
    }
    var findings: [(name: String, value: String)] = [
      ("file", name.printable), ("bytes", "\(network.byteCount)"),
      ("SHA-256 of the file", network.fileDigest), ("identity", network.identity),
      ("format", format + producer), ("operators", operators.joined(separator: ", ")),
      ("parameters", "\(network.parameterCount)"), ("images", "\(graph.imageShape)"),
      ("classes", "\(graph.classCount)"), ("batch", batch ?? "any"),
      ("normalization", isScaled ? "\(normalization), given" : Self.unscaled),
    ]
    if !network.externalFiles.isEmpty {
      let files = network.externalFiles.map(\.printable).joined(separator: ", ")
      findings.append(("weights", "in \(files)"))
    }
    self.findings = findings
    table = Table(
      columns: ["operation", "what", "of", "value", "height×width×channels"],
      rows: lines.map { line in
        [
          Table.Cell(line.name.printable), Table.Cell("\(line.operation)"),
          Table.Cell(line.inputs.map { $0 == 0 ? "image" : "\($0)" }.joined(separator: ", ")),
          Table.Cell("\(line.output)"),
          Table.Cell("\(line.extents.height)×\(line.extents.width)×\(line.extents.channels)"),
        ]
      }, alignments: [0: .left, 1: .left, 2: .left])
  }

  /// How pixels come to a network of which nobody says anything else.
  package static let unscaled =
    "none in front of the network, which gets pixels in [0, 1] and scales them itself or not at all"
}
