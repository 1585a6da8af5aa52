import Glibc
import Synchronization

/// Float32 memory that starts on a 64-byte boundary, so that a 512-bit access never straddles two
/// cache lines. A class because the memory has one owner.
///
/// Sendable although its contents can change: whoever shares a buffer between threads sees to it
/// that none writes what another reads (`Tensor` writes only through a unique reference).
@usableFromInline
package final class AlignedBuffer: @unchecked Sendable {
  @usableFromInline package let pointer: UnsafeMutablePointer<Float>
  /// The number of floats.
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

  /// Other memory with the same contents.
  package func copy() -> AlignedBuffer {
    let copy = AlignedBuffer(uninitialized: count)
    copy.pointer.update(from: pointer, count: count)
    return copy
  }
}

/// While an instance lives, up to 1 GiB of buffers that were given up is kept for the next buffer of the
/// same size; otherwise 4 MiB. Every step of a training asks for the same sizes again, and memory that is
/// new to the process is touched for the first time at a tenth of the speed. A class, as its lifetime is
/// all that it has.
package final class MemoryReuse: Sendable {
  package init() { MemoryShelf.changeUsers(by: 1) }

  deinit { MemoryShelf.changeUsers(by: -1) }
}

extension AlignedBuffer {
  /// Bytes of buffers of 256 KiB or more, in use or kept. They are mapped, so the C library's figures for
  /// its heap do not include them.
  package static var mappedBytes: Int { MemoryShelf.mappedBytes }
}

/// Memory that nobody uses at the moment, kept for the next buffer of its size.
private enum MemoryShelf {
  private struct Piece {
    var address: UInt
    var size: Int
  }

  private struct Content {
    /// The piece that was given back first comes first.
    var pieces: [Piece] = []
    /// The sum of the sizes of all pieces.
    var bytes = 0
    /// The number of living instances of `MemoryReuse`.
    var users = 0
    var mappedBytes = 0

    /// Takes out the oldest pieces until the others fit in 1 GiB while a `MemoryReuse` lives, in 4 MiB
    /// otherwise; the caller frees them.
    mutating func excess() -> ArraySlice<Piece> {
      let capacity = users > 0 ? 1 << 30 : 1 << 22
      var count = 0
      while bytes > capacity {
        bytes -= pieces[count].size
        count += 1
      }
      defer { pieces.removeFirst(count) }
      return pieces.prefix(count)
    }
  }

  private static let content = Mutex(Content())
  /// In bytes; smaller memory is not worth keeping.
  private static let smallest = 1 << 16
  /// From this size on memory is mapped, so that it goes back to the system at once where the heap
  /// would keep it as a hole.
  private static let large = 1 << 18
  /// From this size on memory is put on large pages where the system has them: a pass over many small
  /// pages spends its time on the translation of addresses.
  private static let hugePage = 1 << 21

  static var mappedBytes: Int { content.withLock { $0.mappedBytes } }

  static func changeUsers(by difference: Int) {
    let excess = content.withLock { content in
      content.users += difference
      return content.excess()
    }
    for piece in excess { free(piece) }
  }

  static func take(_ size: Int) -> UnsafeMutableRawPointer {
    if size >= smallest {
      let found = content.withLock { content -> UInt? in
        guard let index = content.pieces.lastIndex(where: { $0.size == size }) else { return nil }
        content.bytes -= size
        return content.pieces.remove(at: index).address
      }
      if let found, let pointer = UnsafeMutableRawPointer(bitPattern: found) { return pointer }
    }
    return size < large ? .allocate(byteCount: size, alignment: 64) : map(size)
  }

  static func giveBack(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
    let piece = Piece(address: UInt(bitPattern: pointer), size: size)
    guard size >= smallest else { return free(piece) }
    let excess = content.withLock { content in
      content.pieces.append(piece)
      content.bytes += size
      return content.excess()
    }
    for piece in excess { free(piece) }
  }

  private static func free(_ piece: Piece) {
    guard let pointer = UnsafeMutableRawPointer(bitPattern: piece.address) else { return }
    guard piece.size >= large else { return pointer.deallocate() }
    munmap(pointer, mappedCount(piece.size))
    content.withLock { $0.mappedBytes -= piece.size }
  }

  private static func map(_ size: Int) -> UnsafeMutableRawPointer {
    let count = mappedCount(size)
    // One large page more, so that a boundary of large pages lies inside; what lies before and behind
    // goes back.
    let spare = size >= hugePage ? hugePage : 0
    let start = mmap(
      nil, count + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start, start != UnsafeMutableRawPointer(bitPattern: -1) else {
      fatalError("the system has no \(size) bytes of memory left")
    }
    content.withLock { $0.mappedBytes += size }
    guard spare > 0 else { return start }
    let before = -Int(bitPattern: start) & (hugePage - 1)
    if before > 0 { munmap(start, before) }
    munmap(start + before + count, spare - before)
    madvise(start + before, count, MADV_HUGEPAGE)
    return start + before
  }

  /// The size rounded up to 64 KiB, which is a whole number of pages on all usual systems.
  private static func mappedCount(_ size: Int) -> Int { (size + 0xFFFF) / 0x10000 * 0x10000 }
}
