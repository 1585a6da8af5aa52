import Experiments
import Foundation
import Robustness
import TestSupport
import Testing

@Suite("Evaluation plans")
struct EvaluationPlanTests {
  private func plan(_ json: String) throws -> EvaluationPlan {
    let plan = try EvaluationPlan(json: Data(json.utf8), file: "p.json")
    try plan.check()
    return plan
  }

  @Test("What a file leaves out is usual, and what is encoded is read back")
  func roundTrip() throws {
    #expect(try plan("{}") == EvaluationPlan())
    let written = try plan(
      """
      {"count": 20, "seed": 7, "scoringDraws": 3, "selectionDraws": 0,
       "defences": [{"name": "none"}, {"name": "mi-combined", "lambda": 0.6, "threshold": 0.1}],
       "attacks": [{"name": "none"}, {"name": "adaptive-pgd", "epsilon": "8/255", "draws": 4}]}
      """)
    let expected = EvaluationPlan(
      count: 20, seed: 7, scoringDraws: 3, selectionDraws: 0,
      defences: [
        DefenceDescription(.none), DefenceDescription(.combined, lambda: 0.6, threshold: 0.1),
      ],
      attacks: [
        AttackDescription(.none),
        AttackDescription(.adaptivePGD, epsilon: try Epsilon("8/255"), draws: 4),
      ])
    #expect(written == expected)
    let encoded = try JSONEncoder().encode(written)
    #expect(try EvaluationPlan(json: encoded, file: "p.json") == written)
  }

  @Test(
    "A length may be text or a number, whose digits are taken as they are",
    arguments: [
      ("0.03", "3/100"), ("3e-2", "3/100"), ("0.1", "1/10"), ("1", "1"), ("\"8/255\"", "8/255"),
    ])
  func lengths(json: String, ratio: String) throws {
    let written = try plan(
      "{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": \(json), \"stepSize\": \(json)}]}")
    #expect(written.attacks[0].epsilon == (try Epsilon(ratio)))
    #expect(written.attacks[0].stepSize == written.attacks[0].epsilon)
  }

  @Test(
    "What is wrong in a file is named with its place",
    arguments: [
      ("{\"cuont\": 3}", "\"cuont\" means nothing in a plan"),
      ("{\"attacks\": [{\"name\": \"pgd\", \"eps\": \"1/8\"}]}", "\"eps\" means nothing in an"),
      ("{\"defences\": [{\"name\": \"mi-ol\", \"n\": 3}]}", "\"n\" means nothing in a defence"),
      (
        "{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": \"1/8\", \"epsilon\": \"1/9\"}]}",
        "\"epsilon\" stands twice"
      ), ("{\"count\": 1, \"count\": 2}", "\"count\" stands twice"),
      ("{\"attacks\": [{\"epsilon\": \"1/8\"}]}", "attacks 1 lacks name"),
      ("{\"attacks\": [{\"name\": \"none\"}, {\"name\": \"magic\"}]}", "attacks 2 name"),
      ("{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": \"9/8\"}]}", "9/8"),
      ("{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": 1.5}]}", "1.5"),
      ("{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": -0.1}]}", "-0.1"),
      ("{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": [1]}]}", "epsilon is not of type"),
      ("{\"attacks\": [{\"name\": \"pgd\"}]}", "needs a radius"),
      ("{\"attacks\": [{\"name\": \"none\"}, {\"name\": \"none\"}]}", "stands twice"),
      ("{\"defences\": [{\"name\": \"none\"}, {\"name\": \"none\"}]}", "stands twice"),
      ("{\"attacks\": []}", "needs a defence and an attack"),
      ("{\"count\": \"x\"}", "count is not of type Int"),
      ("{\"count\": 0}", "number of images is 0"),
      ("{\"scoringDraws\": 0}", "scoring draws is 0"),
      ("{\"selectionDraws\": -1}", "selection draws is -1"),
      ("{\"defences\": [{\"name\": \"mi-ol\", \"lambda\": 1.5}]}", "λ is 1.5"),
      ("[]", "the plan"), ("{", "no valid JSON"), ("", "no valid JSON"),
    ])
  func mistakes(json: String, says: String) throws {
    let error = try #require(throws: PlanError.self) { try plan(json) }
    #expect(error.description.contains(says), "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test("A shard is 'which of how many'", arguments: 1...9)
  func shards(count: Int) throws {
    let parts = try (1...count).map { try Shard("\($0)/\(count)").positions(of: 7) }
    #expect(parts.flatMap(\.self).sorted() == Array(0..<7))
    #expect(try Shard("\(count)/\(count)").description == "\(count)/\(count)")
    for wrong in ["0/\(count)", "\(count + 1)/\(count)", "\(count)", "\(count)/", "a/b", "1/0", ""]
    {
      #expect(throws: PlanError.shard(wrong)) { try Shard(wrong) }
    }
  }
}
