import Classification
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Synchronization

/// The outcomes of one job in a file of lines, which grows with every finished block: what survives
/// when the process is killed.
///
/// The first line says which job it is; every other one is a block. Each bears a checksum of its contents, and a
/// block's is below that of the header. A line that was being written when the process ended has no end and is
/// dropped; its examples are measured again. A line with an end that is damaged is set aside with all the rest,
/// and dropped too. A class because it owns an open file.
package final class OutcomeFile: Sendable {
  /// The first line.
  package struct Header: Keepable, Hashable, Sendable {
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

    package var isSound: Bool {
      key.schema == EvaluationJob.Key.currentSchema && key.circumstances.isSound
        && key.defence.isSound && key.attack.isSound && 1...Int(Int32.max) ~= classCount
        && forwardPassesPerDecision >= 1 && Believable.count ~= forwardPassesPerDecision
    }
  }

  /// Examples that were measured together.
  package struct Block: Keepable, Hashable, Sendable {
    /// The identities of the images, as `LabelledImages.identities`, in the order of the outcomes.
    package var images: [String]
    package var measured: Evaluation.Block

    package init(images: [String], measured: Evaluation.Block) {
      self.images = images
      self.measured = measured
    }

    package var isSound: Bool {
      let passes = measured.passes
      return images.count == measured.outcomes.count
        && [
          passes.forward, passes.backward, passes.spared, passes.followed, passes.withoutGradient,
        ].allSatisfy { Believable.count ~= $0 } && measured.seconds >= 0
        && measured.seconds.isFinite
        && measured.outcomes.allSatisfy {
          Believable.count ~= $0.index && ($0.statistics ?? [:]).values.allSatisfy(\.isFinite)
            && $0.distance.map { $0 >= 0 && $0.isFinite } ?? true
        }
    }

    /// Whether every label and count is one that a job with this header could have led to; none could to
    /// those of a header that is not sound.
    func fits(_ header: Header) -> Bool {
      guard header.isSound else { return false }
      let classes = 0..<header.classCount
      return measured.outcomes.allSatisfy { outcome in
        classes ~= outcome.label && outcome.predictions.count == header.draws
          && outcome.predictions.allSatisfy { classes ~= $0 }
          && 0...header.key.circumstances.selectionDraws ~= outcome.selectionMisses
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

  private let path: String
  /// The checksum of the header, below which every block's is.
  private let checksum: String
  private let descriptor: Int32
  private let found: Mutex<[Block]>
  /// What was set aside when the file was opened; nil if nothing was damaged.
  package let damage: Damage?

  /// Lines that were damaged, and where the file is as it was found.
  package struct Damage: Sendable, Hashable {
    /// The damaged lines' numbers, from 1.
    package var lines: [Int]
    /// The path of the copy.
    package var copy: String
  }

  /// Opens the file of a job, and creates it with the folders on the way if need be. If lines are damaged,
  /// the file is copied as it is, and goes on without them.
  ///
  /// - Throws: `PlanError` if it holds another job or is open elsewhere, `FileWriteError` if it cannot be
  ///   written.
  package init(_ file: URL, header: Header) throws {
    path = file.path(percentEncoded: false)
    checksum = try Sealed.checksum(of: header)
    try AtomicFile.createFolder(of: file)
    let opened = try Self.opened(file, header)
    descriptor = opened.descriptor
    damage = opened.damage
    found = Mutex(opened.blocks)
    // From here on `deinit` closes the file.
    try resize(to: opened.size)
    if opened.size == 0 { try append(Sealed(header)) }
  }

  /// Creates a part of a job's outcomes: a file of its own beside `file`, for one of several processes that
  /// measure the job at once.
  ///
  /// Nobody else writes to it, so it is not locked: what a lock is worth on a file system that several machines
  /// share, its administrator decides.
  ///
  /// - Parameters:
  ///   - file: the file that the outcomes would be in if one process measured all of them.
  ///   - writer: who writes, as a part of the file's name.
  /// - Throws: `FileWriteError` if it cannot be written.
  package init(partOf file: URL, by writer: String, header: Header) throws {
    checksum = try Sealed.checksum(of: header)
    damage = nil
    found = Mutex([])
    try AtomicFile.createFolder(of: file)
    (path, descriptor) = try Self.createdPart(of: file, by: writer)
    try append(Sealed(header))
  }

  private static func createdPart(
    of file: URL, by writer: String
  ) throws(FileWriteError) -> (path: String, descriptor: Int32) {
    var number = 1
    while true {
      let part = file.deletingPathExtension()
        .appendingPathExtension("\(writer)-\(number)").appendingPathExtension(partEnding)
      let path = part.path(percentEncoded: false)
      if let descriptor = try AtomicFile.create(path) { return (path, descriptor) }
      number += 1
    }
  }

  /// How the names of parts end, so that who looks for whole files passes them over.
  private static let partEnding = "part"

  /// The parts of a job's outcomes beside `file`, by name.
  package static func parts(of file: URL) -> [URL] {
    let folder = file.deletingLastPathComponent()
    let job = file.deletingPathExtension().lastPathComponent + "."
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: folder.path(percentEncoded: false))
    return (names ?? []).filter { $0.hasPrefix(job) && $0.hasSuffix(".\(partEnding)") }.sorted()
      .map { folder.appending(path: $0) }
  }

  /// The sound blocks of files of one job. What is damaged is passed over: whoever looks for images that are
  /// missing measures them again, and a part is its writer's alone to mend.
  ///
  /// - Throws: `PlanError.otherJob` if a file is of another job.
  package static func blocks(in files: [URL], below header: Header) throws -> [Block] {
    try files.flatMap { file -> [Block] in
      guard let bytes = try? Data(contentsOf: file) else { return [] }
      let lines = lines(bytes)
      guard let first = lines.first, let present = Sealed<Header>.contents(of: first) else {
        return []
      }
      guard present == header else {
        throw PlanError.otherJob(file: file.path(percentEncoded: false))
      }
      return try blocks(in: lines, below: header).sound.map(\.block)
    }
  }

  /// The header of the first file that has a sound one; nil if none has.
  package static func header(in files: [URL]) -> Header? {
    for file in files {
      guard let bytes = try? Data(contentsOf: file), let first = lines(bytes).first,
        let header = Sealed<Header>.contents(of: first)
      else { continue }
      return header
    }
    return nil
  }

  deinit {
    FileLock.release(descriptor)
  }

  /// Blocks that were in the file or have been appended.
  package var blocks: [Block] { found.withLock(\.self) }

  /// Writes a block behind the others, and has the system put it on the disk.
  package func append(_ block: Block) throws {
    try found.withLock {
      try append(Sealed(block, below: checksum))
      $0.append(block)
    }
  }

  /// Reads a file without opening it for writing.
  ///
  /// - Throws: `PlanError.damaged` for the first damaged line.
  package static func read(_ file: URL) throws -> (header: Header, blocks: [Block]) {
    try decoded(lines(Data(contentsOf: file)), file.path(percentEncoded: false))
  }

  // MARK: Lines

  /// The lines that end in a newline, without it.
  private static func lines(_ bytes: Data) -> [Data] {
    let newline = UInt8(ascii: "\n")
    guard let last = bytes.lastIndex(of: newline) else { return [] }
    return bytes[..<last].split(separator: newline, omittingEmptySubsequences: false)
      .map { Data($0) }
  }

  /// The file's contents, of which no line may be damaged.
  private static func decoded(
    _ lines: [Data], _ path: String
  ) throws -> (header: Header, blocks: [Block]) {
    guard let first = lines.first, let header = Sealed<Header>.contents(of: first) else {
      throw PlanError.damaged(file: path, line: 1)
    }
    let blocks = try blocks(in: lines, below: header)
    if let bad = blocks.damaged.first { throw PlanError.damaged(file: path, line: bad) }
    return (header, blocks.sound.map(\.block))
  }

  /// The blocks behind the first line, with their lines, and the numbers of lines that are damaged: changed,
  /// of a file with another header, with numbers that cannot be, or with an example that an earlier line has.
  private static func blocks(
    in lines: [Data], below header: Header
  ) throws -> (sound: [(line: Data, block: Block)], damaged: [Int]) {
    let checksum = try Sealed.checksum(of: header)
    var sound: [(line: Data, block: Block)] = []
    var damaged: [Int] = []
    var seen = Set<Example>()
    for (number, line) in lines.enumerated().dropFirst() {
      guard let block = Sealed<Block>.contents(of: line, below: checksum), block.fits(header),
        Set(block.examples).count == block.examples.count, seen.isDisjoint(with: block.examples)
      else {
        damaged.append(number + 1)
        continue
      }
      seen.formUnion(block.examples)
      sound.append((line, block))
    }
    return (sound, damaged)
  }

  // MARK: The open file

  /// Opens and locks the file of a job, and mends it if lines are damaged.
  ///
  /// - Returns: its descriptor, the blocks in it, the bytes up to the end of its last line, what was set aside.
  private static func opened(
    _ file: URL, _ header: Header
  ) throws -> (descriptor: Int32, blocks: [Block], size: Int, damage: Damage?) {
    let path = file.path(percentEncoded: false)
    var damage: Damage?
    while true {
      guard let descriptor = try FileLock.open(path) else { throw PlanError.inUse(file: path) }
      do {
        let bytes = try Data(contentsOf: file)
        let lines = lines(bytes)
        guard let first = lines.first else { return (descriptor, [], 0, damage) }
        let present = Sealed<Header>.contents(of: first)
        if let present, present != header { throw PlanError.otherJob(file: path) }
        let (sound, damaged) = try blocks(in: lines, below: header)
        let bad = (present == nil ? [1] : []) + damaged
        if bad.isEmpty {
          let size = lines.reduce(0) { $0 + $1.count + 1 }
          return (descriptor, sound.map(\.block), size, damage)
        }
        // Mended once it is whole, unless the job itself is none that can be kept.
        guard damage == nil else { throw PlanError.damaged(file: path, line: bad[0]) }
        damage = Damage(lines: bad, copy: try AtomicFile.setAside(bytes, of: file).relativePath)
        let kept = [try Sealed(header).encoded()] + sound.map(\.line)
        try AtomicFile.write(Data(kept.map { $0 + Data("\n".utf8) }.joined()), to: file)
      } catch {
        FileLock.release(descriptor)
        throw error
      }
      // The path now leads to the mended file, which has to be locked in its turn.
      FileLock.release(descriptor)
    }
  }

  private func resize(to size: Int) throws {
    guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
      throw FileWriteError(path: path, code: errno)
    }
  }

  private func append(_ line: Sealed<some Keepable>) throws {
    let line = try line.encoded() + Data("\n".utf8)
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
  /// An example that two blocks have, with different outcomes.
  package var contradiction: OutcomeFile.Example? {
    var outcomes: [OutcomeFile.Example: EvaluationResult.Outcome] = [:]
    for (example, outcome) in flatMap({ zip($0.examples, $0.measured.outcomes) }) {
      if outcomes.updateValue(outcome, forKey: example).map({ $0 != outcome }) ?? false {
        return example
      }
    }
    return nil
  }

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
    var cost: JobResult.Cost? = .nothing
    for block in self {
      // What two processes measured, since one believed the other dead, counts once.
      let part = zip(block.examples, block.measured.outcomes).filter {
        wanted.contains($0.0) && !found.contains($0.0)
      }
      guard !part.isEmpty else { continue }
      outcomes += part.map(\.1)
      found.formUnion(part.map(\.0))
      cost =
        part.count == block.images.count
        ? cost.map {
          $0
            + JobResult.Cost(
              passes: block.measured.passes, seconds: block.measured.seconds,
              secondsByBlock: [block.measured.seconds / Double(part.count)])
        } : nil
    }
    return (outcomes, found, cost)
  }
}
