import Classification
import Kernels
import NeuralNetwork
import ONNX

/// A network that is computed here, from a graph: one in ONNX.
package struct GraphModel: EvaluatedModel {
  package var name: String
  package var graph: NetworkGraph
  package var digest: String
  package var origin: CheckpointFile.Origin?
  /// The scaling in front of it.
  private let scaling: Normalization

  /// The network of an ONNX file.
  ///
  /// - Parameter normalization: the scaling in front of it.
  package init(name: String, _ network: ONNXNetwork, normalization: Normalization) {
    self.name = name
    graph = network.graph
    digest = network.identity
    origin = CheckpointFile.Origin(digest: network.fileDigest)
    scaling = normalization
  }

  package var normalization: Normalization? { scaling }
  package var imageShape: ImageShape { graph.imageShape }
  package var classCount: Int { graph.classCount }

  package func classifier(on execution: Execution) throws -> any DifferentiableClassifier {
    NetworkClassifier(
      InferencePlan(graph, normalization: scaling, kernels: execution.kernels),
      workers: execution.workers)
  }
}
