import Classification

/// A defence as an experiment names it: a value that can be put before any network.
///
/// Mixup inference and the random changes of the input are such values, and those of another package are
/// measured, recorded, stored and checked in the same way.
public protocol Defence: Sendable {
  /// What tables, records and files call it: lower case, words with hyphens, and no other defence's.
  var name: String { get }
  /// All that its answers depend on besides its name, the network, the training images, the image and the
  /// draws, by name, as text. Results are kept under it: what differs in an answer has to differ here.
  var parameters: [String: String] { get }
  /// Whether it makes use of training images, which records then name.
  var usesTrainingImages: Bool { get }
  /// The same with what is usual for images of that shape where nothing else was said.
  func resolved(for shape: ImageShape) -> Self
  /// Puts it before a network.
  ///
  /// - Parameter training: images that no result is measured on; of every class, where a data set has them.
  func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier
}

extension Defence {
  /// No.
  public var usesTrainingImages: Bool { false }

  /// The same.
  public func resolved(for shape: ImageShape) -> Self { self }
}

/// A network behind a defence: a classifier that also says how one follows it who knows of the defence, and
/// what its detector sees.
///
/// What the defaults say is right for any classifier. A defence that averages over draws makes its attacker
/// cheaper by saying what it is with another number of them.
public protocol DefendedClassifier: DifferentiableClassifier {
  /// The defence with N executions in place of its own, as an attacker may simulate it. By default the mean
  /// over N draws of the whole defence, and the defence itself if it draws nothing.
  func simulated(sampleCount: Int) throws -> any DifferentiableClassifier
  /// The models that an attacker who knows the defence follows, besides the network alone: for every image the
  /// best attack through any of them counts. By default what `average` makes of `simulated`.
  ///
  /// - Parameters:
  ///   - drawCount: the attacker's draws for a gradient.
  ///   - average: what they are averaged over.
  func surrogates(
    drawCount: Int, average: GradientAverage
  ) throws -> [any DifferentiableClassifier]
  /// What its detector says of images on given draws: for each the statistics, by name, which are large where
  /// an image looks attacked; nil without a detector.
  var detector: Detector? { get }
}

/// Statistics of images by name, on given draws.
public typealias Detector = @Sendable (Pixels, Draws) throws -> [[String: Double]]

extension DefendedClassifier {
  /// The mean over draws of the whole defence.
  public func simulated(sampleCount: Int) throws -> any DifferentiableClassifier {
    isRandomized ? try ExpectationOverTransformation(self, drawCount: sampleCount) : self
  }

  /// What `average` makes of `simulated`.
  public func surrogates(
    drawCount: Int, average: GradientAverage
  ) throws -> [any DifferentiableClassifier] {
    [try average.surrogate(drawCount: drawCount, simulating: simulated)]
  }

  /// None.
  public var detector: Detector? { nil }
}
