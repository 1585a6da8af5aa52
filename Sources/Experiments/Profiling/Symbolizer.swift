import Foundation
import Reporting

/// Names for the addresses of a profile, from the files that were mapped.
package struct Symbolizer {
  private let mappings: [CPUProfile.Mapping]
  private let symbols: (String) -> ELFSymbols?
  private var files: [String: ELFSymbols?] = [:]
  private var names: [UInt64: String?] = [:]

  /// - Parameter symbols: the functions of the file at a path; unless given, what stands there.
  package init(
    _ mappings: [CPUProfile.Mapping],
    symbols: @escaping (String) -> ELFSymbols? = { ELFSymbols(path: $0) }
  ) {
    self.mappings = mappings
    self.symbols = symbols
  }

  /// The stacks of a profile by names, from the outermost function on.
  package mutating func stacks(of profile: CPUProfile) -> FoldedStacks {
    var stacks: [FoldedStacks.Stack] = []
    for sample in profile.samples {
      var frames: [String] = []
      for (depth, address) in sample.addresses.enumerated() {
        // A return address is behind the call, which may be the last instruction of its function.
        let name = name(of: depth == 0 ? address : address &- 1)
        // Closures have their function's name.
        if let name, frames.last != name { frames.append(name) }
      }
      stacks.append(FoldedStacks.Stack(frames.reversed(), samples: sample.count))
    }
    return FoldedStacks(stacks)
  }

  private mutating func name(of address: UInt64) -> String? {
    if let known = names[address] { return known }
    let name = search(address)
    names[address] = .some(name)
    return name
  }

  private mutating func search(_ address: UInt64) -> String? {
    guard let mapping = mappings.first(where: { $0.addresses.contains(address) }) else {
      return "unknown.no file"
    }
    let library = Self.library(mapping.path)
    let symbols = files[mapping.path] ?? self.symbols(mapping.path)
    files[mapping.path] = .some(symbols)
    let offset = address - mapping.addresses.lowerBound &+ mapping.fileOffset
    guard let symbol = symbols?.name(atFileOffset: offset) else {
      return "\(library).\(Self.nameless)"
    }
    return SymbolName.readable(symbol, library: library)
  }

  /// What stands in for the name of a function that its file does not name.
  static let nameless = "no symbol"

  /// "libc" of "/usr/lib/libc.so.6".
  private static func library(_ path: String) -> String {
    let file = path.split(separator: "/").last ?? "unknown"
    return String(file.split(separator: ".").first ?? file)
  }
}
