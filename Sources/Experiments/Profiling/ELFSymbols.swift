import Foundation
import Statistics

/// The functions of a program or library, by where their code lies in the file.
///
/// Reads the table of all functions where the file has one, otherwise the table of those that other files may
/// call.
/// Source: "Tool Interface Standard: Executable and Linking Format", ELF64.
package struct ELFSymbols: Sendable {
  private struct Segment {
    var offset, size, address: UInt64
  }

  private struct Function {
    var address, size: UInt64
    /// Place of its name in the file.
    var name: Int
  }

  /// Whether the file has the table of all functions, which programs are often stripped of.
  package let isComplete: Bool
  private let bytes: ByteReader
  private let segments: [Segment]
  private let functions: [Function]

  /// The functions of the file, or nil if it is no ELF file of 64 bits that can be read.
  package init?(path: String) {
    guard let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) else {
      return nil
    }
    self.init(data)
  }

  /// The functions of a file's bytes.
  package init?(_ data: Data) {
    let bytes = ByteReader(data)
    // "\u{7F}ELF", 64 bits, little-endian.
    guard bytes.value(at: 0) == UInt32(0x464C_457F), bytes.value(at: 4) == UInt16(0x0102),
      let segmentTable = bytes.offset(at: 32), let sectionTable = bytes.offset(at: 40),
      let segmentSize = bytes.value(at: 54, as: UInt16.self),
      let segmentCount = bytes.value(at: 56, as: UInt16.self),
      let sectionSize = bytes.value(at: 58, as: UInt16.self),
      let sectionCount = bytes.value(at: 60, as: UInt16.self)
    else { return nil }
    self.bytes = bytes

    segments = (0..<Int(segmentCount)).compactMap { index in
      let start = segmentTable + index * Int(segmentSize)
      let loaded: UInt32 = 1
      guard bytes.value(at: start) == loaded, let offset: UInt64 = bytes.value(at: start + 8),
        let address: UInt64 = bytes.value(at: start + 16),
        let size: UInt64 = bytes.value(at: start + 32)
      else { return nil }
      return Segment(offset: offset, size: size, address: address)
    }

    func section(_ index: Int) -> Int { sectionTable + index * Int(sectionSize) }
    /// The first section of a kind: place, length, and place of the names that it refers to.
    func table(_ kind: UInt32) -> (start: Int, size: Int, names: Int)? {
      for index in 0..<Int(sectionCount) where bytes.value(at: section(index) + 4) == kind {
        guard let start = bytes.offset(at: section(index) + 24),
          let size = bytes.offset(at: section(index) + 32),
          let link: UInt32 = bytes.value(at: section(index) + 40), link < sectionCount,
          let names = bytes.offset(at: section(Int(link)) + 24)
        else { continue }
        return (start, size, names)
      }
      return nil
    }
    let (all, callable): (UInt32, UInt32) = (2, 11)
    isComplete = table(all) != nil
    guard let table = table(all) ?? table(callable) else {
      functions = []
      return
    }
    let entrySize = 24
    functions = (0..<table.size / entrySize).compactMap { index -> Function? in
      let start = table.start + index * entrySize
      guard let name: UInt32 = bytes.value(at: start), let kind: UInt8 = bytes.value(at: start + 4),
        // A function, or one of which the loader chooses a variant; and defined in this file.
        kind & 0xF == 2 || kind & 0xF == 10, let home: UInt16 = bytes.value(at: start + 6),
        home != 0, let address: UInt64 = bytes.value(at: start + 8),
        let size: UInt64 = bytes.value(at: start + 16)
      else { return nil }
      return Function(address: address, size: size, name: table.names + Int(name))
    }.sorted { ($0.address, $0.size, $0.name) < ($1.address, $1.size, $1.name) }
  }

  /// The bytes of a section of an ELF file of 64 bits; nil where it has none of that name.
  package static func section(_ name: String, of file: Data) -> Data? {
    let bytes = ByteReader(file)
    guard bytes.value(at: 0) == UInt32(0x464C_457F), bytes.value(at: 4) == UInt16(0x0102),
      let table = bytes.offset(at: 40), let size = bytes.value(at: 58, as: UInt16.self),
      let count = bytes.value(at: 60, as: UInt16.self),
      let named = bytes.value(at: 62, as: UInt16.self),
      let names = bytes.offset(at: table + Int(named) * Int(size) + 24)
    else { return nil }
    for index in 0..<Int(count) {
      let header = table + index * Int(size)
      guard let title: UInt32 = bytes.value(at: header),
        bytes.text(at: names + Int(title)) == name,
        let start = bytes.offset(at: header + 24), let length = bytes.offset(at: header + 32),
        start <= file.count, length <= file.count - start
      else { continue }
      return Data(file.dropFirst(start).prefix(length))
    }
    return nil
  }

  /// The function whose code is at an offset of the file; nil where the tables name none.
  package func name(atFileOffset offset: UInt64) -> String? {
    guard
      let segment = segments.first(where: { $0.offset <= offset && offset - $0.offset < $0.size })
    else { return nil }
    let address = offset - segment.offset &+ segment.address
    // The last function that starts at or before the address.
    var (low, high) = (0, functions.count)
    while low < high {
      let middle = (low + high) / 2
      if functions[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let function = functions[low - 1]
    // Hand-written assembly may leave the size open.
    guard function.size == 0 || address - function.address < function.size else { return nil }
    return bytes.text(at: function.name)
  }
}
