import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Robustness
import Statistics

/// Certificates of images, with everything that is needed to find them again, and what they come to.
package struct CertificationRecord: Encodable, Sendable {
  /// Raised with every change of the layout.
  static let schema = 2
  package let schema = Self.schema
  /// How tables call the network.
  package var model: String
  package var checkpoint: String
  package var origin: CheckpointFile.Origin?
  package var process: EvaluationRecord.Process?
  package var normalization: Normalization?
  package var dataset: String
  package var split = EvaluationJob.Split.test
  package var examples: EvaluationRecord.Examples
  /// The indices of the images that are certified here.
  package var indices: IndexRanges
  package var pool: EvaluationJob.Pool?
  package var defence: SmoothedDefence
  /// The standard deviation of the noise, on the pixel scale, as if it were added to the image: σ; behind mixing σ/λ, as
  /// the image is scaled by λ before noise is added.
  package var inputSigma: Double
  package var norm = PerturbationBudget.Norm.l2
  package var votes: Certification.Votes
  /// α: the chance, at most, that the certificate of an image is wrong.
  package var level: Double
  /// "sequence" if draws end as soon as the question is decided, "fixed" if their number is fixed beforehand.
  package var rule: String
  /// The most draws of each law of the random images, or the fixed number.
  package var drawLimit: Int
  package var seed: UInt64
  package var kernelSet: KernelSet
  package var planProfile: PlanProfile?
  /// How many laws the random images may have. Without mixing it is one. Behind mixing it is one for every class, as the
  /// partners depend on the predicted class and an attacker may change that; a certificate holds under all.
  package var lawCount: Int
  /// Whether the certificates were broken within their radii; nil if nobody tried.
  package var sanity: SanityVerdict?
  /// What came out, radius by radius.
  package var radii: [Row]
  /// Every image.
  package var images: [Certificate]

  /// All images at one radius.
  package struct Row: Codable, Sendable, Equatable {
    /// In ℓ2, on the pixel scale.
    package var radius: Double
    /// Images whose certified class is the true one.
    package var correct: Int
    /// Images that are certified in a class that is not.
    package var wrong: Int
    /// Images of which it was shown that the radius cannot be certified; at radius 0 those that abstain. A fixed number
    /// of draws shows this of none.
    package var refuted: Int
    /// Images that the draws did not decide.
    package var undecided: Int
    /// `correct` over all images, with Wilson's 95% interval for the choice of images.
    package var certifiedAccuracy: Double
    package var interval: Interval
    /// The draws of an image that asking for this radius alone takes, those that choose the class among them. Files of
    /// schema 1 do not tell it.
    package var draws: DrawCounts?
  }

  /// How many draws images took.
  package struct DrawCounts: Codable, Sendable, Equatable {
    package var median: Double
    package var mean: Double
    package var most: Int

    init(_ counts: [Int]) {
      let counts = counts.sorted()
      median =
        counts.isEmpty
        ? 0 : Double(counts[(counts.count - 1) / 2] + counts[counts.count / 2]) / 2
      mean = Double(counts.reduce(0, +)) / Double(max(counts.count, 1))
      most = counts.last ?? 0
    }
  }

  /// The draws of an image for all radii together.
  package var draws: DrawCounts { DrawCounts(images.map(\.draws)) }

  init(
    model: String, digest: String, origin: CheckpointFile.Origin?,
    process: EvaluationRecord.Process?, normalization: Normalization?, dataset: String,
    examples: EvaluationRecord.Examples, indices: IndexRanges, pool: EvaluationJob.Pool?,
    defence: SmoothedDefence, certification: Certification, kernelSet: KernelSet,
    planProfile: PlanProfile?, classCount: Int, certificates: [Certificate]
  ) {
    self.model = model
    checkpoint = digest
    self.origin = origin
    self.process = process
    self.normalization = normalization
    self.dataset = dataset
    self.examples = examples
    self.indices = indices
    self.pool = pool
    self.defence = defence
    inputSigma = defence.standardDeviation
    votes = certification.votes
    level = certification.level
    switch certification.rule {
    case .sequence: rule = "sequence"
    case .fixed: rule = "fixed"
    }
    drawLimit = certification.rule.limit
    seed = certification.seed
    self.kernelSet = kernelSet
    self.planProfile = planProfile
    lawCount = defence.usesTrainingImages ? classCount : 1
    radii = certification.radii.enumerated().map { place, radius in
      let verdicts = certificates.map { $0.verdict(on: place) }
      let correct = Proportion(
        zip(certificates, verdicts).map { $0.isCorrect && $1 == .atLeast })
      return Row(
        radius: radius, correct: correct.successes,
        wrong: verdicts.count { $0 == .atLeast } - correct.successes,
        refuted: verdicts.count { $0 == .below }, undecided: verdicts.count { $0 == .open },
        certifiedAccuracy: correct.value, interval: correct.wilsonInterval(),
        draws: DrawCounts(certificates.map { $0.draws(on: place) }))
    }
    images = certificates.sorted { $0.index < $1.index }
  }
}
