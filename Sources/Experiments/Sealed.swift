import Foundation
import NeuralNetwork

/// What is kept in a file of ours, to be believed by a later run.
///
/// All that reads such a file goes through `Sealed`, so what is believed has passed `isSound`.
package protocol Keepable: Codable {
  /// Whether every number is one that this code could have written: counts that are later multiplied or
  /// looped over, labels, shares.
  var isSound: Bool { get }
}

extension Array: Keepable where Element: Keepable {
  package var isSound: Bool { allSatisfy(\.isSound) }
}

/// What a number in a kept file may be.
enum Believable {
  /// Images, passes, draws: small enough that their sums over a whole file, and products with a number of draws, do not
  /// overflow.
  static let count = 0...1_000_000_000_000
  /// An accuracy, a pixel, an area under a curve.
  static let share = 0.0...1
}

/// Contents with their checksum, by which damage is recognised, and a line that is from another file; it is no
/// protection against forgery.
///
/// The checksum is the first 16 hexadecimal digits of the SHA-256 of another checksum, that of the header of the same file
/// for its lines, followed by the contents as they are encoded here.
struct Sealed<Contents: Keepable>: Codable {
  private var contents: Contents
  private var checksum: String

  /// - Parameter above: the checksum of what the contents belong to; empty if they stand alone.
  init(_ contents: Contents, below above: String = "") throws {
    self.contents = contents
    checksum = try Self.checksum(of: contents, below: above)
  }

  static func checksum(of contents: Contents, below above: String = "") throws -> String {
    String(sha256(Data(above.utf8) + (try JSONEncoder.canonical.encode(contents))).prefix(16))
  }

  /// The contents, if they are whole, unchanged and sound.
  static func contents(of bytes: Data, below above: String = "") -> Contents? {
    guard let found = try? JSONDecoder().decode(Self.self, from: bytes),
      found.checksum == (try? checksum(of: found.contents, below: above)), found.contents.isSound
    else { return nil }
    return found.contents
  }

  /// The file's bytes.
  func encoded() throws -> Data { try JSONEncoder.canonical.encode(self) }
}
