import Foundation
import Reporting
import Robustness
import Statistics

/// What RobustBench's leaderboard says of a model, one JSON object as in its `model_info/DATASET/THREAT/ID.json`:
/// what an evaluation knows of it. The rest is null, for its authors to fill in.
///
/// RobustBench takes models that answer without randomness, measured on all test images.
/// Source: github.com/RobustBench/robustbench, `ModelInfo` of version 1.1.1 and the files of `model_info`.
package struct RobustBenchEntry: Sendable, Equatable {
  /// The fields in the order of its files; nil for what is not known here.
  package let fields: [(name: String, value: DataValue?)]
  /// What keeps the entry from the leaderboard, in one line each.
  package let obstacles: [String]

  /// The entry of an evaluation of one defence in one ball.
  ///
  /// - Throws: `PlanError.setting` for an evaluation of several models, defences or balls, or of none.
  package init(_ records: [EvaluationRecord]) throws(PlanError) {
    let attacked = records.filter { $0.attack != .named(.none) }
    let balls = attacked.map { [$0.norm?.rawValue, $0.epsilon?.inLowestTerms.description] }
    let defences = records.map {
      [$0.model, $0.defence.rawValue] + ($0.provenance?.defenceParameters.asList ?? [])
    }
    try Self.check(defences: Set(defences).count, balls: Set(balls).count)
    let first = attacked[0]
    // Who knows the draws is no attacker.
    let attackers = attacked.filter { $0.provenance?.knowledge.attackers != [.draws] }
    let isRandomized = records.contains { $0.repeated != nil }
    let clean = records.first { $0.attack == .named(.none) }
    let standard = attackers.first {
      $0.attack.rawValue.hasSuffix("autoattack")
        && $0.provenance?.knowledge.attackers != [.otherNetwork]
    }
    let others = attackers.filter { $0.attack != standard?.attack }
    let external =
      others.first { $0.attack == .worst } ?? others.min { $0.accuracy < $1.accuracy }
    func percentage(_ record: EvaluationRecord?) -> DataValue? {
      record.map { .text(fixed(100 * $0.accuracy, decimals: 2)) }
    }
    fields = [
      ("link", nil), ("name", nil), ("authors", nil), ("additional_data", nil),
      ("number_forward_passes", .count(first.forwardPassesPerDecision)),
      ("dataset", .text(first.dataset)), ("venue", nil), ("architecture", nil),
      ("eps", first.epsilon.map { .text($0.description) }), ("clean_acc", percentage(clean)),
      ("reported", nil), ("autoattack_acc", isRandomized ? nil : percentage(standard)),
      ("external", percentage(external)),
    ]
    obstacles = [
      isRandomized
        ? "it takes models without randomness alone, and this one is asked on random draws" : nil,
      standard == nil || isRandomized
        ? "its ranking needs AutoAttack's standard version; give --attack autoattack" : nil,
      first.split == .test && first.n == Self.testImages[first.dataset]
        ? nil : "it measures on all test images, and these are \(first.n) of \(first.dataset)",
    ].compactMap(\.self)
  }

  /// - Throws: `PlanError.setting` unless there is one of each.
  fileprivate static func check(defences: Int, balls: Int) throws(PlanError) {
    guard balls > 0 else {
      throw .setting("RobustBench's entry says what an attack left; give --attack and --epsilon")
    }
    guard defences == 1 else {
      throw .setting("RobustBench's entry is about one model; give --robustbench one --defence")
    }
    guard balls == 1 else {
      throw .setting(
        "RobustBench's entry is about one ball; give --robustbench one norm and radius")
    }
  }

  /// The test images of its data sets of small images.
  private static let testImages = ["cifar10": 10_000, "cifar100": 10_000]

  package static func == (a: Self, b: Self) -> Bool {
    a.json == b.json && a.obstacles == b.obstacles
  }

  /// The object, a field a line.
  package var json: String {
    let table = DataTable<Int>(
      fields.map { field in .init(field.name, "text") { _ in field.value } })
    return table.jsonLines([0])
  }

  /// What is missing and what stands in the way, for a person.
  package var text: String {
    let missing = fields.filter { $0.value == nil }.map(\.name)
    return
      (["RobustBench's entry lacks \(missing.joined(separator: ", ")), which nobody measured here"]
      + obstacles).joined(separator: "; ")
  }
}

extension EvaluationPlan {
  /// Finds out before anything is measured whether there is one entry to write.
  ///
  /// - Throws: `PlanError.setting`, as `RobustBenchEntry.init`.
  package func checkForRobustBench() throws(PlanError) {
    try RobustBenchEntry.check(
      defences: defences.count, balls: Set(attacks.compactMap(\.budget)).count)
  }
}
