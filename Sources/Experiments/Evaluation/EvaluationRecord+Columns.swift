import Reporting

extension [EvaluationRecord] {
  /// A line for each record under a line of names; docs/files.md explains the columns.
  package var csv: String { EvaluationRecord.columns.csv(self) }
}

extension EvaluationRecord {
  /// What a record says in a file for other programs: first the figures, then all that they depend on.
  package static let columns = DataTable<EvaluationRecord>([
    .init("model", "text") { .text($0.model) },
    .init("defence", "text") { .text($0.defence.rawValue) },
    .init("defenceParameters", "text") { list($0.provenance?.defenceParameters) },
    .init("attack", "text") {
      .text(
        $0.attack == .named(.none) ? $0.images?.title ?? $0.attack.rawValue : $0.attack.rawValue)
    },
    .init("attackParameters", "text") { list($0.provenance?.attackParameters) },
    .init("dataset", "text") { .text($0.dataset) },
    .init("split", "text") { .text($0.split.rawValue) },
    .init("norm", "text") { text($0.norm?.rawValue) },
    .init("epsilon", "pixel scale, as asked for") { text($0.epsilon?.description) },
    .init("n", "images") { .count($0.n) },
    .init("scoringDraws", "draws") { .count($0.scoringDraws) },
    .init("correct", "predictions") { .count($0.correct) },
    .init("accuracy", "share") { .number($0.accuracy) },
    .init("lower", "share") { .number($0.interval.lower) },
    .init("upper", "share") { .number($0.interval.upper) },
    .init("majority", "images") { count($0.repeated?.majority) },
    .init("always", "images") { count($0.repeated?.always) },
    .init("difference", "share") { number($0.comparison?.difference) },
    .init("differenceLower", "share") { number($0.comparison?.interval.lower) },
    .init("differenceUpper", "share") { number($0.comparison?.interval.upper) },
    .init("p", "probability") { number($0.comparison?.pValue) },
    .init("pHolm", "probability") { number($0.comparison?.adjustedPValue) },
    .init("knowledge", "text") { text($0.provenance?.knowledge.rawValue) },
    .init("seed", "number") { .seed($0.seed) },
    .init("checkpoint", "SHA-256") { text($0.provenance?.checkpoint) },
    .init("checkpointFile", "SHA-256") { text($0.provenance?.checkpointFile) },
    .init("otherCheckpoint", "SHA-256") { text($0.provenance?.other) },
    .init("kernelSet", "text") { .text($0.kernelSet.rawValue) },
    .init("examples", "SHA-256") { text($0.provenance?.examples?.identity) },
    .init("indices", "text") { text($0.provenance?.indices.rawValue) },
    .init("pool", "text") { text($0.provenance?.pool) },
    .init("selectionDraws", "draws") { count($0.provenance?.selectionDraws) },
    .init("forwardPasses", "images") { count($0.provenance?.forwardPasses) },
    .init("backwardPasses", "images") { count($0.provenance?.backwardPasses) },
    .init("sparedPasses", "images") { count($0.provenance?.sparedPasses) },
    .init("searches", "searches") { count($0.provenance?.searches) },
    .init("blindSearches", "searches") { count($0.provenance?.blindSearches) },
    .init("images", "text") { text($0.images?.text) },
    .init("imageWarnings", "text") { text($0.images?.warnings.joined(separator: "; ")) },
    .init("sanity", "text") { text($0.sanity?.description) },
    .init("epsilonOnPixelScale", "pixel scale") { number($0.epsilon?.doubleValue) },
    .init("steps", "steps") { $0.steps > 0 ? .count($0.steps) : nil },
    .init("stepSizeOnPixelScale", "pixel scale") { number($0.stepSize) },
    .init("restarts", "searches") { $0.restarts > 0 ? .count($0.restarts) : nil },
    .init("loss", "text") { text($0.provenance?.attackParameters["loss"]) },
    .init("average", "text") { text($0.provenance?.attackParameters["average"]) },
    .init("attackDraws", "draws") { count($0.attackDraws) },
    .init("lambda", "share") { number($0.lambda?.doubleValue) },
    .init("threshold", "probability") { number($0.threshold) },
    .init("draws", "draws") { count($0.draws) },
    .init("passesPerDecision", "images") { .count($0.forwardPassesPerDecision) },
    .init("secondsPerDecision", "seconds") { number($0.secondsPerDecision) },
    .init("threadSeconds", "seconds") { number($0.provenance?.seconds) },
    .init("planProfile", "text") { text($0.provenance?.planProfile?.rawValue) },
    .init("process", "text") { text($0.provenance?.process?.command) },
    .init("program", "SHA-256") { text($0.provenance?.program) },
    .init("medianDistance", "pixel scale") { number($0.nearest?.median) },
    .init("optimality", "share") { number($0.nearest?.optimality) },
    .init("schema", "number") { _ in .count(Schema.current) },
  ])

  private static func text(_ value: String?) -> DataValue? { value.map { .text($0) } }
  private static func count(_ value: Int?) -> DataValue? { value.map { .count($0) } }
  private static func number(_ value: Double?) -> DataValue? { value.map { .number($0) } }
  private static func list(_ parameters: [String: String]?) -> DataValue? {
    text(parameters?.inOneLine)
  }
}
