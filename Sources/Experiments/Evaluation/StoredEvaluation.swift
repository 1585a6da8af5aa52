import Classification
import Foundation
import Robustness

/// What a run was asked to measure, even if it measures only a shard: which jobs, on which images. It tells
/// which outcomes of a store belong together, and which are missing.
package struct StoredEvaluation: Keepable, Hashable, Sendable {
  /// Every defence under every attack, in the order of the plan.
  package var jobs: [EvaluationJob]
  /// The images' indices in the files of the data set.
  package var indices: [Int]
  /// The images' identities, as `LabelledImages.identities`.
  package var images: [String]

  package init(jobs: [EvaluationJob], indices: [Int], images: [String]) {
    self.jobs = jobs
    self.indices = indices
    self.images = images
  }

  /// The images under their indices, in order.
  var examples: [OutcomeFile.Example] {
    zip(indices, images).map { OutcomeFile.Example(index: $0, image: $1) }
  }

  package var isSound: Bool {
    !jobs.isEmpty && jobs.isSound && indices.count == images.count
      && Set(indices).count == indices.count
      && indices.allSatisfy { Believable.count ~= $0 }
  }

  /// Whether it asks for the same jobs as another one, on all of its images and perhaps more.
  func contains(_ other: StoredEvaluation) -> Bool {
    jobs.map(\.key) == other.jobs.map(\.key) && Set(other.examples).isSubset(of: examples)
  }

  /// In what another evaluation differs, for a person, by the difference that tells most; nil if one only
  /// has more images than the other.
  func difference(from other: StoredEvaluation) -> String? {
    guard let mine = jobs.first, let theirs = other.jobs.first else { return "the plan" }
    func said<Value: Equatable>(
      _ name: String, _ value: (EvaluationJob) -> Value, _ text: (Value) -> String = { "\($0)" }
    ) -> String? {
      value(mine) == value(theirs)
        ? nil : "the \(name): \(text(value(mine))) and \(text(value(theirs)))"
    }
    func titles(_ jobs: [EvaluationJob]) -> String {
      jobs.map { "\($0.defence.title) under \($0.attack.title)" }.joined(separator: ", ")
    }
    let differences: [String?] = [
      said("seed", \.circumstances.seed),
      said("network", \.circumstances.checkpoint) { String($0.prefix(12)) },
      said("scale of its input", \.circumstances.normalization) { $0?.description ?? "its own" },
      said("kernel set", \.circumstances.kernelSet, \.rawValue),
      said("plan profile", \.circumstances.planProfile) { $0?.rawValue ?? "none" },
      said("number of scoring draws", \.circumstances.scoringDraws),
      said("number of selection draws", \.circumstances.selectionDraws),
    ]
    if let difference = differences.compactMap(\.self).first { return difference }
    guard jobs.map(\.key) == other.jobs.map(\.key) else {
      return "the plan: \(titles(jobs)) and \(titles(other.jobs))"
    }
    return contains(other) || other.contains(self)
      ? nil : "the images: \(mine.indices) and \(theirs.indices), or what they are"
  }
}
