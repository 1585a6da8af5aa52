/// Which numbers of an activation are positive, one bit each: [rows, columns rounded up to 16], the first column of
/// eight in a byte's lowest bit. What lies behind the last column means nothing.
package enum Signs {
  /// Bytes from one row to the next.
  @inlinable @inline(__always)
  package static func stride(_ columns: Int) -> Int { (columns + 15) / 16 * 2 }

  /// Whether a column's bit is set in the row that begins at `row`.
  @inlinable @inline(__always)
  package static func isSet(_ column: Int, of row: UnsafePointer<UInt8>) -> Bool {
    row[column / 8] >> (column % 8) & 1 == 1
  }

  /// Sets or clears a column's bit in the row that begins at `row`.
  @inlinable @inline(__always)
  package static func set(_ isPositive: Bool, _ column: Int, of row: UnsafeMutablePointer<UInt8>) {
    let bit: UInt8 = 1 << (column % 8)
    row[column / 8] = isPositive ? row[column / 8] | bit : row[column / 8] & ~bit
  }
}
