import Foundation

/// A folder in memory for readers that take files; one for the process, which runs one input at a time.
enum Scratch {
  private static let folder: URL = {
    var name = Array("/dev/shm/fuzz-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { fatalError("cannot make a folder in /dev/shm") }
    let path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    return URL(filePath: path, directoryHint: .isDirectory)
  }()

  /// Runs `body` with an empty folder, which is emptied again afterwards.
  static func with<Result>(
    _ files: [String: Data], _ body: (URL) throws -> Result
  ) throws -> Result {
    for (name, bytes) in files {
      let file = folder.appending(path: name)
      if name.contains("/") {
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      }
      try bytes.write(to: file)
    }
    defer { for name in files.keys { unlink(folder.appending(path: name).path) } }
    return try body(folder)
  }
}
