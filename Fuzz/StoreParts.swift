import Experiments
import Foundation
import NeuralNetwork

/// The files of stores as one piece of bytes, with a zero behind each but the last: what was asked for, what the sanity
/// suite said, then outcomes.
struct StoreParts {
  /// What stands between two evaluations that were asked for.
  static let evaluationSeparator: UInt8 = 0x1E

  var files: [Data]

  init(_ data: Data) {
    files = data.split(separator: 0, maxSplits: 5, omittingEmptySubsequences: false)
      .map { Data($0) }
  }

  var bytes: Data { Data(files.joined(separator: [0])) }

  /// The files by their places. Where two evaluations were asked for, with a record separator between them, there is a second
  /// store, as of another shard, for what the first has no room for: outcomes of a job that it has already. Where one was,
  /// those are parts, as of processes that share the work.
  var layout: [String: Data] {
    let asked = files[0].split(separator: Self.evaluationSeparator, maxSplits: 1).map { Data($0) }
    var layout: [String: Data] = [:]
    for (store, evaluation) in asked.enumerated() {
      layout["\(store)/evaluations/\(sha256(evaluation).prefix(16)).json"] = evaluation
    }
    if files.count > 1 { layout["0/sanity.json"] = files[1] }
    for (number, file) in files.dropFirst(2).enumerated() {
      let name = (try? Self.header(file)?.key.fileName()) ?? "\(number).jsonl"
      if layout["0/outcomes/\(name)"] == nil {
        layout["0/outcomes/\(name)"] = file
      } else if asked.count > 1 {
        layout["1/outcomes/\(name)"] = file
      } else {
        layout["0/outcomes/\(name.replacing(".jsonl", with: ".host-\(number).part"))"] = file
      }
    }
    return layout
  }

  /// A line of outcomes.
  private struct Line<Contents: Codable>: Codable {
    var contents: Contents
    var checksum: String

    /// The same contents with the right checksum.
    init?(_ bytes: Data, below header: String) {
      guard let given = JSON(bytes)?["contents"],
        let contents = try? JSONDecoder().decode(Contents.self, from: given.data),
        let canonical = try? StoreParts.encoder.encode(contents)
      else { return nil }
      self.contents = contents
      checksum = String(sha256(Data(header.utf8) + canonical).prefix(16))
    }
  }

  /// That of stores: equal values are equal bytes.
  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  /// What a file of outcomes says of itself, whatever its checksum.
  static func header(_ file: Data) -> OutcomeFile.Header? {
    Line<OutcomeFile.Header>(Data(file.prefix { $0 != 10 }), below: "")?.contents
  }

  /// Gives what the sanity suite said, and every line of outcomes that can be read, the checksum of its contents.
  mutating func seal() {
    if files.count > 1, let line = Line<[SanityReport]>(files[1], below: "") {
      files[1] = (try? Self.encoder.encode(line)) ?? Data()
    }
    for place in files.indices.dropFirst(2) {
      let lines = files[place].split(separator: 10, omittingEmptySubsequences: false)
      var checksum = ""
      let sealed = lines.enumerated().map { number, line in
        if number == 0 {
          guard let line = Line<OutcomeFile.Header>(Data(line), below: "") else {
            return Data(line)
          }
          checksum = line.checksum
          return (try? Self.encoder.encode(line)) ?? Data()
        }
        return Line<OutcomeFile.Block>(Data(line), below: checksum)
          .flatMap { try? Self.encoder.encode($0) } ?? Data(line)
      }
      files[place] = Data(sealed.joined(separator: [10]))
    }
  }
}
