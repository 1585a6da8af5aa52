/// The kernels in single precision, of one instruction set: the table through which everything above
/// calls them. `SIMDKernels` implements it in one folder of sources that is compiled once for every
/// instruction set; `KernelSet.float32` chooses among them while the program runs.
///
/// A protocol whose requirements are static, so that arguments keep their labels through the call and
/// the compiler holds every instruction set to the whole table. Another arithmetic, such as int8, is
/// another protocol beside this one.
///
/// Everything is given by address: nobody checks lengths here, and a kernel keeps nothing. Letters in
/// shapes: C channels of an input, columns are channels of an output. Strides are in floats. "Panels"
/// are packed weights, 16 columns side by side: [panels, depth, 16].
package protocol Float32Kernels {
  /// Floats of the vectors that the kernels work on.
  static var vectorWidth: Int { get }

  // MARK: Products

  /// out = finish(bias + Σ_t in[source(d, t)] · W[t]) for some destinations d of one group, whose taps t
  /// all meet the image. Every output is one chain of fused multiply-adds in the order (tap, input
  /// channel).
  static func gatheredProduct(_ arguments: GatheredProductArguments)

  /// out[row] = finish(bias + in[row] · W): the gathered product of rows that lie one behind the other,
  /// as those of a 1×1 convolution do. Every output is one chain of fused multiply-adds in the order of
  /// the input channels.
  static func matrixProduct(_ arguments: MatrixProductArguments)

  /// result[c] = Σ in[source][c] · g[destination] over the pairs of pixels that one tap connects and
  /// over all images: the gradient [C, columns] of one tap's weights.
  static func gatheredOuterProduct(_ arguments: GatheredOuterProductArguments)

  /// result += inᵀ · g, [channels, columns], summed over the rows of in [rows, channels] and of
  /// g [rows, columns].
  ///
  /// - Parameters:
  ///   - input: readable for a tile's rows past its last value.
  ///   - columns: a multiple of 16.
  ///   - isFirst: whether the result is overwritten instead.
  static func outerProduct(
    rows: Int, input: UnsafePointer<Float>, channels: Int, gradient: UnsafePointer<Float>,
    columns: Int, isFirst: Bool, result: UnsafeMutablePointer<Float>)

  // MARK: Winograd's F(m×m, 3×3)

  // A tile has m×m outputs, m = 2 or 4, and is found from its (m+2)² inputs by as many products, one at
  // each point ξ, in place of 9·m².

  /// V[ξ][tile][c] = Bᵀ·d·B of the inputs d of some tiles.
  static func winogradInput(_ arguments: WinogradInputArguments)

  /// U[ξ][c][column] = G·g·Gᵀ of kernels g, in panels.
  ///
  /// - Parameters:
  ///   - outputExtent: m.
  ///   - panels: how many there are.
  ///   - weights: panels [9, channels, 16].
  ///   - result: panels [(m+2)², channels, 16].
  ///   - half: memory for 3·(m+2) vectors.
  static func winogradWeights(
    outputExtent: Int, panels: Int, channels: Int, weights: UnsafePointer<Float>,
    result: UnsafeMutablePointer<Float>, half: UnsafeMutablePointer<Float>)

  /// out = finish(Aᵀ·M·A + bias) of the sums M of some tiles.
  static func winogradOutput(_ arguments: WinogradOutputArguments)

  /// M[ξ][tile][column] = A·y·Aᵀ of F(4×4) for the gradients y of some tiles' outputs; outside of the
  /// image y is zero.
  static func winogradOutputGradient(_ arguments: WinogradOutputGradientArguments)

  /// The gradient Gᵀ·u·G [9, channels, columns] of kernels from that of their transforms u
  /// [36, channels, columns], of F(4×4).
  ///
  /// - Parameter half: memory for 18 vectors.
  static func winogradWeightGradient(
    channels: Int, columns: Int, transformed: UnsafePointer<Float>,
    result: UnsafeMutablePointer<Float>, half: UnsafeMutablePointer<Float>)

  // MARK: Rows of channels, [pixels, channels]

  // What batch normalisation and ReLU do. Nothing is fused here and no sum's order is changed: the same
  // bytes on every instruction set.

  /// out = max?(x · scale + shift + addend, 0), with scale and shift per channel.
  static func channelwiseAffine(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool,
    output: UnsafeMutablePointer<Float>)

  /// sums = Σ x per channel.
  static func channelwiseSum(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>)

  /// sums = Σ (x − mean)² per channel.
  static func channelwiseSquaredDeviation(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>)

  /// sums = Σ g and products = Σ g·(x − mean)·factor per channel.
  static func channelwiseGradientSums(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, factor: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>,
    products: UnsafeMutablePointer<Float>)

  /// out = a·g − b·(x − mean) − d, all but g and x per channel.
  static func channelwiseGradient(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, a: UnsafePointer<Float>, b: UnsafePointer<Float>,
    d: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>)

  /// Sets `count` values of a gradient to zero where the output of a ReLU was not positive.
  static func mask(
    count: Int, gradient: UnsafeMutablePointer<Float>, output: UnsafePointer<Float>)

  // MARK: Training

  /// One step of gradient descent with momentum μ and weight decay w for `count` numbers, in place:
  /// v ← μ·v + (g + w·p), then p ← p − rate·v. Nothing is fused.
  static func momentumStep(
    count: Int, gradient: UnsafePointer<Float>, momentum: Float, weightDecay: Float,
    learningRate: Float, velocity: UnsafeMutablePointer<Float>,
    parameter: UnsafeMutablePointer<Float>)

  // MARK: The limit

  /// Nothing but fused multiply-adds in registers, twelve chains of vectors at once: the fastest that
  /// this instruction set can go on one thread. Returns how many numbers were multiplied, and the sum,
  /// so that the work has a use.
  static func multiplyAdds(rounds: Int, factor: Float) -> (count: Int, sum: Float)
}

/// What happens to finished sums before they are stored: out = activation(sum + addend).
package struct Finish {
  /// Columns that exist; the last panel may have more.
  package let columns: Int
  /// From one row (pixel) of the output, the addend and the mask to the next.
  package let stride: Int
  /// Added to the sum, laid out like the output, which it may be; nil for zeros.
  package var addend: UnsafePointer<Float>?
  /// The result is 0 where this, laid out like the output, is not positive; nil for nowhere.
  package var mask: UnsafePointer<Float>?
  /// Whether the result is 0 where the sum is below 0.
  package let relu: Bool
  /// The first column of the first row.
  package var output: UnsafeMutablePointer<Float>

  package init(
    columns: Int, stride: Int, addend: UnsafePointer<Float>? = nil,
    mask: UnsafePointer<Float>? = nil, relu: Bool = false, output: UnsafeMutablePointer<Float>
  ) {
    self.columns = columns
    self.stride = stride
    self.addend = addend
    self.mask = mask
    self.relu = relu
    self.output = output
  }
}

/// A share of the rows of one group of destinations, whose taps come in runs of neighbours, whose
/// sources are neighbours too. Rows count over [images, pixels of the group].
package struct GatheredProductArguments {
  /// The first tap of every run.
  package let taps: UnsafePointer<Int32>
  /// How many taps every run has.
  package let lengths: UnsafePointer<Int32>
  /// How many runs there are.
  package let runCount: Int
  /// The pixel of an output image of every pixel of the group.
  package let destinations: UnsafePointer<Int32>
  /// The pixel of an input image under every run's first tap, [pixels of the group, runs].
  package let sources: UnsafePointer<Int32>
  /// Pixels of the group.
  package let pixelCount: Int
  /// The first row to compute.
  package let firstRow: Int
  /// The row after the last one.
  package let endRow: Int
  /// Pixels of an image of the output.
  package let destinationCount: Int
  /// [images, source pixels, C].
  package let input: UnsafePointer<Float>
  /// From image to image of the input.
  package let imageStride: Int
  /// C.
  package let inputChannels: Int
  /// Panels of the columns wanted.
  package let weights: UnsafePointer<Float>
  /// Taps × C.
  package let depth: Int
  /// A value for every column, rounded up to whole panels; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// Where the sums go; its rows are [images, `destinationCount`].
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

/// A product of matrices.
package struct MatrixProductArguments {
  /// Rows of the input and of the output.
  package let rows: Int
  /// Values of a row of the input.
  package let depth: Int
  /// [rows, depth].
  package var input: UnsafePointer<Float>
  /// From row to row of the input.
  package let inputStride: Int
  /// Panels [depth, 16] of the columns wanted.
  package var weights: UnsafePointer<Float>
  /// From panel to panel.
  package let panelStride: Int
  /// A value for every column, rounded up to whole panels; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// Where the sums go.
  package var finish: Finish

  package init(
    rows: Int, depth: Int, input: UnsafePointer<Float>, inputStride: Int,
    weights: UnsafePointer<Float>, panelStride: Int, bias: UnsafePointer<Float>? = nil,
    finish: Finish
  ) {
    self.rows = rows
    self.depth = depth
    self.input = input
    self.inputStride = inputStride
    self.weights = weights
    self.panelStride = panelStride
    self.bias = bias
    self.finish = finish
  }
}

/// The pairs of pixels that one tap connects, and the values there.
package struct GatheredOuterProductArguments {
  /// The pixel of an input image, of every pair.
  package let sources: UnsafePointer<Int32>
  /// The pixel of an output image, of every pair.
  package let destinations: UnsafePointer<Int32>
  /// How many pairs there are.
  package let pairCount: Int
  /// Images of the batch.
  package let images: Int
  /// [images, source pixels, C].
  package let input: UnsafePointer<Float>
  /// From image to image of the input.
  package let imageStride: Int
  /// C.
  package let inputChannels: Int
  /// g, [images, destination pixels, columns].
  package let gradient: UnsafePointer<Float>
  /// From image to image of the gradient.
  package let gradientImageStride: Int
  /// A multiple of 16.
  package let columns: Int
  /// [C, columns], overwritten.
  package let result: UnsafeMutablePointer<Float>

  package init(
    sources: UnsafePointer<Int32>, destinations: UnsafePointer<Int32>, pairCount: Int, images: Int,
    input: UnsafePointer<Float>, imageStride: Int, inputChannels: Int,
    gradient: UnsafePointer<Float>, gradientImageStride: Int, columns: Int,
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
    self.result = result
  }
}

/// Some of the tiles into which a batch of images falls.
package struct WinogradTileRange {
  /// The first of them, counted over [images, tiles of an image].
  package let first: Int
  /// How many they are.
  package let count: Int
  /// Tiles of an image.
  package let tilesPerImage: Int
  /// The pixel of an image at every place of a tile, [tiles of an image, places], or −1 outside.
  package let pixels: UnsafePointer<Int32>

  package init(first: Int, count: Int, tilesPerImage: Int, pixels: UnsafePointer<Int32>) {
    self.first = first
    self.count = count
    self.tilesPerImage = tilesPerImage
    self.pixels = pixels
  }
}

/// Memory that the transforms of tiles work in; no other thread makes use of it.
package struct WinogradMemory {
  /// As many zeros as a pixel has channels: what lies around the image.
  package let zeros: UnsafePointer<Float>
  /// Room for 36 addresses.
  package let places: UnsafeMutablePointer<UnsafePointer<Float>>
  /// Room for 36 vectors: a tile that is transformed along one of its two directions.
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

/// Tiles of an input.
package struct WinogradInputArguments {
  /// m.
  package let outputExtent: Int
  /// The tiles, with (m+2)² places each.
  package let range: WinogradTileRange
  /// [images, pixels, channels].
  package let input: UnsafePointer<Float>
  /// From image to image of the input.
  package let imageStride: Int
  /// A multiple of 16.
  package let channels: Int
  /// V[ξ][tile][c].
  package let result: UnsafeMutablePointer<Float>
  /// From one ξ to the next; tiles × channels at least.
  package let pointStride: Int
  /// What to work in.
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

/// Tiles of an output.
package struct WinogradOutputArguments {
  /// m.
  package let outputExtent: Int
  /// The tiles, with m² places each.
  package let range: WinogradTileRange
  /// M[ξ][tile][column].
  package let sums: UnsafePointer<Float>
  /// From one ξ to the next; tiles × columns at least.
  package let pointStride: Int
  /// A value for every column; nil for zeros.
  package let bias: UnsafePointer<Float>?
  /// Pixels of an image of the output.
  package let pixelsPerImage: Int
  /// Where the outputs go: rows are [images, pixels], and columns a multiple of 16.
  package let finish: Finish
  /// What to work in.
  package let memory: WinogradMemory

  package init(
    outputExtent: Int, range: WinogradTileRange, sums: UnsafePointer<Float>, pointStride: Int,
    bias: UnsafePointer<Float>?, pixelsPerImage: Int, finish: Finish, memory: WinogradMemory
  ) {
    self.outputExtent = outputExtent
    self.range = range
    self.sums = sums
    self.pointStride = pointStride
    self.bias = bias
    self.pixelsPerImage = pixelsPerImage
    self.finish = finish
    self.memory = memory
  }
}

/// Tiles of the gradient of an output, of F(4×4).
package struct WinogradOutputGradientArguments {
  /// The tiles, with 16 places each.
  package let range: WinogradTileRange
  /// y, [images, pixels, columns].
  package let gradient: UnsafePointer<Float>
  /// From image to image of the gradient.
  package let imageStride: Int
  /// A multiple of 16.
  package let columns: Int
  /// M[ξ][tile][column].
  package let result: UnsafeMutablePointer<Float>
  /// From one ξ to the next; tiles × columns at least.
  package let pointStride: Int
  /// What to work in.
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
