import Statistics
import Testing

@Suite("Philox is the function that NumPy computes")
struct PhiloxTests {
  @Test("blocks are equal to NumPy's, the published known answers among them")
  func knownAnswers() throws {
    let golden = try Golden.read().philox
    #expect(golden.count >= 9)
    for case let known in golden {
      let counter = SIMD4(known.counter.map(\.bits))
      let key = SIMD2(known.key.map(\.bits))
      #expect(Philox.block(counter: counter, key: key) == SIMD4(known.block.map(\.bits)))
    }
  }

  @Test("each bit of counter and key flips about half the bits of the block")
  func avalanche() {
    var random = stream(1)
    // Of 256 · 64 fair coins, the share of heads is off by more than this once in 10⁹ times.
    let bound = samplingBound(256 * 64)
    for bit in 0..<384 {
      var flipped = 0
      for _ in 0..<64 {
        let counter = SIMD4((0..<4).map { _ in random.next() })
        let key = SIMD2((0..<2).map { _ in random.next() })
        var (otherCounter, otherKey) = (counter, key)
        if bit < 256 {
          otherCounter[bit / 64] ^= 1 << UInt64(bit % 64)
        } else {
          otherKey[bit / 64 - 4] ^= 1 << UInt64(bit % 64)
        }
        let change =
          Philox.block(counter: counter, key: key)
          ^ Philox.block(counter: otherCounter, key: otherKey)
        for word in 0..<4 { flipped += change[word].nonzeroBitCount }
      }
      #expect(abs(Double(flipped) / (256 * 64) - 0.5) < bound, "bit \(bit)")
    }
  }
}
