import Foundation

/// A wrong edit: the bytes of a file that it takes away, and what it puts there.
struct Edit {
  let number: Int
  /// What `activeEdit` is where the edit is active: a hash of its title, which stays where others come
  /// and go, so that little has to be compiled again.
  let key: UInt32
  let range: Range<Int>
  let replacement: [UInt8]

  /// Reads the files `old` and `new` of `folder`; nil where `old` does not stand in `source` exactly once.
  ///
  /// What old and new text begin and end with alike is no part of the edit, or one that changes a
  /// body could seem to change what stands in front of it as well.
  init?(number: Int, folder: URL, in source: [UInt8]) throws {
    let old = [UInt8](try Data(contentsOf: folder.appending(path: "old")))
    let new = [UInt8](try Data(contentsOf: folder.appending(path: "new")))
    let places = source.ranges(of: old)
    guard let place = places.first, places.count == 1 else { return nil }
    let common = zip(old, new).prefix { $0 == $1 }.count
    let after = zip(old.dropFirst(common).reversed(), new.dropFirst(common).reversed())
      .prefix { $0 == $1 }.count
    self.number = number
    key = try Data(contentsOf: folder.appending(path: "title")).reduce(2_166_136_261) {
      ($0 ^ UInt32($1)) &* 16_777_619
    }
    range = place.lowerBound + common..<place.upperBound - after
    replacement = Array(new[common..<new.count - after])
  }

  /// `source` as the edit leaves it.
  func applied(to source: [UInt8]) -> [UInt8] {
    source[..<range.lowerBound] + replacement + source[range.upperBound...]
  }
}
