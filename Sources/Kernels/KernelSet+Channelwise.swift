import KernelsAVX2
import KernelsAVX512
import KernelsPortable

/// What batch normalisation and ReLU do to rows of channels, [pixels, channels]. The same bytes in
/// every kernel set.
extension KernelSet {
  /// out = max?(x · scale + shift + addend, 0), with scale and shift per channel.
  public func affine(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, addend: UnsafePointer<Float>?, relu: Bool,
    output: UnsafeMutablePointer<Float>
  ) {
    let kernel = choose(
      KernelsPortable.channelwiseAffine, KernelsAVX2.channelwiseAffine,
      KernelsAVX512.channelwiseAffine)
    kernel(pixels, channels, input, scale, shift, addend, relu, output)
  }

  /// Σ x per channel.
  public func sum(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>
  ) {
    let kernel = choose(
      KernelsPortable.channelwiseSum, KernelsAVX2.channelwiseSum, KernelsAVX512.channelwiseSum)
    kernel(pixels, channels, input, sums)
  }

  /// Σ (x − mean)² per channel.
  public func squaredDeviation(
    pixels: Int, channels: Int, input: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>
  ) {
    let kernel = choose(
      KernelsPortable.channelwiseSquaredDeviation, KernelsAVX2.channelwiseSquaredDeviation,
      KernelsAVX512.channelwiseSquaredDeviation)
    kernel(pixels, channels, input, mean, sums)
  }

  /// The gradient of a ReLU: zero where its output was not positive.
  public func mask(
    count: Int, gradient: UnsafeMutablePointer<Float>, output: UnsafePointer<Float>
  ) {
    let kernel = choose(KernelsPortable.mask, KernelsAVX2.mask, KernelsAVX512.mask)
    kernel(count, gradient, output)
  }

  /// Σ g and Σ g·(x − mean)·factor per channel.
  public func gradientSums(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, factor: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>,
    products: UnsafeMutablePointer<Float>
  ) {
    let kernel = choose(
      KernelsPortable.channelwiseGradientSums, KernelsAVX2.channelwiseGradientSums,
      KernelsAVX512.channelwiseGradientSums)
    kernel(pixels, channels, gradient, input, mean, factor, sums, products)
  }

  /// out = a·g − b·(x − mean) − d, all but g and x per channel.
  public func gradient(
    pixels: Int, channels: Int, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, a: UnsafePointer<Float>, b: UnsafePointer<Float>,
    d: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>
  ) {
    let kernel = choose(
      KernelsPortable.channelwiseGradient, KernelsAVX2.channelwiseGradient,
      KernelsAVX512.channelwiseGradient)
    kernel(pixels, channels, gradient, input, mean, a, b, d, output)
  }

  private func choose<F>(_ portable: F, _ avx2: F, _ avx512: F) -> F {
    switch self {
    case .reference, .openBLAS: portable
    case .avx2: avx2
    case .avx512: avx512
    }
  }
}
