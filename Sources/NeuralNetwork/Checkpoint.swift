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

  /// Reads a file's bytes.
  ///
  /// - Throws: `SafetensorsError` for damaged bytes, `CheckpointError` if the file does not say
  ///   which network it holds, `StateError` if its tensors do not fit that network.
  public init(_ data: Data) throws {
    let file = try Safetensors(data)
    notes = file.metadata
    guard let architecture = notes.removeValue(forKey: "architecture"),
      let normalization = notes.removeValue(forKey: "normalization")
    else { throw CheckpointError.notOurs }
    do {
      let decoder = JSONDecoder()
      self.architecture = try decoder.decode(
        ResNet.Architecture.self, from: Data(architecture.utf8))
      self.normalization = try decoder.decode(Normalization.self, from: Data(normalization.utf8))
    } catch { throw CheckpointError.notOurs }
    tensors = file.tensors
    try check()
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

  /// Whether the description is one from which a network can be built, and fits the tensors. No
  /// memory is taken for a network larger than the file.
  private func check() throws {
    guard architecture.isValid, normalization.isValid,
      normalization.mean.count == architecture.imageShape.channels
    else { throw CheckpointError.impossibleNetwork }
    let found = tensors.values.reduce(0) { $0 + $1.count }
    let needed = architecture.leastParameterCount
    guard needed <= found else { throw CheckpointError.tooFewValues(needed: needed, found: found) }
    _ = try network()
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
  case notOurs
  case impossibleNetwork
  case tooFewValues(needed: Int, found: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .notOurs:
      "the file does not say which network it holds; make it with `mixup-inference train`"
    case .impossibleNetwork: "the file describes a network that cannot be built"
    case .tooFewValues(let needed, let found):
      """
      the file describes a network of more than \(needed) values and holds \(found); \
      it is damaged, copy it again or train anew
      """
    }
  }
}
