import KernelTables

/// How a convolution with stride 1 whose output has the extents of its input reads *planes*: an image channel by channel,
/// with the zeros around it. Vectors then hold pixels and not channels, which pays where there are fewer output channels
/// than a vector has places, as in the gradient of a network's image.
public struct PixelPlanes: Sendable {
  /// Rows of the image.
  let height: Int
  /// Columns of the image.
  let width: Int
  /// Rows of zeros above, as many columns of them on the left.
  private let before: Int
  /// Floats from one row of a plane to the next.
  let rowStride: Int
  /// Floats from one plane to the next.
  let planeStride: Int
  /// Where the source under every tap lies in a plane: for the pixel in row y and column x at
  /// y · rowStride + x + taps[t].
  let taps: [Int32]

  /// The planes for one direction of a convolution; nil if its stride is not 1, or if input and output differ in their
  /// extents.
  init?(_ geometry: ConvolutionGeometry, _ direction: ConvolutionTables.Direction) {
    let kernel = geometry.kernel
    guard geometry.stride == 1, kernel > 1, geometry.padding + geometry.paddingBehind == kernel - 1
    else { return nil }
    (height, width) = (geometry.height, geometry.width)
    before = direction == .forward ? geometry.padding : geometry.paddingBehind
    rowStride = width + kernel - 1
    planeStride = rowStride * (height + kernel - 1)
    let rowStride = rowStride
    taps = (0..<kernel * kernel).map { tap in
      // The gradient reads the output's gradient where the kernel, turned by 180°, stands.
      let place = direction == .forward ? tap : kernel * kernel - 1 - tap
      return Int32(place / kernel * rowStride + place % kernel)
    }
  }

  /// Writes the channels of some rows of an image [height, width, channels] into their planes.
  func write(
    _ image: UnsafePointer<Float>, channels: Int, rows: Range<Int>,
    to planes: UnsafeMutablePointer<Float>
  ) {
    for row in rows {
      var pixel = image + row * width * channels
      var place = planes + (row + before) * rowStride + before
      for _ in 0..<width {
        var target = place
        for channel in 0..<channels {
          target.pointee = pixel[channel]
          target += planeStride
        }
        pixel += channels
        place += 1
      }
    }
  }

  /// Rows of the image that the outputs of some rows read.
  func sources(of rows: Range<Int>) -> Range<Int> {
    let behind = rowStride - width - before
    return max(0, rows.lowerBound - before)..<min(height, rows.upperBound + behind)
  }
}

extension KernelSet {
  /// Output channels that a product over planes computes, whether there are as many or fewer.
  static var mostPlanarChannels: Int { 3 }

  /// Vectors of a row of an image.
  private func vectors(_ planes: PixelPlanes) -> Int {
    (planes.width + float32.vectorWidth - 1) / float32.vectorWidth
  }

  /// Floats of the sums of a whole image, for one output channel.
  private func sumCount(_ planes: PixelPlanes) -> Int {
    planes.height * vectors(planes) * float32.vectorWidth
  }

  /// Floats of scratch memory that every thread needs for a product over planes.
  func scratchCount(_ planes: PixelPlanes, inputChannels: Int) -> Int {
    // The last vector of a row ends behind it.
    inputChannels * planes.planeStride + float32.vectorWidth
      + Self.mostPlanarChannels * sumCount(planes)
  }

  /// out = epilogue(W ∗ in + bias) over planes, for at most three output channels; only with SIMD kernels. Every output
  /// is the chain of multiply-adds that the gathered product is, but for products with the zeros around the image.
  ///
  /// - Parameters:
  ///   - input: [images, pixels, inputChannels].
  ///   - weights: packed for this set, [taps × inputChannels, outputChannels].
  ///   - bias: a panel of values, or nil for zeros.
  ///   - output: [images, pixels, outputChannels].
  ///   - scratch: as many floats as `scratchCount` says, of which no other thread makes use.
  ///   - part: the share to compute.
  func multiply(
    _ planes: PixelPlanes, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    weights: PackedWeights, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    part: PreparedConvolution.Part
  ) {
    precondition(hasVectorProducts && weights.outputChannels <= Self.mostPlanarChannels)
    precondition(weights.depth == planes.taps.count * inputChannels)
    let (height, width) = (planes.height, planes.width)
    let rows = part.range(of: images * height, step: 1)
    guard !rows.isEmpty else { return }
    let sums = scratch + inputChannels * planes.planeStride + float32.vectorWidth
    scratch.update(repeating: 0, count: sums - scratch)
    let sumStride = sumCount(planes)
    let vectorWidth = float32.vectorWidth
    let vectorsPerRow = vectors(planes)
    for image in rows.lowerBound / height...(rows.upperBound - 1) / height {
      let mine = rows.clamped(to: image * height..<(image + 1) * height)
      let range = mine.lowerBound - image * height..<mine.upperBound - image * height
      planes.write(
        input + image * height * width * inputChannels, channels: inputChannels,
        rows: planes.sources(of: range), to: scratch)
      planes.taps.withUnsafeBufferPointer { taps in
        guard let taps = taps.baseAddress else { return }
        float32.planarProduct(
          PlanarProductArguments(
            planes: scratch, planeStride: planes.planeStride, rowStride: planes.rowStride,
            channels: inputChannels, taps: taps, tapCount: planes.taps.count,
            firstRow: range.lowerBound, endRow: range.upperBound, vectorsPerRow: vectorsPerRow,
            weights: weights.pointer, bias: bias, sums: sums, sumStride: sumStride))
      }
      for row in range {
        let first = sums + row * vectorsPerRow * vectorWidth
        for channel in 0..<weights.outputChannels {
          epilogue.finish(
            first + channel * sumStride, rows: (image * height + row) * width, count: width,
            column: channel, of: weights.outputChannels, output: output)
        }
      }
    }
  }
}
