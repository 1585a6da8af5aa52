import Dispatch
import Foundation
import Reporting
import Synchronization
import Testing

@Suite("A file that one at a time has")
struct FileLockTests {
  // Who has it puts another in its place, as those do who mend one. Whoever opened the old one in the meantime,
  // and locks it once it is free, has a file that is nowhere, and keeps nobody from the new one.
  @Test("whoever has it has the one of that name, though others put new ones there")
  func replaced() throws {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "lock-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "file").path
    let isHeld = Atomic(false)
    let faults = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      for _ in 0..<2000 {
        guard let descriptor = try? FileLock.open(path) else { continue }
        let wasHeld = isHeld.exchange(true, ordering: .sequentiallyConsistent)
        sched_yield()
        isHeld.store(false, ordering: .sequentiallyConsistent)
        // From here on the new file is free for others.
        let other = "\(path)-\(worker)"
        let isReplaced =
          FileManager.default.createFile(atPath: other, contents: nil) && rename(other, path) == 0
        if wasHeld || !isReplaced { faults.add(1, ordering: .relaxed) }
        FileLock.release(descriptor)
      }
    }
    #expect(faults.load(ordering: .relaxed) == 0)
  }
}
