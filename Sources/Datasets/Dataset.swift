import Classification
import Foundation

/// The description of a set of labelled images: all that other code needs to know of a data set.
///
/// To add one, write its description in a file of its own, and name it in `known`.
public struct Dataset: Sendable {
  /// The images of a training file and of a test file; indices count through both.
  public typealias Files = (training: LabelledImages, test: LabelledImages)

  /// Where the images come from.
  public enum Source: Sendable {
    /// They are embedded, or in a file that has been opened.
    case atHand(@Sendable () throws -> Files)
    /// They are in files of a folder; the text names the files.
    case folder(holding: String, @Sendable (URL) throws -> Files)
  }

  /// The name by which commands and records call it.
  public let name: String
  /// The extents of every image.
  public let imageShape: ImageShape
  /// What the labels 0, 1, … stand for.
  public let labelNames: [String]
  /// Where the images come from.
  public let source: Source
  /// How networks are trained on it unless the user says otherwise.
  package let training: StandardTraining

  /// What `reproduce` measures on it unless the user says otherwise.
  package let reproduction: StandardReproduction

  /// A description.
  package init(
    name: String, imageShape: ImageShape, labelNames: [String], training: StandardTraining,
    reproduction: StandardReproduction = .paper(table: nil), source: Source
  ) {
    self.name = name
    self.imageShape = imageShape
    self.labelNames = labelNames
    self.training = training
    self.reproduction = reproduction
    self.source = source
  }

  /// L, the number of classes.
  public var classCount: Int { labelNames.count }

  /// The data set of a name; nil if none is called so.
  public static func named(_ name: String) -> Dataset? { known.first { $0.name == name } }

  /// Reads the images of both files.
  ///
  /// - Parameter folder: where the files are; not looked at if the images are at hand.
  /// - Throws: `DatasetError`.
  public func files(in folder: URL? = nil) throws -> Files {
    switch source {
    case .atHand(let read): return try read()
    case .folder(let contents, let read):
      guard let folder else { throw DatasetError.noFolder(name, holding: contents) }
      return try read(folder)
    }
  }

  /// Reads the images and splits them.
  ///
  /// - Parameters:
  ///   - folder: where the files are; not looked at if the images are at hand.
  ///   - validationCount: images of the training file that are set apart for tuning; unless given, 500,
  ///     or a fifth of the training file where that is less.
  ///   - seed: decides which images these are.
  /// - Throws: `DatasetError`.
  public func load(
    from folder: URL? = nil, validationCount: Int? = nil, seed: UInt64
  ) throws -> DatasetSplit {
    let (training, test) = try files(in: folder)
    return try DatasetSplit(
      trainingFile: training, test: test,
      validationCount: validationCount ?? min(500, training.count / 5), seed: seed)
  }
}
