import Classification
import Experiments
import Foundation
import MixupInference
import Robustness
import TestSupport
import Testing

@Suite("Files of outcomes")
struct OutcomeFileTests {
  private func header(seed: UInt64 = 1, classCount: Int = 10) -> OutcomeFile.Header {
    OutcomeFile.Header(
      key: EvaluationJob.Key(
        circumstances: EvaluationJob.Circumstances(
          checkpoint: "c", normalization: .plusMinusOne(channels: 1), seed: seed,
          kernelSet: .reference, planProfile: .throughput, scoringDraws: 2, selectionDraws: 1),
        pool: nil, defence: DefenceDescription(.otherLabel), attack: AttackDescription(.none)),
      classCount: classCount, isRandomized: true, forwardPassesPerDecision: 30)
  }

  private let blocks = [[0, 1], [3], [2, 4], [7]].map { indices in
    OutcomeFile.Block(
      images: indices.map { "image \($0)" },
      measured: Evaluation.Block(
        outcomes: indices.map {
          EvaluationResult.Outcome(
            index: $0, label: $0 % 3, predictions: [0, $0], selectionMisses: 1,
            statistics: ["s": 0.1 + Double($0) / 3])
        }, passes: PassMeter.Count(forward: 2, backward: 1), seconds: 0.25))
  }

  /// Opens the file, adds blocks and closes it.
  private func write(_ more: [OutcomeFile.Block], to file: URL) throws {
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

  @Test(
    "are free again once nobody writes them, even if a process that was started meanwhile has them open"
  )
  func unlocked() throws {
    try withFile { file in
      var outcomes: OutcomeFile? = try OutcomeFile(file, header: header())
      // A child process has copies of all descriptors until it runs another program.
      let path = file.resolvingSymlinksInPath().path(percentEncoded: false)
      let copies = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        .filter {
          (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))
            == path
        }
        .compactMap { Int32($0) }.map { dup($0) }
      defer { for copy in copies { close(copy) } }
      #expect(copies.count == 1)
      #expect(throws: PlanError.inUse(file: file.path(percentEncoded: false))) {
        _ = try OutcomeFile(file, header: header())
      }
      withExtendedLifetime(outcomes) {}
      outcomes = nil
      #expect(try OutcomeFile(file, header: header()).blocks == blocks)
    }
  }

  @Test("of another job or other classes are refused, and left as they are")
  func strangers() throws {
    try withFile { file in
      let bytes = try Data(contentsOf: file)
      for other in [header(seed: 2), header(classCount: 11)] {
        // Another folder was to be asked for, as the message says; the file is sound.
        #expect(PlanError.otherJob(file: "").cause == .usage)
        #expect(throws: PlanError.otherJob(file: file.path(percentEncoded: false))) {
          try OutcomeFile(file, header: other)
        }
      }
      #expect(try Data(contentsOf: file) == bytes)
    }
  }

  @Test(
    "of a job that cannot be are damaged from the first line, and hold no block",
    arguments: [Int.min, -1, 0, Int.max])
  func impossibleJob(classCount: Int) throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "a.jsonl")
      let header = header(classCount: classCount)
      try OutcomeFile(file, header: header).append(blocks[0])
      #expect(throws: PlanError.damaged(file: file.path(percentEncoded: false), line: 1)) {
        try OutcomeFile.read(file)
      }
      #expect(throws: PlanError.damaged(file: file.path(percentEncoded: false), line: 1)) {
        try OutcomeFile(file, header: header)
      }
      #expect(try OutcomeFile.blocks(in: [file], below: header).isEmpty)
    }
  }

  @Test(
    "damaged in a line that was complete are no results; who goes on keeps a copy and loses that line alone"
  )
  func damaged() throws {
    try withFile { file in
      let text = try String(contentsOf: file, encoding: .utf8)
      let lines = text.split(separator: "\n").map(String.init)
      var damages: [(line: Int, text: String)] = [
        (1, "{}"), (1, "no json"), (3, ""), (3, "{\"contents\":"),
        // An image twice.
        (3, lines[1]),
      ]
      // A whole line, but of a file with another header.
      try withTemporaryFolder { folder in
        let other = folder.appending(path: "b.jsonl")
        try OutcomeFile(other, header: header(seed: 2)).append(blocks[1])
        let strange = try String(contentsOf: other, encoding: .utf8).split(separator: "\n")[1]
        damages.append((3, String(strange)))
      }
      for damage in damages {
        var changed = lines
        changed[damage.line - 1] = damage.text
        #expect(changed != lines)
        let bytes = Data((changed.joined(separator: "\n") + "\n").utf8)
        try bytes.write(to: file)
        let path = file.path(percentEncoded: false)
        #expect(throws: PlanError.damaged(file: path, line: damage.line)) {
          try OutcomeFile.read(file)
        }
        #expect(try Data(contentsOf: file) == bytes)
        do {
          let outcomes = try OutcomeFile(file, header: header())
          let rest = damage.line == 1 ? blocks : [blocks[0]] + blocks[2...]
          #expect(outcomes.blocks == rest)
          let copy = URL(filePath: path + ".damaged")
          #expect(outcomes.damage?.lines == [damage.line])
          #expect(outcomes.damage?.copy == copy.relativePath)
          #expect(try Data(contentsOf: copy) == bytes)
          try FileManager.default.removeItem(at: copy)
          // What is measured again stands behind the rest.
          if damage.line > 1 { try outcomes.append(blocks[1]) }
          #expect(try OutcomeFile.read(file).blocks == outcomes.blocks)
        }
        #expect(try OutcomeFile(file, header: header()).damage == nil)
      }
    }
  }

  @Test("damaged twice have two copies, and stay locked while they are mended")
  func damagedTwice() throws {
    try withFile { file in
      for copies in 1...3 {
        let damaged = try Data(contentsOf: file) + Data("{}\n".utf8)
        try damaged.write(to: file)
        let outcomes = try OutcomeFile(file, header: header())
        #expect(outcomes.blocks == blocks)
        #expect(throws: PlanError.inUse(file: file.path(percentEncoded: false))) {
          try OutcomeFile(file, header: header())
        }
        #expect(try names(in: file.deletingLastPathComponent()).count == 1 + copies)
      }
    }
  }

  @Test("with one bit of any line turned are refused, or hold what was written")
  func flipped() throws {
    try withFile { file in
      let bytes = try Data(contentsOf: file)
      let read = try OutcomeFile.read(file)
      var refused = 0
      for place in bytes.indices where bytes[place] != UInt8(ascii: "\n") {
        for bit in [0, 2, 5] {
          var changed = bytes
          changed[place] ^= 1 << UInt8(bit)
          // A line end is no damage of a line, but makes two of it.
          guard changed[place] != UInt8(ascii: "\n") else { continue }
          try changed.write(to: file)
          guard let found = try? OutcomeFile.read(file) else {
            refused += 1
            // Every seventh, as each writes a copy.
            if place.isMultiple(of: 7) {
              let rest = try OutcomeFile(file, header: header()).blocks
              #expect(rest.count >= read.blocks.count - 1 && rest.allSatisfy(read.blocks.contains))
            }
            continue
          }
          #expect(found.header == read.header && found.blocks == read.blocks, "byte \(place)")
        }
      }
      #expect(refused > 2 * bytes.count)
    }
  }

  @Test("whose numbers no evaluation could have led to are refused, whatever their checksum")
  func impossible() throws {
    func expectRefused(_ line: Int, _ write: (URL) throws -> Void) throws {
      try withTemporaryFolder { folder in
        let file = folder.appending(path: "a.jsonl")
        try write(file)
        #expect(throws: PlanError.damaged(file: file.path(percentEncoded: false), line: line)) {
          try OutcomeFile.read(file)
        }
      }
    }
    let headers: [(inout OutcomeFile.Header) -> Void] = [
      { $0.key.schema = 7 }, { $0.classCount = 0 }, { $0.forwardPassesPerDecision = -1 },
      { $0.key.circumstances.scoringDraws = 0 }, { $0.key.circumstances.selectionDraws = .max },
      { $0.key.circumstances.scoringDraws = .max }, { $0.key.circumstances.selectionDraws = -1 },
      { $0.forwardPassesPerDecision = .max }, { $0.classCount = .max },
      { $0.key.defence = DefenceDescription(.otherLabel, draws: -1) },
      { $0.key.attack = AttackDescription(.pgd, epsilon: nil) },
    ]
    for change in headers {
      var header = header()
      change(&header)
      try expectRefused(1) { _ = try OutcomeFile($0, header: header) }
      // Nor does it help to mend a file of such a job, however often.
      try withTemporaryFolder { folder in
        let file = folder.appending(path: "a.jsonl")
        _ = try OutcomeFile(file, header: header)
        #expect(throws: PlanError.damaged(file: file.path(percentEncoded: false), line: 1)) {
          try OutcomeFile(file, header: header)
        }
      }
    }
    let changes: [(inout OutcomeFile.Block) -> Void] = [
      { $0.images = [] }, { $0.measured.outcomes[0].label = .max },
      { $0.measured.outcomes[0].label = -1 }, { $0.measured.outcomes[0].index = -1 },
      { $0.measured.outcomes[0].index = .max }, { $0.measured.passes.backward = .max },
      { $0.measured.outcomes[0].predictions = [0, 10] },
      { $0.measured.outcomes[0].predictions = [0] },
      { $0.measured.outcomes[0].predictions = [0, 0, 0] },
      { $0.measured.outcomes[0].selectionMisses = .min },
      { $0.measured.outcomes[0].selectionMisses = 2 }, { $0.measured.passes.forward = -1 },
      { $0.measured.passes.spared = -1 },
      { $0.measured.seconds = -1 },
    ]
    for change in changes {
      var block = blocks[0]
      change(&block)
      try expectRefused(2) { try OutcomeFile($0, header: header()).append(block) }
    }
  }

  @Test("give what is asked for by index and image, and its cost where blocks are whole")
  func chosen() {
    func examples(_ indices: [Int], image: String = "image") -> [OutcomeFile.Example] {
      indices.map { OutcomeFile.Example(index: $0, image: "\(image) \($0)") }
    }
    let whole = blocks.outcomes(of: examples([3, 0, 1, 9]))
    #expect(Set(whole.outcomes.map(\.index)) == [0, 1, 3] && whole.found.count == 3)
    #expect(whole.cost?.passes == PassMeter.Count(forward: 4, backward: 2))
    #expect(whole.cost?.seconds == 0.5)
    // Half of a block cost an unknown share of it.
    let half = blocks.outcomes(of: examples([3, 0]))
    #expect(Set(half.outcomes.map(\.index)) == [0, 3] && half.cost == nil)
    // Another image under the same index is not what was measured.
    #expect(blocks.outcomes(of: examples([0, 1, 2], image: "other")).outcomes.isEmpty)
  }

  @Test("are written by one process at a time")
  func locked() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "a.jsonl")
      var first: OutcomeFile? = try OutcomeFile(file, header: header())
      #expect(PlanError.inUse(file: "").cause == .file)
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
