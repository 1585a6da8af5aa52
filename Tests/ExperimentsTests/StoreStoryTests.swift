import Classification
import Experiments
import Foundation
import PropertyChecks
import PropertyTesting
import Robustness
import TestSupport
import Testing

/// An evaluation of eight blocks of two images, of which two shards measure four each.
private enum Evaluated {
  static let blocks = (0..<8).map { number in
    let indices = [2 * number, 2 * number + 1]
    return OutcomeFile.Block(
      images: indices.map { "image \($0)" },
      measured: Evaluation.Block(
        outcomes: indices.map {
          EvaluationResult.Outcome(
            index: $0, label: $0 % 3, predictions: [0, $0 % 5], selectionMisses: 1,
            statistics: ["s": 0.1 + Double($0) / 3])
        }, passes: PassMeter.Count(forward: 2, backward: 1), seconds: 0.25))
  }
  static let job = EvaluationJob(
    model: "m", dataset: "d", split: .test, indices: IndexRanges(Array(0..<16)), pool: nil,
    defence: DefenceDescription(.otherLabel), attack: AttackDescription(.none),
    circumstances: EvaluationJob.Circumstances(
      checkpoint: "c", normalization: .plusMinusOne(channels: 1), seed: 1, kernelSet: .reference,
      planProfile: .throughput, scoringDraws: 2, selectionDraws: 1))
  static let header = OutcomeFile.Header(
    key: job.key, classCount: 10, isRandomized: true, forwardPassesPerDecision: 30)
  static let stored = StoredEvaluation(
    jobs: [job], indices: Array(0..<16), images: (0..<16).map { "image \($0)" })

  /// The lines of a run that nobody disturbed, without their ends: the header and every block.
  static func lines() throws -> [Data] {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "whole.jsonl")
      let outcomes = try OutcomeFile(file, header: header)
      for block in blocks { try outcomes.append(block) }
      return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { Data($0) }
    }
  }
}

/// The two stores on disk, with the files that are open. A class, as the folder goes with it.
private final class Stores {
  let folder: URL
  let lines: [Data]
  var open: [OutcomeFile?] = [nil, nil]

  init(lines: [Data]) throws {
    self.lines = lines
    folder = URL(filePath: NSTemporaryDirectory())
      .appending(path: "mixup-inference-tests-\(UUID().uuidString)")
    for shard in 0...1 { try store(shard).keep(Evaluated.stored) }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func store(_ shard: Int) -> EvaluationStore {
    EvaluationStore(folder.appending(path: "\(shard)"))
  }
  func file(_ shard: Int) throws -> URL { try store(shard).file(of: Evaluated.job.key) }

  /// What is in a shard's file; nil if there is none.
  func bytes(_ shard: Int) throws -> Data? {
    let file = try file(shard)
    guard FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) else {
      return nil
    }
    return try Data(contentsOf: file)
  }

  func change(_ shard: Int, _ change: (inout Data) -> Void) throws {
    var bytes = try bytes(shard) ?? Data()
    change(&bytes)
    try bytes.write(to: try file(shard))
  }
}

/// What is known of a shard's file.
private struct Shard: Equatable {
  enum Line: Equatable {
    case header
    case block(Int)
    case damaged
  }
  var isOpen = false
  /// The lines that have an end; nil if there is no file.
  var lines: [Line]?
  /// Whether a part of a line follows them.
  var hasTail = false

  /// The numbers of lines that are no result, from 1.
  var damaged: [Int] {
    var seen: Set<Int> = []
    return (lines ?? []).enumerated().filter { place, line in
      switch line {
      case .header: place > 0
      case .block(let number): place == 0 || !seen.insert(number).inserted
      case .damaged: true
      }
    }.map { $0.offset + 1 }
  }

  var blocks: [Int] {
    let bad = Set(damaged)
    return (lines ?? []).enumerated().compactMap { place, line in
      if case .block(let number) = line, !bad.contains(place + 1) { number } else { nil }
    }
  }
}

private enum StoreCommand: Command, Equatable {
  /// A run goes on with its shard.
  case open(Int)
  /// It measures what comes first of what is missing.
  case measure(Int)
  /// It ends.
  case close(Int)
  /// It is killed while it writes a line, of which this share of 16 is on the disk, all but the line's end at 16.
  case kill(Int, share: Int)
  /// A byte of a line is changed.
  case damage(Int, line: Int)
  /// The last line loses its end.
  case cut(Int)
  /// A line is written again, at the end of this shard's file or of the other's.
  case repeatLine(Int, line: Int, isElsewhere: Bool)
  /// Both shards are put together.
  case merge

  enum Response: Equatable {
    case done
    /// The blocks that were found, the lines that were set aside.
    case found([Int], damaged: [Int])
    /// Whether every outcome is that of the undisturbed run.
    case merged(isWhole: Bool)
    case refusedDamage(Int, line: Int)
    case refused
  }

  static func any(in model: [Shard]) -> Generator<StoreCommand> {
    let shard = Generator<Int>.integer(in: 0...1)
    let line = Generator<Int>.integer(in: 0...4)
    let measuring: Generator<StoreCommand> = .oneOf(
      shard.map { .measure($0) }, shard.map { .open($0) }, shard.map { .close($0) })
    let harming: Generator<StoreCommand> = .oneOf(
      shard.map { .cut($0) },
      shard.flatMap { shard in line.map { .damage(shard, line: $0) } },
      shard.flatMap { shard in
        Generator<Int>.integer(in: 0...16).map { .kill(shard, share: $0) }
      },
      shard.flatMap { shard in
        line.flatMap { line in
          Generator<Bool>.bool.map { .repeatLine(shard, line: line, isElsewhere: $0) }
        }
      })
    return .frequency([(8, measuring), (4, harming), (1, .always(.merge))])
  }

  /// The next block of a shard's own that is not in its file.
  static func next(_ shard: Int, _ model: [Shard]) -> Int? {
    (4 * shard..<4 * shard + 4).first { !model[shard].blocks.contains($0) }
  }

  func isAllowed(in model: [Shard]) -> Bool {
    func isAtRest(_ shard: Int) -> Bool { !model[shard].isOpen && model[shard].lines != nil }
    func has(_ line: Int, _ shard: Int) -> Bool { line < model[shard].lines?.count ?? 0 }
    switch self {
    case .open(let shard): return !model[shard].isOpen
    case .measure(let shard), .kill(let shard, _):
      return model[shard].isOpen && Self.next(shard, model) != nil
    case .close(let shard): return model[shard].isOpen
    case .damage(let shard, let line): return isAtRest(shard) && has(line, shard)
    case .cut(let shard): return isAtRest(shard) && has(0, shard) && !model[shard].hasTail
    case .repeatLine(let shard, let line, let isElsewhere):
      let target = isElsewhere ? 1 - shard : shard
      // What follows a part of a line would make one of both.
      return isAtRest(shard) && has(line, shard) && isAtRest(target) && !model[target].hasTail
    case .merge: return !model.contains(where: \.isOpen)
    }
  }

  func run(onModel model: inout [Shard]) -> Response {
    switch self {
    case .open(let shard):
      let (blocks, damaged) = (model[shard].blocks, model[shard].damaged)
      model[shard] = Shard(isOpen: true, lines: [.header] + blocks.map { .block($0) })
      return .found(blocks, damaged: damaged)
    case .measure(let shard):
      if let next = Self.next(shard, model) { model[shard].lines?.append(.block(next)) }
    case .close(let shard): model[shard].isOpen = false
    case .kill(let shard, let share):
      model[shard].isOpen = false
      model[shard].hasTail = share > 0
    case .damage(let shard, let line): model[shard].lines?[line] = .damaged
    case .cut(let shard):
      model[shard].lines?.removeLast()
      model[shard].hasTail = true
    case .repeatLine(let shard, let line, let isElsewhere):
      let target = isElsewhere ? 1 - shard : shard
      model[shard].lines.map { model[target].lines?.append($0[line]) }
    case .merge:
      for (shard, known) in model.enumerated() where known.lines != nil {
        if let bad = known.lines == [] ? 1 : known.damaged.first {
          return .refusedDamage(shard, line: bad)
        }
        // An image that an earlier shard has is told before the damage of a later one.
        if !Set(model[..<shard].flatMap(\.blocks)).isDisjoint(with: known.blocks) {
          return .refused
        }
      }
      return model.flatMap(\.blocks).count == 8 ? .merged(isWhole: true) : .refused
    }
    return .done
  }

  func run(on stores: inout Stores) throws -> Response {
    switch self {
    case .open(let shard):
      let outcomes = try OutcomeFile(try stores.file(shard), header: Evaluated.header)
      stores.open[shard] = outcomes
      return .found(
        outcomes.blocks.compactMap { Evaluated.blocks.firstIndex(of: $0) },
        damaged: outcomes.damage?.lines ?? [])
    case .measure(let shard): try measure(shard, stores)
    case .close(let shard): stores.open[shard] = nil
    case .kill(let shard, let share):
      let before = try stores.bytes(shard)?.count ?? 0
      try measure(shard, stores)
      stores.open[shard] = nil
      try stores.change(shard) { $0 = $0.prefix(before + ($0.count - 1 - before) * share / 16) }
    case .damage(let shard, let line):
      // No byte above 127 stands in a line.
      try stores.change(shard) { bytes in
        let end = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }[line]
        bytes[end - 1] |= 0x80
      }
    case .cut(let shard):
      try stores.change(shard) { $0.removeLast() }
    case .repeatLine(let shard, let line, let isElsewhere):
      let bytes = try #require(try stores.bytes(shard))
      let line = bytes.split(separator: UInt8(ascii: "\n"))[line]
      try stores.change(isElsewhere ? 1 - shard : shard) { $0 += line + Data("\n".utf8) }
    case .merge:
      do {
        let results = try EvaluationStore.merged((0...1).map(stores.store))
        return .merged(
          isWhole: results.map(\.outcomes) == [Evaluated.blocks.flatMap(\.measured.outcomes)])
      } catch PlanError.damaged(let file, let line) {
        return .refusedDamage(file.contains("/1/outcomes/") ? 1 : 0, line: line)
      } catch PlanError.merge { return .refused }
    }
    return .done
  }

  private func measure(_ shard: Int, _ stores: Stores) throws {
    let outcomes = try #require(stores.open[shard])
    let next = (4 * shard..<4 * shard + 4).first {
      !outcomes.blocks.contains(Evaluated.blocks[$0])
    }
    try outcomes.append(Evaluated.blocks[try #require(next)])
  }

  /// A file whose lines are all sound has the bytes of an undisturbed run.
  static func verify(_ stores: Stores, against model: [Shard]) throws {
    for (shard, known) in model.enumerated() where !known.hasTail {
      let lines = known.lines.map { lines in
        lines.compactMap { line in
          switch line {
          case .header: stores.lines[0]
          case .block(let number): stores.lines[number + 1]
          case .damaged: nil
          }
        }
      }
      guard lines?.count == known.lines?.count else { continue }
      #expect(
        try stores.bytes(shard) == lines.map { Data($0.map { $0 + Data("\n".utf8) }.joined()) },
        "shard \(shard)")
    }
  }
}

@Suite("Stores in whatever story")
struct StoreStoryTests {
  @Test("end, left alone, in the bytes and results of a run that nobody disturbed")
  func stories() async throws {
    let lines = try Evaluated.lines()
    await check(
      "what is found, told and merged is what is sound in the files",
      .commands(from: [Shard(), Shard()])
    ) { (commands: CommandSequence<StoreCommand>) in
      var stores = try Stores(lines: lines)
      var model = try await commands.run(on: &stores)
      // Left alone, each shard goes on with what is its own.
      var rest: [StoreCommand] = []
      func add(_ command: StoreCommand) {
        guard command.isAllowed(in: model) else { return }
        _ = command.run(onModel: &model)
        rest.append(command)
      }
      let end = model
      for shard in 0...1 {
        add(.open(shard))
        for _ in 0..<4 { add(.measure(shard)) }
        add(.close(shard))
      }
      add(.merge)
      try await CommandSequence(rest, from: end).run(on: &stores)
      // That the stories come to what they are about.
      var known = commands.start
      let responses = commands.commands.map { $0.run(onModel: &known) }
      cover(
        0.05, "a line is set aside",
        responses.contains { if case .found(_, let lines) = $0 { !lines.isEmpty } else { false } })
      cover(0.2, "a merge is refused", responses.contains(.refused))
      classify("an image is in both in the end", model.flatMap(\.blocks).count > 8)
    }
  }
}
