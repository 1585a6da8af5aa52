import ArgumentParser
import Datasets
import Foundation
import NeuralNetwork
import ONNX

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a network in a form that other programs read.",
    discussion: """
      Writes an ONNX model (operator set 17, weights inside) that takes pixels [N, C, H, W] in [0, 1], as many \
      images as one likes, and gives logits [N, L]: the scaling of the input is part of it. The file is a \
      --model of all verbs here, and ONNX Runtime, OpenVINO and others read it.

      Example: mixup-inference export --model report/checkpoints/mixup.safetensors --onnx mixup.onnx
      """)

  @Option(
    help: """
      Checkpoint (safetensors), PyTorch state dict of a network that `inspect` knows, or ONNX file.
      """)
  var model: String

  @OptionGroup var reading: ReadingOptions

  @Option(help: "File for the ONNX model; - for standard output.")
  var onnx: Destination

  func run() throws {
    try [onnx].check(inputs: [model])
    let reading = try reading.reading()
    let bytes: Data
    if let network = try onnxNetwork(model, reading: reading) {
      bytes = ONNXExport.model(
        network.graph, normalization: try network.normalization(reading.normalization))
    } else {
      let checkpoint = try checkpointFile(model, reading: reading).checkpoint()
      bytes = ONNXExport.model(try checkpoint.graph(), normalization: checkpoint.normalization)
    }
    try onnx.write(bytes)
    [onnx].say("\(bytes.count) bytes in ONNX, operator set 17")
  }
}
