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
  /// The defences that are put before the network. The network alone is measured too.
  public var defences: [any Defence]
  /// The attacks under which every defence is measured. Clean images are measured too.
  public var attacks: [AttackDescription]
  /// Test images, from the first; all if nil.
  public var count: Int?
  /// The seed of all random numbers.
  public var seed: UInt64
  /// Predictions that score an image of a randomised defence.
  public var scoringDraws: Int
  /// Predictions that choose the worst attack on an image before it is scored; 0 for no choice.
  public var selectionDraws: Int
  /// Images on which the sanity suite checks every defence under its worst attack; nil for no check. The
  /// tables say whether there was one.
  public var sanityCount: Int?
  /// A folder where outcomes are kept as they come, so that a run which was interrupted goes on, and where
  /// `merge` finds them; nil to keep them in memory.
  public var store: URL?
  /// The threads that do the work.
  public var workers: WorkerPool
  /// The kernel set that computes networks.
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
  ///   - network: the network, with its own normalisation.
  ///   - name: what tables call it.
  ///   - data: defences are measured on its test images, and may use its training images.
  ///   - dataset: what records call the data.
  /// - Throws: an error whose description says in one line what is wrong with the settings, or what of
  ///   network, data and store does not fit together.
  public func run(
    _ network: Checkpoint, named name: String, on data: DatasetSplit, called dataset: String
  ) throws -> EvaluationSummary {
    let model = try CheckpointModel(name: name, CheckpointFile(network.encoded()))
    let run = EvaluationRun(
      plan: EvaluationPlan(
        count: count, seed: seed, scoringDraws: scoringDraws, selectionDraws: selectionDraws,
        defences: [DefenceDescription(nil)] + defences.map { DefenceDescription($0) },
        attacks: [.none] + attacks),
      store: store, execution: Execution(kernels: kernels, workers: workers),
      progress: ProgressReporter())
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
    of results: [JobResult], _ model: any EvaluatedModel, other: (any EvaluatedModel)? = nil,
    on data: DatasetSplit,
    sanityCount: Int?
  ) throws -> EvaluationSummary {
    let reports = try sanityCount.map {
      try sanity(of: model, other: other, on: data, results: results, count: $0)
    }
    let summary = try EvaluationSummary(results, sanity: reports ?? [])
    // The records of a shard would be incomplete; `merge` makes those of the whole.
    if shard == .whole, let store {
      if let reports { try EvaluationStore(store).keep(reports) }
      try EvaluationStore(store).write(summary.records)
    }
    return summary
  }
}

extension EvaluationSummary: Reported {
  /// The summary of stores that hold a part of the examples each, as one run over all would have had it.
  ///
  /// - Throws: an error whose description says in one line why they do not fit together.
  public init(merging stores: [URL]) throws {
    let stores = stores.map { EvaluationStore($0) }
    let results = try EvaluationStore.merged(stores)
    try self.init(results, sanity: EvaluationStore.sanity(in: stores, of: results))
  }

  /// The summary for a terminal: the checks, the figures that must not be quoted, the table, and remarks on
  /// what a reader could take for a mistake.
  public var text: String { printout.text() }

  package var printout: Printout {
    let checks = sanity.map { check -> Printout in
      "sanity of \(check.defence.title) under \(check.attack.title):\n\(check.table)"
    }
    return .lines(
      checks + [warning.map { Printout($0) }].compactMap(\.self)
        + ["\(table)\n\(remarks.joined(separator: "\n"))"])
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

  /// PGD in the ℓ∞ ball by an attacker who knows the defence: for every image the better of the attack
  /// through the network alone and the attack through the defence.
  ///
  /// - Parameters:
  ///   - steps: 50 unless given, as in plans.
  ///   - draws: random draws of the defence that are averaged for one gradient, 10 unless given.
  ///   - average: what is averaged over them.
  public static func adaptivePGD(
    epsilon: Epsilon, steps: Int? = nil, draws: Int? = nil,
    average: GradientAverage = .probabilities
  ) -> AttackDescription {
    AttackDescription(
      AttackName.adaptivePGD, epsilon: epsilon, steps: steps, draws: draws, average: average)
  }
}
