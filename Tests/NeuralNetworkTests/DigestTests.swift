import CSHA256
import Foundation
import NeuralNetwork
import PropertyChecks
import PropertyTesting
import TestSupport
import Testing

@Suite("SHA-256")
struct DigestTests {
  // NIST, "Cryptographic Standards and Guidelines: Examples with Intermediate Values", SHA-256; the last from FIPS
  // 180-2, B.3.
  @Test(
    "has the values that NIST gives",
    arguments: [
      ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
  func examples(text: String, repetitions: Int, digest: String) {
    #expect(sha256(Data(String(repeating: text, count: repetitions).utf8)) == digest)
  }

  // Around one block and two, where the padding fills a block or begins another, and some blocks.
  @Test("is that of sha256sum for every length")
  func coreutils() throws {
    try withTemporaryFolder { folder in
      let contents = (Array(0...200) + [1000, 4096, 100_001]).map { count in
        Data((0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 197) ^ count) })
      }
      let names = contents.indices.map { "file\($0)" }
      for (name, content) in zip(names, contents) {
        try content.write(to: folder.appending(path: name))
      }
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(filePath: "/usr/bin/sha256sum")
      process.arguments = names
      process.currentDirectoryURL = folder
      process.standardOutput = output
      try process.run()
      let lines = String(
        decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      #expect(lines.split(separator: "\n").map { String($0.prefix(64)) } == contents.map(sha256))
    }
  }

  @Test("of pieces is that of the whole")
  func pieces() async {
    await check(
      "pieces", .array(of: .integer(in: UInt8.min...UInt8.max), count: 0...300),
      .array(of: .integer(in: 0...130), count: 0...8)
    ) { (bytes: [UInt8], lengths: [Int]) in
      var hash = sha256_context()
      sha256_begin(&hash)
      var rest = bytes[...]
      for length in lengths + [bytes.count] {
        Array(rest.prefix(length)).withUnsafeBytes {
          sha256_add(&hash, $0.baseAddress, $0.count)
        }
        rest = rest.dropFirst(length)
      }
      var digest = [UInt8](repeating: 0, count: 32)
      sha256_end(&hash, &digest)
      #expect(digest.map { String(format: "%02x", $0) }.joined() == sha256(Data(bytes)))
    }
  }

  @Test(
    "is the same by the processor's instructions and in plain C",
    .enabled(if: sha256_blocks_native() != nil, "this processor has no such instructions"))
  func native() async throws {
    let native = try #require(sha256_blocks_native())
    await check(
      "blocks", .array(of: .integer(in: UInt32.min...UInt32.max), count: 8),
      .array(of: .integer(in: UInt8.min...UInt8.max), count: 0...640)
    ) { (begin: [UInt32], bytes: [UInt8]) in
      var (one, other) = (begin, begin)
      native(&one, bytes, bytes.count / 64)
      sha256_blocks_portable(&other, bytes, bytes.count / 64)
      #expect(one == other)
    }
  }
}
