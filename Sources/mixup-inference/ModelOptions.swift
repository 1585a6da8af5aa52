import ArgumentParser
import Experiments
import Foundation
import NeuralNetwork

/// Which network, and how its inputs are scaled.
struct ModelOptions: ParsableArguments {
  @Option(
    help: "Checkpoint (safetensors), or a PyTorch state dict of a network that `inspect` knows.")
  var model: String

  @Option(help: "Means of the network's input normalisation, r,g,b; the checkpoint's unless given.")
  var mean: String?

  @Option(help: "Standard deviations of the same, r,g,b.")
  var std: String?

  @Option(
    help: "Checkpoint of another network for the same images, on which transfer attacks search.")
  var other: String?

  /// The network under test.
  ///
  /// - Parameter images: of the data set.
  func load(for images: ImageShape) throws -> EvaluationRun.Model {
    // A state dict of other code may know no normalisation of its own.
    let given: Normalization? =
      if let mean, let std {
        try Normalization(
          mean: try numbers(mean, "--mean", []), standardDeviation: try numbers(std, "--std", []))
      } else { nil }
    var (checkpoint, digest) = try checkpointFile(
      model, normalization: given, images: images
    )
    if mean != nil || std != nil {
      checkpoint.normalization = try Normalization(
        mean: try numbers(mean, "--mean", checkpoint.normalization.mean),
        standardDeviation: try numbers(std, "--std", checkpoint.normalization.standardDeviation))
      guard checkpoint.normalization.mean.count == checkpoint.architecture.imageShape.channels
      else {
        throw Failure.usage(
          "the model's images have \(checkpoint.architecture.imageShape.channels) channels; "
            + "--mean and --std take one number for each")
      }
    }
    return EvaluationRun.Model(
      name: Self.name(of: model),
      checkpoint: checkpoint, digest: digest)
  }

  private func numbers(_ text: String?, _ option: String, _ own: [Float]) throws -> [Float] {
    guard let text else { return own }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Float($0) else {
        throw Failure.usage("\(option) is \(text); give numbers with commas between them")
      }
      return number
    }
  }

  /// The network given by --other, if there is one.
  func loadOther(for images: ImageShape) throws -> EvaluationRun.Model? {
    try other.map { path in
      let (checkpoint, digest) = try checkpointFile(path, images: images)
      return EvaluationRun.Model(name: Self.name(of: path), checkpoint: checkpoint, digest: digest)
    }
  }

  /// What tables call a file's network.
  private static func name(of path: String) -> String {
    URL(filePath: path).deletingPathExtension().lastPathComponent
  }
}
