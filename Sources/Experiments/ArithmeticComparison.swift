import Classification
import Datasets
import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Reporting
import Statistics

/// Whole numbers beside Float32, decision by decision on the same images: how often the labels are the same, how
/// accurate each is, and how many decisions have to be made again in Float32.
package struct ArithmeticComparison: Sendable, Reported {
  /// One way to decide, in one arithmetic.
  package struct Row: Sendable {
    /// "none" for the network alone, or "mi-ol".
    package var defence: String
    package var arithmetic: Arithmetic
    /// The labels that are those of Float32.
    package var agreement: Proportion
    /// Whether each is right: in this arithmetic first, in Float32 second.
    package var outcomes: PairedOutcomes
    /// Decisions that were made again.
    package var again: Int
    /// The lead up to which they are; nil where none are.
    package var bound: Float?
    /// The images that are labelled otherwise than in Float32.
    package var different: [Int]
  }

  package let rows: [Row]

  /// Decides all test images by the network and by MI-OL.
  ///
  /// - Parameters:
  ///   - plan: of a calibrated network.
  ///   - mixing: λ and N of MI-OL; its images are the training images.
  ///   - count: test images; all if there are fewer.
  ///   - seed: of MI-OL's draws.
  /// - Throws: what the network or the data throw.
  package init(
    of plan: QuantizedPlan, on data: DatasetSplit, mixing: Mixing, count: Int, seed: UInt64,
    workers: WorkerPool, progress: ProgressReporter
  ) throws {
    let exact = NetworkClassifier(plan.float)
    let integers = QuantizedClassifier(plan)
    let pool = try SamplePool(data.training)
    func defended<Base: Classifier>(_ base: Base) throws -> MixupInference<Base> {
      try MixupInference(base, pool: pool, rule: .otherLabel(mixing))
    }
    let ways: [(name: String, fast: any Classifier, exact: any Classifier)] = [
      ("none", integers, exact), ("mi-ol", try defended(integers), try defended(exact)),
    ]
    let test = data.test[0..<min(count, data.test.count)]
    let stage = progress.stage(
      "compare", total: 2 * ways.count * (test.count + data.validation.count), unit: "images")
    var rows: [Row] = []
    for way in ways {
      func logits(_ model: any Classifier, _ images: LabelledImages) throws -> Tensor {
        try Self.logits(model, images, seed: seed, workers: workers, stage)
      }
      let bound =
        data.validation.count == 0
        ? nil
        : try Quantization.Margin(
          of: logits(way.fast, data.validation), exact: logits(way.exact, data.validation)
        ).bound
      let (found, expected) = (try logits(way.fast, test), try logits(way.exact, test))
      let (labels, exactLabels) = (try argmax(rowsOf: found), try argmax(rowsOf: expected))
      let isClose = leads(ofRows: found).map { lead in bound.map { !(lead > $0) } ?? false }
      for arithmetic in [Arithmetic.int8, .int8Checked] where arithmetic == .int8 || bound != nil {
        let isChecked = arithmetic == .int8Checked
        let labels = labels.indices.map {
          isChecked && isClose[$0] ? exactLabels[$0] : labels[$0]
        }
        let different = labels.indices.filter { labels[$0] != exactLabels[$0] }
        func right(_ labels: [Int]) -> [Bool] { zip(labels, test.labels).map { $0 == $1 } }
        rows.append(
          Row(
            defence: way.name, arithmetic: arithmetic,
            agreement: Proportion(
              successes: labels.count - different.count, trials: labels.count),
            outcomes: PairedOutcomes(right(labels), right(exactLabels)),
            again: isChecked ? isClose.count { $0 } : 0, bound: isChecked ? bound : nil,
            different: different))
      }
    }
    stage.finish()
    self.rows = rows
  }

  /// The logits of all images, a few of them by every thread at a time.
  private static func logits(
    _ model: any Classifier, _ images: LabelledImages, seed: UInt64, workers: WorkerPool,
    _ stage: ProgressStage
  ) throws -> Tensor {
    let size = max(1, 60 / model.forwardPassesPerDecision)
    let blocks = (images.count + size - 1) / size
    let parts = try workers.map(count: blocks) { block in
      let part = images[block * size..<min((block + 1) * size, images.count)]
      let logits = try model.checkedLogits(
        of: part.pixels, draws: Draws(seed: seed, purpose: .score, examples: part.indices)
      ).values
      try stage.advance(by: part.count)
      return logits
    }
    return try Tensor(Array(parts.joined()), shape: [images.count, model.classCount])
  }

  /// What programs read of a row.
  package struct Record: Encodable, Sendable {
    var defence, arithmetic: String
    var images: Int
    /// Images that have the label of Float32.
    var sameLabel: Int
    /// Right in this arithmetic, and in Float32.
    var correct, correctFloat32: Int
    var madeAgain: Int
    var bound: Float?
    var different: [Int]
  }

  package var record: [Record] {
    rows.map { row in
      Record(
        defence: row.defence, arithmetic: row.arithmetic.rawValue, images: row.agreement.trials,
        sameLabel: row.agreement.successes, correct: row.outcomes.first.successes,
        correctFloat32: row.outcomes.second.successes, madeAgain: row.again, bound: row.bound,
        different: row.different)
    }
  }

  // MARK: Text

  /// One line for every way to decide and arithmetic.
  package var table: Table {
    func percent(_ value: Double) -> String { fixed(100 * value, decimals: 2) }
    func range(_ interval: Interval) -> String {
      "\(percent(interval.lower))–\(percent(interval.upper))"
    }
    return Table(
      columns: [
        "defence", "arithmetic", "label as float32", "95% interval", "accuracy", "float32",
        "difference", "95% interval", "made again", "lead up to", "n",
      ],
      rows: rows.map { row in
        let difference = row.outcomes.differenceInterval()
        return [
          Table.Cell(row.defence), Table.Cell(row.arithmetic.rawValue),
          Table.Cell("\(percent(row.agreement.value))%"),
          Table.Cell(range(row.agreement.wilsonInterval())),
          Table.Cell("\(percent(row.outcomes.first.value))%"),
          Table.Cell("\(percent(row.outcomes.second.value))%"),
          Table.Cell(percent(row.outcomes.difference)),
          Table.Cell("\(percent(difference.lower)) to \(percent(difference.upper))"),
          Table.Cell(
            row.bound == nil
              ? "–" : "\(percent(Double(row.again) / Double(row.agreement.trials)))%"),
          Table.Cell(row.bound.map { String(format: "%.3g", $0) } ?? "–"),
          Table.Cell("\(row.agreement.trials)"),
        ]
      })
  }

  /// The table, and which images are labelled otherwise.
  package var printout: Printout {
    let lines = rows.map { row in
      "\(row.defence), \(row.arithmetic.rawValue): "
        + (row.different.isEmpty
          ? "every image is labelled as in float32"
          : "labelled otherwise: " + row.different.map(String.init).joined(separator: " "))
    }
    return "\(table)\n\(lines.joined(separator: "\n"))"
  }
}
