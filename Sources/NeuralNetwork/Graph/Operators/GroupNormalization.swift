import Classification
import Kernels

/// Normalisation over all pixels and the channels of a group: with the mean μ of their M numbers and the variance σ²
/// (over M, not M − 1), x̂ = (x − μ) / √(σ² + ε) and out = x̂ · scale + shift.
///
/// With as many groups as channels it is instance normalisation, with one group layer normalisation over whole images.
/// Wu and He, "Group normalization", 2018.
struct GroupNormalization: GraphOperator {
  /// Each of as many channels, one group's behind the other's.
  let groups: Int
  /// [C].
  let scale: Tensor
  /// [C].
  let shift: Tensor
  /// ε.
  let epsilon: Float
  let extents: NetworkGraph.Extents

  var described: NetworkGraph.Described {
    .groupNormalization(groups: groups, scale: scale, shift: shift, epsilon: epsilon)
  }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    withScratch { scratch in
      for image in 0..<images {
        let (x, y) = (inputs[0] + image * extents.count, output + image * extents.count)
        findStatistics(of: x, kernels, scratch)
        for c in 0..<extents.channels {
          scratch.slope[c] = scale[c] * scratch.factor[c]
          scratch.offset[c] = shift[c] - scratch.mean[c] * scratch.slope[c]
        }
        kernels.float32.channelwiseAffine(
          pixels: extents.pixels, channels: extents.channels, input: x, scale: scratch.slope,
          shift: scratch.offset, addend: nil, relu: false, signs: nil, output: y)
      }
    }
  }

  /// With h = g · scale: ∂x = (h − mean(h) − x̂ · mean(h · x̂)) / √(σ² + ε).
  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    let (pixels, channels) = (extents.pixels, extents.channels)
    withScratch { scratch in
      for image in 0..<images {
        let start = image * extents.count
        let (x, g, result) = (inputs[0] + start, gradient + start, sum + start)
        findStatistics(of: x, kernels, scratch)
        scratch.clearTotals(groups)
        forEachChunk { first, count in
          kernels.float32.channelwiseGradientSums(
            pixels: count, channels: channels, gradient: g + first * channels, signs: nil,
            input: x + first * channels, mean: scratch.mean, factor: scratch.factor,
            sums: scratch.slope, products: scratch.offset)
          for c in 0..<channels {
            let (group, scale) = (c / groupSize, Double(scale[c]))
            scratch.totals[group] += scale * Double(scratch.slope[c])
            scratch.products[group] += scale * Double(scratch.offset[c])
          }
        }
        for c in 0..<channels {
          let (group, factor) = (c / groupSize, scratch.factor[c])
          scratch.slope[c] = scale[c] * factor
          scratch.offset[c] = factor * factor * Float(scratch.products[group] / numberCount)
          scratch.constant[c] = factor * Float(scratch.totals[group] / numberCount)
        }
        // A few pixels at a time, as the kernel writes a gradient and adds it to none.
        for first in stride(from: 0, to: pixels, by: Scratch.pixels) {
          let (start, count) = (first * channels, min(Scratch.pixels, pixels - first))
          kernels.float32.channelwiseGradient(
            pixels: count, channels: channels, gradient: g + start, signs: nil, input: x + start,
            mean: scratch.mean, a: scratch.slope, b: scratch.offset, d: scratch.constant, kept: nil,
            output: scratch.gradient)
          for place in 0..<count * channels { result[start + place] += scratch.gradient[place] }
        }
      }
    }
  }

  // MARK: Statistics

  private var groupSize: Int { extents.channels / groups }
  /// M.
  private var numberCount: Double { Double(extents.pixels * groupSize) }

  /// What is kept for one image: rows with a number for every channel, and sums for every group.
  private struct Scratch {
    /// Of which a gradient is kept.
    static let pixels = 16

    /// μ and 1 / √(σ² + ε) of the channel's group.
    var mean: UnsafeMutablePointer<Float>
    var factor: UnsafeMutablePointer<Float>
    var slope: UnsafeMutablePointer<Float>
    var offset: UnsafeMutablePointer<Float>
    var constant: UnsafeMutablePointer<Float>
    /// For a few pixels.
    var gradient: UnsafeMutablePointer<Float>
    var totals: UnsafeMutablePointer<Double>
    var products: UnsafeMutablePointer<Double>

    func clearTotals(_ groups: Int) {
      totals.update(repeating: 0, count: groups)
      products.update(repeating: 0, count: groups)
    }
  }

  private func withScratch(_ body: (Scratch) -> Void) {
    let channels = extents.channels
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * groups) { sums in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: (5 + Scratch.pixels) * channels) {
        rows in
        // Neither is empty, as a group has a channel.
        guard let sum = sums.baseAddress, let row = rows.baseAddress else { return }
        sums.initialize(repeating: 0)
        rows.initialize(repeating: 0)
        body(
          Scratch(
            mean: row, factor: row + channels, slope: row + 2 * channels,
            offset: row + 3 * channels, constant: row + 4 * channels, gradient: row + 5 * channels,
            totals: sum, products: sum + groups))
      }
    }
  }

  /// Calls `body` with the first of some pixels and how many they are. Single precision sums them up; what comes of them is
  /// added in double precision, as an image may have many.
  private func forEachChunk(_ body: (_ first: Int, _ count: Int) -> Void) {
    for first in stride(from: 0, to: extents.pixels, by: 1024) {
      body(first, min(1024, extents.pixels - first))
    }
  }

  /// Writes μ and 1 / √(σ² + ε) for every channel. In two passes, as the difference of a mean square and a squared mean
  /// would lose digits.
  private func findStatistics(of x: UnsafePointer<Float>, _ kernels: KernelSet, _ scratch: Scratch)
  {
    let channels = extents.channels
    scratch.clearTotals(groups)
    forEachChunk { first, count in
      kernels.float32.channelwiseSum(
        pixels: count, channels: channels, input: x + first * channels, sums: scratch.slope)
      for c in 0..<channels { scratch.totals[c / groupSize] += Double(scratch.slope[c]) }
    }
    for c in 0..<channels {
      scratch.mean[c] = Float(scratch.totals[c / groupSize] / numberCount)
    }
    forEachChunk { first, count in
      kernels.float32.channelwiseSquaredDeviation(
        pixels: count, channels: channels, input: x + first * channels, mean: scratch.mean,
        sums: scratch.slope)
      for c in 0..<channels { scratch.products[c / groupSize] += Double(scratch.slope[c]) }
    }
    for c in 0..<channels {
      let variance = Float(scratch.products[c / groupSize] / numberCount)
      scratch.factor[c] = 1 / (variance + epsilon).squareRoot()
    }
  }
}
