import Classification
import Foundation
import Kernels
import NeuralNetwork
import Statistics
import TestSupport
import Testing

/// Float32 sums of n terms of size about 1 err by about √n·2^-24, and here n is at most a few
/// thousand, so by 4e-6 of the largest value; central differences with h = 1e-5 by 1e-10. A wrong
/// term would be off by the order of 1.
private let tolerance = 2e-5

@Suite("Every layer's gradients are central differences of its double-precision definition")
struct LayerGradientTests {
  static let shapes: [(ConvolutionGeometry, inputs: Int, outputs: Int)] = [
    (ConvolutionGeometry(height: 5, width: 4, kernel: 3, padding: 1), 3, 5),
    (ConvolutionGeometry(height: 6, width: 6, kernel: 3, stride: 2, padding: 1), 2, 17),
    (ConvolutionGeometry(height: 5, width: 5, kernel: 1, stride: 2), 4, 3),
    (ConvolutionGeometry(height: 6, width: 7, kernel: 4, stride: 3, padding: 2), 2, 3),
    (ConvolutionGeometry(height: 2, width: 2, kernel: 5, padding: 2), 3, 2),
    (
      ConvolutionGeometry(
        height: 6, width: 4, kernel: 3, stride: 2, padding: 0, paddingBehind: 1), 3, 4
    ),
  ]

  @Test("Convolution: output, input gradient, weight and bias gradient", arguments: 0..<5)
  func convolution(_ index: Int) throws {
    let (geometry, inputs, outputs) = Self.shapes[index]
    for kernels in KernelSet.available {
      let execution = Execution(kernels: kernels, workers: WorkerPool(threadCount: 2))
      let layer = Convolution(
        inputChannels: inputs, outputChannels: outputs, geometry: geometry, hasBias: true)
      layer.weight.value = randomTensor(layer.weight.value.shape, seed: 1)
      let bias = try #require(layer.bias)
      bias.value = randomTensor([outputs], seed: 2)
      let input = randomTensor([3, geometry.height, geometry.width, inputs], seed: 3)
      let direction = randomTensor(
        [3, geometry.outputHeight, geometry.outputWidth, outputs], seed: 4)

      let (x, w, b, r) = (
        DoubleArray(input), DoubleArray(layer.weight.value), DoubleArray(bias.value),
        DoubleArray(direction)
      )
      func reference(_ x: DoubleArray, _ w: DoubleArray, _ b: DoubleArray) -> DoubleArray {
        DoubleReference.convolution(
          x, w, bias: b, stride: geometry.stride, padding: geometry.padding,
          paddingBehind: geometry.paddingBehind)
      }
      let output = layer.forward(input, on: execution)
      let inputGradient = try #require(layer.backward(direction, input: input, on: execution))
      #expect(relativeDistance(output, reference(x, w, b)) < tolerance)
      let byInput = centralDifferences(of: { reference($0, w, b).dot(r) }, at: x)
      #expect(relativeDistance(inputGradient, byInput) < tolerance)
      let byWeight = centralDifferences(of: { reference(x, $0, b).dot(r) }, at: w)
      #expect(relativeDistance(layer.weight.gradient, byWeight) < tolerance)
      let byBias = centralDifferences(of: { reference(x, w, $0).dot(r) }, at: b)
      #expect(relativeDistance(bias.gradient, byBias) < tolerance)
    }
  }

  @Test(
    "Batch normalisation with sum and ReLU, in both modes",
    arguments: [Mode.training, .evaluation],
    [false, true])
  func batchNormalization(_ mode: Mode, _ relu: Bool) throws {
    let execution = Execution(workers: WorkerPool(threadCount: 2))
    // Vectors of every set, and channels that fill none.
    let layer = BatchNormalization(channels: 21)
    layer.weight.value = randomTensor([21], seed: 1, from: 0.5, to: 1.5)
    layer.bias.value = randomTensor([21], seed: 2)
    layer.runningMean.value = randomTensor([21], seed: 3)
    layer.runningVariance.value = randomTensor([21], seed: 4, from: 0.5, to: 2)
    let shape = [4, 3, 2, 21]
    let input = randomTensor(shape, seed: 5)
    let addend = randomTensor(shape, seed: 6)
    let direction = randomTensor(shape, seed: 7)
    let statistics =
      mode == .training
      ? nil
      : (DoubleArray(layer.runningMean.value), DoubleArray(layer.runningVariance.value))
    func reference(_ x: DoubleArray, _ a: DoubleArray, _ w: DoubleArray, _ b: DoubleArray)
      -> DoubleArray
    {
      let sum =
        DoubleReference.batchNormalization(x, weight: w, bias: b, statistics: statistics) + a
      return relu ? DoubleReference.relu(sum) : sum
    }
    let (x, a, w, b, r) = (
      DoubleArray(input), DoubleArray(addend), DoubleArray(layer.weight.value),
      DoubleArray(layer.bias.value), DoubleArray(direction)
    )
    let (output, cache) = layer.forward(
      input, adding: addend, relu: relu, mode: mode, on: execution)
    let gradients = layer.backward(direction, cache: cache, on: execution)
    #expect(relativeDistance(output, reference(x, a, w, b)) < tolerance)
    let byInput = centralDifferences(of: { reference($0, a, w, b).dot(r) }, at: x)
    #expect(relativeDistance(gradients.input, byInput) < tolerance)
    let byAddend = centralDifferences(of: { reference(x, $0, w, b).dot(r) }, at: a)
    let addendGradient = try #require(gradients.addend)
    #expect(relativeDistance(addendGradient, byAddend) < tolerance)
    let byWeight = centralDifferences(of: { reference(x, a, $0, b).dot(r) }, at: w)
    #expect(relativeDistance(layer.weight.gradient, byWeight) < tolerance)
    let byBias = centralDifferences(of: { reference(x, a, w, $0).dot(r) }, at: b)
    #expect(relativeDistance(layer.bias.gradient, byBias) < tolerance)
  }

  @Test("Dense layer")
  func dense() {
    let execution = Execution(workers: WorkerPool(threadCount: 1))
    let layer = Dense(inputChannels: 13, outputChannels: 10)
    layer.weight.value = randomTensor([10, 13], seed: 1)
    layer.bias.value = randomTensor([10], seed: 2)
    let input = randomTensor([7, 1, 1, 13], seed: 3)
    let direction = randomTensor([7, 10], seed: 4)
    func reference(_ x: DoubleArray, _ w: DoubleArray, _ b: DoubleArray) -> DoubleArray {
      var out = DoubleArray(zeros: [7, 10])
      for n in 0..<7 {
        for o in 0..<10 {
          out[n, o] = b[o] + (0..<13).map { x[n, 0, 0, $0] * w[o, $0] }.reduce(0, +)
        }
      }
      return out
    }
    let (x, w, b) = (
      DoubleArray(input), DoubleArray(layer.weight.value), DoubleArray(layer.bias.value)
    )
    let r = DoubleArray(direction)
    #expect(relativeDistance(layer.forward(input, on: execution), reference(x, w, b)) < tolerance)
    let gradient = layer.backward(direction, input: input, on: execution)
    #expect(
      relativeDistance(gradient, centralDifferences(of: { reference($0, w, b).dot(r) }, at: x))
        < tolerance)
    #expect(
      relativeDistance(
        layer.weight.gradient, centralDifferences(of: { reference(x, $0, b).dot(r) }, at: w))
        < tolerance)
    #expect(
      relativeDistance(
        layer.bias.gradient, centralDifferences(of: { reference(x, w, $0).dot(r) }, at: b))
        < tolerance)
  }

  @Test("Soft-label cross-entropy, also for logits of ±80")
  func crossEntropy() {
    var logits = randomTensor([6, 10], seed: 1, from: -3, to: 3)
    for k in 0..<10 { logits[k] = k % 2 == 0 ? 80 : -80 }
    let targets = softmax(rowsOf: randomTensor([6, 10], seed: 2))
    func reference(_ z: DoubleArray) -> Double {
      (0..<6).map { n in
        let row = (0..<10).map { z[n, $0] }
        let largest = row.reduce(-.infinity, max)
        let logSum = largest + log(row.map { exp($0 - largest) }.reduce(0, +))
        return (0..<10).map { Double(targets[n * 10 + $0]) * (logSum - row[$0]) }.reduce(0, +)
      }.reduce(0, +)
    }
    let z = DoubleArray(logits)
    let total = CrossEntropy.losses(logits: logits, targets: targets).reduce(0, +)
    #expect(abs(Double(total) - reference(z)) < tolerance * reference(z))
    let gradient = CrossEntropy.gradient(logits: logits, targets: targets)
    #expect(relativeDistance(gradient, centralDifferences(of: reference, at: z)) < tolerance)
  }
}
