import Classification
import Foundation
import Kernels
import NeuralNetwork
import ONNX
import Statistics

/// An ONNX model that a test makes node by node.
struct TestModel {
  typealias Attribute = WireWriter.Attribute

  /// [C, H, W], or whatever else is one image to the model.
  var image: [Int]
  /// The number of images that it says; nil for any.
  var batch: Int?
  var operatorSet = 17
  /// Names of the model's results.
  var outputs = ["logits"]
  private var nodes = WireWriter()
  private var weights = WireWriter()

  init(image: [Int], batch: Int? = nil) {
    self.image = image
    self.batch = batch
  }

  /// Adds a node; its input 0 is "images" until another value is made.
  @discardableResult
  mutating func node(
    _ operation: String, _ inputs: [String], to output: String, _ attributes: [Attribute] = []
  ) -> String {
    nodes.node(operation, "at \(output)", inputs, output: output, attributes)
    return output
  }

  @discardableResult
  mutating func stored(_ name: String, _ values: [Float], _ shape: [Int]) -> String {
    tensor(name, shape, type: 1, values.withUnsafeBufferPointer { Data(buffer: $0) })
    return name
  }

  @discardableResult
  mutating func stored(_ name: String, _ values: [Int]) -> String {
    tensor(
      name, [values.count], type: 7,
      values.map { Int64($0) }.withUnsafeBufferPointer { Data(buffer: $0) })
    return name
  }

  @discardableResult
  mutating func stored(_ name: String, isTrue: Bool) -> String {
    tensor(name, [], type: 9, Data([isTrue ? 1 : 0]))
    return name
  }

  private mutating func tensor(_ name: String, _ shape: [Int], type: Int, _ bytes: Data) {
    weights.message(5) { tensor in
      for extent in shape { tensor.integer(1, extent) }
      tensor.integer(2, type)
      tensor.text(8, name)
      tensor.bytes(9, bytes)
    }
  }

  /// A weight that lies in another file.
  mutating func stored(_ name: String, count: Int, in entries: [(String, String)]) {
    weights.message(5) { tensor in
      tensor.integer(1, count)
      tensor.integer(2, 1)
      tensor.text(8, name)
      for (key, value) in entries {
        tensor.message(13) { entry in
          entry.text(1, key)
          entry.text(2, value)
        }
      }
      tensor.integer(14, 1)
    }
  }

  var data: Data {
    var model = WireWriter()
    model.integer(1, 8)
    model.message(7) { graph in
      graph.append(nodes.data)
      graph.append(weights.data)
      graph.value(11, "images", batch: batch, image)
      for output in outputs { graph.value(12, output, [2]) }
    }
    model.message(8) { $0.integer(2, operatorSet) }
    return model.data
  }

  /// The logits of some images by a network that is read.
  func logits(of images: Tensor, kernels: KernelSet = .best) throws -> Tensor {
    let network = try ONNXNetwork(data)
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: try network.normalization(), kernels: kernels))
    return try classifier.logits(
      of: Pixels(images),
      draws: Draws(seed: 0, purpose: .test, examples: Array(0..<images.shape[0])))
  }
}

/// What reading a model throws, as text; "" if it throws nothing.
func problem(_ read: () throws -> some Any) -> String {
  do {
    _ = try read()
    return ""
  } catch { return "\(error)" }
}
