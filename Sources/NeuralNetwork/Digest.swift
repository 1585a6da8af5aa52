import CSHA256
import Foundation

/// SHA-256 of bytes in hexadecimal.
package func sha256(_ data: Data) -> String {
  var hash = sha256_context()
  sha256_begin(&hash)
  data.withUnsafeBytes { sha256_add(&hash, $0.baseAddress, $0.count) }
  return hexadecimal(&hash)
}

private func hexadecimal(_ hash: inout sha256_context) -> String {
  var digest = [UInt8](repeating: 0, count: 32)
  sha256_end(&hash, &digest)
  return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

/// SHA-256 of a sequence of fields, each with its length in front, so that two different sequences are
/// never the same bytes.
///
/// The bytes are those of `domain`, `version` and then what is added, where a number is 64 bits,
/// little-endian, and bytes and text (UTF-8) are their length as a number, then themselves. The
/// domain keeps digests of different things apart, even where their fields are equal.
package struct CanonicalDigest: ~Copyable {
  private var hash = sha256_context()

  /// The digest of a kind of thing.
  package init(domain: String, version: UInt64) {
    sha256_begin(&hash)
    add(domain)
    add(version)
  }

  /// Adds a number.
  package mutating func add(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { sha256_add(&hash, $0.baseAddress, 8) }
  }

  /// Adds a count, which is not negative.
  package mutating func add(_ count: Int) { add(UInt64(count)) }

  /// Adds bytes with their number in front.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(bytes.count)
    sha256_add(&hash, bytes.baseAddress, bytes.count)
  }

  /// Adds a text's UTF-8.
  package mutating func add(_ text: String) { Array(text.utf8).withUnsafeBytes { add($0) } }

  /// The digest in hexadecimal; nothing can be added afterwards.
  package consuming func finish() -> String { hexadecimal(&hash) }
}
