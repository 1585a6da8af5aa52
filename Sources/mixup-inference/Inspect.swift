import ArgumentParser
import Datasets
import Experiments
import Foundation
import NeuralNetwork

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Says what is in a checkpoint, an ONNX file or a data set: network and tensors, or images and labels; digests.",
    discussion: """
      Reads safetensors files of this package and state dicts of PyTorch networks, whose \
      architecture it recognises by names and shapes: those of the official code of Mixup \
      Inference (fc_dense), of torchvision (downsample, fc), and of the usual CIFAR repositories \
      (shortcut, linear), and the pre-activation wide ones of TRADES and RobustBench (block1.layer, \
      convShortcut, fc), with a prefix such as module. or without. \
      `fixtures/convert_checkpoint.py` makes safetensors of a .pt file.

      "Identity" is a digest of the content: tensors, architecture, scaling and readings, whatever the order \
      or the padding of the file's bytes; records and stores go by it. A "reading" is a property of the \
      network that names and shapes of tensors do not tell, such as its pooling, and how it is taken. Where \
      published code with the same names and shapes computes something else, the line says AMBIGUOUS, and \
      `evaluate` warns until --reading confirms it.

      Of an ONNX file it says which operators it has, and which network they are for this package: its       operations, the values that they make, and from which others.

      Of a data set it says what there is of every label, and which network is trained on it unless \
      told otherwise.

      Example: mixup-inference inspect report/checkpoints/mixup.safetensors
      """)

  @Argument(help: "The file (safetensors or ONNX), or the name of a data set.")
  var file: String

  @Option(help: "Folder with the data set's files, for those that are not embedded.")
  var data: String?

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    let reading = try reading.reading()
    guard Dataset.named(file) == nil else {
      return print(try report(Dataset(called: file, folder: data)))
    }
    guard data == nil else {
      throw Failure.usage("--data is about data sets that have a name; leave it out")
    }
    if let network = try onnxNetwork(file, reading: reading) {
      return print(
        ONNXReport(
          network, named: file, normalization: try network.normalization(reading.normalization)
        ).text)
    }
    let bytes = try modelFile(file)
    if let header = try? SafetensorsHeader(bytes), Dataset.isHeld(by: header) {
      return print(try report(Dataset(safetensors: URL(filePath: file))))
    }
    do {
      let report = try CheckpointReport(
        bytes, named: file, normalization: reading.normalization, answers: reading.answers)
      print(report.text)
    } catch { throw Failure.data("\(file): \(error)") }
  }

  private func report(_ dataset: Dataset) throws -> String {
    try DatasetReport(dataset, in: data.map { URL(filePath: $0) }).text
  }
}
