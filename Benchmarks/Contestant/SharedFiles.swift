import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Statistics

/// What all contestants read, so that all do the same: networks as checkpoints, and images as bare
/// float32 in [0, 1], [N, 3, 32, 32]. Image n has the label n mod 10.
struct SharedFiles {
  let folder: URL

  static let shape = ImageShape(channels: 3, height: 32, width: 32)
  static let classCount = 10
  static let normalization = Normalization.plusMinusOne(channels: 3)
  /// The images of `images.f32`, and so the largest batch.
  static let imageCount = 128
  /// λ of mixup inference.
  static let ratio: Float = 0.5

  // MARK: Reading

  func checkpoint(_ network: String) throws -> Checkpoint {
    try Checkpoint(read("\(network).safetensors"))
  }

  func images() throws -> LabelledImages { try images("images") }

  /// MI-OL with N executions on the images of `pool.f32`.
  func defence<Base: Classifier>(
    around base: Base, ratio: Float = ratio, sampleCount: Int
  ) throws -> MixupInference<Base> {
    try MixupInference(
      base, pool: SamplePool(try images("pool")),
      rule: .otherLabel(Mixing(ratio: ratio, sampleCount: sampleCount)))
  }

  /// The random numbers of mixup inference for the first image.
  static let draws = Draws(seed: 1, purpose: .score, examples: [0])

  private func images(_ name: String) throws -> LabelledImages {
    let data = try read("\(name).f32")
    let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let count = values.count / Self.shape.count
    return try LabelledImages(
      pixels: Pixels(Tensor(values, shape: [count, 3, 32, 32])),
      labels: (0..<count).map { $0 % Self.classCount }, classCount: Self.classCount)
  }

  private func read(_ name: String) throws -> Data {
    do {
      return try Data(contentsOf: folder.appending(path: name))
    } catch { throw WorkError.file(name) }
  }

  // MARK: Writing

  /// `images.f32`, `pool.f32`, and for every network NETWORK.safetensors and NETWORK-partners.f32:
  /// the pool's images that mixup inference draws for the first image, in that order.
  func write(on execution: Execution) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try write(Self.patches(count: Self.imageCount, draw: 0), to: "images.f32")
    try write(Self.patches(count: 100, draw: 1), to: "pool.f32")
    let image = try images()[0..<1].pixels
    for (name, make) in ResNet.Architecture.named {
      let network = ResNet(make(Self.shape, Self.classCount))
      try settle(network, on: execution)
      try Checkpoint(network, normalization: Self.normalization).encoded()
        .write(to: folder.appending(path: "\(name).safetensors"))
      // At λ = 0 a mixture is the partner itself.
      let defence = try defence(
        around: NetworkClassifier(InferencePlan(network, normalization: Self.normalization)),
        ratio: 0, sampleCount: Self.imageCount)
      let routes = try defence.routing(of: image, draws: Self.draws).routes
      let partners = defence.mixedBatch(of: image, routes: routes, draws: Self.draws).images
      try write(partners.tensor, to: "\(name)-partners.f32")
    }
  }

  /// Random weights, a batch normalisation that does something, and running statistics that are
  /// those of images, so that activations neither vanish nor explode.
  private func settle(_ network: ResNet, on execution: Execution) throws {
    network.initialize(seed: 1)
    var random = RandomStream(RandomKey(seed: 1, purpose: .test, draw: 2))
    for (path, parameter) in network.state.parameters
    where parameter.value.shape.count == 1 && !path.hasPrefix("fc_dense") {
      let least: Float = path.hasSuffix("weight") ? 0.5 : -0.5
      parameter.value = parameter.value.map { _ in least + random.uniform() }
    }
    let batch = Self.normalization.activations(try images()[0..<8].pixels.tensor)
    for _ in 0..<20 { _ = network.forward(batch, mode: .training, on: execution) }
  }

  /// Images of 8×8 patches of random colour.
  private static func patches(count: Int, draw: Int) -> Tensor {
    var random = RandomStream(RandomKey(seed: 1, purpose: .test, draw: draw))
    let planes = count * shape.channels
    let colours = (0..<planes * 64).map { _ in random.uniform() }
    var images = Tensor(shape: [count, shape.channels, shape.height, shape.width])
    for position in 0..<images.count {
      let (plane, pixel) = position.quotientAndRemainder(dividingBy: 32 * 32)
      images[position] = colours[plane * 64 + pixel / 32 / 4 * 8 + pixel % 32 / 4]
    }
    return images
  }

  private func write(_ tensor: Tensor, to name: String) throws {
    try tensor.withUnsafePointer {
      try Data(bytes: $0, count: 4 * tensor.count).write(to: folder.appending(path: name))
    }
  }
}
