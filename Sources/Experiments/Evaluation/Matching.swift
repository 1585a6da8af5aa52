import Classification
import Datasets
import Foundation
import NeuralNetwork
import Reporting
import Robustness
import Statistics

/// The setting of a defence that was chosen among several by clean accuracy: the one that costs as much of
/// it as is allowed.
package struct MatchedDefence: Sendable, Equatable, Keepable {
  /// What was chosen.
  package var defence: DefenceDescription
  /// How many settings there were.
  package var settings: Int
  /// Its accuracy on clean validation images.
  package var accuracy: Double
  /// The number of validation images.
  package var count: Int
  /// Whether it keeps the accuracy that was asked for; if it does not, no setting does.
  package var isReached: Bool
  /// What records say of the choice; not encoded.
  package var matching: EvaluationRecord.Matching?

  private enum CodingKeys: CodingKey {
    case defence, settings, accuracy, count, isReached
  }

  package init(
    defence: DefenceDescription, settings: Int, accuracy: Double, count: Int, isReached: Bool,
    matching: EvaluationRecord.Matching? = nil
  ) {
    self.defence = defence
    self.settings = settings
    self.accuracy = accuracy
    self.count = count
    self.isReached = isReached
    self.matching = matching
  }

  package var isSound: Bool {
    defence.isSound && Believable.count ~= settings && Believable.count ~= count
      && Believable.share ~= accuracy
  }

  /// The choice in one line for a person.
  package var text: String {
    let share = "\((1000 * accuracy).rounded() / 10)% of \(count) clean validation images right"
    return isReached
      ? "matched: \(defence.title), of \(settings), \(share)"
      : "not matched: \(defence.title) is the best of \(settings), \(share)"
  }
}

extension EvaluationRun {
  /// For every name of a defence in the plan, the setting whose accuracy on clean validation images is the
  /// least that is not below `target`; if all settings are below it, the most accurate. So defences that
  /// lose clean accuracy differently are compared at the same loss.
  ///
  /// - Parameter target: a share of the validation images.
  package func matched(
    to target: Double, _ model: any EvaluatedModel, on data: DatasetSplit
  ) throws -> [MatchedDefence] {
    let setting = try Setting(plan, model, on: data, execution: execution)
    let images = data.validation[
      0..<min(plan.count ?? data.validation.count, data.validation.count)]
    let names = unique(plan.defences.map(\.name))
    /// The passes for an image.
    func passes(_ classifier: some Classifier) -> Int {
      classifier.forwardPassesPerDecision * (classifier.isRandomized ? plan.scoringDraws : 1)
    }
    let work = try plan.defences.reduce(0) {
      try $0 + passes(setting.target(of: $1).classifier)
    }
    progress.expect(atLeast: Double(work * images.count) + workBehindMatching(setting, data))
    let stage = progress.stage(
      "match clean accuracy", total: plan.defences.count * images.count, unit: "images",
      work: Double(work * images.count))
    let found = try names.map { name in
      let candidates = try plan.defences.filter { $0.name == name }.map { defence in
        let defence = defence.resolved(for: setting.base.imageShape)
        let classifier = try setting.target(of: defence).classifier
        let perImage = Double(passes(classifier))
        let evaluation = Evaluation(
          seed: plan.seed, scoringDraws: plan.scoringDraws, on: execution.workers)
        let outcomes = try evaluation.run(classifier, on: images) {
          let count = $0.outcomes.count
          try stage.advance(by: count, planned: perImage * Double(count), work: $0.passes.work)
        }.outcomes
        let right = outcomes.reduce(0) { $0 + $1.correctCount }
        let all = outcomes.reduce(0) { $0 + $1.predictions.count }
        return (defence: defence, accuracy: Double(right) / Double(max(all, 1)))
      }
      let choice = ChoosingRule.dearest(cost: 0).choice(
        of: candidates.map { .init(clean: $0.accuracy) }, baseline: target)
      let chosen = choice.map { candidates[$0.place] }
      let isReached = choice?.isReached ?? false
      let matching = EvaluationRecord.Matching(
        target: target, isReached: isReached,
        candidates: candidates.map {
          EvaluationRecord.Matching.Candidate(defence: $0.defence.title, accuracy: $0.accuracy)
        }, images: images.count, identity: images.identity)
      return MatchedDefence(
        defence: chosen?.defence ?? DefenceDescription(name), settings: candidates.count,
        accuracy: chosen?.accuracy ?? 0, count: images.count, isReached: isReached,
        matching: matching)
    }
    stage.finish()
    return found
  }

  /// What measuring takes that follows, with one setting of every defence, as near as can be told before it is chosen; 0
  /// where nobody sees the progress.
  private func workBehindMatching(_ setting: Setting, _ data: DatasetSplit) -> Double {
    var chosen = plan
    chosen.defences = unique(plan.defences.map(\.name)).compactMap { name in
      plan.defences.first { $0.name == name }
    }
    let dryRun = DryRun(of: chosen, on: data, base: setting.base, seenBy: progress)
    let passes = try? dryRun?.passes(chosen).reduce(PassMeter.Count(), +)
    let count =
      images?.images.count ?? min(plan.count ?? data.test.count, data.test.count)
    return (passes?.work ?? 0) * Double(shard.positions(of: count).count)
  }
}
