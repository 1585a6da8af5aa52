import ArgumentParser
import Foundation
import Reporting

/// Where a verb puts a result: a file, or standard output for "-".
struct Destination: ExpressibleByArgument {
  /// The file; nil for standard output.
  private let file: URL?

  init?(argument: String) { file = argument == "-" ? nil : URL(filePath: argument) }

  var isStandardOutput: Bool { file == nil }

  /// Finds out before long work whether the result can be written.
  ///
  /// - Throws: `FileWriteError`.
  func check() throws { if let file { try AtomicFile.check(file) } }

  func write(_ bytes: Data) throws {
    guard let file else {
      FileHandle.standardOutput.write(bytes)
      return
    }
    try AtomicFile.write(bytes, to: file)
  }
}

extension [Destination?] {
  /// As `Destination.check`, for all of a verb's.
  ///
  /// - Throws: `Failure` if two of them are standard output.
  func check() throws {
    let given = compactMap(\.self)
    guard given.count(where: \.isStandardOutput) <= 1 else {
      throw Failure.usage("two results cannot both go to standard output; name a file for one")
    }
    for destination in given { try destination.check() }
  }

  /// Prints what is for people: on standard output, or on standard error where that is taken.
  func say(_ text: String) {
    if compactMap(\.self).contains(where: \.isStandardOutput) {
      FileHandle.standardError.write(Data("\(text)\n".utf8))
    } else {
      print(text)
    }
  }
}

/// Files for an evaluation's records.
struct RecordOptions: ParsableArguments {
  @Option(help: "File for the records, a JSON array; - for standard output.")
  var json: Destination?

  @Option(help: "File for the records, a table with commas; - for standard output.")
  var csv: Destination?

  var destinations: [Destination?] { [json, csv] }
}
