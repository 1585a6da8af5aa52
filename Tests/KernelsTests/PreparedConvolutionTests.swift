import Classification
import Foundation
import Kernels
import Statistics
import Testing

/// The sets with vector kernels, without which there is no Winograd.
let simdSets = KernelSet.available.filter { $0 == .avx2 || $0 == .avx512 }

/// For tests of those sets, which would otherwise pass where there is none.
let withSIMD = ConditionTrait.enabled(
  if: !simdSets.isEmpty, "no kernel set with vectors runs on this processor")

/// Extents that are multiples of a tile and others, a single tile, and a long image.
private let extents = [(8, 8), (4, 4), (5, 7), (3, 13), (1, 1)]

/// Rows of one vector, of several and of parts; kernels of even extent, which lie lopsided; a kernel larger than the image.
private let planarGeometries = [
  ConvolutionGeometry(height: 8, width: 8, kernel: 3, padding: 1),
  ConvolutionGeometry(height: 3, width: 37, kernel: 3, padding: 1),
  ConvolutionGeometry(height: 7, width: 18, kernel: 5, padding: 2),
  ConvolutionGeometry(height: 6, width: 5, kernel: 4, padding: 2, paddingBehind: 1),
  ConvolutionGeometry(height: 5, width: 9, kernel: 3, padding: 0, paddingBehind: 2),
  ConvolutionGeometry(height: 1, width: 1, kernel: 3, padding: 1),
]

@Suite("A prepared convolution")
struct PreparedConvolutionTests {
  @Test(
    "F(2×2, 3×3) on small integers gives the reference's very numbers", withSIMD,
    arguments: simdSets, extents)
  func exactOnIntegers(_ kernels: KernelSet, _ extents: (Int, Int)) throws {
    // Transformed kernels are quarters of integers up to 36, transformed inputs integers up to 16:
    // all sums are quarters of integers below 2^24, so nothing is rounded.
    let problem = Problem(extents, 16, 48) { Float(Int($0.next() % 9)) - 4 }
    for direction in [ConvolutionTables.Direction.forward, .inputGradient] {
      let found = try problem.run(problem.winograd(2), direction, kernels)
      #expect(
        try found == problem.run(problem.gathered(direction), direction, .reference))
    }
  }

  // For values of size 1 the terms of an output add up, in absolute value, to C·a² with
  // a = max over i of Σ_ξ |Aᵀ|[i,ξ] · Σ|G|[ξ,·] · Σ|Bᵀ|[ξ,·]. On its way each is rounded
  // at most 3 times in each of two passes to U and to V, C times in the sum, and at most 4 times in
  // each of two passes to the output: C + 20 roundings of relative size 2⁻²⁴. Twice that covers the
  // terms of second order.
  @Test(
    "Winograd is within its rounding of a double-precision result", withSIMD,
    arguments: simdSets, extents)
  func accurate(_ kernels: KernelSet, _ extents: (Int, Int)) throws {
    for (m, a) in [(2, 4.0), (4, 25.0)] {
      let problem = Problem(extents, 32, 16) { Float($0.next() >> 40) * 0x1p-23 - 1 }
      let bound = 2 * 32 * a * a * Double(32 + 20) * 0x1p-24
      for direction in [ConvolutionTables.Direction.forward, .inputGradient] {
        let found = try problem.run(problem.winograd(m), direction, kernels)
        let worst = zip(found, problem.inDouble(direction)).map { abs(Double($0) - $1) }.max()
        #expect(worst ?? .infinity <= bound)
      }
    }
  }

  @Test(
    "On average F(4×4) errs by less than ten units in the last place", withSIMD,
    arguments: simdSets)
  func accurateOnAverage(_ kernels: KernelSet) throws {
    let problem = Problem((16, 16), 64, 64) { Float($0.next() >> 40) * 0x1p-23 - 1 }
    let exact = problem.inDouble(.forward)
    let found = try problem.run(problem.winograd(4), .forward, kernels)
    let error = zip(found, exact).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
    let size = exact.reduce(0) { $0 + $1 * $1 }
    #expect((error / size).squareRoot() < 10 * 0x1p-24 * 2)
  }

  @Test(
    "A result is the same bytes whatever the batch, the parts and the blocking", withSIMD,
    arguments: simdSets)
  func independentOfSharing(_ kernels: KernelSet) throws {
    for (inputs, outputs) in [(16, 16), (32, 80), (16, 256)] {
      let problem = Problem((9, 6), inputs, outputs) { Float($0.next() >> 40) * 0x1p-23 - 1 }
      let blocking = KernelSet.WinogradBlocking(tiles: 5, columns: 16)
      for algorithm in [
        try problem.winograd(2), try problem.winograd(4), problem.gathered(.forward),
      ] {
        let whole = try problem.run(algorithm, .forward, kernels)
        for parts in [2, 3, 7] {
          #expect(try problem.run(algorithm, .forward, kernels, parts: parts) == whole)
        }
        let alone = try problem.run(algorithm, .forward, kernels, images: 1..<2)
        #expect(alone == Array(whole[alone.count..<2 * alone.count]))
        if case .winograd(let tiles, _) = algorithm {
          #expect(try problem.run(.winograd(tiles, blocking), .forward, kernels) == whole)
        }
      }
    }
  }

  // 80 channels are two blocks and a half of 32, so that all three have to find their own addends.
  @Test(
    "Bias, addend and activation are applied as by the reference, in every block of channels",
    withSIMD, arguments: simdSets)
  func epilogues(_ kernels: KernelSet) throws {
    let problem = Problem((7, 6), 16, 80) { Float(Int($0.next() % 9)) - 4 }
    for activation in [Activation.identity, .relu, .signed, .mask] {
      let expected = try problem.run(
        problem.gathered(.forward), .forward, .reference, activation: activation)
      for parts in [1, 2] {
        let found = try problem.run(
          problem.winograd(2), .forward, kernels, activation: activation, parts: parts)
        #expect(found == expected)
      }
    }
  }

  @Test(
    "Over planes, real numbers give the reference bit for bit, in whatever parts", withSIMD,
    arguments: simdSets, planarGeometries)
  func planes(_ kernels: KernelSet, _ geometry: ConvolutionGeometry) throws {
    for (inputs, outputs, direction) in [
      (3, 16, ConvolutionTables.Direction.inputGradient), (1, 5, .inputGradient),
      (2, 35, .inputGradient), (7, 3, .forward), (16, 1, .forward),
    ] {
      let problem = Problem(geometry, inputs, outputs) { Float($0.next() >> 40) * 0x1p-23 - 1 }
      let algorithm = try problem.planar(direction)
      for activation in [nil, Activation.identity, .relu, .signed, .mask] {
        let expected = try problem.run(
          problem.gathered(direction), direction, .reference, activation: activation)
        for parts in [1, 2, 7] {
          let found = try problem.run(
            algorithm, direction, kernels, activation: activation, parts: parts)
          #expect(found == expected)
        }
      }
      let all = try problem.run(algorithm, direction, kernels)
      let alone = try problem.run(algorithm, direction, kernels, images: 1..<2)
      #expect(alone == Array(all[alone.count..<2 * alone.count]))
    }
  }

  @Test("There are planes only where stride 1 keeps the extents")
  func planesOnlyThere() {
    for geometry in [
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, stride: 2, padding: 1),
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 0),
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 2),
      ConvolutionGeometry(height: 6, width: 5, kernel: 1),
    ] {
      #expect(ConvolutionTables(geometry, .forward).planes == nil)
      #expect(ConvolutionTables(geometry, .inputGradient).planes == nil)
    }
  }

  // As above: per tile the terms add up, in absolute value, to b² at most, where b = 31 is the
  // largest sum over ξ of |Gᵀ|[i,ξ] · Σ|Bᵀ|[ξ,·] · Σ|A|[ξ,·]; at most 20 roundings on the way and one
  // for every tile.
  @Test(
    "The weights' gradient by Winograd is within its rounding of a double-precision result",
    withSIMD, arguments: simdSets, extents)
  func weightGradient(_ kernels: KernelSet, _ extents: (Int, Int)) throws {
    for (inputs, outputs) in [(16, 16), (32, 48)] {
      let problem = Problem(extents, inputs, outputs) { Float($0.next() >> 40) * 0x1p-23 - 1 }
      let tables = ConvolutionTables(problem.geometry, .forward)
      let found = try problem.weightGradient(tables, kernels)
      let tiles = try #require(tables.tiles.first)
      let terms = Double(problem.images * tiles.tilesPerImage)
      let bound = 2 * terms * 31 * 31 * (terms + 20) * 0x1p-24
      let exact = problem.weightGradientInDouble()
      let worst = zip(found, exact).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(worst <= bound)
      // And far closer on average than any single term could be off.
      let error = zip(found, exact).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
      let size = exact.reduce(0) { $0 + $1 * $1 }
      #expect((error / size).squareRoot() < 20 * 0x1p-24 * 2)
    }
  }

  @Test("The algorithm follows from shape, kernel set and profile", arguments: KernelSet.available)
  func choices(_ kernels: KernelSet) {
    func name(
      _ extent: Int, _ kernel: Int, _ stride: Int, _ inputs: Int, _ outputs: Int,
      _ profile: PlanProfile = .throughput, _ direction: ConvolutionTables.Direction = .forward
    ) -> String {
      let geometry = ConvolutionGeometry(
        height: extent, width: extent, kernel: kernel, stride: stride, padding: kernel / 2)
      let weights = [Float](repeating: 0, count: kernel * kernel * inputs * outputs)
      return PreparedConvolution(
        ConvolutionTables(geometry, direction), inputChannels: inputs, outputChannels: outputs,
        weights: weights,
        strides: PackedWeights.Strides(tap: inputs * outputs, input: outputs, output: 1),
        kernels: kernels, profile: profile
      ).algorithm.name
    }
    let hasVectors = simdSets.contains(kernels)
    #expect(name(32, 3, 1, 64, 64) == (hasVectors ? "F(4×4)" : "direct"))
    #expect(name(8, 3, 1, 64, 64) == (hasVectors ? "F(4×4)" : "direct"))
    #expect(name(8, 3, 1, 64, 64, .latency) == (hasVectors ? "F(2×2)" : "direct"))
    #expect(name(32, 3, 1, 64, 64, .latency) == (hasVectors ? "F(4×4)" : "direct"))
    #expect(name(32, 3, 2, 64, 64) == "direct")
    // The gradients of wide layers spare memory.
    #expect(name(8, 3, 1, 640, 640) == (hasVectors ? "F(4×4)" : "direct"))
    #expect(
      name(8, 3, 1, 640, 640, .throughput, .inputGradient) == (hasVectors ? "F(2×2)" : "direct"))
    #expect(
      name(8, 3, 1, 512, 512, .throughput, .inputGradient) == (hasVectors ? "F(4×4)" : "direct"))
    #expect(name(32, 3, 1, 3, 16) == "direct")
    // The gradient of an image has few channels.
    #expect(
      name(32, 3, 1, 16, 3, .throughput, .inputGradient) == (hasVectors ? "planes" : "direct"))
    #expect(
      name(32, 5, 1, 64, 1, .throughput, .inputGradient) == (hasVectors ? "planes" : "direct"))
    #expect(name(32, 3, 1, 16, 4, .throughput, .inputGradient) == "direct")
    #expect(name(32, 3, 2, 16, 3, .throughput, .inputGradient) == "direct")
    #expect(name(32, 3, 1, 16, 24) == "direct")
    #expect(name(2, 3, 1, 64, 64) == "direct")
    #expect(name(32, 5, 1, 16, 16) == "direct")
    #expect(name(32, 1, 1, 64, 64) == "matrix")
    #expect(name(32, 1, 2, 64, 64) == "direct")
  }

  @Test("Only 3×3 convolutions with stride 1 and padding 1 on every side fall into tiles")
  func tiles() throws {
    let geometry = ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 1)
    let tiles = try #require(WinogradTiles(geometry, outputExtent: 4))
    #expect(tiles.tilesPerImage == 4 && tiles.pointCount == 36)
    // Every pixel is computed exactly once.
    #expect(tiles.destinations.filter { $0 >= 0 }.sorted() == Array(0..<30))
    for other in [
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 0),
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, stride: 2, padding: 1),
      ConvolutionGeometry(height: 6, width: 5, kernel: 5, padding: 2),
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 0, paddingBehind: 1),
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 1, paddingBehind: 0),
      ConvolutionGeometry(height: 6, width: 5, kernel: 3, padding: 1, paddingBehind: 2),
    ] {
      #expect(WinogradTiles(other, outputExtent: 4) == nil)
    }
    #expect(WinogradTiles(geometry, outputExtent: 3) == nil)
  }
}

private enum Activation {
  case identity
  case relu
  /// A ReLU that writes signs.
  case signed
  case mask
}

/// A convolution of three images with its numbers, whose stride is 1 and which keeps their extents.
private struct Problem {
  let geometry: ConvolutionGeometry
  let inputs: Int
  let outputs: Int
  let images = 3
  /// [images, pixels, channels], enough for both directions.
  let values: [Float]
  /// [taps, inputs, outputs].
  let weights: [Float]

  /// One of 3×3.
  init(
    _ extents: (Int, Int), _ inputs: Int, _ outputs: Int, _ value: (inout RandomStream) -> Float
  ) {
    self.init(
      ConvolutionGeometry(height: extents.0, width: extents.1, kernel: 3, padding: 1), inputs,
      outputs, value)
  }

  init(
    _ geometry: ConvolutionGeometry, _ inputs: Int, _ outputs: Int,
    _ value: (inout RandomStream) -> Float
  ) {
    var random = RandomStream(RandomKey(seed: 2, purpose: .test))
    self.geometry = geometry
    (self.inputs, self.outputs) = (inputs, outputs)
    let count = images * geometry.height * geometry.width * max(inputs, outputs)
    values = (0..<count).map { _ in value(&random) }
    weights = (0..<geometry.kernel * geometry.kernel * inputs * outputs).map { _ in value(&random) }
  }

  func gathered(_ direction: ConvolutionTables.Direction) -> PreparedConvolution.Algorithm {
    .gathered(direction == .forward ? .convolution(geometry) : .inputGradient(of: geometry))
  }

  func planar(_ direction: ConvolutionTables.Direction) throws -> PreparedConvolution.Algorithm {
    .planar(try #require(ConvolutionTables(geometry, direction).planes))
  }

  func winograd(_ m: Int) throws -> PreparedConvolution.Algorithm {
    .winograd(
      try #require(WinogradTiles(geometry, outputExtent: m)),
      KernelSet.WinogradBlocking(tiles: 24, columns: 32))
  }

  func run(
    _ algorithm: PreparedConvolution.Algorithm, _ direction: ConvolutionTables.Direction,
    _ kernels: KernelSet, activation: Activation? = nil, images range: Range<Int>? = nil,
    parts: Int = 1
  ) throws -> [Float] {
    let range = range ?? 0..<images
    let (channels, columns) = direction == .forward ? (inputs, outputs) : (outputs, inputs)
    let pixels = geometry.height * geometry.width
    let convolution = PreparedConvolution(
      ConvolutionTables(geometry, direction), algorithm, inputChannels: channels,
      outputChannels: columns, weights: weights,
      strides: PackedWeights.Strides(
        tap: inputs * outputs, input: direction == .forward ? outputs : 1,
        output: direction == .forward ? 1 : outputs),
      kernels: kernels)
    // Sentinels on both sides catch a store that goes astray.
    let guarded = 64
    let count = range.count * pixels * columns
    var output = [Float](repeating: 12345, count: count + 2 * guarded)
    var scratch = [Float](
      repeating: .nan, count: convolution.scratchCount(images: range.count) + 16)
    let bias = (0..<(columns + 15) / 16 * 16).map { Float($0 % 7) - 3 }
    let addend = (0..<count).map { Float($0 % 11) - 5 }
    let mask = signs(of: (0..<count).map { Float($0 % 3) - 1 }, columns: columns)
    var written = [UInt8](repeating: 0, count: mask.count)
    try values.withUnsafeBufferPointer { values in
      try output.withUnsafeMutableBufferPointer { output in
        try scratch.withUnsafeMutableBufferPointer { scratch in
          try bias.withUnsafeBufferPointer { bias in
            try addend.withUnsafeBufferPointer { addend in
              try mask.withUnsafeBufferPointer { mask in
                try written.withUnsafeMutableBufferPointer { written in
                  let values = try #require(values.baseAddress)
                  let output = try #require(output.baseAddress)
                  let scratch = try #require(scratch.baseAddress)
                  let mask = try #require(mask.baseAddress)
                  var epilogue = Epilogue()
                  if let activation {
                    epilogue.addend = addend.baseAddress
                    epilogue.activation =
                      switch activation {
                      case .identity: .identity
                      case .relu: .relu
                      case .signed: .relu(signs: written.baseAddress)
                      case .mask: .mask(mask)
                      }
                  }
                  for part in 0..<parts {
                    convolution.run(
                      images: range.count, input: values + range.lowerBound * pixels * channels,
                      bias: activation == nil ? nil : bias.baseAddress, epilogue: epilogue,
                      output: output + guarded, scratch: scratch,
                      part: PreparedConvolution.Part(part, of: parts))
                  }
                }
              }
            }
          }
        }
      }
    }
    let result = Array(output.dropFirst(guarded).dropLast(guarded))
    if activation == .signed { #expect(written == signs(of: result, columns: columns)) }
    #expect(scratch.suffix(16).allSatisfy { $0.isNaN })
    #expect((output.prefix(guarded) + output.suffix(guarded)).allSatisfy { $0 == 12345 })
    return result
  }

  /// The gradient of the weights, the values being both the input and the output's gradient.
  func weightGradient(
    _ tables: ConvolutionTables, _ kernels: KernelSet
  ) throws -> [Float] {
    let guarded = 64
    let count = 9 * inputs * outputs
    var result = [Float](repeating: 12345, count: count + 2 * guarded)
    var scratch = [Float](
      repeating: .nan,
      count: kernels.scratchCount(
        weightGradientOf: tables, inputChannels: inputs, columns: outputs) + 16)
    try values.withUnsafeBufferPointer { values in
      try result.withUnsafeMutableBufferPointer { result in
        try scratch.withUnsafeMutableBufferPointer { scratch in
          let values = try #require(values.baseAddress)
          let result = try #require(result.baseAddress)
          let scratch = try #require(scratch.baseAddress)
          kernels.weightGradient(
            tables, images: images, input: values, inputChannels: inputs, outputGradient: values,
            columns: outputs, result: result + guarded, scratch: scratch)
        }
      }
    }
    #expect((result.prefix(guarded) + result.suffix(guarded)).allSatisfy { $0 == 12345 })
    return Array(result.dropFirst(guarded).dropLast(guarded))
  }

  /// The same by definition.
  func weightGradientInDouble() -> [Double] {
    let (height, width) = (geometry.height, geometry.width)
    var result = [Double](repeating: 0, count: 9 * inputs * outputs)
    for image in 0..<images {
      for y in 0..<height {
        for x in 0..<width {
          for tap in 0..<9 {
            let (dy, dx) = (tap / 3 - 1, tap % 3 - 1)
            guard 0..<height ~= y + dy, 0..<width ~= x + dx else { continue }
            let source = ((image * height + y + dy) * width + x + dx) * inputs
            let target = ((image * height + y) * width + x) * outputs
            for c in 0..<inputs {
              for o in 0..<outputs {
                result[(tap * inputs + c) * outputs + o] +=
                  Double(values[source + c]) * Double(values[target + o])
              }
            }
          }
        }
      }
    }
    return result
  }

  /// The convolution, or its transpose, by definition.
  func inDouble(_ direction: ConvolutionTables.Direction) -> [Double] {
    let (height, width) = (geometry.height, geometry.width)
    let isForward = direction == .forward
    let (channels, columns) = isForward ? (inputs, outputs) : (outputs, inputs)
    var result = [Double](repeating: 0, count: images * height * width * columns)
    for image in 0..<images {
      for y in 0..<height {
        for x in 0..<width {
          for tap in 0..<9 {
            let (dy, dx) = isForward ? (tap / 3 - 1, tap % 3 - 1) : (1 - tap / 3, 1 - tap % 3)
            guard 0..<height ~= y + dy, 0..<width ~= x + dx else { continue }
            let source = ((image * height + y + dy) * width + x + dx) * channels
            let target = ((image * height + y) * width + x) * columns
            for c in 0..<channels {
              for o in 0..<columns {
                let weight =
                  isForward
                  ? weights[(tap * inputs + c) * outputs + o]
                  : weights[(tap * inputs + o) * outputs + c]
                result[target + o] += Double(values[source + c]) * Double(weight)
              }
            }
          }
        }
      }
    }
    return result
  }
}
