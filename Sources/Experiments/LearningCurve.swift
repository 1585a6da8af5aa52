import Foundation
import Statistics

/// How a training went, epoch by epoch; a table of comma-separated values beside its checkpoint.
package struct LearningCurve: Keepable, Sendable, Equatable {
  /// One epoch, a line of the table.
  package struct Epoch: Codable, Sendable, Equatable {
    /// Its number, from 1.
    package var epoch: Int
    /// Mean training loss over the epoch's steps.
    package var loss: Double
    /// The learning rate of the epoch's last step.
    package var learningRate: Float
    /// The validation images that are classified correctly after the epoch.
    package var validation: Proportion
    /// Wall-clock time of training and validation.
    package var seconds: Double
  }

  package var epochs: [Epoch] = []

  package var isSound: Bool {
    epochs.enumerated().allSatisfy { place, epoch in
      epoch.epoch == place + 1 && epoch.loss.isFinite && epoch.learningRate.isFinite
        && Believable.count ~= epoch.validation.trials && epoch.seconds >= 0
    }
  }

  private static let header =
    "epoch,loss,learning rate,validation accuracy,validation images,seconds"

  /// The table as comma-separated values.
  package var csv: String {
    let lines = epochs.map {
      "\($0.epoch),\($0.loss),\($0.learningRate),\($0.validation.value),\($0.validation.trials),\($0.seconds)"
    }
    return ([Self.header] + lines).joined(separator: "\n") + "\n"
  }

  /// A curve without epochs.
  package init() {}

  /// Reads a table that `csv` made.
  ///
  /// - Throws: `LearningCurveError` that names the first line that is no epoch.
  package init(csv: String) throws(LearningCurveError) {
    let lines = csv.split(separator: "\n", omittingEmptySubsequences: true)
    guard lines.first.map(String.init) == Self.header else {
      throw LearningCurveError(line: 1, expected: Self.header)
    }
    for (number, line) in lines.enumerated().dropFirst() {
      let values = line.split(separator: ",", omittingEmptySubsequences: false)
      guard values.count == 6, let epoch = Int(values[0]), let loss = Double(values[1]),
        let rate = Float(values[2]), let accuracy = Double(values[3]), 0...1 ~= accuracy,
        let images = Int(values[4]), 0...1_000_000_000 ~= images, let seconds = Double(values[5])
      else { throw LearningCurveError(line: number + 1, expected: Self.header) }
      epochs.append(
        Epoch(
          epoch: epoch, loss: loss, learningRate: rate,
          validation: Proportion(
            successes: Int((accuracy * Double(images)).rounded()), trials: images),
          seconds: seconds))
    }
  }
}

/// A line that is no epoch of a learning curve.
package struct LearningCurveError: ExplainedError, Equatable {
  /// The number of the line, from 1.
  package var line: Int
  package var expected: String

  package var description: String {
    "line \(line) is no line of a learning curve (\(expected)); remove the file or make it anew"
  }
}
