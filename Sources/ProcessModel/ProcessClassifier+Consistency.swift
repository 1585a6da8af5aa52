import Classification
import Statistics

extension ProcessClassifier {
  /// The largest difference, relative to the largest logit, above which answers to the same question are not
  /// the same up to rounding. Half precision differs by a hundredth; dropout and batch statistics by far more.
  private static let tolerance: Float = 0.05

  /// Asks for the logits of some images at random, again, one by one and with other seeds.
  ///
  /// - Returns: how far logits depend on the batch, relative to the largest.
  /// - Throws: `ProcessModelError` if the answers are not functions of the image and its seed, or are not of the
  ///   seed although they are said to be; and as `logits(of:draws:)`.
  package func checkedConsistency() throws -> Float {
    let count = min(4, max(2, model.batchSize))
    var images = Tensor(
      shape: [count, imageShape.channels, imageShape.height, imageShape.width])
    for n in 0..<count {
      var stream = RandomStream(RandomKey(seed: 1, purpose: .measure, example: n))
      for place in n * imageShape.count..<(n + 1) * imageShape.count {
        images[place] = stream.uniform()
      }
    }
    let pixels = try Pixels(images)
    func answers(_ positions: [Int], step: Int = 0) throws -> [Float] {
      try logits(
        of: pixels[positions],
        draws: Draws(seed: 1, purpose: .measure, examples: positions, step: step)
      ).values
    }
    let all = Array(0..<count)
    let first = try answers(all)
    let scale = max(first.filter(\.isFinite).map(abs).max() ?? 0, .leastNormalMagnitude)
    func difference(_ other: [Float]) -> Float {
      zip(first, other).map { $0 == $1 ? 0 : abs($0 - $1) / scale }.max() ?? 0
    }
    let again = difference(try answers(all))
    let alone = difference(try all.flatMap { try answers([$0]) })
    let otherSeeds = difference(try answers(all, step: 1))
    if again > Self.tolerance {
      throw contradiction(
        isRandomized
          ? "gives other logits for the same images and seeds; let all that is random follow from the seeds"
          : "gives other logits for the same images; put the model into evaluation mode, or say that it is "
            + "randomised and draw from the seeds")
    }
    if alone > Self.tolerance {
      throw contradiction(
        "gives an image other logits alone than among others; put the model into evaluation mode, and let "
          + "what is random for an image follow from its own seed")
    }
    if !isRandomized, otherSeeds > Self.tolerance {
      throw contradiction("is not randomised, by its own words, but its logits follow the seeds")
    }
    return max(again, alone)
  }

  private func contradiction(_ problem: String) -> ProcessModelError {
    ProcessModelError(command: command, problem: .contradiction(problem), lastLines: lastLines)
  }
}
