import Classification
import Foundation
import KernelTables
import Kernels
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import Statistics
import TestSupport
import Testing

/// A graph by its definition, in double precision, beside the graph itself.
private struct Scene {
  var graph: NetworkGraph
  /// From the image [N, H, W, C] to all values; says how far the numbers are from where a derivative jumps.
  private var definitions: [(_ values: [DoubleArray], _ margin: inout Double) -> DoubleArray] = []

  /// Operations by number: what is done, and to which values. Whatever the numbers are, they make a graph.
  init(_ numbers: [[Int]], channels: Int = 2, height: Int = 4, width: Int = 3, classCount: Int = 3)
  {
    graph = NetworkGraph(
      imageShape: ImageShape(channels: channels, height: height, width: width))
    for (place, number) in numbers.enumerated() {
      let input = number[1] % graph.values.count
      let extents = graph.values[input]
      switch number[0] % 17 {
      case 0, 1:
        let isWide = number[2] % 2 == 0
        let geometry = ConvolutionGeometry(
          height: extents.height, width: extents.width, kernel: isWide ? 3 : 1,
          stride: number[2] % 5 == 0 ? 2 : 1, padding: isWide && number[2] % 8 != 0 ? 1 : 0,
          paddingBehind: isWide ? number[2] % 8 == 0 ? 2 : 1 : 0)
        product(
          input, channels: number[2] % 3 == 0 ? extents.channels : channels + number[2] % 4,
          geometry: geometry, seed: place)
      case 2: affine(input, seed: place)
      case 3, 4:
        _ = graph.activation("relu", .relu, of: input)
        definitions.append { values, margin in
          margin = values[input].values.map(abs).reduce(margin, min)
          return DoubleReference.relu(values[input])
        }
      case 5: activation(input, number[2])
      case 6: maximumPooling(input, window(extents, number[2]))
      case 7: averagePooling(input, window(extents, number[2]), countsPadding: number[2] % 2 == 0)
      case 8: depthwise(input, window(extents, number[2]), seed: place)
      case 9: channelNormalization(input, seed: place)
      case 10: product(of: input, number[2])
      case 11 where extents.channels < 4 * channels: concatenation(input, number[2])
      case 12: padding(input, number[2])
      case 13: slice(input, number[2])
      case 14: groupNormalization(input, number[2], seed: place)
      case 15: lengthNormalization(input)
      default:
        let others = graph.values.indices.filter { graph.values[$0] == extents }
        let other = others[number[2] % others.count]
        _ = graph.sum("sum", of: input, and: other)
        definitions.append { values, _ in values[input] + values[other] }
      }
    }
    // Either the mean or all numbers are what the dense layer is given.
    let last = graph.values.count - 1
    let extents = graph.values[last]
    if numbers.count % 2 == 0 {
      averagePooling(
        last,
        PoolingWindow(height: extents.height, width: extents.width, rowStride: 1, columnStride: 1),
        countsPadding: false)
    } else {
      let places = (0..<extents.count).map { place in
        place % extents.pixels * extents.channels + place / extents.pixels
      }
      _ = graph.gathered(
        "flat", places, of: last,
        as: NetworkGraph.Extents(height: 1, width: 1, channels: extents.count))
      definitions.append { values, _ in
        let x = values[last]
        var out = DoubleArray(zeros: [x.shape[0], 1, 1, extents.count])
        x.forEach { n, y, z, c, value in
          out[n, 0, 0, (c * extents.height + y) * extents.width + z] = value
        }
        return out
      }
    }
    product(
      last + 1, channels: classCount, geometry: ConvolutionGeometry(height: 1, width: 1, kernel: 1),
      seed: 99)
  }

  private mutating func product(
    _ input: Int, channels: Int, geometry: ConvolutionGeometry, seed: Int
  ) {
    let inputs = graph.values[input].channels
    let convolution = Convolution(
      inputChannels: inputs, outputChannels: channels, geometry: geometry, hasBias: seed % 2 == 0)
    let bound = 1.5 / Float(inputs * geometry.kernel * geometry.kernel).squareRoot()
    convolution.weight.value = randomTensor(
      convolution.weight.value.shape, seed: UInt64(seed), from: -bound, to: bound)
    convolution.bias?.value = randomTensor([channels], seed: UInt64(seed + 1))
    let weight = DoubleArray(convolution.weight.value)
    let bias = convolution.bias.map { DoubleArray($0.value) }
    _ = graph.product("product \(seed)", convolution, of: input)
    definitions.append { values, _ in
      DoubleReference.convolution(
        values[input], weight, bias: bias, stride: geometry.stride, padding: geometry.padding,
        paddingBehind: geometry.paddingBehind)
    }
  }

  private mutating func affine(_ input: Int, seed: Int) {
    let channels = graph.values[input].channels
    let scale = randomTensor([channels], seed: UInt64(seed), from: 0.5, to: 1.5)
    let shift = randomTensor([channels], seed: UInt64(seed + 1))
    _ = graph.affine("affine", scale: scale, shift: shift, of: input)
    definitions.append { values, _ in
      var out = values[input]
      for place in out.values.indices {
        let channel = place % channels
        out.values[place] = out.values[place] * Double(scale[channel]) + Double(shift[channel])
      }
      return out
    }
  }

  private mutating func activation(_ input: Int, _ number: Int) {
    let all: [(Activation, kinks: [Double], (Double) -> Double)] = [
      (.leakyReLU(slope: 0.125), [0], { max($0, 0) + 0.125 * min($0, 0) }),
      (.silu, [], { $0 / (1 + exp(-$0)) }),
      (.sigmoid, [], { 1 / (1 + exp(-$0)) }),
      (.clip(lower: -0.5, upper: 0.75), [-0.5, 0.75], { min(max($0, -0.5), 0.75) }),
      (.gelu, [], { $0 * (1 + erf($0 / 2.squareRoot())) / 2 }),
      (.elu(scale: 0.75), [0], { $0 > 0 ? $0 : 0.75 * expm1($0) }),
      (.softplus, [], { log1p(exp($0)) }),
    ]
    let (activation, kinks, definition) = all[number % all.count]
    _ = graph.activation("activation", activation, of: input)
    definitions.append { values, margin in
      for value in values[input].values {
        margin = kinks.map { abs(value - $0) }.reduce(margin, min)
      }
      return DoubleArray(shape: values[input].shape, values: values[input].values.map(definition))
    }
  }

  /// A window that fits, with other numbers for rows than for columns.
  private func window(_ extents: NetworkGraph.Extents, _ number: Int) -> PoolingWindow {
    let (height, width) = (
      1 + number % min(3, extents.height), 1 + number / 3 % min(2, extents.width)
    )
    var window = PoolingWindow(
      height: height, width: width, rowStride: 1 + number % 2, columnStride: 1 + number / 2 % 2)
    window.top = min(number / 4 % 2, height - 1)
    window.right = min(number / 8 % 2, width - 1)
    window.left = min(number / 16 % 2, width - 1)
    window.bottom = min(number / 5 % 2, height - 1)
    return window
  }

  /// Calls `body` for every output pixel and channel with all that the window sees there of the image, and the
  /// tap under which.
  private static func forEachWindow(
    _ x: DoubleArray, _ window: PoolingWindow,
    _ body: (_ seen: [(tap: Int, value: Double)], _ channel: Int) -> Double
  ) -> DoubleArray {
    let height = (x.shape[1] + window.top + window.bottom - window.height) / window.rowStride + 1
    let width = (x.shape[2] + window.left + window.right - window.width) / window.columnStride + 1
    var out = DoubleArray(zeros: [x.shape[0], height, width, x.shape[3]])
    out.forEach { n, row, column, c, _ in
      var seen: [(tap: Int, value: Double)] = []
      for tap in 0..<window.height * window.width {
        let y = row * window.rowStride + tap / window.width - window.top
        let z = column * window.columnStride + tap % window.width - window.left
        if 0..<x.shape[1] ~= y, 0..<x.shape[2] ~= z { seen.append((tap, x[n, y, z, c])) }
      }
      out[n, row, column, c] = body(seen, c)
    }
    return out
  }

  private mutating func maximumPooling(_ input: Int, _ window: PoolingWindow) {
    _ = graph.maximumPooling("maximum", window, of: input)
    definitions.append { values, margin in
      var least = margin
      let out = Self.forEachWindow(values[input], window) { seen, _ in
        let sorted = seen.map(\.value).sorted(by: >)
        if sorted.count > 1 { least = min(least, sorted[0] - sorted[1]) }
        return sorted[0]
      }
      margin = least
      return out
    }
  }

  private mutating func averagePooling(_ input: Int, _ window: PoolingWindow, countsPadding: Bool) {
    _ = graph.averagePooling("average", window, countsPadding: countsPadding, of: input)
    definitions.append { values, _ in
      Self.forEachWindow(values[input], window) { seen, _ in
        let count = countsPadding ? window.height * window.width : seen.count
        return seen.map(\.value).reduce(0, +) / Double(count)
      }
    }
  }

  private mutating func depthwise(_ input: Int, _ window: PoolingWindow, seed: Int) {
    let channels = graph.values[input].channels
    let taps = window.height * window.width
    let weight = randomTensor([channels, 1, window.height, window.width], seed: UInt64(seed))
    let bias = seed % 2 == 0 ? randomTensor([channels], seed: UInt64(seed + 1)) : nil
    _ = graph.depthwiseConvolution("depthwise", weight: weight, bias: bias, window, of: input)
    definitions.append { values, _ in
      Self.forEachWindow(values[input], window) { seen, c in
        seen.map { $0.value * Double(weight[c * taps + $0.tap]) }.reduce(0, +)
          + Double(bias?[c] ?? 0)
      }
    }
  }

  private mutating func channelNormalization(_ input: Int, seed: Int) {
    let channels = graph.values[input].channels
    let scale = randomTensor([channels], seed: UInt64(seed), from: 0.5, to: 1.5)
    let shift = randomTensor([channels], seed: UInt64(seed + 1))
    // So large that it counts, and that small differences are not made large.
    let epsilon: Float = 0.25
    _ = graph.channelNormalization("norm", scale: scale, shift: shift, epsilon: epsilon, of: input)
    definitions.append { values, _ in
      let x = values[input]
      var out = x
      x.forEach { n, y, z, c, value in
        let all = (0..<channels).map { x[n, y, z, $0] }
        let mean = all.reduce(0, +) / Double(channels)
        let variance = all.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(channels)
        out[n, y, z, c] =
          (value - mean) / (variance + Double(epsilon)).squareRoot() * Double(scale[c])
          + Double(shift[c])
      }
      return out
    }
  }

  private mutating func lengthNormalization(_ input: Int) {
    let channels = graph.values[input].channels
    // So large that it counts, and that small differences are not made large.
    let floor: Float = 0.5
    _ = graph.lengthNormalization("length", floor: floor, of: input)
    definitions.append { values, margin in
      let x = values[input]
      var out = x
      x.forEach { n, y, z, c, value in
        let squares = (0..<channels).map { x[n, y, z, $0] * x[n, y, z, $0] }
        let length = squares.reduce(0, +).squareRoot()
        margin = min(margin, abs(length - Double(floor)))
        out[n, y, z, c] = value / max(length, Double(floor))
      }
      return out
    }
  }

  private mutating func groupNormalization(_ input: Int, _ number: Int, seed: Int) {
    let channels = graph.values[input].channels
    let divisors = (1...channels).filter { channels.isMultiple(of: $0) }
    let size = divisors[number % divisors.count]
    let scale = randomTensor([channels], seed: UInt64(seed), from: 0.5, to: 1.5)
    let shift = randomTensor([channels], seed: UInt64(seed + 1))
    let epsilon: Float = 0.25
    _ = graph.groupNormalization(
      "groups", groups: channels / size, scale: scale, shift: shift, epsilon: epsilon, of: input)
    definitions.append { values, _ in
      let x = values[input]
      var groups: [[Int]: [Double]] = [:]
      x.forEach { n, _, _, c, value in groups[[n, c / size], default: []].append(value) }
      let statistics = groups.mapValues { all in
        let mean = all.reduce(0, +) / Double(all.count)
        let variance = all.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(all.count)
        return (mean: mean, factor: 1 / (variance + Double(epsilon)).squareRoot())
      }
      var out = x
      x.forEach { n, y, z, c, value in
        let (mean, factor) = statistics[[n, c / size]] ?? (0, 0)
        out[n, y, z, c] = (value - mean) * factor * Double(scale[c]) + Double(shift[c])
      }
      return out
    }
  }

  /// With a value of the same extents or, where there is one, of one pixel.
  private mutating func product(of input: Int, _ number: Int) {
    let extents = graph.values[input]
    let others = graph.values.indices.filter {
      graph.values[$0] == extents
        || graph.values[$0].channels == extents.channels && graph.values[$0].height == 1
          && graph.values[$0].width == 1
    }
    let other = others[number % others.count]
    _ = graph.times("times", of: input, and: other)
    definitions.append { values, _ in
      let (a, b) = (values[input], values[other])
      var out = a
      a.forEach { n, y, z, c, value in
        out[n, y, z, c] = value * (a.shape == b.shape ? b[n, y, z, c] : b[n, 0, 0, c])
      }
      return out
    }
  }

  private mutating func concatenation(_ input: Int, _ number: Int) {
    let extents = graph.values[input]
    let others = graph.values.indices.filter {
      graph.values[$0].height == extents.height && graph.values[$0].width == extents.width
    }
    let inputs = [input, others[number % others.count], others[number / 3 % others.count]]
    _ = graph.concatenation("join", of: Array(inputs.prefix(2 + number % 2)))
    definitions.append { values, _ in
      let parts = inputs.prefix(2 + number % 2).map { values[$0] }
      let channels = parts.map { $0.shape[3] }.reduce(0, +)
      var out = DoubleArray(zeros: Array(parts[0].shape.dropLast()) + [channels])
      var start = 0
      for part in parts {
        part.forEach { n, y, z, c, value in out[n, y, z, start + c] = value }
        start += part.shape[3]
      }
      return out
    }
  }

  private mutating func padding(_ input: Int, _ number: Int) {
    let (top, right, before) = (number % 2, number / 2 % 2, number / 4 % 3)
    _ = graph.padded("pad", rows: (top, 0), columns: (0, right), channels: (before, 1), of: input)
    definitions.append { values, _ in
      let x = values[input]
      var out = DoubleArray(
        zeros: [x.shape[0], x.shape[1] + top, x.shape[2] + right, x.shape[3] + before + 1])
      x.forEach { n, y, z, c, value in out[n, y + top, z, c + before] = value }
      return out
    }
  }

  /// Every second row, all columns but the first if there are more, the channels backwards.
  private mutating func slice(_ input: Int, _ number: Int) {
    let extents = graph.values[input]
    let rows = Array(stride(from: 0, to: extents.height, by: 1 + number % 2))
    let columns = Array(min(number / 2 % 2, extents.width - 1)..<extents.width)
    let channels: [Int] = (0..<extents.channels).reversed()
    _ = graph.slice("slice", rows: rows, columns: columns, channels: channels, of: input)
    definitions.append { values, _ in
      var out = DoubleArray(
        zeros: [values[input].shape[0], rows.count, columns.count, channels.count])
      out.forEach { n, y, z, c, _ in
        out[n, y, z, c] = values[input][n, rows[y], columns[z], channels[c]]
      }
      return out
    }
  }

  /// The logits by definition, and the least distance of a number from where a derivative jumps.
  func logits(of images: DoubleArray) -> (logits: DoubleArray, margin: Double) {
    var values = [images]
    var margin = Double.infinity
    for definition in definitions { values.append(definition(values, &margin)) }
    return (values[values.count - 1], margin)
  }
}

extension DoubleArray {
  /// Calls `body` for every number of [N, H, W, C] with its place.
  fileprivate func forEach(_ body: (Int, Int, Int, Int, Double) -> Void) {
    for n in 0..<shape[0] {
      for y in 0..<shape[1] {
        for z in 0..<shape[2] {
          for c in 0..<shape[3] { body(n, y, z, c, self[n, y, z, c]) }
        }
      }
    }
  }
}

@Suite("Graphs of networks and what is compiled of them")
struct NetworkGraphTests {
  private static let operations = Generator<[[Int]]>.array(
    of: .array(of: .integer(in: 0...59), count: 3), count: 0...12)

  @Test(
    "logits and input gradient of any graph are those of its definition, with every kernel set",
    arguments: KernelSet.available)
  func definition(_ kernels: KernelSet) async {
    await check(
      "a plan computes what its graph says", Self.operations, cases: 30, case: kernels.rawValue
    ) { (numbers: [[Int]]) in
      let scene = Scene(numbers)
      let identity = try Normalization(
        mean: [0, 0], standardDeviation: [1, 1])
      let classifier = NetworkClassifier(
        InferencePlan(scene.graph, normalization: identity, kernels: kernels))
      let images = try Pixels(randomTensor([2, 2, 4, 3], seed: 7, from: 0))
      let weights = DoubleArray(randomTensor([2, 3], seed: 8))
      let pixels = DoubleArray(identity.activations(images.tensor))
      let (expected, margin) = scene.logits(of: pixels)
      // A number within rounding of a jump may be on either side; its gradient then is, too.
      try assume(margin > 1e-4)
      cover(0.2, "a value is used more than once", numbers.count > 3)
      let draws = Draws(seed: 0, purpose: .test, examples: [0, 1])
      let found = try classifier.logitsAndGradient(of: images, draws: draws) { _ in
        randomTensor([2, 3], seed: 8)
      }
      // A dozen layers, each of at most 54 terms up to a few times the largest value.
      if expected.values.allSatisfy({ $0 == 0 }) {
        #expect(found.logits.values.allSatisfy { $0 == 0 })
      } else {
        #expect(relativeDistance(found.logits, expected) < 1e-4)
      }
      // Memory is shared where no gradient is asked for; results are the same bytes.
      #expect(try classifier.logits(of: images, draws: draws) == found.logits)
      let slope = centralDifferences(
        of: {
          scene.logits(of: $0).logits.dot(DoubleArray(shape: [2, 1, 1, 3], values: weights.values))
        },
        at: pixels, h: 1e-6)
      // Behind the mean of a normalised group the gradient is 0 and its terms, of some tenths, are not: then their
      // rounding is left.
      let bound = 1e-4 * slope.values.map(abs).reduce(0.01, max)
      let gradient = channelsLast(found.gradient).values
      #expect(gradient.count == slope.values.count)
      #expect(zip(gradient, slope.values).allSatisfy { abs(Double($0) - $1) < bound })
    }
  }

  @Test("no step finds anything in memory but what was written there for it, forwards or backwards")
  func memory() async {
    await check("memory of a pass", Self.operations, .integer(in: 1...11), cases: 30) {
      (numbers: [[Int]], images: Int) in
      // So large that segments run for a few images at a time.
      let scene = Scene(numbers, channels: 24, height: 48, width: 48)
      let plan = InferencePlan(
        scene.graph, normalization: .plusMinusOne(channels: 24), kernels: .reference)
      guard let gradients = GradientPlan(of: plan) else {
        Issue.record("no gradients")
        return
      }
      cover(0.2, "several rounds", plan.segments.contains { $0.images < images })
      for (segments, layout) in [
        (plan.accesses, plan.layout(images: images)),
        (gradients.accesses, gradients.layout(images: images)),
      ] {
        // Whose image's value lies in each line of 16 floats, by slot and image.
        var owners = [SIMD2<Int32>](repeating: SIMD2(-1, -1), count: (layout.count + 15) / 16)
        /// The lines of an image that no other image of the slot shares; a slot that has not room for all of them
        /// begins again with every round.
        func lines(_ slot: Int, _ image: Int, _ round: Range<Int>) -> Range<Int> {
          let place = layout.images[slot] == images ? image : image - round.lowerBound
          let start = layout.offsets[slot] + place * plan.slots[slot].count
          return (start + 15) / 16..<max((start + 15) / 16, (start + plan.slots[slot].count) / 16)
        }
        func write(_ slot: Int, _ images: Range<Int>) {
          for image in images {
            for line in lines(slot, image, images) {
              owners[line] = SIMD2(Int32(slot), Int32(image))
            }
          }
        }
        func expectIntact(_ slot: Int, _ images: Range<Int>) {
          for image in images {
            let own = SIMD2(Int32(slot), Int32(image))
            #expect(
              lines(slot, image, images).allSatisfy { owners[$0] == own },
              "slot \(slot), image \(image)")
          }
        }
        for segment in segments {
          for first in stride(from: 0, to: images, by: segment.images) {
            let round = first..<min(first + segment.images, images)
            for access in segment.accesses {
              for slot in access.reads { expectIntact(slot, round) }
              if let written = access.written {
                write(written, round)
                // What is replaceable may be written over while it is read; nothing else may.
                for slot in access.reads where slot != access.replaceable && slot != written {
                  expectIntact(slot, round)
                }
              }
            }
          }
        }
        // Values that live at the same time need their memory; without sharing it would be the sum of all.
        let separate = zip(plan.slots, layout.images).reduce(0) {
          $0 + ($1.0.count * $1.1 + 15) / 16 * 16
        }
        #expect(layout.count <= separate)
      }
      #expect(plan.segments.map(\.steps).flatMap(Array.init) == Array(plan.steps.indices))
    }
  }

  @Test(
    "a sum takes its addend's place in memory where nobody reads the addend again, and only there")
  func replacement() {
    func layout(readsAgain: Bool) -> ActivationLayout {
      let accesses: [ActivationLayout.Access] = [
        .init(reads: [], written: 0), .init(reads: [0], written: 1),
        .init(reads: [1, 0], written: 2, replaceable: 0),
        .init(reads: readsAgain ? [2, 0] : [2], written: 3),
      ]
      return ActivationLayout(
        [.init(accesses: accesses, images: 2)], sizes: [64, 64, 64, 64], images: 2)
    }
    let (once, again) = (layout(readsAgain: false), layout(readsAgain: true))
    #expect(once.offsets[2] == once.offsets[0])
    // Rows of two images each.
    #expect(abs(again.offsets[2] - again.offsets[0]) >= 128)
  }

  @Test("of a residual network's activations a backward pass needs one bit each")
  func tape() throws {
    let network = ResNet(.resNet20(ImageShape(channels: 3, height: 32, width: 32)))
    let plan = InferencePlan(network.graph, normalization: .plusMinusOne(channels: 3))
    let tape = try #require(GradientPlan(of: plan)).tape
    // The outputs of the 19 steps that end with a ReLU: stem and first stage, then two smaller stages.
    let rectified = 7 * 32 * 32 * 16 + 6 * 16 * 16 * 32 + 6 * 8 * 8 * 64
    #expect(tape.signCount == rectified / 8)
    #expect(tape.valueCount == 0)
  }

  @Test(
    "a residual network takes one step for every convolution, one for the mean and one for the dense layer"
  )
  func fusing() {
    let network = ResNet(.resNet20(ImageShape(channels: 3, height: 32, width: 32)))
    let plan = InferencePlan(network.graph, normalization: .plusMinusOne(channels: 3))
    // 19 in the blocks and the stem, 2 shortcuts.
    #expect(plan.steps.count == 19 + 2 + 2)
    #expect(plan.steps.count { $0.addend != nil } == 9 && plan.steps.count { $0.relu } == 19)
  }

  @Test("a normalisation and the activation behind it are one step")
  func fusingActivations() {
    var graph = NetworkGraph(imageShape: ImageShape(channels: 2, height: 4, width: 4))
    let ones = Tensor(repeating: 1, shape: [2])
    let normalized = graph.affine("norm", scale: ones, shift: ones, of: 0)
    _ = graph.activation("norm", .silu, of: normalized)
    let plan = { InferencePlan($0, normalization: .plusMinusOne(channels: 2)).steps.count }
    #expect(plan(graph) == 1)
    // Not where something else reads what is between them.
    _ = graph.sum("sum", of: normalized, and: 2)
    #expect(plan(graph) == 3)
  }
}
