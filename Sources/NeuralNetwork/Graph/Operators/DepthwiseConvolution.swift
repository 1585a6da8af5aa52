import Classification
import Kernels

/// A convolution that keeps channels apart: out[p, c] = bias[c] + Σ_t in[source(p, t), c] · weight[t, c], summed tap
/// by tap over what the window sees of the image.
struct DepthwiseConvolution: GraphOperator {
  /// [rows · columns of the window, C].
  private let weight: Tensor
  /// [C].
  private let bias: Tensor
  private let window: PoolingWindow
  let extents: NetworkGraph.Extents
  private let input: NetworkGraph.Extents

  /// Nil if the window does not fit.
  ///
  /// - Parameters:
  ///   - weight: [C, 1, rows, columns] of the window, as in PyTorch.
  ///   - bias: [C], or none.
  init?(
    weight: Tensor, bias: Tensor?, _ window: PoolingWindow, of input: NetworkGraph.Extents
  ) {
    guard let extents = window.result(of: input),
      weight.shape == [input.channels, 1, window.height, window.width],
      bias.map({ $0.count == input.channels }) != false
    else { return nil }
    let taps = window.height * window.width
    var byTap = Tensor(shape: [taps, input.channels])
    for tap in 0..<taps {
      for c in 0..<input.channels { byTap[tap * input.channels + c] = weight[c * taps + tap] }
    }
    self.weight = byTap
    self.bias = bias ?? Tensor(shape: [input.channels])
    self.window = window
    self.extents = extents
    self.input = input
  }

  var described: NetworkGraph.Described {
    let taps = window.height * window.width
    var byChannel = Tensor(shape: [input.channels, 1, window.height, window.width])
    for tap in 0..<taps {
      for c in 0..<input.channels { byChannel[c * taps + tap] = weight[tap * input.channels + c] }
    }
    return .depthwise(weight: byChannel, bias: bias, window)
  }

  var multiplyAdds: Int {
    (0..<extents.pixels).reduce(0) { sum, pixel in
      let (rows, columns) = window.seen(pixel, of: extents, in: input)
      return sum + rows.count * columns.count * extents.channels
    }
  }

  var gradientReadsInputs: Bool { false }

  func run(
    _ inputs: Operands, images: Int, kernels: KernelSet, to output: UnsafeMutablePointer<Float>
  ) {
    withPointers(weight, bias, bias) { weight, bias, _ in
      for pixel in 0..<images * extents.pixels {
        (output + pixel * extents.channels).update(from: bias, count: extents.channels)
      }
      forEachTap(images) { source, destination, tap in
        kernels.float32.addProduct(
          count: extents.channels, inputs[0] + source, weight + tap, sum: output + destination)
      }
    }
  }

  func addGradient(
    ofInput place: Int, _ gradient: UnsafePointer<Float>, inputs: Operands, images: Int,
    kernels: KernelSet, to sum: UnsafeMutablePointer<Float>
  ) {
    weight.withUnsafePointer { weight in
      forEachTap(images) { source, destination, tap in
        kernels.float32.addProduct(
          count: extents.channels, gradient + destination, weight + tap, sum: sum + source)
      }
    }
  }

  /// Calls `body` for every pair of an output pixel and a tap that sees the image: where the input pixel, the
  /// output pixel and the tap's weights begin.
  private func forEachTap(_ images: Int, _ body: (Int, Int, Int) -> Void) {
    let channels = extents.channels
    for image in 0..<images {
      for pixel in 0..<extents.pixels {
        let (rows, columns) = window.seen(pixel, of: extents, in: input)
        let (row, column) = (
          pixel / extents.width * window.rowStride - window.top,
          pixel % extents.width * window.columnStride - window.left
        )
        for y in rows {
          for x in columns {
            body(
              image * input.count + (y * input.width + x) * channels,
              (image * extents.pixels + pixel) * channels,
              ((y - row) * window.width + x - column) * channels)
          }
        }
      }
    }
  }
}
