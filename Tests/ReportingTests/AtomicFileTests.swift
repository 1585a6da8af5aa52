import Foundation
import Reporting
import Synchronization
import Testing

@Suite("A file is written whole or not at all")
struct AtomicFileTests {
  let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "atomic-\(UUID().uuidString)")

  /// Runs a test in a folder of its own, which is gone afterwards.
  private func inFolder(_ body: (URL) throws -> Void) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  private func names(in folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
  }

  @Test("Creates missing folders and replaces what was there")
  func replaces() throws {
    try inFolder { folder in
      let file = folder.appending(path: "a/b c/λ.json")
      for text in ["first, the longer one", "second", ""] {
        try AtomicFile.write(text, to: file)
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
        #expect(try names(in: file.deletingLastPathComponent()) == ["λ.json"])
      }
    }
  }

  @Test("Keeps the permissions of a file it replaces")
  func permissions() throws {
    try inFolder { folder in
      let file = folder.appending(path: "private")
      try AtomicFile.write("a", to: file)
      #expect(chmod(file.path(), 0o640) == 0)
      try AtomicFile.write("b", to: file)
      var status = stat()
      #expect(stat(file.path(), &status) == 0)
      #expect(status.st_mode & 0o777 == 0o640)
    }
  }

  @Test("Follows a link instead of replacing it")
  func link() throws {
    try inFolder { folder in
      let (file, link) = (folder.appending(path: "file"), folder.appending(path: "link"))
      try AtomicFile.write("old", to: file)
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
      try AtomicFile.write("new", to: link)
      #expect(try String(contentsOf: file, encoding: .utf8) == "new")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path()) == file.path())
    }
  }

  @Test("A folder as target is refused and stays as it was")
  func folderAsTarget() throws {
    try inFolder { folder in
      let target = folder.appending(path: "target")
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      #expect(throws: FileWriteError(path: target.path(), code: EISDIR)) {
        try AtomicFile.write("text", to: target)
      }
      #expect(try names(in: folder) == ["target"])
      #expect(try names(in: target) == [])
    }
  }

  // A name of 256 bytes is one more than file systems allow, but the file beside it has a short
  // name: so everything succeeds up to the rename, which fails for root too.
  @Test("A failure after the bytes are written leaves nothing beside the target")
  func failureAtTheEnd() throws {
    try inFolder { folder in
      let target = folder.appending(path: String(repeating: "n", count: 256))
      #expect(throws: FileWriteError(path: target.path(), code: ENAMETOOLONG)) {
        try AtomicFile.write("text", to: target)
      }
      let left = try names(in: folder)
      #expect(left.isEmpty)
    }
  }

  @Test(
    "A part that a killed process left behind is removed by the next writer, one that is being written is not"
  )
  func leftBehind() throws {
    try inFolder { folder in
      // No process has so large a number (Linux' PID_MAX_LIMIT is 2²²); the first has 1, and lives.
      let (left, held) = (
        ".\(AtomicFile.machine).5000000-0.partial", ".\(AtomicFile.machine).5000001-0.partial"
      )
      let others = [
        ".another.5000000-0.partial", ".\(AtomicFile.machine).1-0.partial", ".partial", "a.partial",
      ]
      for name in [left, held] + others {
        try Data("part".utf8).write(to: folder.appending(path: name))
      }
      let written = open(folder.appending(path: held).path, O_RDONLY)
      #expect(flock(written, LOCK_EX | LOCK_NB) == 0)
      try AtomicFile.write("whole", to: folder.appending(path: "b"))
      #expect(try names(in: folder) == ([held, "b"] + others).sorted())
      close(written)
      try AtomicFile.check(folder.appending(path: "c"))
      #expect(try names(in: folder) == (["b"] + others).sorted())
    }
  }

  @Test("A check beforehand throws what writing would, and leaves no file")
  func check() throws {
    try inFolder { folder in
      let (fine, file) = (folder.appending(path: "a/b"), folder.appending(path: "file"))
      try AtomicFile.check(fine)
      #expect(try names(in: folder.appending(path: "a")) == [])
      try AtomicFile.write("text", to: file)
      try AtomicFile.check(file)
      #expect(try String(contentsOf: file, encoding: .utf8) == "text")
      for wrong in [folder, file.appending(path: "inside")] {
        let expected = #expect(throws: FileWriteError.self) {
          try AtomicFile.write("x", to: wrong)
        }
        let found = #expect(throws: FileWriteError.self) { try AtomicFile.check(wrong) }
        #expect(found == expected)
      }
    }
  }

  @Test("A file is created by one of many who try at once, and stays as that one left it")
  func created() throws {
    try inFolder { folder in
      let path = folder.appending(path: "claim").path()
      let winners = Mutex<[Int]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { who in
        guard let descriptor = try? AtomicFile.create(path) else { return }
        let code = Array("\(who)".utf8).withUnsafeBytes { writeAll($0, to: descriptor) }
        close(descriptor)
        if code == nil { winners.withLock { $0.append(who) } }
      }
      let found = winners.withLock { $0 }
      #expect(found.count == 1)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "\(found.first ?? -1)")
      let again = try AtomicFile.create(path)
      #expect(again == nil)
      let missing = folder.appending(path: "no folder/claim").path(percentEncoded: false)
      #expect(throws: FileWriteError(path: missing, code: ENOENT)) {
        _ = try AtomicFile.create(missing)
      }
    }
  }

  /// sshfs 3.7.3 says EPERM of a file that another has created a moment ago, and may not show it for seconds.
  @Test("A file that is not to be created is taken for another's only where a file can be created")
  func takenUnseen() throws {
    try inFolder { folder in
      let path = folder.appending(path: "claim").path()
      try AtomicFile.requireTaken(path, code: EEXIST)
      try AtomicFile.requireTaken(path, code: EPERM)
      #expect(try names(in: folder) == [])
      for code in [EACCES, ENOSPC, EROFS, EIO] {
        #expect(throws: FileWriteError(path: path, code: code)) {
          try AtomicFile.requireTaken(path, code: code)
        }
      }
      try AtomicFile.write("text", to: URL(filePath: path))
      try AtomicFile.requireTaken(path, code: EPERM)
      #expect(throws: FileWriteError(path: path + "/below", code: ENOTDIR)) {
        try AtomicFile.requireTaken(path + "/below", code: EPERM)
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "text")
    }
  }

  @Test("A file where a folder should be is named as the reason")
  func fileAsFolder() throws {
    try inFolder { folder in
      let file = folder.appending(path: "file")
      try AtomicFile.write("text", to: file)
      let target = file.appending(path: "below")
      #expect(throws: FileWriteError(path: target.path(), code: ENOTDIR)) {
        try AtomicFile.write("text", to: target)
      }
      #expect(try names(in: folder) == ["file"])
    }
  }

  @Test("A full device is reported and survives as a device")
  func fullDevice() {
    let device = URL(filePath: "/dev/full")
    let error = #expect(throws: FileWriteError.self) { try AtomicFile.write("text", to: device) }
    #expect(error?.code == ENOSPC)
    #expect(
      error?.description
        == "cannot write /dev/full: No space left on device; free some space or choose another disk"
    )
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test(
    "Every reason says in one line what to do", arguments: [ENOSPC, EACCES, EROFS, EIO, ENOENT])
  func advice(code: Int32) {
    let text = FileWriteError(path: "/a/b.json", code: code).description
    #expect(text.hasPrefix("cannot write /a/b.json: \(String(cString: strerror(code))); "))
    #expect(!text.contains("\n") && !text.hasSuffix("; "))
  }
}
