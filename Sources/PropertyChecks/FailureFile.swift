import Foundation
import PropertyTesting
import Synchronization

/// The failing cases of one test file, kept beside it: `.failures/<file>.json`, by test, case and
/// property.
///
/// The folder's name begins with a dot, so that the package manager does not take it for a source.
package struct FailureFile: Sendable {
  /// What failures belong to. Compared field by field and byte by byte, as strings are equal where
  /// Unicode calls them equivalent: so no two keys are ever taken for each other.
  package struct Key: Hashable, Comparable, Sendable {
    /// The test's module and names, the outermost first.
    package var test: [String]
    /// Which case of a test with arguments; nil if it has none, or does not say.
    package var `case`: String?
    /// The property's name.
    package var property: String

    package init(test: [String], case: String? = nil, property: String) {
      self.test = test
      self.case = `case`
      self.property = property
    }

    private var bytes: [[UInt8]] {
      test.map { Array($0.utf8) } + [Array(property.utf8), `case`.map { [1] + $0.utf8 } ?? [0]]
    }

    package static func == (a: Key, b: Key) -> Bool { a.bytes == b.bytes }
    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
    package static func < (a: Key, b: Key) -> Bool {
      a.bytes.lexicographicallyPrecedes(b.bytes) { $0.lexicographicallyPrecedes($1) }
    }
  }

  /// Why a file cannot be used, in one line.
  package struct Damage: Error, CustomStringConvertible {
    package let description: String
  }

  package let url: URL

  /// What this process knows of a key. Several checks may have the same one, such as those of a loop.
  private struct Memory {
    /// Cases that were kept at any time, to be tried by all of them.
    var seen: [ReplayToken] = []
    /// Cases that failed one of them, which no other may forget.
    var failed: Set<ReplayToken> = []
  }
  /// Tests run at once, and may share a file.
  private static let memories = Mutex<[URL: [Key: Memory]]>([:])

  /// The file for the tests of a source file `X.swift`: `.failures/X.swift.json` beside it.
  package init(of source: String) {
    let source = URL(filePath: source)
    url = source.deletingLastPathComponent().appending(path: ".failures")
      .appending(path: source.lastPathComponent + ".json")
  }

  /// The kept cases of a property; none if there is no file.
  package func tokens(of key: Key) throws -> [ReplayToken] {
    try Self.memories.withLock { memories in
      let kept = try contents()[key] ?? []
      let seen = appending(kept, to: memories[url]?[key]?.seen ?? [])
      memories[url, default: [:]][key, default: Memory()].seen = seen
      return seen
    }
  }

  /// Keeps the failed cases of a property, and forgets the retired ones, unless they failed another check
  /// of this process that has the same key. A file without cases is removed.
  package func record(failed: [ReplayToken], retired: [ReplayToken], of key: Key) throws {
    guard !failed.isEmpty || !retired.isEmpty else { return }
    try Self.memories.withLock { memories in
      var memory = memories[url]?[key] ?? Memory()
      memory.seen = appending(failed, to: memory.seen)
      memory.failed.formUnion(failed)
      memories[url, default: [:]][key] = memory
      let folder = url.deletingLastPathComponent()
      guard
        !failed.isEmpty || FileManager.default.fileExists(atPath: url.path(percentEncoded: false))
      else { return }
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try exclusively(folder) {
        let before = try contents()
        var after = before
        let forgotten = Set(retired).subtracting(memory.failed)
        let kept = appending(failed, to: before[key] ?? []).filter { !forgotten.contains($0) }
        after[key] = kept.isEmpty ? nil : kept
        guard after != before else { return }
        if after.isEmpty {
          try FileManager.default.removeItem(at: url)
        } else {
          try write(after)
        }
      }
    }
  }

  private func appending(_ new: [ReplayToken], to tokens: [ReplayToken]) -> [ReplayToken] {
    tokens + new.filter { !tokens.contains($0) }
  }

  // MARK: The file

  private struct Contents: Codable {
    var version: Int
    var failures: [Entry]

    struct Entry: Codable {
      var test: [String]
      var `case`: String?
      var property: String
      var tokens: [ReplayToken]
    }
  }
  private static let version = 2

  private func contents() throws -> [Key: [ReplayToken]] {
    let path = url.path(percentEncoded: false)
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    let contents: Contents
    do {
      contents = try JSONDecoder().decode(Contents.self, from: Data(contentsOf: url))
    } catch {
      throw Damage(
        description: "\(path) is no file of kept failures, and is left as it is "
          + "(\(reason(error))); mend it, or delete it")
    }
    guard contents.version == Self.version else {
      throw Damage(
        description: "\(path) has version \(contents.version), but \(Self.version) is needed; "
          + "delete it")
    }
    return Dictionary(
      contents.failures.map {
        (Key(test: $0.test, case: $0.case, property: $0.property), $0.tokens)
      }
    ) { appending($1, to: $0) }
  }

  private func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context),
      DecodingError.valueNotFound(_, let context), DecodingError.keyNotFound(_, let context):
      let place = context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }
      return (place + [context.debugDescription]).joined(separator: ": ")
    default: return error.localizedDescription
    }
  }

  private func write(_ failures: [Key: [ReplayToken]]) throws {
    let entries = failures.sorted { $0.key < $1.key }.map {
      Contents.Entry(test: $0.test, case: $0.case, property: $0.property, tokens: $1)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(Contents(version: Self.version, failures: entries))
      .write(to: url, options: .atomic)
  }

  /// Runs `body` under a lock on the folder, so that no process writes over what another has just
  /// written.
  private func exclusively(_ folder: URL, _ body: () throws -> Void) throws {
    let descriptor = open(folder.path(percentEncoded: false), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    defer {
      // A process that is just being started has a copy of the descriptor, which would keep the lock for a moment.
      flock(descriptor, LOCK_UN)
      close(descriptor)
    }
    guard flock(descriptor, LOCK_EX) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    try body()
  }
}
