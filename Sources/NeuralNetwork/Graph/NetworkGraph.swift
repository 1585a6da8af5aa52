import Classification
import Kernels

/// A network in evaluation mode as operations on values: what is computed, and nothing of how.
///
/// Value 0 is the image on the network's own scale; every operation makes one new value, [N, H, W, C] with N
/// images, H rows, W columns and C channels. `InferencePlan` compiles a graph of whatever shape; `ResNet.graph` makes
/// one from a trained network.
public struct NetworkGraph: Sendable {
  /// The extents of a value, for one image.
  package struct Extents: Hashable, Sendable {
    package var height: Int
    package var width: Int
    package var channels: Int

    var pixels: Int { height * width }
    var count: Int { pixels * channels }
  }

  /// How a value is computed from others.
  enum Operation: Sendable {
    /// A convolution or, over images of one pixel, a dense layer; with a bias [O], or none.
    case product(FrozenConvolution, bias: Tensor?)
    /// x · scale + shift; both have one number per channel, as batch normalisation in evaluation has.
    case affine(scale: Tensor, shift: Tensor)
    /// max(x, 0).
    case relu
    /// The sum of two values of the same extents.
    case sum
    /// The mean over all pixels.
    case mean
  }

  /// One operation and what it is applied to.
  struct Node: Sendable {
    /// Such as "2.0.conv1", for profiles.
    var name: String
    var operation: Operation
    /// Values, by number; two of a sum, one of all others.
    var inputs: [Int]
    /// The number of the value that it makes.
    var output: Int
  }

  /// The extents of every value, by number.
  package private(set) var values: [Extents]
  /// In an order in which they can be computed.
  private(set) var nodes: [Node] = []

  /// A graph that computes nothing yet.
  package init(imageShape: ImageShape) {
    values = [
      Extents(height: imageShape.height, width: imageShape.width, channels: imageShape.channels)
    ]
  }

  /// The shape of one input image.
  public var imageShape: ImageShape {
    ImageShape(channels: values[0].channels, height: values[0].height, width: values[0].width)
  }

  /// The number of logits, which are the value that was made last.
  public var classCount: Int { values[values.count - 1].count }

  // MARK: Building

  // Each adds an operation and returns the number of its value.

  /// - Precondition: the convolution is for images of the input's extents and channels.
  package mutating func product(
    _ name: String, _ convolution: Convolution, of input: Int
  ) -> Int {
    let (geometry, extents) = (convolution.geometry, values[input])
    precondition(
      geometry.height == extents.height && geometry.width == extents.width
        && convolution.inputChannels == extents.channels, "\(name) is for other extents")
    return add(
      name, .product(convolution.frozen(), bias: convolution.bias?.value), [input],
      Extents(
        height: geometry.outputHeight, width: geometry.outputWidth,
        channels: convolution.outputChannels))
  }

  package mutating func affine(_ name: String, scale: Tensor, shift: Tensor, of input: Int) -> Int {
    precondition(
      scale.count == values[input].channels && shift.count == scale.count,
      "\(name) is for other channels")
    return add(name, .affine(scale: scale, shift: shift), [input], values[input])
  }

  package mutating func relu(_ name: String, of input: Int) -> Int {
    add(name, .relu, [input], values[input])
  }

  package mutating func sum(_ name: String, of a: Int, and b: Int) -> Int {
    precondition(values[a] == values[b], "\(name) adds values of different extents")
    return add(name, .sum, [a, b], values[a])
  }

  package mutating func mean(_ name: String, of input: Int) -> Int {
    add(name, .mean, [input], Extents(height: 1, width: 1, channels: values[input].channels))
  }

  private mutating func add(
    _ name: String, _ operation: Operation, _ inputs: [Int], _ extents: Extents
  ) -> Int {
    values.append(extents)
    nodes.append(Node(name: name, operation: operation, inputs: inputs, output: values.count - 1))
    return values.count - 1
  }
}
