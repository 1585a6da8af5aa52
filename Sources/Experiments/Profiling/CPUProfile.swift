import Foundation
import Statistics

/// What the sampling profiler of gperftools writes: stacks of addresses, and which files the
/// addresses were mapped from.
///
/// Words of 64 bits: a head 0, count of words that follow in it, version, period in µs, 0; records
/// (samples, count of addresses, addresses from the innermost on); an end mark 0, 1, 0; then the
/// text of `/proc/self/maps`. Source: gperftools, "CPU profile binary data file format".
package struct CPUProfile: Sendable {
  /// A stack, and how often it was seen.
  package struct Sample: Sendable, Equatable {
    /// Where the program was, then the return addresses, from the innermost on.
    package var addresses: [UInt64]
    package var count: Int

    package init(addresses: [UInt64], count: Int) {
      self.addresses = addresses
      self.count = count
    }
  }

  /// Code in memory that comes from a file.
  package struct Mapping: Sendable, Equatable {
    package var addresses: Range<UInt64>
    package var fileOffset: UInt64
    package var path: String

    package init(addresses: Range<UInt64>, fileOffset: UInt64, path: String) {
      self.addresses = addresses
      self.fileOffset = fileOffset
      self.path = path
    }
  }

  /// µs of processor time between two samples.
  package let period: Int
  package let samples: [Sample]
  package let mappings: [Mapping]

  /// Reads a profile.
  ///
  /// - Throws: `CPUProfileError` at the first word that does not belong there.
  package init(_ data: Data) throws(CPUProfileError) {
    let bytes = ByteReader(data)
    var place = 0
    func word() throws(CPUProfileError) -> UInt64 {
      guard let word: UInt64 = bytes.value(at: place) else {
        throw CPUProfileError(offset: place, problem: "it ends there")
      }
      place += 8
      return word
    }
    func small(_ most: UInt64, _ name: String) throws(CPUProfileError) -> Int {
      let start = place
      let value = try word()
      guard value <= most else {
        throw CPUProfileError(offset: start, problem: "\(value) is no \(name)")
      }
      return Int(value)
    }

    _ = try small(0, "start of a profile")
    let head = try small(100, "length of a head")
    guard head >= 3 else {
      throw CPUProfileError(offset: 8, problem: "\(head) is no length of a head")
    }
    _ = try small(0, "version that is known")
    period = try small(1 << 40, "period")
    for _ in 2..<head { _ = try word() }

    var samples: [Sample] = []
    while true {
      let count = try small(1 << 32, "count of samples")
      let depth = try small(1 << 20, "count of addresses")
      var addresses: [UInt64] = []
      for _ in 0..<depth { addresses.append(try word()) }
      if count == 0, addresses == [0] { break }
      samples.append(Sample(addresses: addresses, count: count))
    }
    self.samples = samples
    mappings = String(decoding: data.dropFirst(place), as: UTF8.self)
      .split(separator: "\n").compactMap { Mapping(line: $0) }
  }
}

extension CPUProfile.Mapping {
  /// A line of `/proc/self/maps`, `begin-end rwxp offset device inode path`, if it is about code
  /// from a file.
  fileprivate init?(line: Substring) {
    let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard words.count == 6, words[1].contains("x") else { return nil }
    let ends = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
    guard ends.count == 2, ends[0] <= ends[1], let offset = UInt64(words[2], radix: 16) else {
      return nil
    }
    addresses = ends[0]..<ends[1]
    fileOffset = offset
    path = words[5].trimmingCharacters(in: .whitespaces)
  }
}

/// Why something is no profile.
package struct CPUProfileError: ExplainedError, Equatable {
  package var offset: Int
  package var problem: String

  package var description: String {
    "the profile cannot be read at byte \(offset): \(problem); make it again"
  }
}
