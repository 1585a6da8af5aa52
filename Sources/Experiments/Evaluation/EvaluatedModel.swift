import Classification
import Datasets
import Foundation
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
  /// - Parameter execution: of a network that is computed here the kernel set, and the threads that share the
  ///   images of a call where those that call leave some idle.
  func classifier(on execution: Execution) throws -> any DifferentiableClassifier
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
  /// In what it computes; others than Float32 need a calibrated checkpoint.
  package var arithmetic = Arithmetic.float32
  /// Whether attacks follow the gradient of the network in Float32 where the arithmetic has none.
  package var followsFloat32 = false

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

  /// The network of a file in an arithmetic, with digest and name of its own.
  ///
  /// - Parameters:
  ///   - arithmetic: nil for int8 of a calibrated file, and Float32 of any other.
  ///   - followsFloat32: whether attacks follow the gradient of the network in Float32.
  /// - Throws: `QuantizationError` for a file that cannot be computed so; `CheckpointError.noNormalization`.
  package init(
    name: String, _ file: CheckpointFile, in arithmetic: Arithmetic?, followsFloat32: Bool
  ) throws {
    try self.init(name: name, file)
    self.arithmetic = arithmetic ?? (checkpoint.quantization == nil ? .float32 : .int8)
    guard self.arithmetic != .float32 else { return }
    guard let quantization = checkpoint.quantization else { throw QuantizationError.missing }
    guard self.arithmetic == .int8 || quantization.margin != nil else {
      throw QuantizationError.noMargin
    }
    // What does not fit is found before anything is measured; the kernel set has no part in it.
    _ = try QuantizedPlan(InferencePlan(checkpoint, kernels: .reference), quantization)
    self.followsFloat32 = followsFloat32
    self.name += " \(self.arithmetic.rawValue)"
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var digest = CanonicalDigest(domain: "mixup-inference int8 network", version: 1)
    digest.add(self.digest)
    digest.add(self.arithmetic.rawValue)
    digest.add(UInt64(followsFloat32 ? 1 : 0))
    digest.add(String(decoding: try encoder.encode(quantization), as: UTF8.self))
    self.digest = digest.finish()
  }

  package var normalization: Normalization? { checkpoint.normalization }
  package var imageShape: ImageShape { checkpoint.architecture.imageShape }
  package var classCount: Int { checkpoint.architecture.classCount }
  package var splitSeed: UInt64 { checkpoint.recipe?.seed ?? 1 }

  package var hasGradient: Bool { arithmetic == .float32 || followsFloat32 }

  package func classifier(on execution: Execution) throws -> any DifferentiableClassifier {
    let plan = try InferencePlan(checkpoint, kernels: execution.kernels)
    let exact = NetworkClassifier(plan, workers: execution.workers)
    guard arithmetic != .float32 else { return exact }
    guard let quantization = checkpoint.quantization else { throw QuantizationError.missing }
    let integers = QuantizedClassifier(
      try QuantizedPlan(plan, quantization), workers: execution.workers)
    let followed = followsFloat32 ? exact : nil
    guard arithmetic == .int8Checked else {
      return StraightThrough(integers, following: followed)
    }
    guard let margin = quantization.margin else { throw QuantizationError.noMargin }
    return StraightThrough(
      CheckedClassifier(integers, exact: exact, bound: margin.bound), following: followed)
  }
}
