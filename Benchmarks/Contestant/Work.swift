import Datasets
import Kernels
import MixupInference
import NeuralNetwork

/// One kind of work by one network on one number of images, ready to be done again and again.
struct Work {
  /// Does it once.
  let run: () throws -> Tensor
  /// Does it once and returns what can be compared with other implementations.
  let output: () throws -> Tensor

  /// The work KIND/NETWORK/SIZE, as in "forward/resNet20/30".
  init(named name: String, from shared: SharedFiles, on execution: Execution) throws {
    let parts = name.split(separator: "/").map(String.init)
    guard parts.count == 3, ResNet.Architecture.named.contains(where: { $0.name == parts[1] }),
      let size = Int(parts[2]), 1...SharedFiles.imageCount ~= size
    else { throw WorkError.unknown(name) }
    let checkpoint = try shared.checkpoint(parts[1])
    switch parts[0] {
    case "forward":
      self.init(try Self.forward(checkpoint, try shared.images()[0..<size].pixels, on: execution))
    case "decision":
      self.init(try Self.decision(checkpoint, sampleCount: size, from: shared, on: execution))
    case "attack":
      self.init(try Self.attack(checkpoint, try shared.images()[0..<size], on: execution))
    case "training":
      try self.init(training: checkpoint, try shared.images()[0..<size], on: execution)
    default: throw WorkError.unknown(name)
    }
  }

  private init(_ run: @escaping () throws -> Tensor) {
    self.run = run
    output = run
  }

  // MARK: The four kinds

  /// The logits of a batch.
  private static func forward(
    _ checkpoint: Checkpoint, _ images: Pixels, on execution: Execution
  ) throws -> () throws -> Tensor {
    let classifier = try classifier(
      checkpoint, on: execution, profile: images.count == 1 ? .latency : .throughput)
    let draws = Draws(seed: 1, purpose: .score, examples: Array(0..<images.count))
    return { try classifier.logits(of: images, draws: draws) }
  }

  /// log F_MI of the first image under MI-OL: one pass for ŷ, N on mixtures.
  private static func decision(
    _ checkpoint: Checkpoint, sampleCount: Int, from shared: SharedFiles, on execution: Execution
  ) throws -> () throws -> Tensor {
    let defence = try shared.defence(
      around: classifier(checkpoint, on: execution), sampleCount: sampleCount)
    let image = try shared.images()[0..<1].pixels
    return { try defence.logits(of: image, draws: SharedFiles.draws) }
  }

  /// What a step of an attack needs: the gradient of the summed cross-entropy for the images.
  private static func attack(
    _ checkpoint: Checkpoint, _ images: LabelledImages, on execution: Execution
  ) throws -> () throws -> Tensor {
    let classifier = try classifier(checkpoint, on: execution)
    let targets = CrossEntropy.oneHot(images.labels, classCount: images.classCount)
    let draws = Draws(seed: 1, purpose: .attack, examples: images.indices)
    return {
      try classifier.logitsAndGradient(of: images.pixels, draws: draws) {
        CrossEntropy.gradient(logits: $0, targets: targets)
      }.gradient
    }
  }

  private static func classifier(
    _ checkpoint: Checkpoint, on execution: Execution, profile: PlanProfile = .throughput
  ) throws -> NetworkClassifier {
    NetworkClassifier(
      InferencePlan(
        try checkpoint.network(), normalization: checkpoint.normalization,
        kernels: execution.kernels, profile: profile),
      workers: execution.workers)
  }

  /// A step of SGD on always the same batch; the output is by how much it moved the parameters, by
  /// name.
  private init(
    training checkpoint: Checkpoint, _ images: LabelledImages, on execution: Execution
  ) throws {
    let network = try checkpoint.network()
    let targets = CrossEntropy.oneHot(images.labels, classCount: images.classCount)
    let share = 1 / Float(images.count)
    var optimiser = StochasticGradientDescent(momentum: 0.9, weightDecay: 5e-4)
    let named = network.state.parameters.sorted { $0.path < $1.path }
    let parameters = named.map(\.parameter)
    let run = {
      let (logits, cache) = network.forward(
        checkpoint.normalization.activations(images.pixels.tensor), mode: .training, on: execution)
      network.backward(
        CrossEntropy.gradient(logits: logits, targets: targets).map { $0 * share }, cache: cache,
        on: execution)
      optimiser.step(parameters, learningRate: 0.01)
      return logits
    }
    self.run = run
    output = {
      let before = parameters.flatMap(\.value.values)
      _ = run()
      let after = parameters.flatMap(\.value.values)
      return try Tensor(zip(after, before).map { $0 - $1 }, shape: [before.count])
    }
  }
}

/// Why a work cannot be done.
enum WorkError: Error, CustomStringConvertible {
  case unknown(String)
  case file(String)

  var description: String {
    switch self {
    case .unknown(let name):
      """
      no work \(name); it is forward, decision, attack or training / \
      \(ResNet.Architecture.named.map(\.name).joined(separator: ", ")) / \
      1 to \(SharedFiles.imageCount), as forward/resNet20/30
      """
    case .file(let name): "the shared folder has no \(name) that can be read; make it with --write"
    }
  }
}
