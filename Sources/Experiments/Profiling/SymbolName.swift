import CDemangle
import Foundation

/// Names of functions as a reader knows them, from the linker's symbols.
package enum SymbolName {
  /// The name of a function in a stack: "Kernels.WorkerPool.forEach", "libc.memset"; nil for a thunk that
  /// only converts between two types of functions.
  ///
  /// Module, types and base name are what is left of a Swift function. A closure, and what the
  /// compiler makes of a function, count as the function itself.
  ///
  /// - Parameters:
  ///   - symbol: the linker's, mangled.
  ///   - library: what is named in place of a module where the symbol has none.
  package static func readable(_ symbol: String, library: String) -> String? {
    guard let swift = demangled(symbol) else { return "\(library).\(withoutParameters(symbol))" }
    if swift.contains("reabstraction thunk helper") { return nil }
    return function(swift) ?? "\(library).\(swift)"
  }

  /// What Swift's runtime makes of a symbol; nil if it is none of Swift's.
  static func demangled(_ symbol: String) -> String? {
    guard let text = swift_demangle(symbol, symbol.utf8.count, nil, nil, 0) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }

  /// "swift::Map::find" of the symbol of C++'s `int swift::Map<int>::find<int>(int)`; any other
  /// symbol as it is.
  private static func withoutParameters(_ symbol: String) -> String {
    guard symbol.hasPrefix("_Z"), let text = cxx_demangle(symbol) else { return symbol }
    defer { free(text) }
    var depth = 0
    let bare = String(cString: text).filter { character in
      if character == "<" { depth += 1 }
      defer { if character == ">" { depth -= 1 } }
      return depth == 0
    }
    let name = bare.prefix { $0 != "(" }.split(separator: " ").last
    return name.map(String.init) ?? symbol
  }

  /// Module, types and base name of a demangled declaration; nil for symbols that are no declaration, such
  /// as the metadata of a type.
  package static func function(_ demangled: String) -> String? {
    var text = Substring(demangled)
    // What the compiler makes of a function.
    while let prefix = Self.wrappers.first(where: text.hasPrefix) {
      text = text.dropFirst(prefix.count)
      guard prefix.hasSuffix("<") else { continue }
      guard let end = closing(text, "<", ">") else { return nil }
      text = text[end...].dropFirst()
      guard text.hasPrefix(" of ") else { return nil }
      text = text.dropFirst(4)
    }
    // What stands inside a function: "closure #1 (A) -> B in M.f(…)".
    if let mark = text.range(of: #"^[^(<.]*#\d+ "#, options: .regularExpression),
      let end = outermost(" in ", in: text[mark.upperBound...])
    {
      return function(String(text[end...]))
    }
    return path(text)
  }

  private static let wrappers = [
    "generic specialization <", "generic not re-abstracted specialization <",
    "generic partial specialization <", "generic pre-specialization <",
    "function signature specialization <", "partial apply forwarder for ", "partial apply for ",
    "merged ", "protocol witness for ", "dispatch thunk of ", "vtable thunk for ", "static ",
  ]

  /// "M.T.f" of "M.T.(f in _0F)<A where A: P>(x: Swift.Int) -> ()".
  private static func path(_ declaration: Substring) -> String? {
    var text = declaration
    var result = ""
    // "(extension in M):N.T.f" belongs to M.
    if text.hasPrefix("(extension in "), let end = closing(text.dropFirst(), "(", ")") {
      result = text[..<end].dropFirst("(extension in ".count) + "."
      text = text[end...].dropFirst(2)
      // The extended type's own module.
      guard let dot = text.firstIndex(of: ".") else { return nil }
      text = text[dot...].dropFirst()
    }
    while let character = text.first {
      switch character {
      case "(":
        // "(name in _0F)" is a name, and "(in _0F)." is about the next one; everything else is a
        // list of parameters, behind all names.
        guard let end = closing(text.dropFirst(), "(", ")"),
          let mark = text[..<end].range(of: "in _"), result.isEmpty || result.hasSuffix(".")
        else { return valid(result) }
        let name = text[..<mark.lowerBound].dropFirst()
        result += name.dropLast()
        text = text[end...].dropFirst(name.isEmpty ? 2 : 1)
      case "<":
        guard let end = closing(text.dropFirst(), "<", ">") else { return valid(result) }
        text = text[end...].dropFirst()
      case " ", ":":
        // "M.p.getter : Swift.Int"; "M.+ infix(…)".
        return result.contains(".") ? valid(result) : nil
      default:
        result.append(character)
        text = text.dropFirst()
      }
    }
    return valid(result)
  }

  /// A name with a module.
  private static func valid(_ path: String) -> String? {
    guard let dot = path.firstIndex(of: "."), dot > path.startIndex, !path.hasSuffix(".") else {
      return nil
    }
    return path
  }

  /// The place of the bracket that closes one opened before the text.
  private static func closing(
    _ text: Substring, _ open: Character, _ close: Character
  ) -> Substring.Index? {
    var depth = 1
    var previous: Character = " "
    for index in text.indices {
      let character = text[index]
      // The head of an arrow closes nothing.
      if character == close, !(close == ">" && previous == "-") {
        depth -= 1
        if depth == 0 { return index }
      } else if character == open {
        depth += 1
      }
      previous = character
    }
    return nil
  }

  /// The end of the first occurrence of a word outside all brackets.
  private static func outermost(_ word: String, in text: Substring) -> Substring.Index? {
    var depth = 0
    var previous: Character = " "
    for index in text.indices {
      let character = text[index]
      if depth == 0, text[index...].hasPrefix(word) {
        return text.index(index, offsetBy: word.count)
      }
      switch character {
      case "(", "[", "<": depth += 1
      case ")", "]": depth -= 1
      case ">" where previous != "-": depth -= 1
      default: break
      }
      previous = character
    }
    return nil
  }
}
