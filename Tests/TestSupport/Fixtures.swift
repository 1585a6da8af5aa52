import Foundation

/// Files of the folder `fixtures/` at the root of the package, found from this source file.
public enum Fixtures {
  /// The folder itself.
  public static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "fixtures")

  /// The bytes of one file, by its path inside the folder.
  public static func data(_ path: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: path))
  }
}
