/// Float32 memory that starts on a 64-byte boundary, so that a 512-bit access never straddles two
/// cache lines. A class because the memory has one owner.
///
/// Sendable although its contents can change: whoever shares a buffer between threads sees to it
/// that none writes what another reads (`Tensor` writes only through a unique reference).
package final class AlignedBuffer: @unchecked Sendable {
  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int

  /// Memory for `count` floats whose contents are undefined.
  package init(uninitialized count: Int) {
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  package func copy() -> AlignedBuffer {
    let copy = AlignedBuffer(uninitialized: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }
}
