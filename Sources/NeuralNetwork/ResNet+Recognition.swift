import Classification
import Statistics

/// The network of a state dict, as far as names and shapes tell it.
package struct RecognizedNetwork: Sendable {
  /// How the file calls its layers.
  package let naming: StateNaming
  /// Whose networks have such names and shapes.
  package let family: NetworkFamily
  /// The network; details that are readings are not decided yet.
  package let architecture: ResNet.Architecture

  /// The network whose state has these names and shapes: convolutions [O, I, K, K] with O channels of the
  /// output and I of the input, the dense layer [L, C] with L classes.
  ///
  /// Names and shapes do not tell poolings, activations and much else; `Reading` says what is in doubt, and
  /// `NetworkFamily` what published code does. Nor do they tell the images' extents.
  ///
  /// - Parameters:
  ///   - shapes: shape of every tensor by its name in the file.
  ///   - height: rows of an image.
  ///   - width: columns of an image.
  /// - Throws: `RecognitionError` if no network of this kind has these names and shapes. Only the tensors
  ///   that tell the architecture are looked at; `StateError.problems` checks all of them.
  package init(
    _ shapes: [String: [Int]], height: Int, width: Int
  ) throws(RecognitionError) {
    /// What might be meant: matrices, or else anything.
    func likely() -> [String] {
      let matrices = shapes.filter { $0.value.count == 2 }.keys
      return Array((matrices.isEmpty ? shapes.keys : matrices).sorted().prefix(3))
    }
    guard let naming = StateNaming(of: shapes.keys) else { throw .noDenseLayer(found: likely()) }
    func shape(_ place: LayerPlace, _ part: String = "weight") -> [Int]? {
      shapes["\(naming.name(place)).\(part)"]
    }
    guard shape(.dense) != nil else { throw .noDenseLayer(found: likely()) }
    func weights(_ place: LayerPlace, rank: Int) throws(RecognitionError) -> [Int] {
      guard let shape = shape(place) else { throw .missing("\(naming.name(place)).weight") }
      guard shape.count == rank else { throw .rank("\(naming.name(place)).weight", shape) }
      return shape
    }
    func convolution(_ stage: Int, _ block: Int, _ number: Int) -> [Int]? {
      shape(.convolution(stage: stage, block: block, number))
    }
    let stem = try weights(.stem, rank: 4)
    let dense = try weights(.dense, rank: 2)
    // Only networks for large images begin so, with stride 2 and a max-pooling that has no tensors.
    guard stem[2] < 7 else { throw .largeImages(kernel: stem[2]) }
    var widths: [Int] = []
    var blocks: [Int] = []
    var projections: [LayerPlace] = []
    while let first = convolution(widths.count, 0, 0), let width = first.first {
      let stage = widths.count
      var count = 0
      while convolution(stage, count, 0) != nil { count += 1 }
      let projection = LayerPlace.projection(stage: stage, block: 0)
      if shape(projection) != nil { projections.append(projection) }
      widths.append(width)
      blocks.append(count)
    }
    guard !widths.isEmpty else {
      throw .missing("\(naming.name(.convolution(stage: 0, block: 0, 0))).weight")
    }
    var details = ResNet.Architecture.Details()
    let last = convolution(0, 0, 2)
    if let outputs = last?.first {
      guard widths[0] > 0, outputs % widths[0] == 0 else {
        throw .expansion(outputs, of: widths[0])
      }
      details.expansion = outputs / widths[0]
    }

    // A normalisation before its convolution is as wide as the block's input, and a projection has none behind it.
    func isPreActivation() -> Bool {
      if NetworkFamily.preActivationStages.contains(naming.stage.description) { return true }
      if case .projection(let stage, let block)? = projections.first {
        return shape(.projectionNormalization(stage: stage, block: block)) == nil
      }
      return widths.indices.contains { stage in
        guard let first = convolution(stage, 0, 0), first.count == 4, first[0] != first[1] else {
          return false
        }
        return shape(.normalization(stage: stage, block: 0, 0)) == [first[1]]
      }
    }
    let isPre = isPreActivation()
    details.hasBiases = shape(.stem, "bias") != nil
    guard
      let family = NetworkFamily.of(
        naming, isPreActivation: isPre, hasBiases: details.hasBiases)
    else {
      throw .noFamily(naming.description)
    }
    details.isLopsided = family.isLopsided
    details.stridesSecond = family.stridesSecond
    if let kernel = projections.first.flatMap({ shape($0) })?.last {
      details.projectionKernel = kernel
    }
    if isPre, family.mayEndBare, shape(.lastNormalization) == nil {
      details.hasLastNormalization = shape(.lastNormalization, "running_mean") != nil
    }
    let isProjected = isPre || !projections.isEmpty || widths.count == 1
    let block: ResNet.Architecture.Block =
      if isPre {
        last == nil ? .preActivation : .preActivationBottleneck
      } else {
        last == nil ? .basic : .bottleneck
      }
    architecture = ResNet.Architecture(
      imageShape: ImageShape(channels: stem[1], height: height, width: width),
      classCount: dense[0], stemKernel: stem[2],
      stemWidth: isPre || stem[0] != widths[0] ? stem[0] : nil, widths: widths, blocks: blocks,
      block: block, shortcut: isProjected ? .projection : .parameterFree, details: details)
    guard architecture.isValid else { throw .impossible }
    self.naming = naming
    self.family = family
  }
}

extension ResNet.Architecture {
  /// The network in words: layers with weights, blocks and widths of the stages, and the rest.
  package var description: String {
    // As their authors count them: with the dense layer, or wide ones with the shortcuts' convolutions.
    let isWide = block.isPreActivation && stemWidth != widths.first
    let layers = blocks.reduce(0, +) * block.kernels.count + (isWide ? 1 + widths.count : 2)
    let title =
      switch block {
      case .preActivation: "pre-activation"
      case .preActivationBottleneck: "pre-activation bottleneck"
      default: block.rawValue
      }
    func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
    var text = """
      residual network of \(layers) layers: \(list(blocks)) \(title) blocks of widths \
      \(list(widths))\(stemWidth.map { $0 == widths[0] ? "" : " behind \($0)" } ?? ""), first kernel \
      \(stemKernel)×\(stemKernel), shortcuts \
      \(shortcut == .projection ? "by projection" : "without parameters"), \(classCount) classes
      """
    if details.expansion != 1 { text += ", widened by \(details.expansion) in each block" }
    if details.hasBiases { text += ", convolutions with biases" }
    if details.stridesSecond { text += ", stride in the second convolution" }
    if details.projectionKernel != 1 {
      text += ", projections \(details.projectionKernel)×\(details.projectionKernel)"
    }
    if !details.hasLastNormalization { text += ", no normalisation behind the last block" }
    if details.isLopsided { text += ", padded below and right alone where the stride is 2" }
    return text
  }
}

/// Why names and shapes are those of no network that can be built here.
public enum RecognitionError: ExplainedError, Equatable {
  /// With some of the names that are there.
  case noDenseLayer(found: [String])
  case missing(String)
  case rank(String, [Int])
  case largeImages(kernel: Int)
  case expansion(Int, of: Int)
  case noFamily(String)
  case impossible

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .noDenseLayer(let found):
      """
      no dense layer is found: \(StateNaming.denseNames), with or without a prefix that all names have\
      \(found.isEmpty ? "" : ", but such as \(found.joined(separator: ", ").printable)"); only residual networks for \
      small images can be read from their tensors, others from ONNX
      """
    case .missing(let name): "\(name.printable) is missing; only residual networks can be read"
    case .rank(let name, let shape):
      """
      \(name.printable) has shape \(shape); the weights of a convolution have four extents, those of the \
      dense layer two; only residual networks can be read
      """
    case .largeImages(let kernel):
      """
      the first convolution is \(kernel)×\(kernel), that of a network for large images; only those \
      for small images, without stride there, can be read
      """
    case .expansion(let last, let width):
      """
      the bottlenecks go from \(width) to \(last) channels; only those that widen by a whole number, or keep their \
      width, can be read
      """
    case .noFamily(let names):
      """
      no network is known whose names are such as \(names) and whose convolutions have biases; only those of known \
      code can be read
      """
    case .impossible:
      """
      the shapes describe a network that cannot be built, with an extent out of range; only residual \
      networks for small images can be read
      """
    }
  }
}
