import Experiments
import Foundation
import Reporting
import TestSupport
import Testing

@Suite("Finished stages")
struct StageStoreTests {
  private struct Origin: Codable, Equatable {
    var seed: Int
    var version = 1
  }

  private struct Counts: Keepable, Equatable {
    var values: [Int]
    var isSound: Bool { values.allSatisfy { $0 >= 0 } }

    init(_ values: [Int]) { self.values = values }
  }

  private func withStage(_ body: (StageStore, URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let store = StageStore(folder: folder.appending(path: "stages"))
      try store.store(Counts([1, 2, 3]), as: "sweep", for: Origin(seed: 1))
      try body(store, folder.appending(path: "stages/sweep.json"))
    }
  }

  private func stored(_ store: StageStore, seed: Int = 1) -> [Int]? {
    let counts: Counts? = store.stored("sweep", for: Origin(seed: seed))
    return counts?.values
  }

  @Test("are used again if they are of the same origin")
  func reuse() throws {
    try withStage { store, file in
      #expect(stored(store) == [1, 2, 3])
      #expect(try names(in: file.deletingLastPathComponent()) == ["sweep.json"])
      try store.store(Counts([4]), as: "sweep", for: Origin(seed: 1))
      #expect(stored(store) == [4])
    }
  }

  @Test("are not used for another origin, name or type, nor if that is not wanted")
  func others() throws {
    try withStage { store, _ in
      #expect(stored(store, seed: 2) == nil)
      let newer: Counts? = store.stored("sweep", for: Origin(seed: 1, version: 2))
      let named: Counts? = store.stored("other", for: Origin(seed: 1))
      let typed: [Counts]? = store.stored("sweep", for: Origin(seed: 1))
      let described: Counts? = store.stored("sweep", for: ["seed": 1])
      #expect(newer == nil && named == nil && typed == nil && described == nil)
      #expect(stored(StageStore(folder: store.folder, reuses: false)) == nil)
    }
  }

  @Test("are made anew if their file is damaged")
  func damaged() throws {
    try withStage { store, file in
      let bytes = try Data(contentsOf: file)
      for count in 0..<bytes.count {
        try bytes.prefix(count).write(to: file)
        #expect(stored(store) == nil)
      }
      try FileManager.default.removeItem(at: file)
      #expect(stored(store) == nil)
    }
  }

  @Test(
    "are made anew if a bit of their file is turned, and if a number cannot be, whatever the checksum"
  )
  func changed() throws {
    try withStage { store, file in
      let bytes = try Data(contentsOf: file)
      for place in bytes.indices {
        for bit in [0, 2, 5] {
          var changed = bytes
          changed[place] ^= 1 << UInt8(bit)
          try changed.write(to: file)
          // What is still JSON of the same value, such as another space, is what was written.
          let found = stored(store)
          #expect(found == nil || found == [1, 2, 3], "bit \(bit) of byte \(place)")
        }
      }
      try store.store(Counts([-1]), as: "sweep", for: Origin(seed: 1))
      #expect(stored(store) == nil)
    }
  }

  @Test("are the same bytes for the same result")
  func deterministic() throws {
    try withStage { store, file in
      let first = try Data(contentsOf: file)
      try store.store(Counts([1, 2, 3]), as: "sweep", for: Origin(seed: 1))
      #expect(try Data(contentsOf: file) == first)
    }
  }

  @Test("say where they cannot be kept")
  func unwritable() throws {
    try withTemporaryFolder { folder in
      try Data().write(to: folder.appending(path: "file"))
      let store = StageStore(folder: folder.appending(path: "file/stages"))
      let error = #expect(throws: FileWriteError.self) {
        try store.store(Counts([1]), as: "sweep", for: Origin(seed: 1))
      }
      #expect(error?.code == ENOTDIR)
      #expect(try names(in: folder) == ["file"])
    }
  }
}
