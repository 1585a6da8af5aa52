import Classification
import Experiments
import Foundation
import Kernels
import NeuralNetwork
import ONNX

extension Reader {
  /// A network in ONNX. One that is read is written and read again.
  static let onnx = Reader("onnx") { data in
    // Weights in other files are as many zeros as there are bytes.
    let network = try ONNXNetwork(data, external: { _ in Data(count: data.count) })
    let scaling = try network.normalization()
    let again = try ONNXNetwork(ONNXExport.model(network.graph, normalization: scaling))
    precondition(again.graph.imageShape == network.graph.imageShape, "written with other images")
    try compile(network.graph, scaling)
  }

  /// Any safetensors file. One that is read is written and read again.
  static let safetensors = Reader("safetensors", change: Changes.safetensors) { data in
    let file = try Safetensors(data)
    let again = try Safetensors(file.encoded())
    precondition(
      again.metadata == file.metadata && again.tensors.keys == file.tensors.keys
        && again.tensors.allSatisfy { $1.shape == file.tensors[$0]?.shape },
      "written as something else")
  }

  /// A checkpoint, of ours or a state dict: what `inspect` says of it, and the network that it holds.
  static let checkpoint = Reader("checkpoint", change: Changes.safetensors) { data in
    _ = try CheckpointReport(data, named: "network.safetensors").text
    let scaling = Normalization.plusMinusOne(
      channels: max(1, (try? CheckpointFile(data))?.architecture.imageShape.channels ?? 1))
    var file = try CheckpointFile(data)
    if file.scaling == nil {
      file = try CheckpointFile(data, normalization: scaling)
    }
    let open = file.readings.filter { $0.answer == nil }
    if !open.isEmpty {
      let answers = open.map { ($0.question, $0.choices[data.count % $0.choices.count]) }
      file = try CheckpointFile(
        data, normalization: file.scaling == nil ? scaling : nil,
        answers: Dictionary(uniqueKeysWithValues: answers))
    }
    _ = file.warnings()
    _ = file.origin
    let checkpoint = try file.checkpoint()
    let written = try CheckpointFile(checkpoint.encoded())
    precondition(written.architecture == checkpoint.architecture, "written as another network")
    try compile(checkpoint.graph(), checkpoint.normalization)
  }

  /// A `config.json` beside a checkpoint, which may say how its input is scaled.
  static let scaling = Reader("scaling", change: Changes.json) { data in
    _ = try InputScaling(settings: data, named: "config.json", channels: 3)?.source.description
  }

  /// Compiles a network that a few milliseconds are enough for.
  private static func compile(_ graph: NetworkGraph, _ scaling: Normalization) throws {
    var floats = 0
    for value in graph.values {
      floats += value.count
      guard floats <= 1 << 16 else { return }
    }
    _ = InferencePlan(graph, normalization: scaling, kernels: .reference).multiplyAdds
  }
}
