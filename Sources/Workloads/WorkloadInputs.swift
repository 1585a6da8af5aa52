import Classification
import Kernels
import MixupInference
import NeuralNetwork
import Statistics

/// A network that works are done with.
package enum WorkloadNetwork: Sendable {
  case checkpoint(Checkpoint)
  /// One that cannot be trained, with the scaling of its input.
  case graph(NetworkGraph, Normalization)

  package var imageShape: ImageShape {
    switch self {
    case .checkpoint(let checkpoint): checkpoint.architecture.imageShape
    case .graph(let graph, _): graph.imageShape
    }
  }

  package var classCount: Int {
    switch self {
    case .checkpoint(let checkpoint): checkpoint.architecture.classCount
    case .graph(let graph, _): graph.classCount
    }
  }

  package func plan(kernels: KernelSet, profile: PlanProfile) throws -> InferencePlan {
    switch self {
    case .checkpoint(let checkpoint):
      try InferencePlan(checkpoint, kernels: kernels, profile: profile)
    case .graph(let graph, let normalization):
      InferencePlan(graph, normalization: normalization, kernels: kernels, profile: profile)
    }
  }
}

/// What a workload works on: a network, the images of its batch and those that mixup inference
/// mixes with.
package struct WorkloadInputs: Sendable {
  package var network: WorkloadNetwork
  package var images: LabelledImages
  package var pool: LabelledImages
  /// How forward passes and decisions are computed in whole numbers; nil for Float32.
  package var quantization: Quantization?

  package init(network: WorkloadNetwork, images: LabelledImages, pool: LabelledImages) {
    self.network = network
    self.images = images
    self.pool = pool
  }

  /// Made-up images for a network: `count` for its batch, and ten of every class to mix with.
  ///
  /// - Throws: `LabelledImagesError`; never for a network of one class or more.
  package init(for network: WorkloadNetwork, imageCount count: Int) throws {
    let (shape, classes) = (network.imageShape, network.classCount)
    self.init(
      network: network, images: try Self.images(shape, classes, count: count, draw: 0),
      pool: try Self.images(shape, classes, count: 10 * classes, draw: 1))
  }

  /// The random numbers of mixup inference for the first image.
  package static let draws = Draws(seed: 1, purpose: .score, examples: [0])

  /// The network's compiled plan.
  package func classifier(
    on execution: Execution, profile: PlanProfile
  ) throws -> NetworkClassifier {
    try NetworkClassifier(
      network.plan(kernels: execution.kernels, profile: profile),
      workers: execution.workers)
  }

  /// The same works in whole numbers, calibrated on the images to mix with unless the network is calibrated.
  ///
  /// - Throws: `QuantizationError`.
  package func quantized(on execution: Execution) throws -> WorkloadInputs {
    var result = self
    if case .checkpoint(let checkpoint) = network { result.quantization = checkpoint.quantization }
    if result.quantization == nil {
      result.quantization = try Quantization(
        calibrating: network.plan(kernels: execution.kernels, profile: .throughput),
        on: pool.pixels)
    }
    return result
  }

  /// Mixup inference by MI-OL around a classifier: N mixtures with images of the pool that are of other
  /// classes than the predicted one.
  package func defence<Base: Classifier>(
    around base: Base, lambda: MixingRatio = 0.5, sampleCount: Int
  ) throws -> MixupInference<Base> {
    try MixupInference(
      base, pool: SamplePool(pool),
      rule: .otherLabel(Mixing(lambda: lambda, sampleCount: sampleCount)))
  }

  // MARK: Made up

  /// Images of 4×4 patches of random colour; image n has the label n mod L. Image n is the same however
  /// many images there are.
  package static func images(
    _ shape: ImageShape, _ classCount: Int, count: Int, draw: Int
  ) throws -> LabelledImages {
    var random = RandomStream(RandomKey(seed: 1, purpose: .test, draw: draw))
    let patchesAcross = (shape.width + 3) / 4
    let patchCount = (shape.height + 3) / 4 * patchesAcross
    let planes = count * shape.channels
    let colours = (0..<planes * patchCount).map { _ in random.uniform() }
    var pixels = Tensor(shape: [count, shape.channels, shape.height, shape.width])
    for position in 0..<pixels.count {
      let (plane, pixel) = position.quotientAndRemainder(dividingBy: shape.height * shape.width)
      let (row, column) = pixel.quotientAndRemainder(dividingBy: shape.width)
      pixels[position] = colours[plane * patchCount + row / 4 * patchesAcross + column / 4]
    }
    return try LabelledImages(
      pixels: Pixels(pixels), labels: (0..<count).map { $0 % classCount }, classCount: classCount)
  }

  /// A network with random weights, in which also batch normalisations have random factors and shifts. The
  /// running statistics come from images, so that activations neither vanish nor explode.
  package static func checkpoint(
    _ architecture: ResNet.Architecture, on execution: Execution
  ) throws -> Checkpoint {
    let network = ResNet(architecture)
    network.initialize(seed: 1)
    var random = RandomStream(RandomKey(seed: 1, purpose: .test, draw: 2))
    for (path, parameter) in network.state.parameters
    where parameter.value.shape.count == 1 && !path.hasPrefix("fc_dense") {
      let least: Float = path.hasSuffix("weight") ? 0.5 : -0.5
      parameter.value = parameter.value.map { _ in least + random.uniform() }
    }
    let normalization = Normalization.plusMinusOne(channels: architecture.imageShape.channels)
    let images = try images(architecture.imageShape, architecture.classCount, count: 8, draw: 0)
    let batch = normalization.activations(images.pixels.tensor)
    for _ in 0..<20 { _ = network.forward(batch, mode: .training, on: execution) }
    return Checkpoint(network, normalization: normalization)
  }
}
