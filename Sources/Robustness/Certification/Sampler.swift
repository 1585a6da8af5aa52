import Classification
import Statistics

/// The answers of F to draws of one law for one image, one after the other.
struct Sampler {
  let smoothed: any SmoothedClassifier
  /// One image.
  let image: Pixels
  let example: Int
  let law: Int
  let seed: UInt64
  let purpose: Purpose
  let largestBatch: Int

  /// Calls `body` with what every draw says of a class, until it returns false or `limit` draws were taken.
  ///
  /// F is asked for some draws beyond the last one, as batches are filled before their answers are known.
  func forEachAnswer(
    limit: Int, votes: Certification.Votes, of label: Int, _ body: (Double) -> Bool
  ) throws {
    switch votes {
    case .hard: try forEachLabel(limit: limit) { body($0 == label ? 1 : 0) }
    case .mean:
      try forEachBatch(limit: limit) { logits in
        let probabilities = softmax(rowsOf: logits)
        let width = logits.rowCount
        return (0..<logits.shape[0]).allSatisfy {
          body(min(max(Double(probabilities[$0 * width + label]), 0), 1))
        }
      }
    }
  }

  /// The same with the class that F names.
  func forEachLabel(limit: Int, _ body: (Int) -> Bool) throws {
    try forEachBatch(limit: limit) { try argmax(rowsOf: $0).allSatisfy(body) }
  }

  private func forEachBatch(limit: Int, _ body: (Tensor) throws -> Bool) throws {
    var (start, size) = (0, min(32, largestBatch))
    while start < limit {
      let draws = start..<min(start + size, limit)
      let batch = image.tensor.withUnsafePointer { image in
        smoothed.batch(
          of: draws.map { draw in
            let key = RandomKey(
              seed: seed, purpose: purpose, example: example, restart: law, draw: draw)
            return (image, law, example, key)
          }, draws: Draws(seed: seed, purpose: purpose, examples: []))
      }
      let logits = try smoothed.base.checkedLogits(
        of: batch.images, draws: batch.draws, naming: batch.inputs)
      guard try body(logits) else { return }
      start = draws.upperBound
      size = min(2 * size, largestBatch)
    }
  }
}
