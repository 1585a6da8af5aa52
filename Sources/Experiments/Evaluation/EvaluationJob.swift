import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Robustness

/// One defence under one attack, with everything on which its outcomes depend besides the code.
package struct EvaluationJob: Codable, Hashable, Sendable {
  /// Raised with every change of the code that changes outcomes or their files.
  package static let currentSchema = 1

  package var schema = currentSchema
  /// How tables call the network.
  package var model: String
  /// What names its checkpoint's content: `CheckpointFile.identity`.
  package var checkpoint: String
  /// Of the pixels before the network.
  package var normalization: Normalization
  package var dataset: String
  package var split: String
  /// Where the examples stand in their files.
  package var indices: IndexRanges
  /// What mixing partners are drawn from; nil if the defence has none.
  package var pool: Pool?
  package var seed: UInt64
  package var kernelSet: KernelSet
  package var planProfile: PlanProfile
  package var scoringDraws: Int
  package var selectionDraws: Int
  package var defence: DefenceDescription
  package var attack: AttackDescription
  /// The same of the other network, of a transfer attack.
  package var other: String?

  package init(
    model: String, checkpoint: String, normalization: Normalization, dataset: String, split: String,
    indices: IndexRanges, pool: Pool?, seed: UInt64, kernelSet: KernelSet, planProfile: PlanProfile,
    scoringDraws: Int, selectionDraws: Int, defence: DefenceDescription, attack: AttackDescription,
    other: String? = nil
  ) {
    self.model = model
    self.checkpoint = checkpoint
    self.normalization = normalization
    self.dataset = dataset
    self.split = split
    self.indices = indices
    self.pool = pool
    self.seed = seed
    self.kernelSet = kernelSet
    self.planProfile = planProfile
    self.scoringDraws = scoringDraws
    self.selectionDraws = selectionDraws
    self.defence = defence
    self.attack = attack
    self.other = other
  }

  /// The training images without those set apart for validation.
  package struct Pool: Codable, Hashable, Sendable, CustomStringConvertible {
    package var split: String
    package var images: Int
    /// SHA-256 of their indices, as text with commas.
    package var indices: String

    package var description: String {
      "\(images) of \(split), SHA-256 of indices \(indices)"
    }
  }

  /// What the attacker knows: "nothing" without an attack, "network", "defence" with the law of its
  /// randomness, but not its draws, or "another network".
  package var knowledge: String {
    guard attack.name.search != .none else { return "nothing" }
    return attack.name.knowledge == .otherNetwork
      ? "another network" : attack.name.knowledge.rawValue
  }

  /// A name for a file: what a person looks for, and a part of a digest that tells apart what differs
  /// elsewhere.
  func fileName() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let digest = sha256(try encoder.encode(self)).prefix(12)
    let model = String(
      self.model.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }.prefix(60))
    return "\(model)-\(defence.name.rawValue)-\(attack.name.rawValue)-\(digest).jsonl"
  }
}

/// Indices in rising order as text: "0-499,600".
package struct IndexRanges: Codable, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ indices: [Int]) {
    var runs: [ClosedRange<Int>] = []
    for index in indices.sorted() {
      if let last = runs.last, index == last.upperBound + 1 {
        runs[runs.count - 1] = last.lowerBound...index
      } else {
        runs.append(index...index)
      }
    }
    description = runs.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
  }

  package init(from decoder: any Decoder) throws {
    description = try decoder.singleValueContainer().decode(String.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// What was measured of a job.
package struct JobResult: Sendable {
  package var job: EvaluationJob
  /// Whether the defence is scored on several draws.
  package var isRandomized: Bool
  package var forwardPassesPerDecision: Int
  /// Of the checkpoint's file, where there is one; of no consequence for the outcomes.
  package var origin: CheckpointFile.Origin?
  /// Every example, in the order of the indices.
  package var outcomes: [EvaluationResult.Outcome]
  package var passes: PassMeter.Count
  /// Time of all threads together.
  package var seconds: Double
}
