import Classification
import Testing

@Suite("Buffers have memory of their own")
struct AlignedBufferTests {
  // Below and above the sizes from which memory is kept, mapped, and put on large pages.
  static let counts = [0, 1, 15, 1 << 14, 1 << 16, (1 << 16) + 1, 1 << 19, (1 << 19) + 12_345]

  @Test("It is aligned, and what one holds is not touched by the others", arguments: [true, false])
  func ownMemory(_ reuses: Bool) {
    let memory = reuses ? MemoryReuse() : nil
    defer { withExtendedLifetime(memory) {} }
    for round in 0..<3 {
      let buffers = Self.counts.map { AlignedBuffer(uninitialized: $0) }
      for (number, buffer) in buffers.enumerated() {
        #expect(buffer.count == Self.counts[number])
        #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
        if buffer.count >= 1 << 19 { #expect(UInt(bitPattern: buffer.pointer) % (1 << 21) == 0) }
        buffer.pointer.update(repeating: Float(round * 100 + number), count: buffer.count)
      }
      for (number, buffer) in buffers.enumerated() {
        let values = places(buffer).map { buffer.pointer[$0] }
        #expect(values.allSatisfy { $0 == Float(round * 100 + number) })
      }
      let copies = buffers.map { $0.copy() }
      for (number, copy) in copies.enumerated() {
        #expect(copy.pointer != buffers[number].pointer)
        #expect(places(copy).allSatisfy { copy.pointer[$0] == Float(round * 100 + number) })
      }
    }
  }

  /// One in every page, and the last one.
  private func places(_ buffer: AlignedBuffer) -> [Int] {
    Array(stride(from: 0, to: buffer.count, by: 1021))
      + (buffer.count > 0 ? [buffer.count - 1] : [])
  }

  // Primes, which no tensor's extents multiply to: tests that run at once ask for no buffer of these sizes.
  @Test("While memory is reused, the next buffer of a size has it", arguments: [71_993, 7_654_337])
  func reuse(_ count: Int) {
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    func address() -> UInt {
      let buffer = AlignedBuffer(uninitialized: count)
      buffer.pointer[count - 1] = 1
      return UInt(bitPattern: buffer.pointer)
    }
    let first = address()
    let between = AlignedBuffer(uninitialized: count + 1)
    #expect(address() == first)
    #expect(UInt(bitPattern: between.pointer) != first)
  }

  @Test("Large ones are counted while they live")
  func counted() {
    let buffer = AlignedBuffer(uninitialized: 50_000_000)
    withExtendedLifetime(buffer) { #expect(AlignedBuffer.mappedBytes >= 200_000_000) }
  }
}
