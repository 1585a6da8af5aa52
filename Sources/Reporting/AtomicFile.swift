import Foundation
import Statistics

/// Writes files so that a reader sees the old contents or the new, never a part.
///
/// The bytes go to a new file in the same folder, are forced to the disk and then take the target's
/// name in one step. Whatever fails, that file is removed and the target is as it was. One that a killed process
/// left behind is removed by the next that writes in its folder.
package enum AtomicFile {
  /// Puts `data` at `url`, creating the folders on the way.
  ///
  /// A link is followed. A device or a pipe (`/dev/stdout`) is written to directly: it has no
  /// contents to protect, and renaming over it would replace it.
  ///
  /// - Throws: `FileWriteError`, after which nothing half-written is left.
  package static func write(_ data: Data, to url: URL) throws(FileWriteError) {
    let path = url.path(percentEncoded: false)
    guard let (target, folder, mode) = try destination(of: path) else {
      return try overwrite(path, with: data)
    }
    try createFolder(folder, for: path)

    let partial = try createPartial(in: folder, for: path)
    do throws(FileWriteError) {
      // Freed by hand: the file may be locked under its new name at once, and a process that is just being started has
      // a copy of the descriptor.
      defer { FileLock.release(partial.descriptor) }
      if let mode { fchmod(partial.descriptor, mode) }
      if let code = data.withUnsafeBytes({ writeAll($0, to: partial.descriptor) }) {
        throw FileWriteError(path: path, code: code)
      }
      if fsync(partial.descriptor) != 0 { throw FileWriteError(path: path, code: errno) }
      if rename(partial.path, target) != 0 { throw FileWriteError(path: path, code: errno) }
    } catch {
      unlink(partial.path)
      throw error
    }
    // The new name itself is only safe once the folder is; not every file system can do this.
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 {
      fsync(descriptor)
      close(descriptor)
    }
  }

  /// Finds out before long work whether its result can be written to `url`; leaves no trace but the
  /// folders on the way.
  ///
  /// - Throws: `FileWriteError`, the one that `write` would throw, unless the disk fills up later.
  package static func check(_ url: URL) throws(FileWriteError) {
    let path = url.path(percentEncoded: false)
    guard let (_, folder, _) = try destination(of: path) else {
      if access(path, W_OK) != 0 { throw FileWriteError(path: path, code: errno) }
      return
    }
    try createFolder(folder, for: path)
    let partial = try createPartial(in: folder, for: path)
    FileLock.release(partial.descriptor)
    unlink(partial.path)
  }

  /// Creates the folders on the way to `url`.
  ///
  /// - Throws: `FileWriteError` if one cannot be created.
  package static func createFolder(of url: URL) throws(FileWriteError) {
    try createFolder(
      url.deletingLastPathComponent().path(percentEncoded: false),
      for: url.path(percentEncoded: false))
  }

  /// Puts `text`, as UTF-8, at `url`, creating the folders on the way.
  ///
  /// - Throws: `FileWriteError`, after which nothing half-written is left.
  package static func write(_ text: String, to url: URL) throws(FileWriteError) {
    try write(Data(text.utf8), to: url)
  }

  /// Keeps damaged bytes beside the file that they were found in, under its name with ".damaged" behind it and a
  /// number where that is taken.
  ///
  /// - Returns: the new file.
  /// - Throws: `FileWriteError`.
  package static func setAside(_ bytes: Data, of url: URL) throws(FileWriteError) -> URL {
    var number = 1
    while true {
      let ending = number == 1 ? ".damaged" : ".damaged-\(number)"
      let copy = url.appendingPathExtension(String(ending.dropFirst()))
      if !FileManager.default.fileExists(atPath: copy.path(percentEncoded: false)) {
        try write(bytes, to: copy)
        return copy
      }
      number += 1
    }
  }

  /// The file that a path leads to, its folder and its permissions if it is there; nil for a device
  /// or a pipe.
  private static func destination(
    of path: String
  ) throws(FileWriteError) -> (target: String, folder: String, mode: mode_t?)? {
    var status = stat()
    let exists = stat(path, &status) == 0
    switch exists ? status.st_mode & S_IFMT : S_IFREG {
    case S_IFREG: break
    case S_IFDIR: throw FileWriteError(path: path, code: EISDIR)
    default: return nil
    }
    let target = exists ? resolved(path) : path
    let folder = URL(filePath: target).deletingLastPathComponent().path(percentEncoded: false)
    return (target, folder, exists ? status.st_mode & 0o7777 : nil)
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func createFolder(_ folder: String, for path: String) throws(FileWriteError) {
    var prefix = folder.hasPrefix("/") ? "/" : ""
    for component in folder.split(separator: "/") {
      prefix += component
      // Whatever else is wrong with an existing component shows when the file is created.
      if mkdir(prefix, 0o777) != 0, errno != EEXIST, errno != EISDIR {
        let code = errno
        var status = stat()
        if stat(prefix, &status) != 0 { throw FileWriteError(path: path, code: code) }
      }
      prefix += "/"
    }
  }

  /// A file that did not exist before. Its name does not grow with the target's, which may be as
  /// long as the file system allows.
  private static func createPartial(
    in folder: String, for path: String
  ) throws(FileWriteError) -> (path: String, descriptor: Int32) {
    removePartials(in: folder)
    let separator = folder.isEmpty || folder.hasSuffix("/") ? "" : "/"
    var attempt = 0
    while true {
      let name = "\(folder)\(separator).\(machine).\(getpid())-\(attempt)\(ending)"
      let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      let code = errno
      if descriptor >= 0 {
        // Who removes what was left behind may have come between. A file system without locks has no such.
        var status = stat()
        let isOther = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
        if !isOther, fstat(descriptor, &status) == 0, status.st_nlink > 0 {
          return (name, descriptor)
        }
        close(descriptor)
      } else if !isSeen(name, code: code) {
        throw FileWriteError(path: path, code: code)
      }
      attempt += 1
    }
  }

  /// Creates a file for reading and writing, unless it is there, whoever else is about to create it.
  ///
  /// - Returns: its descriptor; nil if it was there, or somebody else was faster.
  /// - Throws: `FileWriteError`.
  package static func create(_ path: String) throws(FileWriteError) -> Int32? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { try requireTaken(path, code: errno) }
    return descriptor < 0 ? nil : descriptor
  }

  /// Finds out whether a file could not be created because it is there.
  ///
  /// SFTP has no code for that: through sshfs (3.7.3) it is EPERM where another computer was faster, and a mount that
  /// remembers what was not there may not show that file for seconds. It is there if a file of another name can be
  /// created beside it.
  ///
  /// - Parameter code: of the attempt to create it.
  /// - Throws: `FileWriteError` if the reason is another.
  package static func requireTaken(_ path: String, code: Int32) throws(FileWriteError) {
    if isSeen(path, code: code) { return }
    guard code == EPERM else { throw FileWriteError(path: path, code: code) }
    try check(URL(filePath: path))
  }

  /// Whether a file that could not be created is seen to be there.
  private static func isSeen(_ path: String, code: Int32) -> Bool {
    var status = stat()
    return code == EEXIST || lstat(path, &status) == 0
  }

  private static let ending = ".partial"

  /// This machine's name, as a part of a file's name.
  package static let machine: String = {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    let name = String(
      decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let safe = name.prefix { $0 != "." }
      .filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    return safe.isEmpty ? "machine" : String(safe.prefix(40))
  }()

  /// Removes the files of `createPartial` on this machine whose process has ended, and that nobody has locked. Either
  /// sign alone may be wrong: another process may have the number by now, or see the folder through another mount, which
  /// does not know of the lock. Files of other machines stay.
  private static func removePartials(in folder: String) {
    let place = folder.isEmpty ? "." : folder
    for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] {
      guard let writer = writer(ofPartial: name),
        writer == getpid() || kill(writer, 0) != 0 && errno == ESRCH
      else { continue }
      let path = "\(place)/\(name)"
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }

  /// The process that gave a file its name in `createPartial`, on this machine.
  private static func writer(ofPartial name: String) -> pid_t? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, parts[1] == machine, parts[3] == "partial" else {
      return nil
    }
    let numbers = parts[2].split(separator: "-", omittingEmptySubsequences: false)
    guard numbers.count == 2, let process = pid_t(numbers[0]), process > 0, Int(numbers[1]) != nil
    else { return nil }
    return process
  }

  private static func overwrite(_ path: String, with data: Data) throws(FileWriteError) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileWriteError(path: path, code: errno) }
    defer { close(descriptor) }
    if let code = data.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      throw FileWriteError(path: path, code: code)
    }
  }
}

/// Writes all bytes to an open file; the `errno` that stopped it, or nil.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
  var rest = bytes
  while !rest.isEmpty {
    let written = write(descriptor, rest.baseAddress, rest.count)
    if written < 0 {
      if errno == EINTR { continue }
      return errno
    }
    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
  }
  return nil
}

/// Why a file could not be written, and what to do.
package struct FileWriteError: ExplainedError, Equatable {
  /// The file that was asked for.
  package var path: String
  /// The system's `errno`.
  package var code: Int32

  package init(path: String, code: Int32) {
    self.path = path
    self.code = code
  }

  package var cause: ErrorCause { .file }

  package var description: String {
    "cannot write \(path): \(String(cString: strerror(code))); \(advice)"
  }

  private var advice: String {
    switch code {
    case ENOSPC, EDQUOT: "free some space or choose another disk"
    case EACCES, EPERM: "choose a folder that you may write to, or change its permissions"
    case EROFS: "choose a folder on a disk that can be written to"
    case EISDIR: "name a file, not a folder"
    case ENOTDIR: "a part of this path is a file; choose another folder"
    case ENOENT: "create the folder or choose another"
    case ENAMETOOLONG: "choose a shorter name"
    case EMFILE, ENFILE: "too many files are open; raise the limit (ulimit -n)"
    default: "check the path and the disk, then try again"
    }
  }
}
