import ArgumentParser
import Datasets
import Experiments
import Foundation
import Kernels
import NeuralNetwork

struct Inspect: Verb {
  static let configuration = CommandConfiguration.verb(
    "Says what is in a checkpoint, an ONNX file or a data set: network and tensors, or images and labels; digests.",
    """
    Reads safetensors files of this package and state dicts of PyTorch networks, whose \
    architecture it recognises by names and shapes: ResNets, PreActResNets and WideResNets under the names of \
    the usual CIFAR repositories, with a prefix such as module. or without; docs/data.md lists the families. \
    `fixtures/convert_checkpoint.py` makes safetensors of a .pt file.

    "Identity" is a digest of the content: tensors, architecture, scaling and readings, whatever the order \
    or the padding of the file's bytes; records and stores go by it. A "reading" is a property of the \
    network that names and shapes of tensors do not tell, such as its activation, and how it is taken. Where \
    published code with the same names and shapes computes several functions, the line says UNDECIDED with the \
    choices, and `evaluate` ends until --reading takes one. With --dataset the network classifies 200 test \
    images in each way that it can be read.

    Of an ONNX file it says which operators it has, and which network they are for this package: its \
    operations, the values that they make, and from which others.

    Of a data set it says what there is of every label, and which network is trained on it unless \
    told otherwise.
    """,
    examples: [
      "inspect report/checkpoints/mixup.safetensors",
      "inspect net.safetensors --dataset cifar10 \\\n--data cifar-10-batches-bin",
    ])

  @Argument(help: "The file (safetensors or ONNX), or the name of a data set.")
  var file: String

  @Option(
    help:
      "Data set on whose first 200 test images a state dict is tried in each way that it can be read."
  )
  var dataset: String?

  @Option(help: "Folder with the data set's files, for those that are not embedded.")
  var data: String?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    try [common.json].check(
      inputs: [file.hasSuffix(".safetensors") || file.hasSuffix(".onnx") ? file : nil], data: data)
    let reading = try reading.reading()
    guard Dataset.named(file) == nil else {
      guard dataset == nil else {
        throw Failure.usage("--dataset is for networks, and \(file) is a data set; leave it out")
      }
      return try tell(report(Dataset(called: file, folder: data)))
    }
    guard data == nil || dataset != nil else {
      throw Failure.usage(
        "--data is about data sets that have a name; leave it out, or give --dataset")
    }
    let set = try dataset.map { try Dataset(called: $0, folder: data) }
    if let network = try onnxNetwork(file, reading: reading) {
      guard dataset == nil else {
        throw Failure.usage("--dataset is for state dicts; an ONNX file can be read in one way")
      }
      return try tell(
        ONNXReport(
          network, named: file, normalization: try network.normalization(reading.normalization)))
    }
    let bytes = try modelFile(file)
    if let header = try? SafetensorsHeader(bytes), Dataset.isHeld(by: header) {
      return try tell(report(Dataset(safetensors: URL(filePath: file))))
    }
    let config = settings(beside: file)
    let images = try set?.load(from: data.map { URL(filePath: $0) }, seed: 1).test
    let (report, trial): (CheckpointReport, ReadingTrial?)
    do {
      report = try CheckpointReport(
        bytes, named: file, normalization: reading.normalization, answers: reading.answers,
        settings: config)
      trial = try images.map {
        try ReadingTrial(
          bytes, normalization: reading.normalization, answers: reading.answers,
          settings: config, on: $0,
          execution: Execution(workers: WorkerPool()))
      }
    } catch {
      throw Failure.data("\(file): \(error)")
    }
    try tell(report, trial)
  }

  private func report(_ dataset: Dataset) throws -> DatasetReport {
    try DatasetReport(dataset, in: data.map { URL(filePath: $0) })
  }

  private func tell(_ report: some InspectionReport, _ trial: ReadingTrial? = nil) throws {
    try common.write(InspectionRecord(report, trial: trial))
    common.say(report)
    if let trial { common.say("\n\(trial.printout)") }
  }
}
