import Classification
import Kernels

/// out[n, y, x, o] = bias[o] + Σ_{i, j, c} in[n, y·s + i − p, x·s + j − p, c] · weight[o, c, i, j],
/// where s is the stride, p the padding, and pixels outside the image count as zero.
///
/// Activations are [N, H, W, C]; the weight is [O, C, K, K], as in PyTorch: N images, C channels of the
/// input and O of the output, a kernel of K×K.
public struct Convolution {
  /// [O, C, K, K].
  public let weight: Parameter
  /// [O], if the layer has one.
  public let bias: Parameter?
  private let tables: SharedConvolutionTables

  var geometry: ConvolutionGeometry { tables.geometry }
  var outputChannels: Int { weight.value.shape[0] }
  var inputChannels: Int { weight.value.shape[1] }

  /// A convolution with weights zero, for images of the geometry's extents.
  public init(
    inputChannels: Int, outputChannels: Int, geometry: ConvolutionGeometry, hasBias: Bool = false
  ) {
    self.init(
      weight: Parameter(
        Tensor(shape: [outputChannels, inputChannels, geometry.kernel, geometry.kernel])),
      bias: hasBias ? Parameter(Tensor(shape: [outputChannels])) : nil,
      tables: SharedConvolutionTables(geometry))
  }

  /// - Parameter tables: of the images' geometry.
  init(weight: Parameter, bias: Parameter?, tables: SharedConvolutionTables) {
    self.weight = weight
    self.bias = bias
    self.tables = tables
  }

  /// [N, H, W, C] → [N, H', W', O].
  public func forward(_ input: Tensor, on execution: Execution) -> Tensor {
    product(
      frozen().prepared(.forward, kernels: execution.kernels, profile: .throughput), input,
      bias: bias.map { paddedToPanel($0.value) },
      shape: [input.shape[0], geometry.outputHeight, geometry.outputWidth, outputChannels],
      on: execution)
  }

  /// Sets the parameters' gradients; returns the gradient [N, H, W, C] with respect to the input,
  /// unless it is not wanted.
  ///
  /// - Parameters:
  ///   - gradient: ∂loss/∂output, [N, H', W', O].
  ///   - input: what `forward` was given.
  ///   - addend: added to the gradient with respect to the input: what other uses of it contribute.
  public func backward(
    _ gradient: Tensor, input: Tensor, adding addend: Tensor? = nil,
    wantsInputGradient: Bool = true, on execution: Execution
  ) -> Tensor? {
    setWeightGradient(gradient, input: input, on: execution)
    if let bias { bias.gradient = sumOverPixels(gradient) }
    return wantsInputGradient ? inputGradient(gradient, adding: addend, on: execution) : nil
  }

  /// ∂loss/∂output [N, H', W', O] → ∂loss/∂input [N, H, W, C]; the parameters' gradients stay as they are.
  func inputGradient(
    _ gradient: Tensor, adding addend: Tensor? = nil, on execution: Execution
  ) -> Tensor {
    product(
      frozen().prepared(.inputGradient, kernels: execution.kernels, profile: .throughput), gradient,
      bias: nil, addend: addend,
      shape: [gradient.shape[0], geometry.height, geometry.width, inputChannels], on: execution)
  }

  // MARK: Weights in kernel order

  /// The layer with a copy of its present weights.
  func frozen() -> FrozenConvolution {
    FrozenConvolution(weight: weight.value, tables: tables)
  }

  // MARK: Products over a batch

  private func product(
    _ convolution: PreparedConvolution, _ input: Tensor, bias: Tensor?, addend: Tensor? = nil,
    shape: [Int], on execution: Execution
  ) -> Tensor {
    var output = Tensor(uninitialized: shape)
    let (inputSize, outputSize) = (input.rowCount, output.rowCount)
    output.withUnsafeMutablePointer { output in
      nonisolated(unsafe) let output = output
      execution.forEachBlock(of: shape[0]) { _, images in
        let scratch = AlignedBuffer(uninitialized: convolution.scratchCount(images: images.count))
        let start = images.lowerBound * outputSize
        input.withUnsafePointer { input in
          withPointer(bias) { bias in
            withPointer(addend) { addend in
              convolution.run(
                images: images.count, input: input + images.lowerBound * inputSize, bias: bias,
                epilogue: Epilogue(addend: addend.map { $0 + start }), output: output + start,
                scratch: scratch.pointer)
            }
          }
        }
      }
    }
    return output
  }

  private func setWeightGradient(_ gradient: Tensor, input: Tensor, on execution: Execution) {
    let (inputs, outputs) = (inputChannels, outputChannels)
    let tables = tables[.forward]
    let taps = tables.gather.tapCount
    let columns = (outputs + 15) / 16 * 16
    let padded = columns == outputs ? gradient : paddedChannels(gradient, to: columns)
    let images = input.shape[0]
    let size = taps * inputs * columns
    let partial = AlignedBuffer(
      uninitialized: max(1, Execution.blockCount(of: images)) * size)
    let scratchCount = execution.kernels.scratchCount(
      weightGradientOf: tables, inputChannels: inputs, columns: columns)
    execution.forEachBlock(of: images) { block, images in
      let scratch = AlignedBuffer(uninitialized: scratchCount)
      input.withUnsafePointer { input in
        padded.withUnsafePointer { padded in
          execution.kernels.weightGradient(
            tables, images: images.count,
            input: input + images.lowerBound * tables.gather.sourceCount * inputs,
            inputChannels: inputs,
            outputGradient: padded + images.lowerBound * tables.gather.destinationCount * columns,
            columns: columns, result: partial.pointer + block * size, scratch: scratch.pointer)
        }
      }
    }
    // Blocks are added in their order, so the sum does not depend on which thread was first.
    let blocks = max(1, Execution.blockCount(of: images))
    weight.gradient.withUnsafeMutablePointer { result in
      nonisolated(unsafe) let result = result
      execution.workers.forEach(count: inputs) { input in
        for tap in 0..<taps {
          let row = partial.pointer + (tap * inputs + input) * columns
          for block in 1..<blocks {
            for output in 0..<outputs { row[output] += row[block * size + output] }
          }
          for output in 0..<outputs {
            result[(output * inputs + input) * taps + tap] = row[output]
          }
        }
      }
    }
  }
}

/// Calls `body` with where the values begin; with nil if there are none.
private func withPointer<R>(_ tensor: Tensor?, _ body: (UnsafePointer<Float>?) -> R) -> R {
  if let tensor { tensor.withUnsafePointer { body($0) } } else { body(nil) }
}

/// A convolution whose weights no longer change, to be prepared for one direction or both.
struct FrozenConvolution: Sendable {
  /// [O, C, K, K]; not multiplied with the factors yet, so that they lie where the layer has them.
  private let unscaled: Tensor
  /// [O], if there are factors.
  private let scale: Tensor?
  private let tables: SharedConvolutionTables

  var geometry: ConvolutionGeometry { tables.geometry }
  /// C·K², the products in a sum.
  var termCount: Int { unscaled.rowCount }

  fileprivate init(weight: Tensor, scale: Tensor? = nil, tables: SharedConvolutionTables) {
    unscaled = weight
    self.scale = scale
    self.tables = tables
  }

  /// The same convolution followed by a factor for every output channel: weight[o, c, i, j] · scale[o].
  func scaled(by scale: Tensor) -> FrozenConvolution {
    FrozenConvolution(weight: weight, scale: scale, tables: tables)
  }

  /// [O, C, K, K]; computed where there are factors.
  var weight: Tensor {
    guard let scale else { return unscaled }
    var result = unscaled
    let width = result.rowCount
    result.withUnsafeMutablePointer { values in
      for output in 0..<scale.count {
        for place in output * width..<(output + 1) * width { values[place] *= scale[output] }
      }
    }
    return result
  }

  /// Chooses an algorithm for a direction and packs the weights for it.
  func prepared(
    _ direction: ConvolutionTables.Direction, kernels: KernelSet, profile: PlanProfile
  ) -> PreparedConvolution {
    let weight = weight
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let taps = weight.shape[2] * weight.shape[3]
    let isForward = direction == .forward
    return weight.withUnsafePointer { weights in
      PreparedConvolution(
        tables[direction], inputChannels: isForward ? inputs : outputs,
        outputChannels: isForward ? outputs : inputs, weights: weights,
        strides: PackedWeights.Strides(
          tap: 1, input: isForward ? taps : inputs * taps,
          output: isForward ? inputs * taps : taps),
        kernels: kernels, profile: profile)
    }
  }
}

/// Values filled up with zeros to a multiple of 16, as the kernels read them.
func paddedToPanel(_ vector: Tensor) -> Tensor {
  paddedChannels(vector, to: (vector.count + 15) / 16 * 16)
}

/// [..., C] → [..., columns], with zeros for the additional channels.
private func paddedChannels(_ tensor: Tensor, to columns: Int) -> Tensor {
  let channels = tensor.channels
  var result = Tensor(shape: tensor.shape.dropLast() + [columns])
  result.withUnsafeMutablePointer { result in
    tensor.withUnsafePointer { values in
      for pixel in 0..<tensor.pixelCount {
        (result + pixel * columns).update(from: values + pixel * channels, count: channels)
      }
    }
  }
  return result
}

/// [..., C] → [C]: the sum over everything but the channels.
func sumOverPixels(_ tensor: Tensor) -> Tensor {
  let channels = tensor.channels
  var sums = Tensor(shape: [channels])
  sums.withUnsafeMutablePointer { sums in
    tensor.withUnsafePointer { values in
      for pixel in 0..<tensor.pixelCount {
        for channel in 0..<channels { sums[channel] += values[pixel * channels + channel] }
      }
    }
  }
  return sums
}

extension Tensor {
  /// The extent of the last dimension.
  var channels: Int { shape.last ?? 0 }
  /// The product of all dimensions but the last.
  var pixelCount: Int { shape.dropLast().reduce(1, *) }
}
