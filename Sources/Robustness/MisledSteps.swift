import Classification

/// Which images of a search leave it: those on which a randomised surrogate was misled at so many steps
/// running.
///
/// Every step draws anew, and a place does not depend on the draws on which it is predicted. What is counted
/// is therefore no luck of the search, and costs no pass: the prediction comes with the gradient.
struct MisledSteps {
  /// The positions of the images that are still searched, in the order of the batch.
  private(set) var searched: [Int]
  private let patience: Int?
  /// The misled steps of every image of the batch since the last one that was right.
  private var running: [Int]

  /// - Parameter patience: the number of steps; nil if no image leaves. Through a surrogate without
  ///   randomness none does either: there a larger loss serves to mislead other models.
  init(_ patience: Int?, through surrogate: any Classifier, count: Int) {
    self.patience = surrogate.isRandomized ? patience : nil
    searched = Array(0..<count)
    running = Array(repeating: 0, count: count)
  }

  /// The places in the batch of the images that leave after a step; nil if none does.
  ///
  /// - Parameter logits: what the surrogate said at that step, [batch, L].
  mutating func leaving(after logits: Tensor, labels: [Int]) throws -> [Int]? {
    guard let patience else { return nil }
    for (n, label) in try argmax(rowsOf: logits).enumerated() {
      running[n] = label == labels[n] ? 0 : running[n] + 1
    }
    let leaving = running.indices.filter { running[$0] >= patience }
    return leaving.isEmpty ? nil : leaving
  }

  /// Takes images out of the batch and returns the places of those that stay.
  mutating func remove(_ leaving: [Int]) -> [Int] {
    let staying = Set(running.indices).subtracting(leaving).sorted()
    searched = staying.map { searched[$0] }
    running = staying.map { running[$0] }
    return staying
  }
}

extension Setting {
  /// The misled steps after which an image leaves a search.
  static func patience(_ path: any WritableKeyPath<Owner, Int?> & Sendable) -> Setting {
    Setting("patience", path, problem: { countProblem("the number of misled steps", $0) })
  }
}
