import Classification
import Statistics
import Synchronization

/// Who attacks and how: an attack, how far it may go, and the model it follows.
public struct Threat: Sendable {
  /// The search.
  public var attack: any Attack
  /// Norm and radius.
  public var budget: PerturbationBudget
  /// The model whose gradient the attack follows: the bare network of an attacker who does not know
  /// of the defence, or the defence itself.
  public var surrogate: any DifferentiableClassifier

  /// An attack within a budget through a model.
  public init(
    _ attack: any Attack, within budget: PerturbationBudget,
    through surrogate: any DifferentiableClassifier
  ) {
    self.attack = attack
    self.budget = budget
    self.surrogate = surrogate
  }
}

/// How a classifier does on labelled images, as they are or under attack.
///
/// Examples are taken in blocks, which may run at once. Neither the size of the blocks nor the order or number of
/// threads changes a result.
public struct Evaluation: Sendable {
  /// Names the random numbers of the attack and, under another purpose, those that score.
  public var seed: UInt64
  /// The most examples in a block; if nil, as many as need about 64 forward passes through the network together
  /// for one gradient of the surrogate, but one at least (defences bound the batches of their own
  /// predictions).
  public var blockSize: Int?
  /// R, the number of predictions that score an example, each on draws of its own; a classifier that is
  /// not randomised makes one.
  public var scoringDraws: Int
  /// The number of predictions, on draws that neither search nor score, by which the worst of several
  /// attacks on an example is chosen later; a classifier that is not randomised makes none.
  public var selectionDraws: Int
  /// What a detector computes of every image on the first scoring draw, by name; not computed if nil.
  ///
  /// `run` throws `ClassifierError` unless it tells the same statistics of every image, each of them a number or infinite.
  public var statistics: Detector?
  /// The same statistics together with the logits of the first scoring draw, of a classifier that computes
  /// both at once; nil of another.
  package var detecting: (any DetectingClassifier)?
  /// Runs the blocks.
  public var forEach: ForEach
  /// Threads among which the blocks are shared evenly.
  package var threadCount = 1

  /// An evaluation; on one thread unless `forEach` says otherwise.
  public init(
    seed: UInt64, blockSize: Int? = nil, scoringDraws: Int = 1, selectionDraws: Int = 0,
    forEach: @escaping ForEach = oneAfterTheOther
  ) {
    self.seed = seed
    self.blockSize = blockSize
    self.scoringDraws = scoringDraws
    self.selectionDraws = selectionDraws
    self.forEach = forEach
  }

  /// Examples that were taken together, once they are done.
  public struct Block: Sendable, Hashable, Codable {
    /// What came out, in the order of the data.
    public var outcomes: [EvaluationResult.Outcome]
    /// The images that went through networks for attack and judgement.
    public var passes: PassMeter.Count
    /// The time that attack and judgement took; it depends on the machine, as the outcomes do not.
    public var seconds: Double

    /// A block of examples that are done.
    public init(
      outcomes: [EvaluationResult.Outcome], passes: PassMeter.Count, seconds: Double
    ) {
      self.outcomes = outcomes
      self.passes = passes
      self.seconds = seconds
    }
  }

  /// Predicts every example, after the attack if there is one.
  ///
  /// - Parameters:
  ///   - classifier: the model under test.
  ///   - finished: called after every block; never at once from two threads.
  /// - Throws: `AttackError` if a setting is too small or the classes are not the data's,
  ///   `LabelledImagesError.repeatedIndex` if two examples would share their random numbers; otherwise what the
  ///   first failing block or its `finished` throws.
  public func run(
    _ classifier: some Classifier, on examples: LabelledImages, under threat: Threat? = nil,
    finished: @Sendable (Block) throws -> Void = { _ in }
  ) throws -> EvaluationResult {
    let found = Mutex([Int: EvaluationResult.Judged]())
    try forEachBlock(classifier, of: examples, under: threat) { place, judged, block in
      try finished(block)
      found.withLock { $0[place] = judged }
    }
    let blocks = found.withLock { $0.sorted { $0.key < $1.key } }
    return try EvaluationResult(blocks.map(\.value), of: examples)
  }

  /// As `run`, for callers that need no more than what `finished` is told: images are forgotten after their
  /// block, so that memory does not grow with their number.
  package func measure(
    _ classifier: some Classifier, on examples: LabelledImages, under threat: Threat? = nil,
    finished: @Sendable (Block) throws -> Void
  ) throws {
    try forEachBlock(classifier, of: examples, under: threat) { try finished($2) }
  }

  /// Judges the examples block by block, and hands on the number of every block with what came out; never at
  /// once from two threads.
  private func forEachBlock(
    _ classifier: some Classifier, of examples: LabelledImages, under threat: Threat?,
    finished: @Sendable (Int, EvaluationResult.Judged, Block) throws -> Void
  ) throws {
    guard classifier.classCount == examples.classCount else {
      throw AttackError.classCount(model: classifier.classCount, data: examples.classCount)
    }
    try examples.checkIndices()
    let size = blockSize(under: threat)
    for (name, value, least) in [
      ("block size", size, 1), ("number of scoring draws", scoringDraws, 1),
      ("number of selection draws", selectionDraws, 0),
    ] where value < least {
      throw AttackError.setting(name: name, value: value, least: least)
    }
    let blocks = EvenParts(of: examples.count, among: threadCount, atMost: size)
    let firstFailure = Mutex<(block: Int, error: any Error)?>(nil)
    forEach(blocks.count) { block in
      // A block after a failed one is not needed. One before it still is: the error of the first is
      // thrown.
      guard firstFailure.withLock({ $0.map { block < $0.block } ?? true }) else { return }
      do {
        let start = ContinuousClock.now
        let (judged, passes) = try PassMeter.count {
          try self.judged(examples[blocks[block]], by: classifier, under: threat)
        }
        // The lock also keeps blocks from being handed on at once.
        try firstFailure.withLock { _ in
          try finished(
            block, judged,
            Block(
              outcomes: judged.outcomes, passes: passes,
              seconds: (ContinuousClock.now - start) / .seconds(1)))
        }
      } catch {
        firstFailure.withLock {
          if $0.map({ block < $0.block }) ?? true { $0 = (block, error) }
        }
      }
    }
    if let failure = firstFailure.withLock(\.self) { throw failure.error }
  }

  /// The most examples in a block.
  package func blockSize(under threat: Threat?) -> Int {
    blockSize ?? max(1, 64 / max(threat?.surrogate.forwardPassesPerDecision ?? 1, 1))
  }

  /// A detector may be anybody's. An image that it says nothing of, or nothing that can be compared, would be left out
  /// of its curve without a word.
  ///
  /// - Throws: `ClassifierError` unless it tells the same statistics of every image, all of them numbers or infinite.
  private static func check(
    _ statistics: [[String: Double]], of examples: [Int]
  ) throws(ClassifierError) {
    guard statistics.count == examples.count else {
      throw .detectorCount(found: statistics.count, images: examples.count)
    }
    let names = Set(statistics.flatMap(\.keys)).sorted()
    for (values, example) in zip(statistics, examples) {
      if let name = names.first(where: { values[$0]?.isNaN ?? true }) {
        throw .statistic(name, image: example)
      }
    }
  }

  private func judged(
    _ block: LabelledImages, by classifier: some Classifier, under threat: Threat?
  ) throws -> EvaluationResult.Judged {
    let candidates =
      try threat.map {
        try $0.attack.search(block, within: $0.budget, through: $0.surrogate, seed: seed)
      } ?? block.pixels.tensor
    let images = try judgedImages(
      candidates, of: block, within: threat?.budget ?? .linf(.zero))
    var question = RepeatedQuestion(classifier, about: images.pixels)
    func draws(_ purpose: Purpose, _ step: Int) -> Draws {
      Draws(seed: seed, purpose: purpose, examples: block.indices, step: step)
    }
    let isRandomized = classifier.isRandomized
    var scores: [[Int]] = []
    var statistics: [[String: Double]]?
    if let detecting {
      let first = try detecting.checkedLogitsAndStatistics(
        of: images.pixels, draws: draws(.score, 0))
      scores.append(try argmax(rowsOf: first.logits))
      statistics = first.statistics
    }
    for step in scores.count..<(isRandomized ? scoringDraws : 1) {
      scores.append(try question.predictions(draws: draws(.score, step)))
    }
    let selections = try (0..<(isRandomized ? selectionDraws : 0)).map {
      try question.predictions(draws: draws(.select, $0))
    }
    statistics = try statistics ?? self.statistics?(images.pixels, draws(.score, 0))
    if let statistics { try Self.check(statistics, of: block.indices) }
    let distances = threat.map {
      $0.budget.norm.distances(of: images.pixels.tensor, from: block.pixels.tensor)
    }
    return EvaluationResult.Judged(
      images: images,
      outcomes: block.indices.indices.map { n in
        EvaluationResult.Outcome(
          index: block.indices[n], label: block.labels[n], predictions: scores.map { $0[n] },
          selectionMisses: selections.count { $0[n] != block.labels[n] },
          statistics: statistics?[n], distance: distances?[n])
      })
  }
}

/// The outcome of an evaluation, example by example in the order of the data.
public struct EvaluationResult: Sendable {
  /// One example as it came out.
  public struct Outcome: Sendable, Hashable, Codable {
    /// Where the image stands in its file of origin.
    public var index: Int
    /// The true class.
    public var label: Int
    /// The class predicted on each of the scoring draws; one at least.
    public var predictions: [Int]
    /// How many predictions on selection draws were wrong.
    public var selectionMisses: Int
    /// What a detector computes of the image, by name; nil without a detector.
    public var statistics: [String: Double]?
    /// How far the attacked image is from the image, in the norm of the attack and on the pixel scale; nil
    /// without an attack.
    public var distance: Double?

    /// An outcome; one prediction is one draw.
    public init(
      index: Int, label: Int, predictions: [Int], selectionMisses: Int = 0,
      statistics: [String: Double]? = nil, distance: Double? = nil
    ) {
      self.index = index
      self.label = label
      self.predictions = predictions
      self.selectionMisses = selectionMisses
      self.statistics = statistics
      self.distance = distance
    }

    /// The class predicted on the first draw.
    public var prediction: Int { predictions.first ?? -1 }

    /// Whether the first prediction is the true class.
    public var isCorrect: Bool { prediction == label }

    /// How many of the predictions are the true class.
    public var correctCount: Int { predictions.count { $0 == label } }
  }

  /// The outcome of every example.
  public let outcomes: [Outcome]
  /// The images that were predicted, adversarial if there was an attack, with true labels and
  /// indices: ready to be shown to another defence.
  public let images: LabelledImages

  /// The number of correct predictions.
  public var correctCount: Int { outcomes.count(where: \.isCorrect) }

  /// The share of correct predictions; NaN without examples.
  public var accuracy: Double { proportion.value }

  /// Correct predictions among all.
  public var proportion: Proportion {
    Proportion(successes: correctCount, trials: outcomes.count)
  }

  /// A block of examples after judgement.
  struct Judged: Sendable {
    var images: LabelledImages
    var outcomes: [Outcome]
  }

  init(_ blocks: [Judged], of examples: LabelledImages) throws {
    outcomes = blocks.flatMap(\.outcomes)
    images =
      blocks.isEmpty
      ? examples
      : try LabelledImages(
        pixels: Pixels(Tensor.concatenated(blocks.map(\.images.pixels.tensor))),
        labels: examples.labels, classCount: examples.classCount, indices: examples.indices)
  }
}
