import ArgumentParser
import Classification
import Experiments
import Foundation
import NeuralNetwork
import Reporting

/// Which model: a file, or a command that answers for it.
struct SubjectOptions: ParsableArguments {
  @Option(
    help: """
      Checkpoint (safetensors), PyTorch state dict of a network that `inspect` knows, or ONNX file.
      """)
  var model: String?

  @Option(
    help: """
      Instead of --model: a command of the shell that answers for a model on its standard input and output, \
      such as 'python3 mine.py'; Examples/OwnProcess makes that a few lines of Python.
      """)
  var modelCommand: String?

  @Option(help: "Seconds that an answer of --model-command may take; usually 300.")
  var modelTimeLimit: Int?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var arithmetic: ArithmeticOptions

  /// - Throws: `Failure` for options that do not go together.
  private func check() throws {
    if let modelTimeLimit, !(1...1_000_000 ~= modelTimeLimit) {
      throw Failure.usage(
        "--model-time-limit is \(modelTimeLimit); give seconds from 1 to 1,000,000")
    }
    guard let modelCommand else {
      guard modelTimeLimit == nil else {
        throw Failure.usage("--model-time-limit is about --model-command; give that too")
      }
      return
    }
    guard model == nil else {
      throw Failure.usage("--model and --model-command each give the model; give one of them")
    }
    guard !modelCommand.allSatisfy(\.isWhitespace) else {
      throw Failure.usage("--model-command is empty; give such as 'python3 mine.py'")
    }
    guard arithmetic.isEmpty else {
      throw Failure.usage(
        "--arithmetic and --gradient are about checkpoints; a process computes as it likes")
    }
    guard reading.isEmpty else {
      throw Failure.usage(
        "--mean, --std and --reading describe the file of --model; a process scales its input itself"
      )
    }
  }

  /// The model; nil if none is given.
  ///
  /// - Parameter images: the shape of the data set's images.
  func load(for images: ImageShape) throws -> (any EvaluatedModel)? {
    try check()
    if let modelCommand {
      return try CommandModel(command: modelCommand, limit: .seconds(modelTimeLimit ?? 300))
    }
    return try model.map {
      try fileModel($0, reading.reading(), for: images, arithmetic.chosen())
    }
  }

  /// The model of a verb that cannot do without.
  func required(for images: ImageShape) throws -> any EvaluatedModel {
    guard let model = try load(for: images) else {
      throw Failure.usage("nothing is to be measured; give --model or --model-command")
    }
    return model
  }
}

/// The network of a file.
private func fileModel(
  _ path: String, _ reading: CheckpointReading, for images: ImageShape,
  _ chosen: ChosenArithmetic
) throws -> any EvaluatedModel {
  if let network = try onnxNetwork(path, reading: reading, images: images) {
    guard !chosen.isGiven else {
      throw Failure.usage(
        "--arithmetic and --gradient are about checkpoints, and \(path) is an ONNX file; leave them out"
      )
    }
    if reading.normalization == nil {
      let line = "mixup-inference: \(path): normalization \(ONNXReport.unscaled)".printable + "\n"
      writeToStandardError(line)
    }
    return try GraphModel(
      name: modelName(path), network,
      normalization: network.normalization(reading.normalization))
  }
  let file = try checkpointFile(path, reading: reading, images: images)
  do {
    return try CheckpointModel(
      name: modelName(path), file, in: chosen.arithmetic, followsFloat32: chosen.followsFloat32)
  } catch let error as QuantizationError {
    throw Failure(error, about: path)
  }
}

/// In what a checkpoint's network computes.
struct ArithmeticOptions: ParsableArguments {
  @Option(
    help: """
      In what the network computes: \(Arithmetic.allCases.map(\.rawValue).joined(separator: ", ")); int8 for a \
      file of `quantize` unless given, float32 for any other.
      """)
  var arithmetic: String?

  @Option(
    help: """
      float32: attacks follow the gradient of the network in float32, with the loss of its int8 logits. That of \
      int8 is 0 almost everywhere, and refused.
      """)
  var gradient: String?

  var isEmpty: Bool { arithmetic == nil && gradient == nil }

  /// - Throws: `Failure` for an arithmetic or a gradient that there is not.
  fileprivate func chosen() throws -> ChosenArithmetic {
    guard gradient == nil || gradient == "float32" else {
      throw Failure.usage(
        "--gradient is \(gradient ?? ""); it is float32, as that of int8 is 0 almost everywhere")
    }
    return ChosenArithmetic(
      arithmetic: try arithmetic.map { name in
        guard let arithmetic = Arithmetic(rawValue: name) else {
          let names = Arithmetic.allCases.map(\.rawValue).joined(separator: ", ")
          throw Failure.usage("--arithmetic is \(name); it is one of \(names)")
        }
        return arithmetic
      }, followsFloat32: gradient != nil, isGiven: !isEmpty)
  }
}

/// What the command line says of a network's arithmetic.
private struct ChosenArithmetic {
  /// Nil for the file's own.
  var arithmetic: Arithmetic?
  var followsFloat32 = false
  /// Whether it says anything.
  var isGiven: Bool
}

/// Which model is measured, and on which network transfer attacks search.
struct ModelOptions: ParsableArguments {
  @OptionGroup var subject: SubjectOptions

  @Option(
    help: "Checkpoint of another network for the same images, on which transfer attacks search.")
  var other: String?

  @Option(help: "Means of the other network's input scaling, for a file that does not say them.")
  var otherMean: String?

  @Option(help: "Standard deviations of the other network's input scaling.")
  var otherStd: String?

  @Option(
    name: .customLong("other-reading"),
    help: "What names and shapes of the other network's tensors leave open, as --reading.")
  var otherReadings: [String] = []

  /// The files that are read.
  var files: [String?] { [subject.model, other] }

  /// The model under test.
  ///
  /// - Parameter images: the shape of the data set's images.
  func load(for images: ImageShape) throws -> any EvaluatedModel {
    try subject.required(for: images)
  }

  /// The network given by --other, if there is one.
  func loadOther(for images: ImageShape) throws -> (any EvaluatedModel)? {
    let reading = try CheckpointReading(
      mean: otherMean, std: otherStd, readings: otherReadings, prefix: "--other-")
    guard let other else {
      guard reading.normalization == nil, reading.answers.isEmpty else {
        throw Failure.usage(
          "--other-mean, --other-std and --other-reading describe the file of --other; give that too"
        )
      }
      return nil
    }
    // Whoever searches on another network looks for gradients.
    return try fileModel(
      other, reading, for: images, ChosenArithmetic(arithmetic: .float32, isGiven: false))
  }
}
