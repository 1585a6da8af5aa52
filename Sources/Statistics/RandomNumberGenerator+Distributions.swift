import Foundation

extension RandomNumberGenerator {
  /// Uniform in [0, 1) on a grid of 2⁻²⁴, so every value is exact.
  @inlinable
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// Uniform in [0, 1) on a grid of 2⁻⁵³.
  @inlinable
  public mutating func uniformDouble() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform among 0..<bound, without bias: a product's high word, redrawn in the rare case that
  /// would favour some values. `bound` is at least 1.
  ///
  /// Source: Lemire, "Fast random integer generation in an interval", 2019.
  @inlinable
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "no integer is below \(bound)")
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let least = (0 &- range) % range
      while product.low < least { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// N(0, 1), by the transform of Box and Muller.
  public mutating func standardNormal() -> Double {
    // 1 − u is in (0, 1], so the logarithm is finite.
    let radius = (-2 * log(1 - uniformDouble())).squareRoot()
    return radius * cos(2 * .pi * uniformDouble())
  }

  /// `count` independent N(0, 1) numbers, given to `body` with their places: by the ziggurat, so not the numbers that as
  /// many calls of `standardNormal` give.
  @inlinable
  package mutating func standardNormals(_ count: Int, _ body: (Int, Double) -> Void) {
    Ziggurat.layers.withUnsafeBufferPointer { layers in
      for place in 0..<count { body(place, Ziggurat.number(layers, from: &self)) }
    }
  }

  /// The logarithm of a Gamma(shape, 1) number; it stays finite where the number would underflow;
  /// 10⁻³⁰⁰ ≤ shape < ∞.
  ///
  /// Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; below 1
  /// by Gamma(a) = Gamma(a + 1)·U^(1/a).
  public mutating func logGamma(shape: Double) -> Double {
    // Below 1e-300 the logarithm itself would overflow, and beta would subtract infinities.
    precondition(shape >= 1e-300 && shape < .infinity, "no gamma distribution has shape \(shape)")
    if shape < 1 {
      let larger = logGamma(shape: shape + 1)
      return larger + log(1 - uniformDouble()) / shape
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = standardNormal()
      let root = 1 + c * x
      let u = 1 - uniformDouble()
      guard root > 0 else { continue }
      let v = root * root * root
      if log(u) <= x * x / 2 + d * (1 - v + log(v)) { return log(d) + log(v) }
    }
  }

  /// Beta(a, b) in [0, 1]: X / (X + Y) for X ~ Gamma(a), Y ~ Gamma(b).
  public mutating func beta(_ a: Double, _ b: Double) -> Double {
    let (x, y) = (logGamma(shape: a), logGamma(shape: b))
    return 1 / (1 + exp(y - x))
  }

  /// A uniformly random order of 0..<count. Source: Fisher and Yates; Durstenfeld's form.
  public mutating func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    for place in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(place, integer(below: place + 1))
    }
    return order
  }
}
