import Datasets
import NeuralNetwork
import Synchronization

/// Calls body(0), …, body(count − 1), each once, in any order and possibly at once, and returns when
/// all are done; the shape of a pool of threads.
public typealias ForEach = @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

/// Who attacks and how: an attack, its radius, and the model it follows.
public struct Threat: Sendable {
  /// The search.
  public var attack: any Attack
  /// The ℓ∞ radius on the pixel scale.
  public var epsilon: Epsilon
  /// The model whose gradient the attack follows: the bare network of an attacker who does not know
  /// of the defence, or the defence itself.
  public var surrogate: any DifferentiableClassifier

  /// An attack within ε through a model.
  public init(
    _ attack: any Attack, within epsilon: Epsilon, through surrogate: any DifferentiableClassifier
  ) {
    self.attack = attack
    self.epsilon = epsilon
    self.surrogate = surrogate
  }
}

/// How a classifier does on labelled images, as they are or under attack.
///
/// Examples are taken in fixed blocks, which may run at once. Neither the size of the blocks nor the
/// order or number of threads changes a result.
public struct Evaluation: Sendable {
  /// Names the random numbers: those of the attack and, under another purpose, those that score.
  public var seed: UInt64
  /// Examples in a block; if nil, as many as keep a gradient of the surrogate at about 64 passes
  /// through the network (defences bound their own predictions).
  public var blockSize: Int?
  /// Runs the blocks.
  public var forEach: ForEach

  /// An evaluation; on one thread unless `forEach` says otherwise.
  public init(
    seed: UInt64, blockSize: Int? = nil,
    forEach: @escaping ForEach = { count, body in for block in 0..<count { body(block) } }
  ) {
    self.seed = seed
    self.blockSize = blockSize
    self.forEach = forEach
  }

  /// Predicts every example, after the attack if there is one.
  ///
  /// - Parameters:
  ///   - classifier: the model under test.
  ///   - progress: called after every block with the number of its examples; never at
  ///     once from two threads.
  /// - Throws: `AttackError` if the block size is below 1 or the classes are not the data's;
  ///   otherwise what the first failing block throws.
  public func run(
    _ classifier: some Classifier, on examples: LabelledImages, under threat: Threat? = nil,
    progress: @Sendable (_ examples: Int) -> Void = { _ in }
  ) throws -> EvaluationResult {
    guard classifier.classCount == examples.classCount else {
      throw AttackError.classCount(model: classifier.classCount, data: examples.classCount)
    }
    let size = blockSize ?? max(1, 64 / max(threat?.surrogate.forwardPassesPerDecision ?? 1, 1))
    guard size >= 1 else {
      throw AttackError.setting(name: "block size", value: size, least: 1)
    }
    let starts = Array(stride(from: 0, to: examples.count, by: size))
    let state = Mutex(State(blocks: starts.count))
    forEach(starts.count) { block in
      // A block after a failed one is not needed; one before it still decides which error is thrown.
      guard state.withLock({ $0.failure.map { block < $0.block } ?? true }) else { return }
      let positions = starts[block]..<min(starts[block] + size, examples.count)
      do {
        let judgement = try judgement(of: examples[positions], by: classifier, under: threat)
        state.withLock {
          $0.judgements[block] = judgement
          progress(positions.count)
        }
      } catch {
        state.withLock {
          if $0.failure.map({ block < $0.block }) ?? true { $0.failure = (block, error) }
        }
      }
    }
    let (judgements, failure) = state.withLock { ($0.judgements.compactMap(\.self), $0.failure) }
    if let failure { throw failure.error }
    return try EvaluationResult(judgements, of: examples)
  }

  private struct State {
    var judgements: [Judgement?]
    var failure: (block: Int, error: any Error)?

    init(blocks: Int) { judgements = Array(repeating: nil, count: blocks) }
  }

  private func judgement(
    of block: LabelledImages, by classifier: some Classifier, under threat: Threat?
  ) throws -> Judgement {
    guard let threat else {
      return try judge(
        block.pixels.tensor, of: block, within: .zero, by: classifier, seed: seed)
    }
    let candidates = try threat.attack.search(
      block, within: threat.epsilon, through: threat.surrogate, seed: seed)
    return try judge(candidates, of: block, within: threat.epsilon, by: classifier, seed: seed)
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
    /// The class predicted.
    public var prediction: Int

    /// Whether the prediction is the true class.
    public var isCorrect: Bool { prediction == label }
  }

  /// The outcome of every example.
  public let outcomes: [Outcome]
  /// The images that were predicted, adversarial if there was an attack, with true labels and
  /// indices: ready to be shown to another defence.
  public let images: LabelledImages

  /// The number of correct predictions.
  public var correctCount: Int { outcomes.count(where: \.isCorrect) }

  /// The share of correct predictions; NaN without examples.
  public var accuracy: Double { Double(correctCount) / Double(outcomes.count) }

  init(_ judgements: [Judgement], of examples: LabelledImages) throws {
    let predictions = judgements.flatMap(\.predictions)
    outcomes = zip(predictions, zip(examples.indices, examples.labels)).map {
      Outcome(index: $0.1.0, label: $0.1.1, prediction: $0.0)
    }
    images =
      judgements.isEmpty
      ? examples
      : try LabelledImages(
        pixels: Pixels(Tensor.concatenated(judgements.map(\.images.pixels.tensor))),
        labels: examples.labels, classCount: examples.classCount, indices: examples.indices)
  }
}
