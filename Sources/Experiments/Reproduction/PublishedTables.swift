import Datasets
import Training

/// Accuracies in per cent as the paper printed them, ℓ∞ with ε = 8/255: clean, then untargeted and
/// targeted PGD of 10, 50 and 200 steps by an attacker who does not know of the defence.
///
/// Source: Pang, Xu and Zhu, "Mixup Inference: Better Exploiting Mixup to Defend Adversarial Attacks",
/// ICLR 2020, Tables 2 and 3. Where a table says "≤ 1" the value is nil.
package struct PublishedTable: Sendable {
  /// The row of a network behind a defence.
  package struct Row: Sendable {
    package var method: TrainingMethod
    package var defence: DefenceName
    package var clean: Double
    package var untargeted: [Double]
    package var targeted: [Double?]
  }

  /// The radius of all attacks.
  static let epsilon = "8/255"
  /// The steps of the columns.
  static let steps = [10, 50, 200]

  let number: Int
  package let rows: [Row]

  /// The table that is about a data set; nil if there is none.
  package init?(_ dataset: Dataset) {
    guard case .paper(let number?) = dataset.reproduction, let rows = Self.tables[number] else {
      return nil
    }
    (self.number, self.rows) = (number, rows)
  }

  /// The paper's row for a defence on a network; nil if it has none, as for MI-PL.
  package subscript(_ method: TrainingMethod, _ defence: DefenceName) -> Row? {
    rows.first { $0.method == method && $0.defence == defence }
  }

  private static func row(
    _ method: TrainingMethod, _ defence: DefenceName, _ clean: Double, _ untargeted: [Double],
    _ targeted: [Double?]
  ) -> Row {
    Row(
      method: method, defence: defence, clean: clean, untargeted: untargeted, targeted: targeted)
  }

  /// The rows of the paper's tables, by their numbers.
  private static let tables = [2: cifar10, 3: cifar100]

  private static let cifar10 = [
    row(.mixup, .none, 93.8, [3.6, 3.2, 3.1], [nil, nil, nil]),
    row(.mixup, .gaussianNoise, 84.4, [13.5, 9.6, 8.8], [37.7, 28.6, 27.9]),
    row(.mixup, .rotation, 82.0, [21.8, 18.7, 18.2], [38.9, 32.5, 26.5]),
    row(.mixup, .cropAndPad, 82.1, [23.0, 19.6, 19.1], [38.4, 31.1, 25.2]),
    row(.mixup, .cropAndResize, 83.3, [31.2, 28.8, 28.3], [57.8, 49.1, 48.9]),
    row(.plain, .otherLabel, 81.6, [7.4, 6.4, 6.1], [33.0, 26.7, 23.2]),
    row(.mixup, .otherLabel, 83.9, [26.1, 18.8, 18.3], [55.6, 51.2, 50.8]),
    row(.mixup, .combined, 82.9, [33.7, 31.0, 30.7], [56.1, 49.7, 49.4]),
    row(.interpolatedAdversarial, .none, 89.7, [46.7, 43.5, 42.5], [65.6, 62.5, 61.9]),
    row(.interpolatedAdversarial, .gaussianNoise, 84.7, [55.6, 53.7, 53.5], [70.1, 69.1, 69.0]),
    row(.interpolatedAdversarial, .rotation, 83.4, [57.8, 56.7, 55.9], [69.8, 68.2, 67.4]),
    row(.interpolatedAdversarial, .cropAndPad, 82.1, [59.7, 58.4, 57.9], [71.1, 69.7, 69.3]),
    row(.interpolatedAdversarial, .cropAndResize, 83.9, [60.9, 60.7, 60.3], [73.2, 72.1, 71.6]),
    row(.adversarial, .otherLabel, 81.2, [56.2, 55.8, 55.1], [67.7, 67.2, 66.4]),
    row(.interpolatedAdversarial, .otherLabel, 84.2, [64.5, 63.8, 63.3], [75.3, 74.7, 74.5]),
  ]

  private static let cifar100 = [
    row(.mixup, .none, 74.2, [5.5, 5.3, 5.2], [nil, nil, nil]),
    row(.mixup, .gaussianNoise, 65.0, [5.5, 5.3, 5.3], [10.0, 4.3, 4.1]),
    row(.mixup, .rotation, 66.2, [7.8, 6.7, 6.3], [21.4, 15.5, 15.2]),
    row(.mixup, .cropAndPad, 66.3, [9.6, 7.6, 7.4], [30.2, 22.5, 22.3]),
    row(.mixup, .cropAndResize, 66.1, [13.1, 10.8, 10.5], [33.3, 26.3, 26.1]),
    row(.mixup, .otherLabel, 68.8, [12.6, 9.4, 9.1], [37.0, 29.0, 28.7]),
    row(.mixup, .combined, 67.0, [14.8, 11.7, 11.3], [31.4, 26.9, 26.7]),
    row(.interpolatedAdversarial, .none, 64.7, [26.6, 24.1, 24.0], [52.0, 50.1, 49.8]),
    row(.interpolatedAdversarial, .gaussianNoise, 60.4, [32.6, 31.6, 31.4], [50.1, 50.0, 49.6]),
    row(.interpolatedAdversarial, .rotation, 62.6, [34.5, 32.4, 32.1], [51.0, 49.9, 49.7]),
    row(.interpolatedAdversarial, .cropAndPad, 62.1, [42.2, 41.5, 41.3], [57.1, 56.3, 55.8]),
    row(.interpolatedAdversarial, .cropAndResize, 61.5, [36.2, 33.7, 33.3], [53.8, 52.4, 52.2]),
    row(.interpolatedAdversarial, .otherLabel, 62.0, [43.8, 42.8, 42.5], [58.1, 56.7, 56.5]),
  ]
}
