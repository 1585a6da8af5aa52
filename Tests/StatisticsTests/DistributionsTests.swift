import Foundation
import Statistics
import Testing

/// Philox with the counter that counts as NumPy's does: first word first, and before each block.
private struct NumPyPhilox: RandomNumberGenerator {
  var counter: SIMD4<UInt64>
  let key: SIMD2<UInt64>
  var used = 0

  mutating func next() -> UInt64 {
    if used % 4 == 0 { counter.x += 1 }
    defer { used += 1 }
    return Philox.block(counter: counter, key: key)[used % 4]
  }
}

@Suite("Uniform numbers are exact and within their range")
struct UniformTests {
  @Test("doubles are NumPy's")
  func numPyDoubles() throws {
    let golden = try Golden.read().doubles
    var random = NumPyPhilox(counter: [5, 0, 0, 0], key: [7, 0])
    #expect(golden.count == 40)
    for value in golden { #expect(random.uniformDouble() == value) }
  }

  @Test("the extreme words give 0 and the largest number below 1")
  func extremes() {
    var (lowest, highest) = (Script(0), Script(.max))
    #expect(lowest.uniform() == 0)
    #expect(lowest.uniformDouble() == 0)
    #expect(highest.uniform() == Float(1).nextDown)
    #expect(highest.uniformDouble() == 1.0.nextDown)
  }

  @Test("every float is a multiple of 2⁻²⁴ taken from the upper bits of one word")
  func lattice() {
    var (floats, words) = (stream(10), stream(10))
    for _ in 0..<10_000 {
      let steps = floats.uniform() * 0x1p24
      #expect(UInt64(steps) == words.next() / (1 << 40) && steps == steps.rounded())
    }
  }

  @Test("floats and doubles are uniform (Kolmogorov–Smirnov)")
  func uniform() {
    var random = stream(11)
    let n = 100_000
    // A law on multiples of 2⁻²⁴ is within 2⁻²⁴ of the uniform one.
    let floats = (0..<n).map { _ in Double(random.uniform()) }
    #expect(largestDeviation(of: floats) { $0 } < samplingBound(n) + 0x1p-24)
    let doubles = (0..<n).map { _ in random.uniformDouble() }
    #expect(largestDeviation(of: doubles) { $0 } < samplingBound(n))
  }
}

@Suite("Integers, orders and shuffles are unbiased")
struct IntegerTests {
  @Test("integers below a bound above 2³² are NumPy's")
  func numPyIntegers() throws {
    let golden = try Golden.read().integers
    #expect(golden.count == 5)
    for known in golden {
      var random = NumPyPhilox(counter: [5, 0, 0, 0], key: [7, 0])
      #expect(known.values.map { _ in random.integer(below: known.bound) } == known.values)
    }
  }

  @Test("of the words next to each boundary, as many reach each value as bias-free drawing allows")
  func rejection() {
    // Below n = 3, word w stands for ⌊3w / 2⁶⁴⌋; 2⁶⁴ = 3q + 1, so exactly one word is drawn again:
    // the first of 0's.
    var rejected = Script(0, .max)
    #expect(rejected.integer(below: 3) == 2)
    #expect(rejected.handedOut == 2)
    let third = UInt64.max / 3
    for (word, value) in [(1, 0), (third, 0), (third + 1, 1), (2 * third, 1), (2 * third + 1, 2)] {
      var accepted = Script(word)
      #expect(accepted.integer(below: 3) == value)
      #expect(accepted.handedOut == 1)
    }
  }

  @Test("integers stay below their bound and are uniform", arguments: [1, 2, 3, 7, 10, 1000])
  func uniform(n: Int) {
    var random = stream(20 + UInt64(n))
    let draws = (0..<50_000).map { _ in random.integer(below: n) }
    #expect(draws.allSatisfy { (0..<n).contains($0) })
    let values = draws.map(Double.init)
    for value in 0..<n {
      let expected = Double(value + 1) / Double(n)
      #expect(abs(share(of: values, upTo: Double(value)) - expected) < samplingBound(50_000))
    }
  }

  @Test("a permutation holds every number once", arguments: 0..<40)
  func permutation(n: Int) {
    var random = stream(30)
    #expect(random.permutation(of: n).sorted() == Array(0..<n))
  }

  @Test("all 24 orders of four are equally likely")
  func orders() {
    var random = stream(31)
    let n = 50_000
    var counts = [[Int]: Int]()
    for _ in 0..<n { counts[random.permutation(of: 4), default: 0] += 1 }
    #expect(counts.count == 24)
    for count in counts.values {
      #expect(abs(Double(count) / Double(n) - 1 / 24) < samplingBound(n))
    }
  }
}

@Suite("Continuous laws are the ones they are named after")
struct ContinuousLawTests {
  @Test("normal numbers are standard normal (Kolmogorov–Smirnov) and take two words each")
  func normal() {
    var random = stream(40)
    let n = 100_000
    let draws = (0..<n).map { _ in random.standardNormal() }
    #expect(largestDeviation(of: draws, from: standardNormalCDF) < samplingBound(n))
    // Neighbours are independent: their sum over √2 is standard normal too.
    let sums = (0..<n / 2).map { pair -> Double in
      (draws[2 * pair] + draws[2 * pair + 1]) / 2.0.squareRoot()
    }
    #expect(largestDeviation(of: sums, from: standardNormalCDF) < samplingBound(n / 2))
    var words = stream(40)
    for _ in 0..<2 * n { _ = words.next() }
    #expect(random.next() == words.next())
  }

  @Test("the extreme words give finite numbers")
  func extremes() {
    for words in [Script(0, 0), Script(.max, 0), Script(.max, .max), Script(0, .max)] {
      var script = words
      let value = script.standardNormal()
      #expect(abs(value) < 8.6)
    }
    // Words by which the first candidates are taken: the largest and the smallest U to be had.
    for last in [0, UInt64.max] {
      var script = Script(0, 0, 0, last)
      #expect(script.beta(1e-300, 1e-300).isFinite)
      #expect(script.logGamma(shape: 1e-300).isFinite)
    }
  }

  @Test("beta and gamma follow SciPy's distribution functions")
  func laws() throws {
    let golden = try Golden.read().laws
    #expect(golden.count == 18)
    let n = 40_000
    for (seed, law) in golden.enumerated() {
      var random = stream(50 + UInt64(seed))
      let draws = (0..<n).map { _ in
        law.name == "beta"
          ? random.beta(law.shapes[0], law.shapes[1]) : exp(random.logGamma(shape: law.shapes[0]))
      }
      #expect(draws.allSatisfy { $0 >= 0 && $0 <= (law.name == "beta" ? 1 : .infinity) })
      for (x, probability) in zip(law.points, law.probabilities) {
        #expect(
          abs(share(of: draws, upTo: x) - probability) < samplingBound(n),
          "\(law.title) at \(x)")
      }
    }
  }

  /// P8 and P9 for λ ~ Beta(α, α).
  @Test(
    "beta has mean ½, is symmetric, and E[λ² + (1 − λ)²] = (α + 1)/(2α + 1)",
    arguments: [1e-3, 0.1, 0.2, 0.5, 1, 2, 10])
  func moments(alpha: Double) {
    var random = stream(80)
    let n = 40_000
    let draws = (0..<n).map { _ in random.beta(alpha, alpha) }
    #expect(abs(mean(draws) - 0.5) < samplingBound(n))
    // Hoeffding's bound is proportional to the width of the range: ½...1 here, 0...¼ below.
    let squares = draws.map { $0 * $0 + (1 - $0) * (1 - $0) }
    #expect(abs(mean(squares) - (alpha + 1) / (2 * alpha + 1)) < samplingBound(n) / 2)
    let deviations = draws.map { ($0 - 0.5) * ($0 - 0.5) }
    #expect(abs(mean(deviations) - 1 / (4 * (2 * alpha + 1))) < samplingBound(n) / 4)
    // The bound holds at every t at once, for λ and, read from the right, for 1 − λ.
    for t in stride(from: 0.01, to: 0.5, by: 0.01) {
      let mirrored = Double(draws.count { 1 - $0 <= t }) / Double(n)
      #expect(abs(share(of: draws, upTo: t) - mirrored) < 2 * samplingBound(n))
    }
  }

  /// P9: mixing independent partners scales their variance by E[λ² + (1 − λ)²].
  @Test("mixed uniform numbers have variance (α + 1)/(2α + 1) · 1/12", arguments: [0.01, 0.2, 1])
  func mixedVariance(alpha: Double) {
    var random = stream(81)
    let n = 40_000
    let deviations = (0..<n).map { _ in
      let share = random.beta(alpha, alpha)
      let mixed = share * random.uniformDouble() + (1 - share) * random.uniformDouble()
      return (mixed - 0.5) * (mixed - 0.5)
    }
    let expected = (alpha + 1) / (2 * alpha + 1) / 12
    #expect(abs(mean(deviations) - expected) < samplingBound(n) / 4)
  }

  @Test("beta becomes two-point as α = β → 0, in the ratio of the shapes", arguments: [0.5, 0.8])
  func twoPoint(ratio: Double) {
    var random = stream(82)
    let n = 20_000
    for scale in [1e-9, 1e-200, 1e-299] {
      // Between the points lies a mass below 2000·scale, so no draw.
      let draws = (0..<n).map { _ in random.beta(ratio * scale, (1 - ratio) * scale) }
      #expect(draws.allSatisfy { $0 < 1e-100 || $0 == 1 })
      #expect(abs(mean(draws) - ratio) < samplingBound(n))
    }
  }

  @Test("gamma has mean and variance equal to its shape", arguments: [0.3, 1, 4.5, 1000])
  func gammaMoments(shape: Double) {
    var random = stream(83)
    let n = 40_000
    let draws = (0..<n).map { _ in exp(random.logGamma(shape: shape)) }
    // The mean of n draws is Gamma(n·shape)/n, for n·shape ≥ 10⁴ normal to within a factor of two
    // in the tail at 7 standard deviations, beyond which 3·10⁻¹² of the normal law lie.
    let standardError = (shape / Double(n)).squareRoot()
    #expect(abs(mean(draws) - shape) < 7 * standardError)
    // Var of (X − a)² is E(X − a)⁴ − a² = 2a² + 6a; its mean is near normal likewise.
    let spread = mean(draws.map { ($0 - shape) * ($0 - shape) })
    let spreadError = ((2 * shape * shape + 6 * shape) / Double(n)).squareRoot()
    #expect(abs(spread - shape) < 10 * spreadError)
  }
}
