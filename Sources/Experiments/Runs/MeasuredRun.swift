import Foundation
import Robustness
import Statistics

/// What files of results hold of one run: records of an evaluation, certified accuracy, or what `verify` measured on a
/// network.
package struct MeasuredRun: Sendable {
  /// The file's name, by which the run is called.
  package var name: String
  package var records: [EvaluationRecord] = []
  package var certificates: [CertifiedAccuracy] = []
  /// RIC, DG and linearity of a network.
  var theory: NetworkVerification.Results?
  /// Whether the first answer was right, image by image, for rows whose images are known.
  var images: [Row: [Image: Bool]] = [:]

  /// What a row of the table is about.
  struct Row: Hashable, Sendable {
    var checkpoint: String
    var seed: UInt64
    var kernelSet: String
    var setting: Setting
  }

  /// A defence under an attack, whatever the network and the seed.
  struct Setting: Hashable, Sendable {
    var dataset: String
    var defence: String
    var defenceParameters: String
    var attack: String
    var attackParameters: String
    var norm: String?
    var epsilon: String?
  }

  /// An image under its index, by which random numbers are drawn.
  struct Image: Hashable, Sendable, Codable {
    var index: Int
    var image: String?
  }

  /// Accuracy that `certify` proved, radius by radius.
  package struct CertifiedAccuracy: Sendable, Decodable {
    package var model: String
    package var checkpoint: String
    package var dataset: String
    package var defence: SmoothedDefence
    package var votes: Certification.Votes
    /// "sequence" or "fixed", and the most draws of each law.
    package var rule: String
    package var drawLimit: Int
    /// Whether the certificates were broken; nil if nobody tried, and in files of schema 1.
    package var sanity: SanityVerdict?
    package var level: Double
    package var seed: UInt64
    package var kernelSet: String
    package var radii: [CertificationRecord.Row]
    /// How many images there are.
    package var count: Int

    private enum CodingKeys: String, CodingKey {
      case model, checkpoint, dataset, defence, votes, rule, drawLimit, sanity, level, seed
      case kernelSet, radii, images, schema
    }

    /// Nothing of it is kept.
    private struct Skipped: Decodable {
      init(from decoder: any Decoder) {}
    }

    package init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      let schema = try fields.decode(Int.self, forKey: .schema)
      guard 1...CertificationRecord.schema ~= schema else {
        throw RecordError.schema(schema, known: CertificationRecord.schema)
      }
      model = try fields.decode(String.self, forKey: .model)
      checkpoint = try fields.decode(String.self, forKey: .checkpoint)
      dataset = try fields.decode(String.self, forKey: .dataset)
      defence = try fields.decode(SmoothedDefence.self, forKey: .defence)
      votes = try fields.decode(Certification.Votes.self, forKey: .votes)
      rule = try fields.decode(String.self, forKey: .rule)
      drawLimit = try fields.decode(Int.self, forKey: .drawLimit)
      sanity = try fields.decodeIfPresent(SanityVerdict.self, forKey: .sanity)
      level = try fields.decode(Double.self, forKey: .level)
      seed = try fields.decode(UInt64.self, forKey: .seed)
      kernelSet = try fields.decode(String.self, forKey: .kernelSet)
      radii = try fields.decode([CertificationRecord.Row].self, forKey: .radii)
      count = try fields.decode([Skipped].self, forKey: .images).count
      guard defence.sigma > 0, defence.sigma.isFinite else {
        throw RecordError.unreadable(place: "defence", reason: "has a noise of \(defence.sigma)")
      }
      for row in radii {
        guard row.radius >= 0, row.radius.isFinite, 0...count ~= row.correct, count > 0,
          0...1 ~= row.certifiedAccuracy, row.interval.contains(row.certifiedAccuracy)
        else { throw RecordError.unreadable(place: "radii", reason: "are no accuracies") }
      }
    }
  }

  // MARK: Reading

  /// A row of a file of images.
  private struct ImageLine: Decodable {
    var checkpoint, dataset, kernelSet, defence, defenceParameters, attack, attackParameters: String
    var seed: UInt64
    var norm, epsilon, image: String?
    var index, label, firstAnswer: Int

    var row: Row {
      Row(
        checkpoint: checkpoint, seed: seed, kernelSet: kernelSet,
        setting: Setting(
          dataset: dataset, defence: defence, defenceParameters: defenceParameters, attack: attack,
          attackParameters: attackParameters, norm: norm, epsilon: epsilon))
    }
  }

  /// The runs of result files, in their order. A file of images, as `--per-image` writes it in JSON lines, belongs to
  /// the records of the same checkpoint, seed and settings, whichever file has them.
  ///
  /// - Throws: `RunError` for a file that holds none of these, or images that no record is about.
  package static func read(_ files: [(name: String, data: Data)]) throws -> [MeasuredRun] {
    var runs: [MeasuredRun] = []
    var images: [(file: String, lines: [ImageLine])] = []
    for file in files {
      do {
        switch try contents(of: file.data) {
        case .records(let records): runs.append(MeasuredRun(name: file.name, records: records))
        case .certificates(let found):
          runs.append(MeasuredRun(name: file.name, certificates: [found]))
        case .theory(let found): runs.append(MeasuredRun(name: file.name, theory: found))
        case .images(let lines): images.append((file.name, lines))
        }
      } catch { throw RunError.unreadable(file: file.name, reason: "\(error)") }
    }
    guard !runs.isEmpty else { throw RunError.noRecords }
    for (file, lines) in images {
      var isOfAny = false
      for (row, lines) in Dictionary(grouping: lines, by: \.row) {
        for place in runs.indices where runs[place].records.contains(where: { $0.row == row }) {
          isOfAny = true
          for line in lines {
            runs[place].images[row, default: [:]][Image(index: line.index, image: line.image)] =
              line.firstAnswer == line.label
          }
        }
      }
      guard isOfAny else { throw RunError.strangeImages(file: file) }
    }
    return runs
  }

  private enum Contents {
    case records([EvaluationRecord])
    case certificates(CertifiedAccuracy)
    case theory(NetworkVerification.Results)
    case images([ImageLine])
  }

  private static func contents(of data: Data) throws -> Contents {
    let text = String(decoding: data, as: UTF8.self)
    guard let first = text.first(where: { !$0.isWhitespace }) else {
      throw RecordError.unreadable(place: "the file", reason: "is empty")
    }
    if first == "[" { return .records(try nonEmpty([EvaluationRecord](json: data))) }
    guard first == "{" else {
      throw RecordError.unreadable(
        place: "the file", reason: "is no JSON; give what --json or --per-image FILE.jsonl wrote")
    }
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
    if let line = lines.first, line.hasSuffix("}"), line.contains("\"firstAnswer\"") {
      return .images(
        try lines.enumerated().map { place, line in
          do { return try JSONDecoder().decode(ImageLine.self, from: Data(line.utf8)) } catch {
            throw RecordError.unreadable(
              place: "line \(place + 1)", reason: "is no row of an image")
          }
        })
    }
    if let line = lines.first, line.hasSuffix("}"), line.contains("\"attack\"") {
      return .records(
        try nonEmpty(
          [EvaluationRecord](json: Data("[\(lines.joined(separator: ","))]".utf8))))
    }
    if let verified = try? JSONDecoder().decode(VerifiedFile.self, from: data) {
      guard let network = verified.network else {
        throw RecordError.unreadable(
          place: "the file",
          reason:
            "is of `verify` without a network, and nothing in it was measured; give --model to verify"
        )
      }
      guard network.isSound else {
        throw RecordError.unreadable(place: "network", reason: "has numbers that nothing measures")
      }
      return .theory(network)
    }
    do { return .certificates(try JSONDecoder().decode(CertifiedAccuracy.self, from: data)) } catch
    {
      throw error as? RecordError
        ?? .unreadable(
          place: "the file", reason: "is neither records, nor certificates, nor of `verify`")
    }
  }

  /// A file of `verify`.
  private struct VerifiedFile: Decodable {
    struct Models: Decodable {}
    var synthetic: Models
    var network: NetworkVerification.Results?
  }

  private static func nonEmpty(_ records: [EvaluationRecord]) throws -> [EvaluationRecord] {
    guard !records.isEmpty else {
      throw RecordError.unreadable(place: "the file", reason: "has no record")
    }
    return records
  }
}

extension EvaluationRecord {
  /// What the record is about.
  var row: MeasuredRun.Row {
    MeasuredRun.Row(
      checkpoint: provenance?.checkpoint ?? "", seed: seed, kernelSet: kernelSet.rawValue,
      setting: setting)
  }

  /// Its defence and its attack.
  var setting: MeasuredRun.Setting {
    func text(_ parameters: [String: String]?) -> String {
      (parameters ?? [:]).inOneLine
    }
    return MeasuredRun.Setting(
      dataset: dataset, defence: defence.rawValue,
      defenceParameters: text(provenance?.defenceParameters), attack: attack.rawValue,
      attackParameters: text(provenance?.attackParameters), norm: norm?.rawValue,
      epsilon: epsilon?.description)
  }
}

/// What can be wrong with files of results.
package enum RunError: ExplainedError, Equatable {
  case unreadable(file: String, reason: String)
  case strangeImages(file: String)
  case noRecords

  package var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .strangeImages(let file):
      "\(file) has images of no record; give the file of --json of the same run too"
    case .noRecords: "there are images but no records; give the file of --json too"
    }
  }
}
