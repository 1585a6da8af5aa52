import Classification
import Datasets
import Foundation
import NeuralNetwork
import Reporting

/// What is in a data set: extents, identities, and how many images there are of every label.
package struct DatasetReport: InspectionReport {
  /// The lines about the data set as a whole, in the order of the report.
  package let findings: [(name: String, value: String)]
  /// One row per label.
  package let table: Table

  /// Reads all images.
  ///
  /// - Parameter folder: where its files are, if it is read from some.
  /// - Throws: `DatasetError`.
  package init(_ dataset: Dataset, in folder: URL? = nil) throws {
    let (training, test) = try dataset.files(in: folder)
    let (shape, classCount) = (dataset.imageShape, dataset.classCount)
    func findings(
      _ part: String, _ images: LabelledImages, _ identities: [String]
    ) -> [(name: String, value: String)] {
      [
        (
          "\(part) images",
          "\(images.count), of which \(identities.count - Set(identities).count) repeat another"
        ),
        ("identity of the \(part) images", images.identity(of: identities)),
      ]
    }
    let (known, new) = (training.identities(), test.identities())
    let common = Set(known)
    self.findings =
      [
        ("data set", dataset.name), ("images", "\(shape)"), ("classes", "\(classCount)"),
        ("network", dataset.training.architecture(shape, classCount).description),
      ] + findings("training", training, known) + findings("test", test, new) + [
        ("test images among the training images", "\(new.count(where: common.contains))")
      ]
    func counts(_ images: LabelledImages) -> [Int] {
      images.labels.reduce(into: Array(repeating: 0, count: classCount)) { $0[$1] += 1 }
    }
    let (trained, tested) = (counts(training), counts(test))
    table = Table(
      columns: ["label", "name", "training", "test"],
      rows: dataset.labelNames.enumerated().map { label, name in
        [
          Table.Cell("\(label)"), Table.Cell(name.printable), Table.Cell("\(trained[label])"),
          Table.Cell("\(tested[label])"),
        ]
      }, alignments: [1: .left])
  }
}
