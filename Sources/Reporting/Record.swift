import Foundation
import Statistics

/// One measured accuracy with everything that is needed to measure it again.
package struct EvaluationRecord: Sendable, Equatable {
  /// The version of the JSON layout that this code writes and reads.
  package static let schema = 3

  /// How well the statistics of MI-PL tell adversarial images from clean ones.
  package struct Detection: Codable, Sendable, Equatable {
    /// Area under the ROC curve of the paper's statistic, F_ŷ(x) − F_MI,ŷ(x); nil if no attack succeeded.
    package var aucConfidenceDrop: Double?
    /// Area under that of the official code's, max F(x) − max F_MI(x).
    package var aucMaximaDrop: Double?
    /// Clean images that were scored.
    package var clean: Int
    /// Adversarial images that were scored: those that were right before the attack and are wrong now.
    package var adversarial: Int
    /// 95% intervals of both areas.
    package var intervalConfidenceDrop: Interval?
    package var intervalMaximaDrop: Interval?
    /// Both areas over all attacked images: misled, still right or wrong from the start.
    package var aucConfidenceDropOfAll: Double?
    package var aucMaximaDropOfAll: Double?
    /// Share of clean images that are flagged where 95% of the successful adversarial ones are.
    package var falsePositivesAt95: Double?
    /// What other detectors' statistics are worth, by their names; nil without one.
    package var others: [String: Area]?

    /// How well a statistic tells attacked images from clean ones.
    package struct Area: Codable, Sendable, Equatable {
      /// The area under its ROC curve of successes; nil without one.
      package var ofSuccesses: Double?
      package var interval: Interval?
      /// The same of all attacked images.
      package var ofAll: Double

      package init(ofSuccesses: Double?, interval: Interval?, ofAll: Double) {
        self.ofSuccesses = ofSuccesses
        self.interval = interval
        self.ofAll = ofAll
      }
    }

    package init(
      aucConfidenceDrop: Double?, aucMaximaDrop: Double?, clean: Int, adversarial: Int,
      intervalConfidenceDrop: Interval? = nil, intervalMaximaDrop: Interval? = nil
    ) {
      self.intervalConfidenceDrop = intervalConfidenceDrop
      self.intervalMaximaDrop = intervalMaximaDrop
      self.aucConfidenceDrop = aucConfidenceDrop
      self.aucMaximaDrop = aucMaximaDrop
      self.clean = clean
      self.adversarial = adversarial
    }
  }

  /// How a randomised defence did on the several draws of every image, besides in the mean.
  package struct Repeated: Codable, Sendable, Equatable {
    /// Images whose true class was predicted most often, with Wilson's interval.
    package var majority: Int
    package var majorityInterval: Interval
    /// Images that were right on every draw, with Wilson's interval.
    package var always: Int
    package var alwaysInterval: Interval

    /// What was measured.
    package init(_ outcomes: RepeatedOutcomes) {
      majority = outcomes.majority.successes
      majorityInterval = outcomes.majority.wilsonInterval()
      always = outcomes.always.successes
      alwaysInterval = outcomes.always.wilsonInterval()
    }
  }

  /// Against the undefended network on the same images under the same attack.
  package struct Comparison: Codable, Sendable, Equatable {
    /// Accuracy of the defence less that of the network, on the first draw alone, with Newcombe's
    /// interval.
    package var difference: Double
    package var interval: Interval
    /// McNemar's exact test, and Holm's adjustment over all comparisons of the evaluation.
    package var pValue: Double
    package var adjustedPValue: Double

    package init(_ outcomes: PairedOutcomes, adjustedPValue: Double) {
      difference = outcomes.difference
      interval = outcomes.differenceInterval()
      pValue = outcomes.pValue
      self.adjustedPValue = adjustedPValue
    }
  }

  /// What the scored images are, whatever files they came from.
  package struct Examples: Codable, Sendable, Hashable {
    /// SHA-256 of indices, classes and pixels.
    package var identity: String
    /// Images that stand more than once among them.
    package var repeated: Int
    /// Images that the data set has among its training images as well, to the last bit.
    package var training: Int

    package init(identity: String, repeated: Int, training: Int) {
      self.identity = identity
      self.repeated = repeated
      self.training = training
    }
  }

  /// What the figures rest on, so that they can be measured again.
  package struct Provenance: Codable, Sendable, Equatable {
    /// What names the checkpoint's content: SHA-256 of tensors, architecture, scaling and readings.
    package var checkpoint: String
    /// SHA-256 of its file's bytes; nil without a file.
    package var checkpointFile: String?
    /// How names and shapes were read that do not decide what is computed, unless somebody confirmed it;
    /// nil without a file.
    package var readingsInDoubt: [String]?
    /// What names the content of the checkpoint on which a transfer attack searched.
    package var other: String?
    /// What the scored images are; nil where nobody said.
    package var examples: Examples?
    /// Where the images stand in their files: "3823-4322".
    package var indices: String
    /// Images of the mixing pool, where they are from, and the SHA-256 of what they are; nil for a
    /// defence without.
    package var pool: String?
    /// "nothing", "network", "defence" or "another network": whose gradient the attacker follows; of the
    /// worst of several attacks what each of them does, with semicolons.
    package var knowledge: String
    package var defenceParameters: [String: String]
    package var attackParameters: [String: String]
    package var selectionDraws: Int
    package var planProfile: String
    /// Images that went through the network to attack and to judge; nil where the images were measured
    /// together with others.
    package var forwardPasses: Int?
    package var backwardPasses: Int?
    /// Searches that followed a gradient, one for every image and model that was followed, and those of them
    /// that met zeros alone: their images stand for no robustness. Nil as the passes.
    package var searches: Int?
    package var blindSearches: Int?
    /// Time of all threads together; nil as the passes.
    package var seconds: Double?
    /// The file with every image's outcome, below the store.
    package var outcomes: String?
    /// How the defence's setting was chosen among others; nil if it was given.
    package var matching: Matching?

    package init(
      checkpoint: String, checkpointFile: String? = nil, readingsInDoubt: [String]? = nil,
      other: String? = nil, examples: Examples? = nil,
      indices: String, pool: String?, knowledge: String,
      defenceParameters: [String: String], attackParameters: [String: String], selectionDraws: Int,
      planProfile: String, forwardPasses: Int?, backwardPasses: Int?, searches: Int? = nil,
      blindSearches: Int? = nil, seconds: Double?, outcomes: String?
    ) {
      self.checkpoint = checkpoint
      self.other = other
      self.examples = examples
      self.checkpointFile = checkpointFile
      self.readingsInDoubt = readingsInDoubt
      self.indices = indices
      self.pool = pool
      self.knowledge = knowledge
      self.defenceParameters = defenceParameters
      self.attackParameters = attackParameters
      self.selectionDraws = selectionDraws
      self.planProfile = planProfile
      self.forwardPasses = forwardPasses
      self.backwardPasses = backwardPasses
      self.searches = searches
      self.blindSearches = blindSearches
      self.seconds = seconds
      self.outcomes = outcomes
    }
  }

  /// A choice among the settings of a defence by their accuracy on clean validation images.
  package struct Matching: Codable, Sendable, Hashable {
    /// A setting that competed.
    package struct Candidate: Codable, Sendable, Hashable {
      package var defence: String
      /// Its accuracy on those images.
      package var accuracy: Double

      package init(defence: String, accuracy: Double) {
        self.defence = defence
        self.accuracy = accuracy
      }
    }

    /// The accuracy that had to be kept, at the least price.
    package var target: Double
    /// Whether any of them keeps it; the most accurate was chosen otherwise.
    package var isReached: Bool
    /// All that competed, in the order of the plan.
    package var candidates: [Candidate]
    /// The number of validation images, and the SHA-256 of what they are.
    package var images: Int
    package var identity: String

    package init(
      target: Double, isReached: Bool, candidates: [Candidate], images: Int, identity: String
    ) {
      self.target = target
      self.isReached = isReached
      self.candidates = candidates
      self.images = images
      self.identity = identity
    }
  }

  /// A file of images that was scored in place of the data set's, as it was found.
  package struct Images: Codable, Sendable, Hashable {
    /// SHA-256 of indices, classes and pixels, whatever else is in the file and in which order.
    package var identity: String
    /// How the images were made, as the file says.
    package var attack: String?
    package var norm: String?
    package var epsilon: String?
    /// The network on which they were searched, as the file says.
    package var model: String?
    /// Images all of whose values are one.
    package var constant: Int
    /// How they compare with the images of the data set at their indices; nil: they were not compared, as
    /// the file names none.
    package var comparison: Comparison?

    /// Distances on the pixel scale from the data set's own images.
    package struct Comparison: Codable, Sendable, Hashable {
      package var medianLinf: Double
      package var largestLinf: Double
      package var medianL2: Double
      package var largestL2: Double
      /// Images that are the data set's to the last bit.
      package var unchanged: Int
      /// Images outside the ball that the file claims, but for rounding; nil if it claims none.
      package var beyond: Int?
      /// Images whose label is not the data set's.
      package var otherLabels: Int
      /// Images that are training images of the data set.
      package var training: Int

      package init(
        medianLinf: Double, largestLinf: Double, medianL2: Double, largestL2: Double,
        unchanged: Int, beyond: Int?, otherLabels: Int, training: Int
      ) {
        self.medianLinf = medianLinf
        self.largestLinf = largestLinf
        self.medianL2 = medianL2
        self.largestL2 = largestL2
        self.unchanged = unchanged
        self.beyond = beyond
        self.otherLabels = otherLabels
        self.training = training
      }
    }

    package init(
      identity: String, attack: String?, norm: String?, epsilon: String?, model: String? = nil,
      constant: Int,
      comparison: Comparison? = nil
    ) {
      self.identity = identity
      self.attack = attack
      self.norm = norm
      self.epsilon = epsilon
      self.model = model
      self.constant = constant
      self.comparison = comparison
    }
  }

  package let model: String
  package let defence: String
  package let attack: String
  package let dataset: String
  package let split: String
  /// The number of images judged; at least 1.
  package let n: Int
  /// Predictions of every image that were scored, each on draws of its own; 1 without randomness.
  package let scoringDraws: Int
  /// How many of the n · scoringDraws predictions were right.
  package let correct: Int
  /// 95% interval of the accuracy, over images.
  package let interval: Interval
  /// How a perturbation is measured: "linf" or "l2"; nil without an attack.
  package let norm: String?
  /// Radius of the perturbation ball in pixels as it was asked for, such as "8/255"; nil without
  /// an attack.
  package let epsilon: String?
  package let steps: Int
  package let restarts: Int
  package let seed: UInt64
  package let kernelSet: String
  package let forwardPassesPerDecision: Int
  /// Wall-clock time; nil where a record must not depend on the machine.
  package let secondsPerDecision: Double?
  /// λ, the weight of the image itself in the mixture.
  package let lambda: Double?
  /// The detection threshold of a combined defence.
  package let threshold: Double?
  /// N, the defence's draws for one decision.
  package let draws: Int?
  /// The attacker's draws for one gradient.
  package let attackDraws: Int?
  package let detection: Detection?
  package var repeated: Repeated?
  package var comparison: Comparison?
  /// Of the worst of several attacks on every image: how many images each of them broke, under its name;
  /// under "none" those that were as wrong before.
  package var brokenBy: [String: Int]?
  package var provenance: Provenance?
  /// The file that the images are from; nil for the data set's own.
  package var images: Images?
  /// What the sanity suite says of the defence: "passed", or "failed: " and the checks; nil if it was not
  /// asked. Figures that failed are not to be quoted.
  package var sanity: String?

  /// correct / (n · scoringDraws): the mean over images and draws.
  package var accuracy: Double { Double(correct) / (Double(n) * Double(scoringDraws)) }

  /// A checked record.
  ///
  /// - Throws: `RecordError` unless 0 ≤ correct ≤ n · scoringDraws, n ≥ 1, scoringDraws ≥ 1 and every number
  ///   is finite.
  package init(
    model: String, defence: String, attack: String, dataset: String, split: String, n: Int,
    scoringDraws: Int = 1, correct: Int, interval: Interval, norm: String?, epsilon: String?,
    steps: Int, restarts: Int, seed: UInt64,
    kernelSet: String, forwardPassesPerDecision: Int, secondsPerDecision: Double? = nil,
    lambda: Double? = nil, threshold: Double? = nil, draws: Int? = nil, attackDraws: Int? = nil,
    detection: Detection? = nil
  ) throws(RecordError) {
    let (predictions, isTooMany) = n.multipliedReportingOverflow(by: scoringDraws)
    guard n >= 1, scoringDraws >= 1, !isTooMany, (0...predictions).contains(correct) else {
      throw .counts(correct: correct, n: n, scoringDraws: scoringDraws)
    }
    let numbers: [(name: String, value: Double?)] = [
      ("interval", interval.lower), ("interval", interval.upper),
      ("secondsPerDecision", secondsPerDecision), ("lambda", lambda), ("threshold", threshold),
      ("detection", detection?.aucConfidenceDrop), ("detection", detection?.aucMaximaDrop),
    ]
    for (name, value) in numbers {
      if let value, !value.isFinite { throw .notFinite(field: name) }
    }
    self.model = model
    self.defence = defence
    self.attack = attack
    self.dataset = dataset
    self.split = split
    self.n = n
    self.scoringDraws = scoringDraws
    self.correct = correct
    self.interval = interval
    self.norm = norm
    self.epsilon = epsilon
    self.steps = steps
    self.restarts = restarts
    self.seed = seed
    self.kernelSet = kernelSet
    self.forwardPassesPerDecision = forwardPassesPerDecision
    self.secondsPerDecision = secondsPerDecision
    self.lambda = lambda
    self.threshold = threshold
    self.draws = draws
    self.attackDraws = attackDraws
    self.detection = detection
  }
}

extension EvaluationRecord: Codable {
  private enum Field: String, CodingKey {
    case schema, model, defence, attack, dataset, split, n, scoringDraws, correct, accuracy,
      interval
    case norm, epsilon, steps, restarts, seed, kernelSet, forwardPassesPerDecision,
      secondsPerDecision, lambda
    case threshold, draws, attackDraws, detection, repeated, comparison, brokenBy, provenance,
      images, sanity
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Field.self)
    let schema = try fields.decode(Int.self, forKey: .schema)
    guard schema == Self.schema else { throw RecordError.schema(schema) }
    try self.init(
      model: fields.decode(String.self, forKey: .model),
      defence: fields.decode(String.self, forKey: .defence),
      attack: fields.decode(String.self, forKey: .attack),
      dataset: fields.decode(String.self, forKey: .dataset),
      split: fields.decode(String.self, forKey: .split),
      n: fields.decode(Int.self, forKey: .n),
      scoringDraws: fields.decode(Int.self, forKey: .scoringDraws),
      correct: fields.decode(Int.self, forKey: .correct),
      interval: fields.decode(Interval.self, forKey: .interval),
      norm: fields.decodeIfPresent(String.self, forKey: .norm),
      epsilon: fields.decodeIfPresent(String.self, forKey: .epsilon),
      steps: fields.decode(Int.self, forKey: .steps),
      restarts: fields.decode(Int.self, forKey: .restarts),
      seed: fields.decode(UInt64.self, forKey: .seed),
      kernelSet: fields.decode(String.self, forKey: .kernelSet),
      forwardPassesPerDecision: fields.decode(Int.self, forKey: .forwardPassesPerDecision),
      secondsPerDecision: fields.decodeIfPresent(Double.self, forKey: .secondsPerDecision),
      lambda: fields.decodeIfPresent(Double.self, forKey: .lambda),
      threshold: fields.decodeIfPresent(Double.self, forKey: .threshold),
      draws: fields.decodeIfPresent(Int.self, forKey: .draws),
      attackDraws: fields.decodeIfPresent(Int.self, forKey: .attackDraws),
      detection: fields.decodeIfPresent(Detection.self, forKey: .detection))
    repeated = try fields.decodeIfPresent(Repeated.self, forKey: .repeated)
    comparison = try fields.decodeIfPresent(Comparison.self, forKey: .comparison)
    brokenBy = try fields.decodeIfPresent([String: Int].self, forKey: .brokenBy)
    provenance = try fields.decodeIfPresent(Provenance.self, forKey: .provenance)
    images = try fields.decodeIfPresent(Images.self, forKey: .images)
    sanity = try fields.decodeIfPresent(String.self, forKey: .sanity)
    // The accuracy is there for readers of the file; a record that contradicts itself is refused.
    // One unit in the last place of 1 allows for a writer that rounds the quotient differently.
    let stated = try fields.decode(Double.self, forKey: .accuracy)
    guard abs(stated - accuracy) <= .ulpOfOne else {
      throw RecordError.accuracy(stated, correct: correct, of: n * scoringDraws)
    }
  }

  /// Every field is written, `null` where there is no value, so that all records share one set of
  /// columns.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(Self.schema, forKey: .schema)
    try fields.encode(model, forKey: .model)
    try fields.encode(defence, forKey: .defence)
    try fields.encode(attack, forKey: .attack)
    try fields.encode(dataset, forKey: .dataset)
    try fields.encode(split, forKey: .split)
    try fields.encode(n, forKey: .n)
    try fields.encode(scoringDraws, forKey: .scoringDraws)
    try fields.encode(correct, forKey: .correct)
    try fields.encode(accuracy, forKey: .accuracy)
    try fields.encode(interval, forKey: .interval)
    try fields.encode(norm, forKey: .norm)
    try fields.encode(epsilon, forKey: .epsilon)
    try fields.encode(steps, forKey: .steps)
    try fields.encode(restarts, forKey: .restarts)
    try fields.encode(seed, forKey: .seed)
    try fields.encode(kernelSet, forKey: .kernelSet)
    try fields.encode(forwardPassesPerDecision, forKey: .forwardPassesPerDecision)
    try fields.encode(secondsPerDecision, forKey: .secondsPerDecision)
    try fields.encode(lambda, forKey: .lambda)
    try fields.encode(threshold, forKey: .threshold)
    try fields.encode(draws, forKey: .draws)
    try fields.encode(attackDraws, forKey: .attackDraws)
    try fields.encode(detection, forKey: .detection)
    try fields.encode(repeated, forKey: .repeated)
    try fields.encode(comparison, forKey: .comparison)
    try fields.encode(brokenBy, forKey: .brokenBy)
    try fields.encode(provenance, forKey: .provenance)
    try fields.encode(images, forKey: .images)
    try fields.encode(sanity, forKey: .sanity)
  }
}

extension [EvaluationRecord] {
  /// A JSON array with sorted keys, shortest exact numbers and a newline at the end: equal records
  /// are equal bytes.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  /// The records in a JSON array.
  ///
  /// - Throws: `RecordError` that names the first record and field that cannot be read.
  package init(json: Data) throws(RecordError) {
    if let key = JSONKeys.repeated(in: json) {
      throw .unreadable(place: "the file", reason: "has \"\(key)\" twice in one object")
    }
    do {
      self = try JSONDecoder().decode([EvaluationRecord].self, from: json)
    } catch let error as RecordError {
      throw error
    } catch DecodingError.keyNotFound(let key, let context) {
      throw .unreadable(place: place(context.codingPath + [key]), reason: "is missing")
    } catch DecodingError.valueNotFound(_, let context) {
      throw .unreadable(place: place(context.codingPath), reason: "has no value")
    } catch DecodingError.typeMismatch(let type, let context) {
      throw .unreadable(place: place(context.codingPath), reason: "is not of type \(type)")
    } catch {
      throw .unreadable(place: "the file", reason: "is not valid JSON")
    }
  }
}

private func place(_ path: [any CodingKey]) -> String {
  let names = path.map { key in key.intValue.map { "record \($0 + 1)" } ?? key.stringValue }
  return names.isEmpty ? "the file" : names.joined(separator: ", ")
}

/// What can be wrong with a record.
package enum RecordError: ExplainedError, Equatable {
  case counts(correct: Int, n: Int, scoringDraws: Int)
  case notFinite(field: String)
  case schema(Int)
  case accuracy(Double, correct: Int, of: Int)
  case unreadable(place: String, reason: String)

  package var description: String {
    switch self {
    case .counts(let correct, let n, let draws):
      "\(correct) correct of \(n) images, \(draws) predictions each, is no accuracy; "
        + "evaluate one image at least"
    case .notFinite(let field):
      "\(field) of a record is not a finite number; leave out what was not measured"
    case .schema(let found):
      "a record has schema \(found), this version reads \(EvaluationRecord.schema); "
        + "use the version that wrote it or evaluate again"
    case .accuracy(let stated, let correct, let predictions):
      "a record says accuracy \(stated) but \(correct) of \(predictions) correct; evaluate again"
    case .unreadable(let place, let reason):
      "cannot read the records: \(place) \(reason); evaluate again or mend the file"
    }
  }
}
