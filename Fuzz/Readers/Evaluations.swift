import Experiments
import Foundation
import NeuralNetwork
import ProcessModel
import Robustness

extension Reader {
  /// A plan of `evaluate --plan`. One that is read is written and read again.
  static let plan = Reader("plan", change: Changes.json) { data in
    let plan = try EvaluationPlan(json: data, file: "plan.json")
    try plan.check()
    let again = try EvaluationPlan(json: JSONEncoder().encode(plan), file: "written.json")
    precondition(again == plan, "written as another plan")
    for attack in plan.attacks {
      precondition(attack.canonical == attack, "another attack in the way that names files")
      _ = (attack.title, attack.onNetwork.title, attack.budget?.norm)
    }
    for defence in plan.defences { _ = defence.title }
  }

  /// Numbers that are written as text: radii, shares, parts of an evaluation.
  static let numbers = Reader("numbers") { data in
    let text = String(decoding: data, as: UTF8.self)
    let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
    guard parts.count == 2 else { return }
    for norm in PerturbationBudget.Norm.allCases {
      guard let first = try? Epsilon(parts[0], norm: norm),
        let second = try? Epsilon(parts[1], norm: norm)
      else { continue }
      precondition(first.inLowestTerms == first, "other in lowest terms")
      _ = (first < second, first.reaches(second, inSteps: 1_000_000), first.value)
      for attack in AttackName.allCases.map({ AttackDescription($0, norm: norm, epsilon: first) }) {
        _ = attack.canonical.title
      }
    }
    let shard = try Shard(parts[0])
    precondition(shard.positions(of: 1000).allSatisfy { 0..<1000 ~= $0 }, "no image's position")
  }

  /// What a process answers for a model: each of the questions that it is asked.
  static let process = Reader("process") { data in
    let bytes = Array(data)
    func ask(_ read: (inout RecordedBytes) throws(ProcessProblem) -> Void) {
      var source = RecordedBytes(bytes)
      do throws(ProcessProblem) { try read(&source) } catch {
        precondition("\(error)".allSatisfy { !$0.isNewline }, "an error of several lines")
      }
    }
    ask { source throws(ProcessProblem) in
      let model = try source.hello()
      precondition(model.imageShape.count > 0 && model.classCount > 1 && model.batchSize > 0)
    }
    ask { source throws(ProcessProblem) in
      _ = try source.tensor(.logits, shape: [2, 3], "logits of 2 images")
    }
    ask { source throws(ProcessProblem) in try source.nothing(.forget) }
  }

  /// One or two stores: what `merge` makes of them, and whether a run can go on there.
  static let store = Reader("store", change: Changes.store) { data in
    let files = StoreParts(data).layout
    let stores = Set(files.keys.map { String($0.prefix { $0 != "/" }) }).sorted()
    try Scratch.with(files) { folder in
      try keep(files, in: EvaluationStore(folder.appending(path: "kept")))
      for name in files.keys.sorted() where name.hasSuffix(".jsonl") {
        guard let header = StoreParts.header(files[name] ?? Data()) else { continue }
        let place = folder.appending(path: name)
        let blocks = try? OutcomeFile.read(place).blocks
        guard let file = try? OutcomeFile(place, header: header) else { continue }
        defer { if let copy = file.damage?.copy { unlink(copy) } }
        precondition(blocks.map { file.blocks == $0 } ?? true, "a run goes on from other blocks")
        // What a run has opened is mended, if it could have been written by one.
        let kept = try? OutcomeFile.read(place).blocks
        precondition(kept == file.blocks || !header.isSound, "a run goes on in a damaged file")
        try write(file.blocks, below: header, besides: place)
      }
      let summary = try EvaluationSummary(merging: stores.map { folder.appending(path: $0) })
      _ = (summary.text, summary.csv, summary.latex(command: ["merge"]))
      _ = ImageRow.columns.jsonLines(summary.imageRows)
      _ = try [EvaluationRecord](json: summary.json())
    }
  }

  /// Writes down in a new store what was asked of the others; there it is found, and all of its images are missing.
  private static func keep(_ files: [String: Data], in store: EvaluationStore) throws {
    let asked = files.filter { $0.key.contains("/evaluations/") }.values.compactMap {
      try? JSONDecoder().decode(StoredEvaluation.self, from: $0)
    }.filter { $0.isSound && !$0.images.isEmpty }
    guard !asked.isEmpty else { return }
    defer { try? FileManager.default.removeItem(at: store.folder) }
    for evaluation in asked {
      try store.keep(evaluation)
      for job in evaluation.jobs {
        let header = OutcomeFile.Header(
          key: job.key, classCount: 2, isRandomized: false, forwardPassesPerDecision: 1)
        let blocks = try store.blocks(of: job, below: header)
        precondition(blocks.isEmpty, "blocks out of nothing")
      }
    }
    try store.keep([SanityReport]())
    do {
      _ = try EvaluationSummary(merging: [store.folder])
      preconditionFailure("results out of nothing")
    } catch PlanError.merge {}
  }

  /// Writes blocks as a part beside a file of outcomes, as a process does that shares the work, and reads them again.
  private static func write(
    _ blocks: [OutcomeFile.Block], below header: OutcomeFile.Header, besides file: URL
  ) throws {
    let before = Set(OutcomeFile.parts(of: file))
    do {
      let part = try OutcomeFile(partOf: file, by: "other", header: header)
      for block in blocks { try part.append(block) }
    }
    let parts = OutcomeFile.parts(of: file).filter { !before.contains($0) }
    defer { for part in parts { unlink(part.path) } }
    precondition(parts.count == 1, "a part is not found")
    let found = try OutcomeFile.blocks(in: parts, below: header)
    precondition(found == blocks || !header.isSound, "a part is read as something else")
    precondition(
      OutcomeFile.header(in: parts) == header || !header.isSound, "a part is of another job")
  }

  /// Files of results, with a record separator between them: what `report` makes of them, and of them beside themselves.
  static let runs = Reader("runs", change: Changes.json) { data in
    let files = data.split(separator: 0x1E, maxSplits: 5).enumerated().map {
      (name: "\($0.offset)", data: Data($0.element))
    }
    let runs = try MeasuredRun.read(files)
    for run in [runs, runs + runs] {
      let page = RunReport(run).page
      precondition(!page.render().isEmpty && page.files().allSatisfy { !$0.text.isEmpty })
    }
  }

  /// Results of finished stages of `reproduce`.
  static let stages = Reader("stages", change: Changes.json) { data in
    try Scratch.with(["stage.json": data]) { folder in
      let store = StageStore(folder: folder)
      func stored<Value: Keepable>(_ type: Value.Type) throws -> Value? {
        // What nobody sealed, then the same with the right checksum.
        precondition(store.stored("stage", for: 0, as: type) == nil, "believed without a checksum")
        guard let value = try? JSONDecoder().decode(type, from: data) else { return nil }
        try store.store(value, as: "sealed", for: 0)
        return store.stored("sealed", for: 0)
      }
      _ = try stored([SanityReport].self)?.map(\.summary.rawValue)
      _ = try stored(ChosenSettings.self)
      _ = try stored(LearningCurve.self)?.csv
    }
    if let records = try? [EvaluationRecord](json: data) { _ = try records.json() }
  }
}
