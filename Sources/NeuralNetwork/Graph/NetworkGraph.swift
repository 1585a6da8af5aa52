import Classification
import KernelTables
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

    package init(height: Int, width: Int, channels: Int) {
      self.height = height
      self.width = width
      self.channels = channels
    }

    package var pixels: Int { height * width }
    package var count: Int { pixels * channels }
  }

  /// How a value is computed from others.
  enum Operation: Sendable {
    /// A convolution or, over images of one pixel, a dense layer; with a bias [O], or none.
    case product(FrozenConvolution, bias: Tensor?)
    /// x · scale + shift; both have one number per channel, as batch normalisation in evaluation has.
    case affine(scale: Tensor, shift: Tensor)
    /// A function of every number.
    case activation(Activation)
    /// The sum of two values of the same extents.
    case sum
    /// Anything else.
    case other(any GraphOperator)
  }

  /// One operation and what it is applied to.
  struct Node: Sendable {
    /// Such as "2.0.conv1", for profiles.
    var name: String
    var operation: Operation
    /// Values, by number.
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

  /// The nodes that the logits need, in their order.
  var neededNodes: [Node] {
    var isNeeded = [Bool](repeating: false, count: values.count)
    isNeeded[values.count - 1] = true
    for node in nodes.reversed() where isNeeded[node.output] {
      for input in node.inputs { isNeeded[input] = true }
    }
    return nodes.filter { isNeeded[$0.output] }
  }

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

  package mutating func activation(_ name: String, _ function: Activation, of input: Int) -> Int {
    add(name, .activation(function), [input], values[input])
  }

  package mutating func sum(_ name: String, of a: Int, and b: Int) -> Int {
    precondition(values[a] == values[b], "\(name) adds values of different extents")
    return add(name, .sum, [a, b], values[a])
  }

  /// The mean over all pixels.
  package mutating func mean(_ name: String, of input: Int) -> Int {
    add(name, Pooling.mean(of: values[input]), [input])
  }

  /// The product of two values number by number; b may also have one pixel, by which every pixel of a is multiplied.
  package mutating func times(_ name: String, of a: Int, and b: Int) -> Int {
    add(name, ElementwiseProduct(values[a], values[b]), [a, b])
  }

  /// The largest value under a window, which padding does not count for.
  ///
  /// - Precondition: the window fits, as `PoolingWindow.result(of:)` says.
  package mutating func maximumPooling(
    _ name: String, _ window: PoolingWindow, of input: Int
  ) -> Int {
    add(name, Pooling(.maximum, window, of: values[input]), [input])
  }

  /// The mean under a window.
  ///
  /// - Parameter countsPadding: whether zeros around the image count, so that every sum is divided by as much.
  /// - Precondition: the window fits, as `PoolingWindow.result(of:)` says.
  package mutating func averagePooling(
    _ name: String, _ window: PoolingWindow, countsPadding: Bool = false, of input: Int
  ) -> Int {
    add(name, Pooling(.average(countsPadding: countsPadding), window, of: values[input]), [input])
  }

  /// A convolution whose output channel c sees the input's channel c alone.
  ///
  /// - Parameters:
  ///   - weight: [C, 1, rows, columns] of the window.
  ///   - bias: [C], or none.
  /// - Precondition: window and weights fit the input.
  package mutating func depthwiseConvolution(
    _ name: String, weight: Tensor, bias: Tensor?, _ window: PoolingWindow, of input: Int
  ) -> Int {
    add(
      name, DepthwiseConvolution(weight: weight, bias: bias, window, of: values[input]), [input])
  }

  /// Layer normalisation over the channels of every pixel.
  package mutating func channelNormalization(
    _ name: String, scale: Tensor, shift: Tensor, epsilon: Float, of input: Int
  ) -> Int {
    precondition(
      scale.count == values[input].channels && shift.count == scale.count,
      "\(name) is for other channels")
    return add(
      name,
      ChannelNormalization(scale: scale, shift: shift, epsilon: epsilon, extents: values[input]),
      [input])
  }

  /// Normalisation over all pixels and the channels of a group.
  ///
  /// - Precondition: every group has as many channels.
  package mutating func groupNormalization(
    _ name: String, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, of input: Int
  ) -> Int {
    let channels = values[input].channels
    precondition(
      scale.count == channels && shift.count == channels && groups > 0
        && channels.isMultiple(of: groups), "\(name) is for other channels")
    return add(
      name,
      GroupNormalization(
        groups: groups, scale: scale, shift: shift, epsilon: epsilon, extents: values[input]),
      [input])
  }

  /// The channels of every pixel divided by their length, or by the floor where that is more.
  package mutating func lengthNormalization(
    _ name: String, floor: Float, of input: Int
  ) -> Int {
    precondition(floor >= 0 && floor.isFinite, "\(name) has no floor")
    return add(name, LengthNormalization(floor: floor, extents: values[input]), [input])
  }

  // MARK: Other places for the same numbers

  /// The channels of several values with the same rows and columns, one value's behind the other's.
  package mutating func concatenation(_ name: String, of inputs: [Int]) -> Int {
    let extents = inputs.map { values[$0] }
    precondition(
      !extents.isEmpty
        && extents.allSatisfy {
          $0.height == extents[0].height && $0.width == extents[0].width
        }, "\(name) joins values of different extents")
    // The input and the channel in it, by channel of the result.
    let origins = extents.enumerated().flatMap { input, extents in
      (0..<extents.channels).map { (input: input, channel: $0) }
    }
    return add(
      name,
      Arrangement(
        extents,
        to: Extents(
          height: extents[0].height, width: extents[0].width, channels: origins.count)
      ) { row, column, channel in
        Arrangement.Source(
          input: origins[channel].input, row: row, column: column, channel: origins[channel].channel
        )
      }, inputs)
  }

  /// The value with zeros around it; negative numbers take away.
  ///
  /// - Parameters:
  ///   - rows, columns, channels: how many before the first and behind the last.
  package mutating func padded(
    _ name: String, rows: (Int, Int) = (0, 0), columns: (Int, Int) = (0, 0),
    channels: (Int, Int) = (0, 0), of input: Int
  ) -> Int {
    let extents = values[input]
    let result = Extents(
      height: extents.height + rows.0 + rows.1, width: extents.width + columns.0 + columns.1,
      channels: extents.channels + channels.0 + channels.1)
    return arrangement(name, to: result, of: input) { row, column, channel in
      let source = Arrangement.Source(
        row: row - rows.0, column: column - columns.0, channel: channel - channels.0)
      return 0..<extents.height ~= source.row && 0..<extents.width ~= source.column
        && 0..<extents.channels ~= source.channel ? source : nil
    }
  }

  /// Some rows, columns and channels of a value; nil for all.
  package mutating func slice(
    _ name: String, rows: [Int]? = nil, columns: [Int]? = nil, channels: [Int]? = nil, of input: Int
  ) -> Int {
    let extents = values[input]
    let (rows, columns, channels) = (
      rows ?? Array(0..<extents.height), columns ?? Array(0..<extents.width),
      channels ?? Array(0..<extents.channels)
    )
    return arrangement(
      name,
      to: Extents(height: rows.count, width: columns.count, channels: channels.count), of: input
    ) { Arrangement.Source(row: rows[$0], column: columns[$1], channel: channels[$2]) }
  }

  /// Numbers of one value in other places.
  ///
  /// - Parameter source: from where, for every row, column and channel of the result; nil for a zero.
  mutating func arrangement(
    _ name: String, to extents: Extents, of input: Int,
    source: (_ row: Int, _ column: Int, _ channel: Int) -> Arrangement.Source?
  ) -> Int {
    precondition(
      extents.height > 0 && extents.width > 0 && extents.channels > 0, "\(name) leaves nothing")
    return add(name, Arrangement([values[input]], to: extents, source: source), [input])
  }

  /// - Precondition: there is an operation, made for inputs of these extents.
  mutating func add(
    _ name: String, _ operation: (any GraphOperator)?, _ inputs: [Int]
  ) -> Int {
    guard let operation else { preconditionFailure("\(name) does not fit its inputs") }
    return add(name, .other(operation), inputs, operation.extents)
  }

  private mutating func add(
    _ name: String, _ operation: Operation, _ inputs: [Int], _ extents: Extents
  ) -> Int {
    values.append(extents)
    nodes.append(Node(name: name, operation: operation, inputs: inputs, output: values.count - 1))
    return values.count - 1
  }
}
