import Foundation

/// Writes the fields of a message in the wire format of Protocol Buffers.
package struct WireWriter {
  package private(set) var data = Data()

  package init() {}

  private mutating func varint(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      data.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    data.append(UInt8(rest))
  }

  package mutating func integer(_ field: UInt64, _ number: Int) {
    varint(field << 3)
    varint(UInt64(bitPattern: Int64(number)))
  }

  package mutating func float(_ field: UInt64, _ number: Float) {
    varint(field << 3 | 5)
    withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
  }

  package mutating func bytes(_ field: UInt64, _ bytes: Data) {
    varint(field << 3 | 2)
    varint(UInt64(bytes.count))
    data.append(bytes)
  }

  package mutating func text(_ field: UInt64, _ text: String) { bytes(field, Data(text.utf8)) }

  /// Fields that are written already.
  package mutating func append(_ fields: Data) { data.append(fields) }

  /// A message inside of this one.
  package mutating func message(_ field: UInt64, _ body: (inout WireWriter) -> Void) {
    var inner = WireWriter()
    body(&inner)
    bytes(field, inner.data)
  }
}
