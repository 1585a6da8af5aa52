import ArgumentParser
import Datasets
import Foundation
import NeuralNetwork
import ONNX

struct Export: Verb {
  static let configuration = CommandConfiguration.verb(
    "Writes a network in a form that other programs read.",
    """
    Writes an ONNX model (operator set 17, weights inside) that takes pixels [N, C, H, W] in [0, 1], as many \
    images as one likes, and gives logits [N, L]: the scaling of the input is part of it. The file is a \
    --model of all verbs here, and ONNX Runtime, OpenVINO and others read it.
    """,
    examples: [
      "export --model mixup.safetensors --onnx mixup.onnx",
      "export --model net.safetensors --mean 0.5,0.5,0.5 \\\n--std 0.25,0.25,0.25 --onnx net.onnx",
    ])

  @Option(
    help: """
      Checkpoint (safetensors), PyTorch state dict of a network that `inspect` knows, or ONNX file.
      """)
  var model: String

  @OptionGroup var reading: ReadingOptions

  @Option(help: "File for the ONNX model; - for standard output.")
  var onnx: Destination

  @OptionGroup var common: CommonOptions

  /// What --json writes.
  private struct Record: Encodable {
    var operatorSet = 17
    var bytes: Int
    var sha256: String
  }

  func run() throws {
    try [onnx, common.json].check(inputs: [model])
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
    let record = Record(bytes: bytes.count, sha256: sha256(bytes))
    try common.write(record)
    common.say(
      "\(record.bytes) bytes in ONNX, operator set \(record.operatorSet)", beside: [onnx])
  }
}
