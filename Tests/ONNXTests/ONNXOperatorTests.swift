import Classification
import Foundation
import Kernels
import NeuralNetwork
import ONNX
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

/// Numbers of one image by ONNX's definitions, in double precision.
private struct Reference {
  var values: [Double]
  var shape: [Int]

  init(_ values: [Double], _ shape: [Int]) {
    self.values = values
    self.shape = shape
  }

  /// A number for every place of a shape.
  init(_ shape: [Int], _ value: ([Int]) -> Double) {
    self.shape = shape
    values = (0..<shape.reduce(1, *)).map { number in
      var (rest, place) = (number, [Int]())
      for extent in shape.reversed() {
        place.insert(rest % extent, at: 0)
        rest /= extent
      }
      return value(place)
    }
  }

  subscript(_ place: [Int]) -> Double {
    var number = 0
    for (index, extent) in zip(place, shape) { number = number * extent + index }
    return values[number]
  }

  /// The number at a row and column, and 0 outside.
  func at(_ channel: Int, _ row: Int, _ column: Int) -> Double? {
    0..<shape[1] ~= row && 0..<shape[2] ~= column ? self[[channel, row, column]] : nil
  }
}

@Suite("ONNX's operators")
struct ONNXOperatorTests {
  private static let image = [3, 4, 5]
  private static let images = randomTensor([2, 3, 4, 5], seed: 5, from: 0)

  private static func image(_ number: Int) -> Reference {
    Reference(images.values[number * 60..<(number + 1) * 60].map(Double.init), image)
  }

  /// Compares a model's logits, which are flattened, with a definition.
  private func expect(
    _ model: TestModel, _ definition: (Reference) -> Reference, within tolerance: Double
  ) throws {
    let found = try model.logits(of: Self.images, kernels: .reference)
    for number in 0..<2 {
      let expected = definition(Self.image(number)).values
      try #require(found.rowCount == expected.count)
      let largest = expected.map(abs).reduce(1, max)
      for (place, value) in expected.enumerated() {
        #expect(
          abs(Double(found[number * expected.count + place]) - value) <= tolerance * largest)
      }
    }
  }

  /// What reading a model of such nodes throws, as text; "" if it is read.
  private func refusal(batch: Int? = nil, _ build: (inout TestModel) -> Void) -> String {
    var model = TestModel(image: Self.image, batch: batch)
    build(&model)
    return problem { try ONNXNetwork(model.data) }
  }

  @Test("other ways through memory are NumPy's, in any order, with the images in front")
  func moves() async {
    await check(
      "transposing, reshaping, slicing and picking",
      .array(of: .array(of: .integer(in: 0...1000), count: 4...4), count: 0...7), cases: 200
    ) { (steps: [[Int]]) in
      var model = TestModel(image: Self.image)
      var value = "images"
      var definitions: [(Reference) -> Reference] = []
      var shape = Self.image
      for (number, step) in steps.enumerated() {
        let output = "value \(number)"
        let axis = step[1] % shape.count
        switch step[0] % 4 {
        case 0:
          var order = Array(shape.indices)
          order.swapAt(axis, step[2] % shape.count)
          order.swapAt(step[3] % shape.count, 0)
          model.node(
            "Transpose", [value], to: output, [.integers("perm", [0] + order.map { $0 + 1 })])
          shape = order.map { shape[$0] }
          definitions.append { x in
            Reference(order.map { x.shape[$0] }) { place in
              var from = [Int](repeating: 0, count: order.count)
              for (to, axis) in order.enumerated() { from[axis] = place[to] }
              return x[from]
            }
          }
        case 1:
          // A dimension in two, or two in one.
          var other = shape
          let divisor = [2, 3, 5].first { shape[axis].isMultiple(of: $0) } ?? 1
          if step[2] % 2 == 0 || shape.count == 1 {
            other.replaceSubrange(axis...axis, with: [divisor, shape[axis] / divisor])
          } else {
            let first = min(axis, shape.count - 2)
            other.replaceSubrange(first...first + 1, with: [shape[first] * shape[first + 1]])
          }
          let target = [step[3] % 2 == 0 ? -1 : 0] + other
          model.node(
            "Reshape", [value, model.stored("shape \(number)", target)], to: output)
          shape = other
          definitions.append { Reference($0.values, other) }
        case 2:
          let extent = shape[axis]
          let by = [1, 2, -1][step[2] % 3]
          let start = by > 0 ? step[3] % extent : extent - 1
          let ends = by > 0 ? Int(Int32.max) : -Int(Int32.max)
          model.node(
            "Slice",
            [
              value, model.stored("starts \(number)", [start]),
              model.stored("ends \(number)", [ends]),
              model.stored("axes \(number)", [axis + 1]), model.stored("steps \(number)", [by]),
            ], to: output)
          let places = Array(stride(from: start, to: by > 0 ? extent : -1, by: by))
          shape[axis] = places.count
          definitions.append { x in
            var result = x.shape
            result[axis] = places.count
            return Reference(result) { place in
              var from = place
              from[axis] = places[place[axis]]
              return x[from]
            }
          }
        default:
          let places = [step[2] % shape[axis], step[3] % shape[axis]]
          model.node(
            "Gather", [value, model.stored("indices \(number)", places)], to: output,
            [.integer("axis", axis + 1)])
          shape[axis] = 2
          definitions.append { x in
            var result = x.shape
            result[axis] = 2
            return Reference(result) { place in
              var from = place
              from[axis] = places[place[axis]]
              return x[from]
            }
          }
        }
        value = output
      }
      try assume(shape.reduce(1, *) > 1)
      cover(0.2, "something is moved", steps.count > 2)
      model.node("Flatten", [value], to: "logits")
      // Nothing is computed, so every number is the same.
      try expect(model, { x in definitions.reduce(x) { $1($0) } }, within: 0)
    }
  }

  /// Windows by numbers: kernel, strides, dilations and padding of rows and columns.
  private static let windows = Generator<[Int]>.array(of: .integer(in: 0...11), count: 10...10)

  @Test("convolutions with any window, padding and groups are those of the definition")
  func convolutions() async {
    await check(
      "convolution", Self.windows, .integer(in: 0...3), cases: 200
    ) { (numbers: [Int], kind: Int) in
      let kernel = [1 + numbers[0] % 3, 1 + numbers[1] % 4]
      let strides = [1 + numbers[2] % 2, 1 + numbers[3] % 2]
      let dilations = [1 + numbers[4] % 2, 1 + numbers[5] % 2]
      let pads = numbers[6...].map { $0 % 4 }
      let span = zip(kernel, dilations).map { ($0 - 1) * $1 + 1 }
      let room = [4 + pads[0] + pads[2] - span[0], 5 + pads[1] + pads[3] - span[1]]
      try assume(room.allSatisfy { $0 >= 0 })
      cover(0.1, "padding differs by side", pads[0] != pads[2])
      // All channels; each by itself; each by itself, for two; two groups of two.
      let (channels, groups, outputs) = [(3, 1, 4), (3, 3, 3), (3, 3, 6), (4, 2, 6)][kind]
      let perGroup = channels / groups
      let weight = Reference([outputs, perGroup] + kernel) {
        Double(($0[0] * 5 + $0[1] * 3 + $0[2] * 7 + $0[3] * 11) % 9 - 4)
      }
      var model = TestModel(image: Self.image)
      var input = "images"
      if kind == 3 {
        // A fourth channel: the first once more.
        input = model.node(
          "Gather", [input, model.stored("four", [0, 1, 2, 0])], to: "four channels",
          [.integer("axis", 1)])
      }
      model.stored("w", weight.values.map { Float($0) }, weight.shape)
      model.stored("b", (0..<outputs).map { Float($0) }, [outputs])
      model.node(
        "Conv", [input, "w", "b"], to: "value",
        [
          .integers("kernel_shape", kernel), .integers("strides", strides),
          .integers("dilations", dilations), .integers("pads", pads), .integer("group", groups),
        ])
      model.node("Flatten", ["value"], to: "logits")
      let extents = zip(room, strides).map { $0 / $1 + 1 }
      try assume(outputs * extents[0] * extents[1] > 1)
      try expect(
        model,
        { x in
          Reference([outputs] + extents) { place in
            var sum = Double(place[0])
            for c in 0..<perGroup {
              for i in 0..<kernel[0] {
                for j in 0..<kernel[1] {
                  let channel = (place[0] / (outputs / groups) * perGroup + c) % 3
                  sum +=
                    weight[[place[0], c, i, j]]
                    * (x.at(
                      channel, place[1] * strides[0] + i * dilations[0] - pads[0],
                      place[2] * strides[1] + j * dilations[1] - pads[1]) ?? 0)
                }
              }
            }
            return sum
          }
        },
        // At most 48 products of numbers up to 4.
        within: 1e-5)
    }
  }

  @Test("poolings with any window are those of the definition")
  func poolings() async {
    await check(
      "pooling", Self.windows, .integer(in: 0...2), cases: 200
    ) { (numbers: [Int], kind: Int) in
      let kernel = [1 + numbers[0] % 3, 1 + numbers[1] % 4]
      let strides = [1 + numbers[2] % 2, 1 + numbers[3] % 2]
      let pads = (0..<4).map { numbers[6 + $0] % kernel[$0 % 2] }
      let room = [4 + pads[0] + pads[2] - kernel[0], 5 + pads[1] + pads[3] - kernel[1]]
      try assume(room.allSatisfy { $0 >= 0 })
      // Rounding up, the last window sees some of the image, or is left out.
      let roundsUp = numbers[4] % 2 == 0 && kind != 2
      let extents = (0..<2).map { side in
        let count = (room[side] + (roundsUp ? strides[side] - 1 : 0)) / strides[side] + 1
        return (count - 1) * strides[side] >= [4, 5][side] + pads[side] ? count - 1 : count
      }
      cover(0.02, "rounding up", extents[0] > room[0] / strides[0] + 1)
      var model = TestModel(image: Self.image)
      model.node(
        kind == 0 ? "MaxPool" : "AveragePool", ["images"], to: "value",
        [
          .integers("kernel_shape", kernel), .integers("strides", strides),
          .integers("pads", pads), .integer("ceil_mode", roundsUp ? 1 : 0),
        ] + (kind == 2 ? [.integer("count_include_pad", 1)] : []))
      model.node("Flatten", ["value"], to: "logits")
      try expect(
        model,
        { x in
          Reference([3] + extents) { place in
            var seen: [Double] = []
            for i in 0..<kernel[0] {
              for j in 0..<kernel[1] {
                let (row, column) = (
                  place[1] * strides[0] + i - pads[0], place[2] * strides[1] + j - pads[1]
                )
                if let value = x.at(place[0], row, column) { seen.append(value) }
              }
            }
            let sum = seen.reduce(0, +)
            return switch kind {
            case 0: seen.max() ?? .nan
            case 1: sum / Double(seen.count)
            default: sum / Double(kernel[0] * kernel[1])
            }
          }
        }, within: 1e-6)
    }
  }

  @Test("functions that models write in several operators")
  func functions() throws {
    func check(_ build: (inout TestModel) -> Void, _ function: @escaping (Double) -> Double) throws
    {
      var model = TestModel(image: Self.image)
      // Numbers on both sides of 0.
      model.node("Sub", ["images", model.stored("half", [0.5], [])], to: "centred")
      model.node("Mul", ["centred", model.stored("eight", [8], [])], to: "x")
      build(&model)
      model.node("Flatten", ["y"], to: "logits")
      // The map of 0...1 to −4...4 loses eight of its values' last digits.
      try expect(
        model, { Reference($0.values.map { function(8 * ($0 - 0.5)) }, $0.shape) }, within: 4e-6)
    }
    func gelu(_ x: Double) -> Double { x * (1 + erf(x / 2.squareRoot())) / 2 }
    let root = Float(2).squareRoot()
    // As both exporters write it, and in two other orders.
    for order in 0..<3 {
      try check(
        { model in
          for (name, value) in [("root", root), ("one", 1), ("½", 0.5), ("share", 1 / root)] {
            model.stored(name, [value], [])
          }
          if order == 0 {
            model.node("Div", ["x", "root"], to: "u")
          } else {
            model.node("Mul", ["share", "x"], to: "u")
          }
          model.node("Erf", ["u"], to: "erf")
          model.node("Add", order == 1 ? ["one", "erf"] : ["erf", "one"], to: "sum")
          switch order {
          case 0:
            model.node("Mul", ["x", "sum"], to: "twice")
            model.node("Mul", ["twice", "½"], to: "y")
          case 1:
            model.node("Mul", ["½", "sum"], to: "share of x")
            model.node("Mul", ["share of x", "x"], to: "y")
          default:
            model.node("Mul", ["x", "½"], to: "half of x")
            model.node("Mul", ["half of x", "sum"], to: "y")
          }
        }, gelu)
    }
    try check({ $0.node("Tanh", ["x"], to: "y") }, tanh)
    try check({ $0.node("HardSigmoid", ["x"], to: "y") }) { min(1, max(0, 0.2 * $0 + 0.5)) }
    try check({ $0.node("Swish", ["x"], to: "y") }) { $0 / (1 + exp(-$0)) }
    try check({ $0.node("Swish", ["x"], to: "y", [.float("alpha", -1.5)]) }) {
      $0 / (1 + exp(1.5 * $0))
    }
    try check({ $0.node("HardSwish", ["x"], to: "y") }) { $0 * min(1, max(0, $0 / 6 + 0.5)) }
    for scale in [1.0, 0.6] {
      try check({
        $0.node("Elu", ["x"], to: "y", scale == 1 ? [] : [.float("alpha", Float(scale))])
      }) { $0 > 0 ? $0 : scale * expm1($0) }
      try check({ model in
        model.operatorSet = 12
        model.node("Celu", ["x"], to: "y", scale == 1 ? [] : [.float("alpha", Float(scale))])
      }) { $0 > 0 ? $0 : scale * expm1($0 / scale) }
    }
    try check({ $0.node("Selu", ["x"], to: "y") }) {
      1.050_701_022 * ($0 > 0 ? $0 : 1.673_263_192 * expm1($0))
    }
    try check({
      $0.node("Selu", ["x"], to: "y", [.float("alpha", 0.5), .float("gamma", 2)])
    }) { 2 * ($0 > 0 ? $0 : 0.5 * expm1($0)) }
    try check({ $0.node("Softplus", ["x"], to: "y") }) { log1p(exp($0)) }
    for beta in [1.0, 2.5] {
      try check({ Self.softplus(in: &$0, beta: Float(beta), threshold: 20) }) {
        log1p(exp(beta * $0)) / beta
      }
    }
    try check({ model in
      model.operatorSet = 18
      model.node("Mish", ["x"], to: "y")
    }) { $0 * tanh(log1p(exp($0))) }
    try check({ $0.node("Neg", ["x"], to: "y") }) { -$0 }
    try check({ model in
      model.node("Sigmoid", ["x"], to: "s")
      model.node("Mul", ["s", "x"], to: "y")
    }) { $0 / (1 + exp(-$0)) }
    try check({ model in
      model.operatorSet = 20
      model.node("Gelu", ["x"], to: "y", [.text("approximate", "tanh")])
    }) { x in x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) }
    try check({ model in
      model.node("Pow", ["x", model.stored("three", [3], [])], to: "y")
    }) { $0 * $0 * $0 }
    try check({ model in
      model.node("Sub", [model.stored("three", [3], []), "x"], to: "y")
    }) { 3 - $0 }
    try check({ model in
      model.node("Clip", ["x", "", model.stored("two", [2], [])], to: "y")
    }) { min($0, 2) }
  }

  /// ln(1 + e^βx) / β, and x where βx is above a threshold.
  private static func softplus(
    in model: inout TestModel, beta: Float, threshold: Float, otherwise: String = "x"
  ) {
    var (scaled, part) = ("x", "softplus")
    if beta != 1 {
      (scaled, part) = ("scaled", "part")
      model.stored("beta", [beta], [])
      model.node("Mul", ["x", "beta"], to: scaled)
    }
    model.node("Softplus", [scaled], to: part)
    if beta != 1 { model.node("Div", [part, "beta"], to: "softplus") }
    model.node("Greater", [scaled, model.stored("threshold", [threshold], [])], to: "above")
    model.node("Where", ["above", otherwise, "softplus"], to: "y")
  }

  @Test("numbers for every pixel, or a row of them, are added at their places")
  func numbers() throws {
    var model = TestModel(image: Self.image)
    let mean = (0..<60).map { Float($0 % 7) }
    // Without a number, zeros of floating point.
    model.node("ConstantOfShape", [model.stored("five", [5])], to: "zeros")
    model.node("Add", ["images", "zeros"], to: "same")
    model.node("Sub", ["same", model.stored("mean", mean, [1, 3, 4, 5])], to: "value")
    model.node("Mul", ["value", model.stored("columns", [1, 2, 3, 4, 5], [5])], to: "scaled")
    model.node("Flatten", ["scaled"], to: "logits")
    try expect(
      model,
      { x in
        Reference(x.shape) { place in
          (x[place] - Double((place[0] * 20 + place[1] * 5 + place[2]) % 7)) * Double(place[2] + 1)
        }
      }, within: 1e-6)
  }

  @Test(
    "of two values that depend on the image, dimensions that are 1 wide are repeated, as NumPy does"
  )
  func broadcasts() async {
    // How much is left of each dimension, of the first value and of the second, from where, and what is done.
    let choices = Generator<[Int]>.array(of: .integer(in: 0...11), count: 9...9)
    await check("sums, differences and products", choices, cases: 200) { (choices: [Int]) in
      var model = TestModel(image: Self.image)
      var inputs: [String] = []
      var definitions: [(Reference) -> Reference] = []
      for (number, factor) in ([1, -3] as [Float]).enumerated() {
        // One place of some dimensions, all of the others.
        let own = Array(choices[3 * number..<3 * number + 3])
        let starts = zip(own, Self.image).map { $0 < 6 ? 0 : $0 % $1 }
        let ends = zip(own, zip(starts, Self.image)).map { $0 < 6 ? $1.1 : $1.0 + 1 }
        model.node(
          "Mul", ["images", model.stored("factor \(number)", [factor], [])], to: "x\(number)")
        var value = model.node(
          "Slice",
          [
            "x\(number)", model.stored("from \(number)", starts),
            model.stored("to \(number)", ends), model.stored("axes \(number)", [1, 2, 3]),
          ], to: "part \(number)")
        if choices[8] == number {
          // To the shape of the whole image, with as many images as there are.
          value = model.node(
            "Expand", [value, model.stored("target", [1] + Self.image)], to: "expanded")
        }
        inputs.append(value)
        let isExpanded = choices[8] == number
        definitions.append { x in
          let own = zip(starts, ends).map { $1 - $0 }
          return Reference(isExpanded ? Self.image : own) { place in
            let from = place.indices.map { starts[$0] + (own[$0] == 1 ? 0 : place[$0]) }
            return Double(factor) * x[from]
          }
        }
      }
      let operation = ["Add", "Sub", "Mul"][choices[6] % 3]
      func function(_ a: Double, _ b: Double) -> Double {
        switch operation {
        case "Add": a + b
        case "Sub": a - b
        default: a * b
        }
      }
      if choices[7] % 2 == 1 {
        inputs.swapAt(0, 1)
        definitions.swapAt(0, 1)
      }
      model.node(operation, inputs, to: "result")
      model.node("Flatten", ["result"], to: "logits")
      let (first, second) = (definitions[0], definitions[1])
      func result(_ x: Reference) -> Reference {
        let (a, b) = (first(x), second(x))
        let shape = zip(a.shape, b.shape).map { max($0, $1) }
        return Reference(shape) { place in
          func value(of part: Reference) -> Double {
            part[zip(place, part.shape).map { $1 == 1 ? 0 : $0 }]
          }
          return function(value(of: a), value(of: b))
        }
      }
      // A classifier has two logits at least.
      if result(Self.image(0)).values.count > 1 { try expect(model, result, within: 1e-6) }
      let (a, b) = (first(Self.image(0)).shape, second(Self.image(0)).shape)
      cover(
        0.05, "both are repeated", zip(a, b).contains { $0 < $1 } && zip(a, b).contains { $0 > $1 })
      cover(0.05, "one is expanded first", choices[8] < 2 && a != b)
    }
  }

  @Test("broadcasting never lets one image meet another, nor makes values without bounds")
  func broadcastBounds() throws {
    // [N, 5] and [N, 3, 4, 5] meet from behind, so that images would meet rows.
    #expect(
      refusal { model in
        model.node(
          "ReduceMean", ["images"], to: "a", [.integers("axes", [1, 2]), .integer("keepdims", 0)])
        model.node("Add", ["images", "a"], to: "b")
        model.node("Flatten", ["b"], to: "logits")
      }.contains("Add of [3, 4, 5] and [5]"))
    for target in [[2, 3, 4, 5], [7, 1, 3, 4, 5], [1, 3, 8, 5]] {
      #expect(
        refusal { model in
          model.node("Expand", ["images", model.stored("target", target)], to: "a")
          model.node("Flatten", ["a"], to: "logits")
        }.contains("Expand of"), "\(target)")
    }
    #expect(
      refusal { model in
        model.node("ReduceMean", ["images"], to: "a", [.integers("axes", [2, 3])])
        model.node(
          "Expand", ["a", model.stored("target", [1, 3, 1 << 20, 1 << 20])], to: "b")
        model.node("Flatten", ["b"], to: "logits")
      }.contains("Expand which makes a value of more than"))
    // Frozen at one image, a shape without a dimension for it is still an image's.
    #expect(
      refusal(batch: 1) { model in
        model.node("Reshape", ["images", model.stored("s", [3, 4, 5])], to: "a")
        model.node("ReduceMean", ["a"], to: "b", [.integers("axes", [1, 2])])
        model.node("Mul", ["a", "b"], to: "c")
        model.node("Reshape", ["c", model.stored("t", [1, 60])], to: "logits")
      } == "")
  }

  /// (x − mean) / √(variance + 0.01) over the numbers that `group` gives the same number.
  private static func normalized(_ x: Reference, _ group: ([Int]) -> Int) -> Reference {
    let groups = Reference(x.shape) { Double(group($0)) }.values.map { Int($0) }
    return Reference(x.shape) { place in
      let members = zip(x.values, groups).filter { $0.1 == group(place) }.map(\.0)
      let mean = members.reduce(0, +) / Double(members.count)
      let variance = members.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(members.count)
      return (x[place] - mean) / (variance + 0.01).squareRoot()
    }
  }

  @Test(
    "normalisations over groups of channels, over channels one by one and over several dimensions")
  func normalizations() throws {
    // 3·4·5 numbers as six channels of ten, of which the groups have two.
    for (operation, operatorSet, channels) in [
      ("InstanceNormalization", 17, 1), ("GroupNormalization", 21, 2),
      ("GroupNormalization", 18, 2),
    ] {
      var model = TestModel(image: Self.image)
      model.operatorSet = operatorSet
      model.node("Reshape", ["images", model.stored("shape", [0, 6, 2, 5])], to: "x")
      let count = operatorSet == 18 ? 3 : 6
      model.stored("scale", (0..<count).map { Float($0) - 1.5 }, [count])
      model.stored("shift", (0..<count).map { Float($0) / 4 }, [count])
      model.node(
        operation, ["x", "scale", "shift"], to: "y",
        [.float("epsilon", 0.01)] + (channels == 1 ? [] : [.integer("num_groups", 3)]))
      model.node("Flatten", ["y"], to: "logits")
      try expect(
        model,
        { x in
          let x = Reference(x.values, [6, 2, 5])
          let normal = Self.normalized(x) { $0[0] / channels }
          return Reference(x.shape) { place in
            let number = Double(place[0] * count / 6)
            return normal[place] * (number - 1.5) + number / 4
          }
        }, within: 1e-5)
    }

    // Some of the groups that an image was reshaped to, which are not the image.
    var part = TestModel(image: Self.image)
    part.node("Reshape", ["images", part.stored("shape", [0, 6, -1])], to: "x")
    part.node("Slice", ["x", part.stored("from", [0]), part.stored("to", [3]), "axis"], to: "half")
    part.stored("axis", [1])
    part.stored("scale", [1, 2, 3], [3])
    part.stored("shift", [0, 0, 1], [3])
    part.node(
      "InstanceNormalization", ["half", "scale", "shift"], to: "y", [.float("epsilon", 0.01)])
    part.node("Flatten", ["y"], to: "logits")
    try expect(
      part,
      { x in
        let x = Reference(Array(x.values[..<30]), [3, 10])
        let normal = Self.normalized(x) { $0[0] }
        return Reference(x.shape) { place in
          normal[place] * Double(place[0] + 1) + (place[0] == 2 ? 1 : 0)
        }
      }, within: 1e-5)

    for axis in [1, -3, 2, -1] {
      var model = TestModel(image: Self.image)
      let first = axis < 0 ? axis + 3 : axis - 1
      let shape = Array(Self.image[first...])
      let count = shape.reduce(1, *)
      model.stored("scale", (0..<count).map { Float($0) - 1.5 }, shape)
      model.stored("shift", (0..<count).map { Float($0) / 4 }, shape)
      model.node(
        "LayerNormalization", ["images", "scale", "shift"], to: "y",
        [.float("epsilon", 0.01), .integer("axis", axis)])
      model.node("Flatten", ["y"], to: "logits")
      try expect(
        model,
        { x in
          func number(_ places: some Collection<Int>, _ extents: some Collection<Int>) -> Int {
            zip(places, extents).reduce(0) { $0 * $1.1 + $1.0 }
          }
          let normal = Self.normalized(x) { number($0[..<first], x.shape[..<first]) }
          return Reference(x.shape) { place in
            let number = Double(number(place[first...], shape))
            return normal[place] * (number - 1.5) + number / 4
          }
        }, within: 1e-5)
    }
  }

  @Test("padding that repeats the edge, mirrors, goes round, or has a number")
  func paddings() throws {
    let sides = [1, 2, -1, 0, 2, 3]
    let extents = [3 + 1 + 0, 4 + 2 + 2, 5 - 1 + 3]
    for (mode, value) in [
      ("edge", 0), ("reflect", 0), ("wrap", 0), ("constant", 0), ("constant", 0.25),
    ] {
      var model = TestModel(image: Self.image)
      model.stored("sides", [0] + sides[..<3] + [0] + sides[3...])
      model.stored("value", [Float(value)], [])
      model.node("Pad", ["images", "sides", "value"], to: "padded", [.text("mode", mode)])
      model.node("Flatten", ["padded"], to: "logits")
      try expect(
        model,
        { x in
          Reference(extents) { place in
            var from = zip(place, sides).map { $0 - $1 }
            for axis in 0..<3 where !(0..<x.shape[axis] ~= from[axis]) {
              let last = x.shape[axis] - 1
              switch mode {
              case "edge": from[axis] = from[axis] < 0 ? 0 : last
              case "wrap":
                // What is taken away in front is not repeated behind.
                let taken = max(0, -sides[axis])
                from[axis] += from[axis] < 0 ? last + 1 : taken - last - 1
              case "reflect":
                from[axis] = from[axis] < 0 ? -from[axis] : 2 * last - from[axis]
              default: return value
              }
            }
            return x[from]
          }
        }, within: 0)
    }
    var model = TestModel(image: Self.image)
    model.stored("sides", [0, 0, 0, 5, 0, 0, 0, 0])
    model.node("Pad", ["images", "sides"], to: "padded", [.text("mode", "reflect")])
    model.node("Flatten", ["padded"], to: "logits")
    #expect(
      problem { try ONNXNetwork(model.data) }.contains(
        "Pad that mirrors more than the 5 numbers of a dimension (at at padded)"))
  }

  @Test("slopes of a parametric ReLU may differ from channel to channel and from place to place")
  func slopes() throws {
    for shape in [[1], [3, 1, 1], [1, 1, 5], [3, 4, 5]] {
      let count = shape.reduce(1, *)
      var model = TestModel(image: Self.image)
      model.node("Sub", ["images", model.stored("half", [0.5], [])], to: "x")
      model.stored("slopes", (0..<count).map { Float($0 - 2) / 4 }, shape)
      model.node("PRelu", ["x", "slopes"], to: "y")
      model.node("Flatten", ["y"], to: "logits")
      try expect(
        model,
        { x in
          Reference(x.shape) { place in
            let number = zip(place.suffix(shape.count), shape).reduce(0) {
              $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0)
            }
            let value = x[place] - 0.5
            return value < 0 ? value * Double(number - 2) / 4 : value
          }
        }, within: 1e-6)
    }
  }

  @Test("a mean over one dimension goes on to every operator, as other values do")
  func means() throws {
    let operators: [(String, [Int]?, [TestModel.Attribute])] = [
      ("Flatten", nil, []), ("Reshape", [-1, 15], []),
      ("Transpose", nil, [.integers("perm", [0, 2, 1])]),
      ("Unsqueeze", [1], []), ("Cast", nil, [.integer("to", 1)]), ("Relu", nil, []),
      ("Identity", nil, []),
      ("Dropout", nil, []), ("Expand", [1, 3, 5], []),
    ]
    for (name, numbers, attributes) in operators {
      var model = TestModel(image: Self.image)
      model.node(
        "ReduceMean", ["images"], to: "mean", [.integers("axes", [2]), .integer("keepdims", 0)])
      let stored = numbers.map { [model.stored("numbers", $0)] } ?? []
      model.node(name, ["mean"] + stored, to: "result", attributes)
      model.node("Flatten", ["result"], to: "logits")
      try expect(
        model,
        { x in
          let means = Reference([3, 5]) { place in
            (0..<4).map { x[[place[0], $0, place[1]]] }.reduce(0, +) / 4
          }
          return name == "Transpose"
            ? Reference([5, 3]) { means[[$0[1], $0[0]]] } : Reference(means.values, [15])
        }, within: 1e-6)
    }
  }

  @Test("features, and weights, that are divided by their length, in every way of writing it")
  func lengths() throws {
    for (form, axis) in [("Clip", 1), ("Max", 2), ("none", -1), ("operator", 3), ("attribute", -3)]
    {
      var model = TestModel(image: Self.image)
      model.operatorSet = form == "attribute" ? 17 : 18
      model.node("Sub", ["images", model.stored("half", [0.5], [])], to: "x")
      if form == "operator" {
        model.node("LpNormalization", ["x"], to: "y", [.integer("axis", axis)])
      } else {
        if form == "attribute" {
          model.node("ReduceL2", ["x"], to: "length", [.integers("axes", [axis])])
        } else {
          model.node("ReduceL2", ["x", model.stored("axes", [axis])], to: "length")
        }
        model.stored("floor", [0.6], [])
        switch form {
        case "Clip": model.node("Clip", ["length", "floor"], to: "divisor")
        case "Max": model.node("Max", ["floor", "length"], to: "divisor")
        default: model.node("Identity", ["length"], to: "divisor")
        }
        model.node("Shape", ["x"], to: "shape")
        model.node("Expand", ["divisor", "shape"], to: "expanded")
        model.node("Div", ["x", "expanded"], to: "y")
      }
      model.node("Flatten", ["y"], to: "logits")
      let over = (axis + 4) % 4 - 1
      let floor = ["Clip", "Max"].contains(form) ? Double(Float(0.6)) : 0
      try expect(
        model,
        { x in
          Reference(x.shape) { place in
            let all = (0..<x.shape[over]).map { other in
              var place = place
              place[over] = other
              return x[place] - 0.5
            }
            return (x[place] - 0.5) / max(floor, all.map { $0 * $0 }.reduce(0, +).squareRoot())
          }
        }, within: 1e-6)
    }
    // Rows of stored weights.
    var model = TestModel(image: Self.image)
    let weights = (0..<120).map { Float(($0 * 7) % 11) - 4 }
    model.node("Flatten", ["images"], to: "flat")
    model.stored("w", weights, [2, 60])
    model.node("ReduceL2", ["w"], to: "length", [.integers("axes", [-1])])
    model.node("Clip", ["length", model.stored("floor", [1e-12], [])], to: "divisor")
    model.node("Div", ["w", "divisor"], to: "rows")
    model.node("Gemm", ["flat", "rows"], to: "logits", [.integer("transB", 1)])
    try expect(
      model,
      { x in
        Reference(
          (0..<2).map { row in
            let own = weights[row * 60..<(row + 1) * 60].map(Double.init)
            let length = own.map { $0 * $0 }.reduce(0, +).squareRoot()
            return zip(own, x.values).map { $0 * $1 / length }.reduce(0, +)
          }, [2])
      }, within: 1e-6)
    // Weights that were worked out of the file's are as many parameters.
    #expect(try ONNXNetwork(model.data).parameterCount == 120)
    // A floor without bound.
    var bound = TestModel(image: Self.image)
    bound.node("ReduceL2", ["images"], to: "length", [.integers("axes", [1])])
    bound.node("Clip", ["length", bound.stored("floor", [.infinity], [])], to: "divisor")
    bound.node("Div", ["images", "divisor"], to: "y")
    bound.node("Flatten", ["y"], to: "logits")
    #expect(problem { try ONNXNetwork(bound.data) }.contains("Clip of a length (ReduceL2)"))
    // A length by which something else is divided.
    var other = TestModel(image: Self.image)
    other.node("Relu", ["images"], to: "x")
    other.node("ReduceL2", ["images"], to: "length", [.integers("axes", [1])])
    other.node("Div", ["x", "length"], to: "y")
    other.node("Flatten", ["y"], to: "logits")
    #expect(
      problem { try ONNXNetwork(other.data) }.contains(
        "of a length (ReduceL2) that does not divide what it is the length of"))
  }

  @Test("casts keep what they keep, make truth values 0 and 1, and are refused where they round")
  func casts() throws {
    func model(_ operation: String, _ inputs: [String], to type: Int?) -> TestModel {
      var model = TestModel(image: Self.image)
      model.stored("numbers", [0, 0.5, -2, 0], [4])
      model.stored("whole", [0, 3, -2, 0])
      model.node(
        operation, inputs, to: "made", type.map { [.integer("to", $0)] } ?? [])
      return model
    }
    // 9: truth values, 7: whole numbers, which choose columns here.
    for stored in ["numbers", "whole"] {
      var picked = model("Cast", [stored], to: 9)
      picked.node("Cast", ["made"], to: "columns", [.integer("to", 7)])
      picked.node("Flatten", ["images"], to: "flat")
      picked.node("Gather", ["flat", "columns"], to: "logits", [.integer("axis", 1)])
      try expect(
        picked,
        { x in Reference([4]) { place in x[[0, 0, place[0] == 1 || place[0] == 2 ? 1 : 0]] } },
        within: 0)
    }
    for (operation, inputs) in [("Cast", ["images"]), ("CastLike", ["images", "numbers"])] {
      var kept = model(operation, inputs, to: operation == "Cast" ? 1 : nil)
      kept.node("Flatten", ["made"], to: "logits")
      try expect(kept, { $0 }, within: 0)
    }
    for (operation, inputs, type, text) in [
      ("Cast", ["images"], 10, "Cast of the image to another type"),
      ("Cast", ["images"], 9, "Cast of the image to another type"),
      ("CastLike", ["images", "whole"], nil, "CastLike of the image to another type"),
      ("Cast", ["numbers"], 10, "Cast of stored numbers to a type that rounds them"),
    ] as [(String, [String], Int?, String)] {
      var refused = model(operation, inputs, to: type)
      refused.node("Add", ["images", "made"], to: "sum")
      refused.node("Flatten", ["sum"], to: "logits")
      let found = problem { try ONNXNetwork(refused.data) }
      #expect(found.contains(text), "\(found)")
    }
  }

  @Test("dropout is left out where it does nothing, and refused where it draws")
  func dropout() throws {
    func model(_ ratio: Float, isTraining: Bool?) -> TestModel {
      var model = TestModel(image: Self.image)
      var inputs = ["images", model.stored("ratio", [ratio], [])]
      if let isTraining { inputs.append(model.stored("training", isTrue: isTraining)) }
      model.node("Dropout", inputs, to: "dropped")
      model.node("Flatten", ["dropped"], to: "logits")
      return model
    }
    try expect(model(0.5, isTraining: nil), { $0 }, within: 1e-6)
    try expect(model(0.5, isTraining: false), { $0 }, within: 1e-6)
    try expect(model(0, isTraining: true), { $0 }, within: 1e-6)
    #expect(
      problem { try ONNXNetwork(model(0.5, isTraining: true).data) }.contains(
        "Dropout that draws at every pass (training_mode) (at at dropped)"))
  }

  @Test("everything that cannot be computed is named at once, with its nodes")
  func unsupported() throws {
    var model = TestModel(image: Self.image)
    model.node("Softmax", ["images"], to: "a")
    model.node("Softmax", ["a"], to: "b")
    model.node("LRN", ["images"], to: "c")
    model.node("Add", ["b", "c"], to: "d")
    model.node("Flatten", ["d"], to: "logits")
    // Nobody asks for it.
    model.node("Einsum", ["images"], to: "unused")
    let found = problem { try ONNXNetwork(model.data) }
    #expect(found.contains("Softmax (at at a)") && found.contains("LRN (at at c)"), "\(found)")
    #expect(!found.contains("Einsum"))

    model = TestModel(image: Self.image)
    model.node(
      "Pad", ["images", model.stored("p", [0, 0, 1, 1, 0, 0, 1, 1])], to: "a",
      [.text("mode", "symmetric")])
    model.node(
      "MaxPool", ["images"], to: "b",
      [.integers("kernel_shape", [2, 2]), .integers("dilations", [2, 2])])
    model.node("Concat", ["a", "b"], to: "c", [.integer("axis", 1)])
    model.node("Flatten", ["c"], to: "logits")
    let modes = problem { try ONNXNetwork(model.data) }
    #expect(modes.contains("Pad with mode = symmetric (at at a)"), "\(modes)")
    #expect(modes.contains("MaxPool with dilations (at at b)"), "\(modes)")
  }

  @Test("weights may be as large as a file is, what a model makes of them may not")
  func sizes() throws {
    // A convolution of WRN-70-16.
    var model = TestModel(image: [3, 4, 4])
    model.stored("a", [Float](repeating: 0.5, count: 1024 * 3), [1024, 3, 1, 1])
    model.stored("b", [Float](repeating: 0.5, count: 1024 * 1024 * 9), [1024, 1024, 3, 3])
    model.node("Conv", ["images", "a"], to: "wide")
    model.node("Conv", ["wide", "b"], to: "wider", [.integers("pads", [1, 1, 1, 1])])
    model.node("Flatten", ["wider"], to: "logits")
    #expect(try ONNXNetwork(model.data).graph.classCount == 1024 * 16)
    // Numbers that double.
    for stored in [false, true] {
      var model = TestModel(image: [1, 1, 4])
      model.stored("value 0", [Float](repeating: 1, count: 4), [4])
      var value = stored ? "value 0" : model.stored("whole 0", [1, 2, 3, 4])
      for number in 1...40 {
        value = model.node(
          "Concat", [value, value], to: "value \(number)", [.integer("axis", 0)])
      }
      model.node("Flatten", ["images"], to: "flat")
      model.node("Gather", ["flat", value], to: "logits", [.integer("axis", 1)])
      #expect(problem { try ONNXNetwork(model.data) }.contains("Concat of shapes that do not fit"))
    }
    // A picture that is picked over and over, and a window of zeros.
    var other = TestModel(image: [3, 100, 100])
    other.stored("rows", [Int](repeating: 0, count: 60_000))
    other.node("Gather", ["images", "rows"], to: "value", [.integer("axis", 2)])
    other.node("Flatten", ["value"], to: "logits")
    #expect(problem { try ONNXNetwork(other.data) }.contains("Gather which makes a value of more"))
    var window = TestModel(image: [3, 100, 100])
    window.stored("w", [Float](repeating: 1, count: 27), [1, 3, 3, 3])
    window.node(
      "Conv", ["images", "w"], to: "value",
      [.integers("dilations", [2000, 2000]), .integers("pads", [3900, 3900, 3900, 3900])])
    window.node("Flatten", ["value"], to: "logits")
    #expect(problem { try ONNXNetwork(window.data) }.contains("Conv which makes a value of more"))
  }

  @Test("what would mix images, or is no classifier of images, is refused")
  func otherModels() throws {
    #expect(
      refusal { model in
        model.node("Transpose", ["images"], to: "a", [.integers("perm", [1, 0, 2, 3])])
        model.node("Flatten", ["a"], to: "logits")
      }.contains("moves the dimension of images"))
    #expect(
      refusal { model in
        model.node("Reshape", ["images", model.stored("s", [-1, 20])], to: "logits")
      }.contains("images of 60 numbers are not apart"))
    for (operation, over) in [
      ("ReduceMean", TestModel.Attribute.integers("axes", [-4])),
      ("ReduceL2", .integers("axes", [0])),
      ("LpNormalization", .integer("axis", 0)), ("LayerNormalization", .integer("axis", -4)),
    ] {
      #expect(
        refusal { model in
          model.node(operation, ["images"], to: "a", [over])
          model.node("Flatten", ["a"], to: "logits")
        }.contains("\(operation) over the images"), "\(operation)")
    }
    #expect(
      refusal { model in
        model.node("ReduceMean", ["images"], to: "a", [.integers("axes", [1, -3])])
        model.node("Flatten", ["a"], to: "logits")
      }.contains("ReduceMean twice over one dimension"))
    #expect(
      refusal { model in
        model.outputs = ["logits", "features"]
        model.node("Flatten", ["images"], to: "logits")
        model.node("Relu", ["images"], to: "features")
      }.contains("2 results (logits, features)"))
    for (beta, threshold, otherwise) in [(1, 10, "x"), (2, 20, "scaled"), (1, 20, "images")] {
      #expect(
        refusal { model in
          model.node("Neg", ["images"], to: "x")
          Self.softplus(
            in: &model, beta: Float(beta), threshold: Float(threshold), otherwise: otherwise)
          model.node("Flatten", ["y"], to: "logits")
        }.contains("Where of something other than a softplus"))
    }
    #expect(
      refusal { model in
        model.operatorSet = 12
        model.node("Celu", ["images"], to: "a", [.float("alpha", 0)])
        model.node("Flatten", ["a"], to: "logits")
      }.contains("Celu with alpha = 0"))
    #expect(
      refusal { model in
        model.operatorSet = 6
        model.node("Flatten", ["images"], to: "logits")
      }.contains("operator set 6"))
    // Frozen at one image, the same shapes keep images apart.
    for target in [[1, 60], [-1], [3, 20], [60]] {
      #expect(
        refusal(batch: 1) { model in
          model.node("Reshape", ["images", model.stored("s", target)], to: "logits")
        } == "")
    }
    #expect(
      refusal(batch: 4) { model in
        model.node("Reshape", ["images", model.stored("s", [4, 60])], to: "logits")
      } == "")
  }

  @Test("a shape that is worked out holds for every number of images")
  func wholeNumbers() async {
    let numbers = Generator<[Int]>.array(of: .integer(in: -6...6), count: 4...4)
    await check("numbers that depend on N", numbers, cases: 500) { (values: [Int]) in
      let a = Whole(constant: values[0], perImage: values[1])
      let b = Whole(constant: values[2], perImage: values[3] % 2)
      for images in 1...9 {
        func at(_ number: Whole) -> Int { number.constant + number.perImage * images }
        if let sum = a.adding(b) { #expect(at(sum) == at(a) + at(b)) }
        if let difference = a.subtracting(b) { #expect(at(difference) == at(a) - at(b)) }
        if let product = a.times(b) { #expect(at(product) == at(a) * at(b)) }
        if let quotient = a.divided(by: b) { #expect(at(quotient) == at(a) / at(b)) }
        if let isEqual = a.equals(b) { #expect(isEqual == (at(a) == at(b))) }
      }
      cover(0.05, "a quotient", a.divided(by: b) != nil)
      cover(
        0.1, "an answer that does not depend on N", a.equals(b) == false && a.perImage != b.perImage
      )
    }
    #expect(Whole(constant: .max).adding(Whole(constant: 1)) == nil)
    #expect(Whole(constant: .min).divided(by: Whole(constant: -1)) == nil)
    #expect(Whole(constant: .min).times(Whole(constant: -1)) == nil)
  }
}
