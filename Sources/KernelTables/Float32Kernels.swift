/// The single-precision kernels of one instruction set: the table through which the other modules call
/// them. `SIMDKernels` implements it in one folder of sources that is compiled once for every
/// instruction set; `KernelSet.float32` chooses among them while the program runs.
///
/// A protocol whose requirements are static, so that arguments keep their labels through the call and
/// the compiler holds every instruction set to the whole table. Another arithmetic, such as int8, is
/// another protocol beside this one.
///
/// Arguments are bare addresses: a kernel checks no lengths and keeps no address after it returns.
/// Strides are in floats. Words that recur:
///
/// - C is the number of channels of an input pixel; a *column* is a channel of the output.
/// - A *tap* t is one place of a convolution's kernel, one of nine where that is 3×3; W[t] is its
///   matrix [C, columns].
/// - A *source* is a pixel of an input image, a *destination* a pixel of an output image, both numbered
///   row by row.
/// - *Panels* are weights in the order in which kernels read them, 16 columns side by side: [panels,
///   depth, 16], with depth = taps × C and zeros for the columns that the last panel lacks.
/// - `finish` is what `Finish` does to a sum before it is stored.
package protocol Float32Kernels {
  /// Floats of the vectors that the kernels work on.
  static var vectorWidth: Int { get }

  // MARK: Products

  /// out[d] = finish(bias + Σ_t in[source(d, t)] · W[t]) for some destinations d of one group: those
  /// that have the same taps inside of the image, to which the sum is limited. Every output is one chain
  /// of fused multiply-adds, tap by tap and within a tap channel by channel.
  static func gatheredProduct(_ arguments: GatheredProductArguments)

  /// out[row] = finish(bias + in[row] · W): the gathered product where the sources lie one behind the
  /// other, as in a 1×1 convolution. Every output is one chain of fused multiply-adds, channel by
  /// channel of the input.
  static func matrixProduct(_ arguments: MatrixProductArguments)

  /// sums[k][v] = bias[k] + Σ_t Σ_c planes[c][place(v) + taps[t]] · W[t][c][k] for three columns k and for vectors v of
  /// pixels that lie side by side in a row. Every sum is one chain of fused multiply-adds, tap by tap and within a tap
  /// channel by channel.
  static func planarProduct(_ arguments: PlanarProductArguments)

  /// result[c][k] = Σ in[source][c] · g[destination][k], summed over the (source, destination) pairs
  /// that one tap connects and over all images: the gradient [C, columns] of that tap's weights, with g
  /// the gradient of the output.
  static func gatheredOuterProduct(_ arguments: GatheredOuterProductArguments)

  /// result += inᵀ · g, [channels, columns], summed over the rows of in [rows, channels] and of
  /// g [rows, columns].
  ///
  /// - Parameters:
  ///   - input: up to 7 floats behind its last value are read too, and not used.
  ///   - columns: a multiple of 16.
  ///   - isFirst: whether to overwrite the result rather than to add to it.
  static func outerProduct(
    rows: Int, input: UnsafePointer<Float>, channels: Int, gradient: UnsafePointer<Float>,
    columns: Int, isFirst: Bool, result: UnsafeMutablePointer<Float>)

  // MARK: Winograd's F(m×m, 3×3)

  // The outputs are computed in tiles of m×m, m = 2 or 4. The (m+2)×(m+2) inputs d of a tile and every
  // 3×3 kernel g are transformed to (m+2)² values each, one at every *point* ξ; at each point the product
  // M[ξ] = Σ_c V[ξ][c] · U[ξ][c] is formed, and M is transformed to the outputs. That takes (m+2)²
  // products for a pair of channels in place of 9·m². A, B and G are the constant matrices of the
  // transforms; they stand in `SIMDKernels/Winograd.swift`. Source: Lavin and Gray, 2016.

  /// V[ξ][tile][c] = Bᵀ·d·B of the inputs d of some tiles.
  static func winogradInput(_ arguments: WinogradInputArguments)

  /// M[ξ][tile][column] = V[ξ][tile] · U[ξ] at every point ξ. Every sum is one chain of fused multiply-adds, channel by
  /// channel of the input.
  static func winogradProducts(_ arguments: WinogradProductsArguments)

  /// U[ξ][c][column] = G·g·Gᵀ of kernels g, in panels.
  ///
  /// - Parameters:
  ///   - outputExtent: m.
  ///   - panels: how many there are.
  ///   - weights: panels [9, channels, 16].
  ///   - result: panels [(m+2)², channels, 16].
  ///   - half: room to work in, for 3·(m+2) vectors of `vectorWidth`.
  static func winogradWeights(
    outputExtent: Int, panels: Int, channels: Int, weights: UnsafePointer<Float>,
    result: UnsafeMutablePointer<Float>, half: UnsafeMutablePointer<Float>)

  /// out = finish(Aᵀ·M·A + bias) of the sums M of some tiles.
  static func winogradOutput(_ arguments: WinogradOutputArguments)

  /// M[ξ][tile][column] = A·y·Aᵀ for the gradients y of the outputs of some tiles, with m = 4; outside
  /// of the image y is zero.
  static func winogradOutputGradient(_ arguments: WinogradOutputGradientArguments)

  /// The gradient Gᵀ·u·G [9, channels, columns] of kernels from the gradient u [36, channels, columns]
  /// of their transforms, with m = 4.
  ///
  /// - Parameter half: room to work in, for 18 vectors of `vectorWidth`.
  static func winogradWeightGradient(
    channels: Int, columns: Int, transformed: UnsafePointer<Float>,
    result: UnsafeMutablePointer<Float>, half: UnsafeMutablePointer<Float>)

  // MARK: Rows of channels, [pixels, channels]

  // What batch normalisation and ReLU do: x is the input, g the gradient of the output; scale, shift,
  // mean, factor, a, b, d and the sums have one value for every channel. Products are rounded before they
  // are added and sums go pixel by pixel, so every instruction set gives the same bytes.

  /// out = x · scale + shift + addend; if `relu` is set, 0 where that is below 0.
  ///
  /// - Parameters:
  ///   - addend: laid out like x; nil for zeros.
  ///   - signs: where the signs of the results are written; nil for nowhere.
  static func channelwiseAffine(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool,
    signs: UnsafeMutablePointer<UInt8>?, output: UnsafeMutablePointer<Float>)

  /// sums = Σ x over the pixels.
  static func channelwiseSum(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>)

  /// sums = Σ (x − mean)² over the pixels.
  static func channelwiseSquaredDeviation(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>)

  /// sums = Σ g and products = Σ g·(x − mean)·factor over the pixels.
  ///
  /// - Parameter signs: those of the output of a ReLU: where they are not set, g counts as 0; nil for no ReLU.
  static func channelwiseGradientSums(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, signs: UnsafePointer<UInt8>?,
    input: UnsafePointer<Float>, mean: UnsafePointer<Float>, factor: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>)

  /// out = a·g − b·(x − mean) − d, the form of batch normalisation's gradient in its input.
  ///
  /// - Parameters:
  ///   - signs: as above.
  ///   - kept: where g is written as it counts; nil if nobody wants it.
  static func channelwiseGradient(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, signs: UnsafePointer<UInt8>?,
    input: UnsafePointer<Float>, mean: UnsafePointer<Float>, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, d: UnsafePointer<Float>, kept: UnsafeMutablePointer<Float>?,
    output: UnsafeMutablePointer<Float>)

  /// Sets values to zero where their sign is not set.
  static func mask(
    rows: Int, channels: Int, signs: UnsafePointer<UInt8>, values: UnsafeMutablePointer<Float>)

  // MARK: Activations

  // f is the activation, f′ its derivative; f′ of a ReLU, leaky or not, at 0 is that below 0, and f′ of a clip
  // is 0 at its bounds. Exponentials are a polynomial of degree 7 without fused operations, so every instruction
  // set gives the same bytes; they are right to 2·10⁻⁷ of their value, and Φ to 10⁻⁷.

  /// out = f(x · scale + shift), for rows of channels.
  static func channelwiseActivation(
    _ activation: Activation, pixels: Int, channels: Int, input: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>)

  /// sum += g · f′(x · scale + shift) · scale, for rows of channels.
  static func addChannelwiseActivationGradient(
    _ activation: Activation, pixels: Int, channels: Int, gradient: UnsafePointer<Float>,
    input: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    sum: UnsafeMutablePointer<Float>)

  /// sum += a · b for `count` numbers; the product is rounded before it is added.
  static func addProduct(
    count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    sum: UnsafeMutablePointer<Float>)

  // MARK: Training

  /// One step of gradient descent with momentum μ and weight decay w for `count` numbers, in place:
  /// v ← μ·v + (g + w·p), then p ← p − rate·v. Nothing is fused.
  static func momentumStep(
    count: Int, gradient: UnsafePointer<Float>, momentum: Float, weightDecay: Float,
    learningRate: Float, velocity: UnsafeMutablePointer<Float>,
    parameter: UnsafeMutablePointer<Float>)

  // MARK: The limit

  /// Nothing but fused multiply-adds in registers, `rounds` on each of twelve chains of vectors: the
  /// fastest that this instruction set can go on one thread.
  ///
  /// - Parameter factor: what every chain begins with and is multiplied by.
  /// - Returns: how many numbers were multiplied, and the sum of the chains, without which the compiler
  ///   would leave the work out.
  static func multiplyAdds(rounds: Int, factor: Float) -> (count: Int, sum: Float)
}

/// What happens to finished sums before they are stored: out = activation(sum + addend).
///
/// Addend, mask, signs and output begin at the first row and column that are computed; that column is a multiple of 16.
package struct Finish {
  /// Columns that are stored; the last panel may have more.
  package let columns: Int
  /// Floats from one row (pixel) to the next, in the output and the addend: as many as the output has columns.
  package let stride: Int
  /// Added to the sum, laid out like the output, which it may be; nil for zeros.
  package var addend: UnsafePointer<Float>?
  /// The result is 0 where these signs, of the rows and columns of the output, are not set; nil for nowhere.
  package var mask: UnsafePointer<UInt8>?
  /// Whether the result is 0 where sum + addend is below 0.
  package let relu: Bool
  /// Where the signs of a rectified result are written; nil for nowhere.
  package var signs: UnsafeMutablePointer<UInt8>?
  /// Bytes from one row of signs to the next.
  package let signStride: Int
  /// Where the first column of the first row is stored.
  package var output: UnsafeMutablePointer<Float>

  package init(
    columns: Int, stride: Int, addend: UnsafePointer<Float>? = nil,
    mask: UnsafePointer<UInt8>? = nil, relu: Bool = false,
    signs: UnsafeMutablePointer<UInt8>? = nil, output: UnsafeMutablePointer<Float>
  ) {
    self.columns = columns
    self.stride = stride
    self.addend = addend
    self.mask = mask
    self.relu = relu
    self.signs = signs
    signStride = Signs.stride(stride)
    self.output = output
  }
}

/// Some rows of the gathered product of one group of destinations. A row is one destination in one
/// image: row = image · `pixelCount` + place of the destination in the group.
///
/// The group's taps are listed in *runs*: taps with successive numbers whose sources are successive
/// pixels at every destination. A run is a single product, of a stretch of the input with a stretch of
/// the weights.
package struct GatheredProductArguments {
  /// The first tap of every run.
  package let taps: UnsafePointer<Int32>
  /// How many taps every run has.
  package let lengths: UnsafePointer<Int32>
  /// How many runs there are.
  package let runCount: Int
  /// The group's destinations, [`pixelCount`].
  package let destinations: UnsafePointer<Int32>
  /// For every destination the source under the first tap of every run, [`pixelCount`, `runCount`].
  package let sources: UnsafePointer<Int32>
  /// Destinations of the group.
  package let pixelCount: Int
  /// The first row to compute.
  package let firstRow: Int
  /// The row after the last one.
  package let endRow: Int
  /// Pixels of an image of the output.
  package let destinationCount: Int
  /// The input, [images, source pixels, C].
  package let input: UnsafePointer<Float>
  /// Floats from one image of the input to the next.
  package let imageStride: Int
  /// C, channels of a pixel of the input.
  package let inputChannels: Int
  /// Panels [depth, 16] of the columns wanted.
  package let weights: UnsafePointer<Float>
  /// Taps × C, of all taps of the kernel: the rows of a panel.
  package let depth: Int
  /// A value for every column, rounded up to whole panels; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// What is done with the sums, and where they are stored; its rows are [images, `destinationCount`].
  package let finish: Finish

  package init(
    taps: UnsafePointer<Int32>, lengths: UnsafePointer<Int32>, runCount: Int,
    destinations: UnsafePointer<Int32>, sources: UnsafePointer<Int32>, pixelCount: Int,
    firstRow: Int, endRow: Int, destinationCount: Int, input: UnsafePointer<Float>,
    imageStride: Int, inputChannels: Int, weights: UnsafePointer<Float>, depth: Int,
    bias: UnsafePointer<Float>?, finish: Finish
  ) {
    self.taps = taps
    self.lengths = lengths
    self.runCount = runCount
    self.destinations = destinations
    self.sources = sources
    self.pixelCount = pixelCount
    self.firstRow = firstRow
    self.endRow = endRow
    self.destinationCount = destinationCount
    self.input = input
    self.imageStride = imageStride
    self.inputChannels = inputChannels
    self.weights = weights
    self.depth = depth
    self.bias = bias
    self.finish = finish
  }
}

/// The product of a matrix with the weights.
package struct MatrixProductArguments {
  /// Rows of the input and of the output.
  package let rows: Int
  /// Values of a row of the input.
  package let depth: Int
  /// The matrix, [rows, depth].
  package let input: UnsafePointer<Float>
  /// Panels [depth, 16] of the columns wanted.
  package let weights: UnsafePointer<Float>
  /// A value for every column, rounded up to whole panels; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// What is done with the sums, and where they are stored.
  package let finish: Finish

  package init(
    rows: Int, depth: Int, input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, finish: Finish
  ) {
    self.rows = rows
    self.depth = depth
    self.input = input
    self.weights = weights
    self.bias = bias
    self.finish = finish
  }
}

/// An image channel by channel, and the sums over it.
package struct PlanarProductArguments {
  /// [C, rows with the zeros around the image], and a vector more.
  package let planes: UnsafePointer<Float>
  /// Floats from one plane to the next.
  package let planeStride: Int
  /// Floats from one row of a plane to the next.
  package let rowStride: Int
  /// C.
  package let channels: Int
  /// Where the sources of a pixel lie, in floats from its place, which is the first of its plane for the first pixel.
  package let taps: UnsafePointer<Int32>
  /// How many taps there are.
  package let tapCount: Int
  /// The first row of the image to compute.
  package let firstRow: Int
  /// The row behind the last one.
  package let endRow: Int
  /// Vectors that hold a row of the image.
  package let vectorsPerRow: Int
  /// One panel [taps × C, 16].
  package let weights: UnsafePointer<Float>
  /// Three values or more; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// [3, rows of vectors].
  package let sums: UnsafeMutablePointer<Float>
  /// Floats from the sums of one column to those of the next.
  package let sumStride: Int

  package init(
    planes: UnsafePointer<Float>, planeStride: Int, rowStride: Int, channels: Int,
    taps: UnsafePointer<Int32>, tapCount: Int, firstRow: Int, endRow: Int, vectorsPerRow: Int,
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, sums: UnsafeMutablePointer<Float>,
    sumStride: Int
  ) {
    self.planes = planes
    self.planeStride = planeStride
    self.rowStride = rowStride
    self.channels = channels
    self.taps = taps
    self.tapCount = tapCount
    self.firstRow = firstRow
    self.endRow = endRow
    self.vectorsPerRow = vectorsPerRow
    self.weights = weights
    self.bias = bias
    self.sums = sums
    self.sumStride = sumStride
  }
}

/// The pairs of pixels that one tap connects, and the values there.
package struct GatheredOuterProductArguments {
  /// The source of every pair.
  package let sources: UnsafePointer<Int32>
  /// The destination of every pair.
  package let destinations: UnsafePointer<Int32>
  /// How many pairs there are.
  package let pairCount: Int
  /// Images of the batch.
  package let images: Int
  /// The input, [images, source pixels, C].
  package let input: UnsafePointer<Float>
  /// Floats from one image of the input to the next.
  package let imageStride: Int
  /// C, channels of a pixel of the input.
  package let inputChannels: Int
  /// g, [images, destination pixels, columns].
  package let gradient: UnsafePointer<Float>
  /// Floats from one image of the gradient to the next.
  package let gradientImageStride: Int
  /// Channels of the output, a multiple of 16.
  package let columns: Int
  /// Whether to overwrite the result rather than to add to it.
  package let isFirst: Bool
  /// The gradient of the tap's weights [C, columns].
  package let result: UnsafeMutablePointer<Float>

  package init(
    sources: UnsafePointer<Int32>, destinations: UnsafePointer<Int32>, pairCount: Int, images: Int,
    input: UnsafePointer<Float>, imageStride: Int, inputChannels: Int,
    gradient: UnsafePointer<Float>, gradientImageStride: Int, columns: Int, isFirst: Bool,
    result: UnsafeMutablePointer<Float>
  ) {
    self.sources = sources
    self.destinations = destinations
    self.pairCount = pairCount
    self.images = images
    self.input = input
    self.imageStride = imageStride
    self.inputChannels = inputChannels
    self.gradient = gradient
    self.gradientImageStride = gradientImageStride
    self.columns = columns
    self.isFirst = isFirst
    self.result = result
  }
}

/// Some of the tiles into which the images of a batch are cut.
package struct WinogradTileRange {
  /// The first of these tiles, counted through all images: image · `tilesPerImage` + tile.
  package let first: Int
  /// How many tiles these are.
  package let count: Int
  /// Tiles of an image.
  package let tilesPerImage: Int
  /// The pixel of the image at every place of every tile, [tiles of an image, places]; −1 outside of the
  /// image.
  package let pixels: UnsafePointer<Int32>

  package init(first: Int, count: Int, tilesPerImage: Int, pixels: UnsafePointer<Int32>) {
    self.first = first
    self.count = count
    self.tilesPerImage = tilesPerImage
    self.pixels = pixels
  }
}

/// Memory in which the transforms of tiles work; no other thread may use it meanwhile.
package struct WinogradMemory {
  /// Four times as many zeros as a pixel has channels: a row of a tile outside of the image.
  package let zeros: UnsafePointer<Float>
  /// Room for 36 addresses, those of the pixels of a tile.
  package let places: UnsafeMutablePointer<UnsafePointer<Float>>
  /// Room for 36 vectors: a tile that has been transformed along one of its two directions.
  package let half: UnsafeMutablePointer<Float>

  package init(
    zeros: UnsafePointer<Float>, places: UnsafeMutablePointer<UnsafePointer<Float>>,
    half: UnsafeMutablePointer<Float>
  ) {
    self.zeros = zeros
    self.places = places
    self.half = half
  }
}

/// The transformed inputs of some tiles, and the weights of some columns.
package struct WinogradProductsArguments {
  /// (m+2)², how many points ξ there are.
  package let points: Int
  /// How many tiles there are.
  package let tiles: Int
  /// C, channels of the input.
  package let depth: Int
  /// V[ξ][tile][c].
  package let input: UnsafePointer<Float>
  /// Floats from one point ξ of the input to the next.
  package let inputStride: Int
  /// U: panels [points, depth, 16] of the columns wanted.
  package let weights: UnsafePointer<Float>
  /// How many columns these are, a multiple of 16.
  package let columns: Int
  /// The sums M[ξ][tile][column], which are written.
  package let sums: UnsafeMutablePointer<Float>
  /// Floats from one point ξ of the sums to the next.
  package let sumStride: Int

  package init(
    points: Int, tiles: Int, depth: Int, input: UnsafePointer<Float>, inputStride: Int,
    weights: UnsafePointer<Float>, columns: Int, sums: UnsafeMutablePointer<Float>, sumStride: Int
  ) {
    self.points = points
    self.tiles = tiles
    self.depth = depth
    self.input = input
    self.inputStride = inputStride
    self.weights = weights
    self.columns = columns
    self.sums = sums
    self.sumStride = sumStride
  }
}

/// Tiles of an input, to be transformed.
package struct WinogradInputArguments {
  /// m: a tile has m×m outputs.
  package let outputExtent: Int
  /// The tiles, with (m+2)² places each.
  package let range: WinogradTileRange
  /// The input, [images, pixels, channels].
  package let input: UnsafePointer<Float>
  /// Floats from one image of the input to the next.
  package let imageStride: Int
  /// Channels of the input, a multiple of 16.
  package let channels: Int
  /// The transformed inputs V[ξ][tile][c], which are written.
  package let result: UnsafeMutablePointer<Float>
  /// Floats from one point ξ to the next; tiles × channels at least.
  package let pointStride: Int
  /// Memory to work in.
  package let memory: WinogradMemory

  package init(
    outputExtent: Int, range: WinogradTileRange, input: UnsafePointer<Float>, imageStride: Int,
    channels: Int, result: UnsafeMutablePointer<Float>, pointStride: Int, memory: WinogradMemory
  ) {
    self.outputExtent = outputExtent
    self.range = range
    self.input = input
    self.imageStride = imageStride
    self.channels = channels
    self.result = result
    self.pointStride = pointStride
    self.memory = memory
  }
}

/// Tiles of an output, to be computed from their sums.
package struct WinogradOutputArguments {
  /// m: a tile has m×m outputs.
  package let outputExtent: Int
  /// The tiles, with m² places each.
  package let range: WinogradTileRange
  /// The sums M[ξ][tile][column].
  package let sums: UnsafePointer<Float>
  /// Floats from one point ξ to the next; tiles × columns at least.
  package let pointStride: Int
  /// A value for every column; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// Pixels of an image of the output.
  package let pixelsPerImage: Int
  /// Where the outputs go: rows are [images, pixels], and columns a multiple of 16.
  package let finish: Finish

  package init(
    outputExtent: Int, range: WinogradTileRange, sums: UnsafePointer<Float>, pointStride: Int,
    bias: UnsafePointer<Float>?, pixelsPerImage: Int, finish: Finish
  ) {
    self.outputExtent = outputExtent
    self.range = range
    self.sums = sums
    self.pointStride = pointStride
    self.bias = bias
    self.pixelsPerImage = pixelsPerImage
    self.finish = finish
  }
}

/// Tiles of the gradient of an output, to be transformed; m = 4.
package struct WinogradOutputGradientArguments {
  /// The tiles, with 16 places each.
  package let range: WinogradTileRange
  /// y, [images, pixels, columns].
  package let gradient: UnsafePointer<Float>
  /// Floats from one image of the gradient to the next.
  package let imageStride: Int
  /// Channels of the output, a multiple of 16.
  package let columns: Int
  /// The transformed gradients M[ξ][tile][column], which are written.
  package let result: UnsafeMutablePointer<Float>
  /// Floats from one point ξ to the next; tiles × columns at least.
  package let pointStride: Int
  /// Memory to work in.
  package let memory: WinogradMemory

  package init(
    range: WinogradTileRange, gradient: UnsafePointer<Float>, imageStride: Int, columns: Int,
    result: UnsafeMutablePointer<Float>, pointStride: Int, memory: WinogradMemory
  ) {
    self.range = range
    self.gradient = gradient
    self.imageStride = imageStride
    self.columns = columns
    self.result = result
    self.pointStride = pointStride
    self.memory = memory
  }
}
