import Foundation
import Statistics
import Testing

@Suite("An interval is two numbers in order")
struct IntervalTests {
  @Test("JSON is the array of the ends, and reading it gives the interval back")
  func json() throws {
    var random = stream(110)
    let text = try JSONEncoder().encode(Interval(lower: 0.25, upper: 0.5))
    #expect(String(decoding: text, as: UTF8.self) == "[0.25,0.5]")
    for _ in 0..<200 {
      let ends = [random.standardNormal(), random.standardNormal()].sorted()
      let interval = Interval(lower: ends[0], upper: ends[1])
      let data = try JSONEncoder().encode(interval)
      #expect(try JSONDecoder().decode(Interval.self, from: data) == interval)
    }
  }

  @Test(
    "other JSON is refused", arguments: ["[]", "[1]", "[1, 2, 3]", "[2, 1]", "[\"a\", 1]", "1"])
  func malformed(text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Interval.self, from: Data(text.utf8))
    }
  }

  @Test("both ends belong to it")
  func contains() {
    let interval = Interval(lower: -1, upper: 2)
    #expect([-1, 0, 2].allSatisfy(interval.contains))
    #expect(![(-1.0).nextDown, 2.0.nextUp, .nan].contains(where: interval.contains))
  }
}
