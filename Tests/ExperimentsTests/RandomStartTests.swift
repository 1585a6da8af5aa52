import Classification
import Experiments
import Foundation
import Robustness
import TestSupport
import Testing

@Suite("Attacks without a random start")
struct RandomStartTests {
  private static let shape = ImageShape(channels: 1, height: 4, width: 4)

  private func attack(_ json: String) throws -> AttackDescription {
    let plan = try EvaluationPlan(json: Data(#"{"attacks": [\#(json)]}"#.utf8), file: "plan")
    return try #require(plan.attacks.first)
  }

  // As in AttackGoldenTests: what differs is the rounding of images that are in double there.
  @Test("pgd with randomStart false goes where foolbox's goes without one")
  func golden() throws {
    let golden = try Golden("attacks/gradient.safetensors")
    let model = TanhMLP(
      imageShape: Self.shape, first: try golden["W1"], bias: try golden["b1"],
      second: try golden["W2"])
    let data = try LabelledImages(
      pixels: Pixels(golden["images"]), labels: golden["labels"].values.map { Int($0) },
      classCount: 5)
    let description = try attack(
      #"{"name": "pgd", "epsilon": "1/4", "steps": 10, "stepSize": "1/8", "loss": "cross-entropy", "randomStart": false}"#
    )
    let found = try description.search(selections: 1).search(
      data, within: #require(description.budget), through: model, seed: 1)
    let theirs = try golden["foolbox.pgdLinf.images"]
    let last = try theirs.rows([9]).reshaped(to: Array(theirs.shape.dropFirst()))
    #expect(distance(found, from: last) <= 2e-6)
    #expect(description.title.contains("randomStart false"))
    #expect(try !attack(#"{"name": "pgd", "epsilon": "1/4"}"#).title.contains("randomStart"))
  }

  @Test(
    "the first question is about the image itself if and only if randomStart is false",
    arguments: ["pgd", "pgd-targeted", "pgd-every-class", "apgd-ce", "apgd-dlr", "apgd-t"])
  func start(_ name: String) throws {
    let data = try randomImages(5, shape: Self.shape, classCount: 5, seed: 1, range: 0.2...0.8)
    for isRandom in [true, false] {
      let spy = Spy(TanhMLP(imageShape: Self.shape, classCount: 5, seed: 1))
      let description = try attack(
        #"{"name": "\#(name)", "epsilon": "1/10", "steps": 2, "randomStart": \#(isRandom)}"#)
      _ = try description.search(selections: 1).search(
        data, within: #require(description.budget), through: spy, seed: 1)
      let first = try #require(spy.log.calls.first).images
      #expect((first == data.pixels) == !isRandom)
      // No two images start in the same direction where the start is random.
      if isRandom { #expect(first.tensor.values != data.pixels.tensor.values) }
    }
  }

  @Test("the flag takes true and false, and belongs to pgd and apgd")
  func flag() throws {
    for (text, expected) in [("false", false), ("true", true)] {
      var flags = GivenFlags([("epsilon", "1/10"), ("random-start", text)])
      let description = try AttackDescription(.pgd, from: &flags)
      let value: Bool? = description.setting("randomStart")
      #expect(value == expected && flags.untaken == nil)
    }
    var flags = GivenFlags([("epsilon", "1/10"), ("random-start", "no")])
    #expect(throws: SettingError("--random-start is no; give true or false")) {
      try AttackDescription(.pgd, from: &flags)
    }
    var others = GivenFlags([("random-start", "false")])
    _ = try AttackDescription(try #require(AttackName(rawValue: "fmn")), from: &others)
    #expect(others.untaken == "random-start")
  }
}
