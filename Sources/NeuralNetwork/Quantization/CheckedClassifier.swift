import Classification
import Synchronization

/// A fast classifier whose close decisions are made again by an exact one: of every image whose best logit leads by less
/// than a bound, or as much, the logits are those of the exact classifier.
package final class CheckedClassifier<Fast: Classifier, Exact: Classifier>: Classifier {
  package let fast: Fast
  package let exact: Exact
  /// In units of logits.
  package let bound: Float
  private let counts = Mutex((decisions: 0, again: 0))

  /// - Precondition: both take the same images and name the same classes.
  package init(_ fast: Fast, exact: Exact, bound: Float) {
    precondition(fast.imageShape == exact.imageShape && fast.classCount == exact.classCount)
    self.fast = fast
    self.exact = exact
    self.bound = bound
  }

  package var imageShape: ImageShape { fast.imageShape }
  package var classCount: Int { fast.classCount }
  /// Those of the fast one; what is made again is counted where it happens, by `PassMeter`.
  package var forwardPassesPerDecision: Int { fast.forwardPassesPerDecision }
  package var isRandomized: Bool { fast.isRandomized }

  /// Images that were decided until now, and those of them that were decided again.
  package var decisionCount: (all: Int, again: Int) { counts.withLock { ($0.decisions, $0.again) } }

  package func logits(of images: Pixels, draws: Draws) throws -> Tensor {
    var logits = try fast.logits(of: images, draws: draws)
    let close = leads(ofRows: logits).enumerated().filter { !($0.element > bound) }.map(\.offset)
    counts.withLock {
      $0.decisions += images.count
      $0.again += close.count
    }
    guard !close.isEmpty else { return logits }
    var chosen = draws
    // A classifier that uses no draws may be asked without.
    if draws.examples.count == images.count { chosen.examples = close.map { draws.examples[$0] } }
    let again = try exact.logits(of: images[close], draws: chosen)
    for (place, row) in close.enumerated() {
      for column in 0..<classCount {
        logits[row * classCount + column] = again[place * classCount + column]
      }
    }
    return logits
  }
}

/// By how much the largest value of every row of [N, L] is above the second; what is no number leads by what is none.
package func leads(ofRows logits: Tensor) -> [Float] {
  let width = logits.rowCount
  return (0..<logits.shape[0]).map { row in
    var (best, second) = (-Float.infinity, -Float.infinity)
    for column in 0..<width {
      let value = logits[row * width + column]
      if value.isNaN { return .nan }
      if value > best { (best, second) = (value, best) } else { second = max(second, value) }
    }
    return best - second
  }
}

extension Quantization.Margin {
  /// The largest amount by which an arithmetic moved its best logit away from another one, compared with Float32: a
  /// label that is not that of Float32 was moved by more than it leads.
  ///
  /// - Parameters:
  ///   - logits, exact: [N, L] of the same images in the arithmetic and in Float32.
  /// - Throws: `ClassifierError.notFinite` for rows without a largest value.
  public init(of logits: Tensor, exact: Tensor) throws {
    let width = logits.rowCount
    var bound: Float = 0
    for (row, label) in try argmax(rowsOf: logits).enumerated() {
      let best = row * width + label
      for other in row * width..<(row + 1) * width {
        let change = (logits[best] - logits[other]) - (exact[best] - exact[other])
        // Two classes of probability 0 have no difference.
        if change > bound { bound = change }
      }
    }
    self.init(bound: bound, imageCount: logits.shape[0])
  }
}
