import Classification
import PropertyChecks
import PropertyTesting
import Testing

@Suite("Parts for threads")
struct EvenPartsTests {
  @Test("parts are even, as many for every thread, and no more than must be")
  func parts() async {
    await check(
      "even parts", .integer(in: 0...400), .integer(in: 1...9), .integer(in: 1...70), cases: 500
    ) { (numbers: Int, threads: Int, most: Int) in
      let parts = EvenParts(of: numbers, among: threads, atMost: most)
      let all = (0..<parts.count).map { parts[$0] }
      #expect(all.flatMap(\.self) == Array(0..<numbers))
      let sizes = all.map(\.count)
      #expect(sizes.allSatisfy { 1...most ~= $0 })
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
      #expect(parts.largest == sizes.max() ?? 0)
      #expect(parts.count % threads == 0 || sizes.allSatisfy { $0 == 1 })
      // With a part less for every thread some part would be too large.
      #expect((parts.count - threads) * most < numbers || parts.count == 0)
      cover(0.1, "several parts for a thread", parts.count > threads)
      cover(0.01, "fewer numbers than threads", numbers < threads)
    }
  }

  @Test("a size beyond all numbers is one part for every thread")
  func extremes() {
    #expect(EvenParts(of: 10, among: 1, atMost: .max).count == 1)
    #expect(EvenParts(of: 10, among: 3, atMost: .max).count == 3)
  }
}
