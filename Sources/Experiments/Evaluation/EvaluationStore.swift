import Foundation
import Reporting
import Robustness

/// A folder with the outcomes of an evaluation: `outcomes/`, a file for every defence under every attack, and
/// `results.jsonl`, a record a line, written anew whenever outcomes are complete.
package struct EvaluationStore: Sendable {
  /// Where it is.
  package let folder: URL

  package init(_ folder: URL) { self.folder = folder }

  /// Puts the records where they can be found.
  package func write(_ records: [EvaluationRecord]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let lines = try records.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
    try AtomicFile.write(lines.joined(), to: folder.appending(path: "results.jsonl"))
  }

  /// The results of stores that each hold a part of the examples: those that one run over all would
  /// have had, in the order of the first store's plan.
  ///
  /// - Throws: `PlanError.merge` unless the stores are about the same jobs and every example of them
  ///   is in exactly one.
  package static func merged(_ stores: [EvaluationStore]) throws -> [JobResult] {
    guard let first = stores.first else { throw PlanError.merge("there is none") }
    let names = try first.names()
    guard !names.isEmpty else {
      throw PlanError.merge("\(first.folder.relativePath) holds no outcomes")
    }
    for store in stores.dropFirst() {
      let others = try store.names()
      // A file's name tells apart whatever differs: checkpoint, settings, seed, images.
      if let odd = Set(names).symmetricDifference(others).min() {
        let holder = names.contains(odd) ? first : store
        throw PlanError.merge("\(odd) is in \(holder.folder.relativePath) only")
      }
    }
    let results = try names.map { name in
      var blocks: [Evaluation.Block] = []
      var holder: [Int: String] = [:]
      var header: OutcomeFile.Header?
      for store in stores {
        let file = store.outcomes.appending(path: name)
        let part = try OutcomeFile.read(file)
        if let header, header.job != part.header.job {
          throw PlanError.merge("\(file.relativePath) is of another evaluation")
        }
        header = header ?? part.header
        for index in part.blocks.flatMap({ $0.outcomes.map(\.index) }) {
          if let other = holder.updateValue(store.folder.relativePath, forKey: index) {
            throw PlanError.merge(
              "image \(index) is in \(other) and in \(store.folder.relativePath) (\(name))")
          }
        }
        blocks += part.blocks
      }
      guard let header else { throw PlanError.merge("there is none") }
      let found = IndexRanges(Array(holder.keys))
      guard found == header.job.indices else {
        throw PlanError.merge(
          "\(name) is about images \(header.job.indices), found are \(holder.count) of them; "
            + "finish every shard first")
      }
      let result = JobResult(
        job: header.job, isRandomized: header.isRandomized,
        forwardPassesPerDecision: header.forwardPassesPerDecision,
        origin: header.origin, blocks: blocks)
      return (place: header.place, result: result)
    }
    return results.sorted { $0.place < $1.place }.map(\.result)
  }

  private var outcomes: URL { folder.appending(path: "outcomes") }

  private func names() throws -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(
        atPath: outcomes.path(percentEncoded: false))
    } catch { throw PlanError.merge("\(folder.relativePath) is no store") }
    return names.filter { $0.hasSuffix(".jsonl") }.sorted()
  }
}
