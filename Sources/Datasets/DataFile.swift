import Foundation

/// A file that is mapped into memory, so that its bytes need not be copied.
struct DataFile: Sendable {
  /// How errors call it.
  let path: String
  let data: Data

  /// Maps an ordinary file. Devices and pipes are refused, as they might have no end.
  ///
  /// - Throws: `DatasetError.unreadableFile` if it cannot be read.
  init(_ file: URL) throws(DatasetError) {
    path = file.relativePath
    var status = stat()
    guard stat(file.path(percentEncoded: false), &status) == 0 else {
      throw .unreadableFile(path, reason: String(cString: strerror(errno)))
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .unreadableFile(path, reason: String(cString: strerror(EISDIR)))
    default: throw .unreadableFile(path, reason: "it is no ordinary file")
    }
    do { data = try Data(contentsOf: file, options: .mappedIfSafe) } catch {
      throw .unreadableFile(path, reason: error.localizedDescription)
    }
  }

  /// Whether a folder has something of that name.
  static func isThere(_ name: String, in folder: URL) -> Bool {
    FileManager.default.fileExists(
      atPath: folder.appending(path: name).path(percentEncoded: false))
  }

  /// The first of some files that the folder has.
  ///
  /// - Throws: `DatasetError.compressedFile` if the folder has one of them only as `.gz`, `.missingFile` if
  ///   it has none.
  static func first(of names: [String], in folder: URL) throws(DatasetError) -> DataFile {
    if let name = names.first(where: { isThere($0, in: folder) }) {
      return try DataFile(folder.appending(path: name))
    }
    if let name = names.map({ $0 + ".gz" }).first(where: { isThere($0, in: folder) }) {
      throw .compressedFile(folder.appending(path: name).relativePath)
    }
    throw .missingFile(names[0], folder: folder.relativePath)
  }
}
