import Foundation

/// N(0, 1) numbers by the ziggurat: the density is covered by 128 layers of one area, lying rectangles of which all but the
/// borders lie below it. A number from a layer is nearly always one at once, without a logarithm or a sine.
///
/// Source: Marsaglia and Tsang, "The ziggurat method for generating random variables", 2000; the number comes from other
/// bits than the layer, as Doornik, "An improved ziggurat method to generate normal random samples", 2005, asks for.
@usableFromInline
enum Ziggurat {
  /// Where the lowest layer's rectangle ends and the tail begins, so that 128 layers meet at the top.
  @usableFromInline static let tail = 3.442619855899

  /// Right ends of the layers' rectangles, from that which has the area of rectangle and tail of the lowest, down to 0; and
  /// behind these 129 what share of each lies below the density throughout.
  @usableFromInline static let layers: [Double] = {
    let area = 9.91256303526217e-3
    func density(_ x: Double) -> Double { exp(-x * x / 2) }
    var ends = [area / density(tail), tail]
    while ends.count < 128 {
      let last = ends[ends.count - 1]
      ends.append((-2 * log(area / last + density(last))).squareRoot())
    }
    ends.append(0)
    return ends + zip(ends, ends.dropFirst()).map { $1 / $0 }
  }()

  /// The next number; `layers` are `Ziggurat.layers`.
  @inlinable
  static func number(
    _ layers: UnsafeBufferPointer<Double>, from random: inout some RandomNumberGenerator
  ) -> Double {
    while true {
      let bits = random.next()
      let layer = Int(bits & 127)
      let place = Double(bits >> 11) * 0x1p-52 - 1
      if abs(place) < layers[129 + layer] { return place * layers[layer] }
      if let number = border(layer, place, from: &random) { return number }
    }
  }

  /// A number from the part of a layer that the density crosses; nil if it lies above.
  @usableFromInline
  static func border(
    _ layer: Int, _ place: Double, from random: inout some RandomNumberGenerator
  ) -> Double? {
    guard layer > 0 else { return place < 0 ? -beyond(from: &random) : beyond(from: &random) }
    let x = place * layers[layer]
    func height(_ end: Double) -> Double { exp((x * x - end * end) / 2) }
    let (low, high) = (height(layers[layer]), height(layers[layer + 1]))
    return low + random.uniformDouble() * (high - low) < 1 ? x : nil
  }

  /// A number of the tail, beyond `tail`. Source: Marsaglia, "Generating a variable from the tail of the normal
  /// distribution", 1964.
  private static func beyond(from random: inout some RandomNumberGenerator) -> Double {
    while true {
      // 1 − u is in (0, 1], so that logarithms are finite.
      let x = -log(1 - random.uniformDouble()) / tail
      if -2 * log(1 - random.uniformDouble()) >= x * x { return tail + x }
    }
  }
}
