import Classification
import NeuralNetwork

/// How networks are trained on a data set unless the user says otherwise: the settings in which data sets
/// differ. `TrainingMethod` in Experiments makes recipes of them.
package struct StandardTraining: Sendable {
  /// Passes over the training images.
  package struct Epochs: Sendable {
    /// For training on clean images as they are.
    package var plain: Int
    /// For training on mixtures of clean images.
    package var mixup: Int
    /// For training on adversarial images, mixed or not.
    package var adversarial: Int
  }

  /// The network for images of a shape and a number of classes.
  package var architecture: @Sendable (ImageShape, Int) -> ResNet.Architecture
  /// Black pixels around an image before it is flipped and cropped; nil where an image stays as it is,
  /// as it must where its mirror image belongs to another class or to none.
  package var cropPadding: Int?
  package var epochs: Epochs
  /// Images of a step.
  package var batchSize: Int
  /// The highest learning rate of the cosine schedule.
  package var peakRate: Float
  /// The share of the steps in which the learning rate rises to its peak.
  package var warmUp: Float
  /// ε of adversarial training: the radius in ℓ∞ on the pixel scale, as text, such as "8/255".
  package var epsilon: String
  /// Steps of PGD in adversarial training.
  package var attackSteps: Int

  /// For a few thousand images of some ten pixels a side: minutes on two cores.
  static let tiny = StandardTraining(
    architecture: { .resNet8($0, classCount: $1) }, cropPadding: nil,
    epochs: Epochs(plain: 30, mixup: 40, adversarial: 30), batchSize: 32, peakRate: 0.1,
    warmUp: 0.25, epsilon: "1/5", attackSteps: 7)

  /// For tens of thousands of images of some thirty pixels a side: made to fit two cores and two hours,
  /// so there are far fewer epochs than the 200 that are usual on CIFAR, and 5 attack steps for 10.
  static let small = StandardTraining(
    architecture: { .resNet20($0, classCount: $1) }, cropPadding: 4,
    epochs: Epochs(plain: 30, mixup: 40, adversarial: 15), batchSize: 128, peakRate: 0.2,
    warmUp: 0.2, epsilon: "8/255", attackSteps: 5)

  /// A copy with some settings changed.
  func with(_ change: (inout StandardTraining) -> Void) -> StandardTraining {
    var changed = self
    change(&changed)
    return changed
  }
}
