import Foundation
import Statistics
import Testing

@Suite("Normal numbers, many at a time")
struct NormalNumbersTests {
  @Test("they have the normal law, also two of them together, and each its place once")
  func law() {
    for count in [20_000, 1, 0, 7] {
      var random = stream(191)
      var draws: [Double] = []
      random.standardNormals(count) { place, value in
        #expect(place == draws.count)
        draws.append(value)
      }
      #expect(draws.count == count)
      guard count == 20_000 else { continue }
      #expect(largestDeviation(of: draws, from: standardNormalCDF) <= samplingBound(count))
      // Sums of neighbours have variance 2 if, and for normal numbers only if, they are uncorrelated.
      let sums: [Double] = stride(from: 0, to: count, by: 2).map { place in
        (draws[place] + draws[place + 1]) * 0.5.squareRoot()
      }
      #expect(largestDeviation(of: sums, from: standardNormalCDF) <= samplingBound(count / 2))
    }
  }

  // The layers' borders hold 1.2% of all numbers and the tails 0.06%, too few for a test of the whole law.
  @Test(
    "their shares are right in 400 cells of one probability and beyond the last layer on either side"
  )
  func cells() {
    var random = stream(192)
    let (count, cells) = (4_000_000, 400)
    var counts = [Int](repeating: 0, count: cells)
    var beyond = [0, 0]
    let tail = 3.442619855899
    random.standardNormals(count) { _, value in
      counts[min(Int(standardNormalCDF(value) * Double(cells)), cells - 1)] += 1
      if abs(value) > tail { beyond[value < 0 ? 0 : 1] += 1 }
    }
    let expected = Double(count) / Double(cells)
    let statistic = counts.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
    // Laurent and Massart, 2000: P(χ² ≥ k + 2√(kt) + 2t) ≤ exp(−t), here 10⁻⁹.
    let (freedom, t) = (Double(cells - 1), -log(1e-9))
    #expect(statistic <= freedom + 2 * (freedom * t).squareRoot() + 2 * t)
    // Bernstein's bound of a binomial number, 10⁻⁹ on either side.
    let mean = Double(count) * standardNormalCDF(-tail)
    let slack = (2 * mean * t).squareRoot() + t / 3
    for number in beyond { #expect(abs(Double(number) - mean) <= slack) }
  }

  @Test("words at either end give finite numbers, whatever the layer")
  func extremes() {
    struct Words: RandomNumberGenerator {
      var words: [UInt64]
      var rest = RandomStream(RandomKey(seed: 1, purpose: .test))

      mutating func next() -> UInt64 { words.isEmpty ? rest.next() : words.removeFirst() }
    }
    for layer in UInt64(0)..<128 {
      for place in [0, 1 << 11, UInt64.max & ~2047, UInt64.max / 2 & ~2047] {
        for following in [[0, 0], [UInt64.max, UInt64.max], [0, UInt64.max]] as [[UInt64]] {
          var words = Words(words: [place | layer] + following)
          words.standardNormals(1) { _, value in #expect(value.isFinite && abs(value) < 40) }
        }
      }
    }
  }
}
