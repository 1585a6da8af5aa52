import ArgumentParser
import Experiments
import NeuralNetwork

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what is in a checkpoint: network, tensors, metadata, SHA-256.",
    discussion: """
      Reads safetensors files of this package and state dicts of PyTorch networks, whose \
      architecture it recognises by names and shapes: those of the official code of Mixup \
      Inference (fc_dense), of torchvision (downsample, fc), and of the usual CIFAR repositories (shortcut, linear), with \
      module. in front or without. `fixtures/convert_checkpoint.py` makes safetensors of a .pt file.

      Example: mixup-inference inspect report/checkpoints/mixup.safetensors
      """)

  @Argument(help: "The file (safetensors).")
  var file: String

  func run() throws {
    let bytes = try modelFile(file)
    do { print(try CheckpointReport(bytes, named: file).text) } catch {
      throw Failure.data("\(file): \(error)")
    }
  }
}
