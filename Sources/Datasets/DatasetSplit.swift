import Classification
import Statistics

/// Three sets of images that share none: to train on (and to draw mixing partners from), to tune
/// on, and to report on.
public struct DatasetSplit: Sendable {
  /// Images to train on, and to draw mixing partners from.
  public let training: LabelledImages
  /// Images to choose parameters on.
  public let validation: LabelledImages
  /// Images to report on.
  public let test: LabelledImages

  /// The split into the given sets.
  public init(training: LabelledImages, validation: LabelledImages, test: LabelledImages) {
    self.training = training
    self.validation = validation
    self.test = test
  }

  /// Takes the validation images out of a training file.
  ///
  /// They are the first ones of a random order that the seed fixes, so with one seed a larger validation
  /// set contains a smaller one. Both sets keep the order of the file.
  ///
  /// - Throws: `DatasetError.validationCount` unless images remain to train on.
  public init(
    trainingFile: LabelledImages, test: LabelledImages, validationCount: Int, seed: UInt64
  ) throws(DatasetError) {
    guard 0..<trainingFile.count ~= validationCount else {
      throw .validationCount(validationCount, images: trainingFile.count)
    }
    var random = RandomStream(RandomKey(seed: seed, purpose: .split))
    let order = random.permutation(of: trainingFile.count)
    validation = trainingFile[order[..<validationCount].sorted()]
    training = trainingFile.kept(order[validationCount...].sorted())
    self.test = test
  }
}
