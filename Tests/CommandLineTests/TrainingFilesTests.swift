import Foundation
import Reporting
import TestSupport
import Testing

@Suite("The files of a training")
struct TrainingFilesTests {
  private func train(_ place: Workplace, _ output: String) throws -> Command.Result {
    try Command(folder: place.folder).run([
      "train", "--method", "plain", "--epochs", "3", "--batch-size", "1000", "--output", output,
    ])
  }

  @Test(
    "A damaged state is kept apart, and the training goes on from the one before to the same bytes")
  func damagedState() throws {
    try Workplace.with { place in
      func file(_ name: String) -> URL { place.folder.appending(path: name) }
      #expect(try train(place, "whole").status == 0)
      // A training that comes to its end and cannot write it leaves its states.
      try FileManager.default.createSymbolicLink(
        at: file("parts"), withDestinationURL: URL(filePath: "/dev/full"))
      #expect(try train(place, "parts").status == 74)
      let before = try Data(contentsOf: file("parts-state-before.safetensors"))
      var state = try Data(contentsOf: file("parts-state.safetensors"))
      state[state.count / 2] ^= 1
      try state.write(to: file("parts-state.safetensors"))

      // Damage never takes the place of the state before, not even where the end cannot be written again.
      let resumed = try train(place, "parts")
      #expect(resumed.status == 74, "\(resumed.error)")
      #expect(resumed.error.contains("parts-state.safetensors was damaged and is kept in"))
      #expect(resumed.error.contains("2 epochs: done before"))
      #expect(try Data(contentsOf: file("parts-state.safetensors.damaged")) == state)
      #expect(try Data(contentsOf: file("parts-state-before.safetensors")) == before)

      try FileManager.default.removeItem(at: file("parts"))
      #expect(try train(place, "parts").status == 0)
      #expect(try Data(contentsOf: file("parts")) == Data(contentsOf: file("whole")))
      let left = try names(in: place.folder).filter { $0.hasPrefix("parts") }
      #expect(
        left == ["parts", "parts-best.safetensors", "parts-state.safetensors.damaged", "parts.csv"])
    }
  }

  @Test("One process at a time writes them; a lock that a killed one left behind locks nobody out")
  func locked() throws {
    try Workplace.with { place in
      let lock = place.path("net.lock")
      var held = try NamedLock(lock)
      #expect(held != nil)
      let refused = try train(place, "net.safetensors")
      #expect(
        refused.status == 74 && refused.error.contains("is being trained by another process"),
        "\(refused.error)")
      #expect(try NamedLock(lock) == nil)
      held = nil
      #expect(!FileManager.default.fileExists(atPath: lock))
      try Data().write(to: URL(filePath: lock))
      #expect(try train(place, "net.safetensors").status == 0)
      #expect(!FileManager.default.fileExists(atPath: lock))
    }
  }
}
