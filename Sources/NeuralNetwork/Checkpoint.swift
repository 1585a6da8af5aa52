import Classification
import Foundation
import Statistics

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
  /// How it computes in whole numbers, if it was calibrated.
  public var quantization: Quantization?

  /// The present state of a network.
  public init(_ network: ResNet, normalization: Normalization, notes: [String: String] = [:]) {
    architecture = network.architecture
    self.normalization = normalization
    self.notes = notes
    tensors = network.state.tensors
  }

  /// Reads a file's bytes: one that `encoded` wrote, or a state dict of other code, whose network
  /// is recognised by names and shapes; see `StateNaming`. `CheckpointFile` says how it was read.
  ///
  /// - Parameters:
  ///   - normalization: the scaling of the network's input, for a file that does not say it; of a file
  ///     that does, it must be the same.
  ///   - readings: answers, by name, to what names and shapes of a state dict leave open, such as
  ///     `["shortcut": "raw"]`; `inspect` lists them.
  ///   - extents: of the images, for a state dict, which does not show them.
  /// - Throws: `SafetensorsError` for damaged bytes, `RecognitionError` for the tensors of another
  ///   kind of network, `CheckpointError` if the file says something impossible, contradictory or too
  ///   little, `ReadingError` for a reading that there is not, `StateError` that lists all tensors that do not fit.
  public init(
    _ data: Data, normalization: Normalization? = nil, readings: [String: String] = [:],
    extents: (height: Int, width: Int) = (32, 32)
  ) throws {
    self = try CheckpointFile(
      data, normalization: normalization, answers: Reading.answers(readings), extents: extents
    ).checkpoint()
  }

  init(
    architecture: ResNet.Architecture, normalization: Normalization, notes: [String: String],
    tensors: [String: Tensor], quantization: Quantization? = nil
  ) {
    self.architecture = architecture
    self.normalization = normalization
    self.notes = notes
    self.tensors = tensors
    self.quantization = quantization
  }

  /// The file's bytes; equal checkpoints give equal bytes.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var metadata = notes
    metadata["architecture"] = String(decoding: try encoder.encode(architecture), as: UTF8.self)
    metadata["normalization"] = String(decoding: try encoder.encode(normalization), as: UTF8.self)
    if let quantization {
      metadata["quantization"] = String(decoding: try encoder.encode(quantization), as: UTF8.self)
    }
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
}

extension ResNet.Architecture {
  /// Whether every extent is positive and no larger than in networks for small images, of which the
  /// deepest published one has 600 blocks (ResNet-1202), and the layers fit together.
  package var isValid: Bool {
    let shape = imageShape
    return widths.count == blocks.count && !widths.isEmpty && widths.count <= 6
      && (widths + blocks + [shape.channels, stemKernel, stemWidth ?? 1]).allSatisfy {
        1...4096 ~= $0
      }
      && [shape.height, shape.width].allSatisfy { 1...512 ~= $0 } && 2...100_000 ~= classCount
      && [stemKernel, details.projectionKernel].allSatisfy { $0 % 2 == 1 && 1...15 ~= $0 }
      && blocks.reduce(0, +) <= 1000 && areDetailsValid && fits
  }

  /// Whether a plan takes no more memory for an image than networks for small images do, which few weights do not
  /// ensure: layers of many channels and small kernels, or large kernels on large images.
  private var fits: Bool {
    let (height, width) = (imageShape.height, imageShape.width)
    func isSmall(_ stage: Int, _ channels: Int) -> Bool {
      let extents = [height, width].map { ($0 + (1 << stage) - 1) >> stage }
      return (extents + [channels]).product(atMost: NetworkLimits.floats) != nil
    }
    // Layers of one extent and kernel share their tables; later stages have a quarter of the pixels.
    let kernels = [stemKernel, 3, 3, details.projectionKernel].map { $0 * $0 }
    return isSmall(0, stemWidth ?? widths[0])
      && widths.enumerated().allSatisfy { isSmall($0, $1 * details.expansion) }
      && [height, width, kernels.reduce(0, +)].product(atMost: NetworkLimits.tableEntries) != nil
  }

  /// Whether what is said is about layers that are there, and every block's shortcut has the extents of what it is
  /// added to.
  private var areDetailsValid: Bool {
    // Padding on one side alone halves even extents, and leaves nothing of one pixel.
    let halvings = 1 << (widths.count - 1)
    let isEven = imageShape.height % halvings == 0 && imageShape.width % halvings == 0
    let isBottleneck = block.kernels.count == 3
    return 1...8 ~= details.expansion && (isBottleneck || details.expansion == 1)
      && !(isBottleneck && details.stridesSecond)
      && (!details.isLopsided || isEven && details.stemPooling == .none)
      && (block.isPreActivation
        ? shortcut == .projection && details.stemPooling == .none
        : details.hasLastNormalization && details.projectionSource == .activated)
  }

  /// A bound below the number of parameters, which is a few times as large at most: the weights of the
  /// first convolution, of the last layer, and of one 3×3 convolution in every block.
  var leastParameterCount: Int {
    let stem = imageShape.channels * stemKernel * stemKernel * (stemWidth ?? widths.first ?? 0)
    let inner = zip(widths, blocks).reduce(0) { $0 + 9 * $1.0 * $1.0 * $1.1 }
    return stem + inner + classCount * (widths.last ?? 0)
  }
}

/// Why a safetensors file is no checkpoint.
public enum CheckpointError: ExplainedError, Equatable {
  case unreadable(String)
  case noNormalization
  /// Published networks with these names and shapes compute several functions; the texts say what is to be chosen.
  case undecided([String])
  case channels(Int, of: Int)
  /// The scaling of the input has impossible values, or two sources differ; the text says which.
  case scaling(String)
  case impossibleNetwork
  case tooFewValues(needed: Int, found: Int)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .unreadable(let name):
      """
      the file's metadata hold something under \"\(name)\" that cannot be understood; it is damaged or \
      of other code: copy it again, train anew, or write it without that
      """
    case .noNormalization: "the file does not say how its network's input is scaled"
    case .undecided(let questions): questions.joined(separator: "; ")
    case .channels(let count, let channels):
      """
      the network's images have \(channels) channels and the normalisation has \(count); give one mean and \
      one standard deviation for each channel
      """
    case .scaling(let problem): problem
    case .impossibleNetwork:
      """
      the file describes a network or a scaling of its input that is impossible; it is damaged, copy it \
      again or train anew
      """
    case .tooFewValues(let needed, let found):
      """
      the file describes a network of more than \(needed) values and holds \(found); \
      it is damaged, copy it again or train anew
      """
    }
  }
}
