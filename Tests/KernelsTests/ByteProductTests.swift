import KernelTables
import Kernels
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

/// What is behind the ends of a stretch of bytes, which no kernel may touch.
private let sentinel: UInt8 = 0xA5

@Suite("Products of bytes")
struct ByteProductTests {
  /// A convolution of bytes with everything random.
  private struct Problem {
    let gather: Gather
    let (inputs, outputs, images): (Int, Int, Int)
    let inputStride: Int
    let input: [UInt8]
    let weights: [Int8]
    let scales: [Float]
    let shifts: [Float]
    let hasAddend: Bool
    let addend: [UInt8]
    let addendScale: Float = 0.37
    var columns: Int { (outputs + 15) / 16 * 16 }

    init(
      height: Int, width: Int, kernel: Int, stride: Int, inputs: Int, outputs: Int, images: Int,
      isExtreme: Bool, hasAddend: Bool, seed: UInt64
    ) {
      var random = RandomStream(RandomKey(seed: seed, purpose: .test))
      gather = .convolution(
        ConvolutionGeometry(
          height: height, width: width, kernel: kernel, stride: stride, padding: kernel / 2))
      (self.inputs, self.outputs, self.images) = (inputs, outputs, images)
      inputStride = (inputs + 3) / 4 * 4
      func byte() -> UInt8 { isExtreme ? 255 : UInt8(truncatingIfNeeded: random.next()) }
      // Channels that only fill up may hold anything.
      input = (0..<images * gather.sourceCount * inputStride).map { _ in byte() }
      weights = (0..<gather.tapCount * inputs * outputs).map { _ in
        isExtreme ? -128 : Int8(truncatingIfNeeded: random.next())
      }
      // So that sums end on both sides of 0…255, and in between; some far beyond 32 bits.
      let size = 128 / (Float(gather.tapCount * inputs) * 5000) * (seed % 11 == 0 ? 1e12 : 1)
      scales = (0..<outputs).map { _ in size * (0.5 + random.uniform()) }
      shifts = (0..<gather.groups.count * outputs).map { _ in 100 + 60 * random.uniform() }
      let count = images * gather.destinationCount * ((outputs + 15) / 16 * 16)
      self.hasAddend = hasAddend
      addend = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    func weight(_ tap: Int, _ input: Int, _ output: Int) -> Int8 {
      weights[(tap * inputs + input) * outputs + output]
    }

    /// - Parameter inPlace: whether the addend lies where the output goes.
    func run(
      on table: any Integer8Kernels.Type, parts: Int = 1, inPlace: Bool = false
    ) -> [UInt8] {
      let prepared = PreparedByteProduct(
        gather, inputChannels: inputs, inputStride: inputStride, outputChannels: outputs,
        addendScale: addendScale, weight: weight, scales: scales,
        shift: { shifts[$0 * outputs + $1] })
      let count = images * gather.destinationCount * columns
      var output = [UInt8](repeating: sentinel, count: count + 128)
      if inPlace { output.replaceSubrange(64..<64 + count, with: addend) }
      func run(_ addend: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<UInt8>) {
        let addend = inPlace ? UnsafePointer(output + 64) : addend
        for part in 0..<parts {
          prepared.run(
            on: table, images: images, input: input, addend: hasAddend ? addend : nil,
            output: output + 64, part: PreparedConvolution.Part(part, of: parts))
        }
      }
      run(addend, &output)
      return output
    }

    /// By definition, the sums in 64 bits.
    func defined() -> [UInt8] {
      var output = [UInt8](
        repeating: sentinel, count: images * gather.destinationCount * columns + 128)
      for image in 0..<images {
        for (number, group) in gather.groups.enumerated() {
          for (place, destination) in group.destinations.enumerated() {
            let row = (image * gather.destinationCount + Int(destination)) * columns
            for column in 0..<columns {
              var (sum, scale, shift): (Int64, Float, Float) = (0, 0, 0)
              if column < outputs {
                for (tap, source) in group.terms(of: place) {
                  for c in 0..<inputs {
                    let x = input[(image * gather.sourceCount + source) * inputStride + c]
                    sum += Int64(x) * Int64(weight(tap, c, column))
                  }
                }
                (scale, shift) = (scales[column], shifts[number * outputs + column])
              }
              var value = shift.addingProduct(Float(sum), scale)
              if hasAddend { value.addProduct(Float(addend[row + column]), addendScale) }
              output[64 + row + column] = UInt8(max(0, min(255, value)).rounded(.toNearestOrEven))
            }
          }
        }
      }
      return output
    }
  }

  @Test("every instruction set gives the definition's bytes and touches no others")
  func definition() async {
    // Extents, channels and rows that meet the tiles of 4, 8 and 16 rows, and that miss them.
    await check(
      "products of bytes", .integer(in: 1...9), .integer(in: 1...12), .integer(in: 0...4),
      .integer(in: 1...40), .integer(in: 1...70), .integer(in: 0...9999), cases: 120
    ) { height, width, shape, inputs, outputs, seed in
      let (kernel, stride) = [(1, 1), (3, 1), (3, 2), (5, 1), (3, 1)][shape]
      // Rows of 3×3 convolutions that tiles of 8 and 16 pixels fill, once and several times.
      let width = width > 9 ? [16, 24, 32][width - 10] : width
      cover(0.02, "rows that tiles fill", kernel == 3 && stride == 1 && width % 8 == 0)
      let problem = Problem(
        height: height, width: width, kernel: kernel, stride: stride, inputs: inputs,
        outputs: outputs, images: 1 + seed % 3, isExtreme: seed % 7 == 0, hasAddend: seed % 2 == 0,
        seed: UInt64(seed))
      let expected = problem.defined()
      for (name, table) in KernelSet.allInteger8 {
        #expect(problem.run(on: table) == expected, "\(name)")
        #expect(problem.run(on: table, parts: 3) == expected, "\(name) in parts")
        #expect(problem.run(on: table, inPlace: true) == expected, "\(name) in place")
      }
    }
  }

  @Test("sums of the largest products with the most terms that are allowed stay in 32 bits")
  func extremes() {
    let terms = PreparedByteProduct.mostTerms
    #expect(terms * 255 * 128 <= Int(Int32.max) && (terms + 1) * 255 * 128 > Int(Int32.max))
    let problem = Problem(
      height: 1, width: 1, kernel: 1, stride: 1, inputs: terms, outputs: 17, images: 1,
      isExtreme: true, hasAddend: false, seed: 1)
    let expected = problem.defined()
    for (name, table) in KernelSet.allInteger8 {
      #expect(problem.run(on: table) == expected, "\(name)")
    }
  }

  @Test("rows of bytes are mapped as the definition says, the nearest and of two the even one")
  func requantization() {
    let input = (0...255).map { UInt8($0) }
    let scale = [Float](repeating: 0.5, count: 16)
    let shift = (0..<16).map { Float($0) - 4 }
    for (name, table) in KernelSet.allInteger8 {
      for hasAddend in [false, true] {
        var output = [UInt8](repeating: sentinel, count: 256 + 32)
        func run(
          _ input: UnsafePointer<UInt8>, _ scale: UnsafePointer<Float>,
          _ shift: UnsafePointer<Float>, _ output: UnsafeMutablePointer<UInt8>
        ) {
          table.requantize(
            pixels: 16, input: input,
            Requantization(
              columns: 16, stride: 16, scale: scale, shift: shift, addend: hasAddend ? input : nil,
              addendScale: 0.75, output: output + 16))
        }
        run(input, scale, shift, &output)
        let expected = input.indices.map { place -> UInt8 in
          let value = Float(place) * 0.5 + shift[place % 16] + (hasAddend ? Float(place) * 0.75 : 0)
          return UInt8(max(0, min(255, value)).rounded(.toNearestOrEven))
        }
        #expect(Array(output[16..<272]) == expected, "\(name)")
        #expect(output[..<16].allSatisfy { $0 == sentinel }, "\(name)")
        #expect(output[272...].allSatisfy { $0 == sentinel }, "\(name)")
      }
    }
  }

  @Test("a kernel set's table is one of those that are tested")
  func tables() {
    for set in KernelSet.available {
      #expect(KernelSet.allInteger8.contains { $0.table == set.integer8 }, "\(set)")
    }
  }
}
