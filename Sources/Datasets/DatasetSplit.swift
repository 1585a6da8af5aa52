import Classification
import Foundation
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

  /// A split as it is.
  public init(training: LabelledImages, validation: LabelledImages, test: LabelledImages) {
    self.training = training
    self.validation = validation
    self.test = test
  }

  /// Takes the validation images out of a training file.
  ///
  /// The first images of an order that the seed fixes, so a larger validation set contains a
  /// smaller one. The remaining training images stay in the order of the file.
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
    training = trainingFile[order[validationCount...].sorted()]
    self.test = test
  }
}

/// The data sets by the names under which commands and records know them.
public enum DatasetName: String, CaseIterable, Codable, Sendable {
  case digits
  case cifar10
  /// CIFAR-100 with its hundred fine labels.
  case cifar100
  /// The same images with their twenty coarse labels.
  case cifar100Coarse = "cifar100-coarse"

  /// The shape of the images.
  public var imageShape: ImageShape {
    switch self {
    case .digits: ImageShape(channels: 1, height: 8, width: 8)
    case .cifar10, .cifar100, .cifar100Coarse: ImageShape(channels: 3, height: 32, width: 32)
    }
  }

  /// Reads the data set and splits it.
  ///
  /// - Parameters:
  ///   - folder: where CIFAR's binary files are; the digits are embedded and need none.
  ///   - validationCount: images of the training file that are set apart for tuning.
  /// - Throws: `DatasetError`.
  public func load(
    from folder: URL? = nil, validationCount: Int = 500, seed: UInt64
  ) throws -> DatasetSplit {
    let (training, test) =
      switch self {
      case .digits: (try Digits.training(), try Digits.test())
      case .cifar10: try CIFAR.ten.load(from: folder)
      case .cifar100: try CIFAR.hundred.load(from: folder)
      case .cifar100Coarse: try CIFAR.hundredCoarse.load(from: folder)
      }
    return try DatasetSplit(
      trainingFile: training, test: test, validationCount: validationCount, seed: seed)
  }
}
