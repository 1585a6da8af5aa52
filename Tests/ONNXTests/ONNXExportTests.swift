import Classification
import Foundation
import Kernels
import NeuralNetwork
import ONNX
import Statistics
import TestSupport
import Testing

@Suite("Networks written in ONNX")
struct ONNXExportTests {
  @Test("what is written is read as the same network", arguments: GoldenFile.all)
  func roundTrip(_ file: GoldenFile) throws {
    let network = try file.read()
    let scaling = try Normalization(
      mean: network.normalization().mean.map { _ in 0.25 },
      standardDeviation: network.normalization().mean.map { _ in 0.5 })
    let written = ONNXExport.model(network.graph, normalization: scaling)
    #expect(written == ONNXExport.model(network.graph, normalization: scaling))
    let again = try ONNXNetwork(written)
    #expect(again.graph.imageShape == network.graph.imageShape && again.batch == nil)
    let images = try Pixels(Golden("onnx/expected.safetensors")["\(file.network).images"])
    let draws = Draws(seed: 0, purpose: .test, examples: Array(0..<images.tensor.shape[0]))
    let (first, second) = (
      NetworkClassifier(InferencePlan(network.graph, normalization: scaling)),
      NetworkClassifier(InferencePlan(again.graph, normalization: try again.normalization()))
    )
    let expected = try first.logits(of: images, draws: draws)
    // The scaling becomes an operation of its own, and two affine maps are one.
    #expect(distance(try second.logits(of: images, draws: draws), from: expected) < 5e-6)
  }

  @Test("every operation of graphs is written and read again")
  func operations() throws {
    var graph = NetworkGraph(imageShape: ImageShape(channels: 3, height: 4, width: 5))
    func random(_ shape: [Int], _ seed: UInt64) -> Tensor { randomTensor(shape, seed: seed) }
    var value = graph.affine("affine", scale: random([3], 1), shift: random([3], 2), of: 0)
    value = graph.activation("leaky", .leakyReLU(slope: 0.1), of: value)
    let other = graph.activation("silu", .silu, of: value)
    value = graph.times("times", of: value, and: other)
    value = graph.times("each pixel", of: value, and: graph.mean("mean", of: other))
    value = graph.padded(
      "padded", rows: (0, 1), columns: (2, 0), channels: (1, 0), of: value)
    value = graph.concatenation("joined", of: [value, value])
    value = graph.slice("slice", rows: [4, 0, 2], channels: [0, 7, 2, 3, 6], of: value)
    value = graph.activation("gelu", .gelu, of: value)
    value = graph.channelNormalization(
      "norm", scale: random([5], 3), shift: random([5], 4), epsilon: 1e-3, of: value)
    value = graph.groupNormalization(
      "instances", groups: 5, scale: random([5], 7), shift: random([5], 8), epsilon: 1e-3, of: value
    )
    value = graph.groupNormalization(
      "group", groups: 1, scale: random([5], 9), shift: random([5], 10), epsilon: 1e-3, of: value)
    value = graph.lengthNormalization("length", floor: 0.3, of: value)
    var window = PoolingWindow(height: 2, width: 3, rowStride: 1, columnStride: 2)
    (window.left, window.bottom) = (2, 1)
    value = graph.depthwiseConvolution(
      "depthwise", weight: random([5, 1, 2, 3], 5), bias: random([5], 6), window, of: value)
    value = graph.sum(
      "sum",
      of: graph.maximumPooling(
        "maximum", PoolingWindow(kernel: 3, stride: 1, padding: 1), of: value),
      and: graph.averagePooling(
        "average", PoolingWindow(kernel: 3, stride: 1, padding: 1), of: value))
    value = graph.averagePooling(
      "counted", PoolingWindow(kernel: 2, stride: 1, padding: 1), countsPadding: true, of: value)
    value = graph.activation("clip", .clip(lower: -0.4, upper: 0.5), of: value)
    value = graph.activation("sigmoid", .sigmoid, of: value)
    value = graph.activation("softplus", .softplus, of: value)
    value = graph.affine("shifted", scale: random([5], 11), shift: random([5], 12), of: value)
    value = graph.activation("elu", .elu(scale: 0.3), of: value)
    let extents = graph.values[value]
    value = graph.gathered(
      "backwards", (0..<extents.count).reversed(), of: value,
      as: NetworkGraph.Extents(height: 1, width: 1, channels: extents.count))
    let again = try ONNXNetwork(
      ONNXExport.model(graph, normalization: .plusMinusOne(channels: 3))
    ).graph
    let images = try Pixels(randomTensor([2, 3, 4, 5], seed: 9, from: 0))
    let draws = Draws(seed: 0, purpose: .test, examples: [0, 1])
    let identity = try Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1])
    let expected = try NetworkClassifier(
      InferencePlan(graph, normalization: .plusMinusOne(channels: 3))
    ).logits(of: images, draws: draws)
    let found = try NetworkClassifier(InferencePlan(again, normalization: identity))
      .logits(of: images, draws: draws)
    #expect(distance(found, from: expected) < 5e-6)
  }
}
