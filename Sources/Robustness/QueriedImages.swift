import Classification

/// What a search without gradients has found: for every example the first image that misled the model, or
/// if none did, that of the largest margin max_{k≠y} z_k − z_y for true label y and logits z.
///
/// One lucky draw of a randomised model proves nothing. There a candidate that misleads it, or has larger
/// log odds on one draw than the best image so far has in the mean, is predicted on fresh draws. It
/// becomes the best if it is misclassified more often, or as often with larger log odds in the mean. An
/// image is left alone once it misleads for certain, see `Selection`.
struct QueriedImages {
  /// Writes a candidate for the example of an index, given its clean image and the best one so far.
  typealias Proposal = (
    _ candidate: UnsafeMutablePointer<Float>, _ clean: UnsafePointer<Float>,
    _ current: UnsafePointer<Float>, _ example: Int
  ) -> Void

  private let examples: LabelledImages
  private let budget: PerturbationBudget
  private let model: any Classifier
  private let seed: UInt64
  private var margins: [Double]
  /// What chooses through a randomised model; nil through another.
  private var selection: Selection?
  /// The images; those of the examples until any was offered.
  private(set) var images: Pixels
  /// The positions of the examples that do not mislead the model yet.
  private(set) var survivors: [Int]

  /// - Parameter selections: the number of predictions of a randomised model that choose.
  init(
    _ examples: LabelledImages, _ budget: PerturbationBudget, _ model: any Classifier, seed: UInt64,
    selections: Int
  ) {
    self.examples = examples
    self.budget = budget
    self.model = model
    self.seed = seed
    margins = Array(repeating: -.infinity, count: examples.count)
    images = examples.pixels
    survivors = Array(examples.indices.indices)
    selection =
      model.isRandomized
      ? Selection(
        of: examples, aims: examples.labels, isTargeted: false, by: model, seed: seed,
        repetitions: selections, round: .places, settles: true) : nil
  }

  /// Asks the model about a candidate for every survivor, and keeps what is better.
  ///
  /// - Parameter step: names the model's draws, of purpose `.attack`.
  mutating func offer(step: Int, _ propose: Proposal) throws {
    let chosen = examples[survivors]
    guard chosen.count > 0 else { return }
    let width = chosen.pixels.imageShape.count
    let current = images[survivors]
    var candidates = Tensor(uninitialized: chosen.pixels.tensor.shape)
    candidates.withUnsafeMutablePointer { values in
      chosen.pixels.tensor.withUnsafePointer { clean in
        current.tensor.withUnsafePointer { current in
          for (n, example) in chosen.indices.enumerated() {
            let start = n * width
            propose(values + start, clean + start, current + start, example)
          }
        }
      }
    }
    let offered = try PerturbationBall(center: chosen.pixels, budget: budget)
      .projection(of: candidates)
    let logits = try model.checkedLogits(
      of: offered, draws: Draws(seed: seed, purpose: .attack, examples: chosen.indices, step: step))
    let isMisled = zip(try argmax(rowsOf: logits), chosen.labels).map(!=)
    if try choose(offered, logits, isMisled) { return }
    let found = AttackLoss.margin.values(of: logits, labels: chosen.labels)
    let better = survivors.indices.filter { isMisled[$0] || found[$0] > margins[survivors[$0]] }
    images = images.replacing(better.map { survivors[$0] }, with: better, of: offered)
    for n in better { margins[survivors[n]] = found[n] }
    survivors = survivors.indices.filter { !isMisled[$0] }.map { survivors[$0] }
  }

  /// Lets fresh draws choose if the model is randomised, and says whether it is.
  private mutating func choose(
    _ offered: Pixels, _ logits: Tensor, _ isMisled: [Bool]
  ) throws -> Bool {
    guard var selection else { return false }
    let odds = AttackLoss.logOdds.values(of: logits, labels: survivors.map { examples.labels[$0] })
    let doubtful = survivors.indices.filter { !isMisled[$0] }
    var isPromising = isMisled
    let best = try selection.losses(at: doubtful.map { survivors[$0] })
    for (n, best) in zip(doubtful, best) { isPromising[n] = best.map { odds[n] > $0 } ?? true }
    let promising = survivors.indices.filter { isPromising[$0] }
    try selection.offer(offered[promising], at: promising.map { survivors[$0] })
    images = selection.best
    survivors = selection.survivors
    self.selection = selection
    return true
  }
}
