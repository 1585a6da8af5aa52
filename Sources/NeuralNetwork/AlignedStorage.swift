/// Float32 memory that starts on a 64-byte boundary, so that a 512-bit access never straddles two
/// cache lines. A class because the memory has one owner; `Tensor` gives it value semantics.
final class AlignedStorage: @unchecked Sendable {
  // Sendable because `Tensor` writes only through a unique reference.
  let pointer: UnsafeMutablePointer<Float>
  let count: Int

  /// Uninitialised memory for `count` floats.
  init(uninitialized count: Int) {
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  func copy() -> AlignedStorage {
    let copy = AlignedStorage(uninitialized: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }
}
