import Classification
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
  /// From the image [N, H, W, C] to all values; says of how far from 0 the inputs of every ReLU are.
  private var definitions: [(_ values: [DoubleArray], _ margin: inout Double) -> DoubleArray] = []

  /// Operations by number: what is done, and to which values. Whatever the numbers are, they make a graph.
  init(_ numbers: [[Int]], channels: Int = 2, height: Int = 4, width: Int = 3, classCount: Int = 3)
  {
    graph = NetworkGraph(
      imageShape: ImageShape(channels: channels, height: height, width: width))
    for (place, number) in numbers.enumerated() {
      let input = number[1] % graph.values.count
      let extents = graph.values[input]
      switch number[0] % 6 {
      case 0, 1:
        let geometry = ConvolutionGeometry(
          height: extents.height, width: extents.width, kernel: number[2] % 2 == 0 ? 3 : 1,
          stride: number[2] % 5 == 0 ? 2 : 1, padding: number[2] % 2 == 0 ? 1 : 0)
        product(
          input, channels: number[2] % 3 == 0 ? extents.channels : channels + number[2] % 4,
          geometry: geometry, seed: place)
      case 2: affine(input, seed: place)
      case 3, 4:
        _ = graph.relu("relu", of: input)
        definitions.append { values, margin in
          margin = values[input].values.map(abs).reduce(margin, min)
          return DoubleReference.relu(values[input])
        }
      default:
        let others = graph.values.indices.filter { graph.values[$0] == extents }
        let other = others[number[2] % others.count]
        _ = graph.sum("sum", of: input, and: other)
        definitions.append { values, _ in values[input] + values[other] }
      }
    }
    let last = graph.values.count - 1
    _ = graph.mean("mean", of: last)
    definitions.append { values, _ in
      let x = values[last]
      let pixels = x.shape[1] * x.shape[2]
      var out = DoubleArray(zeros: [x.shape[0], 1, 1, x.shape[3]])
      for n in 0..<x.shape[0] {
        for c in 0..<x.shape[3] {
          for pixel in 0..<pixels {
            out[n, 0, 0, c] += x.values[(n * pixels + pixel) * x.shape[3] + c] / Double(pixels)
          }
        }
      }
      return out
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
        values[input], weight, bias: bias, stride: geometry.stride, padding: geometry.padding)
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

  /// The logits by definition, and the least distance of a ReLU's input from 0.
  func logits(of images: DoubleArray) -> (logits: DoubleArray, margin: Double) {
    var values = [images]
    var margin = Double.infinity
    for definition in definitions { values.append(definition(values, &margin)) }
    return (values[values.count - 1], margin)
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
      // A ReLU within rounding of 0 may be either; its gradient then is, too.
      try assume(margin > 1e-4)
      cover(0.2, "a value is used more than once", numbers.count > 3)
      let draws = Draws(seed: 0, purpose: .test, examples: [0, 1])
      let found = try classifier.logitsAndGradient(of: images, draws: draws) { _ in
        randomTensor([2, 3], seed: 8)
      }
      // A dozen layers, each of at most 54 terms up to a few times the largest value.
      #expect(relativeDistance(found.logits, expected) < 1e-4)
      // Memory is shared where no gradient is asked for; results are the same bytes.
      #expect(try classifier.logits(of: images, draws: draws) == found.logits)
      let slope = centralDifferences(
        of: {
          scene.logits(of: $0).logits.dot(DoubleArray(shape: [2, 1, 1, 3], values: weights.values))
        },
        at: pixels, h: 1e-6)
      guard slope.values.contains(where: { $0 != 0 }) else {
        #expect(found.gradient.values.allSatisfy { $0 == 0 })
        return
      }
      #expect(relativeDistance(channelsLast(found.gradient), slope) < 1e-4)
    }
  }

  @Test("no step finds anything in memory but what was written there for it")
  func memory() async {
    await check("memory of activations", Self.operations, .integer(in: 1...11), cases: 30) {
      (numbers: [[Int]], images: Int) in
      // So large that segments run for a few images at a time.
      let scene = Scene(numbers, channels: 24, height: 48, width: 48)
      let plan = InferencePlan(
        scene.graph, normalization: .plusMinusOne(channels: 24), kernels: .reference)
      cover(0.2, "several rounds", plan.segments.contains { $0.images < images })
      for layout in [
        ActivationLayout(sharedFor: plan, images: images),
        ActivationLayout(separateFor: plan, images: images),
      ] {
        // Whose image's activation lies in each line of 16 floats, by slot and image.
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
        for (number, segment) in plan.segments.enumerated() {
          for first in stride(from: 0, to: images, by: segment.images) {
            let round = first..<min(first + segment.images, images)
            if number == 0 { write(0, round) }
            for index in segment.steps {
              let step = plan.steps[index]
              expectIntact(step.input, round)
              if let addend = step.addend { expectIntact(addend, round) }
              write(step.output, round)
              expectIntact(step.input, round)
            }
          }
        }
        expectIntact(plan.slots.count - 1, 0..<images)
        #expect(plan.segments.map(\.steps).flatMap(Array.init) == Array(plan.steps.indices))
      }
    }
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
}
