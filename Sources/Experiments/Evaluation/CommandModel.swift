import Classification
import Foundation
import Kernels
import NeuralNetwork
import ProcessModel

/// A model that a process answers for, which a command of the shell has started.
package struct CommandModel: EvaluatedModel {
  private let classifier: ProcessClassifier
  /// How far answers depend on other images of the batch.
  private let batchDifference: Float

  /// Starts the process and looks whether its answers can be measured.
  ///
  /// - Parameters:
  ///   - command: for `/bin/sh`.
  ///   - limit: the longest that an answer may take.
  /// - Throws: `ProcessModelError` or `ClassifierError`.
  package init(command: String, limit: Duration) throws {
    classifier = try ProcessClassifier(command: command, limit: limit)
    batchDifference = try classifier.checkedConsistency()
  }

  package var name: String { classifier.model.name }

  /// SHA-256 of the command and of what the process says of itself. Nobody can know what else its answers
  /// depend on.
  package var digest: String {
    let model = classifier.model
    let parts = [
      classifier.command, model.name, model.identity, model.imageShape.description,
      "\(model.classCount)", "\(model.isRandomized)", "\(model.hasGradient)",
    ]
    return sha256(Data(parts.map { "\($0.utf8.count) \($0)" }.joined(separator: "\n").utf8))
  }

  package var process: EvaluationRecord.Process? {
    EvaluationRecord.Process(
      command: classifier.command, declaredIdentity: classifier.model.identity,
      batchDifference: batchDifference)
  }

  package var normalization: Normalization? { nil }
  package var imageShape: ImageShape { classifier.imageShape }
  package var classCount: Int { classifier.classCount }
  package var hasGradient: Bool { classifier.model.hasGradient }
  package var batchSize: Int? { classifier.model.batchSize }

  package func classifier(on execution: Execution) throws -> any DifferentiableClassifier {
    classifier
  }
}
