import Classification
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Synchronization

/// The outcomes of one job in a file of lines, which grows with every finished block: what survives
/// when the process is killed.
///
/// The first line says which job it is; every other one is a block. Each bears a checksum of its contents.
/// A line that was being written when the process ended has no end and is dropped; its examples are
/// measured again. A class because it owns an open file.
package final class OutcomeFile: Sendable {
  /// The first line.
  package struct Header: Codable, Hashable, Sendable {
    package var key: EvaluationJob.Key
    package var classCount: Int
    package var isRandomized: Bool
    package var forwardPassesPerDecision: Int

    package init(
      key: EvaluationJob.Key, classCount: Int, isRandomized: Bool, forwardPassesPerDecision: Int
    ) {
      self.key = key
      self.classCount = classCount
      self.isRandomized = isRandomized
      self.forwardPassesPerDecision = forwardPassesPerDecision
    }

    /// Predictions that score an image.
    var draws: Int { isRandomized ? key.circumstances.scoringDraws : 1 }

    /// Whether it is one that this code could have written.
    var isSound: Bool {
      let circumstances = key.circumstances
      return key.schema == EvaluationJob.Key.currentSchema && classCount >= 1
        && forwardPassesPerDecision >= 1 && plannedCounts ~= circumstances.scoringDraws
        && 0...plannedCounts.upperBound ~= circumstances.selectionDraws
    }
  }

  /// Examples that were measured together.
  package struct Block: Codable, Hashable, Sendable {
    /// The identities of the images, as `LabelledImages.identities`, in the order of the outcomes.
    package var images: [String]
    package var measured: Evaluation.Block

    package init(images: [String], measured: Evaluation.Block) {
      self.images = images
      self.measured = measured
    }

    /// Passes that one block may have made; all blocks of a file together fit an `Int`, however long it is.
    private static let counted = 0...1_000_000_000_000

    /// Whether every number is one that a job with this header could have led to.
    func isSound(under header: Header) -> Bool {
      let passes = measured.passes
      return images.count == measured.outcomes.count
        && [
          passes.forward, passes.backward, passes.spared, passes.followed, passes.withoutGradient,
        ].allSatisfy { Self.counted ~= $0 } && measured.seconds >= 0 && measured.seconds.isFinite
        && measured.outcomes.allSatisfy { outcome in
          let classes = 0..<header.classCount
          return outcome.index >= 0 && classes ~= outcome.label
            && outcome.predictions.count == header.draws
            && outcome.predictions.allSatisfy { classes ~= $0 }
            && 0...header.key.circumstances.selectionDraws ~= outcome.selectionMisses
            && (outcome.statistics ?? [:]).values.allSatisfy(\.isFinite)
            && outcome.distance.map { $0 >= 0 && $0.isFinite } ?? true
        }
    }
  }

  /// An image under its index, which names its random numbers.
  package struct Example: Hashable, Sendable {
    package var index: Int
    /// The image's identity, as `LabelledImages.identities`.
    package var image: String

    package init(index: Int, image: String) {
      self.index = index
      self.image = image
    }
  }

  /// A line with its checksum: the first 16 hexadecimal digits of the SHA-256 of the header's checksum and
  /// of the line's contents as they are encoded here. So a line that was changed, or that is from a file
  /// with another header, is recognised.
  private struct Line<Contents: Codable>: Codable {
    var contents: Contents
    var checksum: String

    init(_ contents: Contents, below header: String = "") throws {
      self.contents = contents
      checksum = try Self.checksum(of: contents, below: header)
    }

    static func checksum(of contents: Contents, below header: String = "") throws -> String {
      String(
        sha256(Data(header.utf8) + (try JSONEncoder.canonical.encode(contents))).prefix(16))
    }

    /// The contents of a line, if it is whole and unchanged.
    static func contents(of bytes: Data, below header: String = "") -> Contents? {
      guard let line = try? JSONDecoder().decode(Self.self, from: bytes),
        line.checksum == (try? checksum(of: line.contents, below: header))
      else { return nil }
      return line.contents
    }
  }

  private let path: String
  private let header: Header
  private let descriptor: Int32
  private let found: Mutex<[Block]>

  /// Opens the file of a job, and creates it with the folders on the way if need be.
  ///
  /// - Throws: `PlanError` if it holds another job, is damaged or open elsewhere, `FileWriteError` if
  ///   it cannot be written.
  package init(_ file: URL, header: Header) throws {
    path = file.path(percentEncoded: false)
    self.header = header
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
      try append(Line(header))
    } else {
      let (present, blocks) = try Self.decoded(lines, path)
      guard present == header else { throw PlanError.otherJob(file: path) }
      try resize(to: lines.reduce(0) { $0 + $1.count + 1 })
      found.withLock { $0 = blocks }
    }
  }

  deinit {
    // A process that is just being started has a copy of the descriptor, which would keep the lock for a moment.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Blocks that were in the file or have been appended.
  package var blocks: [Block] { found.withLock(\.self) }

  /// Writes a block behind the others, and has the system put it on the disk.
  package func append(_ block: Block) throws {
    try found.withLock {
      try append(Line(block, below: Line.checksum(of: header)))
      $0.append(block)
    }
  }

  /// Reads a file without opening it for writing.
  ///
  /// - Throws: `PlanError.damaged`.
  package static func read(_ file: URL) throws -> (header: Header, blocks: [Block]) {
    let path = file.path(percentEncoded: false)
    return try decoded(try lines(Data(contentsOf: file)), path)
  }

  /// The lines that end in a newline, without it.
  private static func lines(_ bytes: Data) throws -> [Data] {
    let newline = UInt8(ascii: "\n")
    guard let last = bytes.lastIndex(of: newline) else { return [] }
    return bytes[..<last].split(separator: newline, omittingEmptySubsequences: false)
      .map { Data($0) }
  }

  private static func decoded(
    _ lines: [Data], _ path: String
  ) throws -> (header: Header, blocks: [Block]) {
    guard let first = lines.first, let header = Line<Header>.contents(of: first), header.isSound
    else { throw PlanError.damaged(file: path, line: 1) }
    let checksum = try Line.checksum(of: header)
    var blocks: [Block] = []
    var seen = Set<Example>()
    for (number, line) in lines.enumerated().dropFirst() {
      guard let block = Line<Block>.contents(of: line, below: checksum),
        block.isSound(under: header),
        block.examples.allSatisfy({ seen.insert($0).inserted })
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

  private func append(_ line: some Encodable) throws {
    let line = try JSONEncoder.canonical.encode(line) + Data("\n".utf8)
    let code = line.withUnsafeBytes { writeAll($0, to: descriptor) }
    if let code { throw FileWriteError(path: path, code: code) }
    if fsync(descriptor) != 0 { throw FileWriteError(path: path, code: errno) }
  }
}

extension OutcomeFile.Block {
  /// What was measured, in the order of the outcomes.
  package var examples: [OutcomeFile.Example] {
    zip(measured.outcomes, images).map { OutcomeFile.Example(index: $0.index, image: $1) }
  }
}

extension [OutcomeFile.Block] {
  /// What the blocks hold of the given examples, in no order, and what that cost.
  ///
  /// - Returns: no cost if a block holds other examples as well.
  package func outcomes(
    of examples: some Sequence<OutcomeFile.Example>
  ) -> (
    outcomes: [EvaluationResult.Outcome], found: Set<OutcomeFile.Example>, cost: JobResult.Cost?
  ) {
    let wanted = Set(examples)
    var outcomes: [EvaluationResult.Outcome] = []
    var found = Set<OutcomeFile.Example>()
    var cost: JobResult.Cost? = JobResult.Cost(passes: PassMeter.Count(), seconds: 0)
    for block in self {
      let part = zip(block.examples, block.measured.outcomes).filter { wanted.contains($0.0) }
      guard !part.isEmpty else { continue }
      outcomes += part.map(\.1)
      found.formUnion(part.map(\.0))
      cost =
        part.count == block.images.count
        ? cost.map {
          $0 + JobResult.Cost(passes: block.measured.passes, seconds: block.measured.seconds)
        } : nil
    }
    return (outcomes, found, cost)
  }
}
