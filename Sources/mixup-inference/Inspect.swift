import ArgumentParser
import Experiments
import NeuralNetwork

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what is in a checkpoint: network, how it is read, tensors, metadata, digests.",
    discussion: """
      Reads safetensors files of this package and state dicts of PyTorch networks, whose \
      architecture it recognises by names and shapes: those of the official code of Mixup \
      Inference (fc_dense), of torchvision (downsample, fc), and of the usual CIFAR repositories \
      (shortcut, linear), with a prefix such as module. or without. \
      `fixtures/convert_checkpoint.py` makes safetensors of a .pt file.

      "Identity" names the content: tensors, architecture, scaling and readings, whatever the order or \
      the padding of the file's bytes; records and stores go by it. "Reading" is what names and shapes do \
      not tell and the network has: where codes with the same names and shapes are known that compute \
      something else, the line says AMBIGUOUS, and `evaluate` warns until --reading confirms it.

      Example: mixup-inference inspect report/checkpoints/mixup.safetensors
      """)

  @Argument(help: "The file (safetensors).")
  var file: String

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    let reading = try reading.reading()
    let bytes = try modelFile(file)
    do {
      let report = try CheckpointReport(
        bytes, named: file, normalization: reading.normalization, answers: reading.answers)
      print(report.text)
    } catch { throw Failure.data("\(file): \(error)") }
  }
}
