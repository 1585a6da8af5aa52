import Classification
import Foundation
import Statistics
import Synchronization

/// What a check found out about an evaluation.
public struct SanityVerdict: Sendable, Hashable, Codable {
  /// Whether the figures may be quoted.
  public enum Outcome: String, Sendable, Codable {
    case passed
    /// The figures may not be quoted.
    case failed
    /// The attack that should be weaker did better, but by so few images that it may be chance.
    case undecided = "not decided"
    /// The check does not apply to this evaluation.
    case skipped
  }

  /// A short name.
  public var name: String
  /// What should be so, as a sentence.
  public var claim: String
  /// Whether it is so.
  public var outcome: Outcome
  /// The figures that say so, or why there are none.
  public var evidence: String

  /// A verdict.
  public init(name: String, claim: String, outcome: Outcome, evidence: String) {
    self.name = name
    self.claim = claim
    self.outcome = outcome
    self.evidence = evidence
  }
}

/// Checks whether an evaluation of robustness can be believed, by what it would have to show if its
/// classifier, labels, randomness and attack were what they are said to be.
///
/// After Carlini et al., "On evaluating adversarial robustness", 2019; Tramèr et al., NeurIPS 2020; and
/// Zimmermann et al., NeurIPS 2022. Comparisons are of the same images, by McNemar's exact test on one
/// side at a level of 1%, so that a sound evaluation fails one of ten about once in ten runs at most.
public struct SanitySuite: Sendable {
  /// How much an attack spends, in multiples of what the evaluation does.
  public struct Effort: Sendable {
    /// The multiple of steps, or queries.
    public var steps = 1
    /// The multiple of draws for a gradient.
    public var draws = 1

    /// As much as the evaluation spends, or the given multiples.
    public init(steps: Int = 1, draws: Int = 1) {
      self.steps = steps
      self.draws = draws
    }
  }

  /// What is evaluated.
  public var classifier: any DifferentiableClassifier
  /// The network inside; the same if there is no defence.
  public var network: any DifferentiableClassifier
  /// Whether there is a defence.
  public var isDefended: Bool
  /// Whether the evaluation's attack follows all that is evaluated: the defence if there is one,
  /// otherwise the network itself. An attack that does not says nothing of robustness.
  public var isAdaptive = true
  /// The images, with the labels that the evaluation uses.
  public var examples: LabelledImages
  /// The same images as the data set has them, clean and with its labels; nil if it is not known which of its
  /// images they are.
  public var originals: LabelledImages?
  /// The evaluation's radius.
  public var budget: PerturbationBudget
  /// The search of the evaluation's attack at a given effort, to be led through any model.
  public var search: @Sendable (Effort) -> any Attack
  /// The evaluation's attack within a given budget and at a given effort.
  public var threat: @Sendable (PerturbationBudget, Effort) throws -> Threat
  /// Another network for the same images, from which attacks may transfer; nil if there is none.
  public var other: (any DifferentiableClassifier)?
  /// Names the random numbers.
  public var seed: UInt64
  /// Runs blocks of images.
  public var forEach: ForEach

  /// A suite for one classifier under one attack.
  public init(
    classifier: any DifferentiableClassifier, network: any DifferentiableClassifier,
    isDefended: Bool, examples: LabelledImages, originals: LabelledImages?,
    budget: PerturbationBudget,
    search: @escaping @Sendable (Effort) -> any Attack,
    threat: @escaping @Sendable (PerturbationBudget, Effort) throws -> Threat,
    other: (any DifferentiableClassifier)? = nil, seed: UInt64,
    forEach: @escaping ForEach = oneAfterTheOther
  ) {
    self.classifier = classifier
    self.network = network
    self.isDefended = isDefended
    self.examples = examples
    self.originals = originals
    self.budget = budget
    self.search = search
    self.threat = threat
    self.other = other
    self.seed = seed
    self.forEach = forEach
  }

  /// One check.
  struct Check {
    var name: String
    var claim: String
    var run: (SanitySuite) throws -> (SanityVerdict.Outcome, String)
  }

  /// The names of the checks, in the order in which they run.
  public static var names: [String] { checks.map(\.name) }

  /// Every verdict. A check fails where an answer of the classifier cannot be used, such as NaN.
  ///
  /// - Parameter finished: called after every check; what it throws ends the suite.
  /// - Throws: what attacks and classifiers throw, but for `ClassifierError`, with which the check fails, or is
  ///   skipped where the model gives no gradient.
  public func run(finished: (SanityVerdict) throws -> Void = { _ in }) throws -> [SanityVerdict] {
    try Self.checks.map { check in
      let verdict = try verdict(of: check)
      try finished(verdict)
      return verdict
    }
  }

  /// The verdict of one check; nil if there is none of that name.
  package func verdict(of name: String) throws -> SanityVerdict? {
    try Self.checks.first { $0.name == name }.map(verdict)
  }

  private func verdict(of check: Check) throws -> SanityVerdict {
    let (outcome, evidence): (SanityVerdict.Outcome, String)
    do {
      (outcome, evidence) =
        examples.count == 0 ? (.skipped, "there are no images") : try check.run(self)
    } catch ClassifierError.noGradient {
      (outcome, evidence) = (.skipped, "the model gives no gradient")
    } catch let error as ClassifierError {
      (outcome, evidence) = (.failed, error.description)
    }
    return SanityVerdict(
      name: check.name, claim: check.claim, outcome: outcome, evidence: evidence)
  }

  // MARK: Measuring

  /// Which images come out right.
  func correct(
    under threat: Threat?, by classifier: (any DifferentiableClassifier)? = nil,
    on images: LabelledImages? = nil, blockSize: Int? = nil
  ) throws -> [Bool] {
    let classifier = classifier ?? self.classifier
    return try Evaluation(seed: seed, blockSize: blockSize, forEach: forEach)
      .run(classifier, on: images ?? examples, under: threat).outcomes.map(\.isCorrect)
  }

  /// The passes that an attack costs, and its searches without a gradient.
  func passes(under threat: Threat) throws -> PassMeter.Count {
    let passes = Mutex(PassMeter.Count())
    _ = try Evaluation(seed: seed, forEach: forEach).run(classifier, on: examples, under: threat) {
      block in passes.withLock { $0 = $0 + block.passes }
    }
    return passes.withLock(\.self)
  }

  /// As `correct`, under the evaluation's attack.
  func attacked(
    _ effort: Effort = Effort(), within budget: PerturbationBudget? = nil
  ) throws -> [Bool] {
    try correct(under: threat(budget ?? self.budget, effort))
  }

  /// Fails if fewer images come out right in the first case than in the second, by more than chance
  /// explains; not decided where they are fewer, but chance may explain it.
  package func expect(
    _ first: (String, [Bool]), noLessRobustThan second: (String, [Bool])
  ) -> (SanityVerdict.Outcome, String) {
    let pairs = PairedOutcomes(first.1, second.1)
    return (
      pairs.pValueOfLess < 0.01
        ? .failed : first.1.count { $0 } < second.1.count { $0 } ? .undecided : .passed,
      "still right: \(first.0) \(share(first.1)), \(second.0) \(share(second.1))"
    )
  }

  /// "12 of 40".
  func share(_ correct: [Bool]) -> String { "\(correct.count { $0 }) of \(correct.count)" }

  func draws(_ purpose: Purpose = .measure, step: Int = 0) -> Draws {
    Draws(seed: seed, purpose: purpose, examples: examples.indices, step: step)
  }
}
