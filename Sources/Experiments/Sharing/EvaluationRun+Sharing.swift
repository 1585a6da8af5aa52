import Classification
import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Synchronization

/// How a run shares its images out with others that have the same store.
package struct Sharing: Sendable {
  /// What the process is in a scheduler's eyes; nil where none has said so.
  package var task: ArrayTask?
  /// Images in a unit at most; nil for as many as suit the attack.
  package var unit: Int?
  /// Seconds after which a process that shows no life is taken for dead.
  package var lease: Double

  /// - Throws: `PlanError.setting` for an empty unit, or a lease that is too short or too long to be meant.
  package init(task: ArrayTask?, unit: Int?, lease: Double?) throws(PlanError) {
    if let unit, unit < 1 {
      throw .setting("a unit of \(unit) images is empty; give 1 at least")
    }
    let lease = lease ?? 120
    guard 1...86_400 ~= lease else {
      throw .setting("a lease of \(lease) seconds cannot be meant; give one from 1 to 86400")
    }
    self.task = task
    self.unit = unit
    self.lease = lease
  }
}

/// What a run did of a store's units.
package struct SharedOutcome: Sendable, CustomStringConvertible {
  /// All units.
  package var units: Int
  /// Those that this run measured.
  package var mine: Int
  /// Those that were there before.
  package var before: Int

  package var description: String {
    "all \(units) units are there: \(mine) measured here, \(before) there before, "
      + "\(units - mine - before) measured by others; `merge` puts them together"
  }
}

extension EvaluationRun {
  /// Measures units that nobody else has, until all are there.
  ///
  /// A unit is one attack on a few images, behind every defence. Each thread takes one after the other, so that nobody
  /// waits for the slowest. What is measured is kept in parts that are this process' own, block by block.
  ///
  /// - Throws: `Interrupted` once it is asked to end; its units are given back then, and their finished blocks kept.
  package func share(
    _ sharing: Sharing, _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil,
    on data: DatasetSplit, dataset: Dataset
  ) throws -> SharedOutcome {
    guard let store else { throw PlanError.setting("what is shared out needs a store") }
    let work = try Work.kept(self, model, other, on: data, called: dataset.name)
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    let (columns, units) = try work.units(of: sharing.unit)
    let process = "\(AtomicFile.machine)-\(ProcessInfo.processInfo.processIdentifier)"
    let parts = SharedParts(store: EvaluationStore(store), writer: process)
    let queue = try WorkQueue(
      EvaluationStore(store).claims(of: work.evaluation, unit: sharing.unit), count: units.count,
      holder: sharing.task.map { "\(process), \($0)" } ?? process,
      // Consecutive tasks begin far from each other.
      beginningWith: sharing.task.map { $0.number &* 0x9E37_79B1 & 0x7FFF_FFFF } ?? 0,
      lease: sharing.lease)
    let said = queue.done
    let known = try Mutex(parts.examples(of: columns.flatMap(\.measurements), in: work))
    /// Whether a unit's images have been measured behind every defence.
    func isThere(_ unit: Int, _ known: [EvaluationJob.Key: Set<OutcomeFile.Example>]) -> Bool {
      columns[units[unit].column].measurements.allSatisfy { measurement in
        guard let known = known[measurement.job.key] else { return false }
        return units[unit].positions.allSatisfy { known.contains(work.example($0)) }
      }
    }
    // What is there counts, not what was said of it.
    var missing: [Int] = []
    for unit in units.indices {
      let isThere = known.withLock { isThere(unit, $0) }
      if !isThere { missing.append(unit) }
      if isThere, !said.contains(unit) { try queue.finish(unit) }
      if !isThere, said.contains(unit) { try queue.reopen(unit) }
    }
    let expected = work.expectedWork(on: data, progress)
    let works = units.map { column, positions in
      work.columns[column].places.reduce(0) { $0 + expected[$1] } * Double(positions.count)
    }
    let stage = progress.stage(
      "units", total: missing.count, unit: "units", work: missing.reduce(0) { $0 + works[$1] })
    @Sendable func measure(_ claim: WorkQueue.Claim) throws {
      let (column, positions) = units[claim.unit]
      do {
        // Somebody may have begun it.
        if claim.number > 1 {
          let measured = try parts.examples(of: columns[column].measurements, in: work)
          known.withLock { $0.merge(measured) { $0.union($1) } }
        }
        // What was found for one defence serves the others, and nobody afterwards.
        defer { columns[column].forget(positions, in: work) }
        for measurement in columns[column].measurements {
          let done = known.withLock { $0[measurement.job.key] ?? [] }
          try measurement.run(
            on: positions.filter { !done.contains(work.example($0)) }, of: work
          ) { block in
            try parts.append(block, of: measurement)
            try progress.interruption.check()
          }
        }
      } catch {
        // The first error counts; what cannot be given back is taken over in time.
        try? queue.giveBack(claim)
        throw error
      }
      try queue.finish(claim)
    }
    let mine = Mutex(0)
    // The first error ends all threads, each after what it has in hand.
    let failure = Mutex<(any Error)?>(nil)
    @Sendable func checkOthers() throws {
      if let error = failure.withLock(\.self) { throw error }
      try progress.interruption.check()
    }
    queue.renewing {
      execution.workers.forEach(count: execution.workers.threadCount) { _ in
        do {
          while let claim = try queue.take(waiting: checkOthers) {
            try measure(claim)
            mine.withLock { $0 += 1 }
            try stage.advance(planned: works[claim.unit])
            try checkOthers()
          }
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
    }
    if let error = failure.withLock(\.self) { throw error }
    stage.finish()
    return SharedOutcome(
      units: units.count, mine: mine.withLock(\.self), before: units.count - missing.count)
  }
}

extension EvaluationRun.Work {
  /// One attack behind every defence.
  struct Column: Sendable {
    /// The search of an attacker who does not know of the defence, which serves all defences.
    let oblivious: RememberedAttack
    let measurements: [EvaluationRun.Measurement]

    /// Lets go of what was found for images at some positions.
    func forget(_ positions: [Int], in work: EvaluationRun.Work) {
      oblivious.forget(Set(positions.map { work.images.indices[$0] }))
    }
  }

  /// The measurements of every attack, and the units that they are cut into: an attack's column and the positions of
  /// its images, as many together as one of the measurements takes at once, but no more than sixteen, so that units last
  /// seconds or minutes.
  ///
  /// - Parameter size: images in a unit, if it is not to be chosen here.
  func units(
    of size: Int?
  ) throws -> (columns: [Column], units: [(column: Int, positions: [Int])]) {
    let columns = try columns.map { column in
      let oblivious = setting.oblivious(column.attack)
      return Column(
        oblivious: oblivious,
        measurements: try column.places.map { try measurement(of: jobs[$0], oblivious) })
    }
    let units = columns.enumerated().flatMap { number, column in
      let size = size ?? min(16, column.measurements.map(\.largestBlock).min() ?? 16)
      return stride(from: 0, to: images.count, by: size).map {
        (column: number, positions: Array($0..<min($0 + size, images.count)))
      }
    }
    return (columns, units)
  }
}

/// The parts of a store that one process writes.
private final class SharedParts: Sendable {
  private let store: EvaluationStore
  private let writer: String
  private let files = Mutex([EvaluationJob.Key: OutcomeFile]())

  init(store: EvaluationStore, writer: String) {
    self.store = store
    self.writer = writer
  }

  /// Keeps a block; the part is created for the first one.
  func append(_ block: OutcomeFile.Block, of measurement: EvaluationRun.Measurement) throws {
    let key = measurement.job.key
    let file = try files.withLock { files in
      if let file = files[key] { return file }
      let file = try OutcomeFile(
        partOf: store.file(of: key), by: writer, header: measurement.header)
      files[key] = file
      return file
    }
    try file.append(block)
  }

  /// What the store holds of some measurements, whoever measured it.
  func examples(
    of measurements: [EvaluationRun.Measurement], in work: EvaluationRun.Work
  ) throws -> [EvaluationJob.Key: Set<OutcomeFile.Example>] {
    let pairs = try measurements.map { measurement in
      let blocks = try store.blocks(of: measurement.job, below: measurement.header)
      return (measurement.job.key, Set(blocks.flatMap(\.examples)))
    }
    return Dictionary(pairs) { $0.union($1) }
  }
}
