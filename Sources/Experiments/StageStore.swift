import Foundation
import Reporting

/// Results of finished stages in a folder, so that a second run need not repeat them.
///
/// With every result a description is kept: everything that the result depends on. The result is used
/// again only where the new description is equal.
package struct StageStore: Sendable {
  package let folder: URL
  /// Whether finished stages are used again; otherwise all are made anew.
  package var reuses: Bool

  package init(folder: URL, reuses: Bool = true) {
    self.folder = folder
    self.reuses = reuses
  }

  private struct Envelope<Description: Codable, Value: Keepable>: Keepable {
    var description: Description
    var value: Value

    var isSound: Bool { value.isSound }
  }

  /// The stored result of a stage of this name and description, if there is one that is unchanged and sound.
  package func stored<Description: Codable & Equatable, Value: Keepable>(
    _ name: String, for description: Description, as type: Value.Type = Value.self
  ) -> Value? {
    guard reuses, let data = try? Data(contentsOf: file(name)),
      let envelope = Sealed<Envelope<Description, Value>>.contents(of: data),
      envelope.description == description
    else { return nil }
    return envelope.value
  }

  /// Keeps a stage's result.
  ///
  /// - Throws: `FileWriteError` if the file cannot be written.
  package func store<Description: Codable, Value: Keepable>(
    _ value: Value, as name: String, for description: Description
  ) throws {
    try AtomicFile.write(
      try Sealed(Envelope(description: description, value: value)).encoded(), to: file(name))
  }

  /// The result of a stage as it is stored, else a new one, which is kept.
  ///
  /// - Parameters:
  ///   - title: what progress messages call the stage.
  ///   - work: what progress reckons for it; 0 where it does not.
  package func result<Description: Codable & Equatable, Value: Keepable>(
    _ name: String, for description: Description, title: String, work: Double = 0,
    _ progress: ProgressReporter, _ make: () throws -> Value
  ) throws -> Value {
    if let value: Value = stored(name, for: description) {
      progress.skip(title, because: Self.isReused, work: work)
      return value
    }
    let value = try make()
    try store(value, as: name, for: description)
    return value
  }

  /// Why a stage is skipped.
  static let isReused = "done before and used again; --fresh repeats it"

  private func file(_ name: String) -> URL { folder.appending(path: "\(name).json") }
}
