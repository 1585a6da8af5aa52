import Classification

/// For every example the nearest of the images that were offered.
struct NearestImages {
  /// The images, [N, C, H, W]; those of the examples until any was offered.
  private(set) var images: Tensor
  /// ‖x' − x‖ of every image; ∞ until any was offered.
  private(set) var distances: [Double]
  private let clean: Tensor
  private let norm: PerturbationBudget.Norm

  init(_ examples: LabelledImages, _ norm: PerturbationBudget.Norm) {
    clean = examples.pixels.tensor
    images = clean
    distances = Array(repeating: .infinity, count: examples.count)
    self.norm = norm
  }

  /// Takes the images that are nearer than those before.
  ///
  /// - Parameters:
  ///   - distances: those of the images; computed if nil.
  ///   - positions: the examples that they are for.
  mutating func offer(_ offered: Tensor, _ distances: [Double]?, at positions: [Int]) {
    let found = distances ?? norm.distances(of: offered, from: clean.rows(positions))
    let better = positions.indices.filter { found[$0] < self.distances[positions[$0]] }
    images = images.replacing(better.map { positions[$0] }, with: better, of: offered)
    for row in better { self.distances[positions[row]] = found[row] }
  }
}
