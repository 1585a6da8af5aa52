import Foundation
import PropertyTesting
import Synchronization

/// The failing cases of one test file, kept beside it: `.failures/<file>.json`, property by property.
///
/// The folder's name begins with a dot, so that the package manager does not take it for a source.
struct FailureFile: Sendable {
  let url: URL
  /// Tests run at once, and may share a file.
  private static let lock = Mutex(())

  /// The file for the tests of a source file.
  init(of source: String) {
    let source = URL(filePath: source)
    url = source.deletingLastPathComponent().appending(path: ".failures")
      .appending(path: source.deletingPathExtension().lastPathComponent + ".json")
  }

  /// The kept cases of a property; none if there is no file or none that can be read.
  func tokens(of property: String) -> [ReplayToken] {
    Self.lock.withLock { _ in contents() }[property] ?? []
  }

  /// Keeps these cases of a property and no others; a file without cases is removed.
  func record(_ tokens: [ReplayToken], of property: String) throws {
    try Self.lock.withLock { _ in
      let before = contents()
      var after = before
      after[property] = tokens.isEmpty ? nil : tokens
      guard after != before else { return }
      if after.isEmpty {
        try FileManager.default.removeItem(at: url)
      } else {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try encoder.encode(after).write(to: url, options: .atomic)
      }
    }
  }

  private func contents() -> [String: [ReplayToken]] {
    guard let data = try? Data(contentsOf: url) else { return [:] }
    return (try? JSONDecoder().decode([String: [ReplayToken]].self, from: data)) ?? [:]
  }
}
