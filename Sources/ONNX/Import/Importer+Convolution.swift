import Classification
import Kernels
import NeuralNetwork

extension Importer {
  /// How a window steps over an image, as convolutions and poolings say it.
  struct Window {
    /// Rows and columns, without those between the taps of a dilated one.
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    /// Rows and columns that are added before the image, and behind it.
    var before: [Int]
    var after: [Int]
    /// Of the result.
    var extents: [Int]

    /// Rows and columns from the first tap to the last.
    var span: [Int] { zip(kernel, dilations).map { ($0 - 1) * $1 + 1 } }

    /// - Parameter image: rows and columns.
    /// - Throws: `Unsupported` for a window that sees nothing, or one that cannot be understood.
    init(_ node: Operands, kernel: [Int], image: [Int]) throws {
      func pair(_ name: String, usually value: Int) throws -> [Int] {
        let values = try node.integers(name) ?? [value, value]
        guard values.count == 2, values.allSatisfy({ 1...4096 ~= $0 }) else {
          throw Unsupported("with \(name) = \(values)")
        }
        return values
      }
      self.kernel = kernel
      strides = try pair("strides", usually: 1)
      dilations = try pair("dilations", usually: 1)
      guard kernel.count == 2, kernel.allSatisfy({ 1...4096 ~= $0 }) else {
        throw Unsupported("with a kernel of \(kernel)")
      }
      (before, after, extents) = ([0, 0], [0, 0], [0, 0])
      let span = span
      let automatic = try node.text("auto_pad") ?? "NOTSET"
      switch automatic {
      case "NOTSET":
        let pads = try node.integers("pads") ?? [0, 0, 0, 0]
        guard pads.count == 4, pads.allSatisfy({ 0...4096 ~= $0 }) else {
          throw Unsupported("with pads = \(pads)")
        }
        (before, after) = (Array(pads[..<2]), Array(pads[2...]))
      case "VALID": break
      case "SAME_UPPER", "SAME_LOWER":
        for side in 0..<2 {
          let count = (image[side] + strides[side] - 1) / strides[side]
          let padding = max(0, (count - 1) * strides[side] + span[side] - image[side])
          let less = padding / 2
          before[side] = automatic == "SAME_UPPER" ? less : padding - less
          after[side] = padding - before[side]
        }
      default: throw Unsupported("with auto_pad = \(automatic)")
      }
      let roundsUp = try node.integer("ceil_mode") ?? 0 != 0
      for side in 0..<2 {
        let room = image[side] + before[side] + after[side] - span[side]
        guard room >= 0 else {
          throw Unsupported("with a kernel of \(kernel) on an image of \(image)")
        }
        extents[side] = (room + (roundsUp ? strides[side] - 1 : 0)) / strides[side] + 1
        // A last window that would begin behind the image is left out.
        if roundsUp, (extents[side] - 1) * strides[side] >= image[side] + before[side] {
          extents[side] -= 1
        }
      }
    }

    /// How much has to stand behind the image for the windows to see that and no more.
    func needed(_ side: Int, _ image: Int) -> Int {
      (extents[side] - 1) * strides[side] + span[side] - image - before[side]
    }
  }

  mutating func convolution(_ node: Operands) throws -> View {
    let input = try imagePlaced(view(node, 0), node.name)
    let (stored, shape) = try weights(node, 1)
    let extents = graph.values[input]
    let groups = try node.integer("group") ?? 1
    guard shape.count == 4 else { throw Unsupported("with weights of \(shape.count) dimensions") }
    guard 1...extents.channels ~= groups, shape[0] > 0, shape[0].isMultiple(of: groups),
      shape[1] > 0, shape[1].multipliedReportingOverflow(by: groups) == (extents.channels, false)
    else {
      throw Unsupported(
        "with weights of the shape \(shape) on \(extents.channels) channels in \(groups) groups")
    }
    let window = try Window(
      node, kernel: Array(shape[2...]), image: [extents.height, extents.width])
    if let said = try node.integers("kernel_shape"), said != window.kernel {
      throw Unsupported("with a kernel_shape of \(said) and weights of the shape \(shape)")
    }
    // Tables have an entry for every pixel and tap; weights may only grow, by zeros between and around them, to what
    // a network for small images has.
    let isDepthwise = shape[1] == 1 && groups > 1
    let side = max(window.span[0], window.span[1])
    let sides = isDepthwise ? window.span : [side, side]
    try Self.check(window.extents + [shape[0]])
    try Self.check(sides + window.extents + [isDepthwise ? 1 : groups])
    taps += (sides + window.extents).reduce(isDepthwise ? 1 : groups, *)
    guard taps <= NetworkLimits.tableEntries else {
      throw Unsupported("whose window sees more pixels than those of networks for small images")
    }
    if sides != window.kernel { try Self.check(sides + [shape[0], shape[1]]) }
    let bias = node.has(2) ? try weights(node, 2).values : nil
    guard bias.map({ $0.count == shape[0] }) != false else {
      throw Unsupported("with a bias of \(bias?.count ?? 0) numbers for \(shape[0]) channels")
    }
    let result: Int
    if groups == 1 {
      result = try product(stored, shape, bias, window, of: input, node.name)
    } else if isDepthwise {
      result = try depthwise(stored, shape, bias, window, of: input, node.name)
    } else {
      let (inputs, outputs) = (shape[1], shape[0] / groups)
      let size = stored.count / groups
      let parts = try (0..<groups).map { group in
        let slice = graph.slice(
          node.name, channels: Array(group * inputs..<(group + 1) * inputs), of: input)
        return try product(
          Array(stored[group * size..<(group + 1) * size]), [outputs] + shape[1...],
          bias.map { Array($0[group * outputs..<(group + 1) * outputs]) }, window, of: slice,
          node.name)
      }
      result = graph.concatenation(node.name, of: parts)
    }
    return images(result)
  }

  /// A convolution of all channels. The kernels know square windows, with zeros around the image as many on every
  /// side; others get their zeros beforehand, and a square of weights filled up with zeros.
  private mutating func product(
    _ weights: [Float], _ shape: [Int], _ bias: [Float]?, _ window: Window, of input: Int,
    _ name: String
  ) throws -> Int {
    let extents = graph.values[input]
    let span = window.span
    let side = max(span[0], span[1])
    // Where rows and columns have different strides, those between are left out afterwards.
    let stride = window.strides[0] == window.strides[1] ? window.strides[0] : 1
    let square = Self.spread(weights, shape, window, to: [side, side])
    func geometry(_ extents: Extents, padding: Int) -> ConvolutionGeometry {
      ConvolutionGeometry(
        height: extents.height, width: extents.width, kernel: side, stride: stride,
        padding: padding)
    }
    let direct = geometry(extents, padding: window.before[0])
    if span[0] == span[1], window.before[0] == window.before[1],
      direct.outputHeight == window.extents[0], direct.outputWidth == window.extents[1]
    {
      return graph.product(
        name, try Self.layer(square, [shape[0], shape[1], side, side], bias: bias, direct),
        of: input)
    }
    let image = [extents.height, extents.width]
    let behind = (0..<2).map { window.needed($0, image[$0]) + side - span[$0] }
    let padded = try padded(input, before: window.before, behind: behind, name)
    let made = graph.product(
      name,
      try Self.layer(
        square, [shape[0], shape[1], side, side], bias: bias,
        geometry(graph.values[padded], padding: 0)), of: padded)
    guard stride != window.strides[0] || stride != window.strides[1] else { return made }
    return graph.slice(
      name, rows: (0..<window.extents[0]).map { $0 * window.strides[0] },
      columns: (0..<window.extents[1]).map { $0 * window.strides[1] }, of: made)
  }

  private mutating func padded(
    _ input: Int, before: [Int], behind: [Int], _ name: String
  ) throws -> Int {
    let extents = graph.values[input]
    try Self.check([
      extents.height + before[0] + behind[0], extents.width + before[1] + behind[1],
      extents.channels,
    ])
    guard before != [0, 0] || behind != [0, 0] else { return input }
    return graph.padded(
      name, rows: (before[0], behind[0]), columns: (before[1], behind[1]), of: input)
  }

  /// Every channel by itself; each may give several.
  private mutating func depthwise(
    _ weights: [Float], _ shape: [Int], _ bias: [Float]?, _ window: Window, of input: Int,
    _ name: String
  ) throws -> Int {
    let extents = graph.values[input]
    let span = window.span
    let spread = Self.spread(weights, shape, window, to: span)
    let image = [extents.height, extents.width]
    let behind = (0..<2).map { window.needed($0, image[$0]) }
    var place = PoolingWindow(
      height: span[0], width: span[1], rowStride: window.strides[0],
      columnStride: window.strides[1])
    (place.top, place.left) = (window.before[0], window.before[1])
    (place.bottom, place.right) = (max(0, behind[0]), max(0, behind[1]))
    var padded = input
    if place.result(of: extents)
      != Extents(
        height: window.extents[0], width: window.extents[1], channels: extents.channels)
    {
      // Padding as wide as the kernel.
      padded = try self.padded(input, before: window.before, behind: behind, name)
      (place.top, place.left, place.bottom, place.right) = (0, 0, 0, 0)
    }
    let (channels, taps) = (extents.channels, span[0] * span[1])
    let multiple = shape[0] / channels
    let parts = try (0..<multiple).map { number in
      let rows = (0..<channels).map { $0 * multiple + number }
      return graph.depthwiseConvolution(
        name,
        weight: try Self.tensor(
          rows.flatMap { spread[$0 * taps..<($0 + 1) * taps] }, [channels, 1, span[0], span[1]]),
        bias: try bias.map { bias in try Self.tensor(rows.map { bias[$0] }, [channels]) }, place,
        of: padded)
    }
    guard multiple > 1 else { return parts[0] }
    return graph.slice(
      name,
      channels: (0..<shape[0]).map { $0 % multiple * channels + $0 / multiple },
      of: graph.concatenation(name, of: parts))
  }

  /// Weights [O, C, rows, columns] in larger windows, with zeros between the taps of dilated ones and behind.
  private static func spread(
    _ weights: [Float], _ shape: [Int], _ window: Window, to sides: [Int]
  ) -> [Float] {
    guard sides != window.kernel else { return weights }
    let taps = sides[0] * sides[1]
    var result = [Float](repeating: 0, count: shape[0] * shape[1] * taps)
    var place = 0
    for matrix in 0..<shape[0] * shape[1] {
      for row in 0..<window.kernel[0] {
        for column in 0..<window.kernel[1] {
          result[
            matrix * taps + row * window.dilations[0] * sides[1] + column * window.dilations[1]] =
            weights[place]
          place += 1
        }
      }
    }
    return result
  }

  // MARK: Pooling

  mutating func pooling(_ node: Operands, isMaximum: Bool) throws -> View {
    let input = try imagePlaced(view(node, 0), node.name)
    let extents = graph.values[input]
    let image = [extents.height, extents.width]
    guard let kernel = try node.integers("kernel_shape") else {
      throw Unsupported("without kernel_shape")
    }
    let window = try Window(node, kernel: kernel, image: image)
    guard window.dilations == [1, 1] else { throw Unsupported("with dilations") }
    let counts = try node.integer("count_include_pad") ?? 0 != 0
    var place = PoolingWindow(
      height: kernel[0], width: kernel[1], rowStride: window.strides[0],
      columnStride: window.strides[1])
    (place.top, place.left) = (window.before[0], window.before[1])
    (place.bottom, place.right) = (
      max(0, window.needed(0, image[0])), max(0, window.needed(1, image[1]))
    )
    // What lies behind the padding counts in no library, and padding in some.
    guard
      isMaximum || !counts
        || place.bottom <= window.after[0] && place.right <= window.after[1]
    else { throw Unsupported("that counts padding and rounds up (ceil_mode)") }
    guard let result = place.result(of: extents), result.height == window.extents[0],
      result.width == window.extents[1]
    else { throw Unsupported("with more padding than its kernel of \(kernel)") }
    let made =
      isMaximum
      ? graph.maximumPooling(node.name, place, of: input)
      : graph.averagePooling(node.name, place, countsPadding: counts, of: input)
    return images(made)
  }

  mutating func globalPooling(_ node: Operands, isMaximum: Bool) throws -> View {
    let input = try imagePlaced(view(node, 0), node.name)
    let extents = graph.values[input]
    let window = PoolingWindow(
      height: extents.height, width: extents.width, rowStride: 1, columnStride: 1)
    let made =
      isMaximum
      ? graph.maximumPooling(node.name, window, of: input) : graph.mean(node.name, of: input)
    return images(made)
  }
}
