import Classification
import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness

/// Measures defences, of this package or another, on one network: what the command `evaluate` does, with the
/// same attacks, draws, records, stores and checks.
///
/// The undefended network is always among what is measured, as the others are compared with it.
public struct DefenceEvaluation: Sendable {
  /// What is put before the network, besides nothing.
  public var defences: [any Defence]
  /// What every defence meets, besides nothing.
  public var attacks: [AttackDescription]
  /// Test images, from the first; all if nil.
  public var count: Int?
  /// Names all random numbers.
  public var seed: UInt64
  /// Predictions that score an image of a randomised defence.
  public var scoringDraws: Int
  /// Predictions that choose the worst attack on an image before it is scored; 0 for no choice.
  public var selectionDraws: Int
  /// Images on which the sanity suite checks every defence under its worst attack; nil for no check, which the
  /// tables then say.
  public var sanityCount: Int?
  /// A folder where outcomes are kept as they come, so that a run which was interrupted goes on, and where
  /// `merge` finds them; nil to keep them in memory.
  public var store: URL?
  /// Runs the work.
  public var workers: WorkerPool
  /// What computes networks.
  public var kernels: KernelSet

  /// Defences under attacks, with what is usual for everything else.
  public init(_ defences: [any Defence], under attacks: [AttackDescription]) {
    let usual = EvaluationPlan()
    self.defences = defences
    self.attacks = attacks
    seed = usual.seed
    scoringDraws = usual.scoringDraws
    selectionDraws = usual.selectionDraws
    workers = WorkerPool()
    kernels = .best
  }

  /// Measures every defence under every attack; says on standard error how far it is.
  ///
  /// - Parameters:
  ///   - network: its normalisation is used.
  ///   - name: what tables call it.
  ///   - data: examples are its test images; defences may use the training images.
  ///   - dataset: what records call the data.
  /// - Throws: an error whose description says in one line what is wrong with the settings, or does not fit.
  public func run(
    _ network: Checkpoint, named name: String, on data: DatasetSplit, called dataset: String
  ) throws -> EvaluationSummary {
    let model = try EvaluationRun.Model(name: name, CheckpointFile(network.encoded()))
    let run = EvaluationRun(
      plan: EvaluationPlan(
        count: count, seed: seed, scoringDraws: scoringDraws, selectionDraws: selectionDraws,
        defences: [DefenceDescription(nil)] + defences.map { DefenceDescription($0) },
        attacks: [.none] + attacks),
      store: store, kernels: kernels, workers: workers, progress: ProgressReporter())
    let results = try run.run(model, on: data, called: dataset)
    return try run.summary(of: results, model, on: data, sanityCount: sanityCount)
  }
}

extension EvaluationRun {
  /// The records and tables of what was measured, checked if that is asked for; of a run over all images they
  /// are kept in the store too.
  ///
  /// - Parameter sanityCount: images for the sanity suite; nil to leave it out.
  package func summary(
    of results: [JobResult], _ model: Model, other: Model? = nil, on data: DatasetSplit,
    sanityCount: Int?
  ) throws -> EvaluationSummary {
    let reports = try sanityCount.map {
      try sanity(of: model, other: other, on: data, results: results, count: $0)
    }
    let summary = try EvaluationSummary(results, sanity: reports ?? [])
    // A part has no records of its own.
    if shard == .whole, let store {
      if let reports { try EvaluationStore(store).keep(reports) }
      try EvaluationStore(store).write(summary.records)
    }
    return summary
  }
}

extension EvaluationSummary {
  /// The summary of stores that hold a part of the examples each, as one run over all would have had it.
  ///
  /// - Throws: an error whose description says in one line why they do not fit together.
  public init(merging stores: [URL]) throws {
    let stores = stores.map { EvaluationStore($0) }
    let results = try EvaluationStore.merged(stores)
    try self.init(results, sanity: EvaluationStore.sanity(in: stores, of: results))
  }

  /// What a person reads: the checks, what must not be quoted, the table, and what would be taken for mistakes.
  public var text: String {
    let checks = sanity.flatMap {
      ["sanity of \($0.defence.title) under \($0.attack.title):", $0.table.plain()]
    }
    return (checks + [warning].compactMap(\.self) + [table.plain()] + remarks)
      .joined(separator: "\n")
  }

  /// The records, a JSON array.
  public func json() throws -> Data { try records.json() }
}

extension AttackDescription {
  /// No attack: the images as they are.
  public static let none = AttackDescription(AttackName.none)

  /// PGD on the bare network by an attacker who does not know of any defence, in the ℓ∞ ball.
  ///
  /// - Parameter steps: 50 unless given, as in plans.
  public static func pgd(epsilon: Epsilon, steps: Int? = nil) -> AttackDescription {
    AttackDescription(AttackName.pgd, epsilon: epsilon, steps: steps)
  }

  /// PGD in the ℓ∞ ball by an attacker who knows the defence: for every image the better of the attack through
  /// the network alone and through what the defence says of itself.
  ///
  /// - Parameters:
  ///   - steps: 50 unless given, as in plans.
  ///   - draws: of the defence for a gradient, 10 unless given.
  ///   - average: what the attacker takes the mean of over them.
  public static func adaptivePGD(
    epsilon: Epsilon, steps: Int? = nil, draws: Int? = nil,
    average: GradientAverage = .probabilities
  ) -> AttackDescription {
    AttackDescription(
      AttackName.adaptivePGD, epsilon: epsilon, steps: steps, draws: draws, average: average)
  }
}
