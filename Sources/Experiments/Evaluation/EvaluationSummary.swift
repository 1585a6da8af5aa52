import Foundation
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics

/// The results of an evaluation as records and tables.
package struct EvaluationSummary: Sendable {
  /// Every defence under every attack, in the order of the plan.
  package let results: [JobResult]
  /// One for every result, and behind those of a defence one for the worst of its attacks.
  package let records: [EvaluationRecord]
  /// What the sanity suite says, by defence; empty if it was not asked.
  package let sanity: [SanityReport]

  /// The name of the worst of several attacks on every image.
  static let worst = "worst"

  /// - Throws: `RecordError` if a result has no examples.
  package init(_ results: [JobResult], sanity: [SanityReport] = []) throws {
    self.results = results
    self.sanity = sanity
    // What is compared with the undefended network, under the same attack on the same images.
    let pairs = results.map { result in
      result.job.defence.name == .none
        ? nil
        : results.first { other in
          var job = result.job
          job.defence = other.job.defence
          return other.job.defence.name == .none && other.job.matches(job)
        }.map { PairedOutcomes(result.outcomes.map(\.isCorrect), $0.outcomes.map(\.isCorrect)) }
    }
    var adjusted = holmAdjusted(pairs.compactMap { $0?.pValue })[...]
    var records: [EvaluationRecord] = []
    for (place, result) in results.enumerated() {
      let clean = results.first {
        $0.isOfSameDefence(as: result) && $0.job.attack.name == .none
      }
      records.append(
        try Self.record(
          result,
          comparison: pairs[place].map {
            EvaluationRecord.Comparison($0, adjustedPValue: adjusted.removeFirst())
          }, detection: clean.flatMap { Self.detection(of: result, beside: $0) }))
      let isLast =
        place + 1 == results.count || !results[place + 1].isOfSameDefence(as: result)
      if isLast {
        let group = results.filter { $0.isOfSameDefence(as: result) }
        if let worst = try Self.worst(group) { records.append(worst) }
      }
    }
    self.records = records.map { record in
      var record = record
      record.sanity =
        sanity.first {
          $0.model == record.model && $0.defence.name.rawValue == record.defence
            && $0.defence.parameters == record.provenance?.defenceParameters
        }?.summary
      return record
    }
  }

  // MARK: Records

  private static func record(
    _ result: JobResult, outcomes: [EvaluationResult.Outcome]? = nil, attack: String? = nil,
    comparison: EvaluationRecord.Comparison? = nil, brokenBy: [String: Int]? = nil,
    detection: EvaluationRecord.Detection? = nil
  ) throws -> EvaluationRecord {
    var result = result
    result.outcomes = outcomes ?? result.outcomes
    let job = result.job
    let correct = Proportion(result.outcomes.lazy.map(\.isCorrect))
    let decisions =
      result.isRandomized ? job.scoringDraws + job.selectionDraws : 1
    var record = try EvaluationRecord(
      model: job.model, defence: job.defence.name.rawValue,
      attack: attack ?? job.attack.name.rawValue, dataset: job.dataset, split: job.split,
      n: correct.trials, correct: correct.successes, interval: correct.wilsonInterval(),
      epsilon: job.attack.epsilon?.description, steps: job.attack.steps ?? 0,
      restarts: job.attack.restarts ?? 0, seed: job.seed, kernelSet: job.kernelSet.rawValue,
      forwardPassesPerDecision: result.forwardPassesPerDecision,
      secondsPerDecision: job.attack.name == .none
        ? result.seconds / Double(max(correct.trials, 1) * decisions) : nil,
      lambda: job.defence.lambda.flatMap { Double("\($0)") },
      threshold: job.defence.threshold.flatMap { Double("\($0)") }, draws: job.defence.draws,
      attackDraws: job.defence.name == .none ? nil : job.attack.draws, detection: detection)
    if result.isRandomized, !result.outcomes.isEmpty {
      record.repeated = EvaluationRecord.Repeated(result.repeated)
    }
    record.comparison = comparison
    record.brokenBy = brokenBy
    record.provenance = EvaluationRecord.Provenance(
      checkpoint: job.checkpoint, checkpointFile: result.origin?.digest,
      readingsInDoubt: result.origin?.doubts,
      indices: job.indices.description, pool: job.pool?.description,
      knowledge: job.knowledge, norm: job.attack.budget?.norm.rawValue,
      defenceParameters: job.defence.parameters, attackParameters: job.attack.parameters,
      selectionDraws: job.selectionDraws, planProfile: job.planProfile.rawValue,
      forwardPasses: result.passes.forward, backwardPasses: result.passes.backward,
      seconds: result.seconds, outcomes: try job.fileName())
    return record
  }

  /// How well the detector's statistics tell attacked images from the same images before the attack; nil
  /// without statistics, without an attack or if none succeeded.
  private static func detection(
    of result: JobResult, beside clean: JobResult
  ) -> EvaluationRecord.Detection? {
    guard result.job.attack.name != .none else { return nil }
    func values(_ outcomes: [EvaluationResult.Outcome], _ statistic: DetectionStatistic) -> [Double]
    {
      outcomes.compactMap { $0.statistics?[statistic.rawValue] }
    }
    let broken = result.outcomes.filter { !$0.isCorrect }
    func area(
      _ statistic: DetectionStatistic, _ outcomes: [EvaluationResult.Outcome]
    ) -> AreaUnderCurve? {
      try? AreaUnderCurve(
        negatives: values(clean.outcomes, statistic), positives: values(outcomes, statistic))
    }
    guard let drop = area(.confidenceDrop, broken), let maxima = area(.maximaDrop, broken) else {
      return nil
    }
    var detection = EvaluationRecord.Detection(
      aucConfidenceDrop: drop.value, aucMaximaDrop: maxima.value, clean: clean.outcomes.count,
      adversarial: broken.count)
    detection.intervalConfidenceDrop = drop.interval()
    detection.intervalMaximaDrop = maxima.interval()
    detection.aucConfidenceDropOfAll = area(.confidenceDrop, result.outcomes)?.value
    detection.aucMaximaDropOfAll = area(.maximaDrop, result.outcomes)?.value
    let curve = try? ReceiverOperatingCharacteristic(
      negatives: values(clean.outcomes, .confidenceDrop),
      positives: values(broken, .confidenceDrop))
    detection.falsePositivesAt95 = curve?.point(atTruePositiveRate: 0.95).falsePositiveRate
    return detection
  }

  /// For every image the attack that misled most often on the selection draws, scored on draws that had
  /// no part in the choice; of a network the attack that broke it. Among equals the one that misled
  /// most over all images counts, so that a weak attack's luck is not preferred, then the earlier one.
  /// Nil with a single attack, or if the choice would have to be made on the draws that score.
  private static func worst(_ group: [JobResult]) throws -> EvaluationRecord? {
    guard let first = group.first, group.filter({ $0.job.attack.name != .none }).count > 1,
      !first.isRandomized || first.job.selectionDraws > 0,
      group.allSatisfy({ $0.outcomes.map(\.index) == first.outcomes.map(\.index) })
    else { return nil }
    func misses(_ outcome: EvaluationResult.Outcome) -> Int {
      first.isRandomized ? outcome.selectionMisses : outcome.isCorrect ? 0 : 1
    }
    let strongestFirst = group.enumerated().map { place, result in
      (total: result.outcomes.reduce(0) { $0 + misses($1) }, place: place, result: result)
    }.sorted { ($1.total, $0.place) < ($0.total, $1.place) }.map(\.result)
    var worst = first
    var brokenBy: [String: Int] = [:]
    for n in first.outcomes.indices {
      guard
        let winner = strongestFirst.max(by: { misses($0.outcomes[n]) < misses($1.outcomes[n]) })
      else { continue }
      worst.outcomes[n] = winner.outcomes[n]
      if misses(winner.outcomes[n]) > 0 {
        brokenBy[winner.job.attack.name.rawValue, default: 0] += 1
      }
    }
    worst.job.attack =
      group.last(where: { $0.job.attack.name != .none })?.job.attack ?? first.job.attack
    worst.passes = group.reduce(PassMeter.Count()) { $0 + $1.passes }
    worst.seconds = group.reduce(0) { $0 + $1.seconds }
    return try record(worst, attack: Self.worst, brokenBy: brokenBy)
  }

  // MARK: Tables

  /// An attack's name, with the parameters by which it differs from others of that name.
  private func title(of record: EvaluationRecord) -> String {
    let namesakes = records.filter {
      $0.model == record.model && $0.defence == record.defence && $0.attack == record.attack
        && $0.provenance?.defenceParameters == record.provenance?.defenceParameters
        && $0.epsilon == record.epsilon
    }
    let own = record.provenance?.attackParameters ?? [:]
    let differing = own.filter { parameter in
      namesakes.contains { $0.provenance?.attackParameters[parameter.key] != parameter.value }
    }
    return ([record.attack] + differing.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
      .joined(separator: ", ")
  }

  /// The records as a table for a terminal.
  package var table: Table {
    Table(
      columns: [
        "model", "defence", "attack", "ε", "accuracy", "95% interval", "majority", "always",
        "against none", "p (Holm)", "n",
      ],
      rows: records.map { record in
        let repeated = record.repeated
        return [
          Table.Cell(record.model), Table.Cell(record.defence), Table.Cell(title(of: record)),
          Table.Cell(record.epsilon ?? "–"), Table.Cell(percent(repeated?.mean ?? record.accuracy)),
          Table.Cell(range(repeated?.meanInterval ?? record.interval)),
          Table.Cell(
            repeated.map { percent(Double($0.majority) / Double(record.n)) } ?? "–"),
          Table.Cell(repeated.map { percent(Double($0.always) / Double(record.n)) } ?? "–"),
          Table.Cell(
            record.comparison.map {
              "\(signed(100 * $0.difference)) (\(signed(100 * $0.interval.lower)) to \(signed(100 * $0.interval.upper)))"
            } ?? "–"),
          Table.Cell(record.comparison.map { probability($0.adjustedPValue) } ?? "–"),
          Table.Cell("\(record.n)"),
        ]
      },
      alignments: [4: .right, 5: .right, 6: .right, 7: .right, 8: .right, 9: .right])
  }

  /// What to say before any figure: which may not be quoted, and why; nil without an attack.
  package var warning: String? {
    guard results.contains(where: { $0.job.attack.budget != nil }) else { return nil }
    guard !sanity.isEmpty else {
      return "not checked: --sanity 50 asks whether these figures can be believed"
    }
    let failed = sanity.filter { !$0.failures.isEmpty }
    guard !failed.isEmpty else { return "the sanity suite passed" }
    return failed.map {
      "DO NOT QUOTE the figures of \($0.defence.name.rawValue): \($0.summary)"
    }.joined(separator: "\n")
  }

  /// How well attacked images are detected, and which attack was the worst for how many images.
  package var remarks: [String] {
    let detections = records.compactMap { record -> String? in
      guard let detection = record.detection, let drop = detection.aucConfidenceDrop,
        let interval = detection.intervalConfidenceDrop, let all = detection.aucConfidenceDropOfAll
      else { return nil }
      func area(_ value: Double) -> String { fixed(value, decimals: 2) }
      return "\(record.model), \(record.defence) under \(record.attack): detected with an area of "
        + "\(area(drop)) (\(area(interval.lower)) to \(area(interval.upper))) under the ROC curve of "
        + "\(detection.adversarial) successes, \(area(all)) of all"
    }
    return doubts + detections + breakers
  }

  /// Of every network that may compute another function than was measured.
  private var doubts: [String] {
    var seen = Set<String>()
    return records.compactMap { record in
      guard let doubts = record.provenance?.readingsInDoubt, !doubts.isEmpty,
        seen.insert(record.model).inserted
      else { return nil }
      return
        "\(record.model): read with \(doubts.joined(separator: ", ")), which its tensors do not "
        + "decide; --reading confirms it"
    }
  }

  private var breakers: [String] {
    records.compactMap { record in
      guard let brokenBy = record.brokenBy else { return nil }
      let parts = brokenBy.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { "\($0.key) \($0.value)" }
      let text = parts.isEmpty ? "none" : parts.joined(separator: ", ")
      return "\(record.model), \(record.defence): of \(record.n) images broken by \(text)"
    }
  }

  /// One line per record under a line of names, for spreadsheets.
  package var csv: String {
    let columns = [
      "model", "defence", "attack", "dataset", "epsilon", "n", "correct", "accuracy", "lower",
      "upper", "draws", "mean", "meanLower", "meanUpper", "majority", "always", "difference",
      "differenceLower", "differenceUpper", "p", "pHolm", "knowledge", "seed", "checkpoint",
      "forwardPasses", "backwardPasses", "checkpointFile",
    ]
    func text(_ value: (some CustomStringConvertible)?) -> String { value.map { "\($0)" } ?? "" }
    let lines = records.map { r -> String in
      let fields: [String] = [
        r.model, r.defence, r.attack, r.dataset, text(r.epsilon), text(r.n), text(r.correct),
        text(r.accuracy), text(r.interval.lower), text(r.interval.upper), text(r.repeated?.draws),
        text(r.repeated?.mean), text(r.repeated?.meanInterval.lower),
        text(r.repeated?.meanInterval.upper), text(r.repeated?.majority), text(r.repeated?.always),
        text(r.comparison?.difference), text(r.comparison?.interval.lower),
        text(r.comparison?.interval.upper), text(r.comparison?.pValue),
        text(r.comparison?.adjustedPValue), text(r.provenance?.knowledge), text(r.seed),
        text(r.provenance?.checkpoint), text(r.provenance?.forwardPasses),
        text(r.provenance?.backwardPasses), text(r.provenance?.checkpointFile),
      ]
      return fields.map(quoted).joined(separator: ",")
    }
    return ([columns.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }
}

extension EvaluationJob {
  /// Whether the other is about the same model, images and attack; an attacker of the network alone
  /// needs to know nothing of the defence.
  fileprivate func matches(_ other: EvaluationJob) -> Bool {
    var a = self
    a.attack = other.attack
    a.pool = other.pool
    return a == other && attack.onNetwork == other.attack.onNetwork
  }
}

extension JobResult {
  fileprivate func isOfSameDefence(as other: JobResult) -> Bool {
    var job = self.job
    job.attack = other.job.attack
    return job == other.job
  }
}

/// "+3.2", "−0.4".
private func signed(_ value: Double) -> String {
  (value < 0 ? "−" : "+") + fixed(abs(value), decimals: 1)
}

/// "12.3–45.6".
private func range(_ interval: Interval) -> String {
  "\(fixed(100 * interval.lower, decimals: 1))–\(fixed(100 * interval.upper, decimals: 1))"
}

/// "0.031", "< 0.001".
private func probability(_ p: Double) -> String {
  p < 0.001 ? "< 0.001" : fixed(p, decimals: 3)
}

/// A field of RFC 4180.
private func quoted(_ text: String) -> String {
  text.contains { ",\"\n\r".contains($0) }
    ? "\"\(text.replacingOccurrences(of: "\"", with: "\"\""))\"" : text
}
