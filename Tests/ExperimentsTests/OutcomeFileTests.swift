import Experiments
import Foundation
import MixupInference
import NeuralNetwork
import Robustness
import TestSupport
import Testing

@Suite("Files of outcomes")
struct OutcomeFileTests {
  private func header(seed: UInt64 = 1, shard: String = "1/1") -> OutcomeFile.Header {
    OutcomeFile.Header(
      job: EvaluationJob(
        model: "m", checkpoint: "c", normalization: .plusMinusOne(channels: 1), dataset: "digits",
        split: "test", indices: IndexRanges([0, 1, 2, 3, 4, 7]), pool: nil, seed: seed,
        kernelSet: .reference, planProfile: .throughput, scoringDraws: 2, selectionDraws: 1,
        defence: DefenceDescription(.otherLabel), attack: AttackDescription(.none)),
      place: 0, shard: shard, isRandomized: true, forwardPassesPerDecision: 30)
  }

  private let blocks = [[0, 1], [3], [2, 4], [7]].map { indices in
    Evaluation.Block(
      outcomes: indices.map {
        EvaluationResult.Outcome(
          index: $0, label: $0 % 3, predictions: [0, $0], selectionMisses: 1)
      }, passes: PassMeter.Count(forward: 2, backward: 1), seconds: 0.25)
  }

  /// Opens the file, adds blocks and closes it.
  private func write(_ more: [Evaluation.Block], to file: URL) throws {
    let outcomes = try OutcomeFile(file, header: header())
    let before = outcomes.blocks
    for block in more { try outcomes.append(block) }
    #expect(outcomes.blocks == before + more)
  }

  private func withFile(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "a/b.jsonl")
      try write(blocks, to: file)
      try body(file)
    }
  }

  @Test("give back what was written, to who goes on and to who only reads")
  func roundTrip() throws {
    try withFile { file in
      let read = try OutcomeFile.read(file)
      #expect(read.header == header())
      #expect(read.blocks == blocks)
      #expect(try OutcomeFile(file, header: header()).blocks == blocks)
    }
  }

  @Test("cut off after any byte hold the blocks before it, and go on from there")
  func truncated() throws {
    try withFile { file in
      let bytes = try Data(contentsOf: file)
      let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
      #expect(ends.count == 5)
      for length in 0..<bytes.count {
        try bytes.prefix(length).write(to: file)
        let complete = max(0, ends.count { $0 < length } - 1)
        #expect(try OutcomeFile(file, header: header()).blocks == Array(blocks.prefix(complete)))
        try write(Array(blocks.dropFirst(complete)), to: file)
        #expect(try Data(contentsOf: file) == bytes, "\(length) bytes")
      }
    }
  }

  @Test("of another job or another part of the images are refused, and left as they are")
  func strangers() throws {
    try withFile { file in
      let bytes = try Data(contentsOf: file)
      for other in [header(seed: 2), header(shard: "1/2")] {
        #expect(throws: PlanError.otherJob(file: file.path(percentEncoded: false))) {
          try OutcomeFile(file, header: other)
        }
      }
      #expect(try Data(contentsOf: file) == bytes)
    }
  }

  @Test("damaged in a line that was complete are refused with its number, and left as they are")
  func damaged() throws {
    try withFile { file in
      let text = try String(contentsOf: file, encoding: .utf8)
      let lines = text.split(separator: "\n").map(String.init)
      let damages: [(line: Int, text: String)] = [
        (1, "{}"), (1, "no json"), (3, ""), (3, "{\"outcomes\":"),
        // An image twice, and a prediction on a draw too many or too few.
        (3, lines[1]), (2, lines[1].replacingOccurrences(of: "[0,1]", with: "[0,1,2]")),
        (2, lines[1].replacingOccurrences(of: "[0,1]", with: "[]")),
      ]
      for damage in damages {
        var changed = lines
        changed[damage.line - 1] = damage.text
        #expect(changed != lines)
        let bytes = Data((changed.joined(separator: "\n") + "\n").utf8)
        try bytes.write(to: file)
        let error = PlanError.damaged(
          file: file.path(percentEncoded: false), line: damage.line)
        #expect(throws: error) { try OutcomeFile(file, header: header()) }
        #expect(throws: error) { try OutcomeFile.read(file) }
        #expect(try Data(contentsOf: file) == bytes)
      }
    }
  }

  @Test("are written by one process at a time")
  func locked() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "a.jsonl")
      var first: OutcomeFile? = try OutcomeFile(file, header: header())
      #expect(throws: PlanError.inUse(file: file.path(percentEncoded: false))) {
        try OutcomeFile(file, header: header())
      }
      #expect(first?.blocks == [])
      first = nil
      #expect(try OutcomeFile(file, header: header()).blocks == [])
    }
  }

  @Test("Ranges of indices are written as short as can be")
  func ranges() {
    #expect(IndexRanges([]).description == "")
    #expect(IndexRanges([4]).description == "4")
    #expect(IndexRanges([7, 0, 2, 1, 5, 4]).description == "0-2,4-5,7")
  }
}
