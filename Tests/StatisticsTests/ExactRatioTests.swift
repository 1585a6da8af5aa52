import PropertyChecks
import PropertyTesting
import Statistics
import Testing

@Suite("A number as the ratio that was written")
struct ExactRatioTests {
  @Test("a text is read digit by digit, and told as it was written")
  func texts() throws {
    for (text, n, d) in [
      ("0.4", 2, 5), ("0.40", 2, 5), ("2/5", 2, 5), ("16/510", 8, 255), ("0", 0, 1),
      ("0.000", 0, 1),
      ("0/7", 0, 1), ("1", 1, 1), ("1.0", 1, 1), ("1000", 1000, 1), ("9/8", 9, 8),
      ("0.333333333333333", 333_333_333_333_333, 1_000_000_000_000_000),
      ("0.000000000000001", 1, 1_000_000_000_000_000),
    ] {
      let ratio = try #require(ExactRatio(text), "\(text)")
      #expect(ratio.numerator == n && ratio.denominator == d && ratio.description == text)
      #expect(ratio == ExactRatio(n, over: d))
      #expect(ExactRatio(ratio.inLowestTerms.description) == ratio)
    }
  }

  @Test(
    "other texts are none",
    arguments: [
      "", " ", "abc", "8/", "/255", "8/0", "-1/255", "+1/2", "8/255/1", "1e-3", "0.", ".5", "0,1",
      "0.1/255", "nan", "inf", "8 /255", "٣/255", "1/1000000000000000000000", "0.1.2", "½",
      "0.0000000000000001", "1234567890.123456",
    ])
  func otherTexts(_ text: String) { #expect(ExactRatio(text) == nil) }

  @Test("its double is the nearest: that of the decimal number, and of the quotient")
  func doubles() async {
    await check("the nearest double", .integer(in: 0...999_999)) { (n: Int) in
      let digits = "\(n)"
      let text = "0." + String(repeating: "0", count: 6 - digits.count) + digits
      #expect(ExactRatio(text)?.doubleValue == Double(text))
      #expect(ExactRatio(n, over: 255).doubleValue == Double(n) / 255)
    }
  }

  @Test("order, equality and multiples are those of the numbers, where doubles get ties wrong")
  func order() async {
    await check(
      "order", .integer(in: 0...300), .integer(in: 1...300), .integer(in: 0...300),
      .integer(in: 1...300), .integer(in: 0...300)
    ) { (a: Int, b: Int, c: Int, d: Int, times: Int) in
      let (x, y) = (ExactRatio(a, over: b), ExactRatio(c, over: d))
      #expect((x < y) == (a * d < c * b))
      #expect((x == y) == (a * d == c * b))
      #expect(x != y || x.hashValue == y.hashValue)
      #expect(x.times(times, isAtLeast: y) == (times * a * d >= c * b))
    }
    // In doubles 49 · (1/49) falls short of 1.
    for d in 1...200 {
      let part = ExactRatio(1, over: d)
      #expect(part.times(d, isAtLeast: ExactRatio(1, over: 1)))
      #expect(!part.times(d - 1, isAtLeast: ExactRatio(1, over: 1)))
    }
  }
}
