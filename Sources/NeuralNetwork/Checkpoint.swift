import Foundation

/// A trained network in a file: its tensors under PyTorch's paths, and what is needed to use it.
public struct Checkpoint: Sendable {
  /// Which network it is.
  public var architecture: ResNet.Architecture
  /// The map from pixels to the scale of its input.
  public var normalization: Normalization
  /// Free text about the training: recipe, seed, data.
  public var notes: [String: String]
  /// Parameters and running statistics by path.
  public var tensors: [String: Tensor]

  /// The present state of a network.
  public init(_ network: ResNet, normalization: Normalization, notes: [String: String] = [:]) {
    architecture = network.architecture
    self.normalization = normalization
    self.notes = notes
    tensors = network.state.tensors
  }

  /// Reads a file's bytes: one that `encoded` wrote, or a state dict of other code, whose network
  /// is recognised by names and shapes; see `StateNaming`.
  ///
  /// - Parameters:
  ///   - normalization: for a file that does not say its own.
  ///   - extents: of the images, for a file that does not say which network it holds.
  /// - Throws: `SafetensorsError` for damaged bytes, `RecognitionError` for the tensors of another
  ///   kind of network, `CheckpointError` if the file says something impossible or too little,
  ///   `StateError` that lists all tensors that do not fit.
  public init(
    _ data: Data, normalization: Normalization? = nil,
    extents: (height: Int, width: Int) = (32, 32)
  ) throws {
    let file = try Safetensors(data)
    notes = file.metadata
    let architecture: ResNet.Architecture? = try Self.decode("architecture", from: &notes)
    let own: Normalization? = try Self.decode("normalization", from: &notes)
    var naming = StateNaming.own
    if let architecture {
      self.architecture = architecture
    } else {
      self.architecture = try ResNet.Architecture(
        recognizing: file.tensors.mapValues(\.shape), height: extents.height, width: extents.width)
      naming = StateNaming(of: file.tensors.keys) ?? .own
    }
    guard let normalization = own ?? normalization else { throw CheckpointError.noNormalization }
    self.normalization = normalization
    tensors = file.tensors
    tensors = try checkedNetwork(naming: naming).state.tensors
  }

  /// What the metadata says under a name, and takes it out; nil if it says nothing.
  private static func decode<Value: Decodable>(
    _ name: String, from metadata: inout [String: String]
  ) throws(CheckpointError) -> Value? {
    guard let text = metadata.removeValue(forKey: name) else { return nil }
    do { return try JSONDecoder().decode(Value.self, from: Data(text.utf8)) } catch {
      throw .unreadable(name)
    }
  }

  /// The file's bytes; equal checkpoints give equal bytes.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var metadata = notes
    metadata["architecture"] = String(decoding: try encoder.encode(architecture), as: UTF8.self)
    metadata["normalization"] = String(decoding: try encoder.encode(normalization), as: UTF8.self)
    return try Safetensors(tensors: tensors, metadata: metadata).encoded()
  }

  /// The network with the checkpoint's tensors.
  ///
  /// - Throws: `StateError` if they do not fit.
  public func network() throws -> ResNet {
    let network = ResNet(architecture)
    try network.state.load(tensors)
    return network
  }

  /// The network, if the description is one from which it can be built and fits the tensors. No
  /// memory is taken for a network larger than the file.
  private func checkedNetwork(naming: StateNaming) throws -> ResNet {
    guard architecture.isValid, normalization.isValid else {
      throw CheckpointError.impossibleNetwork
    }
    let channels = architecture.imageShape.channels
    guard normalization.mean.count == channels else {
      throw CheckpointError.channels(normalization.mean.count, of: channels)
    }
    let found = tensors.values.reduce(0) { $0 + $1.count }
    let needed = architecture.leastParameterCount
    guard needed <= found else { throw CheckpointError.tooFewValues(needed: needed, found: found) }
    let network = ResNet(architecture)
    try network.state.load(tensors, naming: naming)
    return network
  }
}

extension ResNet.Architecture {
  /// Whether every extent is positive and of the size of a network for small images.
  package var isValid: Bool {
    let shape = imageShape
    return widths.count == blocks.count && !widths.isEmpty && widths.count <= 6
      && (widths + blocks + [shape.channels, stemKernel]).allSatisfy { 1...4096 ~= $0 }
      && [shape.height, shape.width].allSatisfy { 1...512 ~= $0 } && 2...100_000 ~= classCount
      && stemKernel % 2 == 1 && stemKernel <= 15 && blocks.allSatisfy { $0 <= 200 }
  }

  /// The network has more parameters than this, a few times as many at most: the weights of the first
  /// convolution, of the last layer, and of one 3×3 convolution in every block.
  var leastParameterCount: Int {
    let stem = imageShape.channels * stemKernel * stemKernel * (widths.first ?? 0)
    let inner = zip(widths, blocks).reduce(0) { $0 + 9 * $1.0 * $1.0 * $1.1 }
    return stem + inner + classCount * (widths.last ?? 0)
  }
}

/// Why a safetensors file is no checkpoint.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  case unreadable(String)
  case noNormalization
  case channels(Int, of: Int)
  case impossibleNetwork
  case tooFewValues(needed: Int, found: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .unreadable(let name):
      "the file's \(name) cannot be understood; it is damaged, copy it again or train anew"
    case .noNormalization:
      """
      the file does not say how its network's input is scaled; give --mean and --std to `evaluate`, \
      or when it is converted
      """
    case .channels(let count, let channels):
      "the network's images have \(channels) channels, the normalisation has \(count)"
    case .impossibleNetwork: "the file describes a network that cannot be built"
    case .tooFewValues(let needed, let found):
      """
      the file describes a network of more than \(needed) values and holds \(found); \
      it is damaged, copy it again or train anew
      """
    }
  }
}
