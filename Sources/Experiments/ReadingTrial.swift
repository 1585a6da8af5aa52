import Classification
import Foundation
import NeuralNetwork
import Reporting
import Statistics

/// How many images a state dict classifies correctly in each way that it can be read.
///
/// A network that is read as another function than it was trained as is wrong on most images, so that this tells
/// activations, poolings and shortcuts apart. It does not tell scalings apart that are near to each other: there are
/// public networks of which another than theirs scores higher.
package struct ReadingTrial: Sendable, Reported {
  /// One way to read the file.
  package struct Row: Sendable {
    /// What is read in a way of several.
    package var answers: Reading.Answers
    package var scaling: Normalization
    package var accuracy: Proportion
  }

  /// The ways, those with the most correct images first.
  package let rows: [Row]

  /// Scalings that published CIFAR networks have, for files that say none.
  private static let usualScalings: [(mean: [Float], deviation: [Float])] = [
    ([0, 0, 0], [1, 1, 1]), ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    ([0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]),
    ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
  ]

  /// Reads a file in every way that is left, and classifies the first images.
  ///
  /// What published code computes of the same names and shapes is tried in all combinations. Where that is one
  /// function only, what else can be computed is tried besides, one answer at a time.
  ///
  /// - Parameters:
  ///   - answers: how the caller reads some of it, which is not varied.
  ///   - images: of which the first `count` are classified.
  /// - Throws: as `CheckpointFile`, and if the images do not fit.
  package init(
    _ data: Data, normalization: Normalization?, answers: Reading.Answers,
    settings: CheckpointFile.Settings? = nil, on images: LabelledImages, count: Int = 200,
    execution: Execution
  ) throws {
    let shape = images.pixels.imageShape
    func read(_ answers: Reading.Answers, _ scaling: Normalization?) throws -> CheckpointFile {
      try CheckpointFile(
        data, normalization: scaling, answers: answers, settings: settings,
        extents: (shape.height, shape.width))
    }
    let file = try read(answers, normalization)
    let open = file.readings.filter { $0.answer == nil }
    var ways = [answers]
    for reading in open {
      ways = ways.flatMap { way in
        reading.published.filter(reading.choices.contains).map { answer in
          way.merging([reading.question: answer]) { _, new in new }
        }
      }
    }
    if open.isEmpty {
      for reading in file.readings where [.assumed, .ambiguous].contains(reading.evidence) {
        for answer in reading.choices where answer != reading.answer {
          ways.append(answers.merging([reading.question: answer]) { _, new in new })
        }
      }
    }
    let channels = file.architecture.imageShape.channels
    let scalings: [Normalization?] =
      file.scaling != nil
      ? [normalization]
      : try Self.usualScalings.map {
        try Normalization(
          mean: Array($0.mean.prefix(channels)),
          standardDeviation: Array($0.deviation.prefix(channels)))
      }
    let images = images[0..<min(count, images.count)]
    var rows: [Row] = []
    for way in ways {
      for scaling in scalings {
        let checkpoint = try read(way, scaling).checkpoint()
        let model = CheckpointModel(name: "", checkpoint: checkpoint, digest: "")
        try model.check(images)
        let classifier = try NetworkClassifier(
          InferencePlan(checkpoint, kernels: execution.kernels), workers: execution.workers)
        let predictions = try classifier.predictions(
          of: images.pixels, draws: Draws(seed: 0, purpose: .score, examples: images.indices))
        rows.append(
          Row(
            answers: way.filter { answers[$0.key] == nil }, scaling: checkpoint.normalization,
            accuracy: Proportion(zip(predictions, images.labels).map(==))))
      }
    }
    // Of equally many the order in which they were tried stays.
    self.rows = rows.enumerated().sorted {
      ($1.element.accuracy.successes, $0.offset) < ($0.element.accuracy.successes, $1.offset)
    }.map(\.element)
  }

  /// What programs read of a row.
  struct Record: Encodable, Sendable {
    var readings: [String: String]
    var scaling: String
    var correct, images: Int
  }

  var record: [Record] {
    rows.map { row in
      Record(
        readings: Dictionary(
          row.answers.map { ($0.key.rawValue, "\($0.value)") }, uniquingKeysWith: { a, _ in a }),
        scaling: row.scaling.description, correct: row.accuracy.successes,
        images: row.accuracy.trials)
    }
  }

  /// The rows and what they can tell, for a terminal.
  package var printout: Printout {
    let isScaled = Set(rows.map(\.scaling.description)).count == 1
    let table = Table(
      columns: ["read with", "clean accuracy"] + (isScaled ? [] : ["scaling"]),
      rows: rows.map { row in
        let answers = row.answers.map { "\($0.key.rawValue)=\($0.value)" }.sorted()
        return [
          Table.Cell(answers.isEmpty ? "as above" : answers.joined(separator: ", ")),
          Table.Cell(row.accuracy.description),
        ] + (isScaled ? [] : [Table.Cell(row.scaling.description)])
      }, alignments: [0: .left, 1: .right, 2: .left])
    return """
      \(table)\
      Accuracy on a few images tells activations, poolings and shortcuts apart. It cannot choose between scalings that \
      are near to each other: of public networks are some for which another than theirs scores higher.
      """
  }
}
