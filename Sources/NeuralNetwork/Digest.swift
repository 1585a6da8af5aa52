import COpenSSL
import Foundation

/// SHA-256 of bytes in hexadecimal.
package func sha256(_ data: Data) -> String {
  var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
  data.withUnsafeBytes { bytes in
    _ = SHA256(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &digest)
  }
  return hexadecimal(digest)
}

private func hexadecimal(_ digest: [UInt8]) -> String {
  digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

/// SHA-256 of a sequence of fields, each with its length in front, so that two different sequences are
/// never the same bytes.
///
/// The bytes are those of `domain`, `version` and then what is added, where a number is 64 bits,
/// little-endian, and bytes and text (UTF-8) are their length as a number, then themselves. The
/// domain keeps digests of different things apart, even where their fields are equal.
package struct CanonicalDigest: ~Copyable {
  private let context: OpaquePointer?

  /// The digest of a kind of thing.
  package init(domain: String, version: UInt64) {
    context = EVP_MD_CTX_new()
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
    add(domain)
    add(version)
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds a number.
  package func add(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { _ = EVP_DigestUpdate(context, $0.baseAddress, 8) }
  }

  /// Adds a count, which is not negative.
  package func add(_ count: Int) { add(UInt64(count)) }

  /// Adds bytes with their number in front.
  package func add(_ bytes: UnsafeRawBufferPointer) {
    add(bytes.count)
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// Adds a text's UTF-8.
  package func add(_ text: String) { Array(text.utf8).withUnsafeBytes { add($0) } }

  /// The digest in hexadecimal; nothing can be added afterwards.
  package consuming func finish() -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    EVP_DigestFinal_ex(context, &digest, nil)
    return hexadecimal(digest)
  }
}
