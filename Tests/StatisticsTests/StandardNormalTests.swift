import Foundation
import Statistics
import Testing

@Suite("The normal quantile inverts the normal distribution function")
struct StandardNormalTests {
  @Test("quantiles are SciPy's to 10⁻¹²")
  func golden() throws {
    let golden = try Golden.read().quantiles
    #expect(golden.count >= 40)
    for known in golden {
      let value = standardNormalQuantile(known.probability)
      #expect(abs(value - known.value) <= 1e-12 * abs(known.value), "at \(known.probability)")
    }
  }

  @Test("Φ(Φ⁻¹(p)) = p, and Φ⁻¹ is odd about ½ and increasing")
  func inverse() {
    var random = stream(100)
    for _ in 0..<5_000 {
      let p = exp(-600 * random.uniformDouble() * random.uniformDouble()) / 2
      let x = standardNormalQuantile(p)
      // An error of one part in 2⁵³ in x is one of x² parts in Φ(x), and x² < 2·600 + 2 here; 16
      // such errors are allowed to quantile and function together.
      #expect(abs(standardNormalCDF(x) - p) <= 16 * (1 + x * x) * 0x1p-53 * p)
      // 1 − q is exact only if q is a multiple of 2⁻⁵³.
      let q = Double(random.next() >> 12 + 1) * 0x1p-53
      #expect(standardNormalQuantile(1 - q) == -standardNormalQuantile(q))
      #expect(standardNormalQuantile(q) < standardNormalQuantile(q * (1 + 1e-9)))
    }
  }

  @Test("the ends are infinite, the middle is 0, and outside there is nothing")
  func edges() {
    #expect(standardNormalQuantile(0) == -.infinity)
    #expect(standardNormalQuantile(1) == .infinity)
    #expect(standardNormalQuantile(0.5) == 0)
    for p in [-0.1, 1.1, .nan, .infinity] { #expect(standardNormalQuantile(p).isNaN) }
  }

  @Test("the smallest positive numbers give finite quantiles, no higher than larger ones")
  func subnormal() {
    var last = standardNormalQuantile(1e-300)
    for p in [1e-305, 1e-308, 0x1p-1030, 0x1p-1050, 0x1p-1070, .leastNonzeroMagnitude] {
      let x = standardNormalQuantile(p)
      #expect(x.isFinite && x < last)
      last = x
    }
  }
}
