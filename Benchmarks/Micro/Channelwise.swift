import Benchmark
import Classification
import Kernels

private let rateMetric = rate("MB/s")

/// Images that one call works on.
private let images = 16

/// What batch normalisation does to rows of channels: bytes read and written in a second by one
/// thread, on the activations of the named networks.
func registerChannelwise() {
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, rateMetric], units: [rateMetric: .count], warmupIterations: 2,
    maxDuration: .milliseconds(100))
  for kernels in KernelSet.available where kernels != .reference && kernels != .openBLAS {
    for (channels, extent) in [(64, 32), (128, 16), (256, 8), (16, 32), (32, 16), (64, 8)] {
      for operation in Operation.allCases {
        Benchmark(
          "channelwise \(kernels.rawValue) \(operation.rawValue) "
            + "\(channels) on \(extent)×\(extent)",
          configuration: configuration
        ) { benchmark, rows in
          let elapsed = ContinuousClock().measure { rows.run(operation, on: kernels) }
          let bytes = Double(4 * operation.passes * rows.count)
          benchmark.measurement(rateMetric, Int(bytes / (elapsed / .seconds(1)) / 1e6))
        } setup: {
          Rows(pixels: images * extent * extent, channels: channels)
        }
      }
    }
  }
}

private enum Operation: String, CaseIterable {
  case affine, sum
  case squaredDeviation = "squared deviation"
  case gradientSums = "gradient sums"
  case gradient

  /// How often it goes through memory of the size of the activations, reading or writing.
  var passes: Int {
    switch self {
    case .sum, .squaredDeviation: 1
    case .gradientSums: 2
    case .affine, .gradient: 3
    }
  }
}

/// Activations [pixels, channels], and values per channel.
private final class Rows {
  private let pixels: Int
  private let channels: Int
  private let input: AlignedBuffer
  private let other: AlignedBuffer
  private let signs: [UInt8]
  private let output: AlignedBuffer
  private let perChannel: AlignedBuffer
  private let sums: AlignedBuffer
  private let products: AlignedBuffer

  var count: Int { pixels * channels }

  init(pixels: Int, channels: Int) {
    self.pixels = pixels
    self.channels = channels
    input = AlignedBuffer(repeating: 0.5, count: pixels * channels)
    other = AlignedBuffer(repeating: 0.5, count: pixels * channels)
    // Every second number is positive. All shapes here have multiples of 16 channels.
    signs = [UInt8](repeating: 0b0101_0101, count: pixels * channels / 8)
    output = AlignedBuffer(repeating: 0.5, count: pixels * channels)
    perChannel = AlignedBuffer(repeating: 0.5, count: channels)
    sums = AlignedBuffer(repeating: 0, count: channels)
    products = AlignedBuffer(repeating: 0, count: channels)
  }

  func run(_ operation: Operation, on kernels: KernelSet) {
    let (input, value) = (input.pointer, perChannel.pointer)
    switch operation {
    case .affine:
      kernels.float32.channelwiseAffine(
        pixels: pixels, channels: channels, input: input, scale: value, shift: value,
        addend: other.pointer, relu: true, signs: nil, output: output.pointer)
    case .sum:
      kernels.float32.channelwiseSum(
        pixels: pixels, channels: channels, input: input, sums: sums.pointer)
    case .squaredDeviation:
      kernels.float32.channelwiseSquaredDeviation(
        pixels: pixels, channels: channels, input: input, mean: value, sums: sums.pointer)
    case .gradientSums:
      kernels.float32.channelwiseGradientSums(
        pixels: pixels, channels: channels, gradient: other.pointer,
        signs: signs, input: input, mean: value, factor: value, sums: sums.pointer,
        products: products.pointer)
    case .gradient:
      kernels.float32.channelwiseGradient(
        pixels: pixels, channels: channels, gradient: other.pointer,
        signs: signs, input: input, mean: value, a: value, b: value, d: value, kept: nil,
        output: output.pointer)
    }
  }
}
