/// The kernels in whole numbers of eight bits of one instruction set: activations u are unsigned bytes, weights s signed
/// bytes with a scale for every output channel, sums have 32 bits. It stands beside `Float32Kernels`, whose words it
/// uses, and is called through `KernelSet.integer8`.
///
/// Sums of products are exact, so their order does not matter. What happens to a finished sum is done in Float32, where
/// every operation is rounded to the nearest, to the even one of two; so all instruction sets give the same bytes.
///
/// Channels of the input lie in multiples of 4, those of the output in whole panels of 16. Panels are
/// [panels, depth / 4, 16, 4]: of 16 columns four inputs each, one behind the other, as one instruction adds them up.
package protocol Integer8Kernels: SendableMetatype {
  /// out[d] = requantize(Σ_t in[source(d, t)] · W[t]) for some destinations d of one group.
  static func gatheredProduct(_ arguments: GatheredByteArguments)

  /// The same for all destinations of a 3×3 convolution with stride 1 whose border makes the output as large as the
  /// input.
  ///
  /// - Returns: whether it was computed; if not, nothing was, as products of groups are as good or better.
  static func convolution(_ arguments: ByteConvolutionArguments) -> Bool

  /// out = requantize(in) for rows of channels.
  ///
  /// - Parameters:
  ///   - pixels: how many rows.
  ///   - input: laid out like the output.
  static func requantize(
    pixels: Int, input: UnsafePointer<UInt8>, _ requantization: Requantization)
}

/// How a sum becomes a byte: out = nearest(min(max(v, 0), 255)) with v = fma(addend, addendScale, fma(sum, scale,
/// shift)), where fma(a, b, c) = a·b + c is rounded once and the sum was first rounded to Float32. Without an addend
/// v = fma(sum, scale, shift).
///
/// A ReLU needs no more than that: behind it byte 0 stands for 0.
package struct Requantization {
  /// Columns, a multiple of 16.
  package var columns: Int
  /// Bytes from one row of output and addend to the next.
  package var stride: Int
  /// For every column.
  package var scale: UnsafePointer<Float>
  /// For every column.
  package var shift: UnsafePointer<Float>
  /// Laid out like the output, and allowed to be the output itself; nil for none.
  package var addend: UnsafePointer<UInt8>?
  package var addendScale: Float
  package var output: UnsafeMutablePointer<UInt8>

  package init(
    columns: Int, stride: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    addend: UnsafePointer<UInt8>?, addendScale: Float, output: UnsafeMutablePointer<UInt8>
  ) {
    self.columns = columns
    self.stride = stride
    self.scale = scale
    self.shift = shift
    self.addend = addend
    self.addendScale = addendScale
    self.output = output
  }
}

/// The gathered product of bytes for some destinations of one group; as `GatheredProductArguments`.
package struct GatheredByteArguments {
  /// The first tap of every run.
  package var taps: UnsafePointer<Int32>
  /// How many taps every run has.
  package var lengths: UnsafePointer<Int32>
  /// How many runs there are.
  package var runCount: Int
  /// Where the results of the group's destinations begin in their image, in bytes, [`pixelCount`].
  package var destinations: UnsafePointer<Int32>
  /// For every destination where the source under the first tap of every run begins in its image, in bytes,
  /// [`pixelCount`, `runCount`].
  package var sources: UnsafePointer<Int32>
  /// Destinations of the group.
  package var pixelCount: Int
  /// Whether every destination has one source, the pixel of the same number.
  package var isIdentity: Bool
  /// The first row to compute, and the one after the last.
  package var rows: Range<Int>
  /// Bytes from one image of output and addend to the next.
  package var outputImageStride: Int
  /// [images, source pixels, `inputChannels`].
  package var input: UnsafePointer<UInt8>
  /// Bytes from one image of the input to the next.
  package var imageStride: Int
  /// Channels of a pixel of the input, a multiple of 4.
  package var inputChannels: Int
  /// Panels.
  package var weights: UnsafePointer<Int8>
  /// Taps × `inputChannels`, of all taps of the kernel.
  package var depth: Int
  /// What is done with the sums, and where they are stored.
  package var requantization: Requantization

  package init(
    taps: UnsafePointer<Int32>, lengths: UnsafePointer<Int32>, runCount: Int,
    destinations: UnsafePointer<Int32>, sources: UnsafePointer<Int32>, pixelCount: Int,
    isIdentity: Bool, rows: Range<Int>, outputImageStride: Int, input: UnsafePointer<UInt8>,
    imageStride: Int,
    inputChannels: Int, weights: UnsafePointer<Int8>, depth: Int, requantization: Requantization
  ) {
    self.taps = taps
    self.lengths = lengths
    self.runCount = runCount
    self.destinations = destinations
    self.sources = sources
    self.pixelCount = pixelCount
    self.isIdentity = isIdentity
    self.rows = rows
    self.outputImageStride = outputImageStride
    self.input = input
    self.imageStride = imageStride
    self.inputChannels = inputChannels
    self.weights = weights
    self.depth = depth
    self.requantization = requantization
  }
}

/// Rows of a 3×3 convolution with stride 1 and a border one pixel wide, which is never multiplied.
package struct ByteConvolutionArguments {
  /// Rows of images, of which an image has `height`: those to compute.
  package var rows: Range<Int>
  package var height: Int
  /// Pixels of a row.
  package var width: Int
  /// [images, `height`, `width`, `inputChannels`].
  package var input: UnsafePointer<UInt8>
  /// Channels of a pixel of the input, a multiple of 4.
  package var inputChannels: Int
  /// Panels.
  package var weights: UnsafePointer<Int8>
  /// What is done with the sums, and where they are stored, [images, `height`, `width`]. Its shifts are [9, columns]: of
  /// the pixels of the first row, of those between and of the last row, in each of the first pixel, of those between and
  /// of the last one.
  package var requantization: Requantization

  package init(
    rows: Range<Int>, height: Int, width: Int, input: UnsafePointer<UInt8>, inputChannels: Int,
    weights: UnsafePointer<Int8>, requantization: Requantization
  ) {
    self.rows = rows
    self.height = height
    self.width = width
    self.input = input
    self.inputChannels = inputChannels
    self.weights = weights
    self.requantization = requantization
  }
}
