import Foundation
import Robustness
import Testing

@Suite("ε, an exact ratio on the pixel scale")
struct EpsilonTests {
  @Test(
    "it is kept as asked for, through text and JSON",
    arguments: ["8/255", "0.15", "0", "1", "1.0", "0.50", "16/510", "0/7", "0.001"])
  func isKeptAsAskedFor(_ text: String) throws {
    let epsilon = try Epsilon(text)
    #expect(epsilon.description == text)
    let copy = try JSONDecoder().decode([Epsilon].self, from: JSONEncoder().encode([epsilon]))
    #expect(copy.map(\.description) == [text] && copy == [epsilon])
    #expect(
      try JSONDecoder().decode([String].self, from: JSONEncoder().encode([epsilon])) == [text])
  }

  @Test("its value is the nearest number to the ratio")
  func valuesAreNearest() throws {
    for numerator in 0...255 {
      let epsilon = try Epsilon("\(numerator)/255")
      #expect(epsilon.doubleValue == Double(numerator) / 255)
      #expect(epsilon.value == Float(numerator) / 255)
    }
    for thousandths in 0...1000 {
      let text = String(format: "%.3f", Double(thousandths) / 1000)
      #expect(try Epsilon(text).doubleValue == Double(text))
    }
  }

  @Test("equal numbers are equal, however they are written, and order is that of the numbers")
  func comparesAsNumbers() throws {
    for (a, b) in [("1/2", "0.50"), ("16/510", "8/255"), ("0", "0/3"), ("3/3", "1")] {
      #expect(try Epsilon(a) == Epsilon(b))
      #expect(try Set([Epsilon(a), Epsilon(b)]).count == 1)
    }
    let ordered = try ["0", "1/255", "0.004", "2/255", "0.15", "0.99999999999999", "1"].map {
      try Epsilon($0)
    }
    #expect(try ordered == ordered.reversed().sorted() && Epsilon("0") == .zero)
  }

  @Test(
    "text that is no length is refused",
    arguments: [
      "", " ", "abc", "8/", "/255", "8/0", "-1/255", "+1/2", "8/255/1", "1e-3", "0.", ".5", "0,1",
      "0.1/255", "nan", "inf", "8 /255", "٣/255", "1/1000000000000000000000", "0.1.2",
    ])
  func badTextIsRefused(_ text: String) {
    #expect(throws: EpsilonError.text(text)) { try Epsilon(text) }
  }

  @Test("a length wider than the pixel scale is refused: 8 is not 8/255", arguments: ["8", "9/8"])
  func tooLargeIsRefused(_ text: String) {
    #expect(throws: EpsilonError.tooLarge(text)) { try Epsilon(text) }
  }

  @Test("so many steps reach a radius exactly where their ratios do, which doubles get wrong")
  func reaches() throws {
    var wrong = 0
    for d in 1...200 {
      let size = try Epsilon("1/\(d)")
      #expect(try size.reaches(Epsilon("1"), inSteps: d))
      #expect(try !size.reaches(Epsilon("1"), inSteps: d - 1))
      if Double(d) * size.doubleValue < 1 { wrong += 1 }
    }
    // 49 · (1/49) is the first that falls short.
    #expect(wrong > 0)
    // The largest numbers that can be read.
    let fine = try Epsilon("999999999999998/999999999999999")
    #expect(
      try fine.reaches(Epsilon("1"), inSteps: 1_000_000) && !fine.reaches(Epsilon("1"), inSteps: 1))
  }

  @Test("in lowest terms, equal numbers are equal texts")
  func lowestTerms() throws {
    for (text, lowest) in [
      ("3/20", "3/20"), ("0.15", "3/20"), ("0.150", "3/20"), ("1.0", "1"), ("0/9", "0"),
    ] {
      let epsilon = try Epsilon(text)
      #expect(epsilon.inLowestTerms.description == lowest && epsilon.inLowestTerms == epsilon)
    }
  }

  @Test("in ℓ2 a length may be more than 1, up to 1000")
  func euclidean() throws {
    for text in ["1.5", "128/255", "3", "1000", "1000/1", "999.99"] {
      #expect(try Epsilon(text, norm: .l2).description == text)
    }
    for text in ["1001", "1000.1", "999999999999999"] {
      #expect(throws: EpsilonError.beyondAll(text)) { try Epsilon(text, norm: .l2) }
    }
    #expect(throws: EpsilonError.text("-1")) { try Epsilon("-1", norm: .l2) }
  }
}
