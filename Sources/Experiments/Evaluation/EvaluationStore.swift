import Foundation
import NeuralNetwork
import Reporting
import Robustness

/// A folder with the outcomes of evaluations: `evaluations/`, what runs were asked to measure; `outcomes/`, a
/// file for every defence under every attack, image by image, or parts of one where several processes share the
/// work; `claims/`, which of them has what; and `results.jsonl`, a record a line, written anew whenever outcomes
/// are complete.
///
/// An outcome is kept under everything that it depends on and nothing else. So a run finds what an earlier
/// one has measured even if it asks for more images, or the checkpoint's file has another name.
package struct EvaluationStore: Sendable {
  /// The folder of the store.
  package let folder: URL

  package init(_ folder: URL) { self.folder = folder }

  /// The files that a store writes beside those in its `folders`.
  package var files: [URL] { [sanity, records] }

  /// The folders that are a store's own.
  package var folders: [URL] { [evaluations, outcomes, folder.appending(path: "claims")] }

  /// Where the outcomes of a job are.
  package func file(of key: EvaluationJob.Key) throws -> URL {
    outcomes.appending(path: try key.fileName())
  }

  /// The sound blocks of a job, in the file of a run that has it alone and in the parts of those that share it.
  ///
  /// - Throws: `PlanError.otherJob` if what is there is of another job.
  package func blocks(
    of job: EvaluationJob, below header: OutcomeFile.Header
  ) throws -> [OutcomeFile.Block] {
    let file = try file(of: job.key)
    return try OutcomeFile.blocks(in: [file] + OutcomeFile.parts(of: file), below: header)
  }

  /// The folder in which processes that share an evaluation claim its units.
  ///
  /// - Parameter unit: images in a unit as they were asked for: processes that cut differently claim apart.
  func claims(of evaluation: StoredEvaluation, unit: Int?) throws -> URL {
    let digest = sha256(try JSONEncoder.canonical.encode(evaluation)).prefix(16)
    return folder.appending(path: "claims/\(digest)\(unit.map { "-\($0)" } ?? "")")
  }

  /// Writes down what a run is about to measure, so that `merged` knows what is missing.
  package func keep(_ evaluation: StoredEvaluation) throws {
    let bytes = try JSONEncoder.canonical.encode(evaluation)
    try AtomicFile.write(
      bytes, to: evaluations.appending(path: "\(sha256(bytes).prefix(16)).json"))
  }

  /// Keeps what the sanity suite said, so that figures never come back without it.
  package func keep(_ reports: [SanityReport]) throws {
    try AtomicFile.write(try Sealed(reports).encoded(), to: sanity)
  }

  /// What the sanity suite said of some results, wherever it was kept.
  ///
  /// - Throws: `PlanError.damaged` for a file that holds no reports.
  package static func sanity(
    in stores: [EvaluationStore], of results: [JobResult]
  ) throws -> [SanityReport] {
    try stores.flatMap { store -> [SanityReport] in
      guard let bytes = try? Data(contentsOf: store.sanity) else { return [] }
      guard let reports = Sealed<[SanityReport]>.contents(of: bytes) else {
        throw PlanError.damaged(file: store.sanity.relativePath, line: 1)
      }
      return reports.filter { report in
        results.contains { report.isAbout($0.job, isWorst: false) }
      }
    }
  }

  private var sanity: URL { folder.appending(path: "sanity.json") }
  private var records: URL { folder.appending(path: "results.jsonl") }

  /// Writes the records to `results.jsonl`.
  package func write(_ records: [EvaluationRecord]) throws {
    try AtomicFile.write(try records.jsonLines(), to: self.records)
  }

  /// The results of stores that each hold a part of the examples: those that one run over all would
  /// have had. Where evaluations differ in the number of images alone, those of the largest.
  ///
  /// - Throws: `PlanError.merge` unless the stores are about one evaluation and every example of it is in
  ///   exactly one, `PlanError.damaged` if a file is.
  package static func merged(_ stores: [EvaluationStore]) throws -> [JobResult] {
    let evaluation = try evaluation(of: stores)
    let known = try Set(evaluation.jobs.map { try $0.key.fileName() })
    for store in stores {
      if let odd = try store.outcomeNames().first(where: { !known.contains($0) }) {
        throw PlanError.merge(
          "\(store.folder.relativePath)/outcomes/\(odd) is not of the evaluation that is merged; "
            + "take it away")
      }
    }
    return try evaluation.jobs.map { try merged($0, of: evaluation.examples, from: stores) }
  }

  /// The one evaluation that the stores are about.
  private static func evaluation(of stores: [EvaluationStore]) throws -> StoredEvaluation {
    var largest: (evaluation: StoredEvaluation, store: EvaluationStore)?
    for store in stores {
      for evaluation in try store.stored() {
        guard let other = largest else {
          largest = (evaluation, store)
          continue
        }
        if let difference = other.evaluation.difference(from: evaluation) {
          let places = [other.store, store].map(\.folder.relativePath)
          throw PlanError.merge(
            (places[0] == places[1]
              ? "\(places[0]) holds two evaluations that differ in "
              : "\(places[0]) and \(places[1]) hold evaluations that differ in ") + difference
              + "; keep each in stores of its own")
        }
        if evaluation.contains(other.evaluation) { largest = (evaluation, store) }
      }
    }
    guard let largest else {
      throw PlanError.merge("none is given; name the folders that evaluate --store filled")
    }
    return largest.evaluation
  }

  private static func merged(
    _ job: EvaluationJob, of examples: [OutcomeFile.Example], from stores: [EvaluationStore]
  ) throws -> JobResult {
    var blocks: [OutcomeFile.Block] = []
    var holder: [OutcomeFile.Example: String] = [:]
    var header: OutcomeFile.Header?
    for store in stores {
      let file = try store.file(of: job.key)
      guard let part = try store.read(job, below: header) else { continue }
      header = part.header
      let examples = Set(part.blocks.flatMap(\.examples))
      for example in examples {
        if let other = holder.updateValue(store.folder.relativePath, forKey: example) {
          throw PlanError.merge(
            "image \(example.index) is in \(other) and in \(store.folder.relativePath) "
              + "(\(file.lastPathComponent)); name each store once, and no shard twice")
        }
      }
      if let example = part.blocks.contradiction {
        throw PlanError.merge(
          "image \(example.index) was measured twice in \(store.folder.relativePath) and came out differently "
            + "(\(file.deletingPathExtension().lastPathComponent)); the machines do not compute the same: keep the parts of "
            + "one, and take the others away")
      }
      blocks += part.blocks
    }
    let merged = blocks.outcomes(of: examples)
    let missing = examples.filter { !merged.found.contains($0) }
    guard let header, missing.isEmpty else {
      throw PlanError.merge(
        "of \(job.defence.title) under \(job.attack.title) \(missing.count) of \(examples.count) images "
          + "are missing, the first with index \(missing.first?.index ?? 0); finish every shard first"
      )
    }
    return JobResult(
      job: job, isRandomized: header.isRandomized,
      forwardPassesPerDecision: header.forwardPassesPerDecision, outcomes: merged.outcomes,
      cost: merged.cost, images: examples)
  }

  /// What is there of a job; nil if nothing is.
  private func read(
    _ job: EvaluationJob, below header: OutcomeFile.Header?
  ) throws -> (header: OutcomeFile.Header, blocks: [OutcomeFile.Block])? {
    let file = try file(of: job.key)
    let parts = OutcomeFile.parts(of: file)
    let isThere = FileManager.default.fileExists(atPath: file.path(percentEncoded: false))
    let whole = isThere ? try OutcomeFile.read(file) : nil
    guard let header = header ?? whole?.header ?? OutcomeFile.header(in: parts) else { return nil }
    guard header.key == job.key, whole.map({ $0.header == header }) ?? true else {
      throw PlanError.otherJob(file: file.relativePath)
    }
    return (header, (whole?.blocks ?? []) + (try OutcomeFile.blocks(in: parts, below: header)))
  }

  private var outcomes: URL { folder.appending(path: "outcomes") }
  private var evaluations: URL { folder.appending(path: "evaluations") }

  private func outcomeNames() throws -> [String] {
    guard FileManager.default.fileExists(atPath: outcomes.path(percentEncoded: false)) else {
      return []
    }
    return try names(in: outcomes).filter { $0.hasSuffix(".jsonl") }
  }

  /// What was asked of this store.
  private func stored() throws -> [StoredEvaluation] {
    let files = try names(in: evaluations).filter { $0.hasSuffix(".json") }
    guard !files.isEmpty else {
      throw PlanError.merge(
        "\(folder.relativePath) holds no evaluation; name a folder that evaluate --store filled")
    }
    return try files.map { name in
      let file = evaluations.appending(path: name)
      let bytes = try Data(contentsOf: file)
      // The name is a part of the contents' digest, which so needs no other checksum.
      guard name == "\(sha256(bytes).prefix(16)).json",
        let evaluation = try? JSONDecoder().decode(StoredEvaluation.self, from: bytes),
        evaluation.isSound
      else { throw PlanError.damaged(file: file.relativePath, line: 1) }
      return evaluation
    }
  }

  private func names(in folder: URL) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(
        atPath: folder.path(percentEncoded: false)
      ).sorted()
    } catch {
      throw PlanError.merge(
        "\(self.folder.relativePath) is no store; name a folder that evaluate --store filled")
    }
  }
}
