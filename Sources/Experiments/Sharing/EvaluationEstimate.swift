import Classification
import Datasets
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Synchronization

/// What an evaluation will take, estimated from a few units that were measured here.
package struct EvaluationEstimate: Sendable, Reported {
  /// What was measured of one attack, behind every defence.
  package struct Column: Sendable {
    /// The attack, for a person.
    package var title: String
    /// Units that it is cut into.
    package var units: Int
    /// Images in a unit.
    package var size: Int
    /// Seconds of one thread for each of the units that were measured, or were made up of measured images.
    package var seconds: [Double]
    /// Images that were measured.
    package var images: Int
    /// Passes for an image; forward are those that were made and those that were left out.
    package var passes: PassMeter.Count

    package init(
      title: String, units: Int, size: Int, seconds: [Double], images: Int, passes: PassMeter.Count
    ) {
      self.title = title
      self.units = units
      self.size = size
      self.seconds = seconds
      self.images = images
      self.passes = passes
    }

    var meanSeconds: Double { seconds.reduce(0, +) / Double(max(1, seconds.count)) }

    /// The standard deviation of the seconds; nil of fewer than two.
    var spread: Double? {
      guard seconds.count > 1 else { return nil }
      let squares = seconds.reduce(0) { $0 + ($1 - meanSeconds) * ($1 - meanSeconds) }
      return (squares / Double(seconds.count - 1)).squareRoot()
    }
  }

  /// What was measured of every attack.
  package var columns: [Column]
  /// Threads of a task.
  package var threads: Int
  /// Seconds from the start of a process to its first unit: the model, the data, the plan.
  package var start: Double
  /// The most memory that the process had, in bytes.
  package var memory: Int

  package init(columns: [Column], threads: Int, start: Double, memory: Int) {
    self.columns = columns
    self.threads = threads
    self.start = start
    self.memory = memory
  }

  /// Seconds of one thread that all units take together.
  package var work: Double { columns.reduce(0) { $0 + Double($1.units) * $1.meanSeconds } }

  /// Seconds until the last of `tasks` tasks ends that all begin now: each of their threads takes the next
  /// unit when it is free, and units take as long as those that were measured, by chance.
  ///
  /// - Complexity: O(u log(tasks · threads)) for u units.
  package func seconds(tasks: Int) -> Double {
    var stream = RandomStream(RandomKey(seed: 1, purpose: .measure))
    // When each thread will be free, the earliest first: a heap.
    var free = [Double](repeating: start, count: tasks * threads)
    for column in columns where !column.seconds.isEmpty {
      for _ in 0..<column.units {
        free[0] += column.seconds[stream.integer(below: column.seconds.count)]
        var place = 0
        while true {
          let children = [2 * place + 1, 2 * place + 2].filter { $0 < free.count }
          guard let next = children.min(by: { free[$0] < free[$1] }), free[next] < free[place]
          else {
            break
          }
          free.swapAt(place, next)
          place = next
        }
      }
    }
    return free.max() ?? start
  }

  /// The numbers of tasks that are told: doubled until that wins less than a tenth, or up to 1024.
  package var table: [(tasks: Int, seconds: Double, efficiency: Double)] {
    var rows: [(tasks: Int, seconds: Double, efficiency: Double)] = []
    var tasks = 1
    while tasks <= 1024 {
      let seconds = seconds(tasks: tasks)
      if let last = rows.last, seconds > 0.9 * last.seconds { break }
      rows.append(
        (tasks, seconds, rows.isEmpty ? 1 : rows[0].seconds / (Double(tasks) * seconds)))
      tasks *= 2
    }
    return rows
  }

  /// What programs read of an estimate.
  package struct Record: Encodable, Sendable {
    struct Attack: Encodable, Sendable {
      var attack: String
      var units, imagesPerUnit, forwardPasses, backwardPasses: Int
      var secondsPerUnit: Double
      var spread: Double?
    }
    struct Tasks: Encodable, Sendable {
      var tasks: Int
      var seconds, efficiency: Double
    }
    var attacks: [Attack]
    var tasks: [Tasks]
    /// Of one thread.
    var secondsOfWork: Double
    var secondsToBegin: Double
    var threads: Int
    var bytes: Int
  }

  package var record: Record {
    Record(
      attacks: columns.map {
        Record.Attack(
          attack: $0.title, units: $0.units, imagesPerUnit: $0.size,
          forwardPasses: $0.passes.forward, backwardPasses: $0.passes.backward,
          secondsPerUnit: $0.meanSeconds, spread: $0.spread)
      },
      tasks: table.map {
        Record.Tasks(tasks: $0.tasks, seconds: $0.seconds, efficiency: $0.efficiency)
      }, secondsOfWork: work, secondsToBegin: start, threads: threads, bytes: memory)
  }

  /// The estimate for a terminal.
  package var printout: Printout {
    let attacks = Table(
      columns: [
        "attack", "units", "images each", "passes an image", "seconds a unit", "spread", "measured",
      ],
      rows: columns.map { column in
        [
          Table.Cell(column.title), Table.Cell("\(grouped(column.units))"),
          Table.Cell("\(column.size)"),
          Table.Cell(
            "\(grouped(column.passes.forward)) + \(grouped(column.passes.backward))"
          ),
          Table.Cell(fixed(column.meanSeconds, decimals: 2)),
          Table.Cell(column.spread.map { "±\(fixed($0, decimals: 2))" } ?? "–"),
          Table.Cell("\(column.images) images"),
        ]
      })
    let rows = table
    let tasks = Table(
      columns: ["tasks", "until the last ends", "efficiency"],
      rows: rows.map {
        [
          Table.Cell("\($0.tasks)"), Table.Cell(duration($0.seconds)),
          Table.Cell("\(fixed(100 * $0.efficiency, decimals: 0))%"),
        ]
      })
    let most = rows.last?.tasks ?? 1
    let work = [
      "passes are forward + backward, of all defences together; spread is the standard deviation over the units measured",
      "about \(duration(self.work)) of one thread like this machine's, \(fixed(self.work / 3600, decimals: 2)) core hours; a task of "
        + "\(threads) thread\(threads == 1 ? "" : "s") needs \(fixed(Double(memory) / 1_048_576, decimals: 0)) MiB or more, and "
        + "\(duration(start)) to begin",
    ].joined(separator: "\n")
    let limit =
      most < 1024
      ? "more than \(most) tasks win little: twice as many would be less than a tenth sooner"
      : "more than 1024 tasks were not looked at"
    return "\(attacks)\n\(work)\n\(tasks)\n\(limit)"
  }
}

extension EvaluationRun {
  /// Measures a few units of every attack, all threads at work, and says what all will take.
  ///
  /// - Parameters:
  ///   - unit: images in a unit; nil for as many as `share` takes.
  ///   - patience: seconds after which no further unit of an attack is begun.
  ///   - started: seconds since the process began.
  package func estimate(
    _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    dataset: Dataset, unit: Int?, patience: Double = 10, started: () -> Double
  ) throws -> EvaluationEstimate {
    let work = try Work(self, model, other, on: data, called: dataset.name)
    let (columns, units) = try work.units(of: unit)
    let workers = execution.workers
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    let start = started()
    let stage = progress.stage("estimate", total: columns.count, unit: "attacks")
    let measured = try columns.indices.map { number in
      let own = units.filter { $0.column == number }.map(\.positions)
      let size = own.first?.count ?? 1
      /// Measures some pieces at once; seconds and passes of each.
      func measure(_ pieces: [[Int]]) throws -> [(seconds: Double, passes: PassMeter.Count)] {
        try workers.map(count: pieces.count) { piece in
          let sum = Mutex((seconds: 0.0, passes: PassMeter.Count()))
          for measurement in columns[number].measurements {
            try measurement.run(
              on: pieces[piece], of: work
            ) { block in
              sum.withLock {
                $0.seconds += block.measured.seconds
                $0.passes = $0.passes + block.measured.passes
              }
            }
          }
          return sum.withLock(\.self)
        }
      }
      let begun = monotonicSeconds()
      // One image says whether whole units can be waited for.
      let first = try measure([[own[0][0]]])[0]
      let isCheap = first.seconds * Double(size) <= patience / 2
      var found: [(seconds: Double, passes: PassMeter.Count)] = isCheap ? [] : [first]
      let piece = isCheap ? size : 1
      // Spread over all images, each once.
      let pieces = own.filter { $0.count == size }.map { Array($0.prefix(piece)) }
      let most = max(1, min(8, pieces.count))
      for round in 0..<4 {
        let chosen = (0..<workers.threadCount).map { round * workers.threadCount + $0 }
          .filter { $0 < most }.map { pieces[$0 * pieces.count / most] }
        guard !chosen.isEmpty, found.isEmpty || monotonicSeconds() - begun < patience else { break }
        found += try measure(chosen)
      }
      try stage.advance()
      let images = found.count * piece
      let passes = found.reduce(PassMeter.Count()) { $0 + $1.passes }
      func average(_ count: Int) -> Int { Int((Double(count) / Double(images)).rounded()) }
      return EvaluationEstimate.Column(
        title: columns[number].measurements.first?.job.attack.shortTitle ?? "", units: own.count,
        size: size,
        seconds: found.map { $0.seconds * Double(size) / Double(piece) }, images: images,
        passes: PassMeter.Count(
          forward: average(passes.forward + passes.spared), backward: average(passes.backward)))
    }
    stage.finish()
    return EvaluationEstimate(
      columns: measured, threads: workers.threadCount, start: start,
      memory: peakMemory())
  }
}

/// The most memory that this process has had so far, in bytes.
private func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}

extension AttackDescription {
  /// Name, norm and radius.
  fileprivate var shortTitle: String {
    ([name.rawValue] + (epsilon.map { [norm.rawValue, $0.description] } ?? []))
      .joined(separator: " ")
  }
}
