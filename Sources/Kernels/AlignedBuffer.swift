import Glibc
import Synchronization

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
    pointer = MemoryShelf.take(Self.byteCount(count))
      .bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { MemoryShelf.giveBack(UnsafeMutableRawPointer(pointer), Self.byteCount(count)) }

  private static func byteCount(_ count: Int) -> Int {
    max(count, 1) * MemoryLayout<Float>.stride
  }

  package func copy() -> AlignedBuffer {
    let copy = AlignedBuffer(uninitialized: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }
}

/// Large memory that nobody uses at the moment, kept for the next buffer of its size: every step of a
/// training asks for the same sizes again, and memory that is new to the process is touched for the
/// first time at a tenth of the speed.
private enum MemoryShelf {
  /// Addresses by size, and bytes in all.
  private struct Content {
    var addresses: [Int: [UInt]] = [:]
    var bytes = 0
  }

  private static let content = Mutex(Content())
  /// Smaller memory is not worth keeping.
  private static let smallest = 1 << 16
  /// No more is kept: 1 GiB.
  private static let capacity = 1 << 30
  /// From this size on memory is put on large pages where the system has them: a pass over many
  /// small pages waits for the translation of addresses.
  private static let hugePage = 1 << 21

  static func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    if bytes >= smallest {
      let found = content.withLock { content -> UInt? in
        guard let address = content.addresses[bytes]?.popLast() else { return nil }
        content.bytes -= bytes
        return address
      }
      if let found, let pointer = UnsafeMutableRawPointer(bitPattern: found) { return pointer }
    }
    let isLarge = bytes >= hugePage
    let pointer = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: isLarge ? hugePage : 64)
    if isLarge { madvise(pointer, bytes, MADV_HUGEPAGE) }
    return pointer
  }

  static func giveBack(_ pointer: UnsafeMutableRawPointer, _ bytes: Int) {
    let isKept =
      bytes >= smallest
      && content.withLock { content in
        guard content.bytes + bytes <= capacity else { return false }
        content.bytes += bytes
        content.addresses[bytes, default: []].append(UInt(bitPattern: pointer))
        return true
      }
    if !isKept { pointer.deallocate() }
  }
}
