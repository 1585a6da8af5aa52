import Reporting
import Robustness
import Statistics

/// How one image came out behind one defence under one attack: a row of the file of images.
package struct ImageRow: Sendable {
  /// What was measured of all images.
  let result: JobResult
  /// What was measured of this one.
  let outcome: EvaluationResult.Outcome

  /// The class that was predicted most often; of several the lowest wrong one, as the majority is not right where
  /// another class is predicted as often as the true one.
  var majorityAnswer: Int {
    var votes: [Int: Int] = [:]
    for prediction in outcome.predictions { votes[prediction, default: 0] += 1 }
    let most = votes.values.max() ?? 0
    let winners = votes.filter { $0.value == most }.keys
    return winners.filter { $0 != outcome.label }.min() ?? outcome.label
  }

  /// The columns of the file, which docs/files.md explains. What a figure depends on besides, such as the mixing
  /// pool, the records have.
  package static let columns = DataTable<ImageRow>([
    .init("model", "text") { .text($0.result.job.model) },
    .init("checkpoint", "SHA-256") { .text($0.result.job.circumstances.checkpoint) },
    .init("dataset", "text") { .text($0.result.job.dataset) },
    .init("split", "text") { .text($0.result.job.split.rawValue) },
    .init("seed", "number") { .seed($0.result.job.circumstances.seed) },
    .init("kernelSet", "text") { .text($0.result.job.circumstances.kernelSet.rawValue) },
    .init("defence", "text") { .text($0.result.job.defence.name.rawValue) },
    .init("defenceParameters", "text") {
      .text($0.result.job.defence.parameters.inOneLine)
    },
    .init("attack", "text") { .text($0.result.job.attack.name.rawValue) },
    .init("attackParameters", "text") {
      .text($0.result.job.attack.parameters.inOneLine)
    },
    .init("norm", "text") { $0.result.job.attack.budget.map { .text($0.norm.rawValue) } },
    .init("epsilon", "pixel scale, as asked for") {
      $0.result.job.attack.epsilon.map { .text($0.description) }
    },
    .init("epsilonOnPixelScale", "pixel scale") {
      $0.result.job.attack.epsilon.map { .number($0.doubleValue) }
    },
    .init("index", "number") { .count($0.outcome.index) },
    .init("image", "half of a SHA-256") { row in
      row.result.images[row.outcome.index].map { .text($0) }
    },
    .init("label", "class") { .count($0.outcome.label) },
    .init("rightDraws", "draws") { .count($0.outcome.correctCount) },
    .init("scoringDraws", "draws") { .count($0.result.scoringDraws) },
    .init("firstAnswer", "class") { .count($0.outcome.prediction) },
    .init("majorityAnswer", "class") { .count($0.majorityAnswer) },
    .init("wrongSelections", "draws") {
      $0.result.isRandomized ? .count($0.outcome.selectionMisses) : nil
    },
    .init("selectionDraws", "draws") {
      $0.result.isRandomized ? .count($0.result.job.circumstances.selectionDraws) : nil
    },
    .init("distanceOnPixelScale", "pixel scale") { row in
      row.outcome.distance.map { .number($0) }
    },
  ])
}

extension EvaluationSummary {
  /// A row for every image behind every defence under every attack, in the order of the plan and of the images'
  /// indices. What the worst of several attacks left follows from them.
  package var imageRows: some Sequence<ImageRow> {
    results.lazy.flatMap { result in
      result.outcomes.lazy.map { ImageRow(result: result, outcome: $0) }
    }
  }
}
