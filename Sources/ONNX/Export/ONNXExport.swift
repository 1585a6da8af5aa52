import Classification
import Foundation
import KernelTables
import NeuralNetwork

/// Writes a graph as an ONNX model that takes pixels [N, C, H, W] in [0, 1], N as many as one likes, and gives logits
/// [N, L]. Equal graphs give equal bytes.
package struct ONNXExport {
  /// Of the format: the first that has the operator set, so that old readers read it.
  private static let formatVersion = 8
  /// The first that has layer normalisation.
  private static let operatorSet = 17

  private var nodes = WireWriter()
  private var weights = WireWriter()
  private var nodeCount = 0

  /// The model's bytes.
  ///
  /// - Parameter normalization: the scaling of pixels in front of the graph, which the model gets as operators.
  package static func model(_ graph: NetworkGraph, normalization: Normalization) -> Data {
    var export = ONNXExport()
    export.write(graph, normalization)
    let shape = graph.imageShape
    var model = WireWriter()
    model.integer(1, formatVersion)
    model.text(2, "mixup-inference")
    model.message(7) { body in
      body.append(export.nodes)
      body.text(2, "network")
      body.append(export.weights)
      body.value(11, "images", [shape.channels, shape.height, shape.width])
      body.value(12, "logits", [graph.classCount])
    }
    model.message(8) { $0.integer(2, operatorSet) }
    return model.data
  }

  private mutating func write(_ graph: NetworkGraph, _ normalization: Normalization) {
    // By value of the graph.
    var names = [0: "images"]
    let mean = normalization.mean
    if mean.contains(where: { $0 != 0 }) {
      names[0] = add("Sub", "normalization.mean", ["images", perChannel("mean", mean)])
    }
    let deviation = normalization.standardDeviation
    if deviation.contains(where: { $0 != 1 }) {
      names[0] = add(
        "Div", "normalization.std", [names[0] ?? "", perChannel("std", deviation)])
    }
    for line in graph.lines {
      names[line.output] = write(
        line, line.inputs.map { names[$0] ?? "" }, of: line.inputs.map { graph.values[$0] })
    }
    let logits = names[graph.values.count - 1] ?? ""
    nodes.node("Flatten", "logits", [logits], output: "logits", [.integer("axis", 1)])
  }

  /// Writes an operation; returns the name of its value.
  private mutating func write(
    _ line: NetworkGraph.Line, _ inputs: [String], of extents: [NetworkGraph.Extents]
  ) -> String {
    let name = line.name
    switch line.operation {
    case .product(let weight, let bias, let geometry):
      let padding = [Int](repeating: geometry.padding, count: 4)
      return convolution(
        name, inputs[0], weight, bias, strides: [geometry.stride, geometry.stride], pads: padding)
    case .depthwise(let weight, let bias, let window):
      return convolution(
        name, inputs[0], weight, bias, strides: [window.rowStride, window.columnStride],
        pads: window.pads, groups: weight.shape[0])
    case .affine(let scale, let shift):
      var value = inputs[0]
      if scale.values.contains(where: { $0 != 1 }) {
        value = add("Mul", name, [value, perChannel("scale", scale.values)])
      }
      if shift.values.contains(where: { $0 != 0 }) {
        value = add("Add", name, [value, perChannel("shift", shift.values)])
      }
      return value
    case .activation(let function): return activation(function, name, inputs[0])
    case .sum: return add("Add", name, inputs)
    case .times: return add("Mul", name, inputs)
    case .maximum(let window): return add("MaxPool", name, inputs, window.attributes)
    case .mean(let window, let countsPadding):
      let isAll =
        window.height == extents[0].height && window.width == extents[0].width
        && window.pads.allSatisfy { $0 == 0 }
      return isAll
        ? add("GlobalAveragePool", name, inputs)
        : add(
          "AveragePool", name, inputs,
          window.attributes + [.integer("count_include_pad", countsPadding ? 1 : 0)])
    case .channelNormalization(let scale, let shift, let epsilon):
      let last = add("Transpose", name, inputs, [.integers("perm", [0, 2, 3, 1])])
      let normalized = add(
        "LayerNormalization", name,
        [
          last, stored("scale", scale.values, scale.shape),
          stored("shift", shift.values, shift.shape),
        ], [.integer("axis", -1), .float("epsilon", epsilon)])
      return add("Transpose", name, [normalized], [.integers("perm", [0, 3, 1, 2])])
    case .groupNormalization(let groups, let scale, let shift, let epsilon):
      return groupNormalization(
        line, inputs[0], groups: groups, scale: scale.values, shift: shift.values, epsilon)
    case .lengthNormalization(let floor):
      let length = add(
        "ReduceL2", name, inputs, [.integers("axes", [1]), .integer("keepdims", 1)])
      let divisor = add("Clip", name, [length, stored("floor", [floor], [])])
      return add("Div", name, [inputs[0], divisor])
    case .arrangement(let places): return arrangement(places, line, inputs, extents)
    }
  }

  private mutating func convolution(
    _ name: String, _ input: String, _ weight: Tensor, _ bias: Tensor?, strides: [Int],
    pads: [Int], groups: Int = 1
  ) -> String {
    add(
      "Conv", name,
      [input, stored("weight", weight.values, weight.shape)]
        + (bias.map { [stored("bias", $0.values, $0.shape)] } ?? []),
      [
        .integers("kernel_shape", Array(weight.shape[2...])), .integers("strides", strides),
        .integers("pads", pads), .integer("group", groups),
      ])
  }

  /// As instance normalisation of the groups, each as one channel: an operator for groups comes with version 18.
  private mutating func groupNormalization(
    _ line: NetworkGraph.Line, _ input: String, groups: Int, scale: [Float], shift: [Float],
    _ epsilon: Float
  ) -> String {
    let name = line.name
    func instances(_ input: String, _ scale: [Float], _ shift: [Float]) -> String {
      add(
        "InstanceNormalization", name,
        [input, stored("scale", scale, [scale.count]), stored("shift", shift, [shift.count])],
        [.float("epsilon", epsilon)])
    }
    if groups == scale.count { return instances(input, scale, shift) }
    let apart = add("Reshape", name, [input, stored("shape", [0, groups, -1])])
    let normalized = instances(
      apart, [Float](repeating: 1, count: groups), [Float](repeating: 0, count: groups))
    let extents = line.extents
    let shape = stored("shape", [0, extents.channels, extents.height, extents.width])
    let joined = add("Reshape", name, [normalized, shape])
    let scaled = add("Mul", name, [joined, perChannel("scale", scale)])
    return add("Add", name, [scaled, perChannel("shift", shift)])
  }

  private mutating func activation(
    _ function: Activation, _ name: String, _ input: String
  ) -> String {
    func number(_ value: Float) -> String { stored("constant", [value], []) }
    switch function {
    case .relu: return add("Relu", name, [input])
    case .leakyReLU(let slope): return add("LeakyRelu", name, [input], [.float("alpha", slope)])
    case .sigmoid: return add("Sigmoid", name, [input])
    case .silu: return add("Mul", name, [input, add("Sigmoid", name, [input])])
    case .clip(let lower, let upper):
      return add("Clip", name, [input, number(lower), number(upper)])
    case .gelu:
      let inner = add("Div", name, [input, number(Float(2).squareRoot())])
      let share = add("Add", name, [add("Erf", name, [inner]), number(1)])
      return add("Mul", name, [add("Mul", name, [input, share]), number(0.5)])
    case .elu(let scale): return add("Elu", name, [input], [.float("alpha", scale)])
    case .softplus: return add("Softplus", name, [input])
    }
  }

  /// Numbers of the inputs in other places: all inputs in one row, of which numbers are picked.
  private mutating func arrangement(
    _ places: [(input: Int, place: Int)?], _ line: NetworkGraph.Line, _ inputs: [String],
    _ extents: [NetworkGraph.Extents]
  ) -> String {
    // In this package a pixel's channels lie together, in ONNX a channel's pixels.
    var (first, starts) = (0, [Int]())
    for extents in extents {
      starts.append(first)
      first += extents.count
    }
    var picked = [Int](repeating: 0, count: places.count)
    for (number, source) in places.enumerated() {
      picked[line.extents.inChannels(number)] =
        source.map { starts[$0.input] + extents[$0.input].inChannels($0.place) } ?? first
    }
    let flat = stored("shape", [0, -1])
    let rows = inputs.map { add("Reshape", line.name, [$0, flat]) }
    var row = rows.count == 1 ? rows[0] : add("Concat", line.name, rows, [.integer("axis", 1)])
    if places.contains(where: { $0 == nil }) {
      row = add("Pad", line.name, [row, stored("pads", [0, 0, 0, 1])])
    }
    if picked != Array(0..<first) {
      row = add("Gather", line.name, [row, stored("indices", picked)], [.integer("axis", 1)])
    }
    let shape = [0, line.extents.channels, line.extents.height, line.extents.width]
    return add("Reshape", line.name, [row, stored("shape", shape)])
  }

  // MARK: Nodes and weights

  private mutating func add(
    _ operation: String, _ name: String, _ inputs: [String],
    _ attributes: [WireWriter.Attribute] = []
  ) -> String {
    nodeCount += 1
    let output = "\(name)/\(nodeCount)"
    nodes.node(operation, output, inputs, output: output, attributes)
    return output
  }

  /// Numbers for all pixels of a channel.
  private mutating func perChannel(_ name: String, _ values: [Float]) -> String {
    stored(name, values, [values.count, 1, 1])
  }

  private mutating func stored(_ name: String, _ values: [Float], _ shape: [Int]) -> String {
    stored(
      name, shape, type: 1, values.withUnsafeBufferPointer { Data(buffer: $0) })
  }

  private mutating func stored(_ name: String, _ values: [Int]) -> String {
    stored(
      name, [values.count], type: 7,
      values.map { Int64($0) }.withUnsafeBufferPointer { Data(buffer: $0) })
  }

  private mutating func stored(
    _ name: String, _ shape: [Int], type: Int, _ bytes: Data
  ) -> String {
    nodeCount += 1
    let name = "\(name)/\(nodeCount)"
    weights.message(5) { tensor in
      for extent in shape { tensor.integer(1, extent) }
      tensor.integer(2, type)
      tensor.text(8, name)
      tensor.bytes(9, bytes)
    }
    return name
  }
}

extension WireWriter {
  /// The setting of an operator.
  package enum Attribute {
    case integer(String, Int)
    case float(String, Float)
    case integers(String, [Int])
    case text(String, String)
  }

  /// The fields of another message behind those of this one.
  fileprivate mutating func append(_ other: WireWriter) { append(other.data) }

  /// A node of a graph.
  package mutating func node(
    _ operation: String, _ name: String, _ inputs: [String], output: String,
    _ attributes: [Attribute]
  ) {
    message(1) { node in
      for input in inputs { node.text(1, input) }
      node.text(2, output)
      node.text(3, name)
      node.text(4, operation)
      for attribute in attributes {
        node.message(5) { body in
          switch attribute {
          case .integer(let name, let value):
            body.text(1, name)
            body.integer(3, value)
            body.integer(20, 2)
          case .float(let name, let value):
            body.text(1, name)
            body.float(2, value)
            body.integer(20, 1)
          case .integers(let name, let values):
            body.text(1, name)
            for value in values { body.integer(8, value) }
            body.integer(20, 7)
          case .text(let name, let value):
            body.text(1, name)
            body.text(4, value)
            body.integer(20, 3)
          }
        }
      }
    }
  }

  /// An input or result of a graph: a number of images, which is N if it is not given, and then extents.
  package mutating func value(
    _ field: UInt64, _ name: String, batch: Int? = nil, _ extents: [Int]
  ) {
    message(field) { value in
      value.text(1, name)
      value.message(2) { type in
        type.message(1) { tensor in
          tensor.integer(1, 1)
          tensor.message(2) { shape in
            shape.message(1) { dimension in
              if let batch { dimension.integer(1, batch) } else { dimension.text(2, "N") }
            }
            for extent in extents { shape.message(1) { $0.integer(1, extent) } }
          }
        }
      }
    }
  }
}

extension PoolingWindow {
  fileprivate var pads: [Int] { [top, left, bottom, right] }

  fileprivate var attributes: [WireWriter.Attribute] {
    [
      .integers("kernel_shape", [height, width]), .integers("strides", [rowStride, columnStride]),
      .integers("pads", pads),
    ]
  }
}

extension NetworkGraph.Extents {
  /// Where a number lies if a channel's pixels lie together, from where it does if a pixel's channels do.
  fileprivate func inChannels(_ place: Int) -> Int {
    place % channels * pixels + place / channels
  }
}
