import Glibc

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
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let isLarge = bytes >= Self.hugePage
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: isLarge ? Self.hugePage : 64)
    if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  /// Large buffers are put on large pages where the system has them: a pass over many small pages
  /// waits for the translation of addresses.
  private static let hugePage = 1 << 21

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  package func copy() -> AlignedBuffer {
    let copy = AlignedBuffer(uninitialized: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }
}
