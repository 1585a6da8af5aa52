import Classification
import Foundation
import MixupInference
import NeuralNetwork
import Reporting
import Robustness
import Statistics

/// The results of an evaluation as records and tables.
public struct EvaluationSummary: Sendable {
  /// Every defence under every attack, in the order of the plan.
  package let results: [JobResult]
  /// One for every result, and behind those of a defence under several attacks one for every ball that they
  /// search: for the worst of its attacks.
  package var records: [EvaluationRecord] { rows.map(\.record) }
  /// What the sanity suite says, by defence; empty if it was not asked.
  package let sanity: [SanityReport]
  private var rows: [Row] = []

  /// A record as tables name it: what else there is decides what has to be said.
  private struct Row {
    var record: EvaluationRecord
    var job: EvaluationJob
    var defence: String
    var attack: String
  }

  /// Accuracy over the radius, of every attack that looks for the nearest image, beside the clean images; and for
  /// several of a ball, of the nearest image that any of them found.
  package private(set) var curves: [AccuracyCurve] = []

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
    for (place, result) in results.enumerated() {
      let group = results.filter { $0.isOfSameDefence(as: result) }
      let clean = group.first { $0.job.attack.name == .none }
      let defence = Self.defenceTitle(of: result, among: results)
      let attack = Self.attackTitle(of: result, among: group)
      let nearest = clean.flatMap { NearestOutcomes(result, clean: $0) }
      if let nearest, let norm = result.job.attack.budget?.norm {
        curves.append(
          AccuracyCurve(
            model: result.job.model, defence: defence, attack: attack, norm: norm,
            count: result.outcomes.count, points: nearest.curve))
      }
      rows.append(
        Row(
          record: try record(
            result,
            comparison: pairs[place].map {
              EvaluationRecord.Comparison($0, adjustedPValue: adjusted.removeFirst())
            }, detection: clean.flatMap { Self.detection(of: result, beside: $0) },
            nearest: nearest.map { Self.nearest($0, of: result, among: group, clean: clean) }),
          job: result.job, defence: defence, attack: attack))
      let isLast =
        place + 1 == results.count || !results[place + 1].isOfSameDefence(as: result)
      if isLast {
        rows += try worst(of: group).map {
          Row(record: $0.record, job: $0.job, defence: defence, attack: $0.record.attack.rawValue)
        }
        for ball in Self.balls(of: group) {
          guard let clean, let nearest = nearestOfAll(in: ball, of: group, clean: clean) else {
            continue
          }
          curves.append(
            AccuracyCurve(
              model: result.job.model, defence: defence,
              attack: EvaluationRecord.Attack.worst.rawValue, norm: ball.norm,
              count: result.outcomes.count, points: nearest.curve))
        }
      }
    }
  }

  // MARK: Titles

  /// An attack's name, with the parameters by which it differs from others of its name in the same ball.
  private static func attackTitle(of result: JobResult, among group: [JobResult]) -> String {
    let attack = result.job.attack
    let own = title(
      attack.name.rawValue, attack.parameters,
      among: group.map(\.job.attack).filter {
        $0.name == attack.name && $0.budget == attack.budget
      }.map(\.parameters))
    guard let file = result.job.images else { return own }
    return attack.name == .none ? file.title : "\(own) on \(file.title)"
  }

  /// A defence's name, with the parameters by which it differs from others of its name.
  private static func defenceTitle(of result: JobResult, among results: [JobResult]) -> String {
    let defence = result.job.defence
    return title(
      defence.name.rawValue, defence.parameters,
      among: results.map(\.job.defence).filter { $0.name == defence.name }.map(\.parameters))
  }

  /// A name, with the parameters by which it differs from its namesakes.
  static func title(
    _ name: String, _ own: [String: String], among namesakes: [[String: String]]
  ) -> String {
    let differing = own.filter { parameter in
      namesakes.contains { $0[parameter.key] != parameter.value }
    }
    return ([name] + differing.asList).joined(separator: ", ")
  }

  // MARK: Records

  private func record(
    _ result: JobResult, comparison: EvaluationRecord.Comparison? = nil,
    detection: EvaluationRecord.Detection? = nil, nearest: EvaluationRecord.Nearest? = nil,
    worstOf: [String: Int]? = nil,
    knowledge: Set<AttackName.Knowledge>? = nil
  ) throws -> EvaluationRecord {
    let (job, circumstances) = (result.job, result.job.circumstances)
    let count = result.outcomes.count
    guard count > 0 else {
      throw RecordError.counts(correct: 0, n: 0, scoringDraws: result.scoringDraws)
    }
    let isWorst = worstOf != nil
    let decisions = result.isRandomized ? result.scoringDraws + circumstances.selectionDraws : 1
    let defendedDraws =
      job.defence.name == .none && !result.isRandomized ? nil : job.attack.draws
    let correct = result.outcomes.reduce(0) { $0 + $1.correctCount }
    return try EvaluationRecord(
      model: job.model, defence: job.defence.name,
      attack: isWorst ? .worst : .named(job.attack.name), dataset: job.dataset,
      split: job.split, n: count, scoringDraws: result.scoringDraws, correct: correct,
      accuracy: Double(correct) / Double(count * result.scoringDraws),
      interval: result.accuracy.interval, norm: job.attack.budget?.norm,
      epsilon: job.attack.epsilon, steps: isWorst ? 0 : job.attack.steps ?? 0,
      stepSize: isWorst ? nil : job.attack.stepSizeUsed,
      restarts: isWorst ? 0 : job.attack.setting("restarts") ?? 0, seed: circumstances.seed,
      kernelSet: circumstances.kernelSet,
      forwardPassesPerDecision: result.forwardPassesPerDecision,
      secondsPerDecision: job.attack.name == .none
        ? result.cost.map { $0.seconds / Double(count * decisions) } : nil,
      lambda: job.defence.parameters["lambda"].flatMap { try? MixingRatio($0) },
      threshold: job.defence.parameters["threshold"].flatMap { Double($0) },
      draws: job.defence.parameters["draws"].flatMap { Int($0) },
      attackDraws: isWorst ? nil : defendedDraws, detection: detection,
      repeated: result.isRandomized ? EvaluationRecord.Repeated(result.repeated) : nil,
      nearest: nearest, comparison: comparison, brokenBy: worstOf,
      provenance: EvaluationRecord.Provenance(
        checkpoint: circumstances.checkpoint, checkpointFile: job.origin?.digest,
        process: job.process,
        readingsInDoubt: job.origin?.doubts, other: circumstances.other, examples: job.examples,
        indices: IndexRanges(result.outcomes.map(\.index)), pool: job.pool?.description,
        knowledge: EvaluationRecord.Knowledge(
          knowledge ?? Set([job.knowledge].compactMap(\.self))),
        defenceParameters: job.defence.parameters,
        attackParameters: isWorst ? [:] : job.attack.parameters,
        selectionDraws: circumstances.selectionDraws, planProfile: circumstances.planProfile,
        forwardPasses: result.cost?.passes.forward, backwardPasses: result.cost?.passes.backward,
        sparedPasses: result.cost?.passes.spared,
        searches: result.cost?.passes.followed, blindSearches: result.cost?.passes.withoutGradient,
        seconds: result.cost?.seconds, outcomes: isWorst ? nil : try job.key.fileName(),
        matching: job.matching, program: ProgramIdentity.digest),
      images: job.images, sanity: sanity.first { $0.isAbout(job, isWorst: isWorst) }?.summary
    ).checked()
  }

  private static func nearest(
    _ found: NearestOutcomes, of result: JobResult, among group: [JobResult], clean: JobResult?
  ) -> EvaluationRecord.Nearest {
    let rivals = group.filter { $0.job.attack.budget == result.job.attack.budget }
      .compactMap { rival in clean.flatMap { NearestOutcomes(rival, clean: $0) } }
    let count = Double(result.outcomes.count)
    return EvaluationRecord.Nearest(
      distances: found.distances, median: found.median,
      optimality: rivals.count > 1 ? found.optimality(among: rivals) : nil,
      forwardPasses: result.cost.map { Double($0.passes.forward) / count },
      backwardPasses: result.cost.map { Double($0.passes.backward) / count })
  }

  /// How well the detector's statistics tell attacked images from the same images before the attack: those
  /// that were right before and are wrong now, and all of them, whatever they were and are; nil without
  /// statistics or without an attack. Without a success there is no area of successes.
  private static func detection(
    of result: JobResult, beside clean: JobResult
  ) -> EvaluationRecord.Detection? {
    guard result.job.attack.name != .none else { return nil }
    let (drops, maximaDrops) = (
      DetectionStatistic.confidenceDrop.rawValue, DetectionStatistic.maximaDrop.rawValue
    )
    let broken = Detection(
      clean: clean.outcomes, attacked: result.outcomes.successes(over: clean.outcomes))
    let all = Detection(clean: clean.outcomes, attacked: result.outcomes)
    let names = Set(clean.outcomes.flatMap { ($0.statistics ?? [:]).keys })
    guard !names.isEmpty else { return nil }
    let (drop, maxima) = (broken.area(drops), broken.area(maximaDrops))
    var detection = EvaluationRecord.Detection(
      aucConfidenceDrop: drop?.value, aucMaximaDrop: maxima?.value, clean: clean.outcomes.count,
      adversarial: broken.attacked.count, intervalConfidenceDrop: drop?.interval(),
      intervalMaximaDrop: maxima?.interval(), aucConfidenceDropOfAll: all.area(drops)?.value,
      aucMaximaDropOfAll: all.area(maximaDrops)?.value,
      falsePositivesAt95:
        broken.curve(drops)?.point(atTruePositiveRate: 0.95).falsePositiveRate)
    for name in names.subtracting([drops, maximaDrops]) {
      let ofSuccesses = broken.area(name)
      detection.others = detection.others ?? [:]
      detection.others?[name] = all.area(name).map {
        EvaluationRecord.Detection.Area(
          ofSuccesses: ofSuccesses?.value, interval: ofSuccesses?.interval(), ofAll: $0.value)
      }
    }
    return detection
  }

  /// The worst of the attacks on one defence, for every ball that they search: an attack that may go
  /// further says nothing of a smaller ball, nor one norm of another. None if there is a single attack, or if
  /// the choice would have to be made on the draws that score. Who knows these draws is in no position to attack.
  private func worst(
    of group: [JobResult]
  ) throws -> [(record: EvaluationRecord, job: EvaluationJob)] {
    let group = group.filter { $0.job.knowledge != .draws }
    guard let first = group.first, group.count(where: { $0.job.attack.budget != nil }) > 1,
      !first.isRandomized || first.job.circumstances.selectionDraws > 0,
      group.allSatisfy({ $0.outcomes.map(\.index) == first.outcomes.map(\.index) })
    else { return [] }
    return try Self.balls(of: group).map { ball in
      // The image itself lies in every ball.
      try worst(
        in: ball, of: group.filter { ($0.job.attack.budget ?? ball) == ball })
    }
  }

  /// The balls that attacks search, in the order of the plan.
  private static func balls(of group: [JobResult]) -> [PerturbationBudget] {
    group.compactMap(\.job.attack.budget).reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
  }

  /// How often an image misled on the selection draws; of a network whether it did.
  private static func misses(_ result: JobResult, _ n: Int) -> Int {
    let outcome = result.outcomes[n]
    return result.isRandomized ? outcome.selectionMisses : outcome.isCorrect ? 0 : 1
  }

  /// For every image the nearest that any attack on a ball found, of those that mislead most often on the
  /// selection draws. None of a single attack, or if the choice would have to be made on the draws that score.
  private func nearestOfAll(
    in ball: PerturbationBudget, of group: [JobResult], clean: JobResult
  ) -> NearestOutcomes? {
    let rivals = group.filter {
      $0.job.attack.budget == ball && NearestOutcomes($0, clean: clean) != nil
    }
    guard var nearest = rivals.first, rivals.count > 1,
      !nearest.isRandomized || nearest.job.circumstances.selectionDraws > 0
    else { return nil }
    for n in nearest.outcomes.indices {
      func rank(_ result: JobResult) -> (Int, Double) {
        (Self.misses(result, n), -(result.outcomes[n].distance ?? .infinity))
      }
      if let best = rivals.max(by: { rank($0) < rank($1) }) {
        nearest.outcomes[n] = best.outcomes[n]
      }
    }
    return NearestOutcomes(nearest, clean: clean)
  }

  /// For every image the attack that misled most often on the selection draws, scored on draws that had
  /// no part in the choice; of a network the attack that broke it. Among equals the one that misled
  /// most over all images counts, so that a weak attack's luck is not preferred, then the earlier one.
  private func worst(
    in ball: PerturbationBudget, of group: [JobResult]
  ) throws -> (record: EvaluationRecord, job: EvaluationJob) {
    let strongestFirst = group.enumerated().map { place, result in
      (
        total: result.outcomes.indices.reduce(0) { $0 + Self.misses(result, $1) }, place: place,
        result: result
      )
    }.sorted { ($1.total, $0.place) < ($0.total, $1.place) }.map(\.result)
    let clean = group.first { $0.job.attack.name == .none }
    var worst = strongestFirst[0]
    var brokenBy: [String: Int] = [:]
    for n in worst.outcomes.indices {
      guard let winner = strongestFirst.max(by: { Self.misses($0, n) < Self.misses($1, n) }) else {
        continue
      }
      worst.outcomes[n] = winner.outcomes[n]
      guard Self.misses(winner, n) > 0 else { continue }
      // What was as wrong before was broken by no attack, whoever's image is scored.
      let isClean = clean.map { Self.misses($0, n) == Self.misses(winner, n) } ?? false
      brokenBy[
        isClean ? AttackName.none.rawValue : Self.attackTitle(of: winner, among: group), default: 0] +=
        1
    }
    worst.job.attack = group.first { $0.job.attack.budget == ball }?.job.attack ?? worst.job.attack
    worst.cost = group.reduce(JobResult.Cost.nothing as JobResult.Cost?) { sum, result in
      sum.flatMap { sum in result.cost.map { sum + $0 } }
    }
    let knowledge = Set(group.compactMap(\.job.knowledge))
    return (try record(worst, worstOf: brokenBy, knowledge: knowledge), worst.job)
  }

  // MARK: Tables

  /// The records as a table for a terminal.
  package var table: Table {
    Table(
      columns: [
        "model", "defence", "attack", "norm", "ε", "accuracy", "95% interval", "majority vote",
        "always",
        "against none", "p (Holm)", "n",
      ],
      rows: rows.map { row in
        let record = row.record
        return [
          Table.Cell(record.model), Table.Cell(row.defence), Table.Cell(row.attack),
          Table.Cell(record.norm?.rawValue ?? "–"),
          Table.Cell(record.epsilon?.description ?? "–"),
          Table.Cell(percent(record.accuracy)), Table.Cell(range(record.interval)),
          Table.Cell(
            record.repeated.map { percent(Double($0.majority) / Double(record.n)) } ?? "–"),
          Table.Cell(
            record.repeated.map { percent(Double($0.always) / Double(record.n)) } ?? "–"),
          Table.Cell(
            record.comparison.map {
              "\(signed(100 * $0.difference)) (\(signed(100 * $0.interval.lower)) to \(signed(100 * $0.interval.upper)))"
            } ?? "–"),
          Table.Cell(record.comparison.map { probability($0.adjustedPValue) } ?? "–"),
          Table.Cell("\(record.n)"),
        ]
      },
      alignments: [5: .right, 6: .right, 7: .right, 8: .right, 9: .right, 10: .right], keys: 5)
  }

  /// The table for LaTeX. Model, ball and number of images stand in the caption where they are the same in all rows, with how the figures came about and
  /// why they are not to be quoted, if so.
  ///
  /// - Parameter command: the words of the command that measured them.
  package func latex(command: [String]) -> String {
    let whole = self.table
    let empty = whole.columns.indices.filter { column in
      whole.rows.allSatisfy { $0[column].text == "–" }
    }.map { whole.columns[$0] }
    // A figure stands in its place even where it is the same for all.
    let (table, common) = whole.withoutRepetition(in: Set(empty + ["model", "norm", "ε", "n"]))
    func each(_ records: [EvaluationRecord], _ value: (EvaluationRecord) -> String) -> String {
      Set(records.map(value)).sorted().joined(separator: ", ")
    }
    let random = records.filter { $0.repeated != nil }
    let program = command.first.map { [URL(filePath: $0).lastPathComponent] } ?? []
    let caption: [String?] = [
      "Accuracy of a single prediction with its 95% interval over images",
      random.isEmpty
        ? nil
        : "of a randomised defence the mean over \(each(random) { "\($0.scoringDraws)" }) draws",
      "\(each(records, \.dataset)), \(each(records, \.split.rawValue))",
      common.filter { $0.text != "–" }.map { "\($0.column) \($0.text)" }.joined(separator: ", "),
      "seed \(each(records) { "\($0.seed)" }), kernel set \(each(records, \.kernelSet.rawValue))",
      warning.map { $0.replacing("\n", with: "; ") },
      "made by: " + (program + command.dropFirst()).map(\.asWord).joined(separator: " "),
    ]
    return table.latex(
      caption: caption.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "; ") + ".",
      label: "tab:evaluation")
  }

  /// What to say before any figure: which may not be quoted, and why; nil without an attack.
  package var warning: String? {
    let lines =
      Set(results.compactMap(\.job.images)).flatMap(\.warnings) + doubtfulExamples + blindness
      + unreachable + ownNetwork
      + [suiteWarning].compactMap(\.self)
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  /// Attacks that had nothing to follow on some images.
  private var blindness: [String] {
    rows.filter { $0.record.attack != .worst }.compactMap { row in
      guard let blind = row.record.provenance?.blindSearches, blind > 0,
        let searches = row.record.provenance?.searches
      else { return nil }
      return
        "DO NOT QUOTE \(title(of: row)) under \(row.attack): \(blind) of \(searches) searches met no "
        + "gradient but 0, and say nothing of how robust their images are"
    }
  }

  /// Images that count more than once, or that networks were trained on.
  private var doubtfulExamples: [String] {
    Set(results.compactMap(\.job.examples)).flatMap { examples in
      [
        examples.repeated > 0
          ? "\(examples.repeated) of the images stand among them before; intervals take them for others"
          : nil,
        examples.training > 0
          ? "\(examples.training) of the images are training images of the data set, to the last bit"
          : nil,
      ].compactMap(\.self)
    }
  }

  /// Attacks whose steps together do not lead to the edge of their ball.
  private var unreachable: [String] {
    rows.filter { $0.record.attack != .worst }.compactMap { row in
      let attack = row.job.attack
      guard let (steps, size) = attack.attack?.walk, let radius = attack.epsilon,
        !size.reaches(radius, inSteps: steps)
      else { return nil }
      return
        "DO NOT QUOTE \(title(of: row)) under \(row.attack): \(steps) steps of \(size) do not reach "
        + "\(radius)"
    }
  }

  /// Transfer attacks that searched on the network under test.
  private var ownNetwork: [String] {
    results.contains { $0.job.circumstances.other == $0.job.circumstances.checkpoint }
      ? ["the other network of the transfer attacks is the network under test itself"] : []
  }

  private var suiteWarning: String? {
    guard results.contains(where: { $0.job.attack.budget != nil }) else { return nil }
    guard !sanity.isEmpty else {
      return "not checked: --sanity 50 asks whether these figures can be believed"
    }
    let failed = sanity.filter { !$0.failures.isEmpty }
    guard !failed.isEmpty else {
      return sanity.map {
        "the sanity suite of \($0.defence.title) under \($0.attack.title) \($0.summary)"
      }
      .joined(separator: "\n")
    }
    return failed.map {
      "DO NOT QUOTE the figures of \($0.defence.title): \($0.summary)"
    }.joined(separator: "\n")
  }

  /// How well attacked images are detected, which attack was the worst for how many images, and what a
  /// reader could take for a mistake.
  package var remarks: [String] {
    let detections = rows.flatMap { row -> [String] in
      guard let detection = row.record.detection else { return [] }
      let title = "\(title(of: row)) under \(row.attack)"
      let own = detection.aucConfidenceDropOfAll.map {
        Self.remark(
          on: EvaluationRecord.Detection.Area(
            ofSuccesses: detection.aucConfidenceDrop, interval: detection.intervalConfidenceDrop,
            ofAll: $0), of: row.record, title: title)
      }
      let others = (detection.others ?? [:]).sorted { $0.key < $1.key }.map { name, area in
        Self.remark(on: area, of: row.record, title: "\(title), by \(name)")
      }
      return (own.map { [$0] } ?? []) + others
    }
    return doubts + processes + Set(results.compactMap(\.job.images)).map(\.text) + detections
      + nearest + breakers + ignorance + luck + randomness
  }

  private static func remark(
    on found: EvaluationRecord.Detection.Area, of record: EvaluationRecord, title: String
  ) -> String {
    func area(_ value: Double) -> String { fixed(value, decimals: 2) }
    let ofAll = "\(area(found.ofAll)) of all \(record.n) attacked images, misled or not"
    guard let drop = found.ofSuccesses, let interval = found.interval else {
      return "\(title): no success to detect; an area under the ROC curve of \(ofAll)"
    }
    return "\(title): detected with an area of "
      + "\(area(drop)) (\(area(interval.lower)) to \(area(interval.upper))) under the ROC curve of "
      + "\(record.detection?.adversarial ?? 0) successes, \(ofAll)"
  }

  /// How near the images are that mislead, and what it cost to find them.
  private var nearest: [String] {
    rows.compactMap { row in
      guard let nearest = row.record.nearest else { return nil }
      let median = nearest.median.map { "\(fixed($0, decimals: 4)) away in the median" }
      let optimality = nearest.optimality.map {
        "; local optimality \(fixed($0, decimals: 3)) among the attacks of this ball"
      }
      let passes = nearest.forwardPasses.flatMap { forward in
        nearest.backwardPasses.map { backward in
          "; \(fixed(forward, decimals: 1)) forward and \(fixed(backward, decimals: 1)) backward passes "
            + "an image"
        }
      }
      return "\(title(of: row)) under \(row.attack): images that mislead are "
        + "\(median ?? "not there for half of those that are right")\(optimality ?? "")\(passes ?? "")"
    }
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

  /// Of every model that somebody else computes.
  private var processes: [String] {
    var seen = Set<String>()
    return results.compactMap { result in
      result.job.process.flatMap { process in
        seen.insert(result.job.model).inserted ? "\(result.job.model): \(process.text)" : nil
      }
    }
  }

  /// "mixup, mi-ol, lambda 0.6 within linf 3/20".
  private func title(of row: Row) -> String {
    "\(row.record.model), \(row.defence)"
      + (row.job.attack.budget.map { " within \($0.norm.rawValue) \($0.radius)" } ?? "")
  }

  private var breakers: [String] {
    rows.compactMap { row in
      guard let brokenBy = row.record.brokenBy else { return nil }
      let parts = brokenBy.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { "\($0.key) \($0.value)" }
      let text = parts.isEmpty ? "none" : parts.joined(separator: "; ")
      return "\(title(of: row)): of \(row.record.n) images broken by \(text)"
    }
  }

  /// Where nobody who knows the defence was among the attackers of a ball.
  private var ignorance: [String] {
    rows.compactMap { row in
      guard let provenance = row.record.provenance, row.record.attack == .worst,
        row.record.defence != .none, !provenance.knowledge.attackers.contains(.defence)
      else { return nil }
      return
        "\(title(of: row)): no attack of this ball knows the defence; one that does may leave far less"
    }
  }

  /// How much of what a randomised defence gains rests on draws that the attacker does not know.
  private var randomness: [String] {
    rows.filter { $0.job.knowledge == .draws }.compactMap { frozen in
      let others = rows.filter {
        $0.record.model == frozen.record.model && $0.defence == frozen.defence
          && $0.job.knowledge != .draws && $0.record.attack != .worst
      }
      // Without draws there is nothing to know.
      guard others.allSatisfy({ $0.record.repeated != nil }) else { return nil }
      let judged =
        "\(title(of: frozen)): \(frozen.attack) \(percent(frozen.record.accuracy)) is judged on draws "
        + "that it knows, as no attacker does"
      let adaptive = others.first {
        $0.job.knowledge == .defence && $0.job.attack.name.search == frozen.job.attack.name.search
          && $0.job.attack.parameters == frozen.job.attack.parameters
          && $0.job.attack.budget == frozen.job.attack.budget
      }
      guard let adaptive else { return judged }
      let difference = signed(100 * (adaptive.record.accuracy - frozen.record.accuracy))
      return judged + "; \(adaptive.attack), which does not, leaves "
        + "\(percent(adaptive.record.accuracy)): \(difference) points rest on randomness alone"
    }
  }

  /// Where "worst" is above the figure of one of its attacks.
  private var luck: [String] {
    rows.filter { $0.record.attack == .worst }.compactMap { worst in
      let lower = rows.first {
        $0.record.norm == worst.record.norm && $0.record.epsilon == worst.record.epsilon
          && $0.record.model == worst.record.model && $0.defence == worst.defence
          && $0.record.accuracy < worst.record.accuracy && $0.job.knowledge != .draws
      }
      return lower.map {
        "\(title(of: worst)): \(worst.attack) \(percent(worst.record.accuracy)) is above \($0.attack) "
          + "\(percent($0.record.accuracy)) because it was chosen, image by image, on other draws than those "
          + "that score; the difference is chance"
      }
    }
  }

  /// The records as comma-separated values: a line for each under a line of names.
  public var csv: String { records.csv }
}

extension EvaluationJob {
  /// Whether the other is about the same model, images and attack; an attacker of the network alone
  /// needs to know nothing of the defence.
  fileprivate func matches(_ other: EvaluationJob) -> Bool {
    var a = self
    a.attack = other.attack
    a.pool = other.pool
    a.matching = other.matching
    a.circumstances.other = other.circumstances.other
    return a == other && attack.onNetwork == other.attack.onNetwork
  }
}

extension JobResult {
  fileprivate func isOfSameDefence(as other: JobResult) -> Bool {
    var job = self.job
    job.attack = other.job.attack
    // Asked for by the attack alone.
    job.circumstances.other = other.job.circumstances.other
    return job == other.job
  }
}

extension String {
  /// The text as a word of a shell's command line.
  package var asWord: String {
    let isPlain =
      !isEmpty
      && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0)) }
    return isPlain ? self : "'\(replacing("'", with: "'\\''"))'"
  }
}

/// "+3.2", "−0.4".
private func signed(_ value: Double) -> String {
  (value < 0 ? "−" : "+") + fixed(abs(value), decimals: 1)
}

/// "12.3–45.6".
func range(_ interval: Interval) -> String {
  "\(fixed(100 * interval.lower, decimals: 1))–\(fixed(100 * interval.upper, decimals: 1))"
}

/// "0.031", "< 0.001".
private func probability(_ p: Double) -> String {
  p < 0.001 ? "< 0.001" : fixed(p, decimals: 3)
}

extension EvaluationRecord.Images {
  /// "the file's pgd, linf 3/20", or "the file's images" where it does not say what was done.
  package var title: String {
    let ball = epsilon.map { ", \((norm ?? .linf).rawValue) \($0)" } ?? ""
    let place = model.map { " on \($0)" } ?? ""
    let made = attack.flatMap { $0 == AttackName.none.rawValue ? nil : $0 } ?? "images"
    return "the file's \(made)\(ball)\(place)".printable
  }

  /// What is known of the images, in one line.
  package var text: String {
    let claim = attack == nil ? "\(title), made nobody says how" : title
    guard let comparison else {
      return
        "\(claim): not compared with the data set, as the file has no indices; \(constant) constant"
    }
    func distance(_ value: Double) -> String { fixed(value, decimals: 4) }
    return
      "\(claim): from the data set's images ℓ∞ \(distance(comparison.medianLinf)) in the median, "
      + "\(distance(comparison.largestLinf)) at most, ℓ2 \(distance(comparison.medianL2)) and "
      + "\(distance(comparison.largestL2)); \(comparison.unchanged) unchanged, \(constant) constant"
  }

  /// What to say before any figure of these images.
  var warnings: [String] {
    var warnings: [String] = []
    if let comparison {
      if comparison.otherLabels > 0 {
        warnings.append(
          "DO NOT QUOTE: \(comparison.otherLabels) labels of the file are not the data set's")
      }
      if let beyond = comparison.beyond, beyond > 0 {
        warnings.append(
          "DO NOT QUOTE: \(beyond) images are further from the data set's than "
            + "\((norm ?? .linf).rawValue) \(epsilon?.description ?? ""), which the file claims")
      }
      if comparison.training > 0 {
        warnings.append(
          "\(comparison.training) images are training images, on which networks do better")
      }
    } else {
      warnings.append("not compared with the data set: the file has no indices")
    }
    if constant > 0 {
      warnings.append(
        "\(constant) images are of one value throughout: some attacks write such images where they found none"
      )
    }
    return warnings
  }
}
