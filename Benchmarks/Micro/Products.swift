import Benchmark
import Classification
import Kernels

/// A layer of one of the named networks, as a problem for the kernels.
private struct Layer {
  let inputs: Int
  let outputs: Int
  let geometry: ConvolutionGeometry

  init(_ kernel: Int, _ inputs: Int, _ outputs: Int, extent: Int, stride: Int = 1) {
    self.inputs = inputs
    self.outputs = outputs
    geometry = ConvolutionGeometry(
      height: extent, width: extent, kernel: kernel, stride: stride, padding: kernel / 2)
  }

  var name: String {
    let (kernel, stride) = (geometry.kernel, geometry.stride)
    return "\(kernel)×\(kernel)\(stride > 1 ? " by \(stride)" : "") \(inputs) to \(outputs)"
      + " on \(geometry.height)×\(geometry.width)"
  }

  /// Every convolution and dense layer of resNet50CIFAR, resNet18CIFAR, resNet20 and resNet8, once.
  static let all = [
    // The wide networks.
    Layer(5, 3, 64, extent: 32),
    Layer(3, 64, 64, extent: 32), Layer(3, 128, 128, extent: 16), Layer(3, 256, 256, extent: 8),
    Layer(3, 64, 128, extent: 32, stride: 2), Layer(3, 128, 256, extent: 16, stride: 2),
    Layer(3, 128, 128, extent: 32, stride: 2), Layer(3, 256, 256, extent: 16, stride: 2),
    Layer(1, 64, 64, extent: 32), Layer(1, 128, 128, extent: 16), Layer(1, 256, 256, extent: 8),
    Layer(1, 64, 128, extent: 32), Layer(1, 128, 256, extent: 16),
    Layer(1, 64, 128, extent: 32, stride: 2), Layer(1, 128, 256, extent: 16, stride: 2),
    Layer(1, 256, 10, extent: 1),
    // The narrow ones.
    Layer(3, 3, 16, extent: 32),
    Layer(3, 16, 16, extent: 32), Layer(3, 32, 32, extent: 16), Layer(3, 64, 64, extent: 8),
    Layer(3, 16, 32, extent: 32, stride: 2), Layer(3, 32, 64, extent: 16, stride: 2),
    Layer(1, 16, 32, extent: 32, stride: 2), Layer(1, 32, 64, extent: 16, stride: 2),
    Layer(1, 64, 10, extent: 1),
  ]
}

/// The three products of a layer.
private enum Pass: String, CaseIterable {
  case forward
  case inputGradient = "input gradient"
  case weightGradient = "weight gradient"
}

/// Images that one call works on, as in a pass of a plan.
private let images = 16

private let rateMetric = rate("MFLOP/s")
private let shareMetric = rate("% of FMA peak")

/// Every kernel set on every layer: effective MFLOP/s of one thread (products with padding are not
/// counted), and its share of what the thread reaches with nothing but multiply-adds in registers,
/// measured in between.
func registerProducts() {
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock, rateMetric, shareMetric], units: [rateMetric: .count],
    warmupIterations: 2, maxDuration: .milliseconds(200))
  for kernels in KernelSet.available where kernels != .reference {
    for layer in Layer.all {
      for pass in Pass.allCases {
        Benchmark(
          "product \(kernels.rawValue) \(pass.rawValue) \(layer.name)", configuration: configuration
        ) { benchmark, problem in
          problem.measurePeak()
          benchmark.startMeasurement()
          let elapsed = ContinuousClock().measure { problem.run() }
          benchmark.stopMeasurement()
          let achieved = 2 * Double(problem.multiplyAdds) / (elapsed / .seconds(1))
          benchmark.measurement(rateMetric, Int(achieved / 1e6))
          benchmark.measurement(shareMetric, Int((100 * achieved / problem.peakRate).rounded()))
        } setup: {
          Problem(layer, pass, kernels)
        }
      }
    }
  }
}

/// The operands of one product, in memory of their own.
private final class Problem {
  private let kernels: KernelSet
  private let pass: Pass
  private let tables: ConvolutionTables
  private let inputChannels: Int
  private let convolution: PreparedConvolution
  private let columns: Int
  private let input: AlignedBuffer
  private let output: AlignedBuffer
  /// The gradient of the weights.
  private let result: AlignedBuffer
  private let scratch: AlignedBuffer

  let multiplyAdds: Int
  /// FLOP/s of one thread with the widest vectors that the set may use: the best found so far, as
  /// whatever else the machine does can only lower it.
  private(set) var peakRate = 0.0

  init(_ layer: Layer, _ pass: Pass, _ kernels: KernelSet) {
    self.kernels = kernels
    self.pass = pass
    let transposed = pass == .inputGradient
    tables = ConvolutionTables(layer.geometry, transposed ? .inputGradient : .forward)
    let table = tables.gather
    inputChannels = transposed ? layer.outputs : layer.inputs
    let outputChannels = transposed ? layer.inputs : layer.outputs
    columns = (outputChannels + 15) / 16 * 16
    multiplyAdds = images * table.multiplyAdds * inputChannels * outputChannels
    let plain = AlignedBuffer(repeating: 0.01, count: table.tapCount * inputChannels * columns)
    convolution = PreparedConvolution(
      tables, inputChannels: inputChannels,
      outputChannels: outputChannels, weights: plain.pointer,
      strides: PackedWeights.Strides(
        tap: inputChannels * outputChannels, input: outputChannels, output: 1),
      kernels: kernels, profile: .throughput)
    input = AlignedBuffer(repeating: 0.5, count: images * table.sourceCount * inputChannels)
    output = AlignedBuffer(repeating: 0.5, count: images * table.destinationCount * columns)
    result = AlignedBuffer(repeating: 0, count: table.tapCount * inputChannels * columns)
    scratch = AlignedBuffer(
      repeating: 0,
      count: max(
        convolution.scratchCount(images: images),
        pass == .weightGradient
          ? kernels.scratchCount(
            weightGradientOf: tables, inputChannels: inputChannels, columns: columns) : 0))
  }

  func run() {
    if pass == .weightGradient {
      kernels.weightGradient(
        tables, images: images, input: input.pointer, inputChannels: inputChannels,
        outputGradient: output.pointer, columns: columns, result: result.pointer,
        scratch: scratch.pointer)
    } else {
      convolution.run(
        images: images, input: input.pointer, bias: nil, epilogue: Epilogue(activation: .relu),
        output: output.pointer, scratch: scratch.pointer)
    }
  }

  /// Makes multiply-adds for a millisecond.
  func measurePeak() {
    var made = 0
    let elapsed = ContinuousClock().measure {
      let (count, sum) = kernels.fastest.multiplyAdds(rounds: 100_000, factor: 0.5)
      blackHole(sum)
      made = count
    }
    peakRate = max(peakRate, 2 * Double(made) / (elapsed / .seconds(1)))
  }
}

extension AlignedBuffer {
  /// Memory in which every float has the same value.
  convenience init(repeating value: Float, count: Int) {
    self.init(uninitialized: count)
    pointer.update(repeating: value, count: count)
  }
}
