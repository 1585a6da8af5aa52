import Foundation
import Statistics

/// With probability 1 − 10⁻⁹ at least, the empirical distribution function of n draws is nowhere
/// farther than this from that of their law, and so is the mean of draws of a law on [0, 1] from
/// its mean: √(ln(2/10⁻⁹) / 2n), by Dvoretzky, Kiefer, Wolfowitz and Massart, and by Hoeffding.
///
/// The seeds are fixed: 10⁻⁹ bounds the chance that a right implementation fails for the seeds we
/// happened to pick, not a chance of failing on some run.
func samplingBound(_ n: Int) -> Double {
  (log(2 / 1e-9) / Double(2 * n)).squareRoot()
}

/// sup |F_n − F| of draws from a continuous law (Kolmogorov and Smirnov).
func largestDeviation(of draws: [Double], from distribution: (Double) -> Double) -> Double {
  let n = Double(draws.count)
  return draws.sorted().enumerated().reduce(0) { largest, draw in
    let expected = distribution(draw.element)
    return max(
      largest, expected - Double(draw.offset) / n, Double(draw.offset + 1) / n - expected)
  }
}

/// The share of draws that are `x` or less.
func share(of draws: [Double], upTo x: Double) -> Double {
  Double(draws.count { $0 <= x }) / Double(draws.count)
}

func mean(_ values: [Double]) -> Double {
  values.reduce(0, +) / Double(values.count)
}

/// A stream of its own for each test, named by a seed.
func stream(_ seed: UInt64) -> RandomStream {
  RandomStream(RandomKey(seed: seed, purpose: .test))
}

/// Hands out the given words in turn, then starts again.
struct Script: RandomNumberGenerator {
  let words: [UInt64]
  var handedOut = 0

  init(_ words: UInt64...) { self.words = words }

  mutating func next() -> UInt64 {
    defer { handedOut += 1 }
    return words[handedOut % words.count]
  }
}
