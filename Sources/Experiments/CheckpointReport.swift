import Foundation
import NeuralNetwork
import Reporting

/// What is in a safetensors file, and which network that is.
package struct CheckpointReport: InspectionReport {
  /// The lines about the file as a whole, in the order of the report.
  package let findings: [(name: String, value: String)]
  /// One row per tensor, in the order of the file.
  package let table: Table

  /// Reads a file's bytes. If they hold no network that can be built, the report says so; that is no error.
  ///
  /// - Parameters:
  ///   - normalization: the scaling of the network's input, for a file that does not say it.
  ///   - answers: how the caller reads what names and shapes of tensors leave open.
  ///   - settings: what lies beside the file.
  /// - Throws: `SafetensorsError` for damaged bytes, `ReadingError` for an answer that names and shapes rule out.
  package init(
    _ data: Data, named name: String, normalization: Normalization? = nil,
    answers: Reading.Answers = [:], settings: CheckpointFile.Settings? = nil
  ) throws {
    let header = try SafetensorsHeader(data)
    var findings = [
      (name: "file", value: name.printable), ("bytes", "\(data.count)"),
      ("SHA-256 of the file", sha256(data)),
    ]
    do {
      findings += Self.network(
        try CheckpointFile(
          data, header: header, normalization: normalization, answers: answers,
          settings: settings))
    } catch let error as ReadingError {
      throw error
    } catch { findings.append(("network", "not recognised: \(error)")) }
    // A calibration is told above, in one line.
    findings += header.metadata.filter { $0.key != "quantization" }.sorted { $0.key < $1.key }
      .map { (name: "metadata \($0.key.printable)", value: $0.value.printable) }
    self.findings = findings
    table = Table(
      columns: ["tensor", "type", "shape", "values"],
      rows: header.entries.map { entry in
        let shape = entry.shape.map(String.init).joined(separator: "×")
        return [
          Table.Cell(entry.name.printable), Table.Cell(entry.type.rawValue),
          Table.Cell(shape.isEmpty ? "–" : shape), Table.Cell("\(entry.count)"),
        ]
      }, alignments: [0: .left, 2: .right])
  }

  private static func network(_ file: CheckpointFile) -> [(name: String, value: String)] {
    let architecture = file.architecture
    let undecided =
      file.scaling == nil
      ? "depends on how the input is scaled; give --mean and --std"
      : "depends on what is undecided below"
    let images =
      file.recognized == nil
      ? "\(architecture.imageShape)"
      : "\(architecture.imageShape.channels) channels, extents not in the file"
    var findings: [(name: String, value: String)] = [
      ("identity", file.identity ?? undecided),
      ("network", architecture.description),
      ("parameters", "\(architecture.parameterCount)"),
      ("images", images),
      ("normalization", normalization(file)),
    ]
    if let quantization = file.quantization { findings.append(("int8", quantization.text)) }
    if let recognized = file.recognized {
      findings.append(("family", recognized.family.title))
      findings.append(("names", recognized.naming.description))
      findings += file.readings.map { ("reading \($0.question.rawValue)", $0.description()) }
    }
    func list(_ names: [String]) -> String {
      let shown = names.prefix(3).map(\.printable).joined(separator: ", ")
      return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
    }
    if !file.unneeded.isEmpty {
      findings.append(
        ("not needed", "no layer's, copies, or counters of training: \(list(file.unneeded))"))
    }
    if !file.rounded.isEmpty {
      findings.append(
        ("rounded", "F64 with more digits than 32-bit floating point: \(list(file.rounded))"))
    }
    return findings
  }

  private static func normalization(_ file: CheckpointFile) -> String {
    if let scaling = file.scaling {
      return "\(scaling.normalization.description), from \(scaling.source)"
    }
    let missing = "not in the file; give --mean and --std"
    guard let usual = file.recognized?.family.usualScaling else { return missing }
    return "\(missing), of which this family's are usually \(usual)"
  }
}
