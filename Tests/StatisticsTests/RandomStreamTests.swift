import Statistics
import Testing

@Suite("A random stream belongs to its key alone")
struct RandomStreamTests {
  @Test("words come in NumPy's order, block after block")
  func order() throws {
    let golden = try Golden.read().streams
    #expect(golden.count >= 4)
    for known in golden {
      var random = RandomStream(
        RandomKey(
          seed: known.seed.bits, purpose: known.purpose, example: known.example,
          restart: known.restart, step: known.step, draw: known.draw))
      #expect(known.words.map { _ in random.next() } == known.words.map(\.bits))
    }
  }

  @Test("a key gives the same words every time, and a copied stream goes on alike")
  func repeatable() {
    var first = stream(3)
    var second = stream(3)
    for _ in 0..<7 { #expect(first.next() == second.next()) }
    var copy = first
    for _ in 0..<7 { #expect(first.next() == copy.next()) }
  }

  @Test("keys that differ in one field share no number in their first 2048 blocks")
  func disjoint() {
    let base = RandomKey(
      seed: 7, purpose: .test, example: 123, restart: 2, step: 5, draw: 11)
    var keys: Set = [base]
    for purpose in Purpose.allCases {
      var key = base
      key.purpose = purpose
      keys.insert(key)
    }
    // Neighbours, and the places where a field would run into the next if they shared bits.
    for bit in [0, 1, 8, 31, 32, 62, 63] {
      var key = base
      key.seed ^= 1 << bit
      keys.insert(key)
      key = base
      key.example ^= 1 << bit
      keys.insert(key)
      key = base
      key.draw ^= 1 << bit
      keys.insert(key)
    }
    for bit in [0, 1, 8, 16, 31] {
      var key = base
      key.restart ^= 1 << bit
      keys.insert(key)
      key = base
      key.step ^= 1 << bit
      keys.insert(key)
    }
    #expect(keys.count == Purpose.allCases.count + 21 + 10)

    // Single words are compared, which is stricter than blocks: of w = 46 · 8192 random words two
    // are equal with probability w² / 2⁶⁵ < 4·10⁻⁹.
    var words = [UInt64]()
    for key in keys {
      var random = RandomStream(key)
      for _ in 0..<4 * 2048 { words.append(random.next()) }
    }
    words.sort()
    #expect(zip(words, words.dropFirst()).allSatisfy { $0 != $1 })
  }
}
