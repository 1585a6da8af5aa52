import Classification
import Statistics

extension ResNet.Architecture {
  /// The network whose state has these names and shapes: convolutions [O, I, K, K] with O channels of the
  /// output and I of the input, the dense layer [L, C] with L classes.
  ///
  /// Names and shapes do not tell strides, paddings, pooling and activations, which are taken to be
  /// those of `ResNet`; `Reading` says which of them are in doubt. Nor do they tell the images' extents.
  ///
  /// - Parameters:
  ///   - shapes: shape of every tensor by its name in the file.
  ///   - height: rows of an image.
  ///   - width: columns of an image.
  /// - Throws: `RecognitionError` if no network of this kind has these names and shapes. Only the tensors
  ///   that tell the architecture are looked at; `StateError.problems` checks all of them.
  package init(
    recognizing shapes: [String: [Int]], height: Int, width: Int
  ) throws(RecognitionError) {
    guard let naming = StateNaming(of: shapes.keys) else { throw .noDenseLayer }
    func shape(_ own: String) -> [Int]? { shapes[naming.name(own)] }
    func weights(_ own: String, rank: Int) throws(RecognitionError) -> [Int] {
      guard let shape = shape(own) else { throw .missing(naming.name(own)) }
      guard shape.count == rank else { throw .rank(naming.name(own), shape) }
      return shape
    }
    let stem = try weights("conv1.weight", rank: 4)
    let dense = try weights("fc_dense.weight", rank: 2)
    // Only networks for large images begin so, with stride 2 and a max-pooling that has no tensors.
    guard stem[2] < 7 else { throw .largeImages(kernel: stem[2]) }
    let isWide = naming.style == .wide
    func block(_ stage: Int, _ index: Int) -> String {
      Self.path(isWide ? .preActivation : .basic, stage, index)
    }
    var widths: [Int] = []
    var blocks: [Int] = []
    var isProjected = false
    while let first = shape("\(block(widths.count, 0)).conv1.weight"), let width = first.first {
      let stage = widths.count
      var count = 0
      while shape("\(block(stage, count)).conv1.weight") != nil { count += 1 }
      isProjected = isProjected || shape("\(block(stage, 0)).downsample.0.weight") != nil
      widths.append(width)
      blocks.append(count)
    }
    guard !widths.isEmpty else { throw .missing(naming.name("layer1.0.conv1.weight")) }
    let last = shape("layer1.0.conv3.weight")
    if let last, last.first != widths[0] { throw .expansion(last.first ?? 0, of: widths[0]) }
    self.init(
      imageShape: ImageShape(channels: stem[1], height: height, width: width),
      classCount: dense[0], stemKernel: stem[2], stemWidth: isWide ? stem[0] : nil, widths: widths,
      blocks: blocks, block: isWide ? .preActivation : last == nil ? .basic : .bottleneck,
      shortcut: isWide || isProjected || widths.count == 1 ? .projection : .parameterFree)
    guard isValid else { throw .impossible }
  }

  /// The shape of every tensor of the network's state by its path, without building the network.
  package var stateShapes: [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    func normalization(_ path: String, _ channels: Int) {
      for part in ["weight", "bias", "running_mean", "running_var"] {
        shapes["\(path).\(part)"] = [channels]
      }
    }
    func layer(_ convolution: String, _ path: String, _ weights: [Int]) {
      shapes["\(convolution).weight"] = weights
      normalization(path, weights[0])
    }
    let kernels = block == .bottleneck ? [1, 3, 1] : [3, 3]
    var channels = stemWidth ?? widths.first ?? 0
    shapes["conv1.weight"] = [channels, imageShape.channels, stemKernel, stemKernel]
    normalization("bn1", block == .preActivation ? widths.last ?? 0 : channels)
    for (stage, width) in widths.enumerated() {
      for index in 0..<blocks[stage] {
        let path = Self.path(block, stage, index)
        if block == .preActivation {
          normalization("\(path).bn1", channels)
          shapes["\(path).conv1.weight"] = [width, channels, 3, 3]
          layer("\(path).conv2", "\(path).bn2", [width, width, 3, 3])
          if channels != width { shapes["\(path).convShortcut.weight"] = [width, channels, 1, 1] }
          channels = width
          continue
        }
        for (place, kernel) in kernels.enumerated() {
          layer(
            "\(path).conv\(place + 1)", "\(path).bn\(place + 1)",
            [width, place == 0 ? channels : width, kernel, kernel])
        }
        let isChanged = stage > 0 && index == 0 || channels != width
        if shortcut == .projection, isChanged {
          layer("\(path).downsample.0", "\(path).downsample.1", [width, channels, 1, 1])
        }
        channels = width
      }
    }
    shapes["fc_dense.weight"] = [classCount, channels]
    shapes["fc_dense.bias"] = [classCount]
    return shapes
  }

  /// Where the tensors of a block are, without a dot behind.
  static func path(_ block: Block, _ stage: Int, _ index: Int) -> String {
    block == .preActivation
      ? "block\(stage + 1).layer.\(index)" : "layer\(stage + 1).\(index)"
  }

  /// The number of trainable values.
  package var parameterCount: Int {
    stateShapes.reduce(0) { $0 + ($1.key.contains("running_") ? 0 : $1.value.reduce(1, *)) }
  }

  /// The network in words: layers with weights, blocks and widths of the stages, and the rest.
  package var description: String {
    // As their authors count them: with the dense layer, or with the shortcuts' convolutions.
    let layers =
      blocks.reduce(0, +) * (block == .bottleneck ? 3 : 2)
      + (block == .preActivation ? 1 + widths.count : 2)
    func title(_ block: Block) -> String {
      block == .preActivation ? "pre-activation" : block.rawValue
    }
    func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
    return """
      residual network of \(layers) layers: \(list(blocks)) \(title(block)) blocks of widths \
      \(list(widths))\(stemWidth.map { " behind \($0)" } ?? ""), first kernel \(stemKernel)×\(stemKernel), shortcuts \
      \(shortcut == .projection ? "by projection" : "without parameters"), \(classCount) classes
      """
  }
}

/// Why names and shapes are those of no network that can be built here.
public enum RecognitionError: ExplainedError, Equatable {
  case noDenseLayer
  case missing(String)
  case rank(String, [Int])
  case largeImages(kernel: Int)
  case expansion(Int, of: Int)
  case impossible

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .noDenseLayer:
      """
      no dense layer is found: fc_dense.weight, fc.weight or linear.weight, with or without a prefix \
      that all names have; only residual networks for small images can be read
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
      for small images, without stride and max-pooling there, can be read
      """
    case .expansion(let last, let width):
      """
      the bottlenecks widen from \(width) to \(last) channels; only those that keep their width can \
      be read
      """
    case .impossible:
      """
      the shapes describe a network that cannot be built, with an extent out of range; only residual \
      networks for small images can be read
      """
    }
  }
}
