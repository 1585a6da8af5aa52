import Glibc

/// A file that one process at a time has; the system frees it when that process ends, however it does.
package enum FileLock {
  /// Opens a file, which is created if need be, and keeps others that lock it from it.
  ///
  /// - Returns: its descriptor, for reading and writing; nil if somebody else has it.
  /// - Throws: `FileWriteError` if it cannot be opened.
  package static func open(_ path: String) throws(FileWriteError) -> Int32? {
    while true {
      let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw FileWriteError(path: path, code: errno) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        close(descriptor)
        return nil
      }
      // Between opening and locking, who had it before may have put another file in its place, or none.
      var (mine, present) = (stat(), stat())
      if fstat(descriptor, &mine) == 0, stat(path, &present) == 0, mine.st_ino == present.st_ino {
        return descriptor
      }
      release(descriptor)
    }
  }

  /// Frees and closes a file.
  package static func release(_ descriptor: Int32) {
    // A process that is just being started has a copy of the descriptor, which would keep the lock for a moment.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}

/// A lock on something that is more than one file, as long as this object lives: a file of that name, which is
/// removed at the end. One that a killed process left behind locks nobody out.
package final class NamedLock: Sendable {
  private let path: String
  private let descriptor: Int32

  /// - Returns: nil if somebody else has it.
  /// - Throws: `FileWriteError`.
  package init?(_ path: String) throws(FileWriteError) {
    guard let descriptor = try FileLock.open(path) else { return nil }
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    // Removed before it is free, so that nobody's file is taken away.
    unlink(path)
    FileLock.release(descriptor)
  }
}
