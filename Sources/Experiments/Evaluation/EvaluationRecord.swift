import Foundation
import Kernels
import MixupInference
import NeuralNetwork
import Robustness
import Statistics

/// One measured accuracy with everything that is needed to measure it again.
///
/// A record has every field of its own in JSON, `null` where there is no value, so that all records share one
/// set of columns.
package struct EvaluationRecord: Codable, Sendable, Equatable {
  /// The version of the JSON layout, written as its number; none but this code's can be read.
  package struct Schema: Codable, Sendable, Equatable {
    static let current = 3

    init() {}

    package init(from decoder: any Decoder) throws {
      let found = try Int(from: decoder)
      guard found == Self.current else { throw RecordError.schema(found, known: Self.current) }
    }

    package func encode(to encoder: any Encoder) throws { try Self.current.encode(to: encoder) }
  }

  /// Which attack the images were judged under.
  package enum Attack: RawRepresentable, Codable, Sendable, Equatable {
    case named(AttackName)
    /// On every image the one of several attacks that misled most.
    case worst

    package init?(rawValue: String) {
      if rawValue == Self.worst.rawValue {
        self = .worst
      } else if let name = AttackName(rawValue: rawValue) {
        self = .named(name)
      } else {
        return nil
      }
    }

    package var rawValue: String {
      if case .named(let name) = self { name.rawValue } else { "worst" }
    }
  }

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
    init(_ outcomes: RepeatedOutcomes) {
      majority = outcomes.majority.successes
      majorityInterval = outcomes.majority.wilsonInterval()
      always = outcomes.always.successes
      alwaysInterval = outcomes.always.wilsonInterval()
    }
  }

  /// What one search for the nearest images that mislead says of all radii.
  package struct Nearest: Codable, Sendable, Equatable {
    /// ‖x' − x‖ of every image, in the order of the indices: 0 of one that is misclassified as it is, null where
    /// nothing within the radius was found that misleads. Behind a randomised defence misclassified is whose true
    /// class is not predicted most often on the draws that score.
    package var distances: [Double?]
    /// That of the images that are right as they are, in the median; nil where fewer than half of them were
    /// misled.
    package var median: Double?
    /// How near the attack comes, image by image, to the nearest that any of several found, from 0 to 1
    /// (AttackBench's local optimality); nil of a single attack.
    package var optimality: Double?
    /// Passes for an image, to attack and to judge it; nil as the passes of `Provenance`.
    package var forwardPasses: Double?
    package var backwardPasses: Double?
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

    init(_ outcomes: PairedOutcomes, adjustedPValue: Double) {
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
  }

  /// What the attackers know, written as a list of it: "another network; network", or "nothing".
  package struct Knowledge: RawRepresentable, Codable, Sendable, Equatable {
    /// What each of them does; none without an attack.
    package var attackers: Set<AttackName.Knowledge>

    private static let (nothing, separator) = ("nothing", "; ")

    init(_ attackers: Set<AttackName.Knowledge>) { self.attackers = attackers }

    package init?(rawValue: String) {
      let names = rawValue == Self.nothing ? [] : rawValue.components(separatedBy: Self.separator)
      attackers = Set(names.compactMap(AttackName.Knowledge.init(rawValue:)))
      guard self.rawValue == rawValue else { return nil }
    }

    package var rawValue: String {
      attackers.isEmpty
        ? Self.nothing : attackers.map(\.rawValue).sorted().joined(separator: Self.separator)
    }
  }

  /// The process that computed a model. What it is, it says itself.
  package struct Process: Codable, Sendable, Hashable {
    /// The command of the shell that started it.
    package var command: String
    /// What it says that its answers depend on, such as a digest of its weights.
    package var declaredIdentity: String
    /// The largest difference that other images in a batch made to a logit, relative to the largest logit, as
    /// it was when the process was started.
    package var batchDifference: Float

    package init(command: String, declaredIdentity: String, batchDifference: Float) {
      self.command = command
      self.declaredIdentity = declaredIdentity
      self.batchDifference = batchDifference
    }

    /// What to know of a model that somebody else computes, in one line.
    var text: String {
      "computed by the process \"\(command)\", which says of itself \"\(declaredIdentity)\""
        + (batchDifference > 0
          ? "; batches change its logits by up to \(batchDifference) of the largest" : "")
    }
  }

  /// What the figures rest on, so that they can be measured again.
  package struct Provenance: Codable, Sendable, Equatable {
    /// What names the model's content: of a checkpoint, SHA-256 of tensors, architecture, scaling and readings.
    package var checkpoint: String
    /// SHA-256 of its file's bytes; nil without a file.
    package var checkpointFile: String?
    /// The process that computed the model; nil of one that is computed here.
    package var process: Process?
    /// How names and shapes were read that do not decide what is computed, unless somebody confirmed it;
    /// nil without a file.
    package var readingsInDoubt: [String]?
    /// What names the content of the checkpoint on which a transfer attack searched.
    package var other: String?
    /// What the scored images are; nil where nobody said.
    package var examples: Examples?
    /// Where the images stand in their files: "3823-4322".
    package var indices: IndexRanges
    /// Images of the mixing pool, where they are from, and the SHA-256 of what they are; nil for a
    /// defence without.
    package var pool: String?
    package var knowledge: Knowledge
    package var defenceParameters: [String: String]
    package var attackParameters: [String: String]
    package var selectionDraws: Int
    /// Nil of a model that is computed elsewhere.
    package var planProfile: PlanProfile?
    /// Images that went through the network to attack and to judge; nil where the images were measured
    /// together with others.
    package var forwardPasses: Int?
    package var backwardPasses: Int?
    /// Forward passes that were left out as the answer was known or could have changed nothing: without that
    /// it would have been `forwardPasses + sparedPasses`. Nil as the passes.
    package var sparedPasses: Int?
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
    /// The SHA-256 of the executable that wrote the record; nil where the system does not show it.
    package var program: String?
  }

  /// A choice among the settings of a defence by their accuracy on clean validation images.
  package struct Matching: Codable, Sendable, Hashable {
    /// A setting that competed.
    package struct Candidate: Codable, Sendable, Hashable {
      package var defence: String
      /// Its accuracy on those images.
      package var accuracy: Double
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
  }

  /// A file of images that was scored in place of the data set's, as it was found.
  package struct Images: Codable, Sendable, Hashable {
    /// SHA-256 of indices, classes and pixels, whatever else is in the file and in which order.
    package var identity: String
    /// How the images were made, as the file says.
    package var attack: String?
    package var norm: PerturbationBudget.Norm?
    package var epsilon: Epsilon?
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
    }
  }

  package var schema = Schema()
  package let model: String
  package let defence: DefenceName
  package let attack: Attack
  package let dataset: String
  package let split: EvaluationJob.Split
  /// The number of images judged; at least 1.
  package let n: Int
  /// Predictions of every image that were scored, each on draws of its own; 1 without randomness.
  package let scoringDraws: Int
  /// How many of the n · scoringDraws predictions were right.
  package let correct: Int
  /// correct / (n · scoringDraws): the mean over images and draws. For readers of the file: a record that
  /// contradicts itself is refused.
  package let accuracy: Double
  /// 95% interval of the accuracy, over images.
  package let interval: Interval
  /// How a perturbation is measured; nil without an attack.
  @OrNull package var norm: PerturbationBudget.Norm?
  /// Radius of the perturbation ball in pixels as it was asked for; nil without an attack.
  @OrNull package var epsilon: Epsilon?
  package let steps: Int
  /// The length of a step on the pixel scale, set or usual; nil without an attack, and of one whose steps
  /// have no fixed length.
  @OrNull package var stepSize: Double?
  package let restarts: Int
  package let seed: UInt64
  package let kernelSet: KernelSet
  package let forwardPassesPerDecision: Int
  /// Wall-clock time; nil where a record must not depend on the machine.
  @OrNull package var secondsPerDecision: Double?
  /// λ, the weight of the image itself in the mixture.
  @OrNull package var lambda: MixingRatio?
  /// The detection threshold of a combined defence.
  @OrNull package var threshold: Double?
  /// N, the defence's draws for one decision.
  @OrNull package var draws: Int?
  /// The attacker's draws for one gradient.
  @OrNull package var attackDraws: Int?
  @OrNull package var detection: Detection?
  @OrNull package var repeated: Repeated?
  @OrNull package var nearest: Nearest?
  @OrNull package var comparison: Comparison?
  /// Of the worst of several attacks on every image: how many images each of them broke, under its title;
  /// under "none" those that were as wrong before.
  @OrNull package var brokenBy: [String: Int]?
  @OrNull package var provenance: Provenance?
  /// The file that the images are from; nil for the data set's own.
  @OrNull package var images: Images?
  /// What the sanity suite says of the defence; nil if it was not asked. Figures that failed are not to be
  /// quoted.
  @OrNull package var sanity: SanityReport.Summary?

  /// The same record if it is one that can be.
  ///
  /// - Throws: `RecordError` unless 0 ≤ correct ≤ n · scoringDraws, n ≥ 1, scoringDraws ≥ 1, the accuracy is
  ///   what follows from them, and every number is finite.
  func checked() throws(RecordError) -> Self {
    let (predictions, isTooMany) = n.multipliedReportingOverflow(by: scoringDraws)
    guard n >= 1, scoringDraws >= 1, !isTooMany, (0...predictions).contains(correct) else {
      throw .counts(correct: correct, n: n, scoringDraws: scoringDraws)
    }
    let numbers: [(name: String, value: Double?)] = [
      ("interval", interval.lower), ("interval", interval.upper),
      ("stepSize", stepSize), ("secondsPerDecision", secondsPerDecision), ("threshold", threshold),
      ("detection", detection?.aucConfidenceDrop), ("detection", detection?.aucMaximaDrop),
      ("nearest", nearest?.median), ("nearest", nearest?.optimality),
    ]
    for (name, value) in numbers {
      if let value, !value.isFinite { throw .notFinite(field: name) }
    }
    // One unit in the last place of 1 allows for a writer that rounds the quotient differently.
    guard abs(accuracy - Double(correct) / Double(predictions)) <= .ulpOfOne else {
      throw .accuracy(accuracy, correct: correct, of: predictions)
    }
    return self
  }
}

/// What is written as `null` where it has no value, and read as none where it is `null` or missing.
@propertyWrapper
package struct OrNull<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
  package var wrappedValue: Value?

  package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  package init(from decoder: any Decoder) throws { wrappedValue = try Value?(from: decoder) }

  package func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

extension KeyedDecodingContainer {
  /// What synthesised decoding calls: of a field that is missing, `OrNull.init(from:)` is never asked.
  func decode<Value>(_ type: OrNull<Value>.Type, forKey key: Key) throws -> OrNull<Value> {
    OrNull(wrappedValue: try decodeIfPresent(Value.self, forKey: key))
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

  /// One record a line, with sorted keys and shortest exact numbers.
  package func jsonLines() throws -> Data {
    try reduce(into: Data()) { lines, record in
      lines += try JSONEncoder.canonical.encode(record) + Data("\n".utf8)
    }
  }

  /// The records in a JSON array.
  ///
  /// - Throws: `RecordError` that names the first record and field that cannot be read.
  package init(json: Data) throws(RecordError) {
    if let key = JSONKeys.repeated(in: json) {
      throw .unreadable(place: "the file", reason: "has \"\(key)\" twice in one object")
    }
    do {
      self = try JSONDecoder().decode([EvaluationRecord].self, from: json).map { try $0.checked() }
    } catch let error as RecordError {
      throw error
    } catch DecodingError.keyNotFound(let key, let context) {
      throw .unreadable(place: place(context.codingPath + [key]), reason: "is missing")
    } catch DecodingError.valueNotFound(_, let context) {
      throw .unreadable(place: place(context.codingPath), reason: "has no value")
    } catch DecodingError.typeMismatch(let type, let context) {
      throw .unreadable(place: place(context.codingPath), reason: "is not of type \(type)")
    } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
      throw .unreadable(
        place: place(context.codingPath), reason: "is wrong: \(context.debugDescription)")
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
  case schema(Int, known: Int)
  case accuracy(Double, correct: Int, of: Int)
  case unreadable(place: String, reason: String)

  package var description: String {
    switch self {
    case .counts(let correct, let n, let draws):
      "\(correct) correct of \(n) images, \(draws) predictions each, is no accuracy; "
        + "evaluate one image at least"
    case .notFinite(let field):
      "\(field) of a record is not a finite number; leave out what was not measured"
    case .schema(let found, let known):
      "a record has schema \(found), this version reads \(known); "
        + "use the version that wrote it or evaluate again"
    case .accuracy(let stated, let correct, let predictions):
      "a record says accuracy \(stated) but \(correct) of \(predictions) correct; evaluate again"
    case .unreadable(let place, let reason):
      "cannot read the records: \(place) \(reason); evaluate again or mend the file"
    }
  }
}
