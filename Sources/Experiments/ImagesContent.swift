import Classification
import Datasets

/// What tells the images of a run from others: their content, and what of it the data set has as well.
struct ImagesContent {
  /// The images' identities, as `LabelledImages.identities`.
  let identities: [String]
  /// What records say of the images.
  let examples: EvaluationRecord.Examples
  /// What records say of the training images, from which some defences draw partners.
  let pool: EvaluationJob.Pool

  /// Reads and digests the images, and all images of the data set that a network may have been trained or tuned
  /// on: some 600 MB of values for CIFAR-10, hence on many threads.
  init(of images: LabelledImages, from data: DatasetSplit, forEach: ForEach) {
    identities = images.identities(forEach)
    let training = data.training.identities(forEach)
    let known = Set(training + data.validation.identities(forEach))
    examples = EvaluationRecord.Examples(
      identity: images.identity(of: identities), repeated: images.count - Set(identities).count,
      training: identities.count(where: known.contains))
    pool = EvaluationJob.Pool(
      split: .training, images: training.count, identity: data.training.identity(of: training))
  }
}
