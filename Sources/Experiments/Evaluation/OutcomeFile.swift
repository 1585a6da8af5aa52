import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Synchronization

/// The outcomes of one job in a file of lines, which grows with every finished block: what survives
/// when the process is killed.
///
/// The first line says which job it is; every other one is a block. A line that was being written when
/// the process ended has no end and is dropped; its examples are measured again. A class because it
/// owns an open file.
package final class OutcomeFile: Sendable {
  /// The first line.
  package struct Header: Codable, Hashable, Sendable {
    package var job: EvaluationJob
    /// Where the job stands in its plan; of the order of results, not of the job.
    package var place: Int
    /// Which part of the examples, "1/1" for all.
    package var shard: String
    package var isRandomized: Bool
    package var forwardPassesPerDecision: Int
    /// Of the checkpoint's file that was read first; another may have the same content.
    package var origin: CheckpointFile.Origin?

    package init(
      job: EvaluationJob, place: Int, shard: String, isRandomized: Bool,
      forwardPassesPerDecision: Int, origin: CheckpointFile.Origin? = nil
    ) {
      self.job = job
      self.place = place
      self.shard = shard
      self.isRandomized = isRandomized
      self.forwardPassesPerDecision = forwardPassesPerDecision
      self.origin = origin
    }
  }

  private let path: String
  private let descriptor: Int32
  private let found: Mutex<[Evaluation.Block]>

  /// Opens the file of a job, and creates it with the folders on the way if need be.
  ///
  /// - Throws: `PlanError` if it holds another job, is damaged or open elsewhere, `FileWriteError` if
  ///   it cannot be written.
  package init(_ file: URL, header: Header) throws {
    path = file.path(percentEncoded: false)
    try AtomicFile.createFolder(of: file)
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileWriteError(path: path, code: errno) }
    found = Mutex([])
    // From here on `deinit` closes the file.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw PlanError.inUse(file: path) }
    let bytes = try Data(contentsOf: file)
    let lines = try Self.lines(bytes)
    if lines.isEmpty {
      try resize(to: 0)
      try append(line: header)
    } else {
      let (present, blocks) = try Self.decoded(lines, path)
      guard present.job == header.job, present.shard == header.shard else {
        throw PlanError.otherJob(file: path)
      }
      try resize(to: lines.reduce(0) { $0 + $1.count + 1 })
      found.withLock { $0 = blocks }
    }
  }

  deinit { close(descriptor) }

  /// Blocks that were in the file or have been appended.
  package var blocks: [Evaluation.Block] { found.withLock(\.self) }

  /// Writes a block behind the others, and has the system put it on the disk.
  package func append(_ block: Evaluation.Block) throws {
    try found.withLock {
      try append(line: block)
      $0.append(block)
    }
  }

  /// Reads a file that nobody need be writing.
  ///
  /// - Throws: `PlanError.damaged`.
  package static func read(
    _ file: URL
  ) throws -> (header: Header, blocks: [Evaluation.Block]) {
    let path = file.path(percentEncoded: false)
    return try decoded(try lines(Data(contentsOf: file)), path)
  }

  /// The lines that have an end, without it.
  private static func lines(_ bytes: Data) throws -> [Data] {
    let newline = UInt8(ascii: "\n")
    guard let last = bytes.lastIndex(of: newline) else { return [] }
    return bytes[..<last].split(separator: newline, omittingEmptySubsequences: false)
      .map { Data($0) }
  }

  private static func decoded(
    _ lines: [Data], _ path: String
  ) throws -> (header: Header, blocks: [Evaluation.Block]) {
    let decoder = JSONDecoder()
    guard let first = lines.first, let header = try? decoder.decode(Header.self, from: first) else {
      throw PlanError.damaged(file: path, line: 1)
    }
    let draws = header.isRandomized ? header.job.scoringDraws : 1
    var blocks: [Evaluation.Block] = []
    var seen = Set<Int>()
    for (number, line) in lines.enumerated().dropFirst() {
      guard let block = try? decoder.decode(Evaluation.Block.self, from: line),
        block.outcomes.allSatisfy({
          $0.predictions.count == draws && seen.insert($0.index).inserted
        })
      else { throw PlanError.damaged(file: path, line: number + 1) }
      blocks.append(block)
    }
    return (header, blocks)
  }

  private func resize(to size: Int) throws {
    guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
      throw FileWriteError(path: path, code: errno)
    }
  }

  private func append(line value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = try encoder.encode(value) + Data("\n".utf8)
    let code = line.withUnsafeBytes { writeAll($0, to: descriptor) }
    if let code { throw FileWriteError(path: path, code: code) }
    if fsync(descriptor) != 0 { throw FileWriteError(path: path, code: errno) }
  }
}
