import Classification
import Datasets
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Synchronization
import Training

/// Measures a plan on one model.
package struct EvaluationRun: Sendable {
  package var plan: EvaluationPlan
  /// How defences of the plan were chosen by `matched(to:)`, for the records; empty where they were given.
  package var matched: [MatchedDefence] = []
  /// The file of images that stand in for the test images; nil for the data set's own.
  var images: ImageFile?
  /// Where outcomes are kept as they come; nil to keep them in memory only.
  var store: URL?
  package var shard: Shard
  /// What computes the networks, and the threads that share the images.
  var execution: Execution
  var progress: ProgressReporter

  package init(
    plan: EvaluationPlan, images: ImageFile? = nil, store: URL? = nil, shard: Shard = .whole,
    execution: Execution, progress: ProgressReporter
  ) {
    self.plan = plan
    self.images = images
    self.store = store
    self.shard = shard
    self.execution = execution
    self.progress = progress
  }

  /// Measures every defence under every attack, on the shard's part of the examples.
  ///
  /// - Parameters:
  ///   - model: the model under test.
  ///   - other: the model on which transfer attacks search.
  ///   - data: mixing partners are training images; examples are test images, unless they are from a file.
  package func run(
    _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    dataset: Dataset
  ) throws -> [JobResult] {
    try run(model, other: other, on: data, called: dataset.name)
  }

  /// As `run`, with the name that records have for the data set.
  func run(
    _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil, on data: DatasetSplit,
    called dataset: String
  ) throws -> [JobResult] {
    let work = try Work.kept(self, model, other, on: data, called: dataset)
    // While it lives, freed memory is kept for the next block.
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    let works = work.expectedWork(on: data, progress)
    progress.expect(
      atLeast: works.reduce(0, +) * Double(shard.positions(of: work.images.count).count))
    var results: [JobResult?] = Array(repeating: nil, count: work.jobs.count)
    do {
      // Attack by attack: one that ignores the defence is run once, its images serve all defences, and are let go then.
      for column in work.columns {
        let oblivious = work.setting.oblivious(column.attack)
        for place in column.places {
          results[place] = try measure(
            work.measurement(of: work.jobs[place], oblivious), of: work, perImage: works[place])
        }
      }
    } catch let interruption as Interrupted where store == nil {
      // They are on all images, and nobody will see them otherwise.
      for case let result? in results { progress.say("finished, and kept nowhere: \(result.text)") }
      throw interruption
    }
    return results.compactMap(\.self)
  }

  /// - Parameter perImage: what progress reckons for an image.
  private func measure(
    _ measurement: Measurement, of work: Work, perImage: Double
  ) throws -> JobResult {
    let job = measurement.job
    let positions = shard.positions(of: work.images.count)
    let file = try store.map {
      try OutcomeFile(EvaluationStore($0).file(of: job.key), header: measurement.header)
    }
    if let damage = file?.damage {
      progress.say(
        "\(measurement.title): line \(damage.lines.map { "\($0)" }.joined(separator: ", ")) of what is stored was damaged; "
          + "all of it is kept in \(damage.copy), and what is missing is measured again")
    }
    let wanted = positions.map(work.example)
    let parts = try store.map { folder in
      try OutcomeFile.blocks(
        in: OutcomeFile.parts(of: EvaluationStore(folder).file(of: job.key)),
        below: measurement.header)
    }
    let earlier = (file?.blocks ?? []) + (parts ?? [])
    let done = earlier.outcomes(of: wanted).found
    let remaining = positions.filter { !done.contains(work.example($0)) }
    if !done.isEmpty {
      progress.skip(
        "\(measurement.title): \(done.count) images", because: "done before",
        work: perImage * Double(done.count))
    }
    let blocks = Mutex(earlier)
    if !remaining.isEmpty {
      let stage = progress.stage(
        measurement.title, total: remaining.count, unit: "images",
        work: perImage * Double(remaining.count))
      try measurement.run(on: remaining, of: work, with: execution.workers) { block in
        try file?.append(block)
        blocks.withLock { $0.append(block) }
        // Images that were found for another defence took no time now, though the count is that of a search.
        try stage.advance(
          by: block.images.count,
          work: min(block.measured.passes.work, perImage * Double(block.images.count)))
      }
      stage.finish()
    }
    return measurement.result(blocks.withLock(\.self), of: wanted)
  }
}

extension JobResult {
  /// Predictions that scored every image.
  package var scoringDraws: Int { isRandomized ? job.circumstances.scoringDraws : 1 }

  /// The share of right predictions over all images and draws, with a 95% interval for the choice of images:
  /// what tables and records call accuracy.
  package var accuracy: (value: Double, interval: Interval) {
    guard scoringDraws > 1 else {
      let right = Proportion(outcomes.lazy.map(\.isCorrect))
      return (right.value, right.wilsonInterval())
    }
    return (repeated.mean, repeated.meanInterval())
  }

  /// Defence, attack and accuracy, in one line.
  fileprivate var text: String {
    let (value, interval) = accuracy
    let share = Reporting.interval(value, interval, decimals: 1, scale: 100, unit: "%")
    return "\(job.defence.title) under \(job.attack.title): \(share) of \(outcomes.count) images"
  }

  /// The outcomes in the form in which Statistics takes them.
  package var repeated: RepeatedOutcomes {
    RepeatedOutcomes(
      draws: scoringDraws,
      examples: outcomes.map {
        RepeatedOutcomes.Example(predictions: $0.predictions, label: $0.label)
      })
  }
}
