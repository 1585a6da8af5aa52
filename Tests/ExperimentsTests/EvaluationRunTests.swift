import Classification
import Datasets
import Experiments
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Synchronization
import TestSupport
import Testing

/// A model that answers one of every class to random images, as an untrained network does not.
private struct LinearModel: EvaluatedModel {
  let base: LinearSoftmax
  var name: String { "linear" }
  var digest: String { "1" }
  var normalization: Normalization? { nil }
  var imageShape: ImageShape { base.imageShape }
  var classCount: Int { base.classCount }

  func classifier(on execution: Execution) -> any DifferentiableClassifier { base }
}

@Suite("Runs of an evaluation plan")
struct EvaluationRunTests {
  private func plan() throws -> EvaluationPlan {
    let epsilon = try Epsilon("1/8")
    return EvaluationPlan(
      count: 7, seed: 3, scoringDraws: 3, selectionDraws: 2,
      defences: [DefenceDescription(.none), DefenceDescription(.otherLabel, draws: 2)],
      attacks: [
        AttackDescription(.none), AttackDescription(.pgd, epsilon: epsilon, steps: 2),
        AttackDescription(.adaptivePGD, epsilon: epsilon, steps: 1, draws: 1),
      ])
  }

  private func match(_ plan: EvaluationPlan, to target: Double) throws -> [MatchedDefence] {
    try EvaluationRun(
      plan: plan, execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: 1)),
      progress: Self.silent
    ).matched(to: target, model(seed: 5), on: digits())
  }

  @Test(
    "While settings are matched, what is measured afterwards is in the time that is told of all stages"
  )
  func matchingIsAPart() throws {
    let lines = Mutex<[String]>([])
    let seconds = Mutex(0.0)
    let progress = ProgressReporter(
      output: .init(columns: { 200 }, write: { line in lines.withLock { $0.append(line) } }),
      now: {
        seconds.withLock {
          $0 += 1
          return $0
        }
      })
    _ = try EvaluationRun(
      plan: plan(), execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: 1)),
      progress: progress
    ).matched(to: 0, model(seed: 5), on: digits())
    #expect(
      lines.withLock { $0.contains { $0.contains("match") && $0.contains("all stages up to") } })
  }

  private static let silent = ProgressReporter(output: .init(columns: nil, write: { _ in }))

  private func digits() throws -> DatasetSplit {
    try DatasetSplit(
      trainingFile: Digits.training()[0..<210], test: Digits.test(), validationCount: 10, seed: 1)
  }

  private func model(
    seed: UInt64, digest: String = "0", name: String = "untrained"
  ) -> CheckpointModel {
    let network = ResNet(.resNet8(ImageShape(channels: 1, height: 8, width: 8), classCount: 10))
    network.initialize(seed: seed)
    return CheckpointModel(
      name: name,
      checkpoint: Checkpoint(network, normalization: .plusMinusOne(channels: 1)), digest: digest)
  }

  private func run(
    _ plan: EvaluationPlan? = nil, store: URL? = nil, shard: Shard = .whole,
    digest: String = "0", name: String = "untrained", test: LabelledImages? = nil, threads: Int = 1,
    progress: ProgressReporter = Self.silent
  ) throws -> [JobResult] {
    var data = try digits()
    if let test {
      data = DatasetSplit(training: data.training, validation: data.validation, test: test)
    }
    return try EvaluationRun(
      plan: try plan ?? self.plan(), store: store, shard: shard,
      execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: threads)),
      progress: progress
    ).run(
      model(seed: 5, digest: digest, name: name), other: model(seed: 6), on: data,
      dataset: .digits)
  }

  private func files(_ store: URL) throws -> [URL] {
    let folder = store.appending(path: "outcomes")
    return try names(in: folder).map { folder.appending(path: $0) }
  }

  /// What does not depend on the machine.
  private func expectSame(_ found: [JobResult], _ expected: [JobResult]) {
    #expect(found.map(\.job) == expected.map(\.job))
    #expect(found.map(\.outcomes) == expected.map(\.outcomes))
    #expect(found.map { $0.cost?.passes } == expected.map { $0.cost?.passes })
    #expect(found.map(\.isRandomized) == expected.map(\.isRandomized))
  }

  @Test("give every defence under every attack, in the plan's order, with every image once")
  func whole() throws {
    let results = try run()
    #expect(
      results.map { "\($0.job.defence.name.rawValue) \($0.job.attack.name.rawValue)" } == [
        "none none", "none pgd", "none adaptive-pgd", "mi-ol none", "mi-ol pgd",
        "mi-ol adaptive-pgd",
      ])
    let images = try Digits.test()[0..<7]
    for result in results {
      #expect(result.outcomes.map(\.index) == images.indices)
      #expect(result.outcomes.map(\.label) == images.labels)
      #expect(result.isRandomized == (result.job.defence.name == .otherLabel))
      #expect(result.outcomes.allSatisfy { $0.predictions.count == (result.isRandomized ? 3 : 1) })
      // Without mixing there is no pool to depend on.
      #expect((result.job.pool == nil) == (result.job.defence.name == .none))
    }
    for result in results {
      let isMixup = result.job.defence.name == .otherLabel
      #expect(result.outcomes.allSatisfy { ($0.statistics?.count == 2) == isMixup })
    }
    // A prediction of an image each, and for MI-OL N on each of 3 + 2 draws.
    #expect(results[0].cost?.passes == PassMeter.Count(forward: 7, backward: 0))
    #expect(
      results[3].cost?.passes.backward == 0 && results[3].cost?.passes.forward ?? 0 >= 7 * 2 * 5)
    // Two steps of PGD through the network, and the judgement.
    #expect(
      results[1].cost?.passes == PassMeter.Count(forward: 7 * 3, backward: 7 * 2, followed: 7))
  }

  // At λ = 1/10 and N = 1 the answer is mostly that to the one partner. Mixup inference answers together with its
  // statistics, a rotation does not.
  @Test("Who knows the draws and changes nothing is judged on those that score a clean image first")
  func knownDraws() throws {
    let rule = MixupInferenceRule.otherLabel(
      Mixing(lambda: try MixingRatio("0.1"), sampleCount: 1))
    let plan = EvaluationPlan(
      count: 40, seed: 3, scoringDraws: 3,
      defences: [
        DefenceDescription(rule), DefenceDescription(DefenceName(rawValue: "rotation"), draws: 1),
      ],
      attacks: [
        AttackDescription(.none),
        AttackDescription(AttackName(.pgd, .draws), epsilon: .zero, steps: 1, draws: 1),
      ])
    let shape = ImageShape(channels: 1, height: 8, width: 8)
    let results = try EvaluationRun(
      plan: plan, execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: 1)),
      progress: Self.silent
    ).run(
      LinearModel(base: LinearSoftmax(imageShape: shape, classCount: 10, seed: 2)), on: digits(),
      dataset: .digits)
    for (place, least) in [(0, 10), (2, 5)] {
      let (clean, still) = (results[place].outcomes, results[place + 1].outcomes)
      #expect(still.map(\.predictions) == clean.map { [$0.predictions[0]] })
      let changes = clean.count { $0.predictions[0] != $0.predictions[1] }
      #expect(changes > least, "draws must matter: \(changes)")
    }
  }

  @Test(
    "Who knows the draws changes no other figure, and is the adaptive attacker where there is none")
  func frozen() throws {
    let (epsilon, pgd) = (try Epsilon("1/8"), AttackName(.pgd, .draws))
    var plan = try plan()
    plan.defences += [
      DefenceDescription(DefenceName(rawValue: "bit-depth")),
      DefenceDescription(.combined, draws: 2),
    ]
    plan.attacks = [
      AttackDescription(.none),
      AttackDescription(.adaptivePGD, epsilon: epsilon, steps: 3, draws: 2),
    ]
    let others = try run(plan)
    plan.attacks += [
      AttackDescription(pgd, epsilon: epsilon, steps: 3, draws: 2),
      AttackDescription(pgd, epsilon: .zero, steps: 3, draws: 2),
    ]
    let all = try run(plan, threads: 2)
    expectSame(all.filter { $0.job.knowledge != .draws }, others)
    for place in plan.defences.indices {
      let (clean, adaptive) = (all[4 * place], all[4 * place + 1])
      let (known, still) = (all[4 * place + 2], all[4 * place + 3])
      // The one draw on which it is judged is the first of those that score others.
      #expect(!known.isRandomized && known.outcomes.allSatisfy { $0.predictions.count == 1 })
      #expect(still.outcomes.map(\.prediction) == clean.outcomes.map(\.prediction))
      #expect(still.outcomes.map(\.statistics) == clean.outcomes.map(\.statistics))
      #expect(still.outcomes.allSatisfy { $0.distance == 0 })
      if !clean.isRandomized {
        #expect(known.outcomes == adaptive.outcomes && known.cost?.passes == adaptive.cost?.passes)
      }
    }
    let (summary, without) = (try EvaluationSummary(all), try EvaluationSummary(others))
    let frozen = summary.records.filter { $0.attack == .named(pgd) }
    #expect(frozen.count == 8 && frozen.allSatisfy { $0.repeated == nil && $0.scoringDraws == 1 })
    // One attack alone has no worst, and who knows the draws makes it no second.
    #expect(summary.records.allSatisfy { $0.attack != .worst })
    #expect(summary.records.count == without.records.count + 8)
    // A remark for each of the two that are random, at each radius.
    let remarks = summary.remarks.filter {
      $0.contains("frozen-pgd") && $0.contains("as no attacker does")
    }
    #expect(remarks.count == 4 && remarks.count { $0.contains("rest on randomness alone") } == 2)
  }

  @Test("do not depend on threads, nor on how the images are shared out", arguments: [2, 3, 5])
  func shards(count: Int) throws {
    try withTemporaryFolder { folder in
      let stores = try (1...count).map { number in
        let store = folder.appending(path: "\(number)")
        _ = try run(store: store, shard: Shard("\(number)/\(count)"), threads: number)
        return EvaluationStore(store)
      }
      let whole = try run(threads: 2)
      expectSame(try EvaluationStore.merged(stores), whole)
      expectSame(try EvaluationStore.merged(stores.reversed()), whole)
      let missing = Array(stores.dropLast())
      #expect(throws: PlanError.self) { try EvaluationStore.merged(missing) }
      #expect(throws: PlanError.self) { try EvaluationStore.merged(stores + [stores[0]]) }
    }
  }

  @Test("Every thread has as many images as another, as long as there are enough", arguments: 1...8)
  func blocks(_ threads: Int) throws {
    try withTemporaryFolder { folder in
      var plan = try plan()
      (plan.count, plan.defences, plan.attacks) = (
        70, [DefenceDescription(.none)], [AttackDescription(.none)]
      )
      _ = try run(plan, store: folder, threads: threads)
      // Behind the header a line for every block.
      let blocks = try String(contentsOf: #require(files(folder).first), encoding: .utf8)
        .split(separator: "\n").dropFirst().map {
          $0.ranges(of: "\"index\":").count
        }
      #expect(blocks.reduce(0, +) == 70)
      #expect(blocks.count.isMultiple(of: threads) && blocks.count <= max(2, threads))
      #expect((blocks.max() ?? 0) - (blocks.min() ?? 0) < threads)
    }
  }

  // Every part of the work is one block of seven images here, and after it the run looks whether it is to end.
  @Test("say what they finished when they are ended and nothing is stored", arguments: [0, 1, 4])
  func finished(looks: Int) throws {
    let whole = try run()
    // In the order in which they are measured: attack by attack.
    let order = [0, 3, 1, 4, 2, 5]
    for store in [nil, "store"] {
      try withTemporaryFolder { folder in
        let left = Mutex(looks)
        let said = Mutex("")
        let asked = Interruption(advice: "") {
          left.withLock { left in
            left -= 1
            return left < 0
          }
        }
        #expect(throws: Interrupted.self) {
          try run(
            store: store.map { folder.appending(path: $0) },
            progress: ProgressReporter(
              output: .init(columns: nil) { text in said.withLock { $0 += text } },
              interruption: asked))
        }
        let lines = said.withLock(\.self).split(separator: "\n")
          .filter { $0.hasPrefix("finished, and kept nowhere: ") }
        guard store == nil else { return #expect(lines.isEmpty) }
        #expect(lines.count == looks)
        for place in order.prefix(looks) {
          let job = whole[place].job
          let share = String(format: "%.1f%%", 100 * whole[place].accuracy.value)
          let expected = "\(job.defence.title) under \(job.attack.title): \(share) ["
          #expect(lines.contains { $0.contains(expected) && $0.hasSuffix("of 7 images") })
        }
      }
    }
  }

  /// A run that shares the store's work out with others.
  private func share(
    _ store: URL, unit: Int? = 2, lease: Double = 60, threads: Int = 1, task: Int = 0,
    interruption: Interruption = .never
  ) throws -> SharedOutcome {
    try EvaluationRun(
      plan: plan(), store: store,
      execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: threads)),
      progress: ProgressReporter(
        output: .init(columns: nil, write: { _ in }), interruption: interruption)
    ).share(
      Sharing(task: ArrayTask(job: "test", number: task), unit: unit, lease: lease),
      model(seed: 5), other: model(seed: 6), on: digits(), dataset: .digits)
  }

  @Test("shared out among runs that come and go are those of one run", arguments: [1, 2, 8])
  func shared(unit: Int) throws {
    try withTemporaryFolder { folder in
      let whole = try run()
      // Every run is asked to end after so many looks at whether it is, until one is left alone.
      var outcomes: [SharedOutcome] = []
      for task in 0..<40 where outcomes.isEmpty {
        let left = Mutex(2 + task)
        let asked = Interruption(advice: "") {
          left.withLock { left in
            left -= 1
            return left < 0
          }
        }
        do {
          outcomes.append(
            try share(folder, unit: unit, threads: 1 + task % 2, task: task, interruption: asked))
        } catch is Interrupted {}
      }
      let last = try #require(outcomes.last)
      #expect(last.units == 3 * (7 / unit + (7 % unit == 0 ? 0 : 1)))
      let store = EvaluationStore(folder)
      expectSame(try EvaluationStore.merged([store]), whole)
      // Who has the store to itself afterwards finds everything there.
      expectSame(try run(store: folder), whole)
      #expect(try share(folder, unit: unit).mine == 0)
      // Nobody's claims are needed once all is there.
      try FileManager.default.removeItem(at: folder.appending(path: "claims"))
      let again = try share(folder, unit: unit)
      #expect(again.mine == 0 && again.before == again.units)
    }
  }

  @Test("shared out, of which some is lost although it was done, are measured again")
  func lost() throws {
    try withTemporaryFolder { folder in
      let whole = try run()
      let units = try share(folder, task: 1).units
      let parts = try files(folder)
      #expect(parts.count == 6 && parts.allSatisfy { $0.pathExtension == "part" })
      try FileManager.default.removeItem(at: parts[0])
      let bytes = try Data(contentsOf: parts[1])
      try bytes.prefix(bytes.count - 9).write(to: parts[1])
      #expect(throws: PlanError.self) { try EvaluationStore.merged([EvaluationStore(folder)]) }
      let again = try share(folder, task: 2)
      #expect(again.units == units && 1..<units ~= again.mine)
      #expect(again.mine + again.before == units)
      expectSame(try EvaluationStore.merged([EvaluationStore(folder)]), whole)
    }
  }

  @Test("measured twice count once, and are refused where the two differ")
  func twice() throws {
    try withTemporaryFolder { folder in
      let whole = try run()
      _ = try share(folder, unit: 2)
      // Another cut: the same images are claimed apart, by somebody who does not see what is there.
      let hidden = try files(folder)
      let aside = folder.appending(path: "aside")
      try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: false)
      for file in hidden {
        try FileManager.default.moveItem(
          at: file, to: aside.appending(path: file.lastPathComponent))
      }
      _ = try share(folder, unit: 2)
      for file in hidden {
        let other = file.deletingPathExtension().appendingPathExtension("other.part")
        try FileManager.default.moveItem(
          at: aside.appending(path: file.lastPathComponent), to: other)
      }
      expectSame(try EvaluationStore.merged([EvaluationStore(folder)]), whole)

      // A machine that computes otherwise.
      let job = whole[0].job
      let file = try EvaluationStore(folder).file(of: job.key)
      let header = try #require(OutcomeFile.header(in: OutcomeFile.parts(of: file)))
      var block = try #require(
        try OutcomeFile.blocks(in: OutcomeFile.parts(of: file), below: header).first)
      block.measured.outcomes[0].predictions[0] =
        (block.measured.outcomes[0].predictions[0] + 1) % 10
      try OutcomeFile(partOf: file, by: "another", header: header).append(block)
      let error = #expect(throws: PlanError.self) {
        try EvaluationStore.merged([EvaluationStore(folder)])
      }
      #expect("\(try #require(error))".contains("measured twice"))
    }
  }

  @Test("go on to the same results wherever they were interrupted")
  func resumed() throws {
    try withTemporaryFolder { folder in
      let whole = try run(store: folder)
      let finished = try files(folder).map { ($0, try Data(contentsOf: $0)) }
      #expect(finished.count == 6)
      var stream = RandomStream(RandomKey(seed: 9, purpose: .test))
      for _ in 0..<6 {
        for (file, bytes) in finished {
          switch stream.integer(below: 4) {
          case 0: try FileManager.default.removeItem(at: file)
          case 1: try bytes.write(to: file)
          default: try bytes.prefix(stream.integer(below: bytes.count)).write(to: file)
          }
        }
        expectSame(try run(store: folder), whole)
        #expect(try files(folder).count == 6)
      }
      // Nothing is measured twice: a second run adds no line.
      let before = try files(folder).map { try Data(contentsOf: $0) }
      expectSame(try run(store: folder), whole)
      #expect(try files(folder).map { try Data(contentsOf: $0) } == before)
    }
  }

  /// A plan of few images, and of another number of them.
  private func short(_ count: Int) throws -> EvaluationPlan {
    var plan = try self.plan()
    plan.count = count
    plan.defences.removeLast()
    plan.attacks.removeLast()
    return plan
  }

  @Test(
    "measure in a store only what is not there: more images, a renamed file, a radius written otherwise"
  )
  func continued() throws {
    try withTemporaryFolder { folder in
      func lines() throws -> Int {
        try files(folder).reduce(0) {
          $0 + (try Data(contentsOf: $1)).count { $0 == UInt8(ascii: "\n") }
        }
      }
      func outcomes(_ results: [JobResult]) -> [[EvaluationResult.Outcome]] {
        results.map(\.outcomes)
      }
      _ = try run(short(4), store: folder)
      // A header and a block for each of two attacks.
      #expect(try lines() == 4)
      let more = try run(short(9), store: folder)
      #expect(try lines() == 6)
      expectSame(more, try run(short(9)))

      var respelled = try short(9)
      respelled.attacks[1].epsilon = try Epsilon("0.125")
      let again = try run(respelled, store: folder, name: "renamed")
      #expect(outcomes(again) == outcomes(more) && again.allSatisfy { $0.job.model == "renamed" })
      #expect(try lines() == 6 && files(folder).count == 2)

      // Of fewer images the outcomes are known; what a part of a block cost is not.
      let fewer = try run(short(6), store: folder)
      #expect(outcomes(fewer) == outcomes(try run(short(6))) && fewer.allSatisfy { $0.cost == nil })
      #expect(try lines() == 6)

      // All these asked for one thing, for up to nine images.
      let merged = try EvaluationStore.merged([EvaluationStore(folder)])
      #expect(merged.map(\.outcomes) == more.map(\.outcomes))
      #expect(merged.map { $0.cost?.passes } == more.map { $0.cost?.passes })
    }
  }

  @Test("measure other images anew, also under indices that a store knows")
  func otherImages() throws {
    try withTemporaryFolder { folder in
      _ = try run(short(4), store: folder)
      let digits = try Digits.test()
      let others = try LabelledImages(
        pixels: digits[10..<14].pixels, labels: digits[10..<14].labels.map { ($0 + 1) % 10 },
        classCount: 10, indices: digits[0..<4].indices)
      let found = try run(short(4), store: folder, test: others)
      expectSame(found, try run(short(4), test: others))
      #expect(found.map(\.outcomes) != (try run(short(4)).map(\.outcomes)))
      let error = #expect(throws: PlanError.self) {
        try EvaluationStore.merged([EvaluationStore(folder)])
      }
      #expect(error?.description.contains("differ in the images") == true)
    }
  }

  @Test(
    "go on behind a damaged line, which is kept apart and measured again; until then it is no result"
  )
  func damagedLine() throws {
    try withTemporaryFolder { folder in
      let whole = try run(short(4), store: folder)
      let stores = [EvaluationStore(folder)]
      for file in try files(folder) {
        let bytes = try Data(contentsOf: file)
        var lines = bytes.split(separator: UInt8(ascii: "\n"))
        let place = lines[1].index(lines[1].startIndex, offsetBy: lines[1].count / 2)
        lines[1][place] ^= 1
        let damaged = Data(lines.joined(separator: Data("\n".utf8))) + Data("\n".utf8)
        try damaged.write(to: file)
        let error = #expect(throws: PlanError.self) { try EvaluationStore.merged(stores) }
        #expect(error?.description.hasPrefix("line 2 of ") == true)
        expectSame(try run(short(4), store: folder), whole)
        expectSame(try EvaluationStore.merged(stores), whole)
        #expect(try Data(contentsOf: file.appendingPathExtension("damaged")) == damaged)
      }
    }
  }

  @Test("in one store are not merged if they differ in more than the number of images")
  func leftovers() throws {
    let changes: [(says: String, change: (inout EvaluationPlan) throws -> Void)] = [
      ("the seed: ", { $0.seed = 4 }), ("scoring draws", { $0.scoringDraws = 4 }),
      ("the plan: ", { $0.attacks[1].steps = 3 }),
      ("the plan: ", { $0.attacks[1].epsilon = try Epsilon("1/9") }),
      (
        "the plan: ", { $0.defences.append(DefenceDescription(DefenceName(rawValue: "bit-depth"))) }
      ),
    ]
    for (says, change) in changes {
      try withTemporaryFolder { folder in
        _ = try run(short(2), store: folder)
        var other = try short(2)
        try change(&other)
        _ = try run(other, store: folder)
        let error = #expect(throws: PlanError.self) {
          try EvaluationStore.merged([EvaluationStore(folder)])
        }
        #expect(error?.description.contains(says) == true, "\(says)")
      }
    }
    try withTemporaryFolder { folder in
      _ = try run(short(2), store: folder.appending(path: "a"))
      _ = try run(short(2), store: folder.appending(path: "b"), digest: "1")
      let stray = try files(folder.appending(path: "b"))[0]
      try FileManager.default.copyItem(
        at: stray,
        to: folder.appending(path: "a/outcomes").appending(path: stray.lastPathComponent))
      let error = #expect(throws: PlanError.self) {
        try EvaluationStore.merged([EvaluationStore(folder.appending(path: "a"))])
      }
      #expect(error?.description.contains(stray.lastPathComponent) == true)
    }
  }

  @Test("say what the images are, how many stand twice, and how many are training images")
  func examples() throws {
    let (test, training) = (try Digits.test(), try digits().training)
    let own = try run(short(4))[0].job.examples
    #expect(own?.identity == test[0..<4].identity && own?.repeated == 0 && own?.training == 0)
    let odd = try LabelledImages(
      pixels: Pixels(.concatenated([test[[0, 0, 1]].pixels.tensor, training[[5]].pixels.tensor])),
      labels: test[[0, 0, 1]].labels + training[[5]].labels, classCount: 10,
      indices: [3823, 3824, 3825, 3826])
    let found = try run(short(4), test: odd)
    #expect(found[0].job.examples?.repeated == 1 && found[0].job.examples?.training == 1)
    let warning = try EvaluationSummary(found).warning ?? ""
    #expect(
      warning.contains("1 of the images stand") && warning.contains("1 of the images are training"))
  }

  @Test("refuse images that share an index")
  func repeatedIndex() throws {
    let test = try Digits.test()[[0, 1, 2, 1]]
    #expect(throws: LabelledImagesError.repeatedIndex(3824, images: 1, 3)) {
      try run(short(4), test: test)
    }
  }

  @Test("keep what differs apart, so that no store mixes two evaluations")
  func apart() throws {
    try withTemporaryFolder { folder in
      _ = try run(store: folder)
      var other = try self.plan()
      other.seed = 4
      _ = try run(other, store: folder)
      #expect(try files(folder).count == 12)
      _ = try run(store: folder, digest: "1")
      #expect(try files(folder).count == 18)
      other = try self.plan()
      other.attacks[1].steps = 3
      _ = try run(other, store: folder)
      #expect(try files(folder).count == 20)
    }
  }

  @Test("are not put together across seeds, checkpoints and plans")
  func strangers() throws {
    try withTemporaryFolder { folder in
      func store(_ name: String, _ shard: String, seed: UInt64 = 3, digest: String = "0") throws
        -> EvaluationStore
      {
        var plan = try self.plan()
        plan.seed = seed
        plan.attacks = [AttackDescription(.none)]
        let place = folder.appending(path: name)
        _ = try run(plan, store: place, shard: Shard(shard), digest: digest)
        return EvaluationStore(place)
      }
      let first = try store("first", "1/2")
      let second = try store("second", "2/2")
      #expect(try EvaluationStore.merged([first, second]).count == 2)
      for stranger in [
        try store("seed", "2/2", seed: 4), try store("digest", "2/2", digest: "1"),
        EvaluationStore(folder.appending(path: "nowhere")),
      ] {
        #expect(throws: PlanError.self) { try EvaluationStore.merged([first, stranger]) }
      }
      // The same images cut otherwise: some are in both.
      let overlapping = try store("third", "1/3")
      #expect(throws: PlanError.self) { try EvaluationStore.merged([first, second, overlapping]) }
      #expect(throws: PlanError.self) { try EvaluationStore.merged([]) }
    }
  }

  @Test(
    "take every attack by its name and with its flags, on the network, MI-OL and MI-Combined",
    arguments: AttackName.allCases)
  func everyAttack(_ name: AttackName) throws {
    var plan = try self.plan()
    plan.count = 2
    plan.defences = [DefenceName.none, .otherLabel, .combined].map {
      DefenceDescription($0, draws: 2)
    }
    // An attack takes those of the flags that are its own.
    let few = [("epsilon", "1/8"), ("steps", "2"), ("queries", "3"), ("attack-draws", "2")]
    let more =
      few + [
        ("restarts", "2"), ("loss", "margin"), ("momentum", "0.5"), ("average", "losses"),
      ]
    plan.attacks = try [few, more].map { flags in
      var flags = GivenFlags(flags.map { (flag: $0, text: $1) })
      return try AttackDescription(name, from: &flags)
    }
    // Some have none of the settings that differ.
    if plan.attacks[0] == plan.attacks[1] { plan.attacks.removeLast() }
    let results = try run(plan)
    #expect(results.count == 3 * plan.attacks.count)
    for result in results {
      #expect(result.outcomes.count == 2)
      #expect(
        (result.cost?.passes.forward ?? 0 > 2 * 5) || name == .none
          || result.job.defence.name == .none)
    }
    #expect(AttackName(rawValue: name.rawValue) == name)
    let encoded = try JSONEncoder().encode(plan)
    #expect(try EvaluationPlan(json: encoded, file: "p") == plan)
  }

  @Test(
    "take every defence by its name, say which are random, and keep every setting",
    arguments: DefenceName.allCases)
  func everyDefence(_ name: DefenceName) throws {
    var plan = try self.plan()
    plan.count = 3
    let composition = TransformedInput(
      inTurn: [.rotation(degrees: 20), .bitDepth(4)], sampleCount: 2)
    plan.defences = [
      name.rawValue == composition.name
        ? DefenceDescription(composition)
        : DefenceDescription(name, draws: name.rawValue == "bit-depth" ? nil : 2)
    ]
    plan.attacks.append(
      AttackDescription(
        .adaptivePGD, epsilon: try Epsilon("1/8"), steps: 1, draws: 2, average: .losses))
    let results = try run(plan)
    #expect(results.count == 4)
    for result in results {
      #expect(result.outcomes.count == 3)
      #expect(result.isRandomized == !["none", "bit-depth"].contains(name.rawValue))
      // Every setting is in the record, also one that was not given.
      let isSquare = ["crop-pad", "resize-pad", "crop-resize"].contains(name.rawValue)
      #expect((result.job.defence.parameters["sides"] == "6-8") == isSquare)
    }
    let encoded = try JSONEncoder().encode(plan)
    #expect(try EvaluationPlan(json: encoded, file: "p") == plan)
  }

  @Test(
    "choose of several settings the cheapest that keeps the clean accuracy, or the best there is")
  func matched() throws {
    var plan = try self.plan()
    plan.count = 10
    plan.defences =
      [DefenceDescription(.none)]
      + [0, 0.3, 3].map {
        DefenceDescription(
          TransformedInput(.gaussianNoise(standardDeviation: $0), sampleCount: 2))
      }
    func accuracies() throws -> [Double] {
      try plan.defences.map { defence in
        var single = plan
        single.defences = [defence]
        return try match(single, to: 0.0001)[0].accuracy
      }
    }
    let accuracies = try accuracies()
    for target in Set(accuracies + [1]).filter({ $0 > 0 }) {
      let found = try match(plan, to: target)
      #expect(found.map(\.defence.name) == [.none, .gaussianNoise])
      #expect(found.map(\.settings) == [1, 3] && found.map(\.count) == [10, 10])
      let kept = accuracies.dropFirst().filter { $0 >= target }
      #expect(found[1].isReached == !kept.isEmpty)
      #expect(found[1].accuracy == (kept.min() ?? accuracies.dropFirst().max()))
    }
  }

  @Test("check labels image by image, in whatever order the images are")
  func sanityLabels() throws {
    var plan = try self.plan()
    plan.count = 6
    plan.defences = [DefenceDescription(.none)]
    plan.attacks = [AttackDescription(.pgd, epsilon: try Epsilon("1/8"), steps: 1)]
    let split = try digits()
    let data = DatasetSplit(
      training: split.training, validation: split.validation,
      test: split.test[[9, 2, 7, 0, 5, 4]])
    let run = EvaluationRun(
      plan: plan, execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: 1)),
      progress: Self.silent)
    var results = try run.run(model(seed: 5), on: data, dataset: .digits)
    func verdict() throws -> SanityVerdict? {
      try run.sanity(of: model(seed: 5), on: data, results: results, count: 4).first?.verdicts
        .first { $0.name == "labels" }
    }
    #expect(try verdict()?.outcome == .passed)
    let place = try #require(results[0].outcomes.firstIndex { $0.index == data.test.indices[1] })
    results[0].outcomes[place].label = (results[0].outcomes[place].label + 1) % 10
    #expect(try verdict()?.evidence == "1 of 4 labels differ")
  }

  @Test("refuse a network for other images or classes")
  func unfit() throws {
    let network = ResNet(.resNet8(ImageShape(channels: 3, height: 8, width: 8), classCount: 10))
    network.initialize(seed: 5)
    let run = EvaluationRun(
      plan: EvaluationPlan(),
      execution: Execution(kernels: .openBLAS, workers: WorkerPool(threadCount: 1)),
      progress: ProgressReporter(output: .init(columns: nil, write: { _ in })))
    let digits = try DatasetSplit(
      trainingFile: Digits.training(), test: Digits.test(), validationCount: 10, seed: 1)
    #expect(throws: ClassifierError.self) {
      try run.run(
        CheckpointModel(
          name: "colour",
          checkpoint: Checkpoint(network, normalization: .plusMinusOne(channels: 3)), digest: "0"),
        on: digits, dataset: .digits)
    }
  }
}
