import MixupInference
import NeuralNetwork
import Robustness

/// How a network is trained, completely: with the same recipe, data and kernel set the result is
/// the same bytes.
public struct TrainingRecipe: Codable, Hashable, Sendable {
  /// What the network is shown.
  public enum Method: Codable, Hashable, Sendable {
    /// Clean images with their labels.
    case plain
    /// Mixtures λx + (1−λ)x′ of pairs of clean images, labels mixed likewise, λ ~ Beta(α, α); Zhang et al.,
    /// 2018.
    case mixup(alpha: Double)
    /// Adversarial images with the true labels, found by PGD against these labels on the network as it is
    /// at that step; Madry et al., 2018.
    case adversarial(epsilon: Epsilon, steps: Int)
    /// Mixtures of pairs of clean images and as many of adversarial ones, which are found as in
    /// `adversarial`; Lamb et al., 2019.
    case interpolatedAdversarial(alpha: Double, epsilon: Epsilon, steps: Int)
  }

  /// What the network is shown.
  public var method: Method
  /// What is done to every clean image before the method; nothing if nil.
  public var augmentation: Augmentation?
  /// σ of the Gaussian noise that is added to every value of what the method shows the network, mixtures
  /// included, on the pixel scale and without clipping; none if nil. Cohen et al., ICML 2019, train so what
  /// is to be certified under that noise.
  public var noise: Float?
  /// Passes over the images.
  public var epochs: Int
  /// Images of a step; interpolated adversarial training shows the network twice as many.
  public var batchSize: Int
  /// The learning rate, step by step.
  public var schedule: LearningRateSchedule
  /// The optimiser's momentum μ; see `StochasticGradientDescent`.
  public var momentum: Float
  /// The optimiser's weight decay w.
  public var weightDecay: Float
  /// The seed of all random numbers: of order, augmentation, mixing and attack.
  public var seed: UInt64

  /// A complete recipe.
  public init(
    method: Method, augmentation: Augmentation? = nil, noise: Float? = nil, epochs: Int,
    batchSize: Int, schedule: LearningRateSchedule,
    momentum: Float = 0.9, weightDecay: Float = 5e-4, seed: UInt64
  ) {
    self.method = method
    self.augmentation = augmentation
    self.noise = noise
    self.epochs = epochs
    self.batchSize = batchSize
    self.schedule = schedule
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.seed = seed
  }
}

extension TrainingRecipe: CustomStringConvertible {
  /// In words.
  public var description: String {
    let change =
      switch augmentation {
      case .flipAndCrop(let padding)?: "flipped and cropped by \(padding)"
      case nil: "as they are"
      }
    let noise = noise.map { ", with Gaussian noise of σ = \($0)" } ?? ""
    return
      "\(method); images \(change)\(noise), \(epochs) epoch\(epochs == 1 ? "" : "s") in batches of \(batchSize); learning rate "
      + "\(schedule), momentum \(momentum), weight decay \(weightDecay); seed \(seed)"
  }
}

extension TrainingRecipe.Method: CustomStringConvertible {
  /// In words.
  public var description: String {
    switch self {
    case .plain: "plain"
    case .mixup(let alpha): "mixup with α = \(alpha)"
    case .adversarial(let epsilon, let steps):
      "adversarial images of PGD-\(steps) within \(epsilon)"
    case .interpolatedAdversarial(let alpha, let epsilon, let steps):
      "mixup with α = \(alpha) of clean and of adversarial images of PGD-\(steps) within \(epsilon)"
    }
  }
}
