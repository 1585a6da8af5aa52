import ArgumentParser
import Experiments
import Foundation
import NeuralNetwork
import Reporting

struct Quantize: Verb {
  static let configuration = CommandConfiguration.verb(
    "Calibrates a checkpoint for int8: activations in bytes, sums of products in 32 bits.",
    """
    Writes the checkpoint again with the scales of its activations, which are measured on training images of \
    the data set, and with a margin that is measured on its validation images: the most by which int8 moved the \
    best logit away from another one; a label that is not that of float32 was moved by more than it leads. Weights stay as they are in the file; their signed bytes, \
    with one scale for every output channel behind the folded normalisation, follow from them.

    The file is a --model of `evaluate`, `profile`, `inspect` and `compare` as any other. --arithmetic says in what \
    it is computed: int8 unless given; int8-checked, where decisions closer than the margin are made again in \
    float32; float32. Attacks cannot follow the gradient of int8, which is 0 almost everywhere, unless \
    --gradient float32 has them follow the network in float32. `compare` says how far int8 can be trusted.
    """,
    examples: [
      "quantize --model plain.safetensors --output plain-int8.safetensors",
      "quantize --model plain.safetensors --dataset cifar10 \\\n--data cifar-10-batches-bin --images 2000 \\\n--output plain-int8.safetensors",
    ], isLong: true)

  @Option(
    help: "Checkpoint (safetensors), or PyTorch state dict of a network that `inspect` knows.")
  var model: String

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var dataset: DatasetOptions

  @Option(
    help: """
      How the range of an activation is chosen: \
      \(CalibrationMethod.allCases.map(\.rawValue).joined(separator: ", ")).
      """)
  var method = CalibrationMethod.leastSquares.rawValue

  @Option(help: "Training images that are looked at.")
  var images = 1000

  @Option(help: "The checkpoint to write (safetensors).")
  var output: Destination

  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    guard let method = CalibrationMethod(rawValue: method) else {
      let names = CalibrationMethod.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("method \(self.method) is unknown; --method takes one of \(names)")
    }
    guard 1...1_000_000 ~= images else {
      throw Failure.usage("--images is \(images); give a number from 1 to 1,000,000")
    }
    try [output, common.json].check(inputs: [model, dataset.file], data: dataset.data)
    let set = try dataset.described()
    let reading = try reading.reading()
    guard try onnxNetwork(model, reading: reading) == nil else {
      throw Failure.usage(
        "\(model) is an ONNX file, and calibration is kept in checkpoints; give a state dict")
    }
    let checkpoint = try checkpointFile(model, reading: reading, images: set.imageShape)
      .checkpoint()
    let data = try dataset.load(set, seed: checkpoint.recipe?.seed ?? 1)
    let run = QuantizationRun(
      method: method, imageCount: images, execution: try machine.execution(),
      progress: common.progress(advice: Interruption.nothingIsKept))
    do {
      let result = try run.calibrated(checkpoint, on: data)
      try output.write(result.encoded())
      try common.write(result.quantization)
      common.say(Printout(result.quantization?.text ?? ""), beside: [output])
    } catch let error as QuantizationError where error.cause == .data {
      throw Failure(error, about: model)
    }
  }
}
