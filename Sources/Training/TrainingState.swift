import Classification
import Foundation
import NeuralNetwork

/// Where a training run stands after an epoch: all that the next epoch depends on, besides recipe and
/// data.
public struct TrainingState: Sendable {
  /// Epochs that are done.
  public let epochs: Int
  /// Mean loss over the steps of the last one.
  public let loss: Double
  /// Parameters and running statistics by path.
  public let tensors: [String: Tensor]
  /// The optimiser's velocity of every parameter by path.
  public let velocities: [String: Tensor]

  init(_ network: ResNet, _ optimiser: StochasticGradientDescent, epochs: Int, loss: Double) {
    self.epochs = epochs
    self.loss = loss
    tensors = network.state.tensors
    let parameters = network.state.parameters
    let found = optimiser.velocities(of: parameters.map(\.parameter))
    velocities = Dictionary(
      zip(parameters.map(\.path), found), uniquingKeysWith: { first, _ in first })
  }

  /// Puts network and optimiser into this state. Nothing is changed unless all tensors fit.
  func restore(
    _ network: ResNet, _ optimiser: inout StochasticGradientDescent
  ) throws(StateError) {
    let parameters = network.state.parameters
    var found: [Tensor] = []
    for (path, parameter) in parameters {
      guard let velocity = velocities[path], velocity.shape == parameter.value.shape else {
        throw StateError(problems: ["the optimiser's velocity of \(path) is missing"])
      }
      found.append(velocity)
    }
    try network.state.load(tensors)
    optimiser.resume(parameters.map(\.parameter), velocities: found)
  }
}

// MARK: In a file

extension TrainingState {
  private static let velocityPrefix = "velocity/"
  /// The name in the metadata of the SHA-256 of the file without it.
  private static let checksumKey = "checksum"

  /// The state in a file's bytes.
  ///
  /// - Parameter notes: what the state belongs to; given back by `init(_:)`.
  public func encoded(notes: [String: String]) throws -> Data {
    var all = tensors
    for (path, velocity) in velocities { all[Self.velocityPrefix + path] = velocity }
    var metadata = notes
    metadata["epochs"] = "\(epochs)"
    metadata["loss"] = "\(loss)"
    var file = Safetensors(tensors: all, metadata: metadata)
    file.metadata[Self.checksumKey] = sha256(try file.encoded())
    return try file.encoded()
  }

  /// Reads what `encoded` wrote.
  ///
  /// - Throws: `SafetensorsError` for damaged bytes and for files that hold no training state.
  public static func decoded(
    _ data: Data
  ) throws -> (state: TrainingState, notes: [String: String]) {
    var file = try Safetensors(data)
    let checksum = file.metadata.removeValue(forKey: Self.checksumKey)
    guard checksum == sha256(try file.encoded()) else {
      throw SafetensorsError.header("it holds no training state, or one that was changed")
    }
    var notes = file.metadata
    guard let epochs = notes.removeValue(forKey: "epochs").flatMap({ Int($0) }),
      epochs >= 0, let loss = notes.removeValue(forKey: "loss").flatMap({ Double($0) }),
      loss.isFinite
    else { throw SafetensorsError.header("it holds no training state") }
    return (TrainingState(epochs: epochs, loss: loss, all: file.tensors), notes)
  }

  private init(epochs: Int, loss: Double, all: [String: Tensor]) {
    self.epochs = epochs
    self.loss = loss
    var (tensors, velocities) = ([String: Tensor](), [String: Tensor]())
    for (name, tensor) in all {
      if name.hasPrefix(Self.velocityPrefix) {
        velocities[String(name.dropFirst(Self.velocityPrefix.count))] = tensor
      } else {
        tensors[name] = tensor
      }
    }
    self.tensors = tensors
    self.velocities = velocities
  }
}
