import Classification
import KernelTables

/// Whether a network learns or predicts, which decides what batch normalisation does.
public enum Mode: Sendable {
  /// By the statistics of the batch, which also move the running ones.
  case training
  /// By the running statistics.
  case evaluation
}

/// Batch normalisation, with the sum and the ReLU that follow it in a residual network:
/// `out = activation(γ · (x − mean) / √(variance + eps) + β + addend)`, per channel.
///
/// In training mean and variance are those of the batch over its M pixels, with divisor M, and the
/// running statistics move towards them by `momentum`, the variance with divisor M − 1; in
/// evaluation the running statistics are used. Both as in PyTorch. Source: Ioffe and Szegedy, 2015.
public struct BatchNormalization {
  /// γ, [C].
  public let weight: Parameter
  /// β, [C].
  public let bias: Parameter
  /// The mean used in evaluation, [C].
  public let runningMean: StateBuffer
  /// The variance used in evaluation, [C].
  public let runningVariance: StateBuffer
  /// eps: added to the variance, which may be 0.
  let epsilon: Float
  /// The share of the batch's value in a new running value.
  static let momentum: Float = 0.1

  /// A layer that changes nothing but by eps: γ = 1, β = 0, running mean 0 and variance 1.
  public init(channels: Int) {
    self.init(
      weight: Parameter(Tensor(repeating: 1, shape: [channels])),
      bias: Parameter(Tensor(shape: [channels])),
      runningMean: StateBuffer(Tensor(shape: [channels])),
      runningVariance: StateBuffer(Tensor(repeating: 1, shape: [channels])))
  }

  init(
    weight: Parameter, bias: Parameter, runningMean: StateBuffer, runningVariance: StateBuffer,
    epsilon: Float = 1e-5
  ) {
    self.weight = weight
    self.bias = bias
    self.runningMean = runningMean
    self.runningVariance = runningVariance
    self.epsilon = epsilon
  }

  /// What the backward pass needs of a forward pass.
  public struct Cache: Sendable {
    let input: Tensor
    let mean: Tensor
    /// 1 / √(variance + eps).
    let factor: Tensor
    let mode: Mode
    /// Those of the ReLU's output, if there is one.
    let signs: SignBuffer?
  }

  /// [N, H, W, C] → [N, H, W, C].
  ///
  /// - Parameters:
  ///   - addend: added before the activation; the residual.
  ///   - relu: whether negative values become zero.
  ///   - mode: in `.training` the batch's statistics are used and the running ones moved.
  public func forward(
    _ input: Tensor, adding addend: Tensor? = nil, relu: Bool, mode: Mode,
    on execution: Execution
  ) -> (output: Tensor, cache: Cache) {
    let channels = input.channels
    var (mean, variance) = (runningMean.value, runningVariance.value)
    if mode == .training {
      (mean, variance) = Self.statistics(of: input, on: execution)
      moveRunningStatistics(mean: mean, variance: variance, count: input.pixelCount)
    }
    let factor = variance.map { 1 / ($0 + epsilon).squareRoot() }
    let (scale, shift) = Self.folded(
      weight: weight.value, bias: bias.value, mean: mean, factor: factor)
    let signs = relu ? SignBuffer(pixels: input.pixelCount, channels: channels) : nil
    var output = Tensor(uninitialized: input.shape)
    output.withUnsafeMutablePointer { output in
      nonisolated(unsafe) let output = output
      execution.forEachPixelRange(of: input) { start, pixels in
        input.withUnsafePointer { input in
          scale.withUnsafePointer { scale in
            shift.withUnsafePointer { shift in
              let apply = { (addend: UnsafePointer<Float>?) in
                execution.kernels.float32.channelwiseAffine(
                  pixels: pixels, channels: channels, input: input + start, scale: scale,
                  shift: shift, addend: addend.map { $0 + start }, relu: relu,
                  signs: signs?.row(start / channels), output: output + start)
              }
              if let addend { addend.withUnsafePointer { apply($0) } } else { apply(nil) }
            }
          }
        }
      }
    }
    return (output, Cache(input: input, mean: mean, factor: factor, mode: mode, signs: signs))
  }

  /// Sets the gradients of γ and β; returns those of the input and, if wanted, of the addend.
  ///
  /// In training, with g the gradient behind the sum, x̂ the normalised input, r = 1/√(variance + eps) and
  /// M pixels in the batch: `∂x = γ·r·(g − Σg/M − x̂·Σ(g·x̂)/M)`; in evaluation `∂x = γ·r·g`.
  public func backward(
    _ gradient: Tensor, cache: Cache, wantsAddendGradient: Bool = true, on execution: Execution
  ) -> (input: Tensor, addend: Tensor?) {
    let channels = gradient.channels
    let totals = Self.sums(of: gradient, width: 2 * channels, on: execution) {
      start, pixels, sums in
      withPointers(gradient, cache.input, cache.mean) { gradient, input, mean in
        cache.factor.withUnsafePointer { factor in
          execution.kernels.float32.channelwiseGradientSums(
            pixels: pixels, channels: channels, gradient: gradient + start,
            signs: cache.signs?.row(start / channels), input: input + start, mean: mean,
            factor: factor, sums: sums, products: sums + channels)
        }
      }
    }
    for c in 0..<channels {
      bias.gradient[c] = Float(totals[c])
      weight.gradient[c] = Float(totals[channels + c])
    }

    let count = Double(gradient.pixelCount)
    let isBatch = cache.mode == .training
    let a = zip(weight.value, cache.factor, *)
    var (b, d) = (Tensor(shape: [channels]), Tensor(shape: [channels]))
    for c in 0..<channels where isBatch {
      b[c] = a[c] * cache.factor[c] * Float(totals[channels + c] / count)
      d[c] = a[c] * Float(totals[c] / count)
    }
    let (slope, offset) = (b, d)
    var result = Tensor(uninitialized: gradient.shape)
    // Without a ReLU the gradient of the addend is the one that is given.
    let isMasked = wantsAddendGradient && cache.signs != nil
    var masked = isMasked ? Tensor(uninitialized: gradient.shape) : gradient
    result.withUnsafeMutablePointer { result in
      nonisolated(unsafe) let result = result
      let run = { (masked: UnsafeMutablePointer<Float>?) in
        nonisolated(unsafe) let masked = masked
        execution.forEachPixelRange(of: gradient) { start, pixels in
          withPointers(gradient, cache.input, cache.mean) { gradient, input, mean in
            withPointers(a, slope, offset) { a, b, d in
              execution.kernels.float32.channelwiseGradient(
                pixels: pixels, channels: channels, gradient: gradient + start,
                signs: cache.signs?.row(start / channels), input: input + start, mean: mean, a: a,
                b: b, d: d, kept: masked.map { $0 + start }, output: result + start)
            }
          }
        }
      }
      if isMasked { masked.withUnsafeMutablePointer { run($0) } } else { run(nil) }
    }
    return (result, wantsAddendGradient ? masked : nil)
  }

  // MARK: Statistics

  /// What the layer does in evaluation, without addend and ReLU, as `x · scale + shift`.
  func foldedForEvaluation() -> (scale: Tensor, shift: Tensor) {
    Self.folded(
      weight: weight.value, bias: bias.value, mean: runningMean.value,
      factor: runningVariance.value.map { 1 / ($0 + epsilon).squareRoot() })
  }

  private static func folded(
    weight: Tensor, bias: Tensor, mean: Tensor, factor: Tensor
  ) -> (scale: Tensor, shift: Tensor) {
    let scale = zip(weight, factor, *)
    return (scale, zip(bias, zip(mean, scale, *), -))
  }

  /// Mean and variance (divisor: the number of pixels) of every channel. In two passes, as the difference
  /// of a mean square and a squared mean would lose digits.
  private static func statistics(
    of input: Tensor, on execution: Execution
  ) -> (mean: Tensor, variance: Tensor) {
    let channels = input.channels
    let count = Double(input.pixelCount)
    let sum = sums(of: input, width: channels, on: execution) { start, pixels, sums in
      input.withUnsafePointer {
        execution.kernels.float32.channelwiseSum(
          pixels: pixels, channels: channels, input: $0 + start, sums: sums)
      }
    }
    let mean = Tensor(vector: sum.map { Float($0 / count) })
    let squares = sums(of: input, width: channels, on: execution) { start, pixels, sums in
      withPointers(input, mean, mean) { input, mean, _ in
        execution.kernels.float32.channelwiseSquaredDeviation(
          pixels: pixels, channels: channels, input: input + start, mean: mean, sums: sums)
      }
    }
    return (mean, Tensor(vector: squares.map { Float($0 / count) }))
  }

  /// Sums over a batch: `body` forms those of one image, which are added in double precision and in
  /// order, so that the result does not depend on the threads, and rounding does not grow with the batch.
  private static func sums(
    of tensor: Tensor, width: Int, on execution: Execution,
    _ body: @Sendable (_ start: Int, _ pixels: Int, _ sums: UnsafeMutablePointer<Float>) -> Void
  ) -> [Double] {
    let images = tensor.shape[0]
    let partial = AlignedBuffer(uninitialized: images * width)
    execution.forEachBlock(of: images) { _, images in
      for image in images {
        body(
          image * tensor.rowCount, tensor.rowCount / tensor.channels,
          partial.pointer + image * width)
      }
    }
    var totals = [Double](repeating: 0, count: width)
    for image in 0..<images {
      for c in 0..<width { totals[c] += Double(partial.pointer[image * width + c]) }
    }
    return totals
  }

  private func moveRunningStatistics(mean: Tensor, variance: Tensor, count: Int) {
    let unbiased = Float(count) / Float(max(count - 1, 1))
    for c in 0..<mean.count {
      runningMean.value[c] += Self.momentum * (mean[c] - runningMean.value[c])
      runningVariance.value[c] +=
        Self.momentum * (variance[c] * unbiased - runningVariance.value[c])
    }
  }
}

/// The signs of activations [pixels, channels], laid out as `Signs` says. Sendable although they can change: the threads
/// of a pass write to different parts, and nobody reads before it is over.
final class SignBuffer: @unchecked Sendable {
  private let memory: AlignedBuffer
  private let stride: Int

  /// Signs that are not yet defined.
  init(pixels: Int, channels: Int) {
    stride = Signs.stride(channels)
    let perFloat = MemoryLayout<Float>.size
    memory = AlignedBuffer(uninitialized: (pixels * stride + perFloat - 1) / perFloat)
  }

  /// Where the signs of a pixel begin.
  func row(_ pixel: Int) -> UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(memory.pointer).assumingMemoryBound(to: UInt8.self) + pixel * stride
  }
}

extension Execution {
  /// Calls `body` with where every block of images of [N, ..., C] starts, in floats, and how many pixels it has.
  fileprivate func forEachPixelRange(
    of tensor: Tensor, _ body: @Sendable (_ start: Int, _ pixels: Int) -> Void
  ) {
    let pixelsPerImage = tensor.rowCount / max(tensor.channels, 1)
    forEachBlock(of: tensor.shape[0]) { _, images in
      body(images.lowerBound * tensor.rowCount, images.count * pixelsPerImage)
    }
  }
}
