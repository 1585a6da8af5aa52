import Experiments
import Foundation
import TestSupport
import Testing

@Suite("verify")
struct VerifyTests {
  private static let small = ["--classes", "4", "--dimension", "5", "--models", "3"]

  @Test("the synthetic models are verified, and page, picture and record written")
  func synthetic() throws {
    try withTemporaryFolder { folder in
      let result = try Command(folder: folder).run(
        ["verify", "--output", "out", "--json", "record.json"] + Self.small)
      #expect(result.status == 0 && result.error.isEmpty)
      for word in ["Table 1", "(12)", "(15)", "(13)", "(16)", "Figure 2", "identities hold"] {
        #expect(result.output.contains(word), "\(word)")
      }
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.appending(path: "record.json")))
      let record = try #require(json as? [String: Any])
      #expect(record["synthetic"] is [String: Any] && record["network"] == nil)
      for name in ["out/index.html", "out/region.svg"] {
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        #expect(text.contains("<svg"))
      }
      // The same seed, the same words; another, others.
      #expect(try Command().run(["verify"] + Self.small).output == result.output)
      #expect(
        try Command().run(["verify", "--seed", "2"] + Self.small).output != result.output)
    }
  }

  @Test("a network is measured as well, whatever it does")
  func network() throws {
    try Workplace.with { place in
      // Untrained: hardly an image is right before the attack, and that is no error.
      let result = try Command(folder: place.folder).run(
        [
          "verify", "--model", place.path("model.safetensors"), "--count", "40", "--draws", "2",
          "--lambdas", "0.5", "--epsilon", "1/5", "--steps", "2", "--json", "record.json",
        ] + Self.small)
      #expect(result.status == 0, "\(result.error)")
      #expect(result.output.contains("of 40 images") && result.output.contains("Linearity"))
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: place.folder.appending(path: "record.json")))
      let network = try #require((json as? [String: Any])?["network"] as? [String: Any])
      #expect((network["points"] as? [Any])?.count == 2)
    }
  }
}
