import Foundation
import Reporting

/// Results of finished stages in a folder, so that a second run need not repeat them.
///
/// A stage is reused only if it was made by the same description: whatever its result depends on.
package struct StageStore: Sendable {
  package let folder: URL
  /// Whether finished stages are reused; else all are made anew.
  package var reuses: Bool

  package init(folder: URL, reuses: Bool = true) {
    self.folder = folder
    self.reuses = reuses
  }

  private struct Envelope<Description: Codable, Value: Codable>: Codable {
    var description: Description
    var value: Value
  }

  /// The stored result of a stage of this name and description, if there is one that can be read.
  package func stored<Description: Codable & Equatable, Value: Codable>(
    _ name: String, for description: Description, as type: Value.Type = Value.self
  ) -> Value? {
    guard reuses, let data = try? Data(contentsOf: file(name)),
      let envelope = try? JSONDecoder().decode(Envelope<Description, Value>.self, from: data),
      envelope.description == description
    else { return nil }
    return envelope.value
  }

  /// Keeps a stage's result.
  ///
  /// - Throws: `FileWriteError` if the file cannot be written.
  package func store<Description: Codable, Value: Codable>(
    _ value: Value, as name: String, for description: Description
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try AtomicFile.write(
      try encoder.encode(Envelope(description: description, value: value)), to: file(name))
  }

  private func file(_ name: String) -> URL { folder.appending(path: "\(name).json") }
}
