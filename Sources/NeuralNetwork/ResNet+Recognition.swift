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
    var widths: [Int] = []
    var blocks: [Int] = []
    var isProjected = false
    while let first = shape("layer\(widths.count + 1).0.conv1.weight"), let width = first.first {
      let stage = "layer\(widths.count + 1)"
      var count = 0
      while shape("\(stage).\(count).conv1.weight") != nil { count += 1 }
      isProjected = isProjected || shape("\(stage).0.downsample.0.weight") != nil
      widths.append(width)
      blocks.append(count)
    }
    guard !widths.isEmpty else { throw .missing(naming.name("layer1.0.conv1.weight")) }
    let last = shape("layer1.0.conv3.weight")
    if let last, last.first != widths[0] { throw .expansion(last.first ?? 0, of: widths[0]) }
    self.init(
      imageShape: ImageShape(channels: stem[1], height: height, width: width),
      classCount: dense[0], stemKernel: stem[2], widths: widths, blocks: blocks,
      block: last == nil ? .basic : .bottleneck,
      shortcut: isProjected || widths.count == 1 ? .projection : .parameterFree)
    guard isValid else { throw .impossible }
  }

  /// The shape of every tensor of the network's state by its path, without building the network.
  package var stateShapes: [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    func layer(_ convolution: String, _ normalization: String, _ weights: [Int]) {
      shapes["\(convolution).weight"] = weights
      for part in ["weight", "bias", "running_mean", "running_var"] {
        shapes["\(normalization).\(part)"] = [weights[0]]
      }
    }
    let kernels = block == .basic ? [3, 3] : [1, 3, 1]
    var channels = widths.first ?? 0
    layer("conv1", "bn1", [channels, imageShape.channels, stemKernel, stemKernel])
    for (stage, width) in widths.enumerated() {
      for index in 0..<blocks[stage] {
        let path = "layer\(stage + 1).\(index)"
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

  /// The number of trainable values.
  package var parameterCount: Int {
    stateShapes.reduce(0) { $0 + ($1.key.contains("running_") ? 0 : $1.value.reduce(1, *)) }
  }

  /// The network in words: layers with weights, blocks and widths of the stages, and the rest.
  package var description: String {
    let layers = 2 + blocks.reduce(0, +) * (block == .basic ? 2 : 3)
    func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
    return """
      residual network of \(layers) layers: \(list(blocks)) \(block.rawValue) blocks of widths \
      \(list(widths)), first kernel \(stemKernel)×\(stemKernel), shortcuts \
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
