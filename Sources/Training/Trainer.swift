import Classification
import Datasets
import Foundation
import MixupInference
import NeuralNetwork
import Robustness
import Statistics

/// Trains a network by a recipe.
public struct Trainer: Sendable {
  /// How to train.
  public var recipe: TrainingRecipe
  /// The map from pixels to the scale of the network.
  public var normalization: Normalization
  /// The kernels and threads that compute the network.
  public var execution: Execution

  /// A trainer for any network.
  public init(recipe: TrainingRecipe, normalization: Normalization, execution: Execution) {
    self.recipe = recipe
    self.normalization = normalization
    self.execution = execution
  }

  /// Steps of the whole run on that many images.
  public func totalSteps(images: Int) -> Int {
    let steps = (images / max(recipe.batchSize, 1)).multipliedReportingOverflow(by: recipe.epochs)
    return steps.overflow ? .max : steps.partialValue
  }

  /// What a checkpoint says about its training.
  public func notes(dataset: String, images: LabelledImages) throws -> [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [
      "dataset": dataset, "trainingImages": "\(images.count)", "trainingData": images.identity,
      "recipe": String(decoding: try encoder.encode(recipe), as: UTF8.self),
      "kernelSet": execution.kernels.rawValue,
    ]
  }

  /// The state of affairs after one step.
  public struct Progress: Sendable {
    /// Steps that are done.
    public var step: Int
    /// Steps of the whole run.
    public var totalSteps: Int
    /// Mean training loss of the step's batch.
    public var loss: Float
  }

  /// Trains `network`, from the state in which it is.
  ///
  /// Every epoch goes through the images once in a new order; the last images that do not fill a
  /// batch are left out, others each time. A run that goes on from the state after some epoch ends
  /// with the same bytes as one that was never interrupted.
  ///
  /// - Parameters:
  ///   - state: what an earlier run left after an epoch; nil to begin.
  ///   - progress: called after every step, behind `epochFinished`.
  ///   - epochFinished: called after every epoch, unless a value of the network is no longer finite.
  /// - Throws: `TrainingError` if the data cannot fill a batch, the state is not one of this recipe or
  ///   a number is no longer finite; `StateError` if the state is of another network.
  public func train(
    _ network: ResNet, on data: LabelledImages, from state: TrainingState? = nil,
    progress: (Progress) throws -> Void = { _ in },
    epochFinished: (TrainingState) throws -> Void = { _ in }
  ) throws {
    let (batchSize, epochs) = (recipe.batchSize, recipe.epochs)
    // A key of random numbers has 32 bits for the number of the step.
    guard batchSize >= 2, epochs >= 1, data.count >= batchSize,
      totalSteps(images: data.count) <= UInt32.max
    else {
      throw TrainingError.batch(size: batchSize, epochs: epochs, images: data.count)
    }
    if case .flipAndCrop(let padding) = recipe.augmentation {
      guard 0...data.pixels.imageShape.height ~= padding else {
        throw TrainingError.padding(padding, image: data.pixels.imageShape)
      }
    }
    if let noise = recipe.noise, !(noise > 0 && noise.isFinite) {
      throw TrainingError.noise(noise)
    }
    let stepsPerEpoch = data.count / batchSize
    let totalSteps = totalSteps(images: data.count)
    let parameters = network.state.parameters.map(\.parameter)
    var optimiser = StochasticGradientDescent(
      momentum: recipe.momentum, weightDecay: recipe.weightDecay)
    if let state {
      guard 0...epochs ~= state.epochs else {
        throw TrainingError.state(epochs: state.epochs, of: epochs)
      }
      try state.restore(network, &optimiser)
    }
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    var order: [Int] = []
    var losses: Double = 0
    for step in (state?.epochs ?? 0) * stepsPerEpoch..<totalSteps {
      let (epoch, place) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
      if place == 0 || order.isEmpty {
        var random = RandomStream(RandomKey(seed: recipe.seed, purpose: .shuffle, step: epoch))
        order = random.permutation(of: data.count)
        losses = 0
      }
      var batch = data[order[place * batchSize..<(place + 1) * batchSize]]
      if let augmentation = recipe.augmentation {
        batch = try augmentation.augmented(batch, seed: recipe.seed, epoch: epoch)
      }

      var shown: MixedBatch
      do {
        shown = try examples(of: batch, for: network, step: step)
      } catch ClassifierError.notFinite, ClassifierError.gradientNotFinite {
        throw TrainingError.diverged(step: step)
      }
      addNoise(to: &shown.inputs, step: step)
      let (logits, cache) = network.forward(
        normalization.activations(shown.inputs), mode: .training, on: execution)
      let loss =
        CrossEntropy.losses(logits: logits, targets: shown.targets).reduce(0, +)
        / Float(logits.shape[0])
      guard loss.isFinite else { throw TrainingError.diverged(step: step) }
      losses += Double(loss)
      let share = 1 / Float(logits.shape[0])
      network.backward(
        CrossEntropy.gradient(logits: logits, targets: shown.targets).map { $0 * share },
        cache: cache, on: execution)
      optimiser.step(
        parameters,
        learningRate: recipe.schedule.rate(
          step: step, stepsPerEpoch: stepsPerEpoch, totalSteps: totalSteps))
      if place == stepsPerEpoch - 1 {
        // No loss shows what the last step of an epoch did, so the values themselves are looked at.
        guard network.state.tensors.values.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
          throw TrainingError.diverged(step: step + 1)
        }
        try epochFinished(
          TrainingState(
            network, optimiser, epochs: epoch + 1, loss: losses / Double(stepsPerEpoch)))
      }
      // Behind the end of an epoch, so that an error here, by which a run ends, loses no finished one.
      try progress(Progress(step: step + 1, totalSteps: totalSteps, loss: loss))
    }
  }

  /// What the recipe's method makes of a batch for the network to learn: inputs on the pixel scale and soft
  /// targets. In interpolated adversarial training the adversarial half comes first.
  package func examples(
    of batch: LabelledImages, for network: ResNet, step: Int
  ) throws -> MixedBatch {
    /// Mixed pairs; `draw` gives the two halves of a batch partners of their own.
    func mixed(_ inputs: Tensor, alpha: Double, draw: Int) throws -> MixedBatch {
      try Mixup(alpha: alpha).mixed(
        inputs, labels: batch.labels, classCount: batch.classCount,
        key: RandomKey(seed: recipe.seed, purpose: .mixup, step: step, draw: draw))
    }
    switch recipe.method {
    case .plain:
      return MixedBatch(
        inputs: batch.pixels.tensor,
        targets: CrossEntropy.oneHot(batch.labels, classCount: batch.classCount))
    case .mixup(let alpha):
      return try mixed(batch.pixels.tensor, alpha: alpha, draw: 0)
    case .adversarial(let epsilon, let steps):
      let adversarial = try adversarialImages(
        of: batch, for: network, epsilon: epsilon, steps: steps, step: step)
      return MixedBatch(
        inputs: adversarial.tensor,
        targets: CrossEntropy.oneHot(batch.labels, classCount: batch.classCount))
    case .interpolatedAdversarial(let alpha, let epsilon, let steps):
      let adversarial = try adversarialImages(
        of: batch, for: network, epsilon: epsilon, steps: steps, step: step)
      // One pass over both halves, so that batch normalisation sees them together.
      let clean = try mixed(batch.pixels.tensor, alpha: alpha, draw: 0)
      let attacked = try mixed(adversarial.tensor, alpha: alpha, draw: 1)
      return MixedBatch(
        inputs: try .concatenated([attacked.inputs, clean.inputs]),
        targets: try .concatenated([attacked.targets, clean.targets]))
    }
  }

  /// Adds the recipe's noise to every value of a batch [N, …].
  package func addNoise(to inputs: inout Tensor, step: Int) {
    guard let noise = recipe.noise else { return }
    let (count, width) = (inputs.shape[0], inputs.rowCount)
    inputs.withUnsafeMutablePointer { values in
      for row in 0..<count {
        var random = RandomStream(
          RandomKey(seed: recipe.seed, purpose: .noise, example: row, step: step))
        random.standardNormals(width) { values[row * width + $0] += noise * Float($1) }
      }
    }
  }

  /// Adversarial images for the network as it is, found against the true labels.
  private func adversarialImages(
    of batch: LabelledImages, for network: ResNet, epsilon: Epsilon, steps: Int, step: Int
  ) throws -> Pixels {
    let classifier = NetworkClassifier(
      InferencePlan(network.graph, normalization: normalization, kernels: execution.kernels))
    // An image that comes back in a later epoch gets another random start.
    var random = RandomStream(RandomKey(seed: recipe.seed, purpose: .attack, step: step))
    let seed = random.next()
    let attack = ProjectedGradientDescent(steps: steps)
    let size = Self.attackBlock
    let blocks = try execution.workers.map(count: (batch.count + size - 1) / size) { block in
      let examples = batch[block * size..<min((block + 1) * size, batch.count)]
      let found = try attack.search(
        examples, within: .linf(epsilon), through: classifier, seed: seed)
      return try PerturbationBall(center: examples.pixels, budget: .linf(epsilon)).projection(
        of: found)
    }
    return Pixels(unchecked: try .concatenated(blocks.map(\.tensor)))
  }

  /// Images that one thread attacks at a time.
  private static let attackBlock = 32
}

extension Checkpoint {
  /// The recipe by which it was trained, if it says so.
  package var recipe: TrainingRecipe? {
    notes["recipe"].flatMap { try? JSONDecoder().decode(TrainingRecipe.self, from: Data($0.utf8)) }
  }
}

/// Why a training run cannot go on.
public enum TrainingError: ExplainedError, Equatable {
  case batch(size: Int, epochs: Int, images: Int)
  case padding(Int, image: ImageShape)
  case noise(Float)
  case state(epochs: Int, of: Int)
  case diverged(step: Int)

  /// `.usage` where a setting of the recipe is wrong, `.data` where the training or its stored state is.
  public var cause: ErrorCause {
    switch self {
    case .batch, .padding, .noise: .usage
    case .state, .diverged: .data
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .batch(let size, let epochs, let images):
      """
      cannot train for \(epochs) epochs with batches of \(size) on \(images) images; \
      a batch needs 2 images at least, all the data must fill one, and steps stay below 2³²
      """
    case .padding(let padding, let image):
      "a padding of \(padding) does not suit images of \(image); it is from 0 to their height"
    case .noise(let deviation):
      "the training noise's standard deviation σ is \(deviation); give a finite number above 0"
    case .state(let epochs, let total):
      "the training state is after \(epochs) epochs and the recipe has \(total); train anew"
    case .diverged(let step):
      "the training loss is not a number after \(step) steps; lower the learning rate"
    }
  }
}
