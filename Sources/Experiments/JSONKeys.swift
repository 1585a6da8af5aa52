import Foundation

/// Reading JSON that somebody else may have written.
package enum JSONKeys {
  /// A key that stands twice in one object of valid JSON, of which a decoder would take the one or the other
  /// without a word; nil if there is none. Keys are compared as text, so "a" and "\u0061" are one key. O(n).
  ///
  /// RFC 8259, section 4, leaves to every reader what a repeated name means.
  package static func repeated(in json: Data) -> String? {
    /// The keys of the objects around the present place; nil for an array.
    var open: [Set<String>?] = []
    var start: Int?
    var isKeyNext = false
    var isEscaped = false
    let bytes = [UInt8](json)
    for (place, byte) in bytes.enumerated() {
      if let opening = start {
        // Inside a string.
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          start = nil
          guard isKeyNext, !open.isEmpty, open[open.count - 1] != nil else { continue }
          isKeyNext = false
          let text = Data(bytes[opening...place])
          let key =
            (try? JSONDecoder().decode(String.self, from: text))
            ?? String(decoding: text, as: UTF8.self)
          if open[open.count - 1]?.insert(key).inserted == false { return key }
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): start = place
      case UInt8(ascii: "{"):
        open.append([])
        isKeyNext = true
      case UInt8(ascii: "["):
        open.append(nil)
        isKeyNext = false
      case UInt8(ascii: "}"), UInt8(ascii: "]"): open.removeLast(open.isEmpty ? 0 : 1)
      case UInt8(ascii: ","): isKeyNext = open.last.map { $0 != nil } ?? false
      default: break
      }
    }
    return nil
  }
}
