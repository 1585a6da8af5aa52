import Classification
import KernelTables

/// A gathered product of bytes, ready to run: out = requantize(Σ_t in[source(d, t)] · W[t]).
///
/// Padding is never multiplied, so what a pixel of padding would have added may differ from place to place; `Shifts`
/// has room for it.
package struct PreparedByteProduct: Sendable {
  /// Bytes of memory on boundaries of 64.
  private let panels: AlignedBuffer
  package let gather: Gather
  /// Those of the gather, with the first byte of every source and destination in place of its number.
  private let groups: [Gather.Group]
  /// Channels of the input as they lie in memory, a multiple of 4.
  package let inputStride: Int
  /// Channels of the output in whole panels of 16.
  package let columns: Int
  /// [columns]: of every sum.
  private let scales: AlignedBuffer
  /// [groups of the gather, columns].
  private let shifts: AlignedBuffer
  /// [9, columns] of a bordered convolution, by the place of a pixel: in the first row, between and in the last row, and
  /// in each of them first, between and last.
  private let borderShifts: AlignedBuffer?
  /// The factor of the addend.
  private let addendScale: Float

  /// Multiply-adds that a sum may have without leaving 32 bits: each is 255 · 128 at most.
  package static let mostTerms = Int(Int32.max) / (255 * 128)

  /// Packs the weights.
  ///
  /// - Parameters:
  ///   - weight: W[t][c][o] for a tap, an input and an output.
  ///   - scales: for every output.
  ///   - shift: for a group of the gather and an output.
  ///   - addendScale: the factor of the addend, if there is one.
  package init(
    _ gather: Gather, inputChannels: Int, inputStride: Int, outputChannels: Int,
    addendScale: Float = 0,
    weight: (_ tap: Int, _ input: Int, _ output: Int) -> Int8, scales: [Float],
    shift: (_ group: Int, _ output: Int) -> Float
  ) {
    precondition(inputStride % 4 == 0 && inputChannels <= inputStride)
    precondition(gather.tapCount * inputChannels <= Self.mostTerms)
    self.gather = gather
    self.inputStride = inputStride
    self.addendScale = addendScale
    let columns = (outputChannels + 15) / 16 * 16
    self.columns = columns
    groups = gather.groups.map { group in
      var group = group
      group.sources = group.sources.map { $0 * Int32(inputStride) }
      group.destinations = group.destinations.map { $0 * Int32(columns) }
      return group
    }
    let depth = gather.tapCount * inputStride
    panels = AlignedBuffer(uninitialized: depth * columns / 4)
    self.scales = AlignedBuffer(uninitialized: columns)
    shifts = AlignedBuffer(uninitialized: gather.groups.count * columns)
    let bytes = UnsafeMutableRawPointer(panels.pointer)
      .assumingMemoryBound(to: Int8.self)
    bytes.update(repeating: 0, count: depth * columns)
    self.scales.pointer.update(repeating: 0, count: columns)
    shifts.pointer.update(repeating: 0, count: shifts.count)
    for output in 0..<outputChannels {
      let panel = bytes + output / 16 * depth * 16 + output % 16 * 4
      for tap in 0..<gather.tapCount {
        for input in 0..<inputChannels {
          let place = tap * inputStride + input
          panel[place / 4 * 64 + place % 4] = weight(tap, input, output)
        }
      }
      self.scales.pointer[output] = scales[output]
      for group in gather.groups.indices {
        shifts.pointer[group * columns + output] = shift(group, output)
      }
    }
    borderShifts = gather.bordered.map { [shifts] height, width in
      let result = AlignedBuffer(uninitialized: 9 * columns)
      for (place, (row, column)) in [0, min(1, height - 1), height - 1].flatMap({ row in
        [0, 1, width - 1].map { (row, $0) }
      }).enumerated() {
        let pixel = Int32(row * width + column)
        for (number, group) in gather.groups.enumerated() where group.destinations.contains(pixel) {
          (result.pointer + place * columns).update(
            from: shifts.pointer + number * columns, count: columns)
        }
      }
      return result
    }
  }

  /// The product for a batch of images, or this part's share of it.
  ///
  /// - Parameters:
  ///   - input: [images, sources, `inputStride`].
  ///   - addend: laid out like the output, or nil.
  ///   - output: [images, destinations, `columns`].
  package func run(
    on kernels: any Integer8Kernels.Type, images: Int, input: UnsafePointer<UInt8>,
    addend: UnsafePointer<UInt8>?, output: UnsafeMutablePointer<UInt8>,
    part: PreparedConvolution.Part = .whole
  ) {
    let weights = UnsafeRawPointer(panels.pointer).assumingMemoryBound(to: Int8.self)
    func requantization(_ shift: UnsafePointer<Float>) -> Requantization {
      Requantization(
        columns: columns, stride: columns, scale: scales.pointer, shift: shift, addend: addend,
        addendScale: addendScale, output: output)
    }
    if let (height, width) = gather.bordered, let borderShifts {
      let isDone = kernels.convolution(
        ByteConvolutionArguments(
          rows: part.range(of: images * height, step: 1), height: height, width: width,
          input: input, inputChannels: inputStride, weights: weights,
          requantization: requantization(borderShifts.pointer)))
      if isDone { return }
    }
    for (number, group) in groups.enumerated() {
      let rows = part.range(of: images * group.destinations.count, step: 16)
      if rows.isEmpty { continue }
      group.withTables { taps, lengths, destinations, sources in
        kernels.gatheredProduct(
          GatheredByteArguments(
            taps: taps, lengths: lengths, runCount: group.taps.count, destinations: destinations,
            sources: sources, pixelCount: group.destinations.count,
            isIdentity: gather.isIdentity, rows: rows,
            outputImageStride: gather.destinationCount * columns, input: input,
            imageStride: gather.sourceCount * inputStride, inputChannels: inputStride,
            weights: weights, depth: gather.tapCount * inputStride,
            requantization: requantization(shifts.pointer + number * columns)))
      }
    }
  }
}
