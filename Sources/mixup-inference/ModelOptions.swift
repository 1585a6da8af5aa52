import ArgumentParser
import Classification
import Experiments
import Foundation
import NeuralNetwork

/// Which network, and how its inputs are scaled.
struct ModelOptions: ParsableArguments {
  @Option(
    help: """
      Checkpoint (safetensors), PyTorch state dict of a network that `inspect` knows, or ONNX file.
      """)
  var model: String

  @OptionGroup var reading: ReadingOptions

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

  /// The network under test.
  ///
  /// - Parameter images: the shape of the data set's images.
  func load(for images: ImageShape) throws -> any EvaluatedModel {
    try Self.load(model, try reading.reading(), for: images)
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
    return try Self.load(other, reading, for: images)
  }

  private static func load(
    _ path: String, _ reading: CheckpointReading, for images: ImageShape
  ) throws -> any EvaluatedModel {
    if let network = try onnxNetwork(path, reading: reading, images: images) {
      if reading.normalization == nil {
        let line = "mixup-inference: \(path): normalization \(ONNXReport.unscaled)".printable + "\n"
        FileHandle.standardError.write(Data(line.utf8))
      }
      return try GraphModel(
        name: modelName(path), network,
        normalization: network.normalization(reading.normalization))
    }
    return try CheckpointModel(
      name: modelName(path), checkpointFile(path, reading: reading, images: images))
  }
}
