import Classification
import Datasets
import Kernels
import NeuralNetwork
import Robustness

/// A model under evaluation, wherever it comes from: what records and stores have to know of it, and how
/// images are given to it.
package protocol EvaluatedModel: Sendable {
  /// How tables and records call it.
  var name: String { get }
  /// What names its content: models that may answer differently differ here.
  var digest: String { get }
  /// What records tell of its file besides; nil without a file.
  var origin: CheckpointFile.Origin? { get }
  /// What records tell of the process that computes it; nil of a model that is computed here.
  var process: EvaluationRecord.Process? { get }
  /// How pixels are scaled before they enter the network; nil where the model does so itself.
  var normalization: Normalization? { get }
  /// The shape of the images that it takes.
  var imageShape: ImageShape { get }
  /// The number of its classes.
  var classCount: Int { get }
  /// The seed by which validation images are set apart: that of the model's training, so that it was not
  /// trained on them; 1, the default of `train`, where that is not known. The seed of an evaluation has no
  /// part in it.
  var splitSeed: UInt64 { get }
  /// Whether attacks can follow its gradient. Of a model without, `classifier` gives one that throws
  /// `ClassifierError.noGradient` where it is asked for one.
  var hasGradient: Bool { get }
  /// As many images as suit it at once; nil for the evaluation's own choice. No outcome depends on it.
  var batchSize: Int? { get }

  /// The model, ready to be asked.
  ///
  /// - Parameter kernels: the kernel set, of a network that is computed here.
  func classifier(kernels: KernelSet) throws -> any DifferentiableClassifier
}

extension EvaluatedModel {
  /// Nil: no file.
  package var origin: CheckpointFile.Origin? { nil }
  /// Nil: it is computed here.
  package var process: EvaluationRecord.Process? { nil }
  /// 1: nothing is known of its training.
  package var splitSeed: UInt64 { 1 }
  /// True.
  package var hasGradient: Bool { true }
  /// Nil: the evaluation chooses.
  package var batchSize: Int? { nil }

  /// - Throws: `AttackError` or `ClassifierError` unless the model takes images of that shape and has as many
  ///   classes.
  package func check(_ images: LabelledImages) throws {
    guard classCount == images.classCount else {
      throw AttackError.classCount(model: classCount, data: images.classCount)
    }
    guard imageShape == images.pixels.imageShape else {
      throw ClassifierError.imageShape(expected: imageShape, found: images.pixels.imageShape)
    }
  }
}

/// A network that is computed here, from a checkpoint.
package struct CheckpointModel: EvaluatedModel {
  package var name: String
  package var checkpoint: Checkpoint
  /// The digest of its content: `CheckpointFile.identity`.
  package var digest: String
  package var origin: CheckpointFile.Origin?
  /// How its training went, where that is known.
  package var curve: LearningCurve?

  package init(
    name: String, checkpoint: Checkpoint, digest: String, origin: CheckpointFile.Origin? = nil,
    curve: LearningCurve? = nil
  ) {
    self.name = name
    self.checkpoint = checkpoint
    self.digest = digest
    self.origin = origin
    self.curve = curve
  }

  /// The network of a file.
  ///
  /// - Throws: `CheckpointError.noNormalization`.
  package init(
    name: String, _ file: CheckpointFile, curve: LearningCurve? = nil
  ) throws(CheckpointError) {
    guard let identity = file.identity else { throw .noNormalization }
    self.init(
      name: name, checkpoint: try file.checkpoint(), digest: identity,
      origin: file.origin, curve: curve)
  }

  package var normalization: Normalization? { checkpoint.normalization }
  package var imageShape: ImageShape { checkpoint.architecture.imageShape }
  package var classCount: Int { checkpoint.architecture.classCount }
  package var splitSeed: UInt64 { checkpoint.recipe?.seed ?? 1 }

  package func classifier(kernels: KernelSet) throws -> any DifferentiableClassifier {
    try NetworkClassifier(InferencePlan(checkpoint, kernels: kernels))
  }
}
