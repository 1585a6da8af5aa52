import Experiments
import Foundation
import MixupInference
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
        DefenceDescription(.none),
        DefenceDescription(
          MixupInferenceRule.combined(
            predictedLabel: Mixing(lambda: 0.6, sampleCount: 30),
            otherLabel: Mixing(lambda: 0.6, sampleCount: 30), threshold: 0.1)),
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
  func lengths(json: String, lambda: String) throws {
    let written = try plan(
      "{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": \(json), \"stepSize\": \(json)}]}")
    #expect(written.attacks[0].epsilon == (try Epsilon(lambda)))
    #expect(written.attacks[0].setting("stepSize") == written.attacks[0].epsilon)
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
      (
        "{\"attacks\": [{\"name\": \"cw\", \"epsilon\": 1, \"queries\": 3}]}",
        "\"queries\" means nothing in an attack of name cw"
      ),
      (
        "{\"attacks\": [{\"name\": \"pgd\", \"epsilon\": \"1/8\", \"draws\": 3}]}",
        "\"draws\" means nothing in an attack of name pgd"
      ),
      (
        "{\"attacks\": [{\"name\": \"adaptive-published\", \"average\": \"losses\"}]}",
        "\"average\" means nothing"
      ),
      (
        "{\"attacks\": [{\"name\": \"none\", \"epsilon\": \"1/8\"}]}",
        "\"epsilon\" means nothing in an attack of name none"
      ), ("{\"defences\": [{\"name\": \"magic\"}]}", "the defence magic is unknown"),
      (
        "{\"defences\": [{\"name\": \"mi-ol\", \"threshold\": 0.1}]}",
        "\"threshold\" means nothing in a defence of name mi-ol"
      ),
      (
        "{\"defences\": [{\"name\": \"bit-depth\", \"draws\": 2}]}",
        "executions of bit-depth is 2"
      ),
      (
        "{\"defences\": [{\"name\": \"composition\", \"parts\": [{\"name\": \"mi-ol\"}]}]}",
        "mi-ol is no part of a composition; it takes gaussian, uniform, rotation, masking, crop-pad"
      ),
      ("{\"defences\": [{\"name\": \"crop-pad\", \"sides\": [8, 6]}]}", "the sides are [8, 6]"),
      ("{\"defences\": [{\"name\": \"mi-ol\", \"draws\": 0}]}", "number of executions is 0"),
      ("[]", "the plan"), ("{", "no valid JSON"), ("", "no valid JSON"),
    ])
  func mistakes(json: String, says: String) throws {
    let error = try #require(throws: PlanError.self) { try plan(json) }
    #expect(error.description.contains(says), "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test("A flag goes to every attack and defence that takes it, and to no other")
  func flags() throws {
    var flags = GivenFlags([
      ("epsilon", "1/8"), ("steps", "7"), ("queries", "9"), ("lambda", "0.7"), ("draws", "4"),
      ("lambda-pl", "0.3"), ("bits", nil),
    ])
    let attacks = try ["none", "pgd", "square", "ensemble"].map { name in
      try AttackDescription(#require(AttackName(rawValue: name)), from: &flags)
    }
    #expect(
      attacks.map(\.title) == [
        "none",
        "pgd, linf 1/8, loss log-odds, momentum 0.0, restarts 1, steps 7",
        "square, linf 1/8, queries 9", "ensemble, linf 1/8, queries 9, restarts 1, steps 7",
      ])
    #expect(flags.untaken == "lambda")
    let defences = try ["none", "mi-pl", "mi-ol", "mi-combined", "gaussian"].map {
      try DefenceDescription(DefenceName(rawValue: $0), from: &flags)
    }
    #expect(
      defences.map(\.title) == [
        "none", "mi-pl, draws 4, lambda 0.3", "mi-ol, draws 4, lambda 0.7",
        "mi-combined, draws 4, lambda 0.7, lambdaPredicted 0.3, threshold 0.2",
        "gaussian, draws 4, strength 0.05",
      ])
    #expect(flags.untaken == nil)
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
