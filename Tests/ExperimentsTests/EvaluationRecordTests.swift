import Experiments
import Foundation
import Kernels
import Robustness
import Statistics
import Testing

@Suite("Evaluation records")
struct EvaluationRecordTests {
  /// A record as files hold it: sorted keys, plain slashes, null for what is missing.
  private static let text = """
    [
      {
        "accuracy" : 0.44,
        "attack" : "adaptive-pgd",
        "attackDraws" : 15,
        "brokenBy" : null,
        "comparison" : null,
        "correct" : 176,
        "dataset" : "digits",
        "defence" : "mi-ol",
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
        "kernelSet" : "avx2",
        "lambda" : 0.6,
        "model" : "mixup \\"α\\"",
        "n" : 400,
        "nearest" : null,
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
        "stepSize" : 0.1,
        "steps" : 50,
        "threshold" : null
      }
    ]

    """

  /// The record's file with another text in place of what stands there once.
  private func changed(_ part: String, _ replacement: String) throws -> Data {
    try #require(Self.text.components(separatedBy: part).count == 2)
    return Data(Self.text.replacingOccurrences(of: part, with: replacement).utf8)
  }

  @Test("The bytes of a record are fixed, and mean what the types say")
  func bytes() throws {
    let records = try [EvaluationRecord](json: Data(Self.text.utf8))
    #expect(try String(decoding: records.json(), as: UTF8.self) == Self.text)
    let record = try #require(records.first)
    #expect(record.model == "mixup \"α\"" && record.seed == .max && record.kernelSet == .avx2)
    #expect(record.defence == .otherLabel && record.attack == .named(.adaptivePGD))
    #expect(record.norm == .linf && record.epsilon?.description == "8/255")
    #expect(record.interval == Interval(lower: 0.1, upper: 0.30000000000000004))
    #expect(record.lambda == 0.6 && record.threshold == nil && record.images == nil)
  }

  @Test("What random files say is read, and written with every field and no other")
  func roundTrip() throws {
    var stream = RandomStream(RandomKey(seed: 1, purpose: .test))
    func maybe(_ value: @autoclosure () -> Any) -> Any {
      stream.integer(below: 2) == 0 ? NSNull() : value()
    }
    func number() -> Double {
      Double.random(in: -1...1, using: &stream)
        * pow(10, Double.random(in: -20...20, using: &stream))
    }
    func one(of texts: [String]) -> String { texts[stream.integer(below: texts.count)] }
    let objects = (0..<200).map { _ -> [String: Any] in
      let (n, draws) = (1 + stream.integer(below: 100_000), 1 + stream.integer(below: 30))
      let correct = stream.integer(below: n * draws + 1)
      let ends = [number(), number()].sorted()
      let text = String(
        String.UnicodeScalarView(
          (0..<6).compactMap { _ in Unicode.Scalar(UInt32.random(in: 1...0x2FFF, using: &stream)) })
      )
      return [
        "schema": 3, "model": text, "dataset": text, "split": one(of: ["test", "file"]),
        "defence": one(of: DefenceName.allCases.map(\.rawValue) + ["own"]),
        "attack": one(of: AttackName.allCases.map(\.rawValue) + ["worst"]), "n": n,
        "scoringDraws": draws, "correct": correct, "accuracy": Double(correct) / Double(n * draws),
        "interval": ends, "norm": maybe(one(of: ["linf", "l2"])),
        "epsilon": maybe(one(of: ["8/255", "0.150", "1/2"])), "steps": 10, "restarts": 1,
        "stepSize": maybe(number()),
        "seed": stream.integer(below: .max),
        "kernelSet": one(of: KernelSet.allCases.map(\.rawValue)),
        "forwardPassesPerDecision": 1, "secondsPerDecision": maybe(number()),
        "lambda": maybe(Double(stream.integer(below: 1001)) / 1000), "threshold": maybe(number()),
        "draws": maybe(30),
        "attackDraws": maybe(5),
        "detection": maybe(
          [
            "aucConfidenceDrop": number(), "clean": n, "adversarial": 3,
            "others": ["mean": ["ofAll": number()]],
          ] as [String: Any]),
        "repeated": maybe(
          [
            "majority": 1, "majorityInterval": ends, "always": 0, "alwaysInterval": ends,
          ] as [String: Any]),
        "nearest": maybe(
          [
            "distances": [number(), NSNull(), 0] as [Any], "median": number(),
            "optimality": number(), "forwardPasses": number(), "backwardPasses": number(),
          ] as [String: Any]),
        "comparison": maybe(
          [
            "difference": number(), "interval": ends, "pValue": number(),
            "adjustedPValue": number(),
          ] as [String: Any]),
        "brokenBy": maybe([text: 3, "none": 1]),
        "provenance": maybe(
          [
            "checkpoint": "c", "indices": "0-499,600", "defenceParameters": ["lambda": "0.6"],
            "attackParameters": [String: String](), "selectionDraws": 5,
            "planProfile": "throughput",
            "knowledge": one(of: [
              "nothing", "network", "defence", "another network",
              "another network; defence; network",
            ]),
          ] as [String: Any]),
        "images": maybe(
          ["identity": "i", "norm": "l2", "epsilon": "2.5", "constant": 0] as [String: Any]),
        "sanity": maybe(
          one(of: [
            "passed on 1 image", "passed on 50 images, which do not decide: steps, radius 0",
            "failed on 50 images: labels", "failed on 2 images: labels, fixed draws",
          ])),
      ]
    }
    let given = try JSONSerialization.data(withJSONObject: objects)
    let records = try [EvaluationRecord](json: given)
    let data = try records.json()
    #expect(try [EvaluationRecord](json: data) == records)
    #expect(try [EvaluationRecord](json: data).json() == data)
    func parsed(_ data: Data) throws -> NSArray {
      NSArray(array: try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]]))
    }
    #expect(try parsed(data) == parsed(given))
  }

  @Test("Impossible counts are refused")
  func counts() throws {
    let impossible = [
      (0, 0, 1), (4, 5, 1), (4, -1, 1), (4, 13, 3), (4, 0, 0), (4, 0, -1), (.max, 0, 2),
    ]
    func data(_ n: Int, _ correct: Int, _ draws: Int) -> Data {
      var text = Self.text
      for (field, old, new) in [
        ("n", 400, n), ("correct", 176, correct), ("scoringDraws", 1, draws),
      ] {
        text = text.replacingOccurrences(
          of: "\"\(field)\" : \(old),", with: "\"\(field)\" : \(new),")
      }
      return Data(text.replacingOccurrences(of: "0.44", with: "0.75").utf8)
    }
    for (n, correct, draws) in impossible {
      #expect(throws: RecordError.counts(correct: correct, n: n, scoringDraws: draws)) {
        try [EvaluationRecord](json: data(n, correct, draws))
      }
    }
    #expect(try [EvaluationRecord](json: data(4, 9, 3)).map(\.accuracy) == [0.75])
  }

  @Test(
    "A file that is wrong is refused with the place and the reason",
    arguments: [
      ("\"schema\" : 3", "\"schema\" : 7", RecordError.schema(7, known: 3)),
      ("0.44", "0.45", .accuracy(0.45, correct: 176, of: 400)),
      ("\"n\" : 400,", "", .unreadable(place: "record 1, n", reason: "is missing")),
      (
        "\"n\" : 400", "\"n\" : \"x\"",
        .unreadable(place: "record 1, n", reason: "is not of type Int")
      ),
      (
        "\"n\" : 400", "\"n\" : 400, \"n\" : 400",
        .unreadable(place: "the file", reason: "has \"n\" twice in one object")
      ),
      ("]\n", "", .unreadable(place: "the file", reason: "is not valid JSON")),
      (
        "\"lambda\" : 0.6", "\"lambda\" : 1e999",
        .unreadable(place: "the file", reason: "is not valid JSON")
      ),
    ])
  func damaged(part: String, replacement: String, error: RecordError) throws {
    let data = try changed(part, replacement)
    #expect(throws: error) { try [EvaluationRecord](json: data) }
    #expect(!error.description.contains("\n"))
  }

  @Test(
    "A value that a field cannot have is refused in one line that names record and field",
    arguments: [
      ("defence", "\"mi-ol\"", "7"), ("attack", "\"adaptive-pgd\"", "\"worse\""),
      ("split", "\"test\"", "\"elsewhere\""), ("norm", "\"linf\"", "\"l7\""),
      ("epsilon", "\"8/255\"", "\"8/0\""), ("epsilon", "\"8/255\"", "\"1001\""),
      ("kernelSet", "\"avx2\"", "\"mmx\""),
      ("lambda", "0.6", "1.5"), ("sanity", "null", "\"passed\""),
      ("sanity", "null", "\"failed on 1 images: steps\""), ("images", "null", "[]"),
    ])
  func impossible(field: String, value: String, other: String) throws {
    let data = try changed("\"\(field)\" : \(value)", "\"\(field)\" : \(other)")
    let error = try #require(
      #expect(throws: RecordError.self) { try [EvaluationRecord](json: data) })
    #expect(error.description.hasPrefix("cannot read the records: record 1, \(field) "), "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test("What attackers are said to know is read in the order in which it is written, and no other")
  func knowledge() {
    #expect(EvaluationRecord.Knowledge(rawValue: "nothing")?.attackers == [])
    #expect(EvaluationRecord.Knowledge(rawValue: "defence; network")?.attackers.count == 2)
    for text in ["", "network; defence", "network; network", "network;defence", "nothing; network"]
    {
      #expect(EvaluationRecord.Knowledge(rawValue: text) == nil, "\(text)")
    }
  }

  @Test("A record without the optional fields can be read")
  func withoutOptionals() throws {
    let shorter = Self.text.split(separator: "\n").filter { !$0.contains(": null") }
      .joined(separator: "\n")
      .replacingOccurrences(of: "\"steps\" : 50,", with: "\"steps\" : 50")
    #expect(
      try [EvaluationRecord](json: Data(shorter.utf8))
        == [EvaluationRecord](json: Data(Self.text.utf8)))
  }
}
