import Foundation
import Statistics

/// A file of a data set, open for as long as images are read from it.
///
/// Images are read where they are used, so that a set of 50,000 takes no memory; the system keeps what is read often.
/// The file is read and not mapped, as a mapped one that is cut off or whose server is lost ends the process with a
/// signal and without a word.
final class DataFile: Sendable {
  /// How errors call it.
  let path: String
  /// The number of its bytes.
  let count: Int
  private let file: URL
  private let descriptor: CInt
  private let modified: Modification

  /// When a file was written last; its bytes are the same as long as this is.
  private struct Modification: Equatable {
    let seconds: Int
    let nanoseconds: Int
    let count: Int

    init(_ status: stat) {
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
      count = Int(status.st_size)
    }
  }

  /// Opens an ordinary file. Devices and pipes are refused, as they might have no end.
  ///
  /// - Throws: `DatasetError.unreadableFile` if it cannot be read.
  init(_ file: URL) throws(DatasetError) {
    path = file.relativePath
    self.file = file
    // Without `O_NONBLOCK`, a pipe that nobody writes to would be waited for.
    descriptor = open(file.path(percentEncoded: false), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      throw .unreadableFile(path, reason: String(cString: strerror(errno)))
    }
    modified = Modification(status)
    count = modified.count
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .unreadableFile(path, reason: String(cString: strerror(EISDIR)))
    default: throw .unreadableFile(path, reason: "it is no ordinary file")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The whole file, mapped: for what is looked at once and in few places.
  ///
  /// - Throws: `DatasetError.unreadableFile`.
  var contents: Data {
    get throws(DatasetError) {
      do { return try Data(contentsOf: file, options: .mappedIfSafe) } catch {
        throw .unreadableFile(path, reason: error.localizedDescription)
      }
    }
  }

  /// Bytes of the file, fewer at its end.
  ///
  /// - Throws: `DatasetError.unreadableFile`.
  func bytes(at start: Int, count: Int) throws(DatasetError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, min(count, self.count - start)))
    let reason = bytes.withUnsafeMutableBytes { failure(reading: $0, at: start) }
    if let reason { throw .unreadableFile(path, reason: reason) }
    return bytes
  }

  /// Writes the values of an image that the file holds as levels from 0 to 255, which stand for n/255.
  ///
  /// Nobody who asks for an image is ready for an error, and an image must not be another one than was checked. So
  /// this ends the process, as a mapped file would, but with one line and status 74, if the file cannot be read
  /// any more or was changed since it was opened.
  func readLevels(at start: Int, count: Int, into values: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { levels in
      read(into: levels, at: start)
      for place in 0..<count { values[place] = Float(levels[place]) / 255 }
    }
  }

  /// Writes the values of an image that the file holds as Float32, little-endian. Ends the process as
  /// `readLevels` does.
  func readValues(at start: Int, count: Int, into values: UnsafeMutablePointer<Float>) {
    read(into: UnsafeMutableRawBufferPointer(start: values, count: 4 * count), at: start)
    for place in 0..<count {
      values[place] = Float(bitPattern: UInt32(littleEndian: values[place].bitPattern))
    }
  }

  private func read(into bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    guard let reason = failure(reading: bytes, at: start) else { return }
    let line =
      "error: cannot go on reading \(path): \(reason); mend it, and run the same again\n"
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    _exit(74)
  }

  /// Fills a buffer; what is in the way, if anything is.
  private func failure(
    reading bytes: UnsafeMutableRawBufferPointer, at start: Int
  ) -> String? {
    var place = 0
    while place < bytes.count {
      let read = pread(
        descriptor, bytes.baseAddress.map { $0 + place }, bytes.count - place, off_t(start + place))
      if read == 0 { return "it ends too early" }
      if read < 0 && errno != EINTR { return String(cString: strerror(errno)) }
      place += max(0, read)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return String(cString: strerror(errno)) }
    return Modification(status) == modified ? nil : "it was changed meanwhile"
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
