import Foundation
import Reporting
import Statistics
import Testing

@Suite("Evaluation records")
struct RecordTests {
  private func record(
    n: Int = 400, scoringDraws: Int = 1, correct: Int = 176, epsilon: String? = "8/255",
    seconds: Double? = nil,
    detection: EvaluationRecord.Detection? = nil
  ) throws -> EvaluationRecord {
    try EvaluationRecord(
      model: "mixup \"α\"", defence: "MI-OL", attack: "PGD", dataset: "digits", split: "test",
      n: n, scoringDraws: scoringDraws, correct: correct,
      interval: Interval(lower: 0.1, upper: 0.30000000000000004), norm: "linf", epsilon: epsilon,
      steps: 50, restarts: 5, seed: .max, kernelSet: "simd",
      forwardPassesPerDecision: 31, secondsPerDecision: seconds, lambda: 0.6, draws: 30,
      attackDraws: 15, detection: detection)
  }

  @Test("Decoding what was encoded gives the same value, for random records")
  func roundTrip() throws {
    var stream = RandomStream(RandomKey(seed: 1, purpose: .test))
    var records: [EvaluationRecord] = []
    for _ in 0..<200 {
      let n = Int.random(in: 1...100_000, using: &stream)
      func number() -> Double? {
        Bool.random(using: &stream)
          ? Double.random(in: -1...1, using: &stream)
            * pow(10, Double.random(in: -20...20, using: &stream)) : nil
      }
      let ends = (number() ?? 0, number() ?? 1)
      let text = String(
        String.UnicodeScalarView(
          (0..<6).compactMap { _ in Unicode.Scalar(UInt32.random(in: 1...0x2FFF, using: &stream)) })
      )
      let scoringDraws = Int.random(in: 1...30, using: &stream)
      records.append(
        try EvaluationRecord(
          model: text, defence: text, attack: "a", dataset: "d", split: "s", n: n,
          scoringDraws: scoringDraws, correct: Int.random(in: 0...n * scoringDraws, using: &stream),
          interval: Interval(lower: min(ends.0, ends.1), upper: max(ends.0, ends.1)),
          norm: "l2", epsilon: Bool.random(using: &stream) ? "8/255" : nil, steps: 10, restarts: 1,
          seed: stream.next(), kernelSet: "simd", forwardPassesPerDecision: 1,
          secondsPerDecision: number(), lambda: number(), threshold: number(),
          draws: Bool.random(using: &stream) ? 30 : nil, attackDraws: nil,
          detection: number().map {
            .init(aucConfidenceDrop: $0, aucMaximaDrop: 0.5, clean: n, adversarial: n / 2)
          }))
    }
    let data = try records.json()
    #expect(try [EvaluationRecord](json: data) == records)
    #expect(try [EvaluationRecord](json: data).json() == data)
  }

  @Test("The bytes of a record are fixed: sorted keys, plain slashes, null for what is missing")
  func bytes() throws {
    let text = try String(
      decoding: [
        record(
          detection: .init(aucConfidenceDrop: 0.9, aucMaximaDrop: 0.85, clean: 20, adversarial: 12))
      ].json(),
      as: UTF8.self)
    #expect(
      text == """
        [
          {
            "accuracy" : 0.44,
            "attack" : "PGD",
            "attackDraws" : 15,
            "brokenBy" : null,
            "comparison" : null,
            "correct" : 176,
            "dataset" : "digits",
            "defence" : "MI-OL",
            "detection" : {
              "adversarial" : 12,
              "aucConfidenceDrop" : 0.9,
              "aucMaximaDrop" : 0.85,
              "clean" : 20
            },
            "draws" : 30,
            "epsilon" : "8/255",
            "forwardPassesPerDecision" : 31,
            "images" : null,
            "interval" : [
              0.1,
              0.30000000000000004
            ],
            "kernelSet" : "simd",
            "lambda" : 0.6,
            "model" : "mixup \\"α\\"",
            "n" : 400,
            "norm" : "linf",
            "provenance" : null,
            "repeated" : null,
            "restarts" : 5,
            "sanity" : null,
            "schema" : 3,
            "scoringDraws" : 1,
            "secondsPerDecision" : null,
            "seed" : 18446744073709551615,
            "split" : "test",
            "steps" : 50,
            "threshold" : null
          }
        ]

        """)
  }

  @Test("Impossible counts and numbers are refused")
  func checked() throws {
    let impossible = [
      (0, 0, 1), (4, 5, 1), (4, -1, 1), (4, 13, 3), (4, 0, 0), (4, 0, -1), (.max, 0, 2),
    ]
    for (n, correct, draws) in impossible {
      #expect(throws: RecordError.counts(correct: correct, n: n, scoringDraws: draws)) {
        try record(n: n, scoringDraws: draws, correct: correct)
      }
    }
    #expect(try record(n: 4, scoringDraws: 3, correct: 9).accuracy == 0.75)
    #expect(throws: RecordError.notFinite(field: "secondsPerDecision")) {
      try record(seconds: .infinity)
    }
  }

  @Test(
    "A file that is wrong is refused with the place and the reason",
    arguments: [
      ("\"schema\" : 3", "\"schema\" : 7", RecordError.schema(7)),
      ("0.44", "0.45", .accuracy(0.45, correct: 176, of: 400)),
      ("\"n\" : 400,", "", .unreadable(place: "record 1, n", reason: "is missing")),
      (
        "\"n\" : 400", "\"n\" : \"x\"",
        .unreadable(place: "record 1, n", reason: "is not of type Int")
      ),
      ("]\n", "", .unreadable(place: "the file", reason: "is not valid JSON")),
    ])
  func damaged(part: String, replacement: String, error: RecordError) throws {
    let text = try String(decoding: [record()].json(), as: UTF8.self)
    let damaged = text.replacingOccurrences(of: part, with: replacement)
    #expect(damaged != text)
    #expect(throws: error) { try [EvaluationRecord](json: Data(damaged.utf8)) }
    #expect(!error.description.contains("\n"))
  }

  @Test("A record without the optional fields can be read")
  func withoutOptionals() throws {
    let text = try String(decoding: [record()].json(), as: UTF8.self)
    let shorter = text.split(separator: "\n").filter { !$0.contains(": null") }.joined(
      separator: "\n"
    )
    .replacingOccurrences(of: "\"steps\" : 50,", with: "\"steps\" : 50")
    let expected = try record()
    #expect(try [EvaluationRecord](json: Data(shorter.utf8)) == [expected])
  }
}
