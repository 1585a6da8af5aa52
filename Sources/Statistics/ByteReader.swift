import Foundation

/// Numbers and texts at places of bytes from outside, nil where the bytes end before: whoever reads a file with it cannot
/// leave it.
package struct ByteReader: Sendable {
  private let data: Data

  package init(_ data: Data) { self.data = data }

  package var count: Int { data.count }

  /// A number, its lowest byte first.
  package func value<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type = Number.self
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= data.count - size else { return nil }
    return data.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
  }

  /// A number of 64 bits that is a place or a length, and no more than there are bytes.
  package func offset(at place: Int) -> Int? {
    guard let value: UInt64 = value(at: place), value <= UInt64(count) else { return nil }
    return Int(value)
  }

  /// The text from an offset to the next zero.
  package func text(at offset: Int) -> String? {
    guard 0..<data.count ~= offset else { return nil }
    let rest = data.dropFirst(offset)
    guard let end = rest.firstIndex(of: 0) else { return nil }
    return String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
  }
}

extension Sequence<Int> {
  /// The product of extents that a file claims; nil if one is negative, or those that are not 0 have a product above
  /// `limit`: [0, 2⁶²] is the shape of nothing.
  package func product(atMost limit: Int) -> Int? {
    var (product, isEmpty) = (1, false)
    for extent in self {
      guard extent >= 0 else { return nil }
      if extent == 0 {
        isEmpty = true
      } else {
        guard extent <= limit / product else { return nil }
        product *= extent
      }
    }
    return isEmpty ? 0 : product
  }
}
