import Classification

/// A defence as an experiment names it: a value that can be put before any network.
///
/// Mixup inference and the random changes of the input are such values, and those of another package are
/// measured, recorded, stored and checked in the same way.
public protocol Defence: Sendable {
  /// Its name in tables, records and files: lower-case words with hyphens, unlike any other defence's.
  var name: String { get }
  /// Its settings, as text by name: all that its answers depend on besides the name, the network, the
  /// training images, the image and the draws. Results are stored under them, so defences that may answer
  /// differently must differ here.
  var parameters: [String: String] { get }
  /// Whether it makes use of training images, which records then name.
  var usesTrainingImages: Bool { get }
  /// The same defence, with what its settings leave open filled in as is usual for images of that shape.
  func resolved(for shape: ImageShape) -> Self
  /// The network behind this defence.
  ///
  /// - Parameter training: images on which no result is measured; of every class that the data set has
  ///   images of.
  func defend(
    _ network: some DifferentiableClassifier, training: LabelledImages
  ) throws -> any DefendedClassifier
}

extension Defence {
  /// False.
  public var usesTrainingImages: Bool { false }

  /// The same defence: nothing is left open.
  public func resolved(for shape: ImageShape) -> Self { self }
}

/// A network behind a defence: a classifier that also says which models an attacker who knows the defence
/// follows, and what its detector sees.
///
/// The defaults are right for any classifier. A defence that averages over draws makes its attacker
/// cheaper by its own `simulated`, since the default runs the whole defence for every draw.
public protocol DefendedClassifier: DifferentiableClassifier {
  /// The defence with N executions in place of its own, as an attacker may simulate it. By default the mean
  /// over N draws of the whole defence, and the defence itself if it draws nothing.
  func simulated(sampleCount: Int) throws -> any DifferentiableClassifier
  /// The models that an attacker who knows the defence follows, besides the network alone: for every image the
  /// best attack through any of them counts. By default what `average` makes of `simulated`.
  ///
  /// - Parameters:
  ///   - drawCount: the attacker's draws for a gradient.
  ///   - average: what is averaged over them.
  func surrogates(
    drawCount: Int, average: GradientAverage
  ) throws -> [any DifferentiableClassifier]
  /// The statistics that its detector computes for every image on given draws, by name, each large where
  /// an image looks attacked; nil without a detector.
  var detector: Detector? { get }
}

/// Statistics of images by name, on given draws.
public typealias Detector = @Sendable (Pixels, Draws) throws -> [[String: Double]]

/// A classifier whose detector comes upon its logits on the same draws.
package protocol DetectingClassifier: DefendedClassifier {
  /// `logits(of:draws:)`, to the bit, and what the detector says.
  func logitsAndStatistics(
    of images: Pixels, draws: Draws
  ) throws -> (logits: Tensor, statistics: [[String: Double]])
}

extension DetectingClassifier {
  /// `logitsAndStatistics`, its logits checked.
  ///
  /// - Throws: as `checkedLogits`.
  func checkedLogitsAndStatistics(
    of images: Pixels, draws: Draws
  ) throws -> (logits: Tensor, statistics: [[String: Double]]) {
    try check(images)
    let both = try logitsAndStatistics(of: images, draws: draws)
    try check(both.logits, of: images, named: draws.examples)
    return both
  }
}

extension DefendedClassifier {
  /// The mean over draws of the whole defence; the defence itself if it is not randomised.
  public func simulated(sampleCount: Int) throws -> any DifferentiableClassifier {
    isRandomized ? try ExpectationOverTransformation(self, drawCount: sampleCount) : self
  }

  /// What `average` makes of `simulated`.
  public func surrogates(
    drawCount: Int, average: GradientAverage
  ) throws -> [any DifferentiableClassifier] {
    [try average.surrogate(drawCount: drawCount, simulating: simulated)]
  }

  /// Nil: no detector.
  public var detector: Detector? { nil }
}
