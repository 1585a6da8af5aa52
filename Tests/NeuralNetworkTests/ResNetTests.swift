import Classification
import Foundation
import Kernels
import NeuralNetwork
import Statistics
import TestSupport
import Testing

@Suite("Residual networks and their compiled plans")
struct ResNetTests {
  static let cifar = ImageShape(channels: 3, height: 32, width: 32)
  static let digits = ImageShape(channels: 1, height: 8, width: 8)

  @Test(
    "Parameter counts are those of the published networks",
    arguments: [
      ("resNet8", 78_042), ("resNet20", 272_474), ("resNet18CIFAR", 4_330_826),
      ("resNet50CIFAR", 4_752_586), ("resNet18", 11_173_962), ("resNet50", 23_520_842),
      ("preActResNet18", 11_171_146), ("wideResNet-28-10", 36_479_194),
      ("deepMindWideResNet-28-10", 36_479_194),
    ])
  func parameterCounts(_ name: String, _ count: Int) throws {
    let architecture = try #require(ResNet.Architecture.named.first { $0.name == name })
      .make(Self.cifar, 10)
    #expect(architecture.parameterCount == count)
    #expect(ResNet(architecture).state.parameterCount == count)
  }

  /// Small networks with every kind of block, shortcut and odd extents.
  static let architectures: [ResNet.Architecture] = [
    .resNet8(digits),
    .resNet8(cifar),
    .resNet20(digits),
    ResNet.Architecture(
      imageShape: digits, classCount: 7, widths: [16, 32], blocks: [2, 1],
      shortcut: .parameterFree),
    ResNet.Architecture(
      imageShape: ImageShape(channels: 2, height: 9, width: 7), classCount: 3, stemKernel: 5,
      widths: [8, 20, 33], blocks: [1, 2, 1], block: .bottleneck),
    ResNet.Architecture(
      imageShape: cifar, classCount: 4, stemWidth: 3, widths: [8, 20], blocks: [1, 2],
      block: .preActivation),
  ]

  @Test(
    "A plan computes what the network does, on every kernel set", arguments: architectures,
    KernelSet.available)
  func planEqualsNetwork(_ architecture: ResNet.Architecture, _ kernels: KernelSet) throws {
    let execution = Execution(kernels: kernels, workers: WorkerPool(threadCount: 2))
    let network = trainedLooking(architecture)
    let shape = architecture.imageShape
    let normalization = Normalization.plusMinusOne(channels: shape.channels)
    let images = try Pixels(
      randomTensor([5, shape.channels, shape.height, shape.width], seed: 1, from: 0))
    let targets = softmax(rowsOf: randomTensor([5, architecture.classCount], seed: 2))
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: normalization, kernels: kernels))
    let draws = Draws(seed: 0, purpose: .test, examples: Array(0..<5))
    let planned = try classifier.logitsAndGradient(of: images, draws: draws) {
      CrossEntropy.gradient(logits: $0, targets: targets)
    }

    let (logits, cache) = network.forward(
      normalization.activations(images.tensor), mode: .evaluation, on: execution)
    let slow = try #require(
      network.backward(
        CrossEntropy.gradient(logits: logits, targets: targets), cache: cache,
        wantsInputGradient: true, on: execution))
    // Folding moves each rounding by a few units of 2^-24 relative to the largest values; some
    // dozens of layers leave less than 1e-4 of the largest logit.
    #expect(relativeDistance(planned.logits, DoubleArray(logits)) < 1e-4)
    #expect(
      relativeDistance(try classifier.logits(of: images, draws: draws), DoubleArray(logits)) < 1e-4)
    // Both gradients on the network's scale and in its order; ±1 scale: d/dpixel = 2·d/dvalue.
    let scaled = channelsLast(planned.gradient).map { $0 / 2 }
    #expect(relativeDistance(scaled, DoubleArray(slow)) < 1e-4)
  }

  @Test("A plan's result for an image is the same bytes alone and in any batch")
  func planIndependentOfBatch() throws {
    let network = trainedLooking(.resNet8(Self.digits))
    let images = try Pixels(randomTensor([37, 1, 8, 8], seed: 1, from: 0))
    for kernels in KernelSet.available {
      let classifier = NetworkClassifier(
        InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1), kernels: kernels))
      func gradients(_ indices: [Int]) throws -> (Tensor, Tensor) {
        let result = try classifier.logitsAndGradient(
          of: images[indices], draws: Draws(seed: 0, purpose: .test, examples: indices)
        ) {
          CrossEntropy.gradient(
            logits: $0, targets: CrossEntropy.oneHot(indices.map { $0 % 10 }, classCount: 10))
        }
        return (result.logits, result.gradient)
      }
      let all = try gradients(Array(0..<37))
      for index in [0, 15, 16, 36] {
        let alone = try gradients([index])
        #expect(alone.0 == all.0.rows([index]))
        #expect(alone.1 == all.1.rows([index]))
      }
    }
  }

  @Test("Training passes give the same bytes for any number of threads")
  func independentOfThreads() throws {
    func run(_ threads: Int) -> [String: Tensor] {
      let execution = Execution(workers: WorkerPool(threadCount: threads))
      let network = trainedLooking(.resNet8(Self.digits))
      let images = randomTensor([50, 8, 8, 1], seed: 1)
      let targets = softmax(rowsOf: randomTensor([50, 10], seed: 2))
      var optimiser = StochasticGradientDescent(momentum: 0.9, weightDecay: 1e-3)
      for _ in 0..<2 {
        let (logits, cache) = network.forward(images, mode: .training, on: execution)
        network.backward(
          CrossEntropy.gradient(logits: logits, targets: targets).map { $0 / 50 }, cache: cache,
          on: execution)
        optimiser.step(network.state.parameters.map(\.parameter), learningRate: 0.1)
      }
      return network.state.tensors
    }
    let one = run(1)
    #expect(run(2) == one)
    #expect(run(5) == one)
  }

  @Test("Images of another shape are refused")
  func refusesShape() throws {
    let classifier = NetworkClassifier(
      InferencePlan(ResNet(.resNet8(Self.digits)).graph, normalization: .plusMinusOne(channels: 1)))
    let images = try Pixels(Tensor(shape: [1, 3, 32, 32]))
    #expect(throws: ClassifierError.imageShape(expected: Self.digits, found: Self.cifar)) {
      try classifier.logits(of: images, draws: Draws(seed: 0, purpose: .test, examples: [0]))
    }
  }

  @Test("An output that is no number is reported with its image, not read as class 0")
  func refusesNotFinite() throws {
    let network = trainedLooking(.resNet8(Self.digits))
    network.state.parameters.last?.parameter.value[3] = .infinity
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: .plusMinusOne(channels: 1)))
    let images = try Pixels(randomTensor([2, 1, 8, 8], seed: 1, from: 0))
    let draws = Draws(seed: 0, purpose: .test, examples: [0, 1])
    #expect(throws: ClassifierError.notFinite(image: 0)) {
      try classifier.logits(of: images, draws: draws)
    }
    #expect(throws: ClassifierError.notFinite(image: 0)) {
      try classifier.logitsAndGradient(of: images, draws: draws) { $0 }
    }
  }

  /// Random weights and running statistics away from their initial values.
  private func trainedLooking(_ architecture: ResNet.Architecture) -> ResNet {
    let network = ResNet(architecture)
    network.initialize(seed: 3)
    for (index, entry) in network.state.buffers.enumerated() {
      let isVariance = entry.path.hasSuffix("var")
      entry.buffer.value = randomTensor(
        entry.buffer.value.shape, seed: UInt64(index), from: isVariance ? 0.5 : -0.3,
        to: isVariance ? 1.5 : 0.3)
    }
    for (index, entry) in network.state.parameters.enumerated()
    where entry.path.contains("bn") || entry.path.contains("downsample.1") {
      let isScale = entry.path.hasSuffix("weight")
      entry.parameter.value = randomTensor(
        entry.parameter.value.shape, seed: UInt64(1000 + index), from: isScale ? 0.5 : -0.2,
        to: isScale ? 1.5 : 0.2)
    }
    return network
  }
}
