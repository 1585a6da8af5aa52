import Classification
import Kernels

/// A network in evaluation mode that computes in whole numbers of eight bits: the steps of an `InferencePlan`, with the
/// activations in bytes and the sums of products in 32 bits. The numbers behind the mean over all pixels are Float32.
///
/// Results are the same bytes whatever the kernel set, the batch and the threads.
package struct QuantizedPlan: Sendable {
  /// A step with what it needs to make bytes, or floats.
  struct Step: Sendable {
    enum Core: Sendable {
      case product(PreparedByteProduct)
      /// A map of every channel.
      case affine(ByteMap)
      /// The largest byte under a window.
      case maximum(Pooling)
      /// The mean under a window; padding counts, where it does, as the byte of 0.
      case mean(Pooling, ByteMap, zero: Int32)
      /// The mean over all pixels: the sum of bytes, which is scaled and shifted.
      case overall(factor: Float, shift: Float)
      /// Float32 throughout.
      case float(InferencePlan.Step.Core)
    }

    var name: String
    var core: Core
    var input: Int
    var addend: Int?
    var relu: Bool
    var output: Int
  }

  /// Scale and shift of every channel, and the scale of an addend.
  struct ByteMap: Sendable {
    /// In whole panels.
    var scale: Tensor
    var shift: Tensor
    var addendScale: Float
  }

  /// The network in Float32.
  package let float: InferencePlan
  let forms: [SlotForms.Form]
  let steps: [Step]
  /// The set by which the floats behind the mean are computed: all but OpenBLAS give the same bytes.
  let floatKernels: KernelSet

  package var imageShape: ImageShape { float.imageShape }
  package var classCount: Int { float.classCount }

  /// The compiled form of a calibrated network.
  ///
  /// - Throws: `QuantizationError` if it has operators that there are no whole numbers for, or was not calibrated.
  package init(_ plan: InferencePlan, _ quantization: Quantization) throws(QuantizationError) {
    let slots = try SlotForms(of: plan)
    guard let weights = plan.weights else { throw .noWeights }
    if let problem = quantization.problem { throw .calibration(problem) }
    let layers = plan.steps.filter { slots.isCalibrated[$0.output] }.map(\.name)
    guard layers == quantization.activations.map(\.layer) else {
      throw .calibration(
        "its \(quantization.activations.count) layers are not the network's \(layers.count)")
    }
    float = plan.forwardOnly
    forms = slots.forms
    floatKernels = plan.kernels == .openBLAS ? .reference : plan.kernels
    // Every activation as number = factor · byte + offset, by channel.
    var values = [ByteValue?](repeating: nil, count: plan.slots.count)
    values[0] = ByteValue(pixels: plan.normalization)
    var next = quantization.activations.makeIterator()
    var steps: [Step] = []
    for (index, step) in plan.steps.enumerated() {
      let addend = step.addend.flatMap { values[$0] }
      let input = values[step.input]
      if slots.isCalibrated[step.output], let activation = next.next() {
        // Numbers below 0 have no bytes behind a ReLU, so that 0 is the least.
        if step.relu, activation.zero != 0 {
          throw .calibration(
            "the zero of \(step.name.printable) is \(activation.zero), and behind a ReLU it is 0")
        }
        values[step.output] = ByteValue(
          activation, channels: plan.slots[step.output].channels)
      }
      let core: Step.Core
      switch step.core {
      case .product(let product):
        guard let weights = weights[index] else { throw .noWeights }
        if let input, let output = values[step.output] {
          core = .product(
            try Self.product(weights, product.bias, step.name, input, addend, output))
        } else {
          core = .float(
            floatKernels == plan.kernels
              ? step.core
              : .product(
                InferencePlan.Step.Product(
                  weights, bias: product.bias, kernels: floatKernels, profile: plan.profile)))
        }
      case .affine(let scale, let shift):
        if let input, let output = values[step.output] {
          core = .affine(try Self.map(step.name, scale.values, shift.values, input, addend, output))
        } else {
          core = .float(step.core)
        }
      case .other(let operation):
        if let pooling = operation as? Pooling, let input {
          if pooling.kind == .maximum {
            values[step.output] = input
            core = .maximum(pooling)
          } else if let output = values[step.output] {
            // The sum of a window is divided by what the window sees, and then mapped.
            let ones = [Float](repeating: 1, count: pooling.extents.channels)
            core = .mean(
              pooling, try Self.map(step.name, ones, ones.map { _ in 0 }, input, nil, output),
              zero: Int32(input.zero))
          } else {
            let count = Double(plan.slots[step.input].pixels)
            core = .overall(
              factor: Float(input.factor[0] / count), shift: Float(input.offset[0]))
          }
        } else {
          core = .float(step.core)
        }
      }
      steps.append(
        Step(
          name: step.name, core: core, input: step.input, addend: step.addend, relu: step.relu,
          output: step.output))
    }
    self.steps = steps
  }

  /// Bytes of a pixel of a slot: whole panels, and for the image, every channel twice, multiples of 8.
  func stride(_ slot: Int) -> Int {
    let channels = float.slots[slot].channels
    return forms[slot] == .pixels ? ByteValue.stride(pixelsOf: channels) : (channels + 15) / 16 * 16
  }

  // MARK: Maps

  /// out = Σ ŵ · in, with weights that include the factors of the input's channels.
  private static func product(
    _ weights: FrozenConvolution, _ bias: Tensor, _ name: String, _ input: ByteValue,
    _ addend: ByteValue?, _ output: ByteValue
  ) throws(QuantizationError) -> PreparedByteProduct {
    let weight = weights.weight
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let taps = weight.shape[2] * weight.shape[3]
    var bytes = [Int8](repeating: 0, count: weight.count)
    // Σ ŵ · offset / factor over the channels of a tap: what the zeros of the input's bytes add to a sum.
    var zeros = [Double](repeating: 0, count: outputs * taps)
    var scales = [Double](repeating: 1, count: outputs)
    for o in 0..<outputs {
      let row = o * inputs * taps..<(o + 1) * inputs * taps
      func value(_ place: Int) -> Double {
        Double(weight[place]) * input.factor[(place - row.lowerBound) / taps]
      }
      let largest = row.reduce(0.0) { max($0, abs(value($1))) }
      if largest > 0 { scales[o] = largest / 127 }
      let rounded = balancedRounding(row.map { value($0) / scales[o] }, perKernel: taps)
      for place in row {
        bytes[place] = rounded[place - row.lowerBound]
        let channel = (place - row.lowerBound) / taps
        zeros[o * taps + (place - row.lowerBound) % taps] +=
          Double(bytes[place]) * scales[o] * input.offset[channel] / input.factor[channel]
      }
    }
    let gather = Gather.convolution(weights.geometry)
    let added = addend.map { $0.offset[0] } ?? 0
    let tapsOfGroups = gather.groups.map { group in
      zip(group.taps, group.lengths).flatMap { first, count in Int(first)..<Int(first + count) }
    }
    func shift(_ group: Int, _ o: Int) -> Float {
      let zeros = tapsOfGroups[group].reduce(0.0) { $0 + zeros[o * taps + $1] }
      return Float((Double(bias[o]) + zeros + added) / output.factor[0] + output.zero)
    }
    let factors = scales.map { Float($0 / output.factor[0]) }
    let addendScale = Float((addend?.factor[0] ?? 0) / output.factor[0])
    guard
      (factors + [addendScale]).allSatisfy({ $0.isFinite && abs($0) < 0x1p90 }),
      (0..<outputs).allSatisfy({ o in
        tapsOfGroups.indices.allSatisfy { abs(shift($0, o)) < 0x1p90 }
      })
    else { throw .calibration("the numbers of \(name.printable) leave the range of Float32") }
    return PreparedByteProduct(
      gather, inputChannels: inputs * input.bytesPerChannel, inputStride: input.stride,
      outputChannels: outputs,
      addendScale: addendScale,
      weight: { tap, c, o in bytes[(o * inputs + c % inputs) * taps + tap] }, scales: factors,
      shift: shift)
  }

  /// out = in · scale + shift, channel by channel.
  private static func map(
    _ name: String, _ scale: [Float], _ shift: [Float], _ input: ByteValue, _ addend: ByteValue?,
    _ output: ByteValue
  ) throws(QuantizationError) -> ByteMap {
    let added = addend.map { $0.offset[0] } ?? 0
    let factor = output.factor[0]
    let scales = scale.indices.map { Float(Double(scale[$0]) * input.factor[$0] / factor) }
    let shifts = scale.indices.map {
      Float(
        (Double(scale[$0]) * input.offset[$0] + Double(shift[$0]) + added) / factor + output.zero)
    }
    let addendScale = Float((addend?.factor[0] ?? 0) / factor)
    guard (scales + shifts + [addendScale]).allSatisfy({ $0.isFinite && abs($0) < 0x1p90 }) else {
      throw .calibration("the numbers of \(name.printable) leave the range of Float32")
    }
    func padded(_ values: [Float]) -> Tensor {
      var result = Tensor(shape: [(values.count + 15) / 16 * 16])
      for (place, value) in values.enumerated() { result[place] = value }
      return result
    }
    return ByteMap(scale: padded(scales), shift: padded(shifts), addendScale: addendScale)
  }
}

/// The numbers that bytes stand for: factor · byte + offset, by channel.
private struct ByteValue {
  var factor: [Double]
  var offset: [Double]
  /// Bytes of a pixel.
  var stride: Int
  /// The byte of 0, where all channels have the same.
  var zero: Double
  /// How many bytes, whose sum it is, a number has: one behind the other for all channels.
  var bytesPerChannel = 1

  init(_ activation: Quantization.Activation, channels: Int) {
    factor = [Double](repeating: Double(activation.scale), count: channels)
    zero = Double(activation.zero)
    offset = factor.map { [zero] in -zero * $0 }
    stride = (channels + 15) / 16 * 16
  }

  /// Pixels in steps of 1/510 on the network's scale.
  init(pixels normalization: Normalization) {
    let deviations = normalization.standardDeviation.map(Double.init)
    factor = deviations.map { 1 / (510 * $0) }
    offset = zip(normalization.mean, deviations).map { -Double($0) / $1 }
    zero = 0
    stride = Self.stride(pixelsOf: factor.count)
    bytesPerChannel = 2
  }

  /// Bytes of a pixel of the image.
  static func stride(pixelsOf channels: Int) -> Int { (2 * channels + 7) / 8 * 8 }
}
