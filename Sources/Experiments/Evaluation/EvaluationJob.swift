import Classification
import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Robustness

/// One defence under one attack on some images.
package struct EvaluationJob: Keepable, Hashable, Sendable {
  /// How tables call the network.
  package var model: String
  package var dataset: String
  package var split: Split
  /// The file that the images are from; nil for the data set's own.
  package var images: EvaluationRecord.Images?
  /// A digest of the images, and how many of them occur twice or are training images.
  package var examples: EvaluationRecord.Examples?
  /// The images' indices in the files of the data set.
  package var indices: IndexRanges
  /// What mixing partners are drawn from; nil if the defence has none.
  package var pool: Pool?
  package var defence: DefenceDescription
  package var attack: AttackDescription
  /// Everything else that the outcomes depend on.
  package var circumstances: Circumstances
  /// What records tell of the checkpoint's file, where there is one; the outcomes do not depend on it.
  package var origin: CheckpointFile.Origin?
  /// What records tell of the process that computes the model, if one does; the outcomes depend on what the
  /// circumstances say of it.
  package var process: EvaluationRecord.Process?
  /// How the defence's setting was chosen; nil if it was given.
  package var matching: EvaluationRecord.Matching?

  package init(
    model: String, dataset: String, split: Split, images: EvaluationRecord.Images? = nil,
    examples: EvaluationRecord.Examples? = nil, indices: IndexRanges, pool: Pool?,
    defence: DefenceDescription, attack: AttackDescription, circumstances: Circumstances,
    origin: CheckpointFile.Origin? = nil, process: EvaluationRecord.Process? = nil,
    matching: EvaluationRecord.Matching? = nil
  ) {
    self.matching = matching
    self.model = model
    self.dataset = dataset
    self.split = split
    self.images = images
    self.examples = examples
    self.indices = indices
    self.pool = pool
    self.defence = defence
    self.attack = attack
    self.circumstances = circumstances
    self.origin = origin
    self.process = process
  }

  package var isSound: Bool {
    circumstances.isSound && defence.isSound && attack.isSound
      && pool.map { Believable.count ~= $0.images } ?? true
      && examples.map {
        Believable.count ~= $0.repeated && Believable.count ~= $0.training
      } ?? true
      && matching.map {
        Believable.count ~= $0.images
          && $0.candidates.map(\.accuracy).allSatisfy { Believable.share ~= $0 }
      } ?? true
  }

  /// What records call the images of a data set, or of a file in their place.
  package enum Split: String, Codable, Sendable {
    case training, test, file
  }

  /// What all jobs of a run have in common.
  package struct Circumstances: Codable, Hashable, Sendable {
    /// What names the model's content: of a network that is computed here, the identity of its checkpoint.
    package var checkpoint: String
    /// How pixels are scaled before they enter the network; nil where the model does so itself.
    package var normalization: Normalization?
    /// What names the content of the other model, of a transfer attack.
    package var other: String?
    package var seed: UInt64
    package var kernelSet: KernelSet
    /// How the network was compiled; nil of a model that is computed elsewhere.
    package var planProfile: PlanProfile?
    package var scoringDraws: Int
    package var selectionDraws: Int

    var isSound: Bool {
      plannedCounts ~= scoringDraws && 0...plannedCounts.upperBound ~= selectionDraws
    }

    package init(
      checkpoint: String, normalization: Normalization?, other: String? = nil, seed: UInt64,
      kernelSet: KernelSet, planProfile: PlanProfile?, scoringDraws: Int, selectionDraws: Int
    ) {
      self.checkpoint = checkpoint
      self.normalization = normalization
      self.other = other
      self.seed = seed
      self.kernelSet = kernelSet
      self.planProfile = planProfile
      self.scoringDraws = scoringDraws
      self.selectionDraws = selectionDraws
    }
  }

  /// The training images without those set apart for validation.
  package struct Pool: Codable, Hashable, Sendable, CustomStringConvertible {
    package var split: Split
    package var images: Int
    /// SHA-256 of their indices, classes and pixels.
    package var identity: String

    package var description: String {
      "\(images) of \(split), SHA-256 \(identity)"
    }
  }

  /// What the attacker knows; nil without an attack.
  package var knowledge: AttackName.Knowledge? {
    attack.name.search == .none ? nil : attack.name.knowledge
  }

  /// What an image's outcome depends on besides the image and its index, and no more: neither what files
  /// are called, nor how a radius is written, nor which other images are measured.
  package struct Key: Codable, Hashable, Sendable {
    /// Raised with every change of the code that changes outcomes or their files.
    package static let currentSchema = 3

    package var schema = currentSchema
    package var circumstances: Circumstances
    /// The identity of the mixing pool.
    package var pool: String?
    package var defence: DefenceDescription
    package var attack: AttackDescription

    package init(
      circumstances: Circumstances, pool: String?, defence: DefenceDescription,
      attack: AttackDescription
    ) {
      self.circumstances = circumstances
      self.pool = pool
      self.defence = defence
      self.attack = attack.canonical
    }

    /// The name of the file for the outcomes: defence and attack for a person to find it by, and a part of
    /// the key's digest, which differs wherever keys differ.
    package func fileName() throws -> String {
      let digest = sha256(try JSONEncoder.canonical.encode(self)).prefix(16)
      return "\(defence.name.rawValue)-\(attack.name.rawValue)-\(digest).jsonl"
    }
  }

  /// The key under which a store keeps the job's outcomes.
  package var key: Key {
    Key(
      circumstances: circumstances, pool: pool?.identity, defence: defence,
      attack: attack)
  }
}

extension JSONEncoder {
  /// Sorted keys on one line: equal values are equal bytes.
  static var canonical: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}

/// Indices in rising order as text: "0-499,600".
package struct IndexRanges: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package init(_ indices: [Int]) {
    var runs: [ClosedRange<Int>] = []
    for index in indices.sorted() {
      if let last = runs.last, index == last.upperBound + 1 {
        runs[runs.count - 1] = last.lowerBound...index
      } else {
        runs.append(index...index)
      }
    }
    rawValue = runs.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
  }

  package var description: String { rawValue }
}

/// What was measured of a job.
package struct JobResult: Sendable {
  package var job: EvaluationJob
  /// Whether the defence is scored on several draws.
  package var isRandomized: Bool
  package var forwardPassesPerDecision: Int
  /// Every example, in the order of the indices.
  package var outcomes: [EvaluationResult.Outcome]
  /// What it cost to attack and to judge the examples. Nil if some are from a block of a store that holds
  /// other examples too, as a block's cost is counted for all of its examples together.
  package var cost: Cost?
  /// The identity of the image at every index, as `LabelledImages.identities`, before any attack.
  package var images: [Int: String]

  /// The result that outcomes make up, in whatever order they come.
  package init(
    job: EvaluationJob, isRandomized: Bool, forwardPassesPerDecision: Int,
    outcomes: [EvaluationResult.Outcome], cost: Cost?, images: [OutcomeFile.Example] = []
  ) {
    self.images = Dictionary(images.map { ($0.index, $0.image) }, uniquingKeysWith: { $1 })
    self.job = job
    self.isRandomized = isRandomized
    self.forwardPassesPerDecision = forwardPassesPerDecision
    self.outcomes = outcomes.sorted { $0.index < $1.index }
    self.cost = cost
  }

  /// What measuring took.
  package struct Cost: Sendable, Hashable {
    package var passes: PassMeter.Count
    /// Seconds of all threads, added up.
    package var seconds: Double
    /// Seconds for an image, of every block by itself: how much they differ says how sure their mean is.
    package var secondsByBlock: [Double]

    package init(passes: PassMeter.Count, seconds: Double, secondsByBlock: [Double]) {
      self.passes = passes
      self.seconds = seconds
      self.secondsByBlock = secondsByBlock
    }

    package static let nothing = Cost(passes: PassMeter.Count(), seconds: 0, secondsByBlock: [])

    package static func + (a: Cost, b: Cost) -> Cost {
      Cost(
        passes: a.passes + b.passes, seconds: a.seconds + b.seconds,
        secondsByBlock: a.secondsByBlock + b.secondsByBlock)
    }
  }
}
