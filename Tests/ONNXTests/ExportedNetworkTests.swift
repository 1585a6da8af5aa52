import Classification
import Foundation
import Kernels
import NeuralNetwork
import ONNX
import Statistics
import TestSupport
import Testing

/// A file of `fixtures/onnx`.
struct GoldenFile: CustomTestStringConvertible, Sendable {
  /// Such as "vgg-old-11-dynamic.onnx"; what stands in front of the first hyphen names the network.
  let name: String

  var testDescription: String { name }
  var network: String { String(name.prefix { $0 != "-" }) }
  var data: Data { get throws { try Fixtures.data("onnx/\(name)") } }

  static let all: [GoldenFile] = {
    let names =
      (try? FileManager.default.contentsOfDirectory(
        atPath: Fixtures.folder.appending(path: "onnx").path())) ?? []
    return names.filter { $0.hasSuffix(".onnx") || $0.hasSuffix(".onnx.gz") }.sorted()
      .map(GoldenFile.init)
  }()

  /// The network, with weights that lie beside the file.
  func read() throws -> ONNXNetwork {
    try ONNXNetwork(data) { try Fixtures.data("onnx/\($0)") }
  }
}

@Suite("Networks as PyTorch's exporters write them")
struct ExportedNetworkTests {
  @Test("there are files of both exporters, packed ones, and ones with weights beside them")
  func files() {
    #expect(GoldenFile.all.count >= 30)
    for part in ["-old-11-", "-new-18-", ".gz", "-external", "-frozen", "-static", "-dynamic"] {
      #expect(GoldenFile.all.contains { $0.name.contains(part) }, "\(part)")
    }
  }

  @Test(
    "logits and input gradient are those of PyTorch in float64", arguments: GoldenFile.all)
  func values(_ file: GoldenFile) throws {
    let golden = try Golden("onnx/expected.safetensors")
    let network = try file.read()
    let images = try Pixels(golden["\(file.network).images"])
    let weights = try golden["\(file.network).weights"]
    let draws = Draws(seed: 0, purpose: .test, examples: Array(0..<images.tensor.shape[0]))
    for kernels in KernelSet.available {
      let classifier = NetworkClassifier(
        InferencePlan(network.graph, normalization: try network.normalization(), kernels: kernels))
      let found = try classifier.logitsAndGradient(of: images, draws: draws) { _ in weights }
      // Of a dozen layers in Float32, each of at most a few hundred terms.
      let logits = distance(found.logits, from: try golden["\(file.network).logits"])
      #expect(logits < 1e-5, "\(kernels.rawValue)")
      let gradient = distance(found.gradient, from: try golden["\(file.network).gradient"])
      #expect(gradient < 1e-4, "\(kernels.rawValue)")
      #expect(try classifier.logits(of: images, draws: draws) == found.logits)
    }
  }
}
