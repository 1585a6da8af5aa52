import Classification
import Foundation
import Kernels
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import TestSupport
import Testing

/// A convolution with whole numbers, of which every sum is exact, so that equal means equal.
private struct Case: Sendable {
  var geometry: ConvolutionGeometry
  var inputs: Int
  var outputs: Int
  /// Two images, weights and a cotangent.
  var x: Tensor
  var y: Tensor
  var weight: Tensor
  var cotangent: Tensor

  static let any = Generator<Case> { source throws(Discarded) in
    func draw(_ range: ClosedRange<Int>) throws(Discarded) -> Int {
      try Generator<Int>.integer(in: range, near: range.lowerBound).value(from: source)
    }
    let kernel = try draw(1...3)
    let geometry = ConvolutionGeometry(
      height: try draw(kernel...5), width: try draw(kernel...5), kernel: kernel,
      stride: try draw(1...3), padding: try draw(0...2), paddingBehind: try draw(0...2))
    let (inputs, outputs) = (try draw(1...3), try draw(1...18))
    func tensor(_ shape: [Int]) throws(Discarded) -> Tensor {
      try Generator<Tensor>.tensor(shape).value(from: source)
    }
    return Case(
      geometry: geometry, inputs: inputs, outputs: outputs,
      x: try tensor([1, geometry.height, geometry.width, inputs]),
      y: try tensor([1, geometry.height, geometry.width, inputs]),
      weight: try tensor([outputs, inputs, kernel, kernel]),
      cotangent: try tensor([1, geometry.outputHeight, geometry.outputWidth, outputs]))
  }

  func layer(_ weight: Tensor, geometry: ConvolutionGeometry? = nil) -> Convolution {
    let layer = Convolution(
      inputChannels: inputs, outputChannels: outputs, geometry: geometry ?? self.geometry)
    layer.weight.value = weight
    return layer
  }
}

private let logit = Generator<Float>.float(in: -20...20)
private let activation = Generator<Float>.float(in: -4...4)
private let scale = Generator<Float>.float(in: 0.5...2)
private let shift = Generator<Float>.float(in: -1...1)
private let execution = Execution(workers: WorkerPool(threadCount: 1))

private func sum(_ a: Tensor, _ b: Tensor) -> Tensor { zip(a, b, +) }
private func dot(_ a: Tensor, _ b: Tensor) -> Float { zip(a, b, *).values.reduce(0, +) }

@Suite("What layers are, stated as properties")
struct LayerPropertyTests {
  @Test func convolutionIsBilinear() async {
    await check("a convolution is linear in its input and in its weights", Case.any) { c in
      let layer = c.layer(c.weight)
      #expect(
        layer.forward(sum(c.x, c.y), on: execution)
          == sum(layer.forward(c.x, on: execution), layer.forward(c.y, on: execution)))
      let other = c.weight.map { 3 - 2 * $0 }
      #expect(
        c.layer(sum(c.weight, other)).forward(c.x, on: execution)
          == sum(
            layer.forward(c.x, on: execution), c.layer(other).forward(c.x, on: execution)))
    }
  }

  @Test func convolutionAdjoint() async {
    await check("⟨conv x, v⟩ = ⟨x, convᵀ v⟩, and = ⟨w, ∂w⟩", Case.any) { c in
      let layer = c.layer(c.weight)
      let output = layer.forward(c.x, on: execution)
      let gradient = try #require(layer.backward(c.cotangent, input: c.x, on: execution))
      let product = dot(output, c.cotangent)
      #expect(product == dot(c.x, gradient))
      #expect(product == dot(c.weight, layer.weight.gradient))
    }
  }

  @Test func strideSubsamples() async {
    await check("stride s is stride 1 of which every s-th pixel is kept", Case.any) { c in
      cover(0.2, "a stride above 1", c.geometry.stride > 1)
      let g = c.geometry
      let dense = c.layer(
        c.weight,
        geometry: ConvolutionGeometry(
          height: g.height, width: g.width, kernel: g.kernel, padding: g.padding,
          paddingBehind: g.paddingBehind))
      let all = dense.forward(c.x, on: execution)
      let kept = c.layer(c.weight).forward(c.x, on: execution)
      #expect(
        kept.shape[1...2] == [
          (g.height + g.padding + g.paddingBehind - g.kernel) / g.stride + 1,
          (g.width + g.padding + g.paddingBehind - g.kernel) / g.stride + 1,
        ])
      for row in 0..<kept.shape[1] {
        for column in 0..<kept.shape[2] {
          for o in 0..<c.outputs {
            #expect(
              kept[(row * kept.shape[2] + column) * c.outputs + o]
                == all[(row * g.stride * all.shape[2] + column * g.stride) * c.outputs + o])
          }
        }
      }
    }
  }

  @Test func deltaKernel() async {
    await check(
      "a kernel that is 1 at its center and 0 elsewhere changes nothing", .tensor([2, 4, 3, 2]),
      .element(of: [1, 3, 5])
    ) { (x: Tensor, kernel: Int) in
      let layer = Convolution(
        inputChannels: 2, outputChannels: 2,
        geometry: ConvolutionGeometry(height: 4, width: 3, kernel: kernel, padding: kernel / 2))
      for channel in 0..<2 {
        layer.weight.value[(channel * 2 + channel) * kernel * kernel + kernel * kernel / 2] = 1
      }
      #expect(layer.forward(x, on: execution) == x)
    }
  }

  @Test func shiftEquivariance() async {
    await check(
      "where the padding does not reach, a shifted image gives the shifted output",
      .tensor([1, 6, 6, 2]), .tensor([3, 2, 3, 3]), .integer(in: 1...2), .integer(in: 0...2)
    ) { (x: Tensor, weight: Tensor, down: Int, right: Int) in
      let layer = Convolution(
        inputChannels: 2, outputChannels: 3,
        geometry: ConvolutionGeometry(height: 6, width: 6, kernel: 3, padding: 1))
      layer.weight.value = weight
      var shifted = Tensor(shape: x.shape)
      for row in down..<6 {
        for column in right..<6 {
          for c in 0..<2 {
            shifted[(row * 6 + column) * 2 + c] = x[((row - down) * 6 + column - right) * 2 + c]
          }
        }
      }
      let (a, b) = (layer.forward(x, on: execution), layer.forward(shifted, on: execution))
      for row in 1 + down..<5 {
        for column in 1 + right..<5 {
          for o in 0..<3 {
            #expect(
              b[(row * 6 + column) * 3 + o] == a[((row - down) * 6 + column - right) * 3 + o])
          }
        }
      }
    }
  }

  @Test func pointwiseIsMatrixProduct() async {
    await check(
      "a 1×1 convolution is a matrix product at every pixel", .tensor([1, 2, 3, 4]),
      .tensor([5, 4, 1, 1])
    ) { (x: Tensor, weight: Tensor) in
      let layer = Convolution(
        inputChannels: 4, outputChannels: 5,
        geometry: ConvolutionGeometry(height: 2, width: 3, kernel: 1))
      layer.weight.value = weight
      let output = layer.forward(x, on: execution)
      for pixel in 0..<6 {
        for o in 0..<5 {
          #expect(
            output[pixel * 5 + o]
              == (0..<4).reduce(0) { $0 + x[pixel * 4 + $1] * weight[o * 4 + $1] })
        }
      }
    }
  }

  @Test func softmaxShift() async {
    await check(
      "softmax does not see a shift, and cross-entropy's gradient adds up to 0",
      .tensor([1, 5], of: logit), .wholeNumber(upTo: 64), .simplexPoint(5)
    ) { (logits: Tensor, shift: Float, target: [Double]) in
      let moved = logits.map { $0 + shift }
      // The shifted logits are rounded at up to 84, by 2⁻¹⁸ at most, and so are their probabilities.
      for (p, q) in zip(softmax(rowsOf: logits).values, softmax(rowsOf: moved).values) {
        #expect(abs(p - q) <= 0x1p-16)
      }
      let targets = Tensor(vector: target.map { Float($0) })
      let gradient = CrossEntropy.gradient(
        logits: logits, targets: Tensor(reshaping: targets, to: [1, 5]))
      // Five probabilities and five targets up to 1, each off by a few 2⁻²⁴ of logits up to 20.
      #expect(abs(gradient.values.reduce(0, +)) <= 0x1p-17)
    }
  }

  @Test func crossEntropyAboveEntropy() async {
    await check(
      "the cross-entropy is at least the target's entropy, with equality at p = t",
      .simplexPoint(4), .tensor([1, 4], of: logit)
    ) { (target: [Double], logits: Tensor) in
      let entropy = -target.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
      let targets = Tensor(reshaping: Tensor(vector: target.map { Float($0) }), to: [1, 4])
      let loss = CrossEntropy.losses(logits: logits, targets: targets)[0]
      // Log-probabilities down to −12, each rounded by 2⁻²⁰ at most.
      #expect(Double(loss) >= entropy - 0x1p-18)
      try assume(target.allSatisfy { $0 > 1e-6 })
      let own = Tensor(reshaping: Tensor(vector: target.map { Float(log($0)) }), to: [1, 4])
      #expect(
        abs(Double(CrossEntropy.losses(logits: own, targets: targets)[0]) - entropy) <= 0x1p-18)
    }
  }

  @Test func normalizationOfABatch() async {
    let input = Generator<Tensor>.tensor([3, 2, 2, 2], of: activation)
    await check(
      "in training batch norm gives mean β and variance γ²σ²/(σ² + eps), whatever the shift", input,
      scale, shift, .wholeNumber(upTo: 16)
    ) { (x: Tensor, gamma: Float, beta: Float, shift: Float) in
      func output(_ x: Tensor) -> Tensor {
        let layer = BatchNormalization(channels: 2)
        layer.weight.value = Tensor(repeating: gamma, shape: [2])
        layer.bias.value = Tensor(repeating: beta, shape: [2])
        return layer.forward(x, relu: false, mode: .training, on: execution).output
      }
      func moments(_ x: Tensor, _ channel: Int) -> (mean: Double, variance: Double) {
        let values = stride(from: channel, to: x.count, by: 2).map { Double(x[$0]) }
        let mean = values.reduce(0, +) / 12
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 12)
      }
      let (normal, shifted) = (output(x), output(x.map { $0 + shift }))
      for channel in 0..<2 {
        let variance = moments(x, channel).variance
        // A nearly constant channel is divided by √eps: rounding of 2⁻²² becomes 2⁻¹⁴.
        try assume(variance > 1e-3)
        let found = moments(normal, channel)
        #expect(abs(found.mean - Double(beta)) <= 1e-4)
        let expected = Double(gamma * gamma) * variance / (variance + 1e-5)
        #expect(abs(found.variance - expected) <= 1e-3 * expected)
      }
      for (a, b) in zip(normal.values, shifted.values) { #expect(abs(a - b) <= 2e-3) }
    }
  }

  @Test func evaluationIsIndependent() async {
    await check(
      "in evaluation an image's output does not depend on its batch mates; in training it does",
      .tensor([1, 2, 2, 3]), .tensor([1, 2, 2, 3])
    ) { (x: Tensor, mate: Tensor) in
      let batch = try Tensor.concatenated([x, mate])
      let layer = BatchNormalization(channels: 3)
      layer.runningMean.value = Tensor(vector: [1, -2, 0.5])
      let alone = layer.forward(x, relu: true, mode: .evaluation, on: execution).output
      let together = layer.forward(batch, relu: true, mode: .evaluation, on: execution).output
      #expect(Array(together.values[..<alone.count]) == alone.values)
      try assume(x != mate)
      let trained = BatchNormalization(channels: 3)
      let first = trained.forward(x, relu: false, mode: .training, on: execution).output
      let mixed = trained.forward(batch, relu: false, mode: .training, on: execution).output
      label(Array(mixed.values[..<first.count]) == first.values ? "same" : "different")
      cover(0.5, "mates matter in training", Array(mixed.values[..<first.count]) != first.values)
    }
  }

  @Test func trainingIsEquivariant() async {
    await check(
      "in training a permuted batch gives the permuted output", .tensor([4, 1, 2, 2]),
      .permutation(of: 4)
    ) { (x: Tensor, order: [Int]) in
      func permuted(_ x: Tensor) -> [Float] {
        order.flatMap { Array(x.values[$0 * x.rowCount..<($0 + 1) * x.rowCount]) }
      }
      let layer = BatchNormalization(channels: 2)
      let output = layer.forward(x, relu: true, mode: .training, on: execution).output
      let other = layer.forward(
        try Tensor(permuted(x), shape: x.shape), relu: true, mode: .training, on: execution
      ).output
      // The sums over the batch run in another order; whole numbers up to 8 make them exact but for
      // the squared deviations, off by 2⁻²² of a variance that eps keeps above 10⁻⁵.
      for (a, b) in zip(permuted(output), other.values) { #expect(abs(a - b) <= 1e-4) }
    }
  }
}
