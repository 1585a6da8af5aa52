import Foundation
import MixupInference
import PropertyChecks
import PropertyTesting
import Testing

@Suite("λ as the ratio that was written")
struct ExactRatioTests {
  @Test("a decimal text is read digit by digit, however it is written")
  func texts() throws {
    for (text, n, d) in [
      ("0.4", 2, 5), ("0.40", 2, 5), (".4", 2, 5), ("4e-1", 2, 5), ("0.04e1", 2, 5), ("0", 0, 1),
      ("0.000", 0, 1), ("1", 1, 1), ("1.0", 1, 1), ("10e-1", 1, 1),
      ("1e-15", 1, 1_000_000_000_000_000),
      ("0.333333333333333", 333_333_333_333_333, 1_000_000_000_000_000),
    ] {
      let ratio = try #require(ExactRatio(text), "\(text)")
      #expect(ratio.numerator == n && ratio.denominator == d && ratio.value == Double(text))
    }
    for text in [
      "", ".", "1.5", "-0.1", "-0", "+", "nan", "inf", "0x1p-1", "1e-16", "0.1234567890123456", "½",
      "0.5 ", "1e", "e-1", "0,5",
    ] {
      #expect(ExactRatio(text) == nil, "\(text)")
    }
  }

  @Test("a double is the decimal number that is meant by it; tiny ones have 18 decimals")
  func doubles() throws {
    let whole = 1_000_000_000_000_000_000
    for (value, n, d) in [
      (0.4, 2, 5), (0.1 + 0.2, 30_000_000_000_000_004, whole / 10), (6e-19, 1, whole),
      (4e-19, 0, 1),
      (Double.leastNonzeroMagnitude, 0, 1), (1, 1, 1), (0, 0, 1),
    ] {
      #expect(try ExactRatio(value) == ExactRatio(n, over: d), "\(value)")
    }
    let written: ExactRatio = 0.4
    #expect(try written == ExactRatio(2, over: 5))
    for bad in [-0.1, 1.0.nextUp, .nan, .infinity] {
      #expect(throws: TheoryError.self) { try ExactRatio(bad) }
    }
    #expect(throws: TheoryError.self) { try ExactRatio(3, over: 2) }
    #expect(throws: TheoryError.self) { try ExactRatio(0, over: 0) }
    #expect(throws: TheoryError.self) { try ExactRatio(-1, over: 2) }
  }

  @Test("text, double, JSON and ratio are one number")
  func agreement() async {
    await check("an exact ratio", .integer(in: 0...1_000_000)) { (n: Int) in
      let ratio = try ExactRatio(n, over: 1_000_000)
      #expect(try ExactRatio(ratio.value) == ratio)
      #expect(ExactRatio("\(ratio.value)") == ratio)
      let data = try JSONEncoder().encode([ratio])
      #expect(try JSONDecoder().decode([ExactRatio].self, from: data) == [ratio])
      #expect(ratio.numerator * (1_000_000 / ratio.denominator) == n)
    }
    #expect(throws: TheoryError.self) {
      try JSONDecoder().decode([ExactRatio].self, from: Data("[2]".utf8))
    }
  }
}
