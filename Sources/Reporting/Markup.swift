import Foundation
import Statistics

/// Text for the inside of an element or of a quoted attribute of XML or HTML.
///
/// What XML 1.0 cannot hold, and what could reverse or hide what stands beside it, is shown by its number: "\u{1B}".
package func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
    default: result += String(Character(scalar)).printable
    }
  }
  return result
}

/// Text as it is typeset: numbers below zero have a minus in place of a hyphen. What a program is to read again keeps its
/// hyphens.
package func typeset(_ text: String) -> String {
  text.replacing(/(^|[\s\[(|])-(?=\d)/) { "\($0.output.1)−" }
}

/// A piece of a text: as it stands, or below the letter in front of it.
struct TextPiece: Equatable {
  var text: String
  var isSubscript = false

  /// The pieces of a text: in "ΔF_y" the y is a subscript, and so is one letter of a class below any F or G.
  static func pieces(of text: String) -> [TextPiece] {
    var pieces: [TextPiece] = []
    var rest = text[...]
    while let found = rest.firstMatch(of: /(?<letter>[FG])_(?<index>[yŷk])(?!\w)/) {
      pieces.append(TextPiece(text: String(rest[..<found.range.lowerBound]) + found.letter))
      pieces.append(TextPiece(text: String(found.index), isSubscript: true))
      rest = rest[found.range.upperBound...]
    }
    return pieces + (rest.isEmpty ? [] : [TextPiece(text: String(rest))])
  }
}

/// Typeset text for the inside of an element of HTML, in which no line ends within a name like PGD-50 or MI-OL.
func markup(_ text: String) -> String {
  TextPiece.pieces(of: typeset(text)).map {
    $0.isSubscript
      ? "<sub>\(escaped($0.text))</sub>"
      : escaped($0.text).replacing(/\b[A-Z]+-[A-Z0-9]\w*/) {
        "<span class=\"name\">\($0.output)</span>"
      }
  }.joined()
}

/// A number with exactly so many decimals; never "-0".
package func fixed(_ value: Double, decimals: Int) -> String {
  let text = String(format: "%.\(max(decimals, 0))f", value)
  let isZero = text.hasPrefix("-") && text.allSatisfy { "-0.".contains($0) }
  return isZero ? String(text.dropFirst()) : text
}

/// A number with at most so many decimals and no zeros at its end.
package func trimmed(_ value: Double, decimals: Int) -> String {
  var text = fixed(value, decimals: decimals)
  guard text.contains(".") else { return text }
  while text.last == "0" { text.removeLast() }
  if text.last == "." { text.removeLast() }
  return text == "-0" ? "0" : text
}

/// A share of 1 as a percentage: 0.4391 is "43.9%".
package func percent(_ share: Double, decimals: Int = 1) -> String {
  fixed(share * 100, decimals: decimals) + "%"
}

/// A value with its interval: "0.12 [0.10, 0.14]"; a share in per cent, with `scale` 100 and the unit "%":
/// "12.0% [10.0, 14.0]".
package func interval(
  _ value: Double, _ interval: Interval, decimals: Int = 2, scale: Double = 1, unit: String = ""
) -> String {
  func text(_ number: Double) -> String { fixed(scale * number, decimals: decimals) }
  return "\(text(value))\(unit) [\(text(interval.lower)), \(text(interval.upper))]"
}

/// Words in a sentence: "a", "a and b", "a, b and c".
package func listed(_ words: [String]) -> String {
  guard let last = words.last, words.count > 1 else { return words.first ?? "" }
  return "\(words.dropLast().joined(separator: ", ")) and \(last)"
}

/// A whole number with commas between thousands.
package func grouped(_ number: Int) -> String {
  var result = ""
  let digits = String(number.magnitude)
  for (place, digit) in digits.enumerated() {
    if place > 0, (digits.count - place) % 3 == 0 { result += "," }
    result.append(digit)
  }
  return number < 0 ? "-" + result : result
}
