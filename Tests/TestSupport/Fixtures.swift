import Foundation

/// Files of the folder `fixtures/` at the root of the package, found from this source file.
package enum Fixtures {
  /// The folder itself.
  package static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "fixtures")

  /// The bytes of one file, by its path inside the folder.
  package static func data(_ path: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: path))
  }
}
