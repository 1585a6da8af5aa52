import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Testing

@Suite("λ, kept as it was asked for")
struct MixingRatioTests {
  @Test(
    "text and JSON keep what was asked for to the digit; JSON has a number where that says all",
    arguments: [
      ("0.6", "0.6"), ("0.60", #""0.60""#), ("3/5", #""3\/5""#), ("1/3", #""1\/3""#), ("0", "0"),
      ("1", "1"),
      ("1.0", #""1.0""#), ("0.000001", "0.000001"), ("0.123456789012345", "0.123456789012345"),
    ])
  func isKept(_ text: String, json: String) throws {
    let lambda = try MixingRatio(text)
    #expect(lambda.description == text)
    let data = try JSONEncoder().encode([lambda])
    #expect(String(decoding: data, as: UTF8.self) == "[\(json)]")
    #expect(try JSONDecoder().decode([MixingRatio].self, from: data).map(\.description) == [text])
  }

  @Test("equal numbers have one canonical form, and that is written as a number where it can be")
  func canonical() throws {
    for (texts, canonical) in [
      (["0.6", "0.60", "3/5", "6/10"], "0.6"), (["1", "1.0", "7/7"], "1"), (["1/3", "2/6"], "1/3"),
      (["0", "0/9", "0.00"], "0"),
    ] {
      for text in texts {
        let lambda = try MixingRatio(text)
        #expect(lambda.canonical.description == canonical && lambda.canonical == lambda)
      }
    }
  }

  @Test("what is outside [0, 1], or no number, is refused, also in JSON")
  func refusals() {
    for text in ["1.5", "3/2", "-0.1", "-0", "nan", "", "0,5", "1e-1"] {
      #expect(throws: MixingRatioError(text: text)) { try MixingRatio(text) }
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode([MixingRatio].self, from: Data("[\"\(text)\"]".utf8))
      }
    }
    for number in ["2", "-0.5", "1.0000001"] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode([MixingRatio].self, from: Data("[\(number)]".utf8))
      }
    }
  }

  @Test("a literal is the decimal number that is written, and its float the nearest one")
  func literals() async throws {
    let written: MixingRatio = 0.4
    #expect(try written == MixingRatio("2/5") && written.value == 0.4)
    let ends: [MixingRatio] = [0, 1]
    #expect(ends == [MixingRatio(0, over: 5), MixingRatio(5, over: 5)])
    await check("a float", .integer(in: 0...1000)) { (n: Int) in
      let lambda = MixingRatio(n, over: 1000)
      #expect(lambda.value == Float(n) / 1000 && lambda.doubleValue == Double(n) / 1000)
    }
  }
}
