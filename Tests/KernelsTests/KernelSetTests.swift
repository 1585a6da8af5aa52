import Classification
import Foundation
import Kernels
import Statistics
import Testing

@Suite("All kernel sets compute the same products")
struct KernelSetTests {
  @Test("The reference and OpenBLAS run on every processor, and the best set is not the reference")
  func availability() {
    #expect(KernelSet.available.contains(.reference))
    #expect(KernelSet.available.contains(.openBLAS))
    #expect(KernelSet.best.isAvailable)
    #expect(KernelSet.best != .reference)
  }

  @Test(
    "OpenBLAS does not fall back to kernels of old processors",
    .enabled(if: KernelSet.avx2.isAvailable, "this processor is an old one"))
  func openBLASCore() throws {
    let old: Set = ["", "Prescott", "Core2", "Penryn", "Nehalem", "Barcelona", "Sandybridge"]
    let name = try #require(OpenBLAS.coreName)
    #expect(!old.contains(name))
  }

  @Test(
    "Small integers: every set gives the reference's very numbers",
    arguments: KernelSet.available.filter { $0 != .reference }, geometries)
  func exactOnIntegers(_ kernels: KernelSet, _ geometry: ConvolutionGeometry) throws {
    // Sums of at most 25·35 products of numbers up to 4 stay far below 2^24: no rounding anywhere,
    // so the order of summation cannot matter.
    for (inputs, outputs) in channels {
      let problem = Problem(geometry, inputs, outputs, images: 3) { random in
        Float(Int(random.next() % 9)) - 4
      }
      for table in [Gather.convolution(geometry), .inputGradient(of: geometry)] {
        #expect(try problem.product(table, kernels) == problem.product(table, .reference))
        #expect(
          try problem.outerProduct(table, kernels) == problem.outerProduct(table, .reference))
      }
    }
  }

  @Test(
    "Real numbers: SIMD products equal the reference bit for bit, as both fuse in the same order",
    withSIMD, arguments: simdSets, geometries)
  func simdEqualsReference(_ kernels: KernelSet, _ geometry: ConvolutionGeometry) throws {
    for (inputs, outputs) in channels {
      let problem = Problem(geometry, inputs, outputs, images: 2) {
        Float($0.next() >> 40) * 0x1p-23 - 1
      }
      let table = Gather.convolution(geometry)
      #expect(try problem.product(table, kernels) == problem.product(table, .reference))
    }
  }

  @Test(
    "Real numbers: every set is within the rounding of its sums of a double-precision result",
    arguments: KernelSet.available, geometries)
  func accurate(_ kernels: KernelSet, _ geometry: ConvolutionGeometry) throws {
    for (inputs, outputs) in channels {
      let problem = Problem(geometry, inputs, outputs, images: 2) {
        Float($0.next() >> 40) * 0x1p-23 - 1
      }
      let table = Gather.convolution(geometry)
      let exact = problem.productInDouble(table)
      // |error| ≤ n·u·Σ|terms| with n products and two more sums, all values at most 1 in size.
      let terms = Double(table.tapCount * inputs + 2)
      let bound = terms * terms * 0x1p-24
      for (found, exact) in zip(try problem.product(table, kernels), exact) {
        #expect(abs(Double(found) - exact) <= bound)
      }
    }
  }

  @Test(
    "Gradients of weights: small integers give the reference's very numbers where not all images stay in the cache at a time",
    arguments: KernelSet.available.filter { $0 != .reference })
  func gradientsOfManyImages(_ kernels: KernelSet) throws {
    let geometry = ConvolutionGeometry(height: 32, width: 30, kernel: 3, stride: 2, padding: 1)
    for (inputs, outputs, images) in [(3, 16, 9), (17, 32, 7), (70, 16, 2)] {
      // Sums of at most 9·240 products of numbers up to 4.
      let problem = Problem(geometry, inputs, outputs, images: images) { random in
        Float(Int(random.next() % 9)) - 4
      }
      let table = Gather.convolution(geometry)
      #expect(try problem.outerProduct(table, kernels) == problem.outerProduct(table, .reference))
    }
  }

  @Test("An image's result does not depend on its batch", arguments: KernelSet.available)
  func independentOfBatch(_ kernels: KernelSet) throws {
    for geometry in geometries {
      let problem = Problem(geometry, 17, 33, images: 13) { Float($0.next() >> 40) * 0x1p-23 - 1 }
      let table = Gather.convolution(geometry)
      let all = try problem.product(table, kernels)
      let size = table.destinationCount * 33
      for image in [0, 5, 12] {
        let alone = try problem.product(table, kernels, images: image..<image + 1)
        #expect(alone == Array(all[image * size..<(image + 1) * size]))
      }
    }
  }

  @Test("Bias, addend and activations are applied as defined", arguments: KernelSet.available)
  func epilogues(_ kernels: KernelSet) throws {
    let geometry = geometries[0]
    let problem = Problem(geometry, 5, 19, images: 2) { Float(Int($0.next() % 9)) - 4 }
    let table = Gather.convolution(geometry)
    let plain = try problem.product(table, .reference)
    let count = plain.count
    let bias: [Float] = (0..<32).map { Float($0 % 7) - 3 }
    let addend: [Float] = (0..<count).map { Float($0 % 11) - 5 }
    let mask: [Float] = (0..<count).map { Float($0 % 3) - 1 }
    let sums: [Float] = (0..<count).map { plain[$0] + bias[$0 % 19] + addend[$0] }
    let given = signs(of: mask, columns: 19)
    var written = [UInt8](repeating: 0, count: given.count)
    try addend.withUnsafeBufferPointer { addend in
      try given.withUnsafeBufferPointer { given in
        try written.withUnsafeMutableBufferPointer { written in
          let addend = try #require(addend.baseAddress)
          let given = try #require(given.baseAddress)
          func run(_ activation: Epilogue.Activation) throws -> [Float] {
            try problem.product(
              table, kernels, bias: bias, epilogue: Epilogue(addend: addend, activation: activation)
            )
          }
          let rectified = sums.map { max($0, 0) }
          #expect(try run(.identity) == sums)
          #expect(try run(.relu) == rectified)
          #expect(try run(.relu(signs: written.baseAddress)) == rectified)
          #expect(try run(.mask(given)) == zip(sums, mask).map { $1 > 0 ? $0 : 0 })
        }
      }
    }
    #expect(written == signs(of: sums, columns: 19))
  }

  @Test("The addend may be the output itself", arguments: KernelSet.available)
  func addsInPlace(_ kernels: KernelSet) throws {
    let problem = Problem(geometries[2], 5, 19, images: 3) { Float(Int($0.next() % 9)) - 4 }
    let table = Gather.convolution(geometries[2])
    // The output starts as 12345 everywhere.
    #expect(
      try problem.product(table, kernels, addsToOutput: true)
        == problem.product(table, .reference).map { $0 + 12345 })
  }

  @Test("A ReLU does not hide NaN", arguments: KernelSet.available)
  func keepsNaN(_ kernels: KernelSet) throws {
    let problem = Problem(geometries[0], 3, 16, images: 1) { _ in .nan }
    let result = try problem.product(
      .convolution(geometries[0]), kernels, epilogue: Epilogue(activation: .relu))
    #expect(result.allSatisfy { $0.isNaN })
  }

  /// Channel counts below, at, above and between the widths of tiles.
  private let channels = [(1, 16), (3, 5), (16, 16), (7, 33), (35, 64), (8, 48)]
}

/// One convolution with its numbers.
private struct Problem {
  let inputs: Int
  let outputs: Int
  let images: Int
  let input: [Float]
  let weights: [Float]
  let gradient: [Float]

  init(
    _ geometry: ConvolutionGeometry, _ inputs: Int, _ outputs: Int, images: Int,
    _ value: (inout RandomStream) -> Float
  ) {
    var random = RandomStream(RandomKey(seed: 1, purpose: .test))
    (self.inputs, self.outputs, self.images) = (inputs, outputs, images)
    let pixels = max(
      geometry.height * geometry.width, geometry.outputHeight * geometry.outputWidth)
    input = (0..<images * pixels * inputs).map { _ in value(&random) }
    weights = (0..<geometry.kernel * geometry.kernel * inputs * outputs).map { _ in value(&random) }
    gradient = (0..<images * pixels * (outputs + 15) / 16 * 16).map { _ in value(&random) }
  }

  func weight(_ tap: Int, _ input: Int, _ output: Int) -> Float {
    weights[(tap * inputs + input) * outputs + output]
  }

  func product(
    _ table: Gather, _ kernels: KernelSet, images range: Range<Int>? = nil, bias: [Float]? = nil,
    epilogue: Epilogue = Epilogue(), addsToOutput: Bool = false
  ) throws -> [Float] {
    let range = range ?? 0..<images
    let packed = PackedWeights(
      for: kernels, taps: table.tapCount, inputChannels: inputs, outputChannels: outputs,
      weights: weights,
      strides: PackedWeights.Strides(tap: inputs * outputs, input: outputs, output: 1))
    let count = range.count * table.destinationCount * outputs
    var scratch = [Float](
      repeating: 0,
      count: max(1, kernels.scratchCount(table, inputChannels: inputs, outputChannels: outputs)))
    // Sentinels on both sides catch a store that goes astray.
    let guarded = 64
    var output = [Float](repeating: 12345, count: count + 2 * guarded)
    try input.withUnsafeBufferPointer { input in
      try output.withUnsafeMutableBufferPointer { output in
        try scratch.withUnsafeMutableBufferPointer { scratch in
          let input = try #require(input.baseAddress)
          let output = try #require(output.baseAddress)
          let scratch = scratch.baseAddress
          var epilogue = epilogue
          if addsToOutput { epilogue.addend = UnsafePointer(output + guarded) }
          func run(_ bias: UnsafePointer<Float>?) {
            kernels.multiply(
              table, images: range.count,
              input: input + range.lowerBound * table.sourceCount * inputs, inputChannels: inputs,
              weights: packed, bias: bias, epilogue: epilogue, output: output + guarded,
              scratch: scratch)
          }
          if let bias { bias.withUnsafeBufferPointer { run($0.baseAddress) } } else { run(nil) }
        }
      }
    }
    #expect((output.prefix(guarded) + output.suffix(guarded)).allSatisfy { $0 == 12345 })
    return Array(output.dropFirst(guarded).dropLast(guarded))
  }

  func outerProduct(_ table: Gather, _ kernels: KernelSet) throws -> [Float] {
    let columns = (outputs + 15) / 16 * 16
    var scratch = [Float](
      repeating: 0,
      count: max(1, kernels.scratchCount(table, inputChannels: inputs, outputChannels: outputs)))
    let guarded = 64
    var result = [Float](
      repeating: 12345, count: table.tapCount * inputs * columns + 2 * guarded)
    try input.withUnsafeBufferPointer { input in
      try gradient.withUnsafeBufferPointer { gradient in
        try result.withUnsafeMutableBufferPointer { result in
          try scratch.withUnsafeMutableBufferPointer { scratch in
            let input = try #require(input.baseAddress)
            let gradient = try #require(gradient.baseAddress)
            let result = try #require(result.baseAddress)
            kernels.outerProduct(
              table, images: images, input: input, inputChannels: inputs,
              outputGradient: gradient, columns: columns, result: result + guarded,
              scratch: scratch.baseAddress)
          }
        }
      }
    }
    #expect((result.prefix(guarded) + result.suffix(guarded)).allSatisfy { $0 == 12345 })
    return Array(result.dropFirst(guarded).dropLast(guarded))
  }

  func productInDouble(_ table: Gather) -> [Double] {
    var output = [Double](repeating: 0, count: images * table.destinationCount * outputs)
    for image in 0..<images {
      for group in table.groups {
        for (place, destination) in group.destinations.enumerated() {
          for (tap, source) in group.terms(of: place) {
            for c in 0..<inputs {
              let x = Double(input[(image * table.sourceCount + source) * inputs + c])
              for o in 0..<outputs {
                output[(image * table.destinationCount + Int(destination)) * outputs + o] +=
                  x * Double(weight(tap, c, o))
              }
            }
          }
        }
      }
    }
    return output
  }
}
