import ArgumentParser
import Datasets
import Foundation

/// Which images to work on.
struct DatasetOptions: ParsableArguments {
  @Option(
    help: """
      \(Dataset.names), or a file NAME.safetensors with train.images, train.labels, test.images and \
      test.labels, as fixtures/convert_dataset.py writes it.
      """)
  var dataset = Dataset.digits.name

  @Option(help: "Folder with the data set's files, for those that are not embedded.")
  var data: String?

  /// The file that is read, if the data set is one.
  var file: String? { Dataset.isFile(dataset) ? dataset : nil }

  /// The description of the data set; `load` reads its images.
  ///
  /// - Throws: `Failure` for a name that is unknown or a folder too many or too few; `DatasetError` for a
  ///   file that holds no data set.
  func described() throws -> Dataset { try Dataset(called: dataset, folder: data) }

  /// The images of the data set that `described` has returned.
  func load(_ dataset: Dataset, seed: UInt64) throws -> DatasetSplit {
    try dataset.load(from: data.map { URL(filePath: $0) }, seed: seed)
  }
}

extension Dataset {
  /// The names of all known data sets in one line.
  fileprivate static var names: String { known.map(\.name).joined(separator: ", ") }

  /// Whether what is given for a data set is a file's path.
  fileprivate static func isFile(_ name: String) -> Bool { name.hasSuffix(".safetensors") }

  /// A data set by its name or its file.
  ///
  /// - Parameter folder: where its files are, as --data says.
  /// - Throws: `Failure` if it is neither, or if --data says too much or too little; `DatasetError` for a file
  ///   that holds no data set.
  init(called name: String, folder: String?) throws {
    if let known = Dataset.named(name) {
      self = known
    } else if Self.isFile(name) {
      try self.init(safetensors: URL(filePath: name))
    } else {
      let meant = suggestion(for: name, among: Dataset.known.map(\.name))
      throw Failure.usage(
        "data set \(name) is unknown; \(meant)--dataset takes one of \(Self.names), or a file "
          + "NAME.safetensors, which fixtures/convert_dataset.py makes"
      )
    }
    switch source {
    case .atHand:
      guard folder == nil else {
        throw Failure.usage("--data names a folder, and \(name) needs none; leave it out")
      }
    case .folder(let contents, _):
      guard folder != nil else {
        throw Failure.usage(
          "data set \(name) is not embedded; give the folder with \(contents) by --data")
      }
    }
  }
}
